"""Lists of objects: both forms, and that of versions, of which there is one each."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import quote

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access, check_encoding, owner_of
from vpcflow.api.aws.s3.object_members import storage_class
from vpcflow.base.errors import ServiceError
from vpcflow.control.buckets import Bucket
from vpcflow.store.objects import ObjectStore, StoredObject
from vpcflow.store.objects.listing import ObjectPage

KEYS_MAX = 1000
_IGNORED = {
    "RequestPayer": "nothing costs",
    "OptionalObjectAttributes": "nothing is restored from an archive",
}
#: What stays as it is in a key that is given URL-encoded.
_PLAIN = "/*-._~"


class ListingOperations:
    """The handlers of lists."""

    def __init__(self, access: Access, store: ObjectStore) -> None:
        self._access = access
        self._store = store

    def operations(self) -> list[Operation]:
        """All of them."""
        both = "Bucket Delimiter EncodingType MaxKeys Prefix ExpectedBucketOwner"
        return [
            Operation(
                "ListObjectsV2",
                self.list_objects_v2,
                f"{both} ContinuationToken FetchOwner StartAfter",
                _IGNORED,
                action="s3:ListBucket",
                authorizes_itself=True,
            ),
            Operation(
                "ListObjects",
                self.list_objects,
                f"{both} Marker",
                _IGNORED,
                action="s3:ListBucket",
                authorizes_itself=True,
            ),
            Operation(
                "ListObjectVersions",
                self.list_versions,
                f"{both} KeyMarker VersionIdMarker",
                _IGNORED,
                action="s3:ListBucketVersions",
                authorizes_itself=True,
                note="the one version of each object",
            ),
        ]

    def list_objects_v2(self, call: Call) -> Result:
        """Keys by token."""
        bucket = self._access.bucket(call, "ListBucket")
        token, start_after = call.get("ContinuationToken"), call.get("StartAfter")
        after = _open_token(token) if token is not None else start_after or ""
        found, limit = self._page(call, after)
        encode = _encoder(call)
        owner = bucket if call.get("FetchOwner") else None
        answer = self._answer(call, found, limit, encode, owner)
        answer |= {
            "KeyCount": len(found.objects) + len(found.prefixes),
            "ContinuationToken": token,
            "NextContinuationToken": _close_token(found.last) if found.more else None,
            "StartAfter": encode(start_after) if start_after and token is None else None,
        }
        return answer

    def list_objects(self, call: Call) -> Result:
        """Keys by marker."""
        bucket = self._access.bucket(call, "ListBucket")
        marker = call.get("Marker") or ""
        found, limit = self._page(call, marker)
        encode = _encoder(call)
        answer = self._answer(call, found, limit, encode, bucket)
        folded = found.more and call.get("Delimiter")
        answer |= {
            "Marker": encode(marker),
            "NextMarker": encode(found.last) if folded else None,
        }
        return answer

    def list_versions(self, call: Call) -> Result:
        """Keys as versions."""
        bucket = self._access.bucket(call, "ListBucketVersions")
        marker = call.get("KeyMarker") or ""
        found, limit = self._page(call, marker)
        encode = _encoder(call)
        answer = self._answer(call, found, limit, encode, bucket)
        versions = [
            {**listed, "IsLatest": True, "VersionId": "null"}
            for listed in answer.pop("Contents") or ()
        ]
        answer |= {
            "Versions": versions or None,
            "KeyMarker": encode(marker),
            "VersionIdMarker": call.get("VersionIdMarker") or "",
            "NextKeyMarker": encode(found.last) if found.more else None,
            "NextVersionIdMarker": "null" if found.more and found.objects else None,
        }
        return answer

    def _page(self, call: Call, after: str) -> tuple[ObjectPage, int]:
        limit = call.get("MaxKeys")
        limit = KEYS_MAX if limit is None else int(limit)
        if limit < 0:
            raise ServiceError(
                "InvalidArgument",
                "Argument maxKeys must be an integer between 0 and 2147483647",
                fields={"ArgumentName": "maxKeys", "ArgumentValue": str(limit)},
            )
        found = self._store.keys(
            call.parameters["Bucket"],
            prefix=call.get("Prefix") or "",
            delimiter=call.get("Delimiter") or "",
            after=after,
            limit=min(limit, KEYS_MAX),
        )
        return found, limit

    @staticmethod
    def _answer(
        call: Call, found: ObjectPage, limit: int, encode: Any, owner: Bucket | None
    ) -> dict[str, Any]:
        contents = [_listed(one, encode, owner) for one in found.objects]
        delimiter = call.get("Delimiter")
        return {
            "IsTruncated": found.more,
            "Contents": contents or None,
            "Name": call.parameters["Bucket"],
            "Prefix": encode(call.get("Prefix") or ""),
            "Delimiter": encode(delimiter) if delimiter else None,
            "MaxKeys": min(limit, KEYS_MAX),
            "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in found.prefixes] or None,
            "EncodingType": call.get("EncodingType") or None,
        }


def _listed(one: StoredObject, encode: Any, owner: Bucket | None) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "Key": encode(one.key),
        "LastModified": one.modified_s,
        "ETag": f'"{one.etag}"',
        "Size": one.size,
        "StorageClass": storage_class(one.described),
    }
    if one.described.checksums:
        listed["ChecksumAlgorithm"] = [
            name.removeprefix("Checksum") for name in one.described.checksums
        ]
        listed["ChecksumType"] = one.described.checksum_type
    if owner is not None:
        listed["Owner"] = owner_of(owner.account_id)
    return listed


def _encoder(call: Call) -> Any:
    check_encoding(call)
    if call.get("EncodingType") == "url":
        return lambda text: quote(text, safe=_PLAIN)
    return lambda text: text


def _close_token(last: str) -> str:
    return base64.urlsafe_b64encode(b"1" + last.encode(errors="surrogateescape")).decode()


def _open_token(token: str) -> str:
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except (ValueError, binascii.Error):
        raw = b""
    if raw[:1] != b"1":
        raise ServiceError(
            "InvalidArgument",
            "The continuation token provided is incorrect",
            fields={"ArgumentName": "continuation-token"},
        )
    return raw[1:].decode(errors="surrogateescape")
