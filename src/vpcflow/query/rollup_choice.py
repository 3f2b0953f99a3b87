"""What a question reads of every data file, its records or one of its rollups: decided here alone.

A question is built over rows of one grain and need not know where they come from: the rollups of
some files, the records of the others, side by side. In every grain ``records`` says how many
records a row stands for, and ``bytes_nulls`` and ``packets_nulls`` how many of them say none.

* Hours stand for any whole hours, conversations for whole periods of six, traffic of five minutes. What
  a range has of an hour or period that it cuts is read from the records, all else from the rollup.
* A condition on a field that a rollup is not grouped by needs the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vpcflow.query.plan import Plan
from vpcflow.query.statement import (
    CONVERSATIONS_NAME,
    HOURS_NAME,
    RECORDS_AT_EDGES_NAMES,
    RECORDS_BESIDE_CONVERSATIONS_NAME,
    RECORDS_BESIDE_HOURS_NAME,
    RECORDS_BESIDE_TRAFFIC_NAME,
    STORED_TABLE_NAME,
    TRAFFIC_NAME,
)
from vpcflow.query.time_range import TimeRange
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.rollup_paths import conversation_path, traffic_path
from vpcflow.store.rollup_schema import CONVERSATION_PERIOD_S, TRAFFIC_PERIOD_S
from vpcflow.store.stored_schema import SECONDS_AN_HOUR


class Grain(StrEnum):
    """How coarse the rows may be that a question reads."""

    RECORDS = "records"
    CONVERSATIONS = "conversations"
    HOURS = "hours"
    TRAFFIC = "traffic"


_OF_CONVERSATIONS, _OF_HOURS, _OF_TRAFFIC = RECORDS_AT_EDGES_NAMES
#: For each grain the tables of its records, of its rollups, and of records at the range's edges.
TABLE_NAMES = {
    Grain.RECORDS: (STORED_TABLE_NAME, "", ""),
    Grain.CONVERSATIONS: (RECORDS_BESIDE_CONVERSATIONS_NAME, CONVERSATIONS_NAME, _OF_CONVERSATIONS),
    Grain.HOURS: (RECORDS_BESIDE_HOURS_NAME, HOURS_NAME, _OF_HOURS),
    Grain.TRAFFIC: (RECORDS_BESIDE_TRAFFIC_NAME, TRAFFIC_NAME, _OF_TRAFFIC),
}
#: How much time a row of a rollup stands for.
WIDTHS_S = {
    Grain.RECORDS: 1,
    Grain.CONVERSATIONS: CONVERSATION_PERIOD_S,
    Grain.HOURS: SECONDS_AN_HOUR,
    Grain.TRAFFIC: TRAFFIC_PERIOD_S,
}

#: Fields that a rollup is grouped by; a condition on any other needs the records.
_CONVERSATION_FIELDS = frozenset(
    {"srcaddr", "dstaddr", "protocol", "action", "account-id", "interface-id", "reject-rule"}
)
_TRAFFIC_FIELDS = frozenset({"account-id", "action", "flow-direction", "protocol", "log-status"})
ROLLUP_FIELDS = {
    Grain.RECORDS: frozenset[str](),
    Grain.CONVERSATIONS: _CONVERSATION_FIELDS,
    Grain.HOURS: _TRAFFIC_FIELDS | {"interface-id"},
    Grain.TRAFFIC: _TRAFFIC_FIELDS,
}
#: Conversations know the destination's port of refused records alone.
REFUSED_FIELDS = _CONVERSATION_FIELDS | {"dstport"}


@dataclass(frozen=True, slots=True)
class Parts:
    """Which kinds of rows a statement reads: its text follows from it.

    Shape: ``cut_start`` and ``cut_end`` say that rollups leave out what the range cuts there, and
    that records take its place.
    """

    records: bool = True
    rollups: bool = False
    cut_start: bool = False
    cut_end: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What is read at one grain.

    Shape: the data files that are read themselves, and those whose rollups are read in their
    place, with the rollups' paths in the same order; ``edges`` are files whose records are read
    at the edges of the range, ``cut_start`` and ``cut_end`` say at which.
    """

    grain: Grain
    records: tuple[DataFileEntry, ...]
    summed: tuple[DataFileEntry, ...] = ()
    rollups: tuple[str, ...] = ()
    edges: tuple[DataFileEntry, ...] = ()
    cut_start: bool = False
    cut_end: bool = False

    @property
    def parts(self) -> Parts:
        """What is read; nothing at all is an empty table of records."""
        some = bool(self.records) or not self.rollups
        return Parts(some, bool(self.rollups), self.cut_start, self.cut_end)


def choose(
    grain: Grain, plan: Plan, time_range: TimeRange, files: Sequence[DataFileEntry]
) -> Choice:
    """What to read of the files at a grain.

    Shape: ``time_range`` is what was asked, beside what the condition says. Files whose records
    all start outside of it are left out.
    """
    known = ROLLUP_FIELDS[grain]
    if grain is Grain.CONVERSATIONS and plan.refused:
        known = REFUSED_FIELDS
    records: list[DataFileEntry] = []
    found: list[tuple[DataFileEntry, str]] = []
    for entry in files:
        if not _overlaps(entry, time_range):
            continue
        path = _rollup_of(grain, entry) if plan.fields <= known else None
        if path is None or not Path(path).exists():
            records.append(entry)
        else:
            found.append((entry, path))
    width_s, start_s, end_s = WIDTHS_S[grain], time_range.start_s, time_range.end_s
    # A range may be odd where it cuts no file.
    cut_start = start_s is not None and start_s % width_s > 0
    cut_start = cut_start and any(_begins_before(entry, start_s) for entry, _ in found)
    cut_end = end_s is not None and end_s % width_s > 0
    cut_end = cut_end and any(_goes_on(entry, end_s) for entry, _ in found)
    if cut_start and start_s is not None:
        start_s += -start_s % width_s
    if cut_end and end_s is not None:
        end_s -= end_s % width_s
    summed = found
    if start_s is not None and end_s is not None and start_s >= end_s:
        summed = []
    elif cut_start or cut_end:
        summed = [one for one in found if _overlaps(one[0], TimeRange(start_s, end_s))]
    if not summed:
        return Choice(grain, tuple(records) + tuple(entry for entry, _ in found))
    edges = [
        entry
        for entry, _ in found
        if (cut_start and _begins_before(entry, start_s)) or (cut_end and _goes_on(entry, end_s))
    ]
    return Choice(
        grain,
        tuple(records),
        tuple(entry for entry, _ in summed),
        tuple(path for _, path in summed),
        tuple(edges),
        cut_start,
        cut_end,
    )


def _rollup_of(grain: Grain, entry: DataFileEntry) -> str | None:
    if grain is Grain.CONVERSATIONS and entry.has_conversation:
        return str(conversation_path(Path(entry.path)))
    if grain is Grain.HOURS:
        return entry.rollup_path
    if grain is Grain.TRAFFIC and entry.rollup_path is not None:
        return str(traffic_path(Path(entry.path)))
    return None


def _overlaps(entry: DataFileEntry, time_range: TimeRange) -> bool:
    if time_range.is_open:
        return True
    if entry.start_min is None or entry.start_max is None:
        return False
    start_s, end_s = time_range.start_s, time_range.end_s
    return (start_s is None or entry.start_max >= start_s) and (
        end_s is None or entry.start_min < end_s
    )


def _begins_before(entry: DataFileEntry, start_s: int | None) -> bool:
    return start_s is not None and entry.start_min is not None and entry.start_min < start_s


def _goes_on(entry: DataFileEntry, end_s: int | None) -> bool:
    return end_s is not None and entry.start_max is not None and entry.start_max >= end_s
