"""Aim: a taken segment waits until everybody has it, or says what is lost. Method: real files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pyarrow as pa
import pytest
from delivery_desk import T0, records_of

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.deliver.journal import Journal
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.store.spool import Spool

ROOMY = 1 << 30


def spooled(folder: Path, *batches: pa.RecordBatch) -> list[Path]:
    """Files of a spool with these batches."""
    data = DataFolder(folder)
    data.make()
    spool = Spool(data)
    for records in batches:
        spool.append(FlowBatch(records, Origin("capture"), None, 60))
    return [segment.path for segment in spool.segments()]


def numbers(journal: Journal) -> list[tuple[int, int, bool]]:
    return [(s.first, s.number, s.skipped) for s in journal.after(0, 1000)]


def test_what_is_taken_is_there_after_a_restart(tmp_path: Path) -> None:
    first, second = records_of(10), records_of(10, seed=1)
    paths = spooled(tmp_path, first, second)
    Journal(tmp_path / "journal", ROOMY).take(paths)
    for path in paths:
        path.unlink()
    journal = Journal(tmp_path / "journal", ROOMY)
    assert numbers(journal) == [(1, 1, False), (2, 2, False)]
    loaded = [journal.load(segment) for segment in journal.after(0, 10)]
    assert [made.records for made in loaded if made] == [first, second]
    assert [segment.number for segment in journal.after(1, 10)] == [2]


def test_a_segment_is_taken_once_even_when_it_is_gone_by_now(tmp_path: Path) -> None:
    paths = spooled(tmp_path, records_of(5), records_of(6), records_of(7))
    journal = Journal(tmp_path / "journal", ROOMY)
    journal.take(paths[:2])
    journal.take(paths[:2])
    journal.remove_through(2)
    journal = Journal(tmp_path / "journal", ROOMY)
    journal.take(paths[:2])
    assert numbers(journal) == [] and journal.last == 2 and journal.first == 3
    journal.take(paths)
    assert numbers(journal) == [(3, 3, False)]


def test_another_disk_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = spooled(tmp_path, records_of(10))

    def link(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "other device")

    monkeypatch.setattr(os, "link", link)
    journal = Journal(tmp_path / "journal", ROOMY)
    journal.take([path])
    copied = tmp_path / "journal" / path.name
    assert copied.read_bytes() == path.read_bytes() and not copied.samefile(path)


def test_a_disk_that_says_no_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = spooled(tmp_path, records_of(10))
    journal = Journal(tmp_path / "journal", ROOMY)

    def link(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "link", link)
        with pytest.raises(StoreError, match="journal cannot be written"):
            journal.take(paths)
    assert journal.last == 0
    journal.take(paths)
    assert numbers(journal) == [(1, 1, False)]


def test_a_damaged_segment_is_counted_and_kept_apart(tmp_path: Path) -> None:
    paths = spooled(tmp_path, records_of(10), records_of(10))
    journal = Journal(tmp_path / "journal", ROOMY)
    journal.take(paths)
    target = tmp_path / "journal" / paths[0].name
    target.unlink()
    target.write_bytes(b"x" * 100)
    assert journal.load(journal.after(0, 1)[0]) is None
    assert journal.segments_lost == 1
    assert numbers(journal) == [(2, 2, False)]


def test_a_segment_that_cannot_be_read_now_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = records_of(10)
    journal = Journal(tmp_path / "journal", ROOMY)
    journal.take(spooled(tmp_path, records))
    (segment,) = journal.after(0, 10)

    def busy(path: Path) -> bytes:
        raise OSError(errno.EMFILE, "too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", busy)
        with pytest.raises(StoreError, match="too many"):
            journal.load(segment)
    made = journal.load(segment)
    assert made is not None and made.records == records


def test_a_full_journal_tells_what_is_lost(tmp_path: Path) -> None:
    batches = [records_of(400, seed=n, start_s=T0 + 60 * n) for n in range(6)]
    paths = spooled(tmp_path, *batches)
    size = sum(path.stat().st_size for path in paths)
    journal = Journal(tmp_path / "journal", size - 1)
    journal.take(paths)
    assert journal.bytes_waiting < size
    assert numbers(journal)[0] == (1, 1, True)
    assert (journal.segments_dropped, journal.records_dropped) == (1, 400)
    made = journal.load(journal.after(0, 1)[0])
    assert made is not None
    rows = made.records.to_pylist()
    assert sorted(row["interface_id"] for row in rows) == [f"eni-{n:017x}" for n in range(4)]
    lost = batches[0].to_pylist()
    for row in rows:
        mine = [one for one in lost if one["interface_id"] == row["interface_id"]]
        assert row["log_status"] == "SKIPDATA"
        assert row["start"] == min(one["start"] for one in mine)
        assert row["end"] == max(one["end"] for one in mine)
        assert row["vpc_id"] == mine[0]["vpc_id"] and row["subnet_id"] == mine[0]["subnet_id"]
        counts = (row["lost_accept"], row["lost_reject"], row["lost_other"])
        actions = [one["action"] for one in mine]
        assert counts == tuple(actions.count(kind) for kind in ("ACCEPT", "REJECT", None))
        assert not {"srcaddr", "action", "bytes"} & set(row)
    again = Journal(tmp_path / "journal", size - 1)
    assert numbers(again) == numbers(journal)


def test_lines_of_loss_are_put_together_where_nobody_stands_between(tmp_path: Path) -> None:
    batches = [records_of(500, seed=n, start_s=T0 + 60 * n) for n in range(8)]
    paths = spooled(tmp_path, *batches)
    size = paths[0].stat().st_size
    journal = Journal(tmp_path / "journal", int(2.5 * size))
    journal.cursors = frozenset({0, 2})
    journal.take(paths)
    kept = numbers(journal)
    assert kept[0] == (1, 2, True), "the flow log at 2 has what is in here"
    assert kept[1][:2] == (3, kept[1][1]) and kept[1][2]
    assert journal.bytes_waiting <= 2.5 * size
    made = [journal.load(segment) for segment in journal.after(0, 100) if segment.skipped]
    told = sum(
        sum(
            one.records.column(name).to_numpy().sum()
            for name in one.records.schema.names
            if name.startswith("lost")
        )
        for one in made
        if one
    )
    assert told == journal.records_dropped == 500 * journal.segments_dropped


def test_what_a_kill_left_over_goes(tmp_path: Path) -> None:
    batches = [records_of(500, seed=n) for n in range(3)]
    paths = spooled(tmp_path, *batches)
    folder = tmp_path / "journal"
    journal = Journal(folder, ROOMY)
    journal.take(paths)
    whole = {path.name: path.read_bytes() for path in paths}
    small = Journal(folder, int(2.5 * paths[0].stat().st_size))
    small.enforce()
    assert numbers(small)[0][2]
    (folder / paths[0].name).write_bytes(whole[paths[0].name])  # as before the removal
    (folder / "0000000000000009-00.arrow.part").write_bytes(b"torn")
    journal = Journal(folder, ROOMY)
    assert numbers(journal) == [(n, n, False) for n in (1, 2, 3)], "records beat their loss"
    assert not list(folder.glob("*.part"))


def test_a_journal_of_too_many_files_shrinks(tmp_path: Path) -> None:
    batches = [records_of(20, seed=n) for n in range(9)]
    journal = Journal(tmp_path / "journal", ROOMY, 4)
    for number, path in enumerate(spooled(tmp_path, *batches), 1):
        journal.take([path])
        assert len(numbers(journal)) == min(number, 4)
    assert numbers(journal) == [(1, 6, True), *((n, n, False) for n in (7, 8, 9))]
    assert journal.records_dropped == 6 * 20


def test_a_journal_without_any_room_ends(tmp_path: Path) -> None:
    paths = spooled(tmp_path, *(records_of(50, seed=n) for n in range(4)))
    journal = Journal(tmp_path / "journal", 100)
    journal.take(paths)
    assert journal.bytes_waiting <= 100
    assert journal.last == 4 and journal.segments_lost > 0


def test_what_everybody_has_goes_without_a_file_that_needs_room(tmp_path: Path) -> None:
    paths = spooled(tmp_path, *(records_of(10, seed=number) for number in range(3)))
    journal = Journal(tmp_path / "journal", ROOMY)
    journal.take(paths)
    waiting = journal.bytes_waiting
    journal.remove_through(2)
    assert not (tmp_path / "journal" / "last").exists()
    assert 0 < journal.bytes_waiting < waiting
    journal.remove_through(3)
    assert journal.bytes_waiting == 0
    again = Journal(tmp_path / "journal", ROOMY)
    again.take(paths)
    assert again.bytes_waiting == 0 and again.last == 3
