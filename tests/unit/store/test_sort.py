"""The order of rows: stable, nulls first, equal to Python's own sort."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from stored_rows import ADDRESSES, START, batches, sort_key

from vpcflow.record.batch import FlowBatch
from vpcflow.store.layout import to_stored
from vpcflow.store.sort import sort_order, sort_stored
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME

_rows = st.fixed_dictionaries(
    {
        "host": st.none() | st.sampled_from(ADDRESSES),
        "peer": st.none() | st.sampled_from(ADDRESSES),
        "lo_port": st.none() | st.sampled_from([0, 1, 65_535, -(2**31), 2**31 - 1]),
        "hi_port": st.none() | st.sampled_from([0, 1, 65_535]),
        "start": st.none()
        | st.sampled_from([0, START, START + 1, START + 3_600, -1, -(2**63), 2**63 - 1]),
    }
)


def _plain_table(rows: list[dict[str, Any]], names: list[str]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row[name] for row in rows], STORED_COLUMNS_BY_NAME[name].type)
            for name in names
        }
    )


def _reference(rows: list[dict[str, Any]]) -> list[int]:
    return sorted(range(len(rows)), key=lambda place: sort_key(rows[place]))


@given(
    st.lists(_rows, min_size=1, max_size=60),
    st.sets(st.sampled_from(sorted(["host", "peer", "lo_port", "hi_port", "start"])), min_size=1),
)
@settings(max_examples=120, deadline=None)
def test_order_equals_the_reference(rows: list[dict[str, Any]], names: set[str]) -> None:
    table = _plain_table(rows, sorted(names))
    assert sort_order(table).tolist() == _reference(table.to_pylist())


@given(batches())
@settings(max_examples=50, deadline=None)
def test_sorting_keeps_every_row(made: list[FlowBatch]) -> None:
    table = to_stored(made)
    rows = table.to_pylist()
    ordered = sort_stored(table).to_pylist()
    assert ordered == [rows[place] for place in _reference(rows)]
    assert sort_stored(sort_stored(table)).to_pylist() == ordered


def test_many_rows_take_more_than_one_digit_of_each_key() -> None:
    rows = [
        {
            "host": (n * 40_503 % 4_999).to_bytes(16, "big"),
            "peer": (n * 30_011 % 9_973).to_bytes(16, "little"),
            "lo_port": n * 7 % 3_001,
            "hi_port": n * 11 % 65_536,
            "start": START + n * 13 % 80_000,
        }
        for n in range(20_000)
    ]
    table = _plain_table(rows, list(rows[0]))
    assert sort_order(table).tolist() == _reference(rows)


def test_an_empty_table_stays_empty() -> None:
    table = _plain_table([], ["host", "peer", "start"])
    assert sort_stored(table).num_rows == 0
