"""The kernel that finds the mirrored packets within VXLAN and GENEVE; no packet is touched.

Source: RFC 7348 (VXLAN), RFC 8926 (GENEVE).
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value,assignment"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_network_u16, load_network_u32, load_u8

# What became of a packet, and the place of its count.
ETHERNET_INSIDE = 0
RAW_INSIDE = 1
OTHER = 2
UNKNOWN_VNI = 3
MALFORMED = 4
FRAGMENT = 5
OUTCOME_COUNT = 6

VXLAN_PORT = 4789
GENEVE_PORT = 6081

_ETHERNET, _RAW, _SLL, _SLL2 = 1, 101, 113, 276
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6, _ETHERTYPE_ETHERNET = 0x0800, 0x86DD, 0x6558
_VLAN, _SERVICE_VLAN, _OLD_SERVICE_VLAN = 0x8100, 0x88A8, 0x9100
_VLANS_MAX = 4
_UDP = 17
_HOP_BY_HOP, _ROUTING, _FRAGMENT_HEADER, _DESTINATION_OPTIONS = 0, 43, 44, 60
_EXTENSIONS_MAX = 8
_VNI_VALID = 0x08
_UNKNOWN_DIRECTION = 2
_INT32_MAX = 0x7FFFFFFF


@njit(nogil=True, error_model="numpy", forceinline=True)
def _ethernet_payload(at: int, end: int) -> Any:
    """Ethertype and address of what an Ethernet header and its VLAN tags carry; 0 when cut."""
    if at + 14 > end:
        return 0, at
    kind = load_network_u16(at + 12)
    at += 14
    for _ in range(_VLANS_MAX):
        if kind != _VLAN and kind != _SERVICE_VLAN and kind != _OLD_SERVICE_VLAN:
            break
        if at + 4 > end:
            return 0, at
        kind = load_network_u16(at + 2)
        at += 4
    return kind, at


@njit(nogil=True, error_model="numpy", forceinline=True)
def _link_payload(link: int, at: int, end: int) -> Any:
    """Ethertype and address of what the link's header carries; 0 for what is not known."""
    if link == _ETHERNET:
        return _ethernet_payload(at, end)
    if link == _RAW and at < end:
        version = load_u8(at) >> 4
        if version == 4:
            return _ETHERTYPE_IPV4, at
        return (_ETHERTYPE_IPV6 if version == 6 else 0), at
    if link == _SLL and at + 16 <= end:
        return load_network_u16(at + 14), at + 16
    if link == _SLL2 and at + 20 <= end:
        return load_network_u16(at), at + 20
    return 0, at


@njit(nogil=True, error_model="numpy")
def _udp_payload(kind: int, at: int, end: int) -> Any:
    """Destination port, address and length of a UDP payload; port 0 and an outcome otherwise.

    The length is the datagram's own, also when the capture was cut.
    """
    if kind == _ETHERTYPE_IPV4:
        if at + 20 > end:
            return 0, at, OTHER
        words = load_u8(at) & 15
        if load_u8(at) >> 4 != 4 or words < 5 or load_u8(at + 9) != _UDP:
            return 0, at, OTHER
        if load_network_u16(at + 6) & 0x1FFF:
            return 0, at, FRAGMENT
        at += 4 * words
    elif kind == _ETHERTYPE_IPV6:
        if at + 40 > end or load_u8(at) >> 4 != 6:
            return 0, at, OTHER
        following = load_u8(at + 6)
        at += 40
        for _ in range(_EXTENSIONS_MAX):
            if following == _FRAGMENT_HEADER:
                if at + 8 > end:
                    return 0, at, OTHER
                if load_network_u16(at + 2) & 0xFFF8:
                    return 0, at, FRAGMENT
                following = load_u8(at)
                at += 8
            elif (
                following == _HOP_BY_HOP
                or following == _ROUTING
                or following == _DESTINATION_OPTIONS
            ):
                if at + 8 > end:
                    return 0, at, OTHER
                following = load_u8(at)
                at += 8 + 8 * load_u8(at + 1)
            else:
                break
        if following != _UDP:
            return 0, at, OTHER
    else:
        return 0, at, OTHER
    if at + 8 > end:
        return 0, at, OTHER
    return load_network_u16(at + 2), at + 8, load_network_u16(at + 4) - 8


@njit(nogil=True, error_model="numpy", forceinline=True)
def _device_of(vni: int, vnis: Any, devices: Any) -> int:
    """The device of a VNI by binary search; -1 when it is not known."""
    low, high = 0, len(vnis)
    while low < high:
        middle = (low + high) >> 1
        if vnis[middle] < vni:
            low = middle + 1
        else:
            high = middle
    if low < len(vnis) and vnis[low] == vni:
        return devices[low]
    return -1


@njit(nogil=True, error_model="numpy", forceinline=True)
def _wire_bytes(kind: int, at: int, end: int, head: int, told: int) -> int:
    """Length of the inner packet before it was cut: what its IP header tells, if it is more."""
    whole = 0
    if kind == _ETHERTYPE_IPV4 and at + 4 <= end:
        whole = head + load_network_u16(at + 2)
    elif kind == _ETHERTYPE_IPV6 and at + 6 <= end:
        whole = head + 40 + load_network_u16(at + 4)
    return min(max(whole, told), _INT32_MAX)


@njit(nogil=True, error_model="numpy")
def _find_inside(link: int, at: int, end: int) -> Any:
    """Outcome, VNI, address, length and inner protocol of the mirrored packet of one packet."""
    kind, at = _link_payload(link, at, end)
    port, at, length = _udp_payload(kind, at, end)
    outcome, vni, inner = OTHER, -1, 0
    if port == 0:
        return length, vni, at, 0, inner
    if port == GENEVE_PORT:
        if at + 8 > end or load_u8(at) >> 6 != 0:
            return MALFORMED, vni, at, 0, inner
        options = 8 + 4 * (load_u8(at) & 0x3F)
        inner = load_network_u16(at + 2)
        vni = np.int64(load_network_u32(at + 4) >> np.uint64(8))
        at += options
        length -= options
        if length <= 0 or at > end:
            return MALFORMED, vni, at, 0, inner
        kind, within = inner, at
        outcome = RAW_INSIDE
        if inner == _ETHERTYPE_ETHERNET:
            outcome = ETHERNET_INSIDE
            kind, within = _ethernet_payload(at, end)
        elif inner != _ETHERTYPE_IPV4 and inner != _ETHERTYPE_IPV6:
            return OTHER, vni, at, 0, inner
        # A Gateway Load Balancer wraps the mirrored VXLAN once more.
        port, payload, within_length = _udp_payload(kind, within, end)
        if port != VXLAN_PORT:
            return outcome, vni, at, length, inner
        at, length = payload, within_length
    elif port != VXLAN_PORT:
        return OTHER, vni, at, 0, inner
    if at + 8 > end or length <= 8 or load_u8(at) & _VNI_VALID == 0:
        return MALFORMED, -1, at, 0, inner
    vni = np.int64(load_network_u32(at + 4) >> np.uint64(8))
    return ETHERNET_INSIDE, vni, at + 8, length - 8, _ETHERTYPE_ETHERNET


@njit(cache=True, nogil=True, error_model="numpy")
def decapsulate(
    base: int,
    link: int,
    vnis: Any,
    devices: Any,
    counts: Any,
    strangers: Any,
    outer_offset: Any,
    outer_captured: Any,
    outer_time: Any,
    outer_segment: Any,
    wanted: int,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    direction: Any,
    segment_bytes: Any,
) -> int:
    """Fill the columns with the inner packets of the outcome ``wanted``; return how many.

    Only the run for ETHERNET_INSIDE counts: all outcomes into ``counts``, and VNIs that are not
    known into ``strangers`` (the first is how many it holds).
    """
    found = 0
    counting = wanted == ETHERNET_INSIDE
    for packet in range(len(outer_offset)):
        start = base + outer_offset[packet]
        end = start + outer_captured[packet]
        outcome, vni, at, length, inner = _find_inside(link, start, end)
        place = np.int64(-1)
        if outcome == ETHERNET_INSIDE or outcome == RAW_INSIDE:
            place = _device_of(vni, vnis, devices)
            if place < 0:
                outcome = UNKNOWN_VNI
                if counting:
                    known = strangers[0]
                    seen = False
                    for other in range(known):
                        seen = seen or strangers[1 + other] == vni
                    if not seen and known + 1 < len(strangers):
                        strangers[1 + known] = vni
                        strangers[0] = known + 1
        if counting:
            counts[outcome] += 1
        if outcome != wanted:
            continue
        captured = max(min(end - at, length), 0)
        kind, within = inner, at
        if outcome == ETHERNET_INSIDE:
            kind, within = _ethernet_payload(at, at + captured)
        offset[found] = at - base
        captured_bytes[found] = captured
        wire_bytes[found] = _wire_bytes(kind, within, at + captured, within - at, length)
        time_ns[found] = outer_time[packet]
        device[found] = place
        direction[found] = _UNKNOWN_DIRECTION
        segment_bytes[found] = outer_segment[packet]
        found += 1
    return found
