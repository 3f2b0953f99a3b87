"""Splits a zstd stream into its blocks, so that output is bounded and a cut is seen.

Source: RFC 8878, section 3.1 (frames, blocks, skippable frames).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE_MAGIC_MASK = 0xFFFFFFF0
SKIPPABLE_MAGIC = 0x184D2A50
BLOCK_HEADER_BYTES = 3
CHECKSUM_BYTES = 4
BLOCK_BYTES_MAX = 128 * 1024
_RLE_BLOCK = 1
_RESERVED_BLOCK = 3


class ZstdCutError(Exception):
    """The file ended within a frame; ``rest`` holds what there is of the block that was cut."""

    def __init__(self, rest: bytes) -> None:
        self.rest = rest
        super().__init__("zstd data ends within a frame")


@dataclass(frozen=True, slots=True)
class Block:
    """The bytes of one block; the first block of a frame carries the frame's header.

    Shape: no block decompresses to more than 128 KiB; ``first`` and ``last`` are within the frame.
    """

    data: bytes
    first: bool
    last: bool


def is_frame_start(head: bytes) -> bool:
    """Whether these bytes begin a zstd frame, skippable ones included."""
    if len(head) < 4:
        return False
    number = int.from_bytes(head[:4], "little")
    return head[:4] == MAGIC or number & SKIPPABLE_MAGIC_MASK == SKIPPABLE_MAGIC


def blocks(file: BinaryIO) -> Iterator[Block | int]:
    """Split the stream; ends with the number of bytes that follow the last whole frame.

    Errors: ZstdCutError when the stream ends within a frame; ValueError for a block header that
    no encoder writes.
    """
    while True:
        magic = _read_up_to(file, 4)
        if not magic:
            yield 0
            return
        if not is_frame_start(magic):
            if any(MAGIC.startswith(magic[:n]) for n in (len(magic),) if n < 4):
                raise ZstdCutError(magic)
            yield len(magic) + _drain(file)
            return
        if magic == MAGIC:
            yield from _frame_blocks(file)
        else:
            _skip(file, int.from_bytes(_read(file, 4), "little"))


def _frame_blocks(file: BinaryIO) -> Iterator[Block]:
    descriptor = _read(file, 1)
    flags = descriptor[0]
    single_segment = flags >> 5 & 1
    size_bytes = (single_segment, 2, 4, 8)[flags >> 6]
    dictionary_bytes = (0, 1, 2, 4)[flags & 3]
    rest = _read(file, (1 - single_segment) + dictionary_bytes + size_bytes)
    lead = MAGIC + descriptor + rest
    first = True
    while True:
        header = _read(file, BLOCK_HEADER_BYTES)
        number = int.from_bytes(header, "little")
        last, kind, size = number & 1, number >> 1 & 3, number >> 3
        if kind == _RESERVED_BLOCK or size > BLOCK_BYTES_MAX:
            raise ValueError("a zstd block header that no encoder writes")
        body = _read(file, 1 if kind == _RLE_BLOCK else size)
        checksum = b""
        if last and flags >> 2 & 1:
            try:
                checksum = _read(file, CHECKSUM_BYTES)
            except ZstdCutError as cut:
                raise ZstdCutError((lead if first else b"") + header + body + cut.rest) from cut
        yield Block((lead if first else b"") + header + body + checksum, first, bool(last))
        if last:
            return
        first = False


def _read_up_to(file: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data


def _read(file: BinaryIO, size: int) -> bytes:
    data = _read_up_to(file, size)
    if len(data) < size:
        raise ZstdCutError(data)
    return data


def _skip(file: BinaryIO, size: int) -> None:
    while size:
        size -= len(_read(file, min(size, BLOCK_BYTES_MAX)))


def _drain(file: BinaryIO) -> int:
    size = 0
    while chunk := file.read(BLOCK_BYTES_MAX):
        size += len(chunk)
    return size
