"""The samples of round-trip times: what a connection holds of its flow, and the log of a window.

All memory is given by its address; many small functions with arrays would cost more than the work.
"""

# mypy: disable-error-code="no-any-return,return-value,assignment,operator"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_i64, load_u32, store_u32, store_u64

#: One direction of a connection, in words of 32 bits: one line of memory.
LINE_BYTES = 64

#: The words of a direction, by what its sender sent and what came back for it.
NEXT = 0  # the sequence number after the last byte that was sent
ACKNOWLEDGED = 1  # the highest acknowledgement number that came back
PROBE_END = 2  # the acknowledgement number that ends the measurement
PROBE_STAMP = 3  # the TSval that must be echoed, with FLAG_ECHO
STAMP = 4  # the newest TSval that was sent
FLAGS = 5
SEGMENT = 6  # the largest payload of one segment, bytes
ROW = 7  # the flow's row in WINDOW
WINDOW = 8  # the window for which ROW and what follows holds, 0 none
SOLID_SEEN = 9
LOOSE_SEEN = 10
PENDING = 11  # samples that are counted here and not in the log
PENDING_LEAST = 12  # the least of them, microseconds
PROBE_MOVES = 13  # how often the measurement went on to the next packet of a burst
PROBE_TIME = 7  # as a word of 64 bits: nanoseconds

#: Samples of a flow, window and class that are all kept: 64. Beyond, each doubling of the count
#: halves the share that is kept, so 32 more at most each time.
DENSE_BITS = 6

#: A sample of the log is two words. The first sorts: the row in bits 32-63, bit 31 if it is loose,
#: the microseconds in 5-30, and in 0-4 how many it stands for, as a power of two. The second: the
#: least of all samples since the one before in 0-31, and their number in 32-63.
LOG_WORDS = 2
VALUE_LOOSE_SHIFT = 31
VALUE_RTT_SHIFT = 5
#: No sample, but what a direction still had to count.
VALUE_NONE = 0xFFFFFFFF

#: Counters; LOG_ROOM is set when they are made.
LOGGED = 0  # samples in the log
USES = 1
PENDING_LINES = 2
SAMPLES = 3
SOLID = 4
UNATTRIBUTED = 5
DROPPED = 6
EVICTED = 7
IMPLAUSIBLE = 8
LOG_ROOM = 9  # samples that the log holds
COUNTERS = 10

_LOW = 0xFFFFFFFF
_U_LOW = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def get(line: int, word: int) -> int:
    """One word of a direction."""
    return np.int64(load_u32(line + 4 * word))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def put(line: int, word: int, value: int) -> None:
    """Set one word of a direction."""
    store_u32(line + 4 * word, np.uint64(value))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def count_more(counters: int, counter: int, more: int) -> None:
    """Raise a counter."""
    address = counters + 8 * counter
    store_u64(address, np.uint64(load_i64(address) + more))


@njit(cache=True, nogil=True, error_model="numpy")
def put_log(log: int, counters: int, row: int, value: int, least: int, count: int) -> None:
    """Append one sample that stands for ``count``, or count them as dropped."""
    at = load_i64(counters + 8 * LOGGED)
    if at == load_i64(counters + 8 * LOG_ROOM):
        count_more(counters, DROPPED, count)
        return
    address = log + at * LOG_WORDS * 8
    store_u64(address, (np.uint64(row) << np.uint64(32)) | np.uint64(value))
    store_u64(address + 8, (np.uint64(count) << np.uint64(32)) | np.uint64(least))
    count_more(counters, LOGGED, 1)


@njit(cache=True, nogil=True, error_model="numpy")
def flush_line(line: int, log: int, counters: int) -> None:
    """Bring what a direction still has to count into the log."""
    pending = get(line, PENDING)
    if pending:
        least = get(line, PENDING_LEAST)
        put_log(log, counters, get(line, ROW), VALUE_NONE, least, pending)
        put(line, PENDING, 0)
        count_more(counters, PENDING_LINES, -1)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def attribute(line: int, window: int, row: int, log: int, counters: int) -> None:
    """Note the flow row of a direction; a new one starts its counts."""
    if get(line, WINDOW) == window and get(line, ROW) == row:
        return
    flush_line(line, log, counters)
    put(line, WINDOW, window)
    put(line, ROW, row)
    put(line, SOLID_SEEN, 0)
    put(line, LOOSE_SEEN, 0)


@njit(cache=True, nogil=True, error_model="numpy")
def add_sample(line: int, window: int, rtt_us: int, solid: bool, log: int, counters: int) -> None:
    """Count a sample for the flow of a direction, and keep it or not."""
    if get(line, WINDOW) != window:
        count_more(counters, UNATTRIBUTED, 1)
        return
    count_more(counters, SAMPLES, 1)
    pending = get(line, PENDING)
    least = rtt_us
    if pending:
        least = min(least, get(line, PENDING_LEAST))
    if solid:
        count_more(counters, SOLID, 1)
        seen = get(line, SOLID_SEEN) + 1
        put(line, SOLID_SEEN, seen)
        kept = True
    else:
        seen = get(line, LOOSE_SEEN) + 1
        put(line, LOOSE_SEEN, seen)
        kept = get(line, SOLID_SEEN) == 0
    power = 0
    while (seen - 1) >> (DENSE_BITS + power):
        power += 1
    if kept and not seen & ((1 << power) - 1):
        value = (np.int64(not solid) << VALUE_LOOSE_SHIFT) | (rtt_us << VALUE_RTT_SHIFT) | power
        put_log(log, counters, get(line, ROW), value, least, pending + 1)
        if pending:
            put(line, PENDING, 0)
            count_more(counters, PENDING_LINES, -1)
        return
    if not pending:
        count_more(counters, PENDING_LINES, 1)
    put(line, PENDING, pending + 1)
    put(line, PENDING_LEAST, least)


@njit(cache=True, nogil=True, error_model="numpy")
def flush_lines(lines: int, count: int, log: int, counters: int) -> None:
    """Bring what all directions still have to count into the log."""
    for i in range(count):
        if not load_i64(counters + 8 * PENDING_LINES):
            break
        flush_line(lines + i * LINE_BYTES, log, counters)


@njit(cache=True, nogil=True, error_model="numpy")
def sum_samples(
    keys: Any, spans: Any, order: Any, row: Any, least: Any, median: Any, count: Any
) -> int:
    """Least, median and count of each row, from the log's words in the order of the first.

    The median is over the solid samples where there are any, which sort first, and is the least
    value that half of what they stand for does not exceed.
    """
    groups = 0
    first = 0
    while first < len(order):
        group = keys[order[first]] >> np.uint64(32)
        loose = (keys[order[first]] >> np.uint64(VALUE_LOOSE_SHIFT)) & np.uint64(1)
        weight = 0
        samples = 0
        lowest = _LOW
        last = first
        while last < len(order) and keys[order[last]] >> np.uint64(32) == group:
            key = keys[order[last]]
            span = np.int64(spans[order[last]])
            samples += span >> 32
            lowest = min(lowest, span & _LOW)
            value = np.int64(key & _U_LOW)
            if value != VALUE_NONE and (value >> VALUE_LOOSE_SHIFT) == np.int64(loose):
                weight += 1 << (value & 31)
            last += 1
        half = 0
        middle = lowest
        for j in range(first, last):
            value = np.int64(keys[order[j]] & _U_LOW)
            if value == VALUE_NONE or half * 2 >= weight:
                break
            half += 1 << (value & 31)
            middle = (value & ~(1 << VALUE_LOOSE_SHIFT)) >> VALUE_RTT_SHIFT
        row[groups] = np.int64(group)
        least[groups] = lowest
        median[groups] = middle
        count[groups] = samples
        groups += 1
        first = last
    return groups
