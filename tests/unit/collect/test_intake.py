"""Aim: whatever happens to the program or the files, every record is in the table once.

Method: a whole ingest over a stand-in table, killed at every one of its steps, over real files.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from ingest_run import Killed, Run, Table
from test_read_object import ENCODED, HEADER, lines

from vpcflow.collect.files import FileSource
from vpcflow.collect.quarantine import QuarantineCounts
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.standard_input import StdinSource

SMALL = CollectSettings(chunk_bytes=4096, read_bytes=4096)
STARTS_MAX = 400


def tree(root: Path) -> Path:
    """Every sort of file, good and bad, with a copy."""
    folder = root / "logs"
    folder.mkdir()
    content = HEADER + b"".join(lines(150))
    bad = content + b"bad line one\n" + b"".join(lines(20, seed=5)) + b"bad two\n"
    (folder / "1.log").write_bytes(bad)
    (folder / "2.log.gz").write_bytes(gzip.compress(content + lines(1, seed=2)[0]))
    (folder / "3-copy.log").write_bytes(bad)
    (folder / "4.parquet").write_bytes(ENCODED["parquet"])
    (folder / "5-cut.gz").write_bytes(gzip.compress(b"".join(lines(900, seed=9)))[:-2000])
    (folder / "6-empty").write_bytes(b"")
    (folder / "7-binary").write_bytes(bytes(range(256)))
    (folder / "8.json").write_bytes(ENCODED["firehose"] + b"{broken\n")
    (folder / "9-no-end.log").write_bytes(content[:-1])
    (folder / "link").symlink_to(folder / "1.log")
    (folder / "gone").symlink_to(folder / "nowhere")
    return folder


def counts(run: Run) -> QuarantineCounts:
    return Run(run.root, run.table).intake.quarantine.counts()


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def undisturbed(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("data"), Table(), SMALL)
    return run.ingest(FileSource([logs]))


def test_a_second_run_takes_nothing(logs: Path, undisturbed: Run) -> None:
    before = len(undisturbed.table.rows)
    assert before > 1500
    again = Run(undisturbed.root, undisturbed.table, SMALL).ingest(FileSource([logs]))
    assert len(again.table.rows) == before
    assert len(again.skips) == 10
    found = counts(again)
    assert found.lines == 4  # two in 1.log, one in 8.json, the cut one
    assert found.problems == 4  # cut, empty, binary, dangling link


def test_order_and_commit_size_do_not_matter(logs: Path, undisturbed: Run, tmp_path: Path) -> None:
    for number, pieces in enumerate((3, 1000)):
        run = Run(tmp_path / str(number), Table(), SMALL, pieces_a_commit=pieces)
        run.ingest(FileSource([logs]))
        assert run.table.rows == undisturbed.table.rows
        assert counts(run) == counts(undisturbed)


@pytest.mark.parametrize("pieces", [1, 7])
def test_killed_at_every_step(logs: Path, undisturbed: Run, tmp_path: Path, pieces: int) -> None:
    table = Table()
    kills = 0
    # Each start is killed after another number of steps, so that the starts meet the states that
    # earlier kills leave, one upon the other.
    for start in range(STARTS_MAX):
        kill_at = start * 5 % 11 + 1
        run = Run(tmp_path, table, SMALL, pieces_a_commit=pieces, kill_at=kill_at)
        try:
            run.ingest(FileSource([logs]))
        except Killed:
            kills += 1
            continue
        break
    else:
        pytest.fail("never came to an end")
    assert kills > 20
    assert table.rows == undisturbed.table.rows
    assert counts(run) == counts(undisturbed)


def test_one_kill_at_any_step(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(HEADER + b"".join(lines(50)) + b"bad\n")
    (folder / "b.gz").write_bytes(gzip.compress(b"".join(lines(50, seed=4)) + b"bad\n"))
    (folder / "c.log").write_bytes(HEADER + b"".join(lines(50)) + b"bad\n")
    clean = Run(tmp_path / "clean", Table(), SMALL).ingest(FileSource([folder]))
    for kill_at in range(1, clean.steps + 1):
        table = Table()
        with pytest.raises(Killed):
            Run(tmp_path / str(kill_at), table, SMALL, kill_at=kill_at).ingest(FileSource([folder]))
        again = Run(tmp_path / str(kill_at), table, SMALL).ingest(FileSource([folder]))
        assert table.rows == clean.table.rows, f"killed at step {kill_at}"
        assert counts(again) == QuarantineCounts(2, 2, 0, 2)


def test_a_file_that_grows_line_by_line_and_byte_by_byte(tmp_path: Path) -> None:
    content = HEADER + b"".join(lines(12))
    path = tmp_path / "logs"
    table = Table()
    step = 37
    for end in range(0, len(content) + step, step):
        path.write_bytes(content[:end])
        Run(tmp_path / "data", table, take_unterminated=False).ingest(FileSource([path]))
    run = Run(tmp_path / "data", table).ingest(FileSource([path]))
    whole = Run(tmp_path / "whole", Table()).ingest(FileSource([path]))
    assert run.table.rows == whole.table.rows
    assert len(run.table.rows) == 12
    assert counts(run).lines == 0


def test_a_gzip_that_is_made_whole_again(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(lines(3000)))
    path = tmp_path / "a.gz"
    table = Table()
    for end in (30, 5000, len(packed) // 2, len(packed) - 3):
        path.write_bytes(packed[:end])
        run = Run(tmp_path / "data", table, SMALL).ingest(FileSource([path]))
        found = counts(run)
        assert found.problems == 1, "the newest cut alone"
        assert found.lines <= 1
    path.write_bytes(packed)
    run = Run(tmp_path / "data", table, SMALL).ingest(FileSource([path]))
    assert len(table.rows) == 3000
    assert counts(run) == QuarantineCounts(0, 0, 0, 0)


def test_gzip_members_that_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    table = Table()
    content = lines(90)
    for at in range(0, 90, 30):
        with path.open("ab") as file:
            file.write(gzip.compress(b"".join(content[at : at + 30])))
        Run(tmp_path / "data", table, SMALL).ingest(FileSource([path]))
        assert len(table.rows) == at + 30


def test_a_line_that_went_on_after_it_was_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    table = Table()
    content = b"".join(lines(3))
    path.write_bytes(content[:-2])
    Run(tmp_path / "data", table).ingest(FileSource([path]))
    path.write_bytes(content)
    run = Run(tmp_path / "data", table).ingest(FileSource([path]))
    state = Run(tmp_path / "data", run.table)
    (row,) = state.intake.quarantine.list()
    assert (row.line_number, row.reason, row.data) == (3, "rest-of-line", content[-2:-1])
    assert len(table.rows) == 3


def test_rotation_while_following(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    table = Table()
    content = [HEADER + b"".join(lines(10, seed=seed)) for seed in range(4)]

    def follow() -> None:
        Run(tmp_path / "data", table, take_unterminated=False).ingest(FileSource([logs]))

    for number, text in enumerate(content):
        (logs / "log").write_bytes(text[:400])
        follow()
        with (logs / "log").open("ab") as file:
            file.write(text[400:])
        if number % 2:
            follow()
        for old in range(number, 0, -1):
            (logs / f"log.{old}").rename(logs / f"log.{old + 1}")
        (logs / "log").rename(logs / "log.1")
    follow()
    assert len(table.rows) == 40


def test_standard_input_counts_once_and_resumes(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(HEADER + b"".join(lines(200)))
    table = Table()

    def run(kill_at: int | None = None) -> Run:
        with path.open("rb") as stream:
            start = Run(tmp_path / "data", table, SMALL, kill_at=kill_at)
            return start.ingest(StdinSource(stream, start.folder.tmp, SMALL))

    with pytest.raises(Killed):
        run(kill_at=7)
    assert 0 < len(table.rows) < 200
    run()
    assert len(table.rows) == 200
    assert len(run().skips) == 1
    assert len(table.rows) == 200
    with path.open("ab") as file:
        file.write(lines(1, seed=8)[0])
    run()
    assert len(table.rows) == 401, "another stream is another object"
    assert list((tmp_path / "data/tmp").iterdir()) == []


def test_a_vanished_and_an_unreadable_file_stop_nothing(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a").write_bytes(lines(1)[0])
    (logs / "b").write_bytes(lines(1, seed=2)[0])

    class Vanishing(FileSource):
        def objects(self):
            for obj in super().objects():
                if obj.uri.endswith("/a"):
                    Path(obj.uri).unlink()
                yield obj

    run = Run(tmp_path / "data", Table()).ingest(Vanishing([logs]))
    assert len(run.table.rows) == 1
    state = Run(tmp_path / "data", run.table)
    assert [row.reason for row in state.intake.quarantine.list()] == ["vanished"]
