"""The headers under and after IP: links, VLAN tags, IPv6 extension headers, TCP options.

Functions of ``parse_kernels``. Each gets the address of what it reads and where that ends, and
believes nothing beyond.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.capture.packet_batch import LinkType
from vpcflow.capture.parsed_columns import ARP, MALFORMED, NOT_IP, TRUNCATED
from vpcflow.record.memory_kernels import load_network_u16, load_network_u32, load_u8, load_u32

#: VLAN tags that are passed over; a frame with more is NOT_IP.
VLAN_TAGS_MAX: Final = 8
#: IPv6 extension headers that are passed over; with more, the next one counts as the protocol.
IPV6_EXTENSIONS_MAX: Final = 8
#: Links whose packets can be parsed.
LINK_TYPES: Final = frozenset(LinkType) - {LinkType.NFLOG}

_U = np.uint64
_ETHERTYPE_IPV4, _ETHERTYPE_ARP, _ETHERTYPE_IPV6 = 0x0800, 0x0806, 0x86DD
_VLAN, _SERVICE_VLAN, _OLD_SERVICE_VLAN = 0x8100, 0x88A8, 0x9100
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _OPTIONS = 0, 43, 44, 51, 60
_TIMESTAMP_KIND, _TIMESTAMP_BYTES = 8, 10
#: Two no-operations and the timestamp option, as nearly every sender writes it.
_USUAL_OPTIONS = _U(0x0101080A)
_NULL, _ETHERNET, _RAW, _LOOP, _SLL, _SLL2 = (
    int(link)
    for link in (
        LinkType.NULL,
        LinkType.ETHERNET,
        LinkType.RAW,
        LinkType.LOOP,
        LinkType.LINUX_SLL,
        LinkType.LINUX_SLL2,
    )
)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def too_short(wire: int, needed: int) -> int:
    """The status of a packet that ends too early: cut by the capture, or so on the wire."""
    return TRUNCATED if wire >= needed else MALFORMED


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _past_tags(p: int, ethertype: int, at: int, captured: int, wire: int) -> Any:
    """Past VLAN tags: the IP version that is due, or a negative status; and where it starts."""
    tags = 0
    while ethertype == _VLAN or ethertype == _SERVICE_VLAN or ethertype == _OLD_SERVICE_VLAN:
        if tags == VLAN_TAGS_MAX:
            return -NOT_IP, 0
        if captured < at + 4:
            return -too_short(wire, at + 4), 0
        ethertype = load_network_u16(p + at + 2)
        at += 4
        tags += 1
    if ethertype == _ETHERTYPE_IPV4:
        return 4, at
    if ethertype == _ETHERTYPE_IPV6:
        return 6, at
    if ethertype == _ETHERTYPE_ARP:
        return -ARP, 0
    return -NOT_IP, 0


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def past_link(p: int, link: int, captured: int, wire: int) -> Any:
    """The IP version that the link names (0: none), or a negative status; and where IP starts."""
    if link == _ETHERNET:
        if captured < 14:
            return -too_short(wire, 14), 0
        return _past_tags(p, load_network_u16(p + 12), 14, captured, wire)
    if link == _RAW:
        return 0, 0
    if link == _SLL:
        if captured < 16:
            return -too_short(wire, 16), 0
        return _past_tags(p, load_network_u16(p + 14), 16, captured, wire)
    if link == _SLL2:
        if captured < 20:
            return -too_short(wire, 20), 0
        return _past_tags(p, load_network_u16(p), 20, captured, wire)
    if captured < 4:
        return -too_short(wire, 4), 0
    # The family's number is in the order of the machine that captured.
    family = np.int64(load_network_u32(p))
    if family > 0xFFFF:
        family = np.int64(load_u32(p))
    if family == 2:
        return 4, 4
    if family == 10 or family == 24 or family == 28 or family == 30:
        return 6, 4
    return -NOT_IP, 0


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def past_extensions(p: int, protocol: int, end: int) -> Any:
    """Past IPv6 extension headers: protocol, place, fragment offset, more, identification, is one.

    A chain that is cut or too long ends with the number of the header that was not read. What
    follows the header of a later fragment is not headers.
    """
    at, offset, more, number, fragment = 40, 0, False, _U(0), False
    for _ in range(IPV6_EXTENSIONS_MAX):
        if not (
            protocol == _HOP_BY_HOP
            or protocol == _ROUTING
            or protocol == _FRAGMENT
            or protocol == _AUTHENTICATION
            or protocol == _OPTIONS
        ):
            break
        if at + 8 > end:
            break
        if protocol == _FRAGMENT:
            bits = load_network_u16(p + at + 2)
            offset, more = bits & 0xFFF8, (bits & 1) != 0
            number, fragment = load_network_u32(p + at + 4), True
            protocol = load_u8(p + at)
            at += 8
            if offset != 0:
                break
            continue
        units = load_u8(p + at + 1)
        size = (units + 2) * 4 if protocol == _AUTHENTICATION else (units + 1) * 8
        if at + size > end:
            break
        protocol = load_u8(p + at)
        at += size
    return protocol, at, offset, more, number, fragment


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def timestamps(p: int, end: int) -> Any:
    """Both numbers of TCP's timestamp option, as a column holds them, and if it is there."""
    if end - p >= 12 and load_network_u32(p) == _USUAL_OPTIONS:
        return load_network_u32(p + 4) | load_network_u32(p + 8) << _U(32), True
    while p < end:
        kind = load_u8(p)
        if kind == 0:
            break
        if kind == 1:
            p += 1
            continue
        if p + 2 > end:
            break
        size = load_u8(p + 1)
        if size < 2 or p + size > end:
            break
        if kind == _TIMESTAMP_KIND and size == _TIMESTAMP_BYTES:
            return load_network_u32(p + 2) | load_network_u32(p + 6) << _U(32), True
        p += size
    return _U(0), False
