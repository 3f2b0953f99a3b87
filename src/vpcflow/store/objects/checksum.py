"""Checksums of objects as S3 names them, in base64."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

#: By the API's name of the algorithm: those that are checked and kept.
ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")

#: Reflected polynomial and width in bits.
_CRC = {"CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)}


def checksum(algorithm: str, parts: Iterable[bytes | memoryview]) -> str:
    """The checksum of bytes, one after the other."""
    return base64.b64encode(raw_checksum(algorithm, parts)).decode()


def raw_checksum(algorithm: str, parts: Iterable[bytes | memoryview]) -> bytes:
    """The bytes of a checksum, the highest first."""
    if algorithm == "CRC32":
        value = 0
        for part in parts:
            value = zlib.crc32(part, value)
        return value.to_bytes(4, "big")
    if algorithm in _CRC:
        return _crc(algorithm, parts)
    digest = hashlib.new(algorithm.lower(), usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.digest()


def _crc(algorithm: str, parts: Iterable[bytes | memoryview]) -> bytes:
    import numpy as np

    from vpcflow.store.objects.checksum_kernels import crc_update

    width = _CRC[algorithm][1]
    ones = (1 << width) - 1
    value = np.uint64(ones)
    for part in parts:
        value = np.uint64(crc_update(_table(algorithm), value, np.frombuffer(part, np.uint8)))
    return (int(value) ^ ones).to_bytes(width // 8, "big")


@cache
def _table(algorithm: str) -> Any:
    import numpy as np

    from vpcflow.store.objects.checksum_kernels import crc_table

    table = np.zeros(256, np.uint64)
    crc_table(np.uint64(_CRC[algorithm][0]), table)
    return table
