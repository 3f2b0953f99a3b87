"""What retention by age and by size would remove, told before it is done; whole days only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.stored_schema import SECONDS_A_DAY

if TYPE_CHECKING:
    from vpcflow.store.table import FlowTable


@dataclass(frozen=True, slots=True)
class ExpiredDay:
    """One day that would go, and why: ``age`` or ``size``.

    Shape: ``day`` is None for records without a start.
    Units: epoch seconds, bytes, rows.
    """

    day: int | None
    reason: str
    files: tuple[DataFileEntry, ...]

    @property
    def rows(self) -> int:
        """Rows that would go."""
        return sum(entry.rows for entry in self.files)

    @property
    def bytes(self) -> int:
        """Bytes that would go."""
        return sum(entry.bytes for entry in self.files)


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """Everything that would go, and what would stay.

    Shape: ``bytes_over`` is by how much the table would still be larger than the bound by size,
    because its newest day is never removed for its size.
    Units: epoch seconds, bytes, rows.
    """

    days: tuple[ExpiredDay, ...]
    rows_kept: int
    bytes_kept: int
    bytes_over: int

    @property
    def files(self) -> tuple[DataFileEntry, ...]:
        """Every file that would go."""
        return tuple(entry for day in self.days for entry in day.files)

    @property
    def rows(self) -> int:
        """Rows that would go."""
        return sum(day.rows for day in self.days)

    @property
    def bytes(self) -> int:
        """Bytes that would go; the disk has them back after the grace period."""
        return sum(day.bytes for day in self.days)

    @property
    def start_min(self) -> int | None:
        """The earliest start that would go."""
        return min((e.start_min for e in self.files if e.start_min is not None), default=None)

    @property
    def end_max(self) -> int | None:
        """The latest end that would go."""
        return max((e.end_max for e in self.files if e.end_max is not None), default=None)


def plan_retention(
    entries: Sequence[DataFileEntry],
    *,
    now_s: float,
    age_days: int | None = None,
    bytes_max: int | None = None,
) -> RetentionPlan:
    """Which days go: those that ended ``age_days`` ago, then the oldest until ``bytes_max`` holds.

    Shape: records without a start have no age; by size they go last. The newest day stays.
    Errors: SettingsError for a bound that is not positive.
    """
    for name, value in (("retention_days", age_days), ("retention_bytes_max", bytes_max)):
        if value is not None and value < 1:
            raise SettingsError(
                f"must be 1 or more, is {value}", where=name, hint="leave it out to keep everything"
            )
    by_day: dict[int | None, list[DataFileEntry]] = {}
    for entry in entries:
        by_day.setdefault(entry.day, []).append(entry)
    known_days = sorted(day for day in by_day if day is not None)
    gone: dict[int | None, str] = {}
    if age_days is not None:
        oldest_end_s = now_s - age_days * SECONDS_A_DAY
        gone = {day: "age" for day in known_days if day + SECONDS_A_DAY <= oldest_end_s}
    kept = sum(entry.bytes for entry in entries if entry.day not in gone)
    if bytes_max is not None:
        candidates: list[int | None] = [*known_days[:-1]]
        if None in by_day and known_days:
            candidates.append(None)
        for day in candidates:
            if kept <= bytes_max:
                break
            if day not in gone:
                gone[day] = "size"
                kept -= sum(entry.bytes for entry in by_day[day])
    return RetentionPlan(
        tuple(ExpiredDay(day, reason, tuple(by_day[day])) for day, reason in gone.items()),
        sum(entry.rows for entry in entries if entry.day not in gone),
        kept,
        max(0, kept - bytes_max) if bytes_max is not None else 0,
    )


def apply_retention(table: FlowTable, plan: RetentionPlan) -> int | None:
    """Take the planned files out of the table in one snapshot; its id, None for an empty plan.

    Shape: all or nothing. The files stay on disk for ``grace_s``, for the questions that run.
    Errors: StoreError when the table has changed in those days since the plan was made.
    """
    files = plan.files
    if not files:
        return None
    days = {day.day for day in plan.days}
    planned = {entry.path for entry in files}
    if planned != {entry.path for entry in table.index.entries() if entry.day in days}:
        raise StoreError(
            "the table has changed in these days since the retention plan was made",
            where=str(table.folder.root),
            hint="look at a new plan: vpcflow retention plan",
        )
    return table.delete_files(files, deletion_id("retention", planned))


def deletion_id(kind: str, paths: set[str]) -> str:
    """A commit id that is the same whenever the same files are taken out."""
    digest = hashlib.blake2b("\n".join(sorted(paths)).encode(), digest_size=16)
    return f"{kind}-{digest.hexdigest()}"
