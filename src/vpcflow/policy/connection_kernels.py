"""Kernels that remember connections and find which direction began each.

A connection is keyed as its interface sees it: own address and port, peer's address and port,
protocol, interface. Ingress and egress rows of one connection so have one key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit

Array = npt.NDArray[Any]

#: Words of a key: own address, peer's address, then ports, protocol and interface.
KEY_WORDS = 5
#: Interfaces have the bits that ports and protocol leave over.
INTERFACES_MAX = 1 << 24

#: Who began, as a connection keeps it.
BEGAN_INGRESS, BEGAN_EGRESS, BEGAN_UNKNOWN = 0, 1, 2

_THERE, _HERE, _UNKNOWN = 0, 1, 2
_TCP = 6
_SYN, _ACK = 2, 16
_NEVER = np.int64(2**63 - 1)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def _hash(keys: Array, row: Any) -> Any:
    value = np.uint64(0)
    for word in range(KEY_WORDS):
        value = (value ^ keys[row, word]) * _MULTIPLIER
        value ^= value >> _HALF
    return value


@njit(cache=True, nogil=True)
def index_rows(slots: Array, keys: Array, count: int) -> None:
    """Fill an empty index (all -1, a power of two long) with the first ``count`` keys."""
    mask = np.uint64(len(slots) - 1)
    for row in range(count):
        slot = _hash(keys, row) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = row


@njit(cache=True, nogil=True)
def keep_rows(keys: Array, last_s: Array, began: Array, count: int, oldest: Array) -> int:
    """Keep connections seen at or after ``oldest`` (TCP, others), in order; returns how many."""
    kept = 0
    for row in range(count):
        protocol = (keys[row, 4] >> _HALF) & np.uint64(0xFF)
        if last_s[row] < oldest[0 if protocol == np.uint64(_TCP) else 1]:
            continue
        for word in range(KEY_WORDS):
            keys[kept, word] = keys[row, word]
        last_s[kept] = last_s[row]
        began[kept] = began[row]
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def find_connections(
    slots: Array,
    keys: Array,
    last_s: Array,
    began: Array,
    count: int,
    interface: Array,
    direction: Array,
    addresses: Array,
    source_port: Array,
    destination_port: Array,
    protocol: Array,
    row_of: Array,
) -> int:
    """The connection of every flow, new ones added while there is room; -1 where there is none.

    The row behind the last of ``keys`` is where a key is made.
    """
    room = len(keys) - 1
    mask = np.uint64(len(slots) - 1)
    for i in range(len(interface)):
        row_of[i] = -1
        if interface[i] < 0 or interface[i] >= INTERFACES_MAX:
            continue
        egress = direction[i] == 1
        own = 0 if egress else 2
        peer = 2 if egress else 0
        keys[count, 0] = addresses[own, i]
        keys[count, 1] = addresses[own + 1, i]
        keys[count, 2] = addresses[peer, i]
        keys[count, 3] = addresses[peer + 1, i]
        own_port = source_port[i] if egress else destination_port[i]
        peer_port = destination_port[i] if egress else source_port[i]
        keys[count, 4] = (
            np.uint64(own_port & 0xFFFF)
            | (np.uint64(peer_port & 0xFFFF) << np.uint64(16))
            | (np.uint64(protocol[i]) << _HALF)
            | (np.uint64(interface[i]) << np.uint64(40))
        )
        slot = _hash(keys, count) & mask
        while True:
            row = slots[slot]
            if row < 0:
                if count < room:
                    slots[slot] = count
                    last_s[count] = 0
                    began[count] = BEGAN_UNKNOWN
                    row_of[i] = count
                    count += 1
                break
            same = True
            for word in range(KEY_WORDS):
                if keys[row, word] != keys[count, word]:
                    same = False
                    break
            if same:
                row_of[i] = row
                break
            slot = (slot + np.uint64(1)) & mask
    return count


@njit(cache=True, nogil=True)
def decide_beginnings(
    began: Array,
    last_s: Array,
    row_of: Array,
    direction: Array,
    protocol: Array,
    tcp_flags: Array,
    first_us: Array,
    last_us: Array,
    window_start_s: int,
    idle_s: Array,
    seen_first: Array,
    seen_flags: Array,
    decided: Array,
    initiated: Array,
) -> None:
    """Who began each flow's connection; brings the connections up to date.

    ``seen_first`` and ``seen_flags`` have two columns, ingress and egress, and are filled here, as
    ``decided`` is: one row a connection.
    """
    for row in range(len(seen_first)):
        decided[row] = 0
        for side in range(2):
            seen_first[row, side] = _NEVER
            seen_flags[row, side] = 0
    for i in range(len(row_of)):
        row = row_of[i]
        if row < 0:
            continue
        side = 1 if direction[i] == 1 else 0
        if np.int64(first_us[i]) < seen_first[row, side]:
            seen_first[row, side] = first_us[i]
        seen_flags[row, side] |= tcp_flags[i]
    for i in range(len(row_of)):
        row = row_of[i]
        if row < 0:
            initiated[i] = _UNKNOWN
            continue
        if decided[row] == 0:
            decided[row] = 1
            idle = idle_s[0 if protocol[i] == _TCP else 1]
            first = min(seen_first[row, 0], seen_first[row, 1]) // 1_000_000 + window_start_s
            remembered = began[row]
            # A connection that was silent for longer than a firewall remembers is a new one.
            if last_s[row] + idle < first:
                remembered = BEGAN_UNKNOWN
            began[row] = _began(remembered, protocol[i], seen_first[row], seen_flags[row])
        end = np.int64(last_us[i]) // 1_000_000 + window_start_s
        if end > last_s[row]:
            last_s[row] = end
        if began[row] == BEGAN_UNKNOWN:
            initiated[i] = _UNKNOWN
        else:
            egress = direction[i] == 1
            initiated[i] = _HERE if (began[row] == BEGAN_EGRESS) == egress else _THERE


@njit(cache=True, nogil=True, inline="always")
def _began(remembered: Any, protocol: Any, first: Array, flags: Array) -> Any:
    if protocol == _TCP:
        # A row joins the flags of all its packets: with ACK, its SYN was an answer.
        ingress = flags[0] & (_SYN | _ACK)
        egress = flags[1] & (_SYN | _ACK)
        if ingress == _SYN and egress != _SYN:
            return BEGAN_INGRESS
        if egress == _SYN and ingress != _SYN:
            return BEGAN_EGRESS
        if ingress & _ACK and not egress & _ACK:
            return BEGAN_EGRESS
        if egress & _ACK and not ingress & _ACK:
            return BEGAN_INGRESS
        # Both with ACK: who sent a SYN among them answered with it.
        if ingress != egress and ingress and egress:
            return BEGAN_EGRESS if ingress & _SYN else BEGAN_INGRESS
        # Without its SYN a connection is older than what was seen, and order says nothing.
        if not (ingress and egress):
            return remembered
    if remembered != BEGAN_UNKNOWN:
        return remembered
    if first[0] < first[1]:
        return BEGAN_INGRESS
    if first[1] < first[0]:
        return BEGAN_EGRESS
    return BEGAN_UNKNOWN
