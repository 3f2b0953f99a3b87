"""The checksums of S3: CRC-32, CRC-32C, CRC-64/NVME, SHA-1, SHA-256 and MD5, as it writes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from vpcflow.base.errors import ServiceError

_PREFIX = "x-amz-checksum-"
_CRC32C = (0x82F63B78, 32)
_CRC64NVME = (0x9A6C9329AC4BC9B5, 64)


@cache
def _table(polynomial: int) -> Any:
    import numpy as np

    entries = np.zeros(256, dtype=np.uint64)
    for index in range(256):
        value = index
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        entries[index] = value
    return entries


def _cyclic(polynomial: int, bits: int) -> Callable[[bytes], bytes]:
    def digest(data: bytes) -> bytes:
        import numpy as np

        from vpcflow.api.aws.protocol.checksum_kernels import reflected_crc

        ones = (1 << bits) - 1
        view = np.frombuffer(data, dtype=np.uint8)
        register = reflected_crc(view, _table(polynomial), np.uint64(ones))
        return ((int(register) ^ ones) & ones).to_bytes(bits // 8, "big")

    return digest


#: By the name that headers carry; the digest's bytes are written as base64.
ALGORITHMS: Mapping[str, Callable[[bytes], bytes]] = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "crc32c": _cyclic(*_CRC32C),
    "crc64nvme": _cyclic(*_CRC64NVME),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}
_LENGTHS = {"crc32": 4, "crc32c": 4, "crc64nvme": 8, "sha1": 20, "sha256": 32}


def checksum(algorithm: str, data: bytes) -> str:
    """The checksum of data by an algorithm's name, as base64."""
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode("ascii")


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
            raise ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.")
        if hashlib.md5(data, usedforsecurity=False).digest() != wanted:
            raise ServiceError(
                "BadDigest", "The Content-MD5 you specified did not match what we received."
            )
    right = {}
    for algorithm, digest in ALGORITHMS.items():
        text = fields.get(f"{_PREFIX}{algorithm}")
        if text is None:
            continue
        wanted = _decoded(text, _LENGTHS[algorithm])
        if wanted is None:
            raise ServiceError(
                "InvalidRequest", f"Value for {_PREFIX}{algorithm} header is invalid."
            )
        if digest(data) != wanted:
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
