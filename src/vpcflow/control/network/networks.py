"""Networks of VPCs and subnets: reading, bounds, and the addresses that are still free."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeVar

from vpcflow.base.errors import ServiceError
from vpcflow.inventory.vpc import Network

#: Longest and shortest prefixes of IPv4 blocks of VPCs and subnets.
PREFIX_MIN, PREFIX_MAX = 16, 28
VPC_IPV6_PREFIX = 56
SUBNET_IPV6_PREFIX = 64
#: Addresses at a subnet's begin that AWS keeps: the network, router, DNS, and one for later.
RESERVED_FIRST = 4
#: So and the last one: the broadcast address.
RESERVED_COUNT = RESERVED_FIRST + 1
A = TypeVar("A", IPv4Address, IPv6Address)


def parse_network(text: str, name: str = "cidrBlock", version: int | None = None) -> Network:
    """A network as callers write it; bits behind the prefix are cleared, as AWS does.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    network = read_network(text)
    if network is None or (version is not None and network.version != version):
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {name} is invalid. This is not a valid CIDR block.",
        )
    return network


def read_network(text: str) -> Network | None:
    """A network with its prefix length, bits behind it cleared; None for any other text."""
    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def parse_ipv4(text: str, name: str = "address") -> IPv4Address:
    """An IPv4 address.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    return _parsed(text, name, IPv4Address)


def parse_ipv6(text: str, name: str = "ipv6Addresses") -> IPv6Address:
    """An IPv6 address.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    return _parsed(text, name, IPv6Address)


def _parsed(text: str, name: str, kind: type[A]) -> A:
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    if not isinstance(address, kind):
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {name} is invalid. Invalid IP address.",
        )
    return address


def is_block_size(network: Network) -> bool:
    """Whether an IPv4 block has a size that VPCs and subnets may have."""
    return PREFIX_MIN <= network.prefixlen <= PREFIX_MAX


def overlapping(network: Network, others: Iterable[Network]) -> Network | None:
    """The first of the others that shares addresses with the network."""
    for other in others:
        if _overlap(network, other):
            return other
    return None


def within(network: Network, blocks: Iterable[Network]) -> bool:
    """Whether one of the blocks holds all of the network."""
    return any(
        block.version == network.version
        and block.prefixlen <= network.prefixlen
        and _overlap(network, block)
        for block in blocks
    )


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and (
        int(one.network_address) <= int(other.broadcast_address)
        and int(other.network_address) <= int(one.broadcast_address)
    )


def new_ipv6_block() -> IPv6Network:
    """A random block for a VPC; of the unique local addresses, since no one routes it."""
    first = (0xFD << 120) | (secrets.randbits(48) << 72)
    return IPv6Network((first, VPC_IPV6_PREFIX))


def usable_count(network: IPv4Network, has_reserved: bool) -> int:
    """How many addresses of a subnet interfaces may have."""
    return max(network.num_addresses - (RESERVED_COUNT if has_reserved else 2), 0)


def is_reserved(address: IPv4Address, network: IPv4Network, has_reserved: bool) -> bool:
    """Whether AWS keeps an address of the subnet for itself."""
    offset = int(address) - int(network.network_address)
    first = RESERVED_FIRST if has_reserved else 1
    return offset < first or offset == network.num_addresses - 1


def free_ipv4(
    blocks: Iterable[Network], taken: set[IPv4Address], has_reserved: bool
) -> Iterator[IPv4Address]:
    """The addresses of a subnet that nobody has, in order."""
    for block in blocks:
        if not isinstance(block, IPv4Network):
            continue
        first = int(block.network_address) + (RESERVED_FIRST if has_reserved else 1)
        for value in range(first, int(block.broadcast_address)):
            address = IPv4Address(value)
            if address not in taken:
                yield address


def free_ipv6(blocks: Iterable[Network], taken: set[IPv6Address]) -> Iterator[IPv6Address]:
    """Addresses of a subnet that nobody has, from a random one on."""
    for block in blocks:
        if not isinstance(block, IPv6Network):
            continue
        size = max(block.num_addresses - RESERVED_COUNT, 1)
        start = secrets.randbelow(size)
        for step in range(size):
            host = RESERVED_FIRST + (start + step) % size
            address = IPv6Address(int(block.network_address) + host)
            if address not in taken:
                yield address
