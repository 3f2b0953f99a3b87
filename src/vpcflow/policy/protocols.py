"""Numbers of IP protocols that rules look into, and which ICMP type answers which."""

from __future__ import annotations

from typing import Final

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ICMPV6: Final = 58

#: Names that rules and flows may use; AWS's console names the same.
PROTOCOL_NUMBERS: Final = {
    "icmp": ICMP,
    "tcp": TCP,
    "udp": UDP,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": ICMPV6,
    "ipv6-icmp": ICMPV6,
    "sctp": 132,
}
PROTOCOL_NAMES: Final = {
    number: name for name, number in PROTOCOL_NUMBERS.items() if name != "ipv6-icmp"
}

#: The request that a type answers. Source: RFC 792, 950, 4443.
ICMP_REQUEST_OF: Final = {0: 8, 14: 13, 16: 15, 18: 17}
ICMPV6_REQUEST_OF: Final = {129: 128}
#: Errors belong to a connection of another protocol, which the flow does not name.
ICMP_ERRORS: Final = frozenset({3, 4, 11, 12})
ICMPV6_ERRORS: Final = frozenset({1, 2, 3, 4})


def request_type(protocol: int, icmp_type: int) -> int | None:
    """The ICMP type of the request that this type answers; None when it answers none."""
    return (ICMP_REQUEST_OF if protocol == ICMP else ICMPV6_REQUEST_OF).get(icmp_type)


def is_icmp_error(protocol: int, icmp_type: int) -> bool:
    """Whether it tells of a packet of another connection."""
    return icmp_type in {ICMP: ICMP_ERRORS, ICMPV6: ICMPV6_ERRORS}.get(protocol, frozenset())
