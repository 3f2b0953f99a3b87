"""Aim: what a kill left open is settled as the table says. Method: a real state file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpcflow.app.ingest import LINES_ALONE_PREFIX, recover
from vpcflow.base.data_folder import DataFolder
from vpcflow.collect.intake import Intake
from vpcflow.collect.source_object import Problem, ProblemCode
from vpcflow.collect.state_db import StateDb
from vpcflow.store.table import FlowTable


@pytest.mark.parametrize(
    ("commit_id", "kept"), [("ingest-0123456789abcdef", 0), (f"{LINES_ALONE_PREFIX}0123", 1)]
)
def test_prepared_commits_that_the_table_does_not_have(
    tmp_path: Path, commit_id: str, kept: int
) -> None:
    """Records that did not arrive take their lines along; lines that stand alone stay."""
    folder = DataFolder(tmp_path)
    folder.make()
    db = StateDb(folder)
    intake = Intake(db)
    intake.problem(commit_id, Problem(ProblemCode.MISSING, "gone", "a.log", uri="a.log"))
    intake.prepare(commit_id)
    with FlowTable.open(folder) as table:
        assert recover(table, intake) == 1
    assert intake.quarantine.counts().problems == kept
    assert intake.pending() == []
    db.close()
