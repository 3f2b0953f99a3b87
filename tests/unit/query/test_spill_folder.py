"""Temporary files of questions have a folder of their own, and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from vpcflow.query.engines.duckdb import DuckDbEngine
from vpcflow.query.settings import QuerySettings
from vpcflow.query.spill_folder import SpillFolder

PROGRAM = """
import os, sys
from pathlib import Path
from vpcflow.query.spill_folder import SpillFolder
folder = SpillFolder.make(Path(sys.argv[1]))
(folder.path / "left").write_bytes(b"x")
os._exit(9)
"""


def test_a_folder_is_there_and_gone(tmp_path: Path) -> None:
    one, two = SpillFolder.make(tmp_path / "spill"), SpillFolder.make(tmp_path / "spill")
    assert one is not None
    assert two is not None
    assert one.path.is_dir()
    assert one.path != two.path
    (one.path / "file").write_bytes(b"x")
    one.close()
    assert not one.path.exists()
    assert two.path.is_dir()
    two.close()
    assert not list((tmp_path / "spill").iterdir())


def test_what_a_dead_process_left_goes_with_the_next_question(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "spill")], check=False)
    (left,) = (tmp_path / "spill").iterdir()
    folder = SpillFolder.make(tmp_path / "spill")
    assert folder is not None
    assert not left.exists()
    folder.close()


def test_where_no_folder_can_be_made_nothing_spills(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert SpillFolder.make(tmp_path / "file") is None
    assert SpillFolder.make(tmp_path / "no" / "parent") is None


def test_a_large_question_spills_there_and_cleans_up(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    settings = QuerySettings(memory_bytes_max=64 * 2**20, threads=1, rows_max=10)
    with DuckDbEngine(settings, [], folders=[tmp_path / "data"], spill_folder=spill) as engine:
        (own,) = spill.iterdir()
        assert own.name.startswith(str(os.getpid()))
        sql = "SELECT range, hash(range) h FROM range(6000000) ORDER BY h"
        assert engine.run_sql(sql, columns=()).table.num_rows == 10
    assert not list(spill.iterdir())
