"""The checksums of S3: CRC-32, CRC-32C, CRC-64/NVME, SHA-1, SHA-256 and MD5, as it writes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping

from vpcflow.base.errors import ServiceError
from vpcflow.store.objects.checksum import raw_checksum

_PREFIX = "x-amz-checksum-"
#: The length of the digest by the name that headers carry; the digest is written as base64.
_LENGTHS = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}


def checksum(algorithm: str, data: bytes) -> str:
    """The checksum of data by an algorithm's name, as base64."""
    return base64.b64encode(raw_checksum(algorithm.upper(), [data])).decode("ascii")


def check_checksums(fields: Mapping[str, str], data: bytes) -> dict[str, str]:
    """Hold data against Content-MD5 and the checksums among lower-case headers or trailers.

    Shape: gives the checksums that were found and right, by algorithm.
    Errors: ServiceError ``InvalidDigest`` for an MD5 that cannot be one, ``InvalidRequest`` for
    another checksum that cannot be one, ``BadDigest`` for one of other data.
    """
    md5 = fields.get("content-md5")
    if md5 is not None:
        wanted = _decoded(md5, 16)
        if wanted is None:
            raise ServiceError(
                "InvalidDigest",
                "The Content-MD5 you specified was invalid.",
                fields={"Content-MD5": md5},
            )
        found = hashlib.md5(data, usedforsecurity=False).digest()
        if found != wanted:
            raise ServiceError(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                fields={
                    "ExpectedDigest": wanted.hex(),
                    "CalculatedDigest": base64.b64encode(found).decode(),
                },
            )
    right = {}
    for algorithm, length in _LENGTHS.items():
        text = fields.get(f"{_PREFIX}{algorithm}")
        if text is None:
            continue
        wanted = _decoded(text, length)
        if wanted is None:
            raise ServiceError(
                "InvalidRequest", f"Value for {_PREFIX}{algorithm} header is invalid."
            )
        if raw_checksum(algorithm.upper(), [data]) != wanted:
            raise ServiceError(
                "BadDigest",
                f"The {algorithm.upper()} you specified did not match the calculated checksum.",
            )
        right[algorithm] = text.strip()
    return right


def _decoded(text: str, length: int) -> bytes | None:
    try:
        data = base64.b64decode(text.strip().encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return data if len(data) == length else None
