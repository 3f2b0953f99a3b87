"""Aim: every content is decided upon once, whatever it is called. Method: real files that change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.collect import progress as progress_module
from vpcflow.collect.files import FileSource
from vpcflow.collect.position import Position, Skip, Take
from vpcflow.collect.progress import Progress
from vpcflow.collect.source_object import Fetched, ProblemCode, SourceObject
from vpcflow.collect.state_db import MIGRATIONS, StateDb
from vpcflow.record.batch import Origin
from vpcflow.record.log_format import default_format


class Bench:
    """A folder of files and the progress over it, as one process after another sees it."""

    def __init__(self, root: Path) -> None:
        self.files = root / "files"
        self.files.mkdir()
        self.folder = DataFolder(root / "data")
        self.db = StateDb(self.folder)
        self.progress = Progress(self.db)
        self.commits = 0

    def reopen(self, *, killed: bool = False) -> None:
        if killed:
            self.db._connection.close()
        else:
            self.db.close()
        self.db = StateDb(self.folder)
        self.progress = Progress(self.db)

    def write(self, name: str, data: bytes, mode: str = "wb") -> None:
        with (self.files / name).open(mode) as file:
            file.write(data)

    def plan(self, name: str, *, take_unterminated: bool = True) -> Take | Skip:
        source = FileSource([self.files / name])
        (obj,) = source.objects()
        known = self.progress.known(obj, take_unterminated=take_unterminated)
        if known:
            return known
        with source.fetch(obj) as fetched:
            return self.progress.plan(fetched, take_unterminated=take_unterminated)

    def take(self, name: str) -> Take:
        plan = self.plan(name)
        assert isinstance(plan, Take)
        return plan

    def done(self, take: Take, position: Position | None = None) -> None:
        self.commits += 1
        commit_id = f"c{self.commits}"
        size = take.fingerprint.size
        position = position or Position(size, size, 1, "text", default_format(), complete=True)
        self.progress.add(commit_id, take, position)
        self.progress.prepare(commit_id)
        self.progress.confirm(commit_id)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_new_object_is_taken_and_a_known_one_is_not_opened(bench: Bench) -> None:
    bench.write("a", b"one\n")
    take = bench.take("a")
    assert take.position == Position()
    bench.done(take)
    bench.reopen()
    again = bench.plan("a")
    assert isinstance(again, Skip)
    assert again.reason == "taken already"


def test_a_touched_file_is_the_same(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.done(bench.take("a"))
    os.utime(bench.files / "a", ns=(1, 1))
    again = bench.plan("a")
    assert isinstance(again, Skip)
    assert again.same_as is None
    bench.reopen()
    assert bench.plan("a") == Skip(again.object, "taken already")


@pytest.mark.parametrize("how", ["copy", "hard link"])
def test_the_same_content_elsewhere_counts_once(bench: Bench, how: str) -> None:
    bench.write("a", b"one\n")
    bench.done(bench.take("a"))
    if how == "copy":
        bench.write("b", b"one\n")
    else:
        os.link(bench.files / "a", bench.files / "b")
    plan = bench.plan("b")
    assert isinstance(plan, Skip)
    assert plan.same_as == str(bench.files / "a")
    assert str(bench.files / "a") in plan.reason
    bench.reopen()
    again = bench.plan("b")
    assert isinstance(again, Skip)
    assert again.reason == "taken already"
    assert again.same_as == str(bench.files / "a")


def test_a_copy_of_what_is_being_read_or_committed_is_skipped(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.write("b", b"one\n")
    take = bench.take("a")
    assert isinstance(bench.plan("b"), Skip)
    bench.progress.add("c", take, Position(4, 4, 1, "text", complete=True))
    assert isinstance(bench.plan("b"), Skip)
    bench.progress.prepare("c")
    assert isinstance(bench.plan("b"), Skip)
    bench.progress.discard("c")
    assert isinstance(bench.plan("b"), Take)


def test_a_copy_is_free_again_when_reading_failed(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.write("b", b"one\n")
    take = bench.take("a")
    bench.progress.abandon(take)
    assert isinstance(bench.plan("b"), Take)


def test_the_same_object_may_be_planned_again(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.take("a")
    bench.take("a")


def test_equal_sizes_are_not_equal_contents(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.write("b", b"two\n")
    bench.done(bench.take("a"))
    bench.done(bench.take("b"))


def test_empty_files_are_all_their_own(bench: Bench) -> None:
    for name in "ab":
        bench.write(name, b"")
        bench.done(bench.take(name), Position(complete=True))
        assert isinstance(bench.plan(name), Skip)
    bench.write("a", b"one\n")
    assert bench.take("a").position == Position()


def test_a_file_that_grew_is_read_on(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.done(bench.take("a"))
    bench.write("a", b"two\n", "ab")
    bench.reopen()
    take = bench.take("a")
    assert take.position == Position(4, 4, 1, "text", default_format())
    bench.done(take)
    bench.write("b", b"one\ntwo\n")
    bench.write("c", b"one\n")
    assert isinstance(bench.plan("b"), Skip)
    assert isinstance(bench.plan("c"), Skip)


@pytest.mark.parametrize("whole_max", [0, 1 << 20])
def test_large_files_that_grew_are_known_by_their_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, whole_max: int
) -> None:
    monkeypatch.setattr(progress_module, "WHOLE_CHECK_BYTES_MAX", whole_max)
    bench.write("a", b"x" * 200_000 + b"\n")
    bench.done(bench.take("a"))
    bench.write("a", b"more\n", "ab")
    grown = bench.take("a")
    assert grown.position.raw_bytes == 200_001
    bench.done(grown)
    bench.write("copy", b"x" * 200_000 + b"\nmore\n")
    assert isinstance(bench.plan("copy"), Skip)
    bench.write("a", b"y" * 300_000)
    assert bench.take("a").position == Position()


def test_a_file_that_was_rewritten_is_new(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.done(bench.take("a"))
    bench.write("a", b"other and longer\n")
    take = bench.take("a")
    assert take.position == Position()
    bench.done(take)
    bench.write("a", b"one\n")
    assert isinstance(bench.plan("a"), Skip)


def test_rotation_by_rename_reads_on_under_the_new_name(bench: Bench) -> None:
    bench.write("log", b"one\n")
    bench.done(bench.take("log"))
    bench.write("log", b"two\n", "ab")
    (bench.files / "log").rename(bench.files / "log.1")
    bench.write("log", b"three\n")
    bench.done(bench.take("log"))
    first = bench.take("log.1")
    assert first.position.raw_bytes == 4
    bench.done(first)
    bench.write("log", b"four\n", "ab")
    (bench.files / "log.1").rename(bench.files / "log.2")
    (bench.files / "log").rename(bench.files / "log.1")
    assert isinstance(bench.plan("log.2"), Skip)
    assert bench.take("log.1").position.raw_bytes == 6


def test_parquet_that_changed_is_new_and_says_so(bench: Bench) -> None:
    bench.write("a", b"PAR1 one")
    bench.done(bench.take("a"), Position(8, 0, 3, "parquet", complete=True))
    bench.write("a", b" two", "ab")
    take = bench.take("a")
    assert take.position == Position()
    assert take.warning is not None
    assert take.warning.code is ProblemCode.CHANGED


def test_part_of_an_object_resumes_after_a_kill(bench: Bench) -> None:
    bench.write("a", b"one\ntwo\nthree\n")
    part = Position(4, 4, 1, "text", default_format())
    take = bench.take("a")
    bench.done(take, part)
    bench.progress.add("lost", take, Position(8, 8, 2, "text", default_format()))
    bench.reopen(killed=True)
    assert bench.take("a").position == part
    assert bench.take("a").incarnation == take.incarnation


def test_part_of_an_object_resumes_under_another_name(bench: Bench) -> None:
    bench.write("a", b"one\ntwo\n")
    bench.write("b", b"one\ntwo\n")
    bench.done(bench.take("a"), Position(4, 4, 1, "text"))
    bench.reopen(killed=True)
    take = bench.take("b")
    assert take.position.raw_bytes == 4
    assert isinstance(bench.plan("a"), Skip), "while b goes on, a waits"
    bench.done(take)
    bench.reopen()
    assert isinstance(bench.plan("a"), Skip)


def test_a_last_line_that_was_left_is_taken_when_asked(bench: Bench) -> None:
    bench.write("a", b"one\ntw")
    left = Position(4, 4, 1, "text", left_bytes=2, complete=True)
    bench.done(bench.take("a"), left)
    assert isinstance(bench.plan("a", take_unterminated=False), Skip)
    assert bench.take("a").position.raw_bytes == 4


def commit_phases(bench: Bench, phases: int) -> None:
    take = bench.take("a")
    bench.progress.add("x", take, Position(4, 4, 1, "text", complete=True))
    if phases > 0:
        bench.progress.prepare("x")
    if phases > 1:
        bench.progress.confirm("x")


@pytest.mark.parametrize("phases", [0, 1, 2])
@pytest.mark.parametrize("in_table", [False, True])
def test_a_kill_after_each_phase(bench: Bench, phases: int, in_table: bool) -> None:
    bench.write("a", b"one\n")
    commit_phases(bench, phases)
    bench.reopen(killed=True)
    assert bench.progress.pending() == (["x"] if phases == 1 else [])
    for commit_id in bench.progress.pending():
        (bench.progress.confirm if in_table else bench.progress.discard)(commit_id)
    is_taken = phases == 2 or (phases == 1 and in_table)
    assert isinstance(bench.plan("a"), Skip if is_taken else Take)
    bench.reopen(killed=True)
    assert bench.progress.pending() == []
    assert isinstance(bench.plan("a"), Skip if is_taken else Take)


def test_commits_may_overlap_and_end_in_order(bench: Bench) -> None:
    bench.write("a", b"one\n")
    bench.write("b", b"two\n")
    a, b = bench.take("a"), bench.take("b")
    bench.progress.add("1", a, Position(2, 2, 1, "text"))
    bench.progress.prepare("1")
    bench.progress.add("2", a, Position(4, 4, 2, "text", complete=True))
    bench.progress.confirm("1")
    bench.progress.add("2", b, Position(4, 4, 1, "text", complete=True))
    bench.reopen(killed=True)
    assert bench.progress.pending() == []
    assert bench.take("a").position.raw_bytes == 2
    assert bench.take("b").position.raw_bytes == 0
    bench.progress.confirm("1")
    bench.progress.discard("no such commit")


def test_names_of_any_bytes(bench: Bench) -> None:
    name = os.fsdecode(b"new\nline-\xff")
    bench.write(name, b"one\n")
    bench.write("copy", b"one\n")
    bench.done(bench.take(name))
    bench.reopen()
    assert isinstance(bench.plan(name), Skip)
    plan = bench.plan("copy")
    assert isinstance(plan, Skip)
    assert plan.reason.isprintable()


def test_s3_objects_are_known_by_uri_and_etag(bench: Bench) -> None:
    bench.write("download", b"one\n")
    obj = SourceObject("s3://b/k", 4, "etag-4", Origin("s3", "s3://b/k"))
    plan = bench.progress.plan(Fetched(bench.files / "download", obj))
    assert isinstance(plan, Take)
    bench.done(plan)
    assert bench.progress.known(obj)
    newer = SourceObject("s3://b/k", 4, "other-4", obj.origin)
    assert bench.progress.known(newer) is None


def test_the_schema_is_versioned(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    db = StateDb(folder)
    assert db.one("PRAGMA user_version")[0] == len(MIGRATIONS)
    assert db.one("PRAGMA journal_mode")[0] == "wal"
    assert db.one("PRAGMA synchronous")[0] == 2
    db.write("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="version 99"):
        StateDb(folder)


def test_a_damaged_file_and_a_reader_without_one(tmp_path: Path) -> None:
    reader = StateDb(DataFolder(tmp_path / "nothing"), writer=False)
    assert reader.prepared() == []
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(StoreError):
        reader.write("DELETE FROM commits")
    folder = DataFolder(tmp_path)
    folder.state_db.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match="state file"):
        StateDb(folder)
