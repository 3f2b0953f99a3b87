"""Aim: one writer at a time, and the lock goes with its process. Method: real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import BusyError, StoreError

HOLD = """
import sys
from vpcflow.base.data_folder import DataFolder
with DataFolder(sys.argv[1]).writer_lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_second_writer_is_told_after_its_patience(tmp_path: Path) -> None:
    process = hold(tmp_path)
    clock = ManualClock()
    with pytest.raises(BusyError), DataFolder(tmp_path).writer_lock(wait_s=5, clock=clock):
        pass
    assert clock.monotonic_s() >= 5
    process.kill()
    process.communicate()


def test_lock_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.kill()
    process.communicate()
    with DataFolder(tmp_path).writer_lock():
        assert (tmp_path / "warehouse").is_dir()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        DataFolder(tmp_path / "file" / "data").make()
    assert str(tmp_path / "file" / "data") in str(caught.value)
    assert "--data" in caught.value.hint


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.make()
    (folder.tmp / "left").write_text("x")
    (folder.tmp / "inner" / "deep").mkdir(parents=True)
    folder.clear_tmp()
    assert list(folder.tmp.iterdir()) == []
