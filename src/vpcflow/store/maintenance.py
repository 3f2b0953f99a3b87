"""One call that keeps the table small and fast: compaction, rollups, expiry, removal of dead files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from vpcflow.base.errors import StoreError
from vpcflow.store.compaction import (
    CompactionStep,
    MergeFiles,
    compact_group,
    plan_compaction,
)
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.orphans import OrphanFiles
from vpcflow.store.retention import RetentionPlan, apply_retention, plan_retention
from vpcflow.store.settings import StoreSettings

if TYPE_CHECKING:
    from vpcflow.store.table import FlowTable

#: The most compaction steps of one call.
STEPS_MAX = 10_000


@dataclass(slots=True)
class MaintenanceReport:
    """What was done, and what could not be: ``problems`` stop only the day they are of."""

    retention: RetentionPlan | None = None
    steps: list[CompactionStep] = field(default_factory=list)
    rollups_written: int = 0
    snapshots_expired: int = 0
    orphans: OrphanFiles = field(default_factory=lambda: OrphanFiles(0, 0, 0, 0))
    problems: list[StoreError] = field(default_factory=list)


def maintain(
    table: FlowTable,
    store_settings: StoreSettings,
    *,
    full: bool = False,
    steps_max: int = STEPS_MAX,
    keep_paths: Collection[Path] = (),
    keep_ids: Collection[str] = (),
    merge: MergeFiles | None = None,
) -> MaintenanceReport:
    """Retention as the settings say, compaction, rollups that files lack, expiry and removal.

    Shape: call it under the writer lock, after recovery, never while files of another thread are
    staged unless ``keep_paths`` names them; ``keep_ids`` are commits still pending.
    ``full`` merges every day into as few files as possible. Rollups of one file are a step too.
    """
    report = MaintenanceReport()
    settings = table.settings
    if settings.retention_days is not None or settings.retention_bytes_max is not None:
        report.retention = plan_retention(
            table.index.entries(),
            now_s=table.clock.now_s(),
            age_days=settings.retention_days,
            bytes_max=settings.retention_bytes_max,
        )
        apply_retention(table, report.retention)
    days_in_trouble: set[int | None] = set()
    while len(report.steps) + len(report.problems) < steps_max:
        groups = plan_compaction(table.index.entries(), settings, store_settings, full=full)
        group = next((group for group in groups if group.day not in days_in_trouble), None)
        if group is None:
            break
        try:
            report.steps.append(
                compact_group(table, group, store_settings, merge=merge, keep_ids=keep_ids)
            )
        except StoreError as error:
            days_in_trouble.add(group.day)
            report.problems.append(error)
    lacking = [
        entry
        for entry in reversed(table.index.entries())
        if (entry.rollup_path is None or not entry.has_conversation)
        and entry.day not in days_in_trouble
    ]
    left = max(0, steps_max - len(report.steps) - len(report.problems))
    _write_rollups(table, lacking[:left], store_settings, report)
    report.snapshots_expired = table.expire_snapshots(keep_ids)
    report.orphans = table.remove_orphans(keep_paths)
    return report


def _write_rollups(
    table: FlowTable,
    lacking: Sequence[DataFileEntry],
    store_settings: StoreSettings,
    report: MaintenanceReport,
) -> None:
    """Files of an older version of this program, or whose rollups were lost, get new ones."""
    from vpcflow.store.data_file import write_rollups

    for entry in lacking:
        try:
            write_rollups(Path(entry.path), store_settings)
            table.note_rollups(entry)
            report.rollups_written += 1
        except (StoreError, OSError, pa.ArrowException) as error:
            report.problems.append(_problem(error, entry.path))


def _problem(error: Exception, path: str) -> StoreError:
    if isinstance(error, StoreError):
        return error
    return StoreError(
        f"rollups cannot be written: {error}",
        where=path,
        hint="free some space or check the disk; questions read the file itself meanwhile",
    )
