"""The index knows the rollups of every file, and they go when their file goes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from stored_rows import START, Row, batch

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.store import index_db, rollup_paths
from vpcflow.store.data_file_entry import DataFileEntry, paths_of
from vpcflow.store.file_index import FileIndex
from vpcflow.store.maintenance import maintain
from vpcflow.store.rollup_paths import conversation_path, rollup_hour_path, traffic_path
from vpcflow.store.settings import StoreSettings
from vpcflow.store.table import FlowTable
from vpcflow.store.writer import DataFileWriter


def _commit(table: FlowTable, name: str, day: int = 0) -> None:
    writer = DataFileWriter(table.data_dir, StoreSettings(threads=1), prefix=name)
    rows: list[Row] = [{"start": START + day * 86_400 + n, "bytes": n} for n in range(20)]
    writer.append(batch(rows, ["start", "bytes"]))
    table.commit(writer.finish(), name)


def _known(entry: DataFileEntry) -> tuple[bool, bool]:
    return entry.rollup_path is not None, entry.has_conversation


@pytest.fixture
def entry(flow_table: FlowTable) -> DataFileEntry:
    _commit(flow_table, "one")
    (made,) = flow_table.index.entries()
    return made


def test_a_committed_file_has_both_rollups(entry: DataFileEntry) -> None:
    path = Path(entry.path)
    expected = [path, rollup_hour_path(path), traffic_path(path), conversation_path(path)]
    assert [Path(part) for part in paths_of(entry)] == expected
    assert all(part.exists() for part in expected)


def test_an_index_made_anew_knows_the_rollups(entry: DataFileEntry, folder: DataFolder) -> None:
    folder.files_db.unlink()
    assert FileIndex(folder).entries() == [entry]


def test_an_index_of_another_version_is_made_anew(entry: DataFileEntry, folder: DataFolder) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{folder.files_db}{suffix}").unlink(missing_ok=True)
    with sqlite3.connect(folder.files_db) as db:
        db.executescript(
            "CREATE TABLE files (path TEXT PRIMARY KEY, rollup_path TEXT);"
            "CREATE TABLE dropped (path TEXT PRIMARY KEY, dropped_at_s REAL NOT NULL);"
            "CREATE TABLE state (one INTEGER PRIMARY KEY, version INTEGER, metadata_location TEXT,"
            " snapshot_id INTEGER, committed_at_s REAL);"
            "INSERT INTO files VALUES ('gone', 'gone');"
            "INSERT INTO state VALUES (1, 1, 'somewhere', 1, 1.0); PRAGMA user_version=1;"
        )
    db.close()
    assert FileIndex(folder).entries() == [entry]
    assert FileIndex(folder).entries() == [entry]


def test_a_rollup_that_is_gone_is_not_known(entry: DataFileEntry, folder: DataFolder) -> None:
    conversation_path(Path(entry.path)).unlink()
    folder.files_db.unlink()
    (found,) = FileIndex(folder).entries()
    assert _known(found) == (True, False)


@pytest.fixture
def old_entry(entry: DataFileEntry, folder: DataFolder) -> DataFileEntry:
    """A file whose rollups an older version wrote, and that version's index."""
    for part in map(Path, paths_of(entry)[1:]):
        before = part.parent.parent.with_name(part.parent.parent.name.rpartition("-")[0] + "-0")
        (before / part.parent.name).mkdir(parents=True)
        part.rename(before / part.parent.name / part.name)
    with sqlite3.connect(folder.files_db) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("UPDATE state SET version = version - 1")
        db.execute(f"PRAGMA user_version={version - 1}")
    db.close()
    return entry


def test_rollups_of_another_version_are_not_known(
    old_entry: DataFileEntry, folder: DataFolder
) -> None:
    (found,) = FileIndex(folder).entries()
    assert _known(found) == (False, False)
    assert found.path == old_entry.path


def test_the_version_of_the_index_follows_from_the_versions_of_the_rollups() -> None:
    versions = (rollup_paths.HOUR_VERSION, rollup_paths.CONVERSATION_VERSION)
    assert divmod(index_db.INDEX_VERSION % 1_000_000, 1_000) == versions


def test_maintenance_writes_rollups_that_are_of_another_version_or_gone(
    old_entry: DataFileEntry, flow_table: FlowTable, clock: ManualClock
) -> None:
    report = maintain(flow_table, StoreSettings(threads=1))
    assert (report.rollups_written, report.problems) == (1, [])
    (found,) = flow_table.index.entries()
    assert found == old_entry
    assert pq.read_table(conversation_path(Path(found.path))).num_rows > 0
    conversation_path(Path(found.path)).unlink()
    flow_table.note_rollups(found)
    assert maintain(flow_table, StoreSettings(threads=1)).rollups_written == 1
    assert flow_table.index.entries() == [old_entry]
    clock.advance(2 * flow_table.settings.grace_s)
    maintain(flow_table, StoreSettings(threads=1))
    left = {path.parent.parent.name for path in flow_table.data_dir.parent.glob("rollup*/*/*")}
    assert left == {Path(part).parent.parent.name for part in paths_of(old_entry)[1:]}


def test_rollups_are_written_in_bounded_steps(flow_table: FlowTable) -> None:
    for day, name in enumerate(("one", "two", "three")):
        _commit(flow_table, name, day)
    for entry in flow_table.index.entries():
        conversation_path(Path(entry.path)).unlink()
        flow_table.note_rollups(entry)
    settings = StoreSettings(threads=1)
    written = [maintain(flow_table, settings, steps_max=2).rollups_written for _ in range(3)]
    assert written == [2, 1, 0]
    assert all(_known(entry) == (True, True) for entry in flow_table.index.entries())


def test_a_file_that_cannot_be_read_is_told_and_the_others_get_rollups(
    flow_table: FlowTable,
) -> None:
    for day, name in enumerate(("one", "two")):
        _commit(flow_table, name, day)
    for entry in flow_table.index.entries():
        conversation_path(Path(entry.path)).unlink()
        flow_table.note_rollups(entry)
    bad, good = flow_table.index.entries()
    Path(bad.path).write_bytes(b"PAR1 damaged PAR1")
    report = maintain(flow_table, StoreSettings(threads=1))
    assert report.rollups_written == 1
    assert [problem.where for problem in report.problems] == [bad.path]
    assert conversation_path(Path(good.path)).exists()
    assert not conversation_path(Path(bad.path)).exists()


def test_rollups_stay_with_their_file_and_go_with_it(
    entry: DataFileEntry, flow_table: FlowTable, clock: ManualClock
) -> None:
    clock.advance(10 * flow_table.settings.grace_s)
    flow_table.remove_orphans()
    clock.advance(10 * flow_table.settings.grace_s)
    flow_table.remove_orphans()
    parts = [Path(part) for part in paths_of(entry)]
    assert [part.exists() for part in parts] == [True] * 4
    flow_table.delete_files([entry], "two")
    _commit(flow_table, "three")
    flow_table.expire_snapshots()
    clock.advance(flow_table.settings.grace_s + 1)
    flow_table.remove_orphans()
    assert [part.exists() for part in parts] == [False] * 4


def test_a_writer_that_gives_up_leaves_no_rollup(flow_table: FlowTable) -> None:
    settings = StoreSettings(threads=1, run_rows_max=10)
    writer = DataFileWriter(flow_table.data_dir, settings, prefix="x")
    for _ in range(3):
        writer.append(batch([{"start": START}] * 8, ["start"]))
    written = [path for path in flow_table.data_dir.parent.rglob("x-*") if path.is_file()]
    assert len(written) == 8
    writer.abort()
    assert not any(path.exists() for path in written)
