"""Aim: a folder gives every file once, in order, and nothing in it blocks or stops the rest.

Method: real files, links, pipes, sockets and rights; a process without root where rights matter.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vpcflow.collect.files import FileSource, open_regular
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import ObjectError, ProblemCode, printable


def names(source: FileSource) -> list[str]:
    return [Path(obj.uri).name for obj in source.objects()]


def codes(source: FileSource) -> list[ProblemCode]:
    return [problem.code for problem in source.problems]


def test_lists_recursively_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("b/2.log", "b/10.log", "a/z/1.log", "c.log", ".hidden/x", ".x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    source = FileSource([tmp_path])
    assert names(source) == ["1.log", "10.log", "2.log", "c.log"]
    assert names(source) == ["1.log", "10.log", "2.log", "c.log"]
    assert source.hidden == 2
    assert len(source.problems) == 0


def test_listing_again_sees_what_is_new(tmp_path: Path) -> None:
    source = FileSource([tmp_path])
    assert names(source) == []
    (tmp_path / "new").write_text("x")
    assert names(source) == ["new"]


def test_reads_the_origin_from_the_path(tmp_path: Path) -> None:
    folder = tmp_path / "AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/11/23"
    folder.mkdir(parents=True)
    (folder / "123456789012_vpcflowlogs_eu-west-1_fl-0a_20261123T0440Z_73.log.gz").write_bytes(b"")
    (found,) = FileSource([tmp_path]).objects()
    assert found.origin.kind == "file"
    assert (found.origin.account_id, found.origin.region) == ("123456789012", "eu-west-1")
    assert (found.origin.flow_log_id, found.day) == ("fl-0a", "2026-11-23")


def test_links_lead_to_the_real_path_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/real.log").write_text("x")
    (tmp_path / "d/up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "d")
    (tmp_path / "link.log").symlink_to(tmp_path / "d/real.log")
    (tmp_path / "nothing").symlink_to(tmp_path / "gone")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    source = FileSource([tmp_path])
    uris = {obj.uri for obj in source.objects()}
    assert uris == {str((tmp_path / "d/real.log").resolve())}
    assert codes(source) == [ProblemCode.DANGLING_LINK, ProblemCode.DANGLING_LINK]


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "ok").write_text("x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "sock"))
        source = FileSource([tmp_path, "/dev/null", tmp_path / "missing"])
        assert names(source) == ["ok"]
        assert codes(source) == [ProblemCode.NOT_A_FILE] * 3 + [ProblemCode.MISSING]
        text = [str(problem) for problem in source.problems]
        assert "a named pipe" in text[0]
        assert "a socket" in text[1]
        assert "a character device" in text[2]
        for name in ("pipe", "sock"):
            with pytest.raises(ObjectError):
                open_regular(tmp_path / name)


def test_a_file_that_vanishes_after_the_listing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    source = FileSource([tmp_path])
    (found,) = source.objects()
    (tmp_path / "a").unlink()
    with pytest.raises(ObjectError) as caught, source.fetch(found):
        pass
    assert caught.value.problem.code is ProblemCode.VANISHED


def test_a_pipe_in_the_place_of_a_file_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    source = FileSource([tmp_path])
    (found,) = source.objects()
    (tmp_path / "a").unlink()
    os.mkfifo(tmp_path / "a")
    with pytest.raises(ObjectError) as caught, source.fetch(found):
        pass
    assert caught.value.problem.code is ProblemCode.NOT_A_FILE


def test_odd_names_are_kept_and_printed_safely(tmp_path: Path) -> None:
    odd = [b"new\nline", b"not-utf8-\xff\xfe", b"tab\t", "ümlaut".encode(), b"esc\x1b[31m"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    found = list(FileSource([tmp_path]).objects())
    assert {os.path.basename(os.fsencode(obj.uri)) for obj in found} == set(odd)
    for obj in found:
        assert obj.where.isprintable()
        obj.where.encode("utf-8")
        with FileSource([]).fetch(obj) as fetched:
            assert fetched.path.read_text() == "x"
    assert printable("a\nb\udcff") == "a\\nb\\xff"


def test_folders_nested_too_deep(tmp_path: Path) -> None:
    (tmp_path / "1/2/3").mkdir(parents=True)
    (tmp_path / "1/2/3/x").write_text("x")
    (tmp_path / "1/y").write_text("x")
    source = FileSource([tmp_path], CollectSettings(folder_levels_max=2))
    assert names(source) == ["y"]
    assert codes(source) == [ProblemCode.TOO_DEEP]


def test_problems_are_bounded_and_counted(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"l{number}").symlink_to("gone")
    source = FileSource([tmp_path], CollectSettings(problems_max=2))
    assert names(source) == []
    assert len(source.problems) == 5
    assert len(list(source.problems)) == 2


WITHOUT_ROOT = """
import os, sys
from vpcflow.collect.files import FileSource
from vpcflow.collect.source_object import ObjectError
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
source = FileSource([sys.argv[1]])
for obj in source.objects():
    try:
        with source.fetch(obj):
            print("read", os.path.basename(obj.uri))
    except ObjectError as error:
        print(error.problem.code.name, os.path.basename(obj.uri))
for problem in source.problems:
    print(problem.code.name, os.path.basename(problem.uri), problem.what)
"""


def test_rights_that_are_missing_cost_only_their_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # Below /tmp itself: a user without rights could not enter pytest's own folder.
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "closed").mkdir()
        (root / "closed/x").write_text("x")
        (root / "closed").chmod(0o000)
        (root / "fine").write_text("x")
        (root / "secret").write_text("x")
        (root / "secret").chmod(0o000)
        run = subprocess.run(
            [sys.executable, "-c", WITHOUT_ROOT, name], capture_output=True, text=True, check=True
        )
        (root / "closed").chmod(0o755)
    assert run.stdout.splitlines() == [
        "read fine",
        "PERMISSION secret",
        "PERMISSION closed cannot list the folder: permission denied",
    ]
