"""Objects in buckets on the local disk: put whole, read, listed, deleted."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import ServiceError, StoreError
from vpcflow.store.object_store_settings import ObjectStoreSettings
from vpcflow.store.objects.content import COPY_BYTES, ContentFiles
from vpcflow.store.objects.index import ObjectIndex
from vpcflow.store.objects.listing import ObjectPage, list_page
from vpcflow.store.objects.stored_object import ROW, ObjectHeaders, StoredObject

OBJECTS_FOLDER = "objects"
KEY_BYTES_MAX = 1024
#: How often a reader looks again for content that was replaced between two steps.
_READ_TRIES = 5
#: Content this much younger than the start of a clean-up may still be on its way to its row.
_ORPHAN_AGE_S = 3600.0
#: Names of content that are compared with the index at once.
_ORPHANS_AT_ONCE_MAX = 200_000
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")

#: A condition on the object that is there (None: there is none), which raises to refuse.
Condition = Callable[[StoredObject | None], None]


class ObjectStore:
    """All buckets' objects below one folder.

    Shape: safe for any number of threads of one process. Any text up to 1,024 bytes is a key.
    What a call has done is on the disk when it returns, and a killed process leaves the object
    from before or the new one.
    Errors: ServiceError as S3 words it (NoSuchBucket, NoSuchKey, KeyTooLongError, EntityTooLarge),
    StoreError when the disk says no.
    """

    def __init__(
        self,
        folder: Path,
        settings: ObjectStoreSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings or ObjectStoreSettings()
        self.clock = clock or SystemClock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the folder of objects: {error.strerror}", where=str(folder)
            ) from error
        self.content = ContentFiles(folder)
        self.index = ObjectIndex(folder)
        self._lock = threading.Lock()
        self._used = self._count()

    @property
    def used_bytes(self) -> int:
        """Bytes of all objects and unfinished uploads."""
        return self._used

    def create_bucket(self, bucket: str) -> None:
        """Make room for a bucket's objects; nothing happens when it is there."""
        if not _BUCKET.fullmatch(bucket):
            raise ServiceError("InvalidBucketName", "The specified bucket is not valid.")
        with self.index.writing() as change:
            change.execute("INSERT OR IGNORE INTO buckets VALUES (?)", (bucket,))

    def delete_bucket(self, bucket: str) -> None:
        """Remove a bucket that holds no object; its unfinished uploads go with it.

        Errors: ServiceError ``BucketNotEmpty``.
        """
        with self.index.writing() as change:
            if change.execute("SELECT 1 FROM objects WHERE bucket = ?", (bucket,)).fetchone():
                raise ServiceError(
                    "BucketNotEmpty",
                    "The bucket you tried to delete is not empty",
                    status=409,
                    fields={"BucketName": bucket},
                )
            parts = change.execute(
                "SELECT file, size FROM parts WHERE upload_id IN"
                " (SELECT upload_id FROM uploads WHERE bucket = ?)",
                (bucket,),
            ).fetchall()
            change.execute(
                "DELETE FROM parts WHERE upload_id IN"
                " (SELECT upload_id FROM uploads WHERE bucket = ?)",
                (bucket,),
            )
            change.execute("DELETE FROM uploads WHERE bucket = ?", (bucket,))
            change.execute("DELETE FROM buckets WHERE name = ?", (bucket,))
        self.forget(parts)

    def has_bucket(self, bucket: str) -> bool:
        """Whether there is room for a bucket's objects."""
        return self.index.row("SELECT 1 FROM buckets WHERE name = ?", (bucket,)) is not None

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str = "binary/octet-stream",
        content_encoding: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> StoredObject:
        """Put one object, in place of one that has the key; for the delivery of flow logs."""
        headers = {"ContentType": content_type}
        if content_encoding:
            headers["ContentEncoding"] = content_encoding
        return self.put_described(bucket, key, [data], ObjectHeaders(headers, metadata or {}))

    def put_described(
        self,
        bucket: str,
        key: str,
        parts: Sequence[bytes | memoryview],
        described: ObjectHeaders,
        condition: Condition | None = None,
    ) -> StoredObject:
        """Put one object with all that is said of it, if the condition holds when it is done."""
        check_key(key)
        size = sum(len(part) for part in parts)
        self._look(bucket, key, condition)
        with self.room(size):
            file, _, etag = self.content.write(bucket, parts)
            made = StoredObject(bucket, key, file, size, etag, int(self.clock.now_s()), described)
            self.commit(made, condition)
        return made

    def copy(
        self,
        source: StoredObject,
        bucket: str,
        key: str,
        described: ObjectHeaders,
        condition: Condition | None = None,
    ) -> StoredObject:
        """Put an object with the content of another one."""
        check_key(key)
        with self.room(source.size):
            with self.open(source) as (found, file):
                name, size, etag = self.content.write(bucket, _pieces(file, 0, found.size))
            made = StoredObject(bucket, key, name, size, etag, int(self.clock.now_s()), described)
            self.commit(made, condition)
        return made

    def describe(
        self, bucket: str, key: str, described: Callable[[ObjectHeaders], ObjectHeaders]
    ) -> StoredObject:
        """Change what is said of an object; its content and its date stay.

        Errors: ServiceError ``NoSuchKey``.
        """
        with self.index.writing() as change:
            found = _one(change, bucket, key)
            if found is None:
                raise no_such_key(key)
            change.execute(
                "UPDATE objects SET described = ? WHERE bucket = ? AND key = ?",
                (described(found.described).to_json(), bucket, key.encode()),
            )
            changed = _one(change, bucket, key)
        assert changed is not None
        return changed

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """An object; None when there is none of that key."""
        row = self.index.row(
            f"SELECT {ROW} FROM objects WHERE bucket = ? AND key = ?",  # noqa: S608
            (bucket, key.encode(errors="surrogateescape")),
        )
        return None if row is None else StoredObject.from_row(bucket, row)

    def get(self, bucket: str, key: str) -> StoredObject:
        """An object.

        Errors: ServiceError ``NoSuchKey``.
        """
        found = self.find(bucket, key)
        if found is None:
            raise no_such_key(key)
        return found

    @contextmanager
    def open(self, wanted: StoredObject) -> Iterator[tuple[StoredObject, BinaryIO]]:
        """An object's content, and the object that it is of: a newer one when it was replaced."""
        found, file = self.open_file(wanted)
        try:
            yield found, file
        finally:
            file.close()

    def open_file(self, wanted: StoredObject) -> tuple[StoredObject, BinaryIO]:
        """The same for a caller who closes the file."""
        found = wanted
        for _ in range(_READ_TRIES):
            try:
                return found, self.content.open(found.file)
            except FileNotFoundError:
                newer = self.get(found.bucket, found.key)
                if newer.file == found.file:
                    break
                found = newer
        raise StoreError(
            "an object's content is not on the disk",
            where=str(self.content.path(found.file)),
            hint="restore the folder of objects from a copy, or delete the object",
        )

    def read(
        self, wanted: StoredObject, start: int = 0, end: int | None = None
    ) -> tuple[StoredObject, bytes]:
        """Bytes ``start`` up to ``end`` (exclusive), and the object that they are of."""
        with self.open(wanted) as (found, file):
            file.seek(start)
            return found, file.read((found.size if end is None else end) - start)

    def delete(self, bucket: str, keys: Iterable[str], condition: Condition | None = None) -> None:
        """Delete objects, all in one step; a key that is not there is no fault."""
        removed: list[tuple[str, int]] = []
        with self.index.writing() as change:
            for key in keys:
                found = _one(change, bucket, key)
                if condition is not None:
                    condition(found)
                if found is not None:
                    removed.append((found.file, found.size))
                    change.execute(
                        "DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key.encode())
                    )
        self.forget(removed)

    def keys(
        self,
        bucket: str,
        *,
        prefix: str = "",
        delimiter: str = "",
        after: str = "",
        limit: int = 1000,
    ) -> ObjectPage:
        """One page of a bucket's keys; see ``list_page``."""
        return list_page(
            self.index, bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit
        )

    def remove_orphans(self) -> int:
        """Remove content that a killed process left without a row: how many files.

        Shape: leaves alone what is young, so it may run beside everything else.
        """
        names = iter(self.content.names_older_than(self.clock.now_s() - _ORPHAN_AGE_S))
        removed = 0
        while there := set(islice(names, _ORPHANS_AT_ONCE_MAX)):
            for table in ("objects", "parts"):
                there.difference_update(
                    row[0]
                    for row in self.index.each(f"SELECT file FROM {table}")  # noqa: S608
                )
            self.content.remove(there)
            removed += len(there)
        return removed

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Room for new content, given back when the block fails.

        Errors: ServiceError ``EntityTooLarge``.
        """
        if size > self.settings.object_bytes_max:
            raise ServiceError(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
                fields={
                    "ProposedSize": str(size),
                    "MaxSizeAllowed": str(self.settings.object_bytes_max),
                },
            )
        with self._lock:
            if self._used + size > self.settings.objects_bytes_max:
                raise ServiceError(
                    "EntityTooLarge",
                    "The buckets here hold as much as the setting objects.objects_bytes_max"
                    f" allows, {self.settings.objects_bytes_max} bytes",
                    fields={"ProposedSize": str(size)},
                )
            self._used += size
        try:
            yield
        except BaseException:
            with self._lock:
                self._used -= size
            raise

    def commit(self, made: StoredObject, condition: Condition | None) -> None:
        """Make written content an object; if that is refused, the content goes."""
        replaced: list[tuple[str, int]] = []
        try:
            with self.index.writing() as change:
                self.place(change, made, condition, replaced)
        except BaseException:
            self.content.remove([made.file])
            raise
        self.forget(replaced)

    def place(
        self,
        change: sqlite3.Connection,
        made: StoredObject,
        condition: Condition | None,
        replaced: list[tuple[str, int]],
    ) -> None:
        """Write an object's row within a transaction; notes the content that it replaces."""
        execute = change.execute
        if not execute("SELECT 1 FROM buckets WHERE name = ?", (made.bucket,)).fetchone():
            raise no_such_bucket(made.bucket)
        found = _one(change, made.bucket, made.key)
        if condition is not None:
            condition(found)
        if found is not None:
            replaced.append((found.file, found.size))
        execute(
            f"INSERT OR REPLACE INTO objects (bucket, {ROW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                made.bucket,
                made.key.encode(),
                made.file,
                made.size,
                made.etag,
                made.modified_s,
                made.described.to_json(),
                ",".join(str(part) for part in made.part_sizes),
            ),
        )

    def forget(self, gone: Iterable[tuple[str, int]]) -> None:
        """Remove content whose rows are gone, and count its room as free."""
        files = list(gone)
        self.content.remove(file for file, _ in files)
        with self._lock:
            self._used -= sum(size for _, size in files)

    def _look(self, bucket: str, key: str, condition: Condition | None) -> None:
        """Refuse early what would be refused late, before anything is written."""
        if not self.has_bucket(bucket):
            raise no_such_bucket(bucket)
        if condition is not None:
            condition(self.find(bucket, key))

    def _count(self) -> int:
        total = "SELECT coalesce(sum(size), 0) FROM"
        return sum(
            int((self.index.row(f"{total} {table}") or (0,))[0]) for table in ("objects", "parts")
        )


def check_key(key: str) -> None:
    """Refuse a key that is empty, too long or no text.

    Errors: ServiceError ``KeyTooLongError``, ``InvalidArgument``.
    """
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise ServiceError("InvalidURI", "Couldn't parse the specified URI.") from error
    if size > KEY_BYTES_MAX:
        raise ServiceError(
            "KeyTooLongError",
            "Your key is too long",
            fields={"Size": str(size), "MaxSizeAllowed": str(KEY_BYTES_MAX)},
        )
    if not key:
        raise ServiceError("InvalidArgument", "An object's key has at least one character.")


def no_such_key(key: str) -> ServiceError:
    """There is no object of that key."""
    return ServiceError(
        "NoSuchKey", "The specified key does not exist.", status=404, fields={"Key": key}
    )


def no_such_bucket(bucket: str) -> ServiceError:
    """There is no bucket of that name."""
    return ServiceError(
        "NoSuchBucket",
        "The specified bucket does not exist",
        status=404,
        fields={"BucketName": bucket},
    )


def _one(change: sqlite3.Connection, bucket: str, key: str) -> StoredObject | None:
    row = change.execute(
        f"SELECT {ROW} FROM objects WHERE bucket = ? AND key = ?",  # noqa: S608
        (bucket, key.encode(errors="surrogateescape")),
    ).fetchone()
    return None if row is None else StoredObject.from_row(bucket, row)


def _pieces(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    left = end - start
    while left > 0 and (piece := file.read(min(COPY_BYTES, left))):
        left -= len(piece)
        yield piece
