"""Verdicts that wait for their packets: a bounded set of packet keys, met, aged and emptied."""

# mypy: disable-error-code="no-any-return,return-value,assignment"

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.capture.parsed_columns import (
    COLUMN_COUNT,
    COUNT_WORD,
    DESTINATION_0,
    DESTINATION_1,
    DIRECTION_SHIFT,
    FLOW_WORD,
    FRAGMENT_BIT,
    IDENTITY_WORD,
    LATER_FRAGMENT_BIT,
    METERED,
    RULE_SHIFT,
    SLOT_SHIFT,
    SOURCE_0,
    SOURCE_1,
    STATUS,
    TCP_NUMBERS,
    TRANSPORT_WORD,
    VERDICT_ACCEPT,
    VERDICT_REJECT,
    VERDICT_SHIFT,
)

_U: Final = np.uint64

#: Words of an entry of the verdict set: the packet's columns, then these.
ENTRY_KEY: Final = COLUMN_COUNT
ENTRY_SOURCE_KEY: Final = COLUMN_COUNT + 1
ENTRY_TIME: Final = COLUMN_COUNT + 2
ENTRY_MET: Final = COLUMN_COUNT + 3  # 1: fragments of it were found
ENTRY_WORDS: Final = COLUMN_COUNT + 4

#: Links of an entry: two chains and the order of arrival.
KEY_NEXT: Final = 0
KEY_PREVIOUS: Final = 1
SOURCE_NEXT: Final = 2
SOURCE_PREVIOUS: Final = 3
NEWER: Final = 4
OLDER: Final = 5
LINKS: Final = 6

#: State of the set.
FREE: Final = 0
OLDEST: Final = 1
NEWEST: Final = 2
LIVE: Final = 3
LIVE_ACCEPTS: Final = 4
MATCHED: Final = 5  # packets of the ring that were found
LATE: Final = 6  # refusals whose packet was not found in time
NO_ROOM: Final = 7  # refusals for which the set was full
STATE_WORDS: Final = 8

#: Entries of one chain that are looked at; more share a key only when someone makes them.
CHAIN_MAX: Final = 32

_VERDICT_MASK: Final = np.uint64(3)
#: Ports, protocol, direction and slot: all but the verdict.
_FLOW_MASK: Final = np.uint64(0xFFFF_01FF_FFFF_FFFF)
_FLOW_WITHOUT_PORTS: Final = np.uint64(0xFFFF_01FF_0000_0000)
#: TCP's flags, the fragment's bits, ICMP's type and code. Not the payload, which an offload
#: changes, nor the timestamp option, which the copy may lack.
_TRANSPORT_MASK: Final = np.uint64(0xFFFF_06FF_0000_0000)
_LATER_FRAGMENT: Final = np.uint64(1 << LATER_FRAGMENT_BIT)
_FRAGMENT: Final = np.uint64(1 << FRAGMENT_BIT)
_SOURCE_PORT: Final = np.uint64(0xFFFF)
_IPV4_ID: Final = np.uint64(0xFFFF)
_V4_MAPPED: Final = np.uint64(0xFFFF_0000)
_LOW: Final = np.uint64(0xFFFF_FFFF)
_PRIME: Final = np.uint64(0x9E37_79B9_7F4A_7C15)


@njit(cache=True, nogil=True, error_model="numpy")
def _mix(hash_: Any, word: Any) -> Any:
    hash_ = (hash_ ^ word) * _PRIME
    return hash_ ^ hash_ >> _U(32)


@njit(cache=True, nogil=True, error_model="numpy")
def packet_key(parsed: Any, i: int, seed: Any) -> Any:
    """What a firewall does not change and both views hold: one packet at one point."""
    transport = parsed[TRANSPORT_WORD, i] & _TRANSPORT_MASK
    flow = parsed[FLOW_WORD, i] & _FLOW_MASK
    if transport & _LATER_FRAGMENT:
        # Ports of a later fragment are known only to who saw the first.
        flow = flow & _FLOW_WITHOUT_PORTS
    hash_ = _mix(seed, parsed[SOURCE_0, i])
    hash_ = _mix(hash_, parsed[SOURCE_1, i])
    hash_ = _mix(hash_, parsed[DESTINATION_0, i])
    hash_ = _mix(hash_, parsed[DESTINATION_1, i])
    hash_ = _mix(hash_, flow)
    hash_ = _mix(hash_, parsed[IDENTITY_WORD, i])
    hash_ = _mix(hash_, parsed[TCP_NUMBERS, i])
    return _mix(hash_, transport)


@njit(cache=True, nogil=True, error_model="numpy")
def source_key(parsed: Any, i: int, seed: Any) -> Any:
    """The sender and its number of an IPv4 packet, 0 without a number: survives translation of the
    destination, and joins the fragments of a packet to the whole."""
    number = parsed[IDENTITY_WORD, i] & _IPV4_ID
    if number == _U(0) or parsed[SOURCE_0, i] != _U(0) or parsed[SOURCE_1, i] & _LOW != _V4_MAPPED:
        return _U(0)
    hash_ = _mix(~seed, parsed[SOURCE_1, i])
    hash_ = _mix(hash_, parsed[FLOW_WORD, i] & _FLOW_WITHOUT_PORTS)
    return _mix(hash_, number) | _U(1)


@njit(cache=True, nogil=True, error_model="numpy")
def _unlink(links: Any, heads: Any, head: int, at: int, following: int, previous: int) -> None:
    before = links[at, previous]
    after = links[at, following]
    if before >= 0:
        links[before, following] = after
    else:
        heads[head] = after
    if after >= 0:
        links[after, previous] = before


@njit(cache=True, nogil=True, error_model="numpy")
def _push(links: Any, heads: Any, head: int, at: int, following: int, previous: int) -> None:
    first = heads[head]
    links[at, following] = first
    links[at, previous] = -1
    if first >= 0:
        links[first, previous] = at
    heads[head] = at


@njit(cache=True, nogil=True, error_model="numpy")
def _live_place(flow: Any) -> int:
    """Where live entries of a slot and direction are counted."""
    slot = np.int64(flow >> _U(SLOT_SHIFT))
    return slot << 1 | np.int64(flow >> _U(DIRECTION_SHIFT) & _U(1))


@njit(cache=True, nogil=True, error_model="numpy")
def _remove(
    at: int, rows: Any, links: Any, key_heads: Any, source_heads: Any, live_at: Any, state: Any
) -> None:
    mask = _U(len(key_heads) - 1)
    _unlink(links, key_heads, np.int64(rows[at, ENTRY_KEY] & mask), at, KEY_NEXT, KEY_PREVIOUS)
    if rows[at, ENTRY_SOURCE_KEY] != _U(0):
        head = np.int64(rows[at, ENTRY_SOURCE_KEY] >> _U(1) & mask)
        _unlink(links, source_heads, head, at, SOURCE_NEXT, SOURCE_PREVIOUS)
    older = links[at, OLDER]
    newer = links[at, NEWER]
    if older >= 0:
        links[older, NEWER] = newer
    else:
        state[OLDEST] = newer
    if newer >= 0:
        links[newer, OLDER] = older
    else:
        state[NEWEST] = older
    flow = rows[at, FLOW_WORD]
    live_at[_live_place(flow)] -= 1
    if flow >> _U(VERDICT_SHIFT) & _VERDICT_MASK == _U(VERDICT_ACCEPT):
        state[LIVE_ACCEPTS] -= 1
    state[LIVE] -= 1
    links[at, KEY_NEXT] = state[FREE]
    state[FREE] = at


@njit(cache=True, nogil=True, error_model="numpy")
def _find_key(key: Any, rows: Any, links: Any, key_heads: Any) -> int:
    at = np.int64(key_heads[np.int64(key & _U(len(key_heads) - 1))])
    for _ in range(CHAIN_MAX):
        if at < 0:
            return -1
        if rows[at, ENTRY_KEY] == key:
            return at
        at = np.int64(links[at, KEY_NEXT])
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def _overrule_accept(
    parsed: Any, i: int, key: Any, rows: Any, links: Any, key_heads: Any, state: Any
) -> bool:
    """A packet that one rule accepted and a later one refused is refused, once."""
    at = _find_key(key, rows, links, key_heads)
    if at < 0:
        return False
    if rows[at, FLOW_WORD] >> _U(VERDICT_SHIFT) & _VERDICT_MASK != _U(VERDICT_ACCEPT):
        return False
    rows[at, FLOW_WORD] = parsed[FLOW_WORD, i]
    rows[at, COUNT_WORD] = parsed[COUNT_WORD, i]
    state[LIVE_ACCEPTS] -= 1
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def add_verdicts(
    parsed: Any,
    which: Any,
    now_ns: int,
    seed: Any,
    rows: Any,
    links: Any,
    key_heads: Any,
    source_heads: Any,
    live_at: Any,
    state: Any,
    refused: Any,
) -> int:
    """Put the columns ``which`` into the set; those without room into ``refused``, their number."""
    refused_count = 0
    mask = _U(len(key_heads) - 1)
    for w in range(len(which)):
        i = which[w]
        key = packet_key(parsed, i, seed)
        flow = parsed[FLOW_WORD, i]
        accepts = flow >> _U(VERDICT_SHIFT) & _VERDICT_MASK == _U(VERDICT_ACCEPT)
        if (
            not accepts
            and state[LIVE_ACCEPTS] > 0
            and _overrule_accept(parsed, i, key, rows, links, key_heads, state)
        ):
            continue
        at = state[FREE]
        if at < 0:
            if not accepts:
                state[NO_ROOM] += 1
                refused[refused_count] = i
                refused_count += 1
            continue
        state[FREE] = links[at, KEY_NEXT]
        for c in range(COLUMN_COUNT):
            rows[at, c] = parsed[c, i]
        other = source_key(parsed, i, seed)
        rows[at, ENTRY_KEY] = key
        rows[at, ENTRY_SOURCE_KEY] = other
        rows[at, ENTRY_TIME] = _U(now_ns)
        rows[at, ENTRY_MET] = _U(0)
        _push(links, key_heads, np.int64(key & mask), at, KEY_NEXT, KEY_PREVIOUS)
        if other != _U(0):
            head = np.int64(other >> _U(1) & mask)
            _push(links, source_heads, head, at, SOURCE_NEXT, SOURCE_PREVIOUS)
        newest = state[NEWEST]
        links[at, OLDER] = newest
        links[at, NEWER] = -1
        if newest >= 0:
            links[newest, NEWER] = at
        else:
            state[OLDEST] = at
        state[NEWEST] = at
        state[LIVE] += 1
        if accepts:
            state[LIVE_ACCEPTS] += 1
        live_at[_live_place(flow)] += 1
    return refused_count


@njit(cache=True, nogil=True, error_model="numpy")
def _find_source(parsed: Any, i: int, seed: Any, rows: Any, links: Any, source_heads: Any) -> int:
    """The entry of the whole packet that this is a fragment of, or of the same packet with another
    destination."""
    key = source_key(parsed, i, seed)
    if key == _U(0):
        return -1
    at = np.int64(source_heads[np.int64(key >> _U(1) & _U(len(source_heads) - 1))])
    transport = parsed[TRANSPORT_WORD, i] & _TRANSPORT_MASK
    for _ in range(CHAIN_MAX):
        if at < 0:
            return -1
        if rows[at, ENTRY_SOURCE_KEY] == key:
            entry_transport = rows[at, TRANSPORT_WORD] & _TRANSPORT_MASK
            if transport & _FRAGMENT:
                if (
                    not entry_transport & _FRAGMENT
                    and rows[at, DESTINATION_0] == parsed[DESTINATION_0, i]
                    and rows[at, DESTINATION_1] == parsed[DESTINATION_1, i]
                ):
                    return at
            elif (
                entry_transport == transport
                and rows[at, IDENTITY_WORD] == parsed[IDENTITY_WORD, i]
                and rows[at, TCP_NUMBERS] == parsed[TCP_NUMBERS, i]
                and (rows[at, FLOW_WORD] ^ parsed[FLOW_WORD, i]) & _SOURCE_PORT == _U(0)
            ):
                return at
        at = np.int64(links[at, SOURCE_NEXT])
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def apply_verdicts(
    parsed: Any,
    begin: int,
    end: int,
    default_verdict: Any,
    seed: Any,
    rows: Any,
    links: Any,
    key_heads: Any,
    source_heads: Any,
    live_at: Any,
    state: Any,
) -> None:
    """Write the verdict of every metered packet: the one that waits for it, else its point's."""
    for i in range(begin, end):
        if parsed[STATUS, i] != _U(METERED):
            continue
        flow = parsed[FLOW_WORD, i]
        verdict = _U(default_verdict[np.int64(flow >> _U(SLOT_SHIFT))])
        if state[LIVE] > 0 and live_at[_live_place(flow)] > 0:
            at = _find_key(packet_key(parsed, i, seed), rows, links, key_heads)
            if at < 0:
                at = _find_source(parsed, i, seed, rows, links, source_heads)
            if at >= 0:
                state[MATCHED] += 1
                verdict = rows[at, FLOW_WORD] >> _U(VERDICT_SHIFT) & _VERDICT_MASK
                rule = rows[at, COUNT_WORD] >> _U(RULE_SHIFT)
                parsed[COUNT_WORD, i] = parsed[COUNT_WORD, i] | rule << _U(RULE_SHIFT)
                entry_whole = not rows[at, TRANSPORT_WORD] & _FRAGMENT
                if parsed[TRANSPORT_WORD, i] & _FRAGMENT and entry_whole:
                    rows[at, ENTRY_MET] = _U(1)  # more fragments may follow
                else:
                    _remove(at, rows, links, key_heads, source_heads, live_at, state)
        parsed[FLOW_WORD, i] = flow | verdict << _U(VERDICT_SHIFT)


@njit(cache=True, nogil=True, error_model="numpy")
def expire_verdicts(
    now_ns: int,
    age_ns: int,
    rows: Any,
    links: Any,
    key_heads: Any,
    source_heads: Any,
    live_at: Any,
    state: Any,
    late: Any,
) -> int:
    """Take out what is as old as ``age_ns``; refusals that were never met into ``late``."""
    count = 0
    while state[OLDEST] >= 0 and count < late.shape[1]:
        at = state[OLDEST]
        age = now_ns - np.int64(rows[at, ENTRY_TIME])
        # A clock that was set back would keep entries for ever.
        if age >= 0 and age < age_ns:
            break
        verdict = rows[at, FLOW_WORD] >> _U(VERDICT_SHIFT) & _VERDICT_MASK
        if verdict == _U(VERDICT_REJECT) and rows[at, ENTRY_MET] == _U(0):
            for c in range(COLUMN_COUNT):
                late[c, count] = rows[at, c]
            count += 1
            state[LATE] += 1
        _remove(at, rows, links, key_heads, source_heads, live_at, state)
    return count
