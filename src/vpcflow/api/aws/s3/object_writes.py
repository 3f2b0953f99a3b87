"""Objects, written: put, copied, deleted, tagged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access, access_denied
from vpcflow.api.aws.s3.bucket_operations import NO_GRANTS, NO_GRANTS_OF_NEW, refuse_other_acl
from vpcflow.api.aws.s3.conditions import check_read, precondition_failed, write_condition
from vpcflow.api.aws.s3.kept_documents import CHECKED_BY_PROTOCOL
from vpcflow.api.aws.s3.object_members import (
    ENCRYPTION,
    IGNORED_OF_BODY,
    IGNORED_OF_NEW,
    STANDARD,
    TAKEN_CHECKSUMS,
    TAKEN_OF_NEW,
    body_of,
    check_algorithm,
    checked_tags,
    checksum_members,
    checksums_of,
    described_by,
    storage_class,
)
from vpcflow.api.aws.s3.object_reads import check_version
from vpcflow.base.errors import ServiceError
from vpcflow.control.buckets import Bucket
from vpcflow.store.objects import ObjectHeaders, ObjectStore, StoredObject
from vpcflow.store.objects.checksum import checksum
from vpcflow.store.objects.object_store import no_such_key

DELETE_KEYS_MAX = 1000
_ASKED = "Bucket Key ExpectedBucketOwner"
_SOURCE = "x-amz-copy-source"
_WHOLE = "FULL_OBJECT"
_PIECE_BYTES = 1 << 20
#: What lets an object be copied to itself.
_CHANGING = ("ServerSideEncryption", "StorageClass", "WebsiteRedirectLocation")
_IGNORED = {**IGNORED_OF_NEW, **NO_GRANTS_OF_NEW}
_DELETING = {
    "RequestPayer": "nothing costs",
    "MFA": "there are no versions",
    "BypassGovernanceRetention": "nothing is locked",
}


class ObjectWrites:
    """The handlers that change objects."""

    def __init__(self, access: Access, store: ObjectStore) -> None:
        self._access = access
        self._store = store

    def operations(self) -> list[Operation]:
        """All of them."""
        copying = " ".join(
            f"CopySource{name}"
            for name in ("", "IfMatch", "IfModifiedSince", "IfNoneMatch", "IfUnmodifiedSince")
        )
        own = True
        return [
            Operation(
                "PutObject",
                self.put,
                f"{_ASKED} Body IfMatch IfNoneMatch {TAKEN_OF_NEW} {TAKEN_CHECKSUMS}",
                {**_IGNORED, **IGNORED_OF_BODY},
                authorizes_itself=own,
            ),
            Operation(
                "CopyObject",
                self.copy,
                f"{_ASKED} {copying} ExpectedSourceBucketOwner MetadataDirective TaggingDirective"
                f" IfMatch IfNoneMatch ChecksumAlgorithm {TAKEN_OF_NEW}",
                _IGNORED,
                "s3:PutObject",
                authorizes_itself=own,
            ),
            Operation(
                "DeleteObject",
                self.delete,
                f"{_ASKED} VersionId IfMatch",
                _DELETING,
                authorizes_itself=own,
            ),
            Operation(
                "DeleteObjects",
                self.delete_many,
                "Bucket Delete ExpectedBucketOwner",
                {**_DELETING, "ChecksumAlgorithm": CHECKED_BY_PROTOCOL["ChecksumAlgorithm"]},
                "s3:DeleteObject",
                authorizes_itself=own,
            ),
            Operation(
                "PutObjectTagging",
                self.put_tagging,
                f"{_ASKED} VersionId Tagging",
                {**CHECKED_BY_PROTOCOL, "RequestPayer": "nothing costs"},
                authorizes_itself=own,
            ),
            Operation(
                "DeleteObjectTagging",
                self.delete_tagging,
                f"{_ASKED} VersionId",
                authorizes_itself=own,
            ),
            Operation(
                "PutObjectAcl",
                self.put_acl,
                f"{_ASKED} VersionId ACL AccessControlPolicy",
                {**NO_GRANTS, **CHECKED_BY_PROTOCOL, "RequestPayer": "nothing costs"},
                authorizes_itself=own,
                note="accepted where it grants the owner alone",
            ),
        ]

    def put(self, call: Call) -> Result:
        """Put an object."""
        bucket = self._access.object(call, "PutObject")
        refuse_other_acl(call, bucket)
        key, described, data = call.parameters["Key"], described_by(call), body_of(call)
        described = replace(
            described, checksums=checksums_of(call, data), checksum_type="FULL_OBJECT"
        )
        made = self._store.put_described(
            bucket.name, key, [data], described, write_condition(call.parameters, key)
        )
        return {**written_members(made), **checksum_members(described)}

    def copy(self, call: Call) -> Result:
        """Put an object with the content of another."""
        bucket = self._access.object(call, "PutObject")
        refuse_other_acl(call, bucket)
        _, source = self.source(call)
        check_read(source, call.parameters, call.now_s, copying=True)
        key = call.parameters["Key"]
        said = described_by(call)
        anew = call.get("MetadataDirective") == "REPLACE"
        other_tags = call.get("TaggingDirective") == "REPLACE"
        same = (source.bucket, source.key) == (bucket.name, key)
        changes = anew or any(call.get(name) for name in _CHANGING)
        if same and not changes and storage_class(source.described) == STANDARD:
            raise ServiceError(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself"
                " without changing the object's metadata, storage class, website redirect location"
                " or encryption attributes.",
            )
        described = ObjectHeaders(
            said.headers if anew else _copied_headers(source, said),
            said.metadata if anew else source.described.metadata,
            said.tags if other_tags else source.described.tags,
            self._copied_checksums(call, source),
            "FULL_OBJECT",
        )
        made = self._store.copy(
            source, bucket.name, key, described, write_condition(call.parameters, key)
        )
        result = {
            "ETag": f'"{made.etag}"',
            "LastModified": made.modified_s,
            **checksum_members(described),
        }
        return {"CopyObjectResult": result, "ServerSideEncryption": ENCRYPTION}

    def _copied_checksums(self, call: Call, source: StoredObject) -> Mapping[str, str]:
        """The source's checksum, or the one that the call asks for."""
        held, is_whole = source.described.checksums, source.described.checksum_type == _WHOLE
        kept = held if is_whole else {}
        # A checksum over the parts' checksums becomes one over all bytes.
        over_parts = "" if is_whole else next(iter(held), "").removeprefix("Checksum")
        algorithm = call.get("ChecksumAlgorithm") or over_parts
        if not algorithm or f"Checksum{algorithm}" in kept:
            return kept
        check_algorithm(algorithm)
        _, file = self._store.open_file(source)
        with file:
            made = checksum(algorithm, iter(lambda: file.read(_PIECE_BYTES), b""))
        return {f"Checksum{algorithm}": made}

    def source(self, call: Call) -> tuple[Bucket, StoredObject]:
        """The object that a call copies, if its caller may read it."""
        text, _, version = str(call.get("CopySource", "")).partition("?versionId=")
        check_version(version or None)
        name, _, key = unquote(text).removeprefix("/").partition("/")
        if not name or not key:
            raise ServiceError(
                "InvalidArgument",
                "Invalid copy source object key",
                fields={"ArgumentName": _SOURCE, "ArgumentValue": _SOURCE},
            )
        bucket = self._access.buckets.get(name)
        if call.get("ExpectedSourceBucketOwner") not in (None, bucket.account_id):
            raise access_denied()
        self._access.require(call, bucket, "GetObject", f"{bucket.arn}/{key}")
        return bucket, self._access.looked_up(call, bucket, lambda: self._store.get(name, key))

    def delete(self, call: Call) -> Result:
        """Delete an object; that there is none is no fault."""
        bucket = self._access.object(call, "DeleteObject")
        check_version(call.get("VersionId"))
        match, key = call.get("IfMatch"), call.parameters["Key"]

        def condition(found: StoredObject | None) -> None:
            if match is not None and match != "*":
                if found is None:
                    raise no_such_key(key)
                if match.strip('"') != found.etag:
                    raise precondition_failed("If-Match")

        self._store.delete(bucket.name, [key], condition)
        return None

    def delete_many(self, call: Call) -> Result:
        """Delete objects."""
        bucket = self._access.find(call)
        asked = call.get("Delete") or {}
        objects = asked.get("Objects") or []
        if not 1 <= len(objects) <= DELETE_KEYS_MAX:
            raise ServiceError(
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our"
                " published schema",
            )
        allowed: list[str] = []
        errors: list[dict[str, str]] = []
        for one in objects:
            refusal = self._refusal(call, bucket, one)
            if refusal is None:
                allowed.append(one["Key"])
            else:
                told = {"Key": one["Key"], "Code": refusal.code, "Message": refusal.message}
                version = one.get("VersionId")
                errors.append({**told, "VersionId": version} if version else told)
        self._store.delete(bucket.name, dict.fromkeys(allowed))
        quiet = asked.get("Quiet") is True
        return {
            "Deleted": None if quiet or not allowed else [{"Key": key} for key in allowed],
            "Errors": errors or None,
        }

    def _refusal(self, call: Call, bucket: Bucket, one: Mapping[str, Any]) -> ServiceError | None:
        try:
            self._access.require(call, bucket, "DeleteObject", f"{bucket.arn}/{one['Key']}")
            if one.get("VersionId") not in (None, "", "null"):
                return ServiceError("NoSuchVersion", "The specified version does not exist.")
        except ServiceError as error:
            return error
        return None

    def put_tagging(self, call: Call) -> Result:
        """Replace an object's tags."""
        bucket = self._access.object(call, "PutObjectTagging")
        check_version(call.get("VersionId"))
        tags = checked_tags((call.get("Tagging") or {}).get("TagSet") or ())
        self._store.describe(
            bucket.name, call.parameters["Key"], lambda described: replace(described, tags=tags)
        )
        return None

    def delete_tagging(self, call: Call) -> Result:
        """Remove an object's tags."""
        bucket = self._access.object(call, "DeleteObjectTagging")
        check_version(call.get("VersionId"))
        self._store.describe(
            bucket.name, call.parameters["Key"], lambda described: replace(described, tags={})
        )
        return None

    def put_acl(self, call: Call) -> Result:
        """Accept what grants the owner alone."""
        bucket = self._access.object(call, "PutObjectAcl")
        self._store.get(bucket.name, call.parameters["Key"])
        refuse_other_acl(call, bucket)
        return None


def _copied_headers(source: StoredObject, said: ObjectHeaders) -> dict[str, str]:
    """A copy's headers: the source's, but for its storage class and where it redirects to."""
    own = ("StorageClass", "WebsiteRedirectLocation")
    kept = {name: text for name, text in source.described.headers.items() if name not in own}
    return {**kept, **{name: said.headers[name] for name in own if name in said.headers}}


def written_members(made: StoredObject) -> dict[str, Any]:
    """What the answer to a put says of the object."""
    return {
        "ETag": f'"{made.etag}"',
        "ServerSideEncryption": ENCRYPTION,
    }
