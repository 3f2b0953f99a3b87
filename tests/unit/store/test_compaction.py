"""Compaction keeps every record, in bounded steps, while readers go on."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from small_files import DAY, merge, row, stage

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.store.compaction import compact_step, merge_group, plan_compaction
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.file_index import FileIndex
from vpcflow.store.maintenance import maintain
from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.table import FlowTable
from vpcflow.store.table_settings import TableSettings

STORE = StoreSettings(target_file_bytes=1_000_000)
KIB = 1024


def _entry(name: str, size: int, day: int | None = 0) -> DataFileEntry:
    return DataFileEntry(name, day, size // 10, size, 0, 1, 2, None, None, (), 0, 0, None)


def _starts(table: FlowTable) -> list[int]:
    return sorted(table.iceberg_table.scan().to_arrow().column("start").to_pylist())


def _fill(table: FlowTable, days: int = 2, commits: int = 4) -> list[int]:
    starts = []
    for number in range(commits):
        rows = [day * DAY + number for day in range(days)]
        table.commit([stage(table.data_dir, [row(start)]) for start in rows], f"commit {number}")
        starts.extend(rows)
    return sorted(starts)


def test_a_few_files_are_left_alone() -> None:
    settings = TableSettings(compaction_files_min=4)
    entries = [_entry(f"{n}", 1000) for n in range(3)]
    assert plan_compaction(entries, settings, STORE) == []
    [group] = plan_compaction(entries, settings, STORE, full=True)
    assert group.rows == 300


def test_files_of_one_day_and_size_class_are_merged() -> None:
    settings = TableSettings(compaction_files_min=2)
    store = StoreSettings(target_file_bytes=64 * KIB * KIB)
    entries = [
        *(_entry(f"small {n}", 1000) for n in range(3)),
        *(_entry(f"large {n}", 2000 * KIB) for n in range(2)),
        _entry("alone", 40 * KIB * KIB),
        _entry("full", 60 * KIB * KIB),
        _entry("another day", 1000, DAY),
        _entry("no day", 1000, None),
    ]
    groups = plan_compaction(entries, settings, store)
    assert [[entry.path for entry in group.files] for group in groups] == [
        ["small 0", "small 1", "small 2"],
        ["large 0", "large 1"],
    ]


def test_a_step_keeps_its_bounds() -> None:
    settings = TableSettings(
        compaction_files_min=2, compaction_files_max=5, compaction_step_bytes_max=10_000
    )
    [many] = plan_compaction([_entry(f"{n}", 10) for n in range(30)], settings, STORE)
    assert len(many.files) == 5
    [large] = plan_compaction([_entry(f"{n}", 3000) for n in range(30)], settings, STORE)
    assert len(large.files) == 3


def test_a_plan_ends() -> None:
    """Files that would come out as many as they go in are not merged again and again."""
    settings = TableSettings(compaction_files_min=2)
    entries = [_entry("a", 700_000), _entry("b", 700_000)]
    assert plan_compaction(entries, settings, STORE, full=True) == []


def test_steps_merge_each_day_and_keep_every_record(flow_table: FlowTable) -> None:
    starts = _fill(flow_table, days=2, commits=4)
    steps = []
    while step := compact_step(flow_table, STORE, merge=merge):
        steps.append(step)
    assert [(step.files_before, step.files_after, step.rows) for step in steps] == [(4, 1, 4)] * 2
    assert _starts(flow_table) == starts
    assert [entry.rows for entry in flow_table.index.entries()] == [4, 4]


def test_rows_without_a_start_are_merged_too(flow_table: FlowTable) -> None:
    for number in range(3):
        rows = [{"start": None, "log_status": "NODATA"}]
        flow_table.commit([stage(flow_table.data_dir, rows)], f"commit {number}")
    step = compact_step(flow_table, STORE, merge=merge)
    assert step is not None
    assert (step.day, step.rows) == (None, 3)
    assert flow_table.index.totals().nodata_records == 3


def test_the_real_merge_keeps_rows_and_facts(flow_table: FlowTable) -> None:
    starts = _fill(flow_table, days=1, commits=3)
    before = flow_table.index.totals()
    step = compact_step(flow_table, STORE)
    assert step is not None
    after = flow_table.index.totals()
    assert _starts(flow_table) == starts
    assert (after.files, after.rows) == (1, before.rows)
    assert (after.start_min, after.start_max, after.end_max) == (
        before.start_min,
        before.start_max,
        before.end_max,
    )


def test_commits_between_plan_and_replace_are_kept(flow_table: FlowTable) -> None:
    starts = _fill(flow_table, days=1, commits=3)
    [group] = plan_compaction(flow_table.index.entries(), flow_table.settings, STORE)
    staged = merge_group(group, flow_table.data_dir, STORE, merge)
    flow_table.commit([stage(flow_table.data_dir, [row(77)])], "late")
    flow_table.replace(group.files, staged, group.commit_id)
    flow_table.replace(group.files, staged, group.commit_id)
    assert _starts(flow_table) == [*starts, 77]


def test_a_merge_that_loses_a_row_is_refused(flow_table: FlowTable) -> None:
    starts = _fill(flow_table, days=1, commits=3)

    def forgetful(
        paths: Sequence[Path], data_dir: Path, settings: StoreSettings
    ) -> list[StagedFile]:
        return merge(paths[1:], data_dir, settings)

    with pytest.raises(StoreError, match="made 2 rows of 3"):
        compact_step(flow_table, STORE, merge=forgetful)
    assert _starts(flow_table) == starts


def test_a_reader_keeps_the_files_it_planned(
    flow_table: FlowTable, folder: DataFolder, clock: ManualClock
) -> None:
    starts = _fill(flow_table, days=1, commits=4)
    reader = FileIndex(folder)
    planned = reader.select()
    report = maintain(flow_table, STORE, full=True, merge=merge)
    assert len(report.steps) == 1
    clock.advance(flow_table.settings.grace_s - 1)
    maintain(flow_table, STORE, merge=merge)
    found = [
        start
        for entry in planned.files
        for start in pq.read_table(entry.path, partitioning=None)["start"].to_pylist()
    ]
    assert sorted(found) == starts
    assert reader.select().snapshot != planned.snapshot
    assert reader.select().rows == planned.rows


def test_readers_see_whole_commits_while_the_table_changes(
    flow_table: FlowTable, folder: DataFolder
) -> None:
    """Every commit adds three rows; a reader never counts anything else, and finds its files."""
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        index = FileIndex(folder)
        while not done.is_set():
            files = index.select().files
            found = [pq.read_metadata(entry.path).num_rows for entry in files]
            assert found == [entry.rows for entry in files]
            seen.append(sum(found))

    with ThreadPoolExecutor(2) as readers:
        reads = [readers.submit(read) for _ in range(2)]
        for number in range(6):
            files = [stage(flow_table.data_dir, [row(number * 3 + n)]) for n in range(3)]
            flow_table.commit(files, f"commit {number}")
            maintain(flow_table, STORE, full=True, merge=merge)
        done.set()
        for one in reads:
            one.result()
    assert seen
    assert {count % 3 for count in seen} == {0}
    assert FileIndex(folder).select().rows == 18


def test_maintenance_leaves_only_live_files(flow_table: FlowTable, clock: ManualClock) -> None:
    starts = _fill(flow_table, days=3, commits=6)
    stage(flow_table.data_dir, [row(1)])
    maintain(flow_table, STORE, merge=merge)
    for number in range(flow_table.settings.snapshots_max):
        flow_table.commit([], f"empty {number}")
    clock.advance(flow_table.settings.grace_s + 1)
    report = maintain(flow_table, STORE, merge=merge)
    assert report.orphans.files > 18
    assert sorted(str(path) for path in flow_table.data_dir.rglob("*.parquet")) == sorted(
        entry.path for entry in flow_table.index.entries()
    )
    assert _starts(flow_table) == starts


def test_a_damaged_file_stops_only_its_day(flow_table: FlowTable) -> None:
    _fill(flow_table, days=2, commits=3)
    damaged = flow_table.index.entries()[0]
    Path(damaged.path).write_bytes(b"no parquet")
    report = maintain(flow_table, STORE, merge=merge)
    assert [step.day for step in report.steps] == [DAY]
    assert [problem.where for problem in report.problems] == [damaged.path]
    assert flow_table.index.totals().rows == 6


def test_retention_runs_when_the_settings_say_so(folder: DataFolder, clock: ManualClock) -> None:
    settings = TableSettings(retention_days=2)
    with FlowTable.open(folder, settings, clock=clock) as table:
        today = int(clock.now_s()) // DAY * DAY
        files = [stage(table.data_dir, [row(today - age * DAY)]) for age in (0, 2, 3, 9)]
        table.commit(files, "one")
        report = maintain(table, STORE, merge=merge)
        assert report.retention is not None
        assert report.retention.rows == 2
        assert _starts(table) == [today - 2 * DAY, today]


def test_commit_ids_of_groups_differ() -> None:
    settings = TableSettings(compaction_files_min=2)
    one = plan_compaction([_entry("a", 9), _entry("b", 9)], settings, STORE)[0]
    other = plan_compaction([_entry("a", 9), _entry("c", 9)], settings, STORE)[0]
    again = dataclasses.replace(one, files=one.files[::-1])
    assert one.commit_id == again.commit_id != other.commit_id
