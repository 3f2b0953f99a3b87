"""The stored orientation: exactly invertible, and equal to its slow reference."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from stored_rows import (
    ADDRESSES,
    START,
    batch,
    batches,
    expected_rows,
    ipv4,
    known,
    stored_row,
)

from vpcflow.record.batch import FlowBatch
from vpcflow.record.fields import FIELDS
from vpcflow.store.layout import from_stored, to_stored
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME

INSIDE, OTHER_INSIDE = ipv4("10.0.0.1"), ipv4("10.0.0.2")
OUTSIDE, OTHER_OUTSIDE = ipv4("8.8.8.8"), ipv4("93.184.216.34")


@given(batches())
@settings(max_examples=80, deadline=None)
def test_records_come_back_exactly(made: list[FlowBatch]) -> None:
    restored = from_stored(to_stored(made))
    assert [known(row) for row in restored.to_pylist()] == expected_rows(made)


@given(batches())
@settings(max_examples=60, deadline=None)
def test_stored_columns_equal_the_reference(made: list[FlowBatch]) -> None:
    table = to_stored(made)
    stored = table.to_pylist()
    rows = [row for flow_batch in made for row in flow_batch.records.to_pylist()]
    for row, here in zip(rows, stored, strict=True):
        reference = stored_row(row, here.get("direction", 0))
        for name, value in reference.items():
            if name in here:
                assert here[name] == value, name
            else:
                assert value in (None, 0, False), name
    for name in table.column_names:
        assert table[name].null_count < table.num_rows, f"{name} has no value and takes space"


@given(batches())
@settings(max_examples=25, deadline=None)
def test_plain_columns_from_a_file_are_read_as_well(made: list[FlowBatch]) -> None:
    table = to_stored(made)
    plain = pa.table(
        {
            name: table[name].cast(STORED_COLUMNS_BY_NAME[name].type)
            for name in table.column_names
            if name not in ("host", "peer")
        }
        | {
            name: table[name].chunk(0).dictionary.take(table[name].chunk(0).indices)
            for name in ("host", "peer")
            if name in table.column_names
        }
    )
    assert [known(row) for row in from_stored(plain).to_pylist()] == expected_rows(made)


def test_every_field_of_the_registry_comes_back() -> None:
    values = {"int32": 7, "int64": 2**40, "address": ADDRESSES[5], "text": "some text"}
    row = {spec.column: values[spec.kind] for spec in FIELDS}
    made = [batch([row], list(row))]
    assert from_stored(to_stored(made)).to_pylist() == [row]


def test_a_record_without_any_value_is_still_a_record() -> None:
    empty = batch([{}, {}], ["srcaddr", "packets"])
    table = to_stored([empty])
    assert table.num_rows == 2
    assert [known(row) for row in from_stored(table).to_pylist()] == [{"source": "file"}] * 2


def test_zero_and_null_are_never_mixed() -> None:
    rows = [{"srcport": 0, "dstport": None, "packets": 0}, {"srcport": None, "dstport": 0}]
    table = from_stored(to_stored([batch(rows, ["srcport", "dstport", "packets"])]))
    assert table["srcport"].to_pylist() == [0, None]
    assert table["dstport"].to_pylist() == [None, 0]
    assert table["packets"].to_pylist() == [0, None]


def test_many_addresses_make_the_hash_table_grow() -> None:
    rows = [{"srcaddr": (n * 7919).to_bytes(16, "big"), "dstaddr": INSIDE} for n in range(40_000)]
    made = [batch(rows, ["srcaddr", "dstaddr"])]
    table = from_stored(to_stored(made))
    assert table["srcaddr"].to_pylist() == [row["srcaddr"] for row in rows]
    assert set(table["dstaddr"].to_pylist()) == {INSIDE}


def _directions(rows: list[dict[str, object]]) -> list[int]:
    columns = sorted({name for row in rows for name in row})
    return to_stored([batch(rows, columns)])["direction"].to_pylist()


@pytest.mark.parametrize(("text", "direction"), [("egress", 0), ("ingress", 1)])
def test_the_flow_direction_decides_which_end_is_the_host(text: str, direction: int) -> None:
    rows = [{"srcaddr": INSIDE, "dstaddr": OUTSIDE, "interface_id": "e", "flow_direction": text}]
    assert _directions(rows) == [direction]


def test_the_address_in_all_records_of_an_interface_is_the_host() -> None:
    rows = [
        {"srcaddr": OUTSIDE, "dstaddr": INSIDE, "interface_id": "e"},
        {"srcaddr": OUTSIDE, "dstaddr": OTHER_INSIDE, "interface_id": "e"},
        {"srcaddr": OTHER_OUTSIDE, "dstaddr": OUTSIDE, "interface_id": "e"},
    ]
    assert _directions(rows) == [0, 0, 1]


def test_families_of_an_interface_have_their_own_address() -> None:
    first, second, third = ADDRESSES[5], ADDRESSES[6], b"\x20" * 16
    rows = [
        {"srcaddr": first, "dstaddr": second, "interface_id": "e"},
        {"srcaddr": third, "dstaddr": first, "interface_id": "e"},
        {"srcaddr": INSIDE, "dstaddr": OUTSIDE, "interface_id": "e"},
        {"srcaddr": OTHER_OUTSIDE, "dstaddr": INSIDE, "interface_id": "e"},
    ]
    assert _directions(rows) == [0, 1, 0, 1]


def test_without_a_common_address_the_more_frequent_is_the_host() -> None:
    pairs = [(INSIDE, OUTSIDE), (OTHER_OUTSIDE, INSIDE), (OTHER_INSIDE, OUTSIDE)]
    pairs += [(INSIDE, OTHER_OUTSIDE), (OUTSIDE, INSIDE)]
    rows = [{"srcaddr": one, "dstaddr": two, "interface_id": "e"} for one, two in pairs]
    assert _directions(rows) == [0, 1, 1, 0, 1]


def test_ties_go_to_the_private_address_then_to_the_higher_port() -> None:
    private = {"srcaddr": OUTSIDE, "dstaddr": INSIDE, "interface_id": "e"}
    assert _directions([private]) == [1]
    client = {"srcaddr": INSIDE, "dstaddr": OTHER_INSIDE, "interface_id": "e"}
    assert _directions([client | {"srcport": 50_000, "dstport": 443}]) == [0]
    assert _directions([client | {"srcport": 443, "dstport": 50_000}]) == [1]


def test_both_ways_of_one_flow_have_the_same_host() -> None:
    there = {"srcaddr": INSIDE, "dstaddr": OTHER_INSIDE, "srcport": 0, "dstport": 0, "start": START}
    back = there | {"srcaddr": OTHER_INSIDE, "dstaddr": INSIDE}
    table = to_stored([batch([there, back], list(there))])
    assert len(set(table["host"].to_pylist())) == 1


def test_the_origin_fills_what_the_records_lack() -> None:
    rows = [{"source": "capture", "flow_log_id": None}, {"source": None, "flow_log_id": "fl-7"}]
    made = [batch(rows, ["source", "flow_log_id"])]
    filled = [FlowBatch(made[0].records, made[0].origin, flow_log_id="fl-1")]
    table = to_stored(filled)
    assert table["source"].to_pylist() == ["capture", "file"]
    assert table["flow_log_id"].to_pylist() == ["fl-1", "fl-7"]
