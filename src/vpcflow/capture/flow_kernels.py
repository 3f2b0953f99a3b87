"""The flow table's kernels: metered packets into rows, through an index of tags.

A table that is larger than the CPU's cache costs a wait for memory at each packet, twice: for the
index and for the row. So packets go in blocks: first the places of a whole block are asked for,
then the rows that the index names, and only then rows are changed; the waits overlap.

An entry of the index is a 64-bit word: 32 bits of the key's hash, and the row's number plus 1
(0: empty). The hash's low bits are its place, so an index is doubled without a look at the rows.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Final

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.capture.parsed_columns import (
    COUNT_WORD,
    FLOW_WORD,
    HASH,
    IP_BYTES,
    METERED,
    RULE_SHIFT,
    SLOT_SHIFT,
    SOURCE_0,
    STATUS,
    TCP_FLAGS_SHIFT,
    TIME_NS,
)
from vpcflow.record.memory_kernels import (
    load_i64,
    load_u64,
    multiply_fold,
    prefetch_write,
    store_u32,
    store_u64,
)

#: Words of a row.
ROW_WORDS: Final = 8
KEY_WORDS: Final = 5
ROW_COUNT: Final = 5
ROW_BYTES: Final = 6
ROW_TIMES: Final = 7
#: Packets whose memory is asked for at once.
BLOCK_PACKETS: Final = 256

#: The state that a call leaves: rows in use, metered packets, those before the window's start.
COUNT: Final = 0
PACKETS: Final = 1
LATE: Final = 2
STATE_LENGTH: Final = 3

_U = np.uint64
_LOW32 = _U(0xFFFFFFFF)
_PACKETS_MASK = _U((1 << TCP_FLAGS_SHIFT) - 1)
_FLAGS_MASK = _U(0xFF << TCP_FLAGS_SHIFT)
_RULE_MASK = _U(0xFFFF << RULE_SHIFT)
_MICROSECONDS_MAX = 0xFFFFFFFF
_NO_ROW = _U(0xFFFFFFFF)
#: Words of scratch memory of one packet of a block: its hash, and the entry found.
SCRATCH_WORDS: Final = 2


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _is_key(row: int, column: int, stride: int) -> bool:
    """Whether the row has the key of the packet whose first column is there."""
    key = column + SOURCE_0 * stride
    different = load_u64(row) ^ load_u64(key)
    for word in range(1, KEY_WORDS):
        different |= load_u64(row + 8 * word) ^ load_u64(key + word * stride)
    return different == _U(0)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _seek(index: int, mask: int, tag: np.uint64) -> np.uint64:
    """The first entry with the tag, or an empty one."""
    place = np.int64(tag) & mask
    while True:
        entry = load_u64(index + 8 * place)
        if entry == _U(0) or entry >> _U(32) == tag:
            return entry
        place = (place + 1) & mask


@njit(cache=True, nogil=True, error_model="numpy")
def _find_or_add(
    index: int,
    mask: int,
    rows: int,
    rows_max: int,
    state: int,
    column: int,
    stride: int,
    tag: np.uint64,
) -> int:
    """The row's number, new where the flow is new; -1 when the table is full."""
    place = np.int64(tag) & mask
    while True:
        entry = load_u64(index + 8 * place)
        if entry == _U(0):
            break
        if entry >> _U(32) == tag:
            number = np.int64(entry & _LOW32) - 1
            if _is_key(rows + 8 * ROW_WORDS * number, column, stride):
                return number
        place = (place + 1) & mask
    number = load_i64(state + 8 * COUNT)
    if number == rows_max:
        return -1
    store_u64(state + 8 * COUNT, _U(number + 1))
    store_u64(index + 8 * place, tag << _U(32) | _U(number + 1))
    row = rows + 8 * ROW_WORDS * number
    for word in range(KEY_WORDS):
        store_u64(row + 8 * word, load_u64(column + (SOURCE_0 + word) * stride))
    store_u64(row + 8 * ROW_COUNT, _U(0))
    store_u64(row + 8 * ROW_BYTES, _U(0))
    # First: as late as can be; last: 0.
    store_u64(row + 8 * ROW_TIMES, _LOW32)
    return number


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _add(row: int, column: int, stride: int, time: np.uint64) -> None:
    counted = load_u64(column + COUNT_WORD * stride)
    count = load_u64(row + 8 * ROW_COUNT)
    rule = counted & _RULE_MASK if count >> _U(RULE_SHIFT) == _U(0) else _U(0)
    count = count + (counted & _PACKETS_MASK) | counted & _FLAGS_MASK | rule
    store_u64(row + 8 * ROW_COUNT, count)
    store_u64(
        row + 8 * ROW_BYTES, load_u64(row + 8 * ROW_BYTES) + load_u64(column + IP_BYTES * stride)
    )
    times = load_u64(row + 8 * ROW_TIMES)
    first, last = min(times & _LOW32, time), max(times >> _U(32), time)
    store_u64(row + 8 * ROW_TIMES, first | last << _U(32))


@njit(cache=True, nogil=True, error_model="numpy")
def update_rows(
    parsed: int,
    stride: int,
    begin: int,
    end: int,
    window_start: int,
    row_of_packet: int,
    index: int,
    mask: int,
    rows: int,
    rows_max: int,
    state: int,
    skipped_packets: int,
    skipped_bytes: int,
    slots: int,
    scratch: int,
    seed: np.uint64,
) -> int:
    """Add the metered packets of columns ``begin`` to ``end``; return the first that is not done.

    It stops before ``end`` when the index must grow: it may be half full at most, unless it has
    room for ``rows_max`` already.
    """
    at = begin
    while at < end:
        many = min(end - at, BLOCK_PACKETS)
        needed = min(load_i64(state + 8 * COUNT) + many, rows_max)
        if 2 * needed > mask + 1:
            break
        for i in range(many):
            column = parsed + 8 * (at + i)
            mixed = multiply_fold(
                load_u64(column + HASH * stride) ^ seed,
                load_u64(column + FLOW_WORD * stride) >> _U(40) ^ ~seed,
            )
            tag = mixed & _LOW32
            store_u64(scratch + 16 * i, tag)
            prefetch_write(index + 8 * (np.int64(tag) & mask))
        for i in range(many):
            entry = _seek(index, mask, load_u64(scratch + 16 * i))
            number = np.int64(entry & _LOW32) - 1
            store_u64(scratch + 16 * i + 8, _U(number))
            # An empty entry has no row; asking for the memory before the first one does no harm.
            prefetch_write(rows + 8 * ROW_WORDS * number)
        for i in range(many):
            column = parsed + 8 * (at + i)
            place = row_of_packet + 4 * (at + i)
            if load_u64(column + STATUS * stride) & _U(0xFF) != _U(METERED):
                store_u32(place, _NO_ROW)
                continue
            number = load_i64(scratch + 16 * i + 8)
            row = rows + 8 * ROW_WORDS * number
            if number < 0 or not _is_key(row, column, stride):
                tag = load_u64(scratch + 16 * i)
                number = _find_or_add(index, mask, rows, rows_max, state, column, stride, tag)
                row = rows + 8 * ROW_WORDS * number
            store_u32(place, _U(number) & _LOW32)
            if number < 0:
                slot = int(load_u64(column + FLOW_WORD * stride) >> _U(SLOT_SHIFT))
                slot = slot if slot < slots else slots - 1
                _skip(column, stride, skipped_packets + 8 * slot, skipped_bytes + 8 * slot)
                continue
            since = load_i64(column + TIME_NS * stride) - window_start
            if since < 0:
                store_u64(state + 8 * LATE, load_u64(state + 8 * LATE) + _U(1))
                since = 0
            _add(row, column, stride, _U(min(since // 1000, _MICROSECONDS_MAX)))
        at += many
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _skip(column: int, stride: int, packets: int, octets: int) -> None:
    """Count a packet that has no row."""
    counted = load_u64(column + COUNT_WORD * stride) & _PACKETS_MASK
    store_u64(packets, load_u64(packets) + counted)
    store_u64(octets, load_u64(octets) + load_u64(column + IP_BYTES * stride))


@njit(cache=True, nogil=True, error_model="numpy")
def move_index(old: int, old_length: int, new: int, mask: int) -> None:
    """Put every entry of an index into an empty and larger one."""
    for i in range(old_length):
        entry = load_u64(old + 8 * i)
        if entry == _U(0):
            continue
        place = np.int64(entry >> _U(32)) & mask
        while load_u64(new + 8 * place) != _U(0):
            place = (place + 1) & mask
        store_u64(new + 8 * place, entry)
