"""Whose a logged packet is: slot, direction, verdict and rule, and whether the ring sees it."""

# mypy: disable-error-code="no-any-return,return-value,assignment"

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.capture.meter_kernels import device_value
from vpcflow.capture.nflog_kernels import (
    DEVICE_IN,
    DEVICE_OUT,
    FAMILY,
    GROUP,
    HOOK,
    PORT_IN,
    PORT_OUT,
    PREFIX,
)
from vpcflow.capture.parsed_columns import (
    COUNT_WORD,
    DESTINATION_0,
    DESTINATION_1,
    DIRECTION_SHIFT,
    FLOW_WORD,
    ICMP_TYPE_SHIFT,
    METERED,
    NEIGHBOUR_DISCOVERY,
    PROTOCOL_SHIFT,
    RULE_SHIFT,
    SLOT_SHIFT,
    SOURCE_0,
    SOURCE_1,
    STATUS,
    TRANSPORT_WORD,
    VERDICT_ACCEPT,
    VERDICT_SHIFT,
    VERDICT_UNKNOWN,
)

#: What ``attribute`` counts.
ATTRIBUTED_REJECT: Final = 0
ATTRIBUTED_ACCEPT: Final = 1
UNATTRIBUTED: Final = 2  # at no interface that is metered
WITHOUT_VERDICT: Final = 3  # of a group that the settings say nothing about
NO_FLOW: Final = 4  # ARP, damaged, neighbour discovery
ATTRIBUTION_COUNTS: Final = 5

#: Columns of the table of prefixes: 1 when ours, slot or -1, direction, verdict, rule number.
PREFIX_OURS: Final = 0
PREFIX_SLOT: Final = 1
PREFIX_DIRECTION: Final = 2
PREFIX_VERDICT: Final = 3
PREFIX_RULE: Final = 4
PREFIX_COLUMNS: Final = 5

_NFPROTO_NETDEV: Final = 5
_NETDEV_EGRESS: Final = 1
_LOCAL_OUT: Final = 3
_POSTROUTING: Final = 4
#: The loopback device has this number in every namespace.
_LOOPBACK: Final = 1
_INGRESS: Final = 0
_EGRESS: Final = 1
_SIDE_INTERFACE: Final = 0

_U: Final = np.uint64
_BYTE: Final = np.uint64(0xFF)
_ICMPV6: Final = np.uint64(58)


@njit(cache=True, nogil=True, error_model="numpy")
def find_address(words: Any, slots: Any, first: Any, second: Any) -> int:
    """The slot that holds an address, by binary search in ascending pairs of words; -1: none."""
    low = 0
    high = len(slots)
    while low < high:
        middle = (low + high) >> 1
        if words[middle, 0] < first or (words[middle, 0] == first and words[middle, 1] < second):
            low = middle + 1
        else:
            high = middle
    if low < len(slots) and words[low, 0] == first and words[low, 1] == second:
        return np.int64(slots[low])
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def _is_outgoing(family: int, hook: int) -> bool:
    """Whether the hook's device is the one that the packet would have left through."""
    if family == _NFPROTO_NETDEV:
        return hook == _NETDEV_EGRESS
    return hook == _LOCAL_OUT or hook == _POSTROUTING


@njit(cache=True, nogil=True, error_model="numpy")
def _is_discovery(parsed: Any, i: int) -> bool:
    """ICMPv6 that AWS does not log: multicast listener reports and neighbour discovery."""
    if parsed[FLOW_WORD, i] >> _U(PROTOCOL_SHIFT) & _BYTE != _ICMPV6:
        return False
    kind = parsed[TRANSPORT_WORD, i] >> _U(ICMP_TYPE_SHIFT) & _BYTE
    return (kind >= _U(130) and kind <= _U(137)) or kind == _U(143)


@njit(cache=True, nogil=True, error_model="numpy")
def _place_of_foreign(
    parsed: Any,
    fields: Any,
    i: int,
    keys: Any,
    values: Any,
    addresses: Any,
    address_slots: Any,
    sides: Any,
) -> int:
    """Slot and direction (``slot << 1 | direction``) of a packet that a foreign rule logged; or -1.

    The target's interface is the one that it did not enter; else the sender's is the one that it
    did not leave; else the hook's device says it. Where the device is itself the interface, the
    packet crosses it whatever its addresses say, and the ring saw it there.
    """
    outgoing = _is_outgoing(fields[FAMILY, i], fields[HOOK, i])
    device = fields[DEVICE_OUT if outgoing else DEVICE_IN, i]
    port = fields[PORT_OUT if outgoing else PORT_IN, i]
    value = np.int64(device_value(keys, values, port)) if port > 0 else np.int64(-1)
    if value < 0 and device > 0:
        value = np.int64(device_value(keys, values, device))
    by_device = np.int64(-1)
    if value >= 0:
        side = value & 1
        # At an interface what comes in is ingress; at its port what comes in has left it.
        direction = (_EGRESS if outgoing else _INGRESS) ^ side
        by_device = (value >> 1) << 1 | direction
    slot = find_address(
        addresses, address_slots, parsed[DESTINATION_0, i], parsed[DESTINATION_1, i]
    )
    direction = _INGRESS
    if slot < 0:
        slot = find_address(addresses, address_slots, parsed[SOURCE_0, i], parsed[SOURCE_1, i])
        direction = _EGRESS
    if slot < 0:
        return by_device
    if sides[slot] == _SIDE_INTERFACE:
        if value >= 0 and value & 1 == _SIDE_INTERFACE:
            return by_device
        if device == _LOOPBACK:
            return -1
    return slot << 1 | direction


@njit(cache=True, nogil=True, error_model="numpy")
def attribute(
    parsed: Any,
    fields: Any,
    n: int,
    prefixes: Any,
    groups: Any,
    group_verdicts: Any,
    keys: Any,
    values: Any,
    addresses: Any,
    address_slots: Any,
    sides: Any,
    default_verdict: Any,
    drop_discovery: bool,
    seen: Any,
    direct: Any,
    counts: Any,
) -> Any:
    """Write slot, direction, verdict and rule of logged packets; how many are seen and direct.

    Shape: ``seen`` and ``direct`` get the columns of packets that the ring at the point sees too,
    and of those that never reached it. Accepted packets are left out where accepting is what is
    assumed. ``prefixes`` has a row for each prefix number.
    """
    seen_count = 0
    direct_count = 0
    for i in range(n):
        if parsed[STATUS, i] != _U(METERED):
            counts[NO_FLOW] += 1
            continue
        if drop_discovery and _is_discovery(parsed, i):
            parsed[STATUS, i] = _U(NEIGHBOUR_DISCOVERY)
            counts[NO_FLOW] += 1
            continue
        prefix = fields[PREFIX, i]
        rule = prefixes[prefix, PREFIX_RULE]
        place = np.int64(-1)
        verdict = np.int64(VERDICT_UNKNOWN)
        if prefixes[prefix, PREFIX_OURS] == 1:
            verdict = prefixes[prefix, PREFIX_VERDICT]
            if prefixes[prefix, PREFIX_SLOT] >= 0:
                place = prefixes[prefix, PREFIX_SLOT] << 1 | prefixes[prefix, PREFIX_DIRECTION]
        else:
            for g in range(len(groups)):
                if groups[g] == fields[GROUP, i]:
                    verdict = group_verdicts[g]
            if verdict == VERDICT_UNKNOWN:
                counts[WITHOUT_VERDICT] += 1
                continue
            place = _place_of_foreign(
                parsed, fields, i, keys, values, addresses, address_slots, sides
            )
        if place < 0:
            counts[UNATTRIBUTED] += 1
            continue
        slot = place >> 1
        direction = place & 1
        parsed[FLOW_WORD, i] = (
            parsed[FLOW_WORD, i]
            | _U(direction) << _U(DIRECTION_SHIFT)
            | _U(verdict) << _U(VERDICT_SHIFT)
            | _U(slot) << _U(SLOT_SHIFT)
        )
        if verdict == VERDICT_ACCEPT:
            counts[ATTRIBUTED_ACCEPT] += 1
            if default_verdict[slot] != VERDICT_ACCEPT:
                seen[seen_count] = i
                seen_count += 1
            continue
        counts[ATTRIBUTED_REJECT] += 1
        parsed[COUNT_WORD, i] = parsed[COUNT_WORD, i] | _U(rule) << _U(RULE_SHIFT)
        # The ring sees what the device receives before the firewall, what it sends after it.
        received = direction == _INGRESS if sides[slot] == _SIDE_INTERFACE else direction == _EGRESS
        if received:
            seen[seen_count] = i
            seen_count += 1
        else:
            direct[direct_count] = i
            direct_count += 1
    return seen_count, direct_count
