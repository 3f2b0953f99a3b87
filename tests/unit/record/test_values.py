"""Addresses and networks, one at a time and in columns."""

from __future__ import annotations

import ipaddress
import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import RecordError
from vpcflow.record.field_spec import ADDRESS_TYPE
from vpcflow.record.values import (
    addresses_to_text,
    format_address,
    parse_address,
    parse_network,
    text_to_addresses,
)

MAPPED = bytes(10) + b"\xff\xff"
sixteen = st.one_of(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=4, max_size=4).map(lambda last: MAPPED + last),
    st.lists(st.sampled_from([b"\0\0", b"\0\1", b"\xab\xcd"]), min_size=8, max_size=8).map(
        b"".join
    ),
)
address_like = st.one_of(
    st.text(st.sampled_from("0123456789abcdefF:.%g "), max_size=45),
    st.lists(st.sampled_from(["0", "1", "ffff", "12345", "", "1.2.3.4"]), max_size=9).map(":".join),
    st.lists(st.sampled_from(["0", "01", "255", "256", ""]), max_size=5).map(".".join),
    st.sampled_from(["-", "é", "1.2.3.4", "::"]),
)


def expected_text(address: bytes) -> str:
    if address.startswith(MAPPED):
        return str(ipaddress.IPv4Address(address[12:]))
    return str(ipaddress.IPv6Address(address))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("::1.2.3.4", "::102:304"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("fe80::", "fe80::"),
    ],
)
def test_an_address_is_printed_as_rfc_5952_says(text: str, printed: str) -> None:
    assert format_address(parse_address(text)) == printed
    column, refused = text_to_addresses(pa.array([text]))
    assert not refused.any()
    assert column.to_pylist() == [parse_address(text)]
    assert addresses_to_text(column).to_pylist() == [printed]


@given(st.lists(st.none() | sixteen, max_size=20), st.integers(0, 3))
@settings(deadline=None)
def test_columns_print_as_single_values_do(addresses: list[bytes | None], start: int) -> None:
    column = pa.array(addresses, ADDRESS_TYPE).slice(start)
    text = addresses_to_text(column)
    text.validate(full=True)
    expected = [None if one is None else expected_text(one) for one in addresses[start:]]
    assert text.to_pylist() == expected
    assert [None if one is None else format_address(one) for one in addresses[start:]] == expected
    again, refused = text_to_addresses(text)
    assert again.to_pylist() == addresses[start:]
    assert not refused.any()


@given(st.lists(st.none() | address_like, max_size=20), st.integers(0, 3))
@settings(deadline=None, max_examples=300)
def test_columns_are_read_as_single_values_are(texts: list[str | None], start: int) -> None:
    expected: list[bytes | None] = []
    refused = []
    for text in texts[start:]:
        try:
            expected.append(None if text in (None, "-") else parse_address(text))
            refused.append(False)
        except RecordError:
            expected.append(None)
            refused.append(True)
    column = pa.array(texts, pa.string()).slice(start)
    for form in (column, column.dictionary_encode()):
        addresses, told = text_to_addresses(form)
        addresses.validate(full=True)
        assert addresses.to_pylist() == expected
        assert told.tolist() == refused


@pytest.mark.parametrize("text", ["", "-", "1.2.3", "1.2.3.04", "::1%lo", "1.2.3.4/8", "x", "1:2"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="is not an IPv4 or IPv6 address"):
        parse_address(text)


def test_a_network_is_its_first_and_last_address() -> None:
    assert parse_network("10.0.0.0/8") == (
        parse_address("10.0.0.0"),
        parse_address("10.255.255.255"),
    )
    assert parse_network("0.0.0.0/0")[1] == parse_address("255.255.255.255")
    assert parse_network("2001:db8::/33")[1] == parse_address(
        "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"
    )
    assert parse_network("10.1.2.3") == (parse_address("10.1.2.3"),) * 2
    assert parse_network("::/0") == (bytes(16), b"\xff" * 16)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "/8", "x/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(RecordError):
        parse_network(text)


def test_bits_beyond_the_prefix_are_refused_with_the_network_meant() -> None:
    with pytest.raises(RecordError) as caught:
        parse_network("10.1.2.3/8")
    assert caught.value.hint == "write 10.0.0.0/8"


def test_an_address_has_sixteen_bytes() -> None:
    with pytest.raises(RecordError):
        format_address(b"1234")
    with pytest.raises(RecordError):
        addresses_to_text(pa.array([b"1234"], pa.binary(4)))


def test_single_values_need_no_compiler() -> None:
    code = (
        "import sys; from vpcflow.record.values import parse_network;"
        "parse_network('10.0.0.0/8'); assert not {'numba', 'pyarrow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
