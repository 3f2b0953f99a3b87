"""Aim: what the table takes is handed over once more rather than never. Method: a real table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "deliver"))

from delivery_desk import records_of

from vpcflow.app.settings import Settings
from vpcflow.app.spool_drain import DELIVERY_FOLDER, drain_spool
from vpcflow.app.upkeep import open_for_writing
from vpcflow.base.errors import StoreError
from vpcflow.deliver.journal import open_journal
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable


def test_batches_are_handed_over_before_the_spool_drops_them(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    settings.folder.make()
    got: list[list[str]] = []
    failing = [True]

    def on_committed(paths: Sequence[Path]) -> None:
        assert all(path.exists() for path in paths)
        got.append([path.name[:16].lstrip("0") for path in paths])
        if failing.pop() if failing else False:
            raise StoreError("no room")

    with FlowTable.open(settings.folder, settings.table) as table:
        spool = Spool(settings.folder, settings.table)
        for seed in range(2):
            spool.append(FlowBatch(records_of(10, seed=seed), Origin("capture"), None, 60))
        with pytest.raises(StoreError, match="no room"):
            drain_spool(table, spool, settings.store, on_committed)
        spool = Spool(settings.folder, settings.table)  # after a restart
        assert len(spool.segments()) == 2
        assert drain_spool(table, spool, settings.store, on_committed) == 0
        assert got == [["1", "2"], ["1", "2"]] and not spool.segments()
        spool.append(FlowBatch(records_of(10), Origin("capture"), None, 60))
        assert drain_spool(table, spool, settings.store, on_committed) == 10
    assert got[-1] == ["3"]


def test_what_a_killed_run_left_is_delivered_whoever_brings_it_into_the_table(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path)
    settings.folder.make()
    spool = Spool(settings.folder, settings.table)
    spool.append(FlowBatch(records_of(10), Origin("capture"), None, 60))
    (tmp_path / DELIVERY_FOLDER).mkdir()
    with open_for_writing(settings, 0.0):
        assert not Spool(settings.folder, settings.table).segments()
    journal = open_journal(tmp_path / DELIVERY_FOLDER, settings.deliver)
    assert [segment.number for segment in journal.after(0, 9)] == [1]
