"""One put as it lies on the disk: a header with a checksum, then times, offsets and text.

Everything is little-endian. A block of kind DELETION holds no events: it says that all earlier
blocks of its stream are gone. Blocks of kind CUT stand first in a file: their name says
``segment:bytes``, how much of an older file counts.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

EVENTS = 1
DELETION = 2
CUT = 3
MAGIC = b"vpE1"
#: checksum, kind, length of the stream's name, events, bytes after the header, number, times.
_REST = struct.Struct("<HHIQQqqq")
_FIRST = struct.Struct("<4sI")
HEADER_BYTES = _FIRST.size + _REST.size
#: A header that claims more than this is none.
BODY_BYTES_MAX = 2**31

Longs = npt.NDArray[np.int64]


class BlockHeader(NamedTuple):
    """What a block says of itself.

    Units: times in milliseconds; ``body_bytes`` counts all after the header.
    """

    checksum: int
    kind: int
    name_bytes: int
    events: int
    body_bytes: int
    number: int
    first_ms: int
    last_ms: int
    ingested_ms: int


def encode_block(
    kind: int, number: int, stream: str, ingested_ms: int, times: Longs, messages: pa.Array
) -> tuple[BlockHeader, list[bytes | memoryview]]:
    """A block as the parts that are written one after the other.

    Shape: ``times`` are int64 milliseconds, ``messages`` an array of strings without nulls and
    without an offset.
    """
    name = stream.encode()
    parts: list[bytes | memoryview] = [name + bytes(-len(name) % 8)]
    if len(times):
        _, offsets, text = messages.buffers()
        parts.append(np.ascontiguousarray(times, "<i8").tobytes())
        parts.append(memoryview(offsets)[: 4 * (len(times) + 1)])
        end = int(np.frombuffer(offsets, np.int32, len(times) + 1)[-1])
        parts.append(memoryview(text)[:end] if text is not None else b"")
    body = sum(len(part) for part in parts)
    first, last = (int(times[0]), int(times[-1])) if len(times) else (0, 0)
    rest = _REST.pack(kind, len(name), len(times), body, number, first, last, ingested_ms)
    checksum = zlib.crc32(rest)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    header = BlockHeader(
        checksum, kind, len(name), len(times), body, number, first, last, ingested_ms
    )
    return header, [_FIRST.pack(MAGIC, checksum) + rest, *parts]


def read_header(data: bytes | memoryview, at: int) -> BlockHeader | None:
    """The header at a place; None when there is none."""
    if at + HEADER_BYTES > len(data):
        return None
    magic, checksum = _FIRST.unpack_from(data, at)
    if magic != MAGIC:
        return None
    header = BlockHeader(checksum, *_REST.unpack_from(data, at + _FIRST.size))
    if header.body_bytes > BODY_BYTES_MAX or at + HEADER_BYTES + header.body_bytes > len(data):
        return None
    return header


def is_whole(data: memoryview, at: int, header: BlockHeader) -> bool:
    """Whether the checksum agrees."""
    end = at + HEADER_BYTES + header.body_bytes
    return zlib.crc32(data[at + _FIRST.size : end]) == header.checksum


def stream_of(data: bytes | memoryview, at: int, header: BlockHeader) -> str:
    """The name of a block's stream."""
    begin = at + HEADER_BYTES
    return bytes(data[begin : begin + header.name_bytes]).decode()
