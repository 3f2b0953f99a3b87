"""The hourly rollup: equal to a slow count of the same rows."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from hypothesis import given, settings
from stored_rows import INT64_MAX, START, Row, batch, batches

from vpcflow.record.batch import FlowBatch
from vpcflow.store.data_file import write_data_file
from vpcflow.store.layout import to_stored
from vpcflow.store.rollup import (
    ROLLUP_DIMENSIONS,
    ROLLUP_SCHEMA,
    join_rollups,
    rollup_of,
    rollup_path_of,
)
from vpcflow.store.settings import StoreSettings
from vpcflow.store.sort import sort_stored


def _expected(rows: list[Row]) -> dict[tuple[Any, ...], Row]:
    """The reference: one record at a time."""
    groups: dict[tuple[Any, ...], Row] = defaultdict(
        lambda: {"records": 0, "starts": [], "ends": [], "packets": [], "bytes": []}
    )
    for row in rows:
        start, duration = row.get("start"), row.get("duration")
        hour = None if start is None else start // 3_600 * 3_600
        key = (hour, *(row.get(name) for name in ROLLUP_DIMENSIONS[1:]))
        group = groups[key]
        group["records"] += 1
        group["packets"].append(row.get("packets"))
        group["bytes"].append(row.get("bytes"))
        group["starts"] += [] if start is None else [start]
        group["ends"] += [] if duration is None else [duration + (start or 0)]
    return {key: _summed(group) for key, group in groups.items()}


def _summed(group: Row) -> Row:
    summed: Row = {"records": group["records"]}
    for name in ("packets", "bytes"):
        there = [value for value in group[name] if value is not None]
        summed[name] = sum(there) if there else None
        summed[f"{name}_nulls"] = len(group[name]) - len(there)
    summed["first_start"] = min(group["starts"], default=None)
    summed["last_end"] = max(group["ends"], default=None)
    return summed


def _added_up(rollup: list[Row]) -> dict[tuple[Any, ...], Row]:
    """Rollup rows by dimension, those of the same dimension added up in Python's integers."""
    result: dict[tuple[Any, ...], Row] = {}
    for row in rollup:
        key = tuple(row.pop(name) for name in ROLLUP_DIMENSIONS)
        before = result.get(key)
        if before is not None:
            for name, value in before.items():
                row[name] = _joined(name, [part for part in (value, row[name]) if part is not None])
        result[key] = row
    return result


def _joined(name: str, there: list[int]) -> int | None:
    if not there:
        return None
    return {"first_start": min, "last_end": max}.get(name, sum)(there)


@given(batches())
@settings(max_examples=60, deadline=None)
def test_rollup_equals_the_reference(made: list[FlowBatch]) -> None:
    table = sort_stored(to_stored(made))
    rollup = rollup_of(table)
    assert rollup.schema == ROLLUP_SCHEMA
    assert _added_up(rollup.to_pylist()) == _expected(table.to_pylist())


@given(batches(), batches())
@settings(max_examples=60, deadline=None)
def test_joined_rollups_equal_the_rollup_of_all_rows(
    one: list[FlowBatch], other: list[FlowBatch]
) -> None:
    tables = [to_stored(one), to_stored(other)]
    joined = join_rollups([rollup_of(table) for table in tables])
    rows = [row for table in tables for row in table.to_pylist()]
    assert _added_up(joined.to_pylist()) == _expected(rows)


def test_sums_beyond_64_bits_stay_exact() -> None:
    rows = [{"bytes": INT64_MAX, "start": START} for _ in range(3)]
    table = to_stored([batch(rows, ["bytes", "start"])])
    joined = join_rollups([rollup_of(table), rollup_of(table)])
    assert sum(joined["bytes"].to_pylist()) == 6 * INT64_MAX
    assert sum(joined["records"].to_pylist()) == 6


def test_far_apart_values_still_make_groups() -> None:
    starts = [0, 2**62, -(2**62), START]
    rows = [
        {"start": start, "protocol": protocol, "interface_id": f"eni-{n}", "packets": 1}
        for n in range(50)
        for start in starts
        for protocol in (0, 2**31 - 1)
    ]
    table = to_stored([batch(rows, list(rows[0]))])
    assert _added_up(rollup_of(table).to_pylist()) == _expected(table.to_pylist())


def test_rollup_of_a_file_lies_beside_the_data_and_joins_its_row_groups(tmp_path: Path) -> None:
    rows = [
        {"start": START + n // 900 * 3_600, "bytes": n, "action": "ACCEPT", "interface_id": "e"}
        for n in range(3_000)
    ]
    table = sort_stored(to_stored([batch(rows, list(rows[0]))]))
    path = tmp_path / "t" / "data" / "day=2025-10-09" / "a.parquet"
    staged = write_data_file(
        table, path, StoreSettings(row_group_rows=1_024), rollup_path=rollup_path_of(path)
    )
    assert staged.rollup_path == tmp_path / "t" / "rollup_hour" / "day=2025-10-09" / "a.parquet"
    rollup = pq.read_table(staged.rollup_path, partitioning=None)
    assert rollup.num_rows == 4
    assert _added_up(rollup.to_pylist()) == _expected(table.to_pylist())
