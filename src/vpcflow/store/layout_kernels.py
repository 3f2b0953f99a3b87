"""Kernels of the stored layout: addresses to codes, which end is the host, ports in order.

A validity array has one byte a row, or no bytes at all when every row has a value.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit

Array = npt.NDArray[Any]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIXER = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(32)

#: States of an interface while its own address is looked for.
_UNSEEN = -2
_NONE = -1


@njit(cache=True, nogil=True, inline="always")
def _mixed(low: Any, high: Any, seed: Any) -> Any:
    value = (low ^ seed) * _MULTIPLIER
    value ^= (value >> _SHIFT) ^ high
    # The octets that differ most stand in the upper half, and a product's low bits never see them.
    value = (value ^ (value >> _SHIFT)) * _MIXER
    value = (value ^ (value >> _SHIFT)) * _MULTIPLIER
    return value ^ (value >> _SHIFT)


@njit(cache=True, nogil=True)
def intern_addresses(
    words: Array,
    valid: Array,
    begin: Any,
    codes: Array,
    slots: Array,
    keys: Array,
    count: Any,
    seed: Any,
) -> tuple[int, int]:
    """Give each address a code in order of first sight; stop early when ``keys`` is full.

    Shape: ``words`` is uint64 (n, 2), ``slots`` int32 with -1 for free and a power of two long,
    ``keys`` uint64 (at most half as long, 2). Null rows get -1. Returns rows done, codes given.
    """
    mask = np.uint64(len(slots) - 1)
    room = len(keys)
    nullable = len(valid) > 0
    for row in range(begin, len(words)):
        if nullable and valid[row] == 0:
            codes[row] = -1
            continue
        low = words[row, 0]
        high = words[row, 1]
        slot = _mixed(low, high, seed) & mask
        while True:
            code = slots[slot]
            if code < 0:
                if count == room:
                    return row, count
                slots[slot] = count
                keys[count, 0] = low
                keys[count, 1] = high
                codes[row] = count
                count += 1
                break
            if keys[code, 1] == high and keys[code, 0] == low:
                codes[row] = code
                break
            slot = (slot + np.uint64(1)) & mask
    return len(words), count


@njit(cache=True, nogil=True)
def fill_slots(slots: Array, keys: Array, count: Any, seed: Any) -> None:
    """Enter the first ``count`` keys into empty ``slots``."""
    mask = np.uint64(len(slots) - 1)
    for code in range(count):
        slot = _mixed(keys[code, 0], keys[code, 1], seed) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = code


@njit(cache=True, nogil=True)
def recode(codes: Array, ranks: Array) -> None:
    """Replace each code by its rank, in place; -1 stays."""
    for row in range(len(codes)):
        code = codes[row]
        if code >= 0:
            codes[row] = ranks[code]


@njit(cache=True, nogil=True)
def own_addresses(
    sources: Array,
    destinations: Array,
    groups: Array,
    known: Array,
    is_ipv4: Array,
    first: Array,
    second: Array,
) -> None:
    """Per group, the two addresses that stand in all its records so far, or less than two.

    ``first`` and ``second`` have one entry a group and family: a code, or _NONE;
    they stay _UNSEEN where a group has no records. ``known`` is 0
    where the source is the host, 1 where the destination is, -1 where nobody said.
    """
    for row in range(len(sources)):
        one = sources[row]
        other = destinations[row]
        if known[row] == 0:
            other = one
        elif known[row] == 1:
            one = other
        if one < 0 and other < 0:
            continue
        family = is_ipv4[one] if one >= 0 else is_ipv4[other]
        group = groups[row] * 2 + family
        candidate = first[group]
        if candidate == _UNSEEN:
            first[group] = one
            second[group] = other if other != one else _NONE
            continue
        if candidate >= 0 and candidate != one and candidate != other:
            first[group] = _NONE
        candidate = second[group]
        if candidate >= 0 and candidate != one and candidate != other:
            second[group] = _NONE
    for group in range(len(first)):
        if first[group] != _UNSEEN:
            first[group] = max(first[group], _NONE)
            second[group] = max(second[group], _NONE)


@njit(cache=True, nogil=True)
def _add_one(table_keys: Array, table_counts: Array, key: Any, seed: Any) -> None:
    mask = np.uint64(len(table_keys) - 1)
    slot = _mixed(np.uint64(key), np.uint64(0), seed) & mask
    while table_keys[slot] != key and table_keys[slot] >= 0:
        slot = (slot + np.uint64(1)) & mask
    table_keys[slot] = key
    table_counts[slot] += 1


@njit(cache=True, nogil=True)
def _count_of(table_keys: Array, table_counts: Array, key: Any, seed: Any) -> Any:
    mask = np.uint64(len(table_keys) - 1)
    slot = _mixed(np.uint64(key), np.uint64(0), seed) & mask
    while table_keys[slot] >= 0:
        if table_keys[slot] == key:
            return table_counts[slot]
        slot = (slot + np.uint64(1)) & mask
    return 0


@njit(cache=True, nogil=True)
def rows_to_count(
    sources: Array, destinations: Array, groups: Array, is_ipv4: Array, first: Array, second: Array
) -> int:
    """How many rows belong to groups where no address stands in all records."""
    rows = 0
    for row in range(len(sources)):
        one = sources[row]
        other = destinations[row]
        if one < 0 and other < 0:
            continue
        family = is_ipv4[one] if one >= 0 else is_ipv4[other]
        group = groups[row] * 2 + family
        if first[group] < 0 and second[group] < 0:
            rows += 1
    return rows


@njit(cache=True, nogil=True)
def count_addresses(
    sources: Array,
    destinations: Array,
    groups: Array,
    known: Array,
    is_ipv4: Array,
    first: Array,
    second: Array,
    table_keys: Array,
    table_counts: Array,
    seed: Any,
) -> None:
    """Count how often each address stands in the records of groups that need it."""
    addresses = len(is_ipv4)
    for row in range(len(sources)):
        one = sources[row]
        other = destinations[row]
        if one < 0 and other < 0:
            continue
        family = is_ipv4[one] if one >= 0 else is_ipv4[other]
        group = groups[row] * 2 + family
        if first[group] >= 0 or second[group] >= 0:
            continue
        base = np.int64(group) * addresses
        if one >= 0 and known[row] != 1:
            _add_one(table_keys, table_counts, base + one, seed)
        if other >= 0 and known[row] != 0 and other != one:
            _add_one(table_keys, table_counts, base + other, seed)


@njit(cache=True, nogil=True, inline="always")
def _tie(one: Any, other: Any, source_port: Any, destination_port: Any, is_private: Array) -> int:
    if is_private[one] != is_private[other]:
        return 0 if is_private[one] else 1
    if source_port != destination_port:
        return 0 if source_port > destination_port else 1
    return 0 if one <= other else 1


@njit(cache=True, nogil=True)
def choose_directions(
    sources: Array,
    destinations: Array,
    source_ports: Array,
    destination_ports: Array,
    groups: Array,
    known: Array,
    is_ipv4: Array,
    is_private: Array,
    first: Array,
    second: Array,
    table_keys: Array,
    table_counts: Array,
    seed: Any,
    directions: Array,
) -> None:
    """Per row, 0 when the source is the host, 1 when the destination is."""
    addresses = len(is_ipv4)
    for row in range(len(sources)):
        one = sources[row]
        other = destinations[row]
        if known[row] >= 0:
            directions[row] = known[row]
        elif one < 0 or other < 0:
            directions[row] = 1 if other >= 0 else 0
        else:
            group = groups[row] * 2 + is_ipv4[one]
            mine = first[group]
            also = second[group]
            if mine >= 0 and also < 0 and (mine == one) != (mine == other):
                directions[row] = 0 if mine == one else 1
            elif also >= 0 and mine < 0 and (also == one) != (also == other):
                directions[row] = 0 if also == one else 1
            else:
                direction = -1
                if mine < 0 and also < 0:
                    base = np.int64(group) * addresses
                    of_one = _count_of(table_keys, table_counts, base + one, seed)
                    of_other = _count_of(table_keys, table_counts, base + other, seed)
                    if of_one != of_other:
                        direction = 0 if of_one > of_other else 1
                if direction < 0:
                    direction = _tie(
                        one, other, source_ports[row], destination_ports[row], is_private
                    )
                directions[row] = direction


@njit(cache=True, nogil=True)
def orient_addresses(sources: Array, destinations: Array, directions: Array) -> None:
    """Make ``sources`` the hosts and ``destinations`` the peers, in place."""
    for row in range(len(sources)):
        if directions[row] == 1:
            code = sources[row]
            sources[row] = destinations[row]
            destinations[row] = code


@njit(cache=True, nogil=True)
def order_ports(
    sources: Array,
    sources_valid: Array,
    destinations: Array,
    destinations_valid: Array,
    low_valid: Array,
    high_valid: Array,
    swapped: Array,
) -> None:
    """Make ``sources`` the lower ports and ``destinations`` the higher, in place.

    A single known port is the lower one.
    """
    sources_nullable = len(sources_valid) > 0
    destinations_nullable = len(destinations_valid) > 0
    for row in range(len(sources)):
        has_source = not sources_nullable or sources_valid[row] != 0
        has_destination = not destinations_nullable or destinations_valid[row] != 0
        if has_source and has_destination:
            swap = sources[row] > destinations[row]
        else:
            swap = has_destination and not has_source
        if swap:
            port = sources[row]
            sources[row] = destinations[row]
            destinations[row] = port
        swapped[row] = swap
        low_valid[row] = has_source or has_destination
        high_valid[row] = has_source and has_destination


@njit(cache=True, nogil=True)
def mark_same(codes: Array, packet_codes: Array, bit: Any, marks: Array, differs: Array) -> int:
    """Set ``bit`` where a packet's address equals the record's; ``differs`` where it must stay."""
    kept = 0
    for row in range(len(codes)):
        code = packet_codes[row]
        if code >= 0 and code == codes[row]:
            marks[row] |= bit
            differs[row] = 0
        else:
            differs[row] = code >= 0
            kept += code >= 0
    return kept
