"""What a question reads of every data file, its records or one of its rollups: decided here alone.

A question is built over rows of one grain and need not know where they come from: the rollups of
some files, the records of the others, side by side. In every grain ``records`` says how many
records a row stands for, and ``bytes_nulls`` and ``packets_nulls`` how many of them say none.

* Conversations have no time among their dimensions: they stand for a file whose records all lie
  within the asked range.
* Hours stand for any file that the range cuts on full hours, and for such a file too; traffic the
  same for full periods of five minutes.
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
    RECORDS_BESIDE_CONVERSATIONS_NAME,
    RECORDS_BESIDE_HOURS_NAME,
    RECORDS_BESIDE_TRAFFIC_NAME,
    STORED_TABLE_NAME,
    TRAFFIC_NAME,
)
from vpcflow.query.time_range import TimeRange
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.rollup_paths import conversation_path, traffic_path
from vpcflow.store.rollup_schema import TRAFFIC_PERIOD_S
from vpcflow.store.stored_schema import SECONDS_AN_HOUR


class Grain(StrEnum):
    """How coarse the rows may be that a question reads."""

    RECORDS = "records"
    CONVERSATIONS = "conversations"
    HOURS = "hours"
    TRAFFIC = "traffic"


#: For each grain the tables of its records and of its rollups.
TABLE_NAMES = {
    Grain.RECORDS: (STORED_TABLE_NAME, ""),
    Grain.CONVERSATIONS: (RECORDS_BESIDE_CONVERSATIONS_NAME, CONVERSATIONS_NAME),
    Grain.HOURS: (RECORDS_BESIDE_HOURS_NAME, HOURS_NAME),
    Grain.TRAFFIC: (RECORDS_BESIDE_TRAFFIC_NAME, TRAFFIC_NAME),
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
class Choice:
    """What is read at one grain.

    Shape: the data files that are read themselves, and those whose rollups are read in their
    place, with the rollups' paths in the same order.
    """

    grain: Grain
    records: tuple[DataFileEntry, ...]
    summed: tuple[DataFileEntry, ...]
    rollups: tuple[str, ...]

    @property
    def parts(self) -> tuple[bool, bool]:
        """Whether records and rollups are read; nothing at all is an empty table of records."""
        return bool(self.records) or not self.rollups, bool(self.rollups)


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
    summed: list[DataFileEntry] = []
    rollups: list[str] = []
    for entry in files:
        if not _overlaps(entry, time_range):
            continue
        path = _rollup_of(grain, entry, time_range) if plan.fields <= known else None
        if path is None or not Path(path).exists():
            records.append(entry)
        else:
            summed.append(entry)
            rollups.append(path)
    return Choice(grain, tuple(records), tuple(summed), tuple(rollups))


def _rollup_of(grain: Grain, entry: DataFileEntry, time_range: TimeRange) -> str | None:
    within = _is_within(entry, time_range)
    if grain is Grain.CONVERSATIONS and entry.has_conversation and within:
        return str(conversation_path(Path(entry.path)))
    if grain is Grain.HOURS and (within or _cut_whole(entry, time_range, SECONDS_AN_HOUR)):
        return entry.rollup_path
    periods = within or _cut_whole(entry, time_range, TRAFFIC_PERIOD_S)
    if grain is Grain.TRAFFIC and entry.rollup_path is not None and periods:
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


def _is_within(entry: DataFileEntry, time_range: TimeRange) -> bool:
    if time_range.is_open:
        return True
    if entry.start_min is None or entry.start_max is None:
        return False
    start_s, end_s = time_range.start_s, time_range.end_s
    return (start_s is None or entry.start_min >= start_s) and (
        end_s is None or entry.start_max < end_s
    )


def _cut_whole(entry: DataFileEntry, time_range: TimeRange, width_s: int) -> bool:
    """Whether the range cuts a file only where a row of a rollup ends; elsewhere it may be odd."""
    if entry.start_min is None or entry.start_max is None:
        return False
    start_s, end_s = time_range.start_s, time_range.end_s
    starts_before = start_s is not None and entry.start_min < start_s
    ends_after = end_s is not None and entry.start_max >= end_s
    return not (starts_before and start_s % width_s) and not (ends_after and end_s % width_s)  # type: ignore[operator]
