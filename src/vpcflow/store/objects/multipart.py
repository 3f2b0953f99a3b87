"""Multipart uploads: parts that become one object in one step."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.store.objects.object_store import Condition, ObjectStore, check_key, no_such_bucket
from vpcflow.store.objects.stored_object import ObjectHeaders, StoredObject

PART_NUMBER_MAX = 10_000
PART_BYTES_MIN = 5 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that has begun; ``facts`` are the caller's own: who began it, which checksum."""

    bucket: str
    key: str
    upload_id: str
    begun_s: int
    described: ObjectHeaders
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One part; ``etag`` without quotes."""

    number: int
    file: str
    size: int
    etag: str
    modified_s: int
    checksums: Mapping[str, str] = field(default_factory=dict)


def _new_id() -> str:
    """An id that comes after those that began before it in the same second."""
    return f"{time.monotonic_ns():016x}{secrets.token_urlsafe(36)}"


class MultipartUploads:
    """Uploads in parts of an object store.

    Errors: ServiceError as S3 words it (NoSuchUpload, InvalidPart, InvalidPartOrder,
    EntityTooSmall).
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._index = store.index

    def begin(
        self, bucket: str, key: str, described: ObjectHeaders, facts: Mapping[str, str]
    ) -> Upload:
        """Begin an upload."""
        check_key(key)
        now_s = int(self._store.clock.now_s())
        made = Upload(bucket, key, _new_id(), now_s, described, dict(facts))
        with self._index.writing() as change:
            if not change.execute("SELECT 1 FROM buckets WHERE name = ?", (bucket,)).fetchone():
                raise no_such_bucket(bucket)
            begun = change.execute("SELECT count(*) FROM uploads").fetchone()[0]
            if begun >= self._store.settings.uploads_max:
                raise ServiceError(
                    "TooManyMultipartUploads",
                    "There are as many unfinished uploads as the setting objects.uploads_max"
                    f" allows, {begun}: complete or abort some",
                )
            change.execute(
                "INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?)",
                (
                    bucket,
                    key.encode(),
                    made.upload_id,
                    now_s,
                    described.to_json(),
                    json.dumps(made.facts),
                ),
            )
        return made

    def get(self, bucket: str, key: str, upload_id: str) -> Upload:
        """An upload that has begun.

        Errors: ServiceError ``NoSuchUpload``.
        """
        row = self._index.row(_UPLOAD, (bucket, _key(key), upload_id))
        if row is None:
            raise no_such_upload(upload_id)
        return _upload(bucket, row)

    def put_part(
        self,
        upload: Upload,
        number: int,
        parts: Sequence[bytes | memoryview],
        checksums: Mapping[str, str] | None = None,
    ) -> Part:
        """Put a part, in place of one of that number."""
        size = sum(len(part) for part in parts)
        if not 1 <= number <= PART_NUMBER_MAX:
            raise ServiceError(
                "InvalidArgument",
                f"Part number must be an integer between 1 and {PART_NUMBER_MAX}, inclusive",
                fields={"ArgumentName": "partNumber", "ArgumentValue": str(number)},
            )
        with self._store.room(size):
            file, _, etag = self._store.content.write(upload.bucket, parts)
            made = Part(
                number, file, size, etag, int(self._store.clock.now_s()), dict(checksums or {})
            )
            try:
                replaced = self._commit_part(upload, made)
            except BaseException:
                self._store.content.remove([file])
                raise
        self._store.forget(replaced)
        return made

    def parts(self, upload: Upload) -> list[Part]:
        """The parts that are there, by number."""
        return [_part(row) for row in self._index.rows(_PARTS, (upload.upload_id,))]

    def complete(
        self,
        upload: Upload,
        wanted: Sequence[tuple[int, str]],
        described: ObjectHeaders,
        condition: Condition | None = None,
    ) -> StoredObject:
        """Make one object of parts, given by number and ETag; the others go."""
        store = self._store
        chosen = _choose(upload, {part.number: part for part in self.parts(upload)}, wanted)
        sizes = tuple(part.size for part in chosen)
        digest = hashlib.md5(usedforsecurity=False)
        for part in chosen:
            digest.update(bytes.fromhex(part.etag))
        with store.room(sum(sizes)):
            file = store.content.join(upload.bucket, [part.file for part in chosen])
            made = StoredObject(
                upload.bucket,
                upload.key,
                file,
                sum(sizes),
                f"{digest.hexdigest()}-{len(chosen)}",
                int(store.clock.now_s()),
                described,
                sizes,
            )
            gone: list[tuple[str, int]] = []
            try:
                with self._index.writing() as change:
                    gone.extend(self._end(change, upload))
                    store.place(change, made, condition, gone)
            except BaseException:
                store.content.remove([file])
                raise
        store.forget(gone)
        return made

    def abort(self, upload: Upload) -> None:
        """End an upload; its parts go."""
        with self._index.writing() as change:
            gone = self._end(change, upload)
        self._store.forget(gone)

    def is_begun(self, bucket: str, key: str, upload_id: str) -> bool:
        """Whether an upload of a key has begun."""
        return self._index.row(_UPLOAD, (bucket, _key(key), upload_id)) is not None

    def begun(
        self, bucket: str, *, prefix: str = "", after: tuple[str, str] = ("", "")
    ) -> list[Upload]:
        """The uploads of a bucket, by key and as they began, after a key (and id, if there is one)."""
        key, upload_id = after
        rows = self._index.rows(
            f"{_UPLOADS} WHERE bucket = ? ORDER BY key, begun_s, upload_id", (bucket,)
        )
        found = [_upload(bucket, row) for row in rows]
        ids = [upload.upload_id for upload in found if upload.key == key]
        passed = set(ids[: ids.index(upload_id) + 1]) if upload_id in ids else set()
        return [
            upload
            for upload in found
            if upload.key.startswith(prefix)
            and (
                upload.key.encode() > key.encode()
                or (upload.key == key and bool(passed) and upload.upload_id not in passed)
            )
        ]

    def _commit_part(self, upload: Upload, made: Part) -> list[tuple[str, int]]:
        with self._index.writing() as change:
            key = (upload.bucket, _key(upload.key), upload.upload_id)
            if change.execute(_UPLOAD, key).fetchone() is None:
                raise no_such_upload(upload.upload_id)
            replaced = change.execute(
                "SELECT file, size FROM parts WHERE upload_id = ? AND number = ?",
                (upload.upload_id, made.number),
            ).fetchall()
            change.execute(
                "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    upload.upload_id,
                    made.number,
                    made.file,
                    made.size,
                    made.etag,
                    made.modified_s,
                    json.dumps(made.checksums),
                ),
            )
        return list(replaced)

    def _end(self, change: Any, upload: Upload) -> list[tuple[str, int]]:
        key = (upload.bucket, _key(upload.key), upload.upload_id)
        if change.execute(_UPLOAD, key).fetchone() is None:
            raise no_such_upload(upload.upload_id)
        parts = change.execute(
            "SELECT file, size FROM parts WHERE upload_id = ?", (upload.upload_id,)
        ).fetchall()
        change.execute("DELETE FROM parts WHERE upload_id = ?", (upload.upload_id,))
        change.execute("DELETE FROM uploads WHERE bucket = ? AND key = ? AND upload_id = ?", key)
        return list(parts)


_UPLOADS = "SELECT key, upload_id, begun_s, described, facts FROM uploads"
_UPLOAD = f"{_UPLOADS} WHERE bucket = ? AND key = ? AND upload_id = ?"
_PARTS = (
    "SELECT number, file, size, etag, modified_s, checksums FROM parts"
    " WHERE upload_id = ? ORDER BY number"
)


def no_such_upload(upload_id: str) -> ServiceError:
    """There is no upload of that id."""
    return ServiceError(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have"
        " been aborted or completed.",
        status=404,
        fields={"UploadId": upload_id},
    )


def _choose(
    upload: Upload, there: Mapping[int, Part], wanted: Sequence[tuple[int, str]]
) -> list[Part]:
    numbers = [number for number, _ in wanted]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise ServiceError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
            fields={"UploadId": upload.upload_id},
        )
    chosen = []
    for number, etag in wanted:
        part = there.get(number)
        if part is None or part.etag != etag.strip('"'):
            raise ServiceError(
                "InvalidPart",
                "One or more of the specified parts could not be found.  The part may not have been"
                " uploaded, or the specified entity tag may not match the part's entity tag.",
                fields={
                    "UploadId": upload.upload_id,
                    "PartNumber": str(number),
                    "ETag": etag.strip('"'),
                },
            )
        chosen.append(part)
    for part in chosen[:-1]:
        if part.size < PART_BYTES_MIN:
            raise ServiceError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                fields={
                    "ProposedSize": str(part.size),
                    "MinSizeAllowed": str(PART_BYTES_MIN),
                    "PartNumber": str(part.number),
                    "ETag": part.etag,
                },
            )
    return chosen


def _key(key: str) -> bytes:
    return key.encode(errors="surrogateescape")


def _part(row: Any) -> Part:
    number, file, size, etag, modified_s, checksums = row
    return Part(number, file, size, etag, modified_s, json.loads(checksums))


def _upload(bucket: str, row: Any) -> Upload:
    key, upload_id, begun_s, described, facts = row
    return Upload(
        bucket,
        bytes(key).decode(),
        upload_id,
        begun_s,
        ObjectHeaders.from_json(described),
        json.loads(facts),
    )
