"""Rollups answer what they can, with the same figures as the records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flow_rows import T0, FixedIndex, random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> FixedIndex:
    folder = tmp_path_factory.mktemp("rollup")
    return FixedIndex(
        [*stage(folder, "a", random_rows(300, 31)), *stage(folder, "b", random_rows(300, 32))]
    )


def queries_of(index: FixedIndex, tmp_path: Path) -> FlowQueries:
    queries = FlowQueries(DataFolder(tmp_path / "none"), QuerySettings(threads=1))
    queries._index = index  # type: ignore[assignment]
    return queries


def without_rollups(index: FixedIndex) -> FixedIndex:
    bare = FixedIndex([])
    bare.entries = [replace(entry, rollup_path=None) for entry in index.entries]
    return bare


@pytest.mark.parametrize(
    ("values", "text", "time_range"),
    [
        ({}, "", TimeRange()),
        ({}, "", TimeRange(T0 + 3_600, T0 + 3 * 3_600)),
        ({"split": "action"}, "", TimeRange()),
        ({"split": "protocol", "lines": 2}, "action = ACCEPT", TimeRange()),
        (
            {"split": "interface-id"},
            "interface-id in (eni-01, eni-02) and log-status = OK",
            TimeRange(),
        ),
        ({"interval": "2h"}, "not protocol = tcp", TimeRange()),
        ({}, "interface-id like '*3' or action is null", TimeRange()),
    ],
)
def test_a_rollup_says_what_the_records_say(
    index: FixedIndex, tmp_path: Path, values: dict[str, Any], text: str, time_range: TimeRange
) -> None:
    asked = {"parameters": {"interval": "1h", **values}, "condition": parse_filter(text)}
    rolled = queries_of(index, tmp_path).ask("series", **asked, time_range=time_range)
    plain = queries_of(without_rollups(index), tmp_path).ask(
        "series", **asked, time_range=time_range
    )
    assert (rolled.scan.rollup, plain.scan.rollup) == (True, False)
    assert rolled.table.num_rows > 0
    assert rolled.table == plain.table


@pytest.mark.parametrize(
    ("values", "text", "time_range"),
    [
        ({"interval": "30m"}, "", TimeRange()),
        ({"split": "vpc-id"}, "", TimeRange()),
        ({}, "addr = 10.0.0.1", TimeRange()),
        ({}, "bytes > 100", TimeRange()),
        ({}, "", TimeRange(T0 + 60, None)),
        ({}, f"start >= {T0 + 1_800}", TimeRange()),
    ],
)
def test_what_a_rollup_does_not_know_needs_the_records(
    index: FixedIndex, tmp_path: Path, values: dict[str, Any], text: str, time_range: TimeRange
) -> None:
    answer = queries_of(index, tmp_path).ask(
        "series",
        {"interval": "1h", **values},
        condition=parse_filter(text),
        time_range=time_range,
    )
    assert not answer.scan.rollup


def test_the_columns_of_a_rollup_are_those_that_the_store_writes() -> None:
    from vpcflow.query.stored_table import ROLLUP_COLUMNS
    from vpcflow.store.rollup import ROLLUP_SCHEMA

    assert {field.name: str(field.type) for field in ROLLUP_SCHEMA} == ROLLUP_COLUMNS
