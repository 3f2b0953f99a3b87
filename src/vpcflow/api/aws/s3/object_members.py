"""Between the members of requests and answers and what is kept of an object."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.store.objects import ObjectHeaders, StoredObject
from vpcflow.store.objects.checksum import ALGORITHMS, checksum

#: Members that are kept as they were said and given back.
SAID = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
    "ServerSideEncryption",
    "StorageClass",
)
#: For ``takes``.
TAKEN_OF_NEW = f"{' '.join(SAID)} Metadata Tagging ACL"
CHECKSUM_MEMBERS = tuple(f"Checksum{name}" for name in ALGORITHMS)
TAKEN_CHECKSUMS = f"{' '.join(CHECKSUM_MEMBERS)} ChecksumAlgorithm ContentMD5"
IGNORED_OF_NEW = {
    "RequestPayer": "nothing costs",
    "BucketKeyEnabled": "there are no keys",
}
IGNORED_OF_BODY = {"ContentLength": "the body's own length counts"}
METADATA_BYTES_MAX = 2048
OBJECT_TAGS_MAX = 10
TAG_KEY_LENGTH_MAX = 128
TAG_VALUE_LENGTH_MAX = 256
#: What keys and values of tags are made of.
TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")
DEFAULT_TYPE = "binary/octet-stream"
#: What AWS says of every object; here it is the disk that is encrypted, or not.
ENCRYPTION = "AES256"
STANDARD = "STANDARD"
#: Kept and shown; every object is there at once, whatever its class.
STORAGE_CLASSES = frozenset(
    {
        STANDARD,
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "GLACIER_IR",
        "DEEP_ARCHIVE",
    }
)


def described_by(call: Call) -> ObjectHeaders:
    """What a request says of a new object, but for its checksums.

    Errors: ServiceError ``MetadataTooLarge``, ``InvalidTag``, ``InvalidStorageClass``,
    ``NotImplemented``.
    """
    headers = {name: _text(call.get(name)) for name in SAID if call.get(name)}
    encodings = [part.strip() for part in headers.get("ContentEncoding", "").split(",")]
    left = ",".join(part for part in encodings if part and part != "aws-chunked")
    headers.pop("ContentEncoding", None)
    if left:
        headers["ContentEncoding"] = left
    headers.setdefault("ContentType", DEFAULT_TYPE)
    if headers.get("ServerSideEncryption", ENCRYPTION) != ENCRYPTION:
        raise ServiceError(
            "NotImplemented",
            f"Encryption {headers['ServerSideEncryption']} is not done here.",
        )
    if headers.get("StorageClass", STANDARD) not in STORAGE_CLASSES:
        raise ServiceError(
            "InvalidStorageClass",
            "The storage class you specified is not valid",
            fields={"StorageClassRequested": headers["StorageClass"]},
        )
    if headers.get("StorageClass") == STANDARD:
        del headers["StorageClass"]
    metadata = {name.lower(): str(value) for name, value in (call.get("Metadata") or {}).items()}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_BYTES_MAX:
        raise ServiceError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            fields={"Size": str(size), "MaxSizeAllowed": str(METADATA_BYTES_MAX)},
        )
    return ObjectHeaders(headers, metadata, tags_of_header(call.get("Tagging")))


def tags_of_header(text: str | None) -> dict[str, str]:
    """Tags as a header gives them: ``a=1&b=2``."""
    pairs = parse_qsl(text or "", keep_blank_values=True)
    plain = all(TAG_TEXT.fullmatch(part) for pair in pairs for part in pair)
    if not plain or len({key for key, _ in pairs}) != len(pairs):
        raise ServiceError(
            "InvalidArgument",
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query "
            "parameters without tag name duplicates.",
            fields={"ArgumentName": "x-amz-tagging", "ArgumentValue": str(text)},
        )
    return checked_tags([{"Key": key, "Value": value} for key, value in pairs])


def checked_tags(tag_set: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """An object's tags.

    Errors: ServiceError ``InvalidTag``, ``BadRequest``.
    """
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in tag_set}
    if len(tag_set) > OBJECT_TAGS_MAX:
        raise ServiceError("BadRequest", "Object tags cannot be greater than 10")
    check_each_tag(tag_set, "Your TagKey cannot be prefixed with aws:")
    return tags


def check_each_tag(tag_set: Sequence[Mapping[str, str]], of_aws: str) -> None:
    """Refuse tags that neither an object nor a bucket can have; ``of_aws`` refuses AWS's own.

    Errors: ServiceError ``InvalidTag``, which tells which tag.
    """
    seen: set[str] = set()
    for tag in tag_set:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        which = {"TagKey": key}
        if key in seen:
            message = "Cannot provide multiple Tags with the same key"
        elif not 1 <= len(key) <= TAG_KEY_LENGTH_MAX or not TAG_TEXT.fullmatch(key):
            message = "The TagKey you have provided is invalid"
        elif len(value) > TAG_VALUE_LENGTH_MAX or not TAG_TEXT.fullmatch(value):
            message, which = (
                "The TagValue you have provided is invalid",
                {**which, "TagValue": value},
            )
        elif key.startswith("aws:"):
            message = of_aws
        else:
            seen.add(key)
            continue
        raise ServiceError("InvalidTag", message, fields=which)


def body_of(call: Call) -> bytes:
    """The body of a request, which the dispatcher held to its Content-MD5 and its checksum."""
    return bytes(call.get("Body") or b"")


def checksums_of(call: Call, data: bytes, *, algorithm: str | None = None) -> dict[str, str]:
    """The checksum to keep of a body: the one that the request gives, else of an algorithm.

    Errors: ServiceError ``InvalidRequest``.
    """
    given = {name: str(call.get(name)) for name in CHECKSUM_MEMBERS if call.get(name)}
    if len(given) > 1:
        raise ServiceError(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    if given and data:
        return given
    member = next(iter(given), "")
    wanted = member.removeprefix("Checksum") or algorithm or call.get("ChecksumAlgorithm")
    if not wanted:
        return {}
    check_algorithm(wanted)
    return {f"Checksum{wanted}": checksum(wanted, [data])}


def check_algorithm(algorithm: str) -> None:
    """Refuse a checksum that is not done here.

    Errors: ServiceError ``InvalidRequest``.
    """
    if algorithm not in ALGORITHMS:
        raise ServiceError(
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid"
            f" types: [{', '.join(sorted(ALGORITHMS))}]",
        )


def read_members(found: StoredObject, *, with_checksums: bool) -> dict[str, Any]:
    """What GetObject and HeadObject say of a whole object."""
    described = found.described
    members: dict[str, Any] = {
        name: value for name, value in described.headers.items() if name != "Expires"
    }
    if "Expires" in described.headers:
        members["Expires"] = datetime.fromtimestamp(int(described.headers["Expires"]), UTC)
    members |= {
        "ServerSideEncryption": ENCRYPTION,
        "AcceptRanges": "bytes",
        "LastModified": found.modified_s,
        "ContentLength": found.size,
        "ETag": f'"{found.etag}"',
        "Metadata": dict(described.metadata),
    }
    if described.tags:
        members["TagCount"] = len(described.tags)
    if with_checksums:
        members |= checksum_members(described)
    return members


def storage_class(described: ObjectHeaders) -> str:
    """The storage class, as lists and attributes give it."""
    return described.headers.get("StorageClass", STANDARD)


def checksum_members(described: ObjectHeaders) -> dict[str, str]:
    """The checksums of an object, as answers give them."""
    if not described.checksums:
        return {}
    return {**described.checksums, "ChecksumType": described.checksum_type or "FULL_OBJECT"}


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return str(int(moment.timestamp()))
    return str(value)
