"""Aim: many sources at once find what each alone finds. Method: random sources over random rows,
against the selection of each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from vpcflow.query.log_events.source_classes import classes_of
from vpcflow.record.column_buffers import code_column, number_column
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    LogGroupSource,
    ScopeColumn,
    TrafficType,
)
from vpcflow.record.log_format import LogFormat, default_format

FORMATS = (default_format(), LogFormat.parse("${interface-id} ${bytes}"))
RESOURCES = {
    ScopeColumn.VPC: ["vpc-a", "vpc-b", "vpc-none"],
    ScopeColumn.SUBNET: ["subnet-a", "subnet-none"],
    ScopeColumn.INTERFACE: [f"eni-{number}" for number in range(6)],
}


def rows_of(rng: np.random.Generator, count: int) -> pa.RecordBatch:
    columns = {
        "start": number_column(rng.integers(0, 100, count).astype(np.int64)),
        "row": number_column(np.arange(count, dtype=np.int64)),
        # Two codes of one name, and null.
        "interface_id": code_column(
            rng.integers(-1, 6, count).astype(np.int32), [f"eni-{n}" for n in (0, 1, 2, 3, 4, 0)]
        ),
        "vpc_id": code_column(rng.integers(-1, 2, count).astype(np.int32), ["vpc-a", "vpc-b"]),
        "action": code_column(rng.integers(-1, 2, count).astype(np.int32), ["ACCEPT", "REJECT"]),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


@pytest.mark.parametrize("seed", range(8))
def test_classes_find_what_each_source_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    batch = rows_of(rng, 300)
    sources = []
    for number in range(40):
        scope = list(RESOURCES)[rng.integers(3)]
        from_s = int(rng.integers(0, 100))
        until_s = None if rng.random() < 0.5 else from_s + int(rng.integers(0, 50))
        selection = FlowLogSelection(
            scope,
            str(rng.choice(RESOURCES[scope])),
            list(TrafficType)[rng.integers(3)],
            FORMATS[rng.integers(2)],
            from_s,
            until_s,
        )
        sources.append(LogGroupSource(f"fl-{number}", selection))
    wanted: Counter[tuple[int, str, LogFormat]] = Counter()
    for one in sources:
        chosen = one.selection.select(batch).column("row").to_pylist()
        kind = one.selection.stream_suffix, one.selection.log_format
        wanted.update((row, *kind) for row in chosen)
    found: Counter[tuple[int, str, LogFormat]] = Counter()
    for made in classes_of(sources):
        kind = made.stream_suffix, made.log_format
        found.update((row, *kind) for row in made.rows(batch).tolist())
    assert found == wanted and wanted
