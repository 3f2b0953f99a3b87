"""Decodes quarantined lines again and commits those that are records now."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vpcflow.app.ingest import recover
from vpcflow.collect.intake import Intake
from vpcflow.collect.quarantine_retry import mark_retried, retry, retry_groups
from vpcflow.collect.state_db import StateDb
from vpcflow.enrich.object_name import fill_from_object_name
from vpcflow.store.table import FlowTable
from vpcflow.store.writer import DataFileWriter

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.record.log_format import LogFormat


@dataclass(frozen=True, slots=True)
class RetryReport:
    """How many lines became records, and how many stay."""

    records: int
    lines_left: int


def retry_quarantine(
    settings: Settings,
    *,
    log_format: LogFormat | None,
    object_filter: str | None,
    wait_s: float,
) -> RetryReport:
    """Try every kept line again; all that succeed enter the table in one commit.

    Shape: a line leaves the quarantine in the same two-phase commit that brings its record.
    """
    with settings.folder.writer_lock(wait_s=wait_s):
        table = FlowTable.open(settings.folder, settings.table)
        db = StateDb(settings.folder)
        try:
            intake = Intake(db, settings.collect)
            recover(table, intake)
            return _retry(settings, table, db, intake, log_format, object_filter)
        finally:
            db.close()
            table.close()


def _retry(
    settings: Settings,
    table: FlowTable,
    db: StateDb,
    intake: Intake,
    log_format: LogFormat | None,
    object_filter: str | None,
) -> RetryReport:
    commit_id = f"retry-{secrets.token_hex(8)}"
    writer = DataFileWriter(table.data_dir, settings.store, prefix=commit_id)
    records = 0
    try:
        for group in retry_groups(db, object_filter=object_filter):
            retried = retry(group, log_format)
            if not retried.good_ids:
                continue
            for batch in retried.batches:
                writer.append(fill_from_object_name(batch))
                records += batch.num_records
            mark_retried(intake.quarantine, commit_id, retried)
        if records:
            files = writer.finish()
            intake.prepare(commit_id)
            table.commit(files, commit_id)
            intake.confirm(commit_id)
    finally:
        writer.abort()
    return RetryReport(records, intake.quarantine.counts().lines)
