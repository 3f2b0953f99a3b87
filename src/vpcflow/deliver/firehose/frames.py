"""Records of one put in one frame of a buffer's file: whole after a crash, or not there."""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

#: Length of the rest, CRC-32 of the rest, arrival in milliseconds, number of records.
_HEAD = struct.Struct("<IIQI")
_CHECKED_FROM = 8
#: A put of more than this is more than one frame.
FRAME_BYTES_MAX = 4 << 20
FRAME_RECORDS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Frame:
    """The records of one put, ``data`` one after the other."""

    arrived_ms: int
    lengths: Sequence[int]
    data: memoryview

    def records(self) -> list[memoryview]:
        """Each record."""
        ends = list(accumulate(self.lengths))
        starts = [0, *ends[:-1]]
        return [self.data[start:end] for start, end in zip(starts, ends, strict=True)]


def frames_of(records: Sequence[bytes], arrived_ms: int) -> Iterator[bytes]:
    """Records as frames."""
    first, size = 0, 0
    for index, length in enumerate(map(len, records)):
        full = size + length > FRAME_BYTES_MAX or index - first >= FRAME_RECORDS_MAX
        if full and index > first:
            yield _frame(records[first:index], arrived_ms)
            first, size = index, 0
        size += length
    if first < len(records):
        yield _frame(records[first:], arrived_ms)


def read_frames(data: bytes) -> tuple[list[Frame], int]:
    """The whole frames at the start of a file's content, and where they end."""
    view, position, found = memoryview(data), 0, []
    while position + _HEAD.size <= len(view):
        length, checksum, arrived_ms, count = _HEAD.unpack_from(view, position)
        start, end = position + _HEAD.size, position + _CHECKED_FROM + length
        if end > len(view) or start + 4 * count > end:
            break
        if zlib.crc32(view[position + _CHECKED_FROM : end]) != checksum:
            break
        lengths = array("I")
        lengths.frombytes(view[start : start + 4 * count])
        found.append(Frame(arrived_ms, lengths, view[start + 4 * count : end]))
        position = end
    return found, position


def _frame(records: Sequence[bytes], arrived_ms: int) -> bytes:
    lengths = array("I", map(len, records)).tobytes()
    body = b"".join((lengths, *records))
    head = struct.pack("<QI", arrived_ms, len(records))
    checksum = zlib.crc32(body, zlib.crc32(head))
    return struct.pack("<II", len(head) + len(body), checksum) + head + body
