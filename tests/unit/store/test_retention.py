"""Retention tells exactly what would go, and takes exactly that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_files import DAY, row, stage

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.retention import apply_retention, plan_retention
from vpcflow.store.table import FlowTable

NOW_S = 10 * DAY + 3600


def _entry(name: str, day: int | None, size: int = 100) -> DataFileEntry:
    start = None if day is None else day * DAY
    return DataFileEntry(name, start, 10, size, start, start, start, None, None, (), 0, 0, None)


TABLE = [_entry(f"{day}", day) for day in range(5, 11)] + [_entry("none", None)]


def _gone(**bounds: int) -> list[str]:
    plan = plan_retention(TABLE, now_s=NOW_S, **bounds)
    assert plan.rows + plan.rows_kept == sum(entry.rows for entry in TABLE)
    assert plan.bytes + plan.bytes_kept == sum(entry.bytes for entry in TABLE)
    return [f"{entry.path} {day.reason}" for day in plan.days for entry in day.files]


def test_without_bounds_everything_stays() -> None:
    assert _gone() == []


@pytest.mark.parametrize(
    ("age_days", "expected"),
    [(1, ["5 age", "6 age", "7 age", "8 age"]), (3, ["5 age", "6 age"]), (5, []), (100, [])],
)
def test_a_day_goes_when_its_end_is_old_enough(age_days: int, expected: list[str]) -> None:
    assert _gone(age_days=age_days) == expected


@pytest.mark.parametrize(
    ("bytes_max", "expected"),
    [
        (700, []),
        (699, ["5 size"]),
        (450, ["5 size", "6 size", "7 size"]),
        (150, ["5 size", "6 size", "7 size", "8 size", "9 size", "none size"]),
    ],
)
def test_the_oldest_days_go_by_size_and_rows_without_start_last(
    bytes_max: int, expected: list[str]
) -> None:
    assert _gone(bytes_max=bytes_max) == expected


def test_the_newest_day_stays_and_the_plan_says_how_much_is_over() -> None:
    plan = plan_retention(TABLE, now_s=NOW_S, bytes_max=30)
    assert plan.bytes_kept == 100
    assert plan.bytes_over == 70


def test_both_bounds_together() -> None:
    assert _gone(age_days=3, bytes_max=450) == ["5 age", "6 age", "7 size"]


def test_a_plan_tells_the_time_range() -> None:
    plan = plan_retention(TABLE, now_s=NOW_S, age_days=3)
    assert (plan.start_min, plan.end_max) == (5 * DAY, 6 * DAY)


@given(st.lists(st.tuples(st.integers(0, 12) | st.none(), st.integers(0, 50))), st.integers(1, 300))
def test_a_bound_by_size_holds_or_only_the_newest_day_is_left(
    sizes: list[tuple[int | None, int]], bytes_max: int
) -> None:
    entries = [_entry(f"{place}", day, size) for place, (day, size) in enumerate(sizes)]
    plan = plan_retention(entries, now_s=NOW_S, bytes_max=bytes_max)
    kept = [entry for entry in entries if entry not in plan.files]
    assert plan.bytes_kept == sum(entry.bytes for entry in kept)
    if plan.bytes_over:
        assert len({entry.day for entry in kept}) == 1
    else:
        assert plan.bytes_kept <= bytes_max
    for day in plan.days:
        assert all(entry.day != day.day for entry in kept)


@pytest.mark.parametrize("bounds", [{"age_days": 0}, {"bytes_max": -1}])
def test_a_bound_that_would_take_everything_is_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match="1 or more"):
        plan_retention(TABLE, now_s=NOW_S, **bounds)


def _starts(table: FlowTable) -> list[int]:
    return sorted(table.iceberg_table.scan().to_arrow().column("start").to_pylist())


def test_apply_takes_what_was_planned(flow_table: FlowTable) -> None:
    files = [stage(flow_table.data_dir, [row(day * DAY)]) for day in (1, 5, 9)]
    flow_table.commit(files, "one")
    plan = plan_retention(flow_table.index.entries(), now_s=NOW_S, age_days=3)
    assert apply_retention(flow_table, plan) is not None
    assert _starts(flow_table) == [9 * DAY]
    assert flow_table.index.totals().rows == 1
    nothing = plan_retention(flow_table.index.entries(), now_s=NOW_S, age_days=3)
    assert apply_retention(flow_table, nothing) is None


def test_a_plan_that_is_out_of_date_is_refused(flow_table: FlowTable) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(DAY)])], "one")
    plan = plan_retention(flow_table.index.entries(), now_s=NOW_S, age_days=3)
    flow_table.commit([stage(flow_table.data_dir, [row(DAY + 1)])], "two")
    with pytest.raises(StoreError, match="changed"):
        apply_retention(flow_table, plan)
    assert _starts(flow_table) == [DAY, DAY + 1]
