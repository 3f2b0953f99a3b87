"""Aim: a flow batch holds what it says, and nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from vpcflow.base.errors import RecordError
from vpcflow.record.batch import BATCH_RECORDS_MAX, FlowBatch, Origin
from vpcflow.record.field_spec import TEXT_TYPE

ORIGIN = Origin("file", "a.log")


def batch_of(**columns: pa.Array) -> FlowBatch:
    return FlowBatch(pa.RecordBatch.from_pydict(columns), ORIGIN)


def test_any_subset_of_columns_and_unknown_text() -> None:
    batch = batch_of(
        srcport=pa.array([1, None], pa.int32()), shiny_new=pa.array(["x", None]).cast(TEXT_TYPE)
    )
    assert batch.num_records == 2


def test_wrong_type_is_refused_by_name() -> None:
    with pytest.raises(RecordError, match="srcport is int64"):
        batch_of(srcport=pa.array([1]))


def test_too_many_records() -> None:
    with pytest.raises(RecordError, match="at most"):
        batch_of(srcport=pa.array(range(BATCH_RECORDS_MAX + 1), pa.int32()))
