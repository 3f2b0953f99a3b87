"""The addresses that a beginning of a text means."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.api.rest.values import ipv4_ranges

_ADDRESSES = st.one_of(
    st.integers(0, 2**32 - 1), st.sampled_from([0, 2**32 - 1, 0x0A010203, 0x0A0A0000, 0x0A646464])
).map(IPv4Address)


@given(_ADDRESSES, _ADDRESSES, st.integers(1, 15))
def test_ranges_hold_the_addresses_that_begin_so_and_no_others(
    one: IPv4Address, other: IPv4Address, length: int
) -> None:
    prefix = str(one)[:length]
    ranges = ipv4_ranges(prefix)
    for address in (one, other):
        assert any(low <= address <= high for low, high in ranges) == str(address).startswith(
            prefix
        )
    assert [low for low, _ in ranges] == sorted(low for low, _ in ranges)


@pytest.mark.parametrize("prefix", ["", "x", "2001:db8", "10..", "10.0.0.1.", "300.", "010.", "."])
def test_what_begins_no_ipv4_address_has_no_ranges(prefix: str) -> None:
    assert ipv4_ranges(prefix) == []


def test_a_short_beginning_is_few_ranges() -> None:
    assert len(ipv4_ranges("10.1")) == 3
    assert ipv4_ranges("10.") == [(IPv4Address("10.0.0.0"), IPv4Address("10.255.255.255"))]
