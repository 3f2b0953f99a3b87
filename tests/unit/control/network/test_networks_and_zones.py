"""Aim: networks are read, compared and filled as AWS does it; zones have AWS's names in any region.
Method: Hypothesis against sets of addresses; the ids of AWS's own regions."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_network
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import ServiceError
from vpcflow.control.network.networks import (
    free_ipv4,
    free_ipv6,
    is_reserved,
    new_ipv6_block,
    overlapping,
    parse_network,
    usable_count,
    within,
)
from vpcflow.control.network.zones import zone_id_prefix, zone_name_of, zones_of

#: Networks within one /24, small enough to be compared address by address.
_SMALL = st.builds(
    lambda value, length: IPv4Network((0x0A000000 + value, length), strict=False),
    st.integers(0, 255),
    st.integers(24, 32),
)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32))
def test_bits_behind_the_prefix_are_cleared(value: int, length: int) -> None:
    network = parse_network(f"{IPv4Address(value)}/{length}")
    assert IPv4Address(value) in network
    assert network.prefixlen == length
    assert parse_network(str(network)) == network


@pytest.mark.parametrize("text", ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "x/8", "::/129"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ServiceError) as raised:
        parse_network(text, "destinationCidrBlock")
    assert raised.value.code == "InvalidParameterValue"
    assert raised.value.message == (
        f"Value ({text}) for parameter destinationCidrBlock is invalid. "
        "This is not a valid CIDR block."
    )


@given(_SMALL, st.lists(_SMALL, max_size=4))
def test_overlap_is_a_common_address(network: IPv4Network, others: list[IPv4Network]) -> None:
    held = set(network)
    assert (overlapping(network, others) is not None) == any(held & set(one) for one in others)
    assert within(network, others) == any(held <= set(one) for one in others)


@given(_SMALL.filter(lambda one: one.prefixlen <= 28), st.sets(st.integers(0, 255)), st.booleans())
def test_free_addresses(network: IPv4Network, numbers: set[int], has_reserved: bool) -> None:
    taken = {IPv4Address(0x0A000000 + number) for number in numbers}
    free = list(free_ipv4([network], taken, has_reserved))
    usable = [one for one in network if not is_reserved(one, network, has_reserved)]
    assert free == [one for one in usable if one not in taken]
    assert len(usable) == usable_count(network, has_reserved)


def test_ipv6_blocks_are_local_and_differ() -> None:
    first, second = new_ipv6_block(), new_ipv6_block()
    assert first != second
    assert first.prefixlen == 56
    assert first.subnet_of(ip_network("fd00::/8"))
    subnet = next(first.subnets(new_prefix=64))
    made = list(islice(free_ipv6([subnet], set()), 50))
    assert len(set(made)) == 50
    assert all(address in subnet for address in made)


@pytest.mark.parametrize(
    ("region", "prefix"),
    [
        ("us-east-1", "use1"),
        ("us-west-2", "usw2"),
        ("eu-central-1", "euc1"),
        ("eu-west-3", "euw3"),
        ("ap-southeast-2", "apse2"),
        ("ap-northeast-1", "apne1"),
        ("ca-central-1", "cac1"),
        ("sa-east-1", "sae1"),
        ("us-gov-west-1", "usgw1"),
        ("cn-north-1", "cnn1"),
        ("local", "local"),
    ],
)
def test_zone_ids(region: str, prefix: str) -> None:
    assert zone_id_prefix(region) == prefix
    first = 6 if region == "us-east-1" else 1
    assert zones_of(region)[0].zone_id == f"{prefix}-az{first}"
    assert zone_name_of(region, zones_of(region)[1].zone_id) == f"{region}b"


def test_names_of_zones_from_elsewhere() -> None:
    assert zone_name_of("us-east-1", "local-az1") == "us-east-1a"
    assert zone_name_of("us-east-1", "use1-az5") == "us-east-1f"
    assert zone_name_of("us-east-1", "rack-7") == "rack-7"
