"""Aim: the object name fills only what the record lacks."""

from __future__ import annotations

import pyarrow as pa

from vpcflow.enrich.object_name import fill_from_object_name
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.field_spec import TEXT_TYPE


def batch_of(records: pa.RecordBatch, region: str | None) -> FlowBatch:
    return FlowBatch(records, Origin("file", "x", region=region))


def test_region_is_filled_where_the_format_lacks_it() -> None:
    records = pa.RecordBatch.from_pydict({"srcport": pa.array([1, 2], pa.int32())})
    filled = fill_from_object_name(batch_of(records, "eu-west-1"))
    assert filled.records["region"].to_pylist() == ["eu-west-1", "eu-west-1"]
    assert filled.records["region"].type == TEXT_TYPE


def test_what_the_maker_wrote_stays() -> None:
    records = pa.RecordBatch.from_pydict({"region": pa.array([None, "x"]).cast(TEXT_TYPE)})
    filled = fill_from_object_name(batch_of(records, "eu-west-1"))
    assert filled.records["region"].to_pylist() == [None, "x"]


def test_nothing_known_changes_nothing() -> None:
    batch = batch_of(pa.RecordBatch.from_pydict({"srcport": pa.array([1], pa.int32())}), None)
    assert fill_from_object_name(batch) is batch
