"""What is known of a data file that is durable but not yet in the table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

#: A field of the class below has the name of the type.
Address = bytes


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One data file of one day, written and fsynced, with what a manifest needs to know of it.

    Shape: ``columns`` are those that the file has; a column that it lacks is null in every row.
    ``host_min`` and ``host_max`` are 16-byte addresses, None when no row has a host. ``rollup_path``
    is the hourly rollup, None when none was asked for; the conversations have no path here.
    Units: ``day`` is the start of the UTC day in seconds since the epoch, None for records without
    a start; the other times are seconds since the epoch; ``bytes`` is the size of the file.
    """

    path: Path
    day: int | None
    rows: int
    bytes: int
    start_min: int | None
    start_max: int | None
    end_max: int | None
    host_min: Address | None
    host_max: Address | None
    columns: tuple[str, ...]
    nodata_records: int
    skipdata_records: int
    rollup_path: Path | None
    metadata: pq.FileMetaData
    has_conversation: bool = False
