"""The index of data files equals the table, whatever happened to its own file."""

from __future__ import annotations

import dataclasses
import itertools
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_files import DAY, address, row, stage

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.store import file_index, index_db
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.file_index import FileIndex, merge_ranges
from vpcflow.store.table import FlowTable


@pytest.fixture
def index(flow_table: FlowTable, folder: DataFolder) -> FileIndex:
    files = [
        stage(flow_table.data_dir, [row(100, 1), row(200, 5)]),
        stage(flow_table.data_dir, [row(7200, 10), row(7300, 20, log_status="SKIPDATA")]),
        stage(flow_table.data_dir, [row(DAY + 10, 3)]),
        stage(flow_table.data_dir, [{"start": None, "log_status": "NODATA", "vpc_id": "v"}]),
    ]
    flow_table.commit(files, "one")
    return FileIndex(folder, clock=ManualClock())


def _days(files: list[DataFileEntry]) -> list[tuple[int | None, int | None]]:
    return [(entry.day, entry.start_min) for entry in files]


def test_select_without_bounds_takes_every_file(index: FileIndex) -> None:
    chosen = index.select()
    assert len(chosen.files) == chosen.files_total == 4
    assert (chosen.rows, chosen.files_pruned) == (6, 0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (None, 101, [100]),
        (None, 100, []),
        (260, 7201, [100, 7200]),  # The record that starts at 200 ends at 260.
        (261, 7200, []),
        (7361, None, [DAY + 10]),
        (DAY, DAY + 3600, [DAY + 10]),
    ],
)
def test_select_prunes_by_any_part_of_a_record(
    index: FileIndex, start_s: int | None, end_s: int | None, expected: list[int]
) -> None:
    chosen = index.select(start_s=start_s, end_s=end_s)
    assert [entry.start_min for entry in chosen.files] == expected
    assert chosen.files_pruned == 4 - len(expected)


def test_select_prunes_by_host(index: FileIndex) -> None:
    def starts(*ranges: tuple[int, int]) -> list[int | None]:
        wanted = [(address(low), address(high)) for low, high in ranges]
        return [entry.start_min for entry in index.select(host_ranges=wanted).files]

    assert starts((3, 3)) == [100, DAY + 10]
    assert starts((6, 9)) == []
    assert starts((6, 9), (20, 99)) == [7200]
    assert starts() == []


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8),
    st.integers(0, 50),
)
def test_merged_ranges_hold_the_same_addresses(pairs: list[tuple[int, int]], probe: int) -> None:
    ranges = [(address(low), address(high)) for low, high in pairs]
    merged = merge_ranges(ranges)
    inside = any(low <= address(probe) <= high for low, high in ranges)
    assert any(low <= address(probe) <= high for low, high in merged) == inside
    assert all(left[1] < right[0] for left, right in itertools.pairwise(merged))


def test_many_host_ranges_choose_the_same_files(
    index: FileIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(7)
    for _ in range(50):
        bounds = [sorted((rng.randrange(25), rng.randrange(25))) for _ in range(3)]
        ranges = [(address(low), address(high)) for low, high in bounds]
        few = index.select(host_ranges=ranges).files
        monkeypatch.setattr(file_index, "SQL_RANGES_MAX", 0)
        many = index.select(host_ranges=ranges).files
        monkeypatch.undo()
        assert many == few


def test_totals_add_up(index: FileIndex) -> None:
    totals = index.totals()
    assert (totals.files, totals.rows) == (4, 6)
    assert (totals.start_min, totals.start_max, totals.end_max) == (100, DAY + 10, DAY + 70)
    assert (totals.nodata_records, totals.skipdata_records) == (1, 1)
    assert [(day.day, day.files, day.rows) for day in totals.days] == [
        (None, 1, 1),
        (0, 2, 4),
        (DAY, 1, 1),
    ]
    assert sum(day.bytes for day in totals.days) == totals.bytes


def test_nothing_there_yet_is_no_error(tmp_path: Path) -> None:
    index = FileIndex(DataFolder(tmp_path / "empty"))
    assert index.select().files == []
    assert index.totals().files == 0
    assert index.snapshot().snapshot_id is None
    assert not (tmp_path / "empty").exists()


def _same(entries: list[DataFileEntry]) -> set[DataFileEntry]:
    return {dataclasses.replace(entry, columns=tuple(sorted(entry.columns))) for entry in entries}


def test_a_deleted_index_is_made_anew_with_every_fact(index: FileIndex, folder: DataFolder) -> None:
    before = index.entries()
    index_db.remove(folder.files_db)
    assert _same(index.entries()) == _same(before)
    assert folder.files_db.exists()


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 300])
def test_a_damaged_index_is_made_anew(index: FileIndex, folder: DataFolder, damage: bytes) -> None:
    before = index.entries()
    index_db.remove(folder.files_db)
    folder.files_db.write_bytes(damage)
    assert _same(index.entries()) == _same(before)


def test_an_index_torn_in_the_middle_is_made_anew(index: FileIndex, folder: DataFolder) -> None:
    before = index.entries()
    with sqlite3.connect(folder.files_db) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(folder.files_db.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    folder.files_db.write_bytes(bytes(data))
    assert _same(index.entries()) == _same(before)


def test_an_index_of_another_version_is_made_anew(
    index: FileIndex, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index.entries()
    monkeypatch.setattr(index_db, "INDEX_VERSION", 2)
    assert _same(index.entries()) == _same(before)


def test_a_writer_killed_before_the_index_leaves_the_commit_readable(
    flow_table: FlowTable, index: FileIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_table, "_update_index", lambda *_: None)
    snapshot_id = flow_table.commit([stage(flow_table.data_dir, [row(DAY * 9)])], "two")
    assert index.snapshot().snapshot_id == snapshot_id
    assert index.totals().rows == 7


def test_an_index_that_cannot_be_written_still_answers(
    index: FileIndex, folder: DataFolder
) -> None:
    index_db.remove(folder.files_db)
    folder.files_db.mkdir()
    assert index.select(start_s=DAY).rows == 1


def test_a_folder_in_another_place_is_a_clear_error(
    index: FileIndex, folder: DataFolder, tmp_path: Path
) -> None:
    os.rename(folder.root, tmp_path / "moved")
    index_db.remove(tmp_path / "moved" / folder.files_db.name)
    with pytest.raises(StoreError, match="gone") as caught:
        FileIndex(DataFolder(tmp_path / "moved")).entries()
    assert "moved" in caught.value.hint


def test_an_unreadable_catalog_is_a_clear_error(index: FileIndex, folder: DataFolder) -> None:
    folder.catalog_db.write_bytes(b"junk" * 5000)
    folder.catalog_db.with_name("catalog.sqlite-wal").unlink(missing_ok=True)
    with pytest.raises(StoreError, match="catalog cannot be read") as caught:
        index.select()
    assert caught.value.where == str(folder.catalog_db)


def test_a_missing_data_file_is_named(index: FileIndex, folder: DataFolder) -> None:
    lost = index.entries()[1].path
    index_db.remove(folder.files_db)
    Path(lost).unlink()
    with pytest.raises(StoreError) as caught:
        index.entries()
    assert caught.value.where == lost


def test_reading_a_current_index_imports_no_pyiceberg(index: FileIndex, folder: DataFolder) -> None:
    code = (
        "import sys\n"
        "from vpcflow.base.data_folder import DataFolder\n"
        "from vpcflow.store.file_index import FileIndex\n"
        f"assert FileIndex(DataFolder({str(folder.root)!r})).totals().rows == 6\n"
        "print([m for m in ('pyiceberg', 'pyarrow', 'sqlalchemy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "[]"
