"""The first records in order of time are found in a part of the time, and are the right ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flow_rows import T0, FixedIndex, Row, holds, random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.query import windows
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.questions.question import Window
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange
from vpcflow.query.windows import Windows

HOUR = 3_600
FIELDS = ("start", "end", "srcaddr", "dstaddr", "srcport", "dstport", "bytes", "interface-id")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = []
    for day in range(4):
        shift = day * 20 * HOUR
        found += [
            row | {"start": row["start"] + shift, "end": row["end"] + shift}
            for row in random_rows(100, 40 + day)
        ]
    return [*found, *({k: v for k, v in row.items() if k != "start"} for row in found[:5])]


@pytest.fixture(scope="module")
def index(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> FixedIndex:
    return FixedIndex(stage(tmp_path_factory.mktemp("windows"), "a", rows))


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("limit", [1, 7, 60, 1_000])
@pytest.mark.parametrize(
    ("text", "time_range"),
    [
        ("", TimeRange()),
        ("addr = 10.0.0.1", TimeRange()),
        ("addr = 203.0.113.9 and port = 22", TimeRange(T0 + HOUR, T0 + 45 * HOUR)),
        (f"start < {T0 + 3 * HOUR}", TimeRange(None, T0 + 50 * HOUR)),
        ("addr = 192.0.2.1", TimeRange()),
    ],
)
def test_parts_of_the_time_give_the_same_records(
    index: FixedIndex,
    rows: list[Row],
    tmp_path: Path,
    text: str,
    time_range: TimeRange,
    order: str,
    limit: int,
) -> None:
    queries = FlowQueries(DataFolder(tmp_path / "none"), QuerySettings(threads=1))
    queries._index = index  # type: ignore[assignment]
    condition = parse_filter(text)
    answer = queries.ask(
        "flows",
        {"order": order, "limit": limit, "fields": ",".join(FIELDS)},
        condition=condition,
        time_range=time_range,
    )
    kept = [
        row
        for row in rows
        if holds(condition, row) is True and (time_range.is_open or _within(row, time_range))
    ]
    sign = -1 if order == "newest" else 1
    kept.sort(key=lambda row: (row.get("start") is None, sign * (row.get("start") or 0)))
    starts = [row.get("start") for row in kept][:limit]
    found = [_key(row.values()) for row in answer.table.to_pylist()]
    assert answer.table.column("start").to_pylist() == starts
    assert len(set(map(str, found)) - {_named(row) for row in kept}) == 0


def _within(row: Row, time_range: TimeRange) -> bool:
    start = row.get("start")
    return (
        start is not None
        and (time_range.start_s is None or start >= time_range.start_s)
        and (time_range.end_s is None or start < time_range.end_s)
    )


def _key(values: Any) -> tuple[Any, ...]:
    return tuple(values)


def _named(row: Row) -> str:
    return str(_key(row.get(name) for name in FIELDS))


def test_few_newest_records_open_few_files(index: FixedIndex, tmp_path: Path) -> None:
    queries = FlowQueries(DataFolder(tmp_path / "none"), QuerySettings(threads=1))
    queries._index = index  # type: ignore[assignment]
    answer = queries.ask("flows", {"limit": 3})
    assert (answer.scan.files, answer.scan.files_pruned) == (1, len(index.entries) - 1)


def test_a_part_widens_by_what_it_gave(index: FixedIndex) -> None:
    parts = Windows(Window(10, newest=True), TimeRange(), index.entries)
    first = parts.part()
    assert first is not None
    assert first.end_s is None
    last = max(entry.start_max or 0 for entry in index.entries)
    assert first.start_s is not None
    width_s = last + 1 - first.start_s
    assert width_s >= windows.WINDOW_S_MIN
    parts.widen(8)
    second = parts.part()
    assert second is not None
    assert second.start_s == last + 1 - 3 * width_s
    parts.widen(0)
    assert parts.part() is None


def test_questions_without_order_by_time_have_no_parts(index: FixedIndex) -> None:
    assert Windows(None, TimeRange(), index.entries).part() is None
    assert Windows(Window(1, newest=True), TimeRange(), []).part() is None
