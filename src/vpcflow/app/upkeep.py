"""Upkeep of the table outside of a run of ingest: maintenance, and retention."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vpcflow.app.ingest import recover
from vpcflow.app.spool_drain import drain_left_over
from vpcflow.collect.intake import Intake
from vpcflow.collect.state_db import StateDb
from vpcflow.store.maintenance import MaintenanceReport, maintain
from vpcflow.store.retention import RetentionPlan, apply_retention, plan_retention
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings


@contextmanager
def open_for_writing(settings: Settings, wait_s: float) -> Iterator[FlowTable]:
    """The table under the writer lock, after the commits of a killed run are settled."""
    with settings.folder.writer_lock(wait_s=wait_s):
        table = FlowTable.open(settings.folder, settings.table)
        try:
            db = StateDb(settings.folder)
            try:
                recover(table, Intake(db, settings.collect))
            finally:
                db.close()
            drain_left_over(table, Spool(settings.folder, settings.table), settings)
            yield table
        finally:
            table.close()


def run_upkeep(settings: Settings, *, full: bool, wait_s: float) -> MaintenanceReport:
    """Compaction, expiry, removal of dead files; retention first when it is set."""
    with open_for_writing(settings, wait_s) as table:
        return maintain(table, settings.store, full=full)


def retention_plan(table: FlowTable, age_days: int | None, bytes_max: int | None) -> RetentionPlan:
    """What would go now, by the settings or by what was asked instead."""
    settings = table.settings
    if age_days is None and bytes_max is None:
        age_days, bytes_max = settings.retention_days, settings.retention_bytes_max
    return plan_retention(
        table.index.entries(), now_s=table.clock.now_s(), age_days=age_days, bytes_max=bytes_max
    )


def run_retention(
    settings: Settings, *, age_days: int | None, bytes_max: int | None, wait_s: float
) -> RetentionPlan:
    """Remove what the plan names; it is made anew under the lock, and returned."""
    with open_for_writing(settings, wait_s) as table:
        plan = retention_plan(table, age_days, bytes_max)
        apply_retention(table, plan)
        return plan
