"""What the fixtures of this folder hand to tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vpcflow.query.engines import FileTable, QueryEngine
from vpcflow.query.statement import STORED_TABLE_NAME

#: Opens the engine under test over some tables of files.
OpenEngine = Callable[[Sequence[FileTable]], QueryEngine]
#: Writes lists of rows as one data file each.
WriteRows = Callable[..., list[Path]]


def as_records(paths: Sequence[Path]) -> list[FileTable]:
    """Data files as the stored table."""
    return [FileTable(STORED_TABLE_NAME, tuple(map(str, paths)))]
