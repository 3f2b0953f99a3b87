"""Aim: the longest prefix wins. Method: ipaddress, network by network, is the oracle."""

from __future__ import annotations

import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.inventory.address_ranges import NOT_FOUND, AddressRanges, address_words
from vpcflow.inventory.network_interface import Address
from vpcflow.inventory.vpc import Network


def is_mapped(network: ipaddress.IPv6Network, address: Address) -> bool:
    """Whether the network is an IPv4 one, mapped, that holds the address."""
    if address.version == 6 or not network.subnet_of(ipaddress.IPv6Network("::ffff:0:0/96")):
        return False
    return ipaddress.IPv6Address(int(address) | 0xFFFF << 32) in network


def plain_find(networks: list[tuple[Network, int]], address: Address) -> int:
    """The slow way: ask every network."""
    holding = [
        (network.prefixlen + (96 if network.version == 4 else 0), -order, value)
        for order, (network, value) in enumerate(networks)
        if (network.version == address.version and address in network)
        or (isinstance(network, ipaddress.IPv6Network) and is_mapped(network, address))
    ]
    return max(holding)[2] if holding else NOT_FOUND


@st.composite
def _networks(draw: st.DrawFn) -> list[tuple[Network, int]]:
    networks: list[tuple[Network, int]] = []
    for value in range(draw(st.integers(0, 12))):
        if draw(st.booleans()):
            length = draw(st.integers(0, 32))
            bits = draw(st.sampled_from([0, 0x0A000000, 0x0A00FF00, 0xFFFFFFFF]))
            networks.append((ipaddress.IPv4Network((bits, length), strict=False), value))
        else:
            length = draw(st.integers(0, 128))
            bits = draw(st.sampled_from([0, 1 << 127, (1 << 128) - 1, 0xFFFF0A000001, 0x20 << 120]))
            networks.append((ipaddress.IPv6Network((bits, length), strict=False), value))
    return networks


_ADDRESSES = st.lists(
    st.one_of(
        st.ip_addresses(v=4),
        st.ip_addresses(v=6),
        st.integers(0x0A000000, 0x0A0000FF).map(ipaddress.IPv4Address),
        st.sampled_from([ipaddress.IPv4Address(0xFFFFFFFF), ipaddress.IPv6Address(2**128 - 1)]),
    ),
    max_size=20,
)


@settings(deadline=None)  # the first call compiles
@given(_networks(), _ADDRESSES)
def test_find_is_as_ipaddress_says(
    networks: list[tuple[Network, int]], addresses: list[Address]
) -> None:
    edges: list[Address] = []
    for network, _ in networks:
        edges += [network.network_address, network.broadcast_address]
    asked = [
        address
        for address in [*addresses, *edges]
        # A mapped address is IPv4 in memory: 16 bytes cannot tell them apart.
        if not (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped)
    ]
    ranges = AddressRanges(networks)
    expected = [plain_find(networks, address) for address in asked]
    assert [ranges.find(address) for address in asked] == expected
    assert ranges.find_many(address_words(asked)).tolist() == expected


def test_everything_of_ipv6_holds_no_ipv4() -> None:
    ranges = AddressRanges([(ipaddress.IPv6Network("::/0"), 3)])
    assert ranges.find(ipaddress.ip_address("10.0.0.1")) == NOT_FOUND
    assert ranges.find(ipaddress.ip_address("ffff::")) == 3


def test_empty_table_holds_nothing() -> None:
    ranges = AddressRanges([])
    assert ranges.find_many(address_words([ipaddress.ip_address("1.2.3.4")])).tolist() == [-1]
