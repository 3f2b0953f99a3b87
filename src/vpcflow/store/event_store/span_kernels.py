"""Kernels over blocks that lie one behind the other: found, checked, put into spans, gathered.

Every place is checked before it is read, so that damaged bytes are told and not followed.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.store.event_store.block import BODY_BYTES_MAX, EVENTS, HEADER_BYTES
from vpcflow.store.event_store.span import MIXED, NO_STREAM, SPAN_BYTES, SPAN_MS

#: Where the checksum begins.
_CHECKED_FROM = 8
_MAGIC = np.uint64(0x31457076)
_POLYNOMIAL = 0xEDB88320
_LOW = np.uint64(0xFF)
_NAME_SEED = np.uint64(0xCBF29CE484222325)
_NAME_PRIME = np.uint64(0x100000001B3)


def _crc_tables() -> Any:
    """Steps over one to eight bytes at once of the checksum that zlib calls crc32."""
    tables = np.zeros((8, 256), np.uint64)
    steps = np.arange(256, dtype=np.uint64)
    for _ in range(8):
        steps = np.where(steps & np.uint64(1), (steps >> 1) ^ np.uint64(_POLYNOMIAL), steps >> 1)
    tables[0] = steps
    for row in range(1, 8):
        before = tables[row - 1]
        tables[row] = (before >> 8) ^ steps[(before & _LOW).astype(np.int64)]
    return tables


_TABLES = _crc_tables()


@njit(cache=True, nogil=True)
def _word(data: Any, at: int, count: int) -> Any:
    """A little-endian number of some bytes; no place is aligned."""
    value = np.uint64(0)
    for index in range(count):
        value |= np.uint64(data[at + index]) << np.uint64(8 * index)
    return value


@njit(cache=True, nogil=True)
def crc32(data: Any, at: int, end: int) -> Any:
    """The checksum of bytes, as zlib has it."""
    value = np.uint64(0xFFFFFFFF)
    while at + 8 <= end:
        word = _word(data, at, 8) ^ value
        value = np.uint64(0)
        for index in range(8):
            byte = (word >> np.uint64(8 * index)) & _LOW
            value ^= _TABLES[7 - index, np.int64(byte)]
        at += 8
    while at < end:
        byte = (value ^ np.uint64(data[at])) & _LOW
        value = (value >> np.uint64(8)) ^ _TABLES[0, np.int64(byte)]
        at += 1
    return value ^ np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def _name_place(
    data: Any, at: int, size: int, begins: Any, sizes: Any, slots: Any, known: int
) -> Any:
    """The place of a name among those known, or ``known`` when it is new; and its slot."""
    value = _NAME_SEED
    for index in range(at, at + size):
        value = (value ^ np.uint64(data[index])) * _NAME_PRIME
    value ^= value >> np.uint64(29)
    mask = np.uint64(len(slots) - 1)
    slot = np.int64(value & mask)
    while slots[slot] >= 0:
        place = slots[slot]
        if sizes[place] == size:
            same = True
            for index in range(size):
                if data[begins[place] + index] != data[at + index]:
                    same = False
                    break
            if same:
                return place, slot
        slot = (slot + 1) & np.int64(mask)
    return known, slot


@njit(cache=True, nogil=True)
def scan(
    data: Any, at: Any, end: int, check: bool, rows: Any, begins: Any, sizes: Any, slots: Any
) -> Any:
    """Blocks from a place on, until the rows are full, the end, or what is no block.

    Shape: names are numbered as they come: ``begins`` and ``sizes`` tell where each lies;
    ``slots``, a power of two and at least twice the rows, holds -1.
    Returns: blocks, names, and where it stopped.
    """
    count = known = 0
    while count < len(rows) and at + HEADER_BYTES <= end:
        body = np.int64(_word(data, at + 16, 8))
        name_bytes = np.int64(_word(data, at + 10, 2))
        events = np.int64(_word(data, at + 12, 4))
        if _word(data, at, 4) != _MAGIC or body < 0 or body > BODY_BYTES_MAX:
            break
        stop = at + HEADER_BYTES + body
        needed = (name_bytes + 7) // 8 * 8 + (12 * events + 4 if events else 0)
        if stop > end or needed > body:
            break
        if check and crc32(data, at + _CHECKED_FROM, stop) != _word(data, at + 4, 4):
            break
        name_at = at + HEADER_BYTES
        place, slot = _name_place(data, name_at, name_bytes, begins, sizes, slots, known)
        if place == known:
            slots[slot] = known
            begins[known] = name_at
            sizes[known] = name_bytes
            known += 1
        row = rows[count]
        row["offset"] = at
        row["bytes"] = stop - at
        row["kind"] = np.int64(_word(data, at + 8, 2))
        row["name"] = place
        row["name_bytes"] = name_bytes
        row["events"] = events
        row["number"] = np.int64(_word(data, at + 24, 8))
        row["first_ms"] = np.int64(_word(data, at + 32, 8))
        row["last_ms"] = np.int64(_word(data, at + 40, 8))
        row["ingested_ms"] = np.int64(_word(data, at + 48, 8))
        count += 1
        at = stop
    return count, known, at


@njit(cache=True, nogil=True)
def group(rows: Any, codes: Any, alive: Any, segment: int, spans: Any) -> int:
    """Put blocks of a segment into spans, as ``OpenSpan`` does one by one; tells how many."""
    count = 0
    began = 0
    for index in range(len(rows)):
        row = rows[index]
        size = row["bytes"]
        if (
            not count
            or spans[count - 1]["bytes"] + size > SPAN_BYTES
            or abs(row["ingested_ms"] - began) > SPAN_MS
        ):
            began = row["ingested_ms"]
            span = spans[count]
            span["segment"] = segment
            span["stream"] = NO_STREAM
            span["offset"] = row["offset"]
            span["first_ms"] = span["least_ms"] = np.iinfo(np.int64).max
            span["last_ms"] = np.iinfo(np.int64).min
            count += 1
        span = spans[count - 1]
        span["bytes"] += size
        span["blocks"] += 1
        if row["kind"] != EVENTS:
            continue
        code = codes[row["name"]]
        if span["stream"] == NO_STREAM:
            span["stream"] = code
        elif span["stream"] != code:
            span["stream"] = MIXED
        span["streams"] |= np.uint64(1) << np.uint64(code & 63)
        span["events"] += row["events"]
        span["live_bytes"] += size if alive[index] else 0
        span["number"] = max(span["number"], row["number"])
        span["first_ms"] = min(span["first_ms"], row["first_ms"])
        span["last_ms"] = max(span["last_ms"], row["last_ms"])
        span["least_ms"] = min(span["least_ms"], row["last_ms"])
    return count


@njit(cache=True, nogil=True)
def _first_from(data: Any, at: int, events: int, time_ms: int) -> int:
    """The first of a put's times, which ascend, that is not before a moment."""
    low, high = 0, events
    while low < high:
        middle = (low + high) // 2
        if np.int64(_word(data, at + 8 * middle, 8)) < time_ms:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def measure(data: Any, rows: Any, start_ms: int, end_ms: int, lows: Any, counts: Any) -> Any:
    """Which events of each block are in the window; tells events and bytes of text, -1: damaged."""
    total: Any = 0
    text: Any = 0
    for index in range(len(rows)):
        row = rows[index]
        events = row["events"]
        at = row["offset"] + HEADER_BYTES + (row["name_bytes"] + 7) // 8 * 8
        low = _first_from(data, at, events, start_ms)
        high = max(low, _first_from(data, at, events, end_ms))
        lows[index] = low
        counts[index] = high - low
        offsets = at + 8 * events
        begin = np.int64(_word(data, offsets + 4 * low, 4))
        stop = np.int64(_word(data, offsets + 4 * high, 4))
        room = row["offset"] + row["bytes"] - offsets - 4 * (events + 1)
        if begin > stop or stop > room:
            return 0, -1
        total += high - low
        text += stop - begin
    return total, text


@njit(cache=True, nogil=True)
def gather(
    data: Any, rows: Any, lows: Any, counts: Any, columns: Any, offsets: Any, text: Any
) -> bool:
    """Bring the events of blocks into columns; False when an offset is out of its place."""
    times, ingested, numbers, ordinals, streams = columns
    event = 0
    filled: Any = 0
    offsets[0] = 0
    for index in range(len(rows)):
        row = rows[index]
        low, count = lows[index], counts[index]
        at = row["offset"] + HEADER_BYTES + (row["name_bytes"] + 7) // 8 * 8
        ends = at + 8 * row["events"]
        edges = data[ends + 4 * low : ends + 4 * (low + count + 1)].view(np.int32)
        begin, stop = np.int64(edges[0]), np.int64(edges[count])
        unordered = 0
        for place in range(count):
            unordered |= edges[place + 1] - edges[place]
            offsets[event + place + 1] = edges[place + 1] - begin + filled
            ordinals[event + place] = low + place
        if unordered < 0:
            return False
        after = event + count
        times[event:after] = data[at + 8 * low : at + 8 * (low + count)].view(np.int64)
        ingested[event:after] = row["ingested_ms"]
        numbers[event:after] = row["number"]
        streams[event:after] = row["name"]
        event = after
        source = ends + 4 * (row["events"] + 1) + begin
        size = stop - begin
        text[filled : filled + size] = data[source : source + size]
        filled += size
    return True
