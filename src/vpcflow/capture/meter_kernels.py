"""Between parsing and the flow table: where a packet belongs, and what makes no flow."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.capture.parsed_columns import (
    DESTINATION_0,
    DESTINATION_1,
    DIRECTION_SHIFT,
    FLOW_WORD,
    ICMP_TYPE_SHIFT,
    IP_BYTES,
    METERED,
    NEIGHBOUR_DISCOVERY,
    NOT_METERED,
    OTHER_HOST,
    PROTOCOL_SHIFT,
    SLOT_SHIFT,
    SOURCE_0,
    SOURCE_1,
    STATUS,
    TIME_NS,
    TRANSPORT_WORD,
)

#: What a device map says of a device: a slot and side, or one of these.
DEVICE_UNKNOWN = -2
DEVICE_NOT_METERED = -1

_ICMPV6 = np.uint64(58)
_BYTE = np.uint64(0xFF)
_MULTICAST_BIT = np.uint64(1)
_V4_MAPPED = np.uint64(0xFFFF0000)
_LOW = np.uint64(0xFFFFFFFF)


@njit(cache=True, nogil=True, error_model="numpy")
def device_value(keys: Any, values: Any, device: int) -> int:
    """What the open-addressing map ``keys`` and ``values`` says of a device."""
    mask = len(keys) - 1
    at = (device * 0x9E3779B1 >> 7) & mask
    while keys[at] != -1:
        if keys[at] == device:
            return values[at]
        at = (at + 1) & mask
    return DEVICE_UNKNOWN


@njit(cache=True, nogil=True, error_model="numpy")
def find_unknown(keys: Any, values: Any, device: Any, unknown: Any) -> int:
    """Devices of a batch that the map does not know, each once, as many as ``unknown`` holds."""
    count = 0
    last = -1
    for i in range(len(device)):
        number = device[i]
        if number == last:
            continue
        last = number
        if device_value(keys, values, number) != DEVICE_UNKNOWN:
            continue
        seen = False
        for j in range(count):
            seen = seen or unknown[j] == number
        if not seen and count < len(unknown):
            unknown[count] = number
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def place_packets(
    parsed: Any, device: Any, direction: Any, keys: Any, values: Any, drop_discovery: bool
) -> None:
    """Write slot and direction at the interface, and the status of what makes no flow.

    Shape: a map's value is ``slot << 1 | side``, side 1 for the far end of the interface's wire,
    where what is received has left the interface.
    """
    last = -1
    value = DEVICE_UNKNOWN
    for i in range(len(device)):
        if parsed[STATUS, i] != np.uint64(METERED):
            continue
        if device[i] != last:
            last = device[i]
            value = device_value(keys, values, last)
        if value < 0:
            parsed[STATUS, i] = np.uint64(NOT_METERED)
            continue
        way = direction[i]
        if way > 1:
            parsed[STATUS, i] = np.uint64(OTHER_HOST)
            continue
        word = parsed[FLOW_WORD, i]
        if drop_discovery and word >> np.uint64(PROTOCOL_SHIFT) & _BYTE == _ICMPV6:
            kind = parsed[TRANSPORT_WORD, i] >> np.uint64(ICMP_TYPE_SHIFT) & _BYTE
            if (kind >= np.uint64(130) and kind <= np.uint64(137)) or kind == np.uint64(143):
                parsed[STATUS, i] = np.uint64(NEIGHBOUR_DISCOVERY)
                continue
        egress = np.uint64(way ^ (value & 1))
        parsed[FLOW_WORD, i] = (
            word
            | egress << np.uint64(DIRECTION_SHIFT)
            | np.uint64(value >> 1) << np.uint64(SLOT_SHIFT)
        )


@njit(cache=True, nogil=True, error_model="numpy")
def find_cut(parsed: Any, begin: int, end: int, earliest_ns: int, window_end_ns: int) -> int:
    """The first packet beyond the window, or long before it; ``end`` when none is."""
    for i in range(begin, end):
        time_ns = np.int64(parsed[TIME_NS, i])
        if time_ns >= window_end_ns or time_ns < earliest_ns:
            return i
    return end


@njit(cache=True, nogil=True, error_model="numpy")
def count_statuses(
    parsed: Any,
    begin: int,
    end: int,
    wire_bytes: Any,
    packets: Any,
    frame_bytes: Any,
    ip_bytes: Any,
) -> None:
    """Add up packets, frame bytes and IP bytes by status."""
    for i in range(begin, end):
        status = np.int64(parsed[STATUS, i] & _BYTE)
        packets[status] += 1
        frame_bytes[status] += wire_bytes[i]
        ip_bytes[status] += np.int64(parsed[IP_BYTES, i])


@njit(cache=True, nogil=True, error_model="numpy")
def own_place(own: Any, device: int, first: Any, second: Any) -> Any:
    """Where a device's address stands in the open-addressing table ``own``, or would stand."""
    mask = len(own) - 1
    mixed = (first ^ second * np.uint64(0x9E3779B97F4A7C15)) + np.uint64(device)
    at = np.int64((mixed * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(40)) & mask
    wanted = np.uint64(device + 1)
    while own[at, 0] != np.uint64(0):
        if own[at, 0] == wanted and own[at, 1] == first and own[at, 2] == second:
            return at
        at = (at + 1) & mask
    return at


@njit(cache=True, nogil=True, error_model="numpy")
def _is_own(own: Any, device: int, first: Any, second: Any) -> bool:
    return own[own_place(own, device, first, second), 0] != np.uint64(0)


@njit(cache=True, nogil=True, error_model="numpy")
def _mac(data: Any, at: int) -> Any:
    mac = np.uint64(0)
    for j in range(6):
        mac = mac << np.uint64(8) | np.uint64(data[at + j])
    return mac


@njit(cache=True, nogil=True, error_model="numpy")
def _is_group_address(first: Any, second: Any) -> bool:
    """Multicast of either family, or IPv4's limited broadcast."""
    if first == np.uint64(0) and second & _LOW == _V4_MAPPED:
        octet = second >> np.uint64(32) & _BYTE
        return (octet >= np.uint64(224) and octet < np.uint64(240)) or second >> np.uint64(
            32
        ) == _LOW
    return first & _BYTE == _BYTE


@njit(cache=True, nogil=True, error_model="numpy")
def resolve_directions(
    parsed: Any,
    data: Any,
    offset: Any,
    captured_bytes: Any,
    device: Any,
    has_mac: bool,
    own: Any,
    own_macs: Any,
    out: Any,
) -> None:
    """Which way packets crossed an interface, by its addresses and its MAC.

    Shape: ``own`` holds addresses by device, ``own_macs`` MACs by device, 0 until a packet from an
    own address shows it; with one MAC all devices are one interface. With a MAC the frame decides,
    so that what is forwarded or sent to a group counts rightly; without one the addresses do.
    """
    is_one = len(own_macs) == 1
    for i in range(len(offset)):
        if out[i] < 2 or parsed[STATUS, i] != np.uint64(METERED):
            continue
        number = 0 if is_one else np.int64(device[i])
        if number < 0 or number >= len(own_macs):
            continue
        from_own = _is_own(own, number, parsed[SOURCE_0, i], parsed[SOURCE_1, i])
        if has_mac and captured_bytes[i] >= 14:
            target = _mac(data, offset[i])
            sender = _mac(data, offset[i] + 6)
            if own_macs[number] == np.uint64(0) and from_own:
                own_macs[number] = sender
            if own_macs[number] != np.uint64(0):
                if sender == own_macs[number]:
                    out[i] = 1
                elif target == own_macs[number] or target >> np.uint64(40) & _MULTICAST_BIT:
                    out[i] = 0
                continue
        first, second = parsed[DESTINATION_0, i], parsed[DESTINATION_1, i]
        if from_own:
            out[i] = 1
        elif _is_own(own, number, first, second) or _is_group_address(first, second):
            out[i] = 0
