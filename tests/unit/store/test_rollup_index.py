"""The index knows the rollups of every file, and they go when their file goes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from stored_rows import START, Row, batch

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.store import file_facts, row_facts
from vpcflow.store.data_file_entry import DataFileEntry, paths_of
from vpcflow.store.file_index import FileIndex
from vpcflow.store.rollup_paths import conversation_path, rollup_hour_path, traffic_path
from vpcflow.store.settings import StoreSettings
from vpcflow.store.table import FlowTable
from vpcflow.store.writer import DataFileWriter


def _commit(table: FlowTable, name: str) -> None:
    writer = DataFileWriter(table.data_dir, StoreSettings(threads=1), prefix=name)
    rows: list[Row] = [{"start": START + n, "bytes": n} for n in range(20)]
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


def test_rollups_of_another_version_are_not_known(
    flow_table: FlowTable, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_facts, "HOUR_VERSION", file_facts.HOUR_VERSION - 1)
    _commit(flow_table, "one")
    folder.files_db.unlink()
    (found,) = FileIndex(folder).entries()
    assert _known(found) == (False, True)


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
