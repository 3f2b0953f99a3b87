"""What a question gives back, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

ColumnKind = Literal[
    "text",
    "address",
    "count",
    "bytes",
    "packets",
    "time",
    "ratio",
    "duration",
    "port",
    "protocol",
    "rule",
    "microseconds",
]


@dataclass(frozen=True, slots=True)
class ColumnMeta:
    """How a column of an answer is meant.

    Units: time is seconds since the epoch, duration seconds, ratio a number from 0 to 1; a rule is
    the id of the one that decided.
    ``quiet`` columns may be hidden where every value is 0 or null.
    """

    name: str
    kind: ColumnKind
    label: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """What was opened for an answer: whole files, of which statistics skip parts.

    Shape: ``files_pruned`` of the table's files were ruled out by the manifest alone; ``rollup``
    says that rollups answered for some of the records, or all: ``bytes`` are the rollups' there,
    ``rows`` the records that they sum up.
    """

    rows: int = 0
    bytes: int = 0
    files: int = 0
    files_pruned: int = 0
    rollup: bool = False


@dataclass(frozen=True, slots=True)
class CoverageNote:
    """How far the records in range can be trusted to be all there were.

    Shape: the counts are of the files that the time range touches, so they may include records
    just outside of it. ``lower_bound`` is true when SKIPDATA says that sums miss something.
    """

    skipdata_records: int = 0
    nodata_records: int = 0
    lower_bound: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One of several tables of an answer."""

    name: str
    title: str
    table: pa.Table
    columns: tuple[ColumnMeta, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows, what their columns mean, what was read for them, and what to know about them.

    Shape: addresses are text, times are seconds since the epoch. ``sections`` holds the parts of
    an answer of several tables (overview); ``table`` is then the first of them. ``start_s`` and
    ``end_s`` bound where was looked, ``end_s`` excluded, None when nothing is there;
    ``interval_s`` is the width of the intervals of a series, and ``snapshot`` the state of the
    table that was read.
    """

    table: pa.Table
    columns: tuple[ColumnMeta, ...]
    scan: Scan = Scan()
    coverage: CoverageNote = CoverageNote()
    truncated: bool = False
    elapsed_s: float = 0.0
    notes: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())
    start_s: int | None = None
    end_s: int | None = None
    interval_s: int | None = None
    snapshot: str = ""
