"""What makes two objects the same content: size, checksum, and a hash of both ends."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO

from isal import isal_zlib

EDGE_BYTES = 64 * 1024
READ_BYTES = 1 << 20
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The identity of an object's raw content.

    Shape: ``edges`` is BLAKE2b over its first and last 64 KiB; both ends and a CRC-32 over the
    whole guard against accident, not against an attacker.
    """

    size: int
    crc32: int
    edges: bytes

    def __str__(self) -> str:
        return f"{self.size:x}-{self.crc32:08x}-{self.edges.hex()[:16]}"


@dataclass(frozen=True, slots=True)
class Content:
    """A fingerprint, and the checksums of prefixes that were taken on the way, by their size."""

    fingerprint: Fingerprint
    prefixes: dict[int, int]

    def starts_with(self, earlier: Fingerprint) -> bool:
        """Whether the content is the earlier one, with or without more behind it."""
        return self.prefixes.get(earlier.size) == earlier.crc32


def read_content(file: IO[bytes], *, prefixes: Iterable[int] = ()) -> Content:
    """Read all of an open file once, from its start, up to the size it has now.

    Shape: bytes that are added meanwhile are left for the next time.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    stops = sorted({stop for stop in prefixes if stop < size} | {size})
    crc, done, found = 0, 0, {0: 0}
    for stop in stops:
        while done < stop:
            chunk = file.read(min(READ_BYTES, stop - done))
            if not chunk:
                break
            crc = isal_zlib.crc32(chunk, crc)
            done += len(chunk)
        found[done] = crc
    return Content(Fingerprint(done, crc, _edges(file, done)), found)


def read_growth(file: IO[bytes], earlier: Fingerprint) -> Content | None:
    """Read only what was added to a content, when both ends of the earlier one are in place.

    Shape: None when they are not.
    """
    size = os.fstat(file.fileno()).st_size
    if size < earlier.size or _edges(file, earlier.size) != earlier.edges:
        return None
    file.seek(earlier.size)
    crc, done = earlier.crc32, earlier.size
    while done < size:
        chunk = file.read(min(READ_BYTES, size - done))
        if not chunk:
            break
        crc = isal_zlib.crc32(chunk, crc)
        done += len(chunk)
    prefixes = {0: 0, earlier.size: earlier.crc32, done: crc}
    return Content(Fingerprint(done, crc, _edges(file, done)), prefixes)


def _edges(file: IO[bytes], size: int) -> bytes:
    file.seek(0)
    first = file.read(min(EDGE_BYTES, size))
    file.seek(max(0, size - EDGE_BYTES))
    last = file.read(min(EDGE_BYTES, size))
    return blake2b(first + last, digest_size=DIGEST_BYTES).digest()
