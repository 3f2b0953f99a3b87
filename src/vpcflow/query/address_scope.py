"""Which addresses are internal: private ones, and networks that the asker names.

Internal are RFC 1918 and RFC 6598, link-local addresses, at which AWS keeps its own services, and
unique local IPv6. All others are the internet's; a VPC may use public addresses inside, which only
the one who asks can know.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from vpcflow.base.errors import QueryError
from vpcflow.query.expression import AddressRange

#: More networks than this are refused.
NETWORKS_MAX = 100

_PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)


class Scope(StrEnum):
    """Where a peer is."""

    INTERNAL = "internal"
    INTERNET = "internet"
    OTHER = "other"


def internal_ranges(networks: str) -> tuple[AddressRange, ...]:
    """The private ranges and those of networks with commas between them.

    Errors: QueryError for what is no network, or too many of them.
    """
    named = [name.strip() for name in networks.split(",") if name.strip()]
    if len(named) > NETWORKS_MAX:
        raise QueryError(
            f"there are more than {NETWORKS_MAX} networks", hint="name larger networks"
        )
    found: list[IPv4Network | IPv6Network] = [ip_network(name) for name in _PRIVATE]
    for name in named:
        try:
            found.append(ip_network(name, strict=False))
        except ValueError as error:
            raise QueryError(
                f"'{name}' is not a network", hint="write 10.0.0.0/16 or 2001:db8::/56"
            ) from error
    return tuple(span for network in found for span in AddressRange.of_network(network))


def is_internal(address: Any, ranges: Sequence[AddressRange]) -> Any:
    """An Ibis condition: the address is in one of the ranges; false where there is none.

    Shape: a tree over the ranges in order, since comparing every address with all of them takes
    longer than summing up does.
    """
    return _within(address, _apart(ranges))


def _apart(ranges: Sequence[AddressRange]) -> list[AddressRange]:
    """The same addresses as ranges in order of which none overlaps another."""
    found: list[AddressRange] = []
    for span in sorted(ranges, key=lambda span: (span.first, span.last)):
        if found and span.first <= found[-1].last:
            found[-1] = AddressRange(found[-1].first, max(span.last, found[-1].last))
        else:
            found.append(span)
    return found


def _within(address: Any, ranges: Sequence[AddressRange]) -> Any:
    import ibis

    if not ranges:
        return ibis.literal(False)
    middle = len(ranges) // 2
    span = ranges[middle]
    return ibis.cases(
        (address < ibis.literal(span.first), _within(address, ranges[:middle])),
        (address <= ibis.literal(span.last), ibis.literal(True)),
        else_=_within(address, ranges[middle + 1 :]),
    )


def scope_of(address: bytes, ranges: Sequence[AddressRange]) -> Scope:
    """Where a stored address is."""
    inside = any(span.first <= address <= span.last for span in ranges)
    return Scope.INTERNAL if inside else Scope.INTERNET
