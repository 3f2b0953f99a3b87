"""Kernels of the rollups: rows to small groups, and groups that live as long as a file is written.

A key table is three arrays: ``slots`` (a power of two of them, at least twice the keys) hold 32 bits
of a key's hash and the key's number, or -1; ``keys`` and ``sums`` have one row a number. A key whose
sums might leave 64 bits gets a second number, so that every sum is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit

Array = npt.NDArray[Any]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
#: Two numbers within it can be added.
_SUM_MAX = np.int64(2**62 - 1)

SECONDS_AN_HOUR = 3_600
_MINUTE_S = 60
_MINUTES = 60

_RECENT = 16

#: How a column of sums takes a further value in.
ADD, LEAST, MOST, EITHER = 0, 1, 2, 3
#: What columns that take the least and the most start from.
LEAST_START = np.int64(2**63 - 1)
MOST_START = np.int64(-(2**63))

#: Columns of an hour's sums.
HOUR_SUMS = (
    "records",
    "packets",
    "packets_nulls",
    "bytes",
    "bytes_nulls",
    "first_start",
    "last_end",
    "minutes_seen",
    "minutes_next",
    "ends",
)
HOUR_RULES = np.array([ADD, ADD, ADD, ADD, ADD, LEAST, MOST, EITHER, EITHER, ADD], np.int64)
#: Columns of a conversation's sums.
CONVERSATION_SUMS = (
    "records",
    "bytes",
    "bytes_nulls",
    "packets",
    "packets_nulls",
    "first_start",
    "last_start",
    "starts",
)
CONVERSATION_RULES = np.array([ADD, ADD, ADD, ADD, ADD, LEAST, MOST, ADD], np.int64)


@njit(cache=True, nogil=True)
def add_dimension(keys: Array, values: Array, valid: Array, low: Any, radix: Any) -> None:
    """Make room for one more dimension in each key and enter it: 0 for null."""
    nullable = len(valid) > 0
    for row in range(len(keys)):
        place = np.int64(0)
        if not nullable or valid[row] != 0:
            place = np.int64(values[row]) - low + 1
        keys[row] = keys[row] * radix + place


@njit(cache=True, nogil=True)
def add_hours(keys: Array, start: Array, valid: Array, low: Any, radix: Any) -> None:
    """The same for the hour of a start; ``low`` is an hour."""
    nullable = len(valid) > 0
    for row in range(len(keys)):
        place = np.int64(0)
        if not nullable or valid[row] != 0:
            place = start[row] // SECONDS_AN_HOUR - low + 1
        keys[row] = keys[row] * radix + place


@njit(cache=True, nogil=True)
def group_small_keys(keys: Array, groups: Array, first_rows: Array, places: Array) -> int:
    """Number the different keys, each smaller than ``len(places)``, in order of first sight."""
    for place in range(len(places)):
        places[place] = -1
    count = 0
    for row in range(len(keys)):
        group = places[keys[row]]
        if group < 0:
            group = count
            places[keys[row]] = count
            first_rows[count] = row
            count += 1
        groups[row] = group
    return count


@njit(cache=True, nogil=True)
def group_rows(keys: Array, groups: Array, first_rows: Array, slots: Array) -> int:
    """Number the different keys in order of first sight; returns how many there are."""
    mask = np.uint64(len(slots) - 1)
    shift = np.uint64(32)
    count = 0
    last = -1
    for row in range(len(keys)):
        key = keys[row]
        if last >= 0 and keys[first_rows[last]] == key:
            groups[row] = last
            continue
        mixed = np.uint64(key) * _MULTIPLIER
        slot = (mixed ^ (mixed >> shift)) & mask
        while slots[slot] >= 0 and keys[first_rows[slots[slot]]] != key:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = count
            first_rows[count] = row
            count += 1
        last = slots[slot]
        groups[row] = last
    return count


@njit(cache=True, nogil=True)
def _large(value: Any) -> bool:
    return bool(value > _SUM_MAX or value < -_SUM_MAX)


@njit(cache=True, nogil=True)
def sum_hours(
    groups: Array,
    start: Array,
    start_valid: Array,
    duration: Array,
    duration_valid: Array,
    packets: Array,
    packets_valid: Array,
    octets: Array,
    octets_valid: Array,
    sums: Array,
) -> bool:
    """HOUR_SUMS of each group; False when a sum might not fit, and then they are wrong."""
    any_start, any_duration = len(start_valid) > 0, len(duration_valid) > 0
    any_packets, any_octets = len(packets_valid) > 0, len(octets_valid) > 0
    for row in range(len(groups)):
        group = groups[row]
        sums[group, 0] += 1
        if any_packets and packets_valid[row] == 0:
            sums[group, 2] += 1
        else:
            value = packets[row]
            if sums[group, 0] > 1 and (_large(value) or _large(sums[group, 1])):
                return False
            sums[group, 1] += value
        if any_octets and octets_valid[row] == 0:
            sums[group, 4] += 1
        else:
            value = octets[row]
            if sums[group, 0] > 1 and (_large(value) or _large(sums[group, 3])):
                return False
            sums[group, 3] += value
        begin = np.int64(0)
        started = not any_start or start_valid[row] != 0
        if started:
            begin = start[row]
            sums[group, 5] = min(sums[group, 5], begin)
        lasted = np.int64(0)
        if not any_duration or duration_valid[row] != 0:
            lasted = duration[row]
            sums[group, 6] = max(sums[group, 6], begin + lasted)
            sums[group, 9] += 1
        if started:
            second = begin % SECONDS_AN_HOUR
            if lasted < 0:
                lasted = np.int64(0)
            elif lasted > SECONDS_AN_HOUR:
                lasted = np.int64(SECONDS_AN_HOUR)
            until = (second + lasted) // _MINUTE_S
            low = np.int64(1) << (second // _MINUTE_S)
            if until < _MINUTES:
                sums[group, 7] |= (np.int64(2) << until) - low
            else:
                sums[group, 7] |= (np.int64(1) << _MINUTES) - low
                sums[group, 8] |= (np.int64(2) << (until - _MINUTES)) - 1
    return True


@njit(cache=True, nogil=True)
def _mixed(so_far: Any, word: Any) -> Any:
    mixed = (so_far ^ np.uint64(word)) * _MULTIPLIER
    return mixed ^ (mixed >> _HALF)


@njit(cache=True, nogil=True)
def _tag(mixed: Any) -> Any:
    return np.int64(mixed >> np.uint64(33))


@njit(cache=True, nogil=True)
def _hash_of(new_keys: Array, row: Any, seed: Any) -> Any:
    mixed = np.uint64(seed)
    for part in range(new_keys.shape[1]):
        mixed = _mixed(mixed, new_keys[row, part])
    return mixed


@njit(cache=True, nogil=True)
def _find(new_keys: Array, row: Any, mixed: Any, slots: Array, keys: Array) -> Any:
    """The slot that has the key of a row, or the free one that it would get."""
    mask = np.uint64(len(slots) - 1)
    tag = _tag(mixed)
    slot = mixed & mask
    while slots[slot] >= 0:
        if slots[slot] >> 32 == tag:
            number = slots[slot] & 0xFFFFFFFF
            same = True
            for part in range(new_keys.shape[1]):
                if keys[number, part] != new_keys[row, part]:
                    same = False
                    break
            if same:
                break
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(cache=True, nogil=True)
def fill_key_slots(slots: Array, keys: Array, count: Any, seed: Any) -> None:
    """Enter the first ``count`` keys anew; of a key with several numbers the last one counts."""
    for number in range(count):
        mixed = _hash_of(keys, number, seed)
        slots[_find(keys, number, mixed, slots, keys)] = (_tag(mixed) << 32) | number


@njit(cache=True, nogil=True)
def _fit(new_sums: Array, row: Any, rules: Array, sums: Array, number: Any) -> bool:
    for part in range(len(rules)):
        if rules[part] == ADD and (_large(sums[number, part]) or _large(new_sums[row, part])):
            return False
    return True


@njit(cache=True, nogil=True)
def _take_in(new_sums: Array, row: Any, rules: Array, sums: Array, number: Any) -> None:
    for part in range(len(rules)):
        new = new_sums[row, part]
        if rules[part] == ADD:
            sums[number, part] += new
        elif rules[part] == LEAST:
            sums[number, part] = min(sums[number, part], new)
        elif rules[part] == MOST:
            sums[number, part] = max(sums[number, part], new)
        else:
            sums[number, part] |= new


@njit(cache=True, nogil=True)
def add_sums(
    begin: Any,
    new_keys: Array,
    new_sums: Array,
    rules: Array,
    numbers: Array,
    slots: Array,
    keys: Array,
    sums: Array,
    count: Any,
    seed: Any,
) -> tuple[int, int]:
    """Take rows in from ``begin`` on; returns where it stopped for want of room, and the count.

    Shape: ``numbers`` gets the number of each row's key.
    """
    for row in range(begin, len(new_keys)):
        mixed = _hash_of(new_keys, row, seed)
        slot = _find(new_keys, row, mixed, slots, keys)
        number = slots[slot] & 0xFFFFFFFF
        if slots[slot] < 0 or not _fit(new_sums, row, rules, sums, number):
            if count == len(keys):
                return row, count
            slots[slot] = (_tag(mixed) << 32) | count
            for part in range(new_keys.shape[1]):
                keys[count, part] = new_keys[row, part]
            for part in range(len(rules)):
                sums[count, part] = new_sums[row, part]
            numbers[row] = count
            count += 1
            continue
        numbers[row] = number
        _take_in(new_sums, row, rules, sums, number)
    return len(new_keys), count


@njit(cache=True, nogil=True)
def collect_records(
    begin: Any,
    end: Any,
    groups: Array,
    kinds: Array,
    refused: Array,
    host: Array,
    host_numbers: Array,
    peer: Array,
    peer_numbers: Array,
    ports: Array,
    ports_valid: Array,
    other_ports: Array,
    other_ports_valid: Array,
    swapped: Array,
    start: Array,
    start_valid: Array,
    packets: Array,
    packets_valid: Array,
    octets: Array,
    octets_valid: Array,
    keys: Array,
    sums: Array,
) -> int:
    """Sorted records to keys and CONVERSATION_SUMS, neighbours together; returns how many keys.

    Shape: ``kinds`` and ``refused`` have one entry a group; ``host`` and ``peer`` are codes, whose
    numbers in the file are ``host_numbers`` and ``peer_numbers``. A key may come several times.
    """
    any_low, any_high = len(ports_valid) > 0, len(other_ports_valid) > 0
    any_start = len(start_valid) > 0
    any_packets, any_octets = len(packets_valid) > 0, len(octets_valid) > 0
    # The two directions of a conversation come in turns: the last key of some kinds is at hand.
    recent = np.full(_RECENT, -1, np.int64)
    count = 0
    for row in range(begin, end):
        group = groups[row]
        here = np.int64(host_numbers[host[row]]) if host[row] >= 0 else np.int64(-1)
        there = np.int64(peer_numbers[peer[row]]) if peer[row] >= 0 else np.int64(-1)
        kind = np.int64(kinds[group]) << 2
        low = np.int64(0)
        known_low = not any_low or ports_valid[row] != 0
        if known_low:
            low = np.int64(ports[row])
            kind |= 1
        target = np.int64(0)
        if refused[group] != 0:
            if swapped[row] != 0:
                if known_low:
                    target = low
                    kind |= 2
            elif not any_high or other_ports_valid[row] != 0:
                target = np.int64(other_ports[row])
                kind |= 2
        ends = (here << 32) | (there & 0xFFFFFFFF)
        both = (low << 32) | (target & 0xFFFFFFFF)
        value = packets[row] if not any_packets or packets_valid[row] != 0 else np.int64(0)
        size = octets[row] if not any_octets or octets_valid[row] != 0 else np.int64(0)
        place = kinds[group] & (_RECENT - 1)
        number = recent[place]
        if (
            number < 0
            or keys[number, 0] != ends
            or keys[number, 1] != both
            or keys[number, 2] != kind
            or _large(size)
            or _large(value)
            or _large(sums[number, 1])
            or _large(sums[number, 3])
        ):
            number = count
            recent[place] = count
            keys[number, 0] = ends
            keys[number, 1] = both
            keys[number, 2] = kind
            for part in range(5):
                sums[number, part] = 0
            sums[number, 5] = LEAST_START
            sums[number, 6] = MOST_START
            sums[number, 7] = 0
            count += 1
        sums[number, 0] += 1
        sums[number, 1] += size
        sums[number, 3] += value
        if any_octets and octets_valid[row] == 0:
            sums[number, 2] += 1
        if any_packets and packets_valid[row] == 0:
            sums[number, 4] += 1
        if not any_start or start_valid[row] != 0:
            sums[number, 5] = min(sums[number, 5], start[row])
            sums[number, 6] = max(sums[number, 6], start[row])
            sums[number, 7] += 1
    return count


@njit(cache=True, nogil=True)
def join_sorted(
    order: Array, keys: Array, sums: Array, rules: Array, joined_keys: Array, joined_sums: Array
) -> int:
    """Rows whose equal keys follow each other in ``order``, each key once; returns how many.

    Shape: a key whose sums might leave 64 bits comes several times.
    """
    count = 0
    for place in range(len(order)):
        row = np.int64(order[place])
        same = count > 0
        if same:
            for part in range(keys.shape[1]):
                if joined_keys[count - 1, part] != keys[row, part]:
                    same = False
                    break
        if same and _fit(sums, row, rules, joined_sums, count - 1):
            _take_in(sums, row, rules, joined_sums, count - 1)
            continue
        for part in range(keys.shape[1]):
            joined_keys[count, part] = keys[row, part]
        for part in range(sums.shape[1]):
            joined_sums[count, part] = sums[row, part]
        count += 1
    return count
