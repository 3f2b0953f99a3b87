"""Multipart uploads over the API."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from vpcflow.api.aws.operation import Call, Operation, Result
from vpcflow.api.aws.s3.access import Access, check_encoding, owner_of
from vpcflow.api.aws.s3.bucket_operations import NO_GRANTS_OF_NEW, refuse_other_acl
from vpcflow.api.aws.s3.conditions import check_read, copied_range, write_condition
from vpcflow.api.aws.s3.object_members import (
    CHECKSUM_MEMBERS,
    ENCRYPTION,
    IGNORED_OF_BODY,
    IGNORED_OF_NEW,
    TAKEN_CHECKSUMS,
    TAKEN_OF_NEW,
    body_of,
    check_algorithm,
    checksum_members,
    checksums_of,
    described_by,
    storage_class,
)
from vpcflow.api.aws.s3.object_writes import ObjectWrites
from vpcflow.base.errors import ServiceError
from vpcflow.control.buckets import Bucket
from vpcflow.store.objects import MultipartUploads, ObjectHeaders, ObjectStore
from vpcflow.store.objects.checksum import checksum, raw_checksum
from vpcflow.store.objects.multipart import Part, Upload

_PAYER = {"RequestPayer": "nothing costs"}
_ASKED = "Bucket Key UploadId ExpectedBucketOwner"
_PAGE_MAX = 1000
_PIECE_BYTES = 1 << 20


class MultipartOperations:
    """The handlers of uploads in parts."""

    def __init__(self, access: Access, store: ObjectStore, writes: ObjectWrites) -> None:
        self._access = access
        self._store = store
        self._writes = writes
        self._uploads = MultipartUploads(store)

    def operations(self) -> list[Operation]:
        """All of them."""
        copying = " ".join(
            f"CopySource{name}"
            for name in (
                "",
                "Range",
                "IfMatch",
                "IfModifiedSince",
                "IfNoneMatch",
                "IfUnmodifiedSince",
            )
        )
        put = "s3:PutObject"
        own = True
        return [
            Operation(
                "CreateMultipartUpload",
                self.create,
                f"Bucket Key ExpectedBucketOwner {TAKEN_OF_NEW} ChecksumAlgorithm ChecksumType",
                {**IGNORED_OF_NEW, **NO_GRANTS_OF_NEW},
                put,
                authorizes_itself=own,
            ),
            Operation(
                "UploadPart",
                self.upload_part,
                f"{_ASKED} PartNumber Body {TAKEN_CHECKSUMS}",
                {**_PAYER, **IGNORED_OF_BODY},
                put,
                authorizes_itself=own,
            ),
            Operation(
                "UploadPartCopy",
                self.upload_part_copy,
                f"{_ASKED} PartNumber {copying} ExpectedSourceBucketOwner",
                _PAYER,
                put,
                authorizes_itself=own,
            ),
            Operation(
                "CompleteMultipartUpload",
                self.complete,
                f"{_ASKED} MultipartUpload {' '.join(CHECKSUM_MEMBERS)} ChecksumType"
                " MpuObjectSize IfMatch IfNoneMatch",
                _PAYER,
                put,
                authorizes_itself=own,
            ),
            Operation("AbortMultipartUpload", self.abort, _ASKED, _PAYER, authorizes_itself=own),
            Operation(
                "ListParts",
                self.list_parts,
                f"{_ASKED} MaxParts PartNumberMarker",
                _PAYER,
                "s3:ListMultipartUploadParts",
                authorizes_itself=own,
            ),
            Operation(
                "ListMultipartUploads",
                self.list_uploads,
                "Bucket ExpectedBucketOwner Prefix Delimiter KeyMarker UploadIdMarker MaxUploads"
                " EncodingType",
                _PAYER,
                "s3:ListBucketMultipartUploads",
                authorizes_itself=own,
            ),
        ]

    def create(self, call: Call) -> Result:
        """Begin an upload."""
        bucket = self._access.object(call, "PutObject")
        refuse_other_acl(call, bucket)
        algorithm = call.get("ChecksumAlgorithm") or ""
        kind = call.get("ChecksumType") or ""
        if algorithm:
            check_algorithm(algorithm)
        if algorithm and not kind:
            kind = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
        if kind == "FULL_OBJECT" and algorithm.startswith("SHA"):
            raise ServiceError(
                "InvalidRequest",
                f"The FULL_OBJECT checksum type cannot be used with the {algorithm.lower()}"
                " checksum algorithm.",
            )
        facts = {"algorithm": algorithm, "type": kind, "owner": call.caller.account_id}
        begun = self._uploads.begin(bucket.name, call.parameters["Key"], described_by(call), facts)
        return {
            "Bucket": bucket.name,
            "Key": begun.key,
            "UploadId": begun.upload_id,
            "ServerSideEncryption": ENCRYPTION,
            "ChecksumAlgorithm": algorithm or None,
            "ChecksumType": kind or None,
        }

    def upload_part(self, call: Call) -> Result:
        """Put a part."""
        bucket = self._access.object(call, "PutObject")
        upload = self._upload(call, bucket)
        data = body_of(call)
        wanted = upload.facts.get("algorithm") or None
        checksums = checksums_of(call, data, algorithm=wanted)
        if wanted and f"Checksum{wanted}" not in checksums:
            raise ServiceError(
                "InvalidRequest",
                f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()},"
                f" actual checksum Type: {_algorithm_of(checksums).lower()}",
            )
        part = self._uploads.put_part(upload, int(call.get("PartNumber", 0)), [data], checksums)
        return {"ETag": f'"{part.etag}"', "ServerSideEncryption": ENCRYPTION, **checksums}

    def upload_part_copy(self, call: Call) -> Result:
        """Put a part with the content of an object, or of a range of it."""
        bucket = self._access.object(call, "PutObject")
        upload = self._upload(call, bucket)
        _, source = self._writes.source(call)
        check_read(source, call.parameters, call.now_s, copying=True)
        first, last = copied_range(call.get("CopySourceRange"), source.size)
        if last + 1 - first > _COPIED_PART_BYTES_MAX:
            raise ServiceError(
                "InvalidRequest",
                "The specified copy source is larger than the maximum allowable size for a copy"
                f" source: {_COPIED_PART_BYTES_MAX}",
            )
        _, data = self._store.read(source, first, last + 1)
        wanted = upload.facts.get("algorithm")
        checksums = {f"Checksum{wanted}": checksum(wanted, [data])} if wanted else {}
        part = self._uploads.put_part(upload, int(call.get("PartNumber", 0)), [data], checksums)
        result = {"ETag": f'"{part.etag}"', "LastModified": part.modified_s, **checksums}
        return {"CopyPartResult": result, "ServerSideEncryption": ENCRYPTION}

    def complete(self, call: Call) -> Result:
        """Make one object of the parts."""
        bucket = self._access.object(call, "PutObject")
        upload = self._upload(call, bucket)
        given = (call.get("MultipartUpload") or {}).get("Parts") or []
        if not given:
            raise ServiceError("InvalidRequest", "You must specify at least one part")
        wanted = [(int(part.get("PartNumber", 0)), part.get("ETag", "")) for part in given]
        there = {part.number: part for part in self._uploads.parts(upload)}
        _check_parts(upload, given, there)
        chosen = [there[number] for number, _ in wanted if number in there]
        size = call.get("MpuObjectSize")
        if size is not None and int(size) != sum(part.size for part in chosen):
            raise ServiceError(
                "InvalidRequest",
                "The provided 'x-amz-mp-object-size' header value"
                f" {size} does not match what was computed: {sum(part.size for part in chosen)}",
            )
        described = self._described(call, upload, chosen)
        made = self._uploads.complete(
            upload, wanted, described, write_condition(call.parameters, upload.key)
        )
        host = call.raw.header("host") or "s3.amazonaws.com"
        return {
            "Location": f"http://{host}/{bucket.name}/{quote(made.key)}",
            "Bucket": bucket.name,
            "Key": made.key,
            "ETag": f'"{made.etag}"',
            "ServerSideEncryption": ENCRYPTION,
            **checksum_members(described),
        }

    def abort(self, call: Call) -> Result:
        """End an upload without an object."""
        bucket = self._access.object(call, "AbortMultipartUpload")
        self._uploads.abort(self._upload(call, bucket))
        return None

    def list_parts(self, call: Call) -> Result:
        """The parts that are there."""
        bucket = self._access.object(call, "ListMultipartUploadParts")
        upload = self._upload(call, bucket)
        marker = int(call.get("PartNumberMarker") or 0)
        limit = min(int(call.get("MaxParts", _PAGE_MAX)), _PAGE_MAX)
        left = [part for part in self._uploads.parts(upload) if part.number > marker]
        given = left[:limit]
        owner = owner_of(bucket.account_id)
        initiator = upload.facts.get("owner", bucket.account_id)
        return {
            "Bucket": bucket.name,
            "Key": upload.key,
            "UploadId": upload.upload_id,
            "PartNumberMarker": marker,
            "NextPartNumberMarker": given[-1].number if given else 0,
            "MaxParts": limit,
            "IsTruncated": len(left) > len(given),
            "Parts": [_listed_part(part, upload) for part in given] or None,
            "Initiator": {**owner_of(initiator), "DisplayName": initiator},
            "Owner": owner,
            "StorageClass": storage_class(upload.described),
            "ChecksumAlgorithm": upload.facts.get("algorithm") or None,
            "ChecksumType": upload.facts.get("type") or None,
        }

    def list_uploads(self, call: Call) -> Result:
        """The uploads that have begun."""
        bucket = self._access.bucket(call, "ListBucketMultipartUploads")
        prefix, delimiter = call.get("Prefix") or "", call.get("Delimiter") or ""
        key_marker = call.get("KeyMarker") or ""
        # An id alone marks nothing.
        id_marker = (call.get("UploadIdMarker") or "") if key_marker else ""
        if id_marker and not self._uploads.is_begun(bucket.name, key_marker, id_marker):
            raise ServiceError(
                "InvalidArgument",
                "Invalid uploadId marker",
                fields={"ArgumentName": "upload-id-marker", "ArgumentValue": id_marker},
            )
        limit = min(int(call.get("MaxUploads", _PAGE_MAX)), _PAGE_MAX)
        left = self._uploads.begun(bucket.name, prefix=prefix, after=(key_marker, id_marker))
        given, prefixes, more = _folded(left, prefix, delimiter, key_marker, limit)
        check_encoding(call)
        encode = quote if call.get("EncodingType") == "url" else str
        return {
            "Bucket": bucket.name,
            "KeyMarker": encode(key_marker),
            "UploadIdMarker": id_marker,
            "NextKeyMarker": encode(given[-1].key) if given else "",
            "NextUploadIdMarker": given[-1].upload_id if given else "",
            "Prefix": encode(prefix) if prefix else None,
            "Delimiter": encode(delimiter) if delimiter else None,
            "MaxUploads": limit,
            "IsTruncated": more,
            "Uploads": [_listed_upload(one, bucket, encode) for one in given] or None,
            "CommonPrefixes": [{"Prefix": encode(one)} for one in prefixes] or None,
            "EncodingType": call.get("EncodingType") or None,
        }

    def _upload(self, call: Call, bucket: Bucket) -> Upload:
        return self._uploads.get(bucket.name, call.parameters["Key"], call.parameters["UploadId"])

    def _described(self, call: Call, upload: Upload, chosen: Sequence[Part]) -> ObjectHeaders:
        """What is said of the object, with the checksum over its parts."""
        algorithm, kind = upload.facts.get("algorithm"), upload.facts.get("type", "")
        if not algorithm:
            return upload.described
        member = f"Checksum{algorithm}"
        if kind == "FULL_OBJECT":
            made = checksum(algorithm, self._content(chosen))
        else:
            each = [base64.b64decode(part.checksums.get(member, "")) for part in chosen]
            whole = base64.b64encode(raw_checksum(algorithm, [b"".join(each)])).decode()
            made = f"{whole}-{len(chosen)}"
        given = call.get(member)
        if given and given != made:
            raise ServiceError(
                "BadDigest",
                f"The {algorithm.lower()} you specified did not match what we received.",
            )
        return replace(upload.described, checksums={member: made}, checksum_type=kind)

    def _content(self, chosen: Sequence[Part]) -> Iterator[bytes]:
        for part in chosen:
            with self._store.content.open(part.file) as file:
                while piece := file.read(_PIECE_BYTES):
                    yield piece


#: A part that is copied is held in memory, as a part that is sent.
_COPIED_PART_BYTES_MAX = 128 << 20


def _folded(
    left: Sequence[Upload], prefix: str, delimiter: str, marker: str, limit: int
) -> tuple[list[Upload], list[str], bool]:
    """One page: uploads, prefixes that end at the delimiter, and whether more follow."""
    given: list[Upload] = []
    prefixes: list[str] = []
    for one in left:
        end = one.key.find(delimiter, len(prefix)) if delimiter else -1
        folded = one.key[: end + len(delimiter)] if end >= 0 else ""
        if folded and (marker.startswith(folded) or folded in prefixes[-1:]):
            continue
        if len(given) + len(prefixes) == limit:
            return given, prefixes, True
        if folded:
            prefixes.append(folded)
        else:
            given.append(one)
    return given, prefixes, False


def _check_parts(upload: Upload, given: Sequence[Any], there: dict[int, Part]) -> None:
    """Refuse parts without their checksum, or with another one than was uploaded."""
    algorithm = upload.facts.get("algorithm", "")
    each_is_said = bool(algorithm) and upload.facts.get("type") == "COMPOSITE"
    for one in given:
        number = int(one.get("PartNumber", 0))
        part = there.get(number)
        if each_is_said and part is not None and not one.get(f"Checksum{algorithm}"):
            raise ServiceError(
                "InvalidRequest",
                f"The upload was created using a {algorithm.lower()} checksum. The complete request"
                " must include the checksum for each part. It was missing for part"
                f" {number} in the request.",
            )
        for member in CHECKSUM_MEMBERS:
            said = one.get(member)
            if said and part is not None and part.checksums.get(member, said) != said:
                raise ServiceError(
                    "InvalidPart",
                    "One or more of the specified parts could not be found.  The part may not have"
                    " been uploaded, or the specified entity tag may not match the part's entity"
                    " tag.",
                    fields={
                        "UploadId": upload.upload_id,
                        "PartNumber": str(part.number),
                        "ETag": part.etag,
                    },
                )


def _listed_part(part: Part, upload: Upload) -> dict[str, Any]:
    # A checksum is told only where the upload was begun with its algorithm.
    checksums = part.checksums if upload.facts.get("algorithm") else {}
    return {
        "PartNumber": part.number,
        "LastModified": part.modified_s,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        **checksums,
    }


def _listed_upload(one: Upload, bucket: Bucket, encode: Any) -> dict[str, Any]:
    owner = owner_of(bucket.account_id)
    initiator = one.facts.get("owner", bucket.account_id)
    return {
        "UploadId": one.upload_id,
        "Key": encode(one.key),
        "Initiated": one.begun_s,
        "StorageClass": storage_class(one.described),
        "Owner": owner,
        "Initiator": {**owner_of(initiator), "DisplayName": initiator},
        "ChecksumAlgorithm": one.facts.get("algorithm") or None,
        "ChecksumType": one.facts.get("type") or None,
    }


def _algorithm_of(checksums: dict[str, str]) -> str:
    return next(iter(checksums), "null").removeprefix("Checksum")
