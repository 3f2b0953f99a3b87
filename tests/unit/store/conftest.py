"""A table in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vpcflow.base.clock import ManualClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.store.table import FlowTable
from vpcflow.store.table_settings import TableSettings


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def flow_table(folder: DataFolder, clock: ManualClock) -> Iterator[FlowTable]:
    settings = TableSettings(snapshots_min=2, snapshots_max=6, compaction_files_min=3)
    with FlowTable.open(folder, settings, clock=clock) as table:
        yield table
