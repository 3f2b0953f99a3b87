"""Real tables of the rows of a test, asked through the service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flow_rows import Row, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.store.table import FlowTable


def table_of_rows(root: Path, rows: Sequence[Row]) -> FlowQueries:
    """A data folder with a table of the rows, ready for questions."""
    folder = DataFolder(root)
    with FlowTable.open(folder) as table:
        table.commit(stage(table.data_dir.parent, "rows", rows), "commit-1")
    return FlowQueries(folder, QuerySettings(threads=1))


def with_round_trips(rows: Sequence[Row]) -> list[Row]:
    """The rows, a round-trip time in every third of TCP."""
    return [
        row | {"rtt-us": 100 + 37 * place} if place % 3 == 0 and row.get("protocol") == 6 else row
        for place, row in enumerate(rows)
    ]


def total(rows: Sequence[Row], name: str) -> Any:
    """A sum that ignores nulls, and is null where there is nothing else."""
    known = [row[name] for row in rows if row.get(name) is not None]
    return sum(known) if known else None
