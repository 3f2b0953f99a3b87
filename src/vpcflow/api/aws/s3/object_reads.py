"""Objects, read: content, head, attributes, tags and access list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access
from vpcflow.api.aws.s3.bucket_operations import owner_acl
from vpcflow.api.aws.s3.conditions import byte_range, check_read
from vpcflow.api.aws.s3.object_members import read_members, storage_class
from vpcflow.base.errors import ServiceError
from vpcflow.control.buckets import Bucket
from vpcflow.store.objects import ObjectStore, StoredObject

#: Content up to this size is read at once, what is larger while it is sent.
READ_AT_ONCE_BYTES = 8 << 20
_PIECE_BYTES = 1 << 20
_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
_PAYER = {"RequestPayer": "nothing costs"}
_ASKED = "Bucket Key VersionId ExpectedBucketOwner"


class ObjectReads:
    """The handlers that change nothing."""

    def __init__(self, access: Access, store: ObjectStore) -> None:
        self._access = access
        self._store = store

    def operations(self) -> list[Operation]:
        """All of them."""
        reading = (
            f"{_ASKED} IfMatch IfModifiedSince IfNoneMatch IfUnmodifiedSince Range PartNumber"
            f" ChecksumMode {' '.join(_OVERRIDES)}"
        )
        own = True
        return [
            Operation("GetObject", self.get, reading, _PAYER, authorizes_itself=own),
            Operation(
                "HeadObject", self.head, reading, _PAYER, "s3:GetObject", authorizes_itself=own
            ),
            Operation(
                "GetObjectAttributes",
                self.attributes,
                f"{_ASKED} ObjectAttributes MaxParts PartNumberMarker",
                _PAYER,
                authorizes_itself=own,
            ),
            Operation("GetObjectTagging", self.get_tagging, _ASKED, _PAYER, authorizes_itself=own),
            Operation("GetObjectAcl", self.get_acl, _ASKED, _PAYER, authorizes_itself=own),
        ]

    def get(self, call: Call) -> Result:
        """An object's content, or a part of it."""
        _, wanted = self._found(call, "GetObject")
        self._members(call, wanted)
        # What was opened stays as it is, so that what is said is of what is given.
        found, file = self._store.open_file(wanted)
        try:
            members, (start, end) = self._members(call, found)
            file.seek(start)
            if end - start > READ_AT_ONCE_BYTES:
                members["Body"] = _pieces(file, end - start)
                return members
            members["Body"] = file.read(end - start)
        except BaseException:
            file.close()
            raise
        file.close()
        return members

    def head(self, call: Call) -> Result:
        """All but the content."""
        _, found = self._found(call, "GetObject")
        return self._members(call, found)[0]

    def attributes(self, call: Call) -> Result:
        """Chosen facts."""
        _, found = self._found(call, "GetObjectAttributes")
        sizes = found.part_sizes
        facts: dict[str, Any] = {
            "ETag": found.etag,
            "ObjectSize": found.size,
            "StorageClass": storage_class(found.described),
            "Checksum": {
                **found.described.checksums,
                "ChecksumType": found.described.checksum_type or "FULL_OBJECT",
            }
            if found.described.checksums
            else None,
            "ObjectParts": {"TotalPartsCount": len(sizes)} if sizes else None,
        }
        wanted = call.get("ObjectAttributes") or ()
        answer = {name: value for name, value in facts.items() if name in wanted}
        return {**answer, "LastModified": found.modified_s}

    def get_tagging(self, call: Call) -> Result:
        """An object's tags."""
        _, found = self._found(call, "GetObjectTagging")
        tags = found.described.tags
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def get_acl(self, call: Call) -> Result:
        """The bucket's owner may do everything."""
        bucket, _ = self._found(call, "GetObjectAcl")
        return owner_acl(bucket)

    def _found(self, call: Call, action: str) -> tuple[Bucket, StoredObject]:
        bucket = self._access.object(call, action)
        check_version(call.get("VersionId"))
        key = call.parameters["Key"]
        return bucket, self._access.looked_up(
            call, bucket, lambda: self._store.get(bucket.name, key)
        )

    def _members(self, call: Call, found: StoredObject) -> tuple[dict[str, Any], tuple[int, int]]:
        check_read(found, call.parameters, call.now_s)
        wanted = byte_range(call.get("Range"), found.size)
        number = call.get("PartNumber")
        if number is not None:
            if wanted is not None:
                raise ServiceError(
                    "InvalidRequest",
                    "Cannot specify both Range header and partNumber query parameter",
                )
            wanted = _part_range(found, int(number))
        whole = wanted in (None, (0, found.size - 1))
        checked = (call.get("ChecksumMode") or "").upper() == "ENABLED" and whole
        members = read_members(found, with_checksums=checked)
        for parameter, member in _OVERRIDES.items():
            if call.get(parameter):
                members[member] = _header_value(parameter, call.get(parameter))
        if number is not None and found.part_sizes:
            members["PartsCount"] = len(found.part_sizes)
        if wanted is None:
            return members, (0, found.size)
        first, last = wanted
        if found.size:
            members["ContentRange"] = f"bytes {first}-{last}/{found.size}"
        members["ContentLength"] = last + 1 - first
        return members, (first, last + 1)


def _header_value(parameter: str, value: Any) -> Any:
    """What a header is to say.

    Errors: ServiceError ``InvalidArgument`` for what no header can.
    """
    if isinstance(value, str):
        try:
            value.encode("latin-1")
        except UnicodeEncodeError:
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", parameter).lower()
            raise ServiceError(
                "InvalidArgument",
                "Header value cannot be represented using ISO-8859-1.",
                fields={"ArgumentName": name, "ArgumentValue": value},
            ) from None
    return value


def check_version(version_id: str | None) -> None:
    """Refuse any version but the one there is.

    Errors: ServiceError ``InvalidArgument``.
    """
    if version_id not in (None, "", "null"):
        raise ServiceError(
            "InvalidArgument",
            "Invalid version id specified",
            fields={"ArgumentName": "versionId", "ArgumentValue": str(version_id)},
        )


def _pieces(file: BinaryIO, length: int) -> Iterator[bytes]:
    """The next bytes of a file, which is closed then."""
    with file:
        while length > 0 and (piece := file.read(min(_PIECE_BYTES, length))):
            length -= len(piece)
            yield piece


def _part_range(found: StoredObject, number: int) -> tuple[int, int]:
    sizes = found.part_sizes or (found.size,)
    if not 1 <= number <= len(sizes):
        raise ServiceError(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=416,
            fields={"PartNumberRequested": str(number), "ActualPartCount": str(len(sizes))},
        )
    first = sum(sizes[: number - 1])
    return first, first + sizes[number - 1] - 1
