"""What the index of data files says of one file, of a choice of files, and of the whole table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from vpcflow.store.rollup_paths import conversation_path, traffic_path

#: 16 bytes; the name ``bytes`` means a size below.
HostAddress: TypeAlias = bytes


@dataclass(frozen=True, slots=True)
class DataFileEntry:
    """One data file of the table, as far as a question needs it to be planned.

    Shape: ``path`` is a local path; ``day`` is the start of the UTC day of ``start``, None for a
    file of rows without a start; the bounds are None where every value is null; ``columns`` are
    the stored columns that the file has, the others are null in every row; ``rollup_path`` is its
    hourly rollup, beside which lies the traffic; where ``has_conversation`` is set, ``rollup_paths.conversation_path`` exists.
    Units: epoch seconds, bytes, rows.
    """

    path: str
    day: int | None
    rows: int
    bytes: int
    start_min: int | None
    start_max: int | None
    end_max: int | None
    host_min: HostAddress | None
    host_max: HostAddress | None
    columns: tuple[str, ...]
    nodata_records: int
    skipdata_records: int
    rollup_path: str | None
    has_conversation: bool = False


def paths_of(entry: DataFileEntry) -> list[str]:
    """The paths of a data file and of its rollups."""
    paths = [entry.path]
    if entry.rollup_path is not None:
        paths += [entry.rollup_path, str(traffic_path(Path(entry.path)))]
    if entry.has_conversation:
        paths.append(str(conversation_path(Path(entry.path))))
    return paths


@dataclass(frozen=True, slots=True)
class TableSnapshot:
    """Which state of the table is read; ids are None before the first commit."""

    snapshot_id: int | None
    committed_at_s: float | None
    metadata_location: str | None

    @property
    def name(self) -> str:
        """The state as a text; empty before the first commit."""
        return "" if self.snapshot_id is None else str(self.snapshot_id)


@dataclass(frozen=True, slots=True)
class FileSelection:
    """The files that may hold what a question asks for, and how many need not be opened.

    Units: ``rows`` and ``bytes`` are of the chosen files.
    """

    snapshot: TableSnapshot
    files: list[DataFileEntry]
    files_total: int

    @property
    def files_pruned(self) -> int:
        """Files of the table that were not chosen."""
        return self.files_total - len(self.files)

    @property
    def rows(self) -> int:
        """Rows in the chosen files."""
        return sum(entry.rows for entry in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of the chosen files."""
        return sum(entry.bytes for entry in self.files)


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Sums over the files of one day; ``day`` is None for rows without a start."""

    day: int | None
    files: int
    rows: int
    bytes: int
    nodata_records: int
    skipdata_records: int


@dataclass(frozen=True, slots=True)
class TableTotals:
    """Sums over the whole table.

    Units: epoch seconds, bytes, rows; the times are None when no row has a start.
    """

    snapshot: TableSnapshot
    files: int
    rows: int
    bytes: int
    start_min: int | None
    start_max: int | None
    end_max: int | None
    nodata_records: int
    skipdata_records: int
    days: tuple[DayTotals, ...]
