"""Addresses become text the same way in SQL, in Arrow and value by value."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.query import address_functions
from vpcflow.query.address_functions import addresses_as_text, register_address_functions
from vpcflow.record.values import format_address, parse_address

#: Addresses whose groups are often zero, where the rules of RFC 5952 meet.
_ZEROS = st.lists(
    st.sampled_from([0, 0, 0, 1, 0xA, 0x10, 0x100, 0xFFFF]), min_size=8, max_size=8
).map(lambda groups: b"".join(group.to_bytes(2, "big") for group in groups))
_MAPPED = st.binary(min_size=4, max_size=4).map(lambda octets: b"\0" * 10 + b"\xff\xff" + octets)
_ANY = st.one_of(_ZEROS, _MAPPED, st.binary(min_size=16, max_size=16))


@pytest.fixture(scope="module")
def connection() -> Iterator[Any]:
    one = duckdb.connect()
    try:
        one.execute("SET threads = 1")
        register_address_functions(one)
        yield one
    finally:
        one.close()


@settings(max_examples=40, deadline=None)
@given(addresses=st.lists(st.one_of(_ANY, st.none()), min_size=1, max_size=60))
def test_macro_prints_as_the_reference_does(connection: Any, addresses: list[bytes | None]) -> None:
    table = pa.table({"a": pa.array(addresses, pa.binary(16))})
    connection.register("given_addresses", table)
    rows = connection.execute("SELECT addr_text(a) FROM given_addresses").fetchall()
    connection.unregister("given_addresses")
    assert [row[0] for row in rows] == [None if a is None else format_address(a) for a in addresses]


def test_well_known_addresses(connection: Any) -> None:
    for text in (
        "::",
        "::1",
        "1::",
        "2001:db8::1",
        "1:0:0:2::",
        "0.0.0.0",
        "255.255.255.255",
        "::2:0:0:1",
    ):
        hexed = parse_address(text).hex()
        assert connection.execute(f"SELECT addr_text(from_hex('{hexed}'))").fetchone()[0] == (
            format_address(parse_address(text))
        )


@pytest.mark.parametrize("plain_max", [0, 20_000])
def test_arrow_columns_become_text(monkeypatch: pytest.MonkeyPatch, plain_max: int) -> None:
    monkeypatch.setattr(address_functions, "PLAIN_ADDRESSES_MAX", plain_max)
    chance = random.Random(4)
    values = [chance.choice([None, chance.randbytes(16)]) for _ in range(50)]
    table = pa.table({"n": list(range(50)), "a": pa.array(values, pa.binary())})
    shown = addresses_as_text(table)
    assert shown.column_names == ["n", "a"]
    assert shown["a"].to_pylist() == [None if v is None else format_address(v) for v in values]
    assert addresses_as_text(table, ["n"]).equals(table)
