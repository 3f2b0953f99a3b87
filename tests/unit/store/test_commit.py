"""A commit counts once, is on the disk before the catalog moves, and fails without a trace."""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from small_files import DAY, row, stage
from sqlalchemy import event

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.store import durable_io, index_db
from vpcflow.store.file_index import FileIndex
from vpcflow.store.table import FlowTable


def _starts(table: FlowTable) -> list[int]:
    return sorted(table.iceberg_table.scan().to_arrow().column("start").to_pylist())


def test_a_commit_id_counts_once(flow_table: FlowTable) -> None:
    file = stage(flow_table.data_dir, [row(10)])
    first = flow_table.commit([file], "one")
    assert flow_table.commit([file], "one") == first
    assert flow_table.has_commit("one")
    assert not flow_table.has_commit("two")
    assert _starts(flow_table) == [10]


def test_a_commit_without_files_is_remembered(flow_table: FlowTable) -> None:
    flow_table.commit([], "nothing")
    assert flow_table.has_commit("nothing")
    assert flow_table.index.snapshot().snapshot_id is not None


def test_replace_is_one_snapshot(flow_table: FlowTable) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(n)]) for n in (1, 2)], "one")
    flow_table.commit([stage(flow_table.data_dir, [row(DAY)])], "two")
    before = len(flow_table.iceberg_table.metadata.snapshots)
    old = [entry for entry in flow_table.index.entries() if entry.day == 0]
    flow_table.replace(old, [stage(flow_table.data_dir, [row(1), row(2)])], "merge")
    assert len(flow_table.iceberg_table.metadata.snapshots) == before + 1
    assert _starts(flow_table) == [1, 2, DAY]
    assert [entry.rows for entry in flow_table.index.entries()] == [2, 1]


def test_a_file_that_is_not_in_the_table_cannot_be_replaced(flow_table: FlowTable) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(1)])], "one")
    entry = dataclasses.replace(flow_table.index.entries()[0], path="/nowhere/x.parquet")
    with pytest.raises(StoreError, match="refused"):
        flow_table.replace([entry], [stage(flow_table.data_dir, [row(1)])], "merge")
    assert _starts(flow_table) == [1]
    assert not flow_table.has_commit("merge")
    flow_table.commit([stage(flow_table.data_dir, [row(2)])], "two")
    assert _starts(flow_table) == [1, 2]


def test_deleted_files_are_no_longer_read(flow_table: FlowTable) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(n)]) for n in (1, 2)], "one")
    flow_table.commit([stage(flow_table.data_dir, [{"start": None, "log_status": "NODATA"}])], "no")
    flow_table.delete_files(flow_table.index.entries()[:2], "delete")
    assert _starts(flow_table) == [2]
    flow_table.delete_files(flow_table.index.entries(), "delete all")
    assert _starts(flow_table) == []
    flow_table.commit([stage(flow_table.data_dir, [row(3)])], "two")
    assert _starts(flow_table) == [3]


def test_commits_expire_old_snapshots_but_not_those_still_pending(flow_table: FlowTable) -> None:
    for number in range(18):
        keep = {"commit 0"} if number < 9 else set()
        flow_table.commit(
            [stage(flow_table.data_dir, [row(number)])], f"commit {number}", keep_ids=keep
        )
        assert len(flow_table.iceberg_table.metadata.snapshots) <= flow_table.settings.snapshots_max
        assert flow_table.has_commit("commit 0") or number >= 9
    assert not flow_table.has_commit("commit 0")
    assert flow_table.has_commit("commit 16")
    assert _starts(flow_table) == list(range(18))
    flow_table.expire_snapshots()
    assert len(flow_table.iceberg_table.metadata.snapshots) == flow_table.settings.snapshots_min


def test_a_commit_that_the_spool_still_waits_for_is_kept(
    flow_table: FlowTable, folder: DataFolder
) -> None:
    (folder.spool / f"commit-{'a' * 32}.json").write_text("[]")
    flow_table.commit([], "a" * 32)
    for number in range(10):
        flow_table.commit([], f"commit {number}")
    flow_table.expire_snapshots()
    assert flow_table.has_commit("a" * 32)
    (folder.spool / f"commit-{'a' * 32}.json").unlink()
    flow_table.expire_snapshots()
    assert not flow_table.has_commit("a" * 32)


def test_manifests_are_merged_within_bounds(flow_table: FlowTable) -> None:
    for number in range(20):
        flow_table.commit([stage(flow_table.data_dir, [row(number)])], f"commit {number}")
    table = flow_table.iceberg_table
    manifests = table.current_snapshot().manifests(table.io)
    assert len(manifests) <= flow_table.settings.manifest_merge_count + 1
    assert _starts(flow_table) == list(range(20))


def test_what_a_commit_writes_is_fsynced_before_the_catalog_moves(
    flow_table: FlowTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real = os.fsync

    def recorded(handle: int) -> None:
        name = os.readlink(f"/proc/self/fd/{handle}")
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        steps.append(f"{kind} {Path(name).name}")
        real(handle)

    monkeypatch.setattr(os, "fsync", recorded)

    @event.listens_for(flow_table._catalog.engine, "commit")
    def moved(_connection: Any) -> None:
        steps.append("catalog")

    file = stage(flow_table.data_dir, [row(1)])
    steps.clear()
    flow_table.commit([file], "one")
    written = steps[: steps.index("catalog")]
    assert [name.split(".")[-1] for name in written[:-1]] == ["avro", "avro", "json"]
    assert written[-1] == "folder metadata"
    table = flow_table.iceberg_table
    assert f"file {Path(table.metadata_location).name}" in written
    assert f"file {Path(table.current_snapshot().manifest_list).name}" in written


@pytest.mark.parametrize("suffix", ["m0.avro", ".metadata.json"])
def test_a_full_disk_leaves_the_table_as_it_was(
    flow_table: FlowTable, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(1)])], "one")
    file = stage(flow_table.data_dir, [row(2)])
    real = durable_io._DurableStream.write

    def full(self: durable_io._DurableStream, data: bytes) -> int:
        if self._path.name.endswith(suffix):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        return real(self, data)

    monkeypatch.setattr(durable_io._DurableStream, "write", full)
    with pytest.raises(StoreError, match="No space left") as caught:
        flow_table.commit([file], "two")
    assert "free some space" in caught.value.hint
    assert not flow_table.has_commit("two")
    monkeypatch.undo()
    assert flow_table.index.totals().rows == 1
    flow_table.commit([file], "two")
    assert _starts(flow_table) == [1, 2]


def test_a_data_file_elsewhere_or_changed_is_refused(flow_table: FlowTable, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="outside"):
        flow_table.commit([stage(tmp_path, [row(1)])], "one")
    file = stage(flow_table.data_dir, [row(1)])
    file.path.write_bytes(b"short")
    with pytest.raises(StoreError, match="staged"):
        flow_table.commit([file], "one")
    file.path.unlink()
    with pytest.raises(StoreError, match="No such file"):
        flow_table.commit([file], "one")
    assert not flow_table.has_commit("one")


def test_dead_files_stay_for_the_grace_period(flow_table: FlowTable, clock: ManualClock) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(n)]) for n in (1, 2)], "one")
    planned = flow_table.index.select().files
    staged = stage(flow_table.data_dir, [row(9)])
    flow_table.replace(planned, [stage(flow_table.data_dir, [row(1), row(2)])], "merge")
    for number in range(4):
        flow_table.commit([], f"empty {number}")
    flow_table.expire_snapshots()
    assert flow_table.remove_orphans([staged.path]).files == 0
    assert all(Path(entry.path).exists() for entry in planned)
    clock.advance(flow_table.settings.grace_s + 1)
    removed = flow_table.remove_orphans([staged.path])
    assert removed.files >= 2
    assert not any(Path(entry.path).exists() for entry in planned)
    assert staged.path.exists()
    assert _starts(flow_table) == [1, 2]
    live = {path.name for path in flow_table.data_dir.rglob("*.parquet")}
    assert live == {staged.path.name, Path(flow_table.index.entries()[0].path).name}


def test_a_file_that_an_old_snapshot_needs_is_no_orphan(
    flow_table: FlowTable, clock: ManualClock
) -> None:
    flow_table.commit([stage(flow_table.data_dir, [row(1)])], "one")
    first = flow_table.iceberg_table.current_snapshot().snapshot_id
    flow_table.delete_files(flow_table.index.entries(), "delete")
    flow_table.remove_orphans()
    clock.advance(flow_table.settings.grace_s + 1)
    flow_table.remove_orphans()
    assert len(flow_table.iceberg_table.scan(snapshot_id=first).to_arrow()) == 1


def test_files_of_a_writer_that_died_go_after_two_looks(
    flow_table: FlowTable, clock: ManualClock
) -> None:
    lost = stage(flow_table.data_dir, [row(1)])
    (flow_table.data_dir.parent / "metadata" / "left.avro").write_bytes(b"x")
    assert flow_table.remove_orphans().files_waiting == 2
    clock.advance(flow_table.settings.grace_s + 1)
    assert flow_table.remove_orphans().files == 2
    assert not lost.path.exists()


def test_an_index_that_cannot_be_written_does_not_stop_a_commit(
    flow_table: FlowTable, folder: DataFolder
) -> None:
    index_db.remove(folder.files_db)
    folder.files_db.mkdir()
    flow_table.commit([stage(flow_table.data_dir, [row(1)])], "one")
    assert FileIndex(folder).totals().rows == 1
    assert len(FileIndex(folder).entries()) == 1


def test_a_real_full_disk_keeps_what_was_committed(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=600k none {small} 2>/dev/null"):
        pytest.skip("mounting a small disk needs root")
    try:
        folder = DataFolder(small)
        committed = []
        with FlowTable.open(folder) as table:
            with pytest.raises((StoreError, OSError)):
                for number in range(200):
                    file = stage(table.data_dir, [row(number)])
                    table.commit([file], f"commit {number}")
                    committed.append(number)
            assert committed
            assert FileIndex(folder).totals().rows == len(committed)
        with FlowTable.open(folder) as table:
            assert _starts(table) == committed
            assert not table.has_commit(f"commit {len(committed)}")
    finally:
        os.system(f"umount {small}")
