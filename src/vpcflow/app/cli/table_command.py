"""``vpcflow table info|maintain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import settings_of

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.store.data_file_entry import DataFileEntry


@click.group()
def table() -> None:
    """The stored table: facts and upkeep."""


@table.command()
@click.option("--days", is_flag=True, help="Also one line a day.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with the facts.")
@click.pass_context
def info(ctx: click.Context, days: bool, as_json: bool) -> None:
    """Rows, files, bytes, bytes a record, time range, quarantine and gaps.

    Gaps are whole UTC days without a record between the first and the last one, and the SKIPDATA
    records that say where flows were lost; `vpcflow coverage` looks at each interface's minutes.
    """
    facts = _facts(settings_of(ctx))
    if as_json:
        import json

        click.echo(json.dumps(facts))
        return
    from vpcflow.app.output import bytes_text, time_text

    lines = [
        ("records", f"{facts['rows']:,}"),
        ("files", f"{facts['files']:,}"),
        ("bytes of records", f"{facts['bytes']:,} ({bytes_text(facts['bytes'])})"),
        ("bytes of rollups", f"{facts['rollup_bytes']:,} ({bytes_text(facts['rollup_bytes'])})"),
        (
            "bytes a record",
            "-" if facts["bytes_a_record"] is None else f"{facts['bytes_a_record']:.2f}",
        ),
        ("first start", "-" if facts["start_min"] is None else time_text(facts["start_min"])),
        ("last end", "-" if facts["end_max"] is None else time_text(facts["end_max"])),
        ("NODATA records", f"{facts['nodata_records']:,}"),
        ("SKIPDATA records", f"{facts['skipdata_records']:,}"),
        ("days without records", _gaps_text(facts["gaps"])),
        ("quarantined lines", f"{facts['quarantined_lines']:,}"),
        ("files with problems", f"{facts['quarantined_problems']:,}"),
        ("snapshot", str(facts["snapshot_id"] or "-")),
        ("data folder", facts["data"]),
    ]
    for name, value in lines:
        click.echo(f"{name:22}{value}")
    if days:
        click.echo(f"\n{'day':12}{'records':>14}{'files':>8}{'bytes':>16}")
        for day in facts["days"]:
            click.echo(
                f"{day['day'] or 'no start':12}{day['rows']:>14,}{day['files']:>8,}{day['bytes']:>16,}"
            )


#: Gaps that are listed; a table with a few wild dates has many.
GAPS_TOLD_MAX = 10


def _facts(settings: Settings) -> dict[str, Any]:
    from vpcflow.collect.quarantine import Quarantine
    from vpcflow.collect.state_db import StateDb
    from vpcflow.store.file_index import FileIndex

    index = FileIndex(settings.folder)
    totals = index.totals()
    rollup_bytes = _rollup_bytes(index.entries())
    facts: dict[str, Any] = {
        "rows": totals.rows,
        "files": totals.files,
        "bytes": totals.bytes,
        "rollup_bytes": rollup_bytes,
        "bytes_a_record": (totals.bytes + rollup_bytes) / totals.rows if totals.rows else None,
        "start_min": totals.start_min,
        "end_max": totals.end_max,
        "nodata_records": totals.nodata_records,
        "skipdata_records": totals.skipdata_records,
        "gaps": _gaps([day.day for day in totals.days if day.day is not None]),
        "quarantined_lines": 0,
        "quarantined_problems": 0,
        "snapshot_id": totals.snapshot.snapshot_id,
        "data": str(settings.data),
        "days": [
            {
                "day": None if day.day is None else _day_text(day.day),
                "rows": day.rows,
                "files": day.files,
                "bytes": day.bytes,
            }
            for day in totals.days
        ],
    }
    if settings.folder.state_db.exists():
        db = StateDb(settings.folder, writer=False)
        counts = Quarantine(db, settings.collect).counts()
        db.close()
        facts["quarantined_lines"] = counts.lines
        facts["quarantined_problems"] = counts.problems
    return facts


def _rollup_bytes(entries: list[DataFileEntry]) -> int:
    """Bytes of the rollups beside the data files; one that is gone has none."""
    from contextlib import suppress
    from pathlib import Path

    from vpcflow.store.data_file_entry import paths_of

    total = 0
    for entry in entries:
        for path in paths_of(entry)[1:]:
            with suppress(OSError):
                total += Path(path).stat().st_size
    return total


def _day_text(day_s: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(day_s, UTC).strftime("%Y-%m-%d")


def _gaps(days: list[int]) -> list[dict[str, Any]]:
    """Stretches of whole UTC days without a record, between the first and the last."""
    from itertools import pairwise

    from vpcflow.store.stored_schema import SECONDS_A_DAY

    return [
        {
            "first_day": _day_text(before + SECONDS_A_DAY),
            "last_day": _day_text(after - SECONDS_A_DAY),
            "days": (after - before) // SECONDS_A_DAY - 1,
        }
        for before, after in pairwise(sorted(days))
        if after - before > SECONDS_A_DAY
    ]


def _gaps_text(gaps: list[dict[str, Any]]) -> str:
    told = [
        gap["first_day"] if gap["days"] == 1 else f"{gap['first_day']} to {gap['last_day']}"
        for gap in gaps[:GAPS_TOLD_MAX]
    ]
    if len(gaps) > GAPS_TOLD_MAX:
        told.append(f"and {len(gaps) - GAPS_TOLD_MAX} more")
    return ", ".join(told) or "none"


@table.command()
@click.option("--full", is_flag=True, help="Merge every day into as few files as possible.")
@click.option("--wait", "wait_s", default=0.0, help="Seconds to wait for another writer to end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with what was done.")
@click.pass_context
def maintain(ctx: click.Context, full: bool, wait_s: float, as_json: bool) -> None:
    """Compact small files, write missing rollups, expire snapshots, remove files that no snapshot has.

    Retention runs first when the settings name an age or a size.
    """
    from vpcflow.app.upkeep import run_upkeep

    settings = settings_of(ctx)
    report = run_upkeep(settings, full=full, wait_s=wait_s)
    facts = {
        "files_before": sum(step.files_before for step in report.steps),
        "files_after": sum(step.files_after for step in report.steps),
        "rollups_written": report.rollups_written,
        "snapshots_expired": report.snapshots_expired,
        "files_removed": report.orphans.files,
        "bytes_removed": report.orphans.bytes,
        "files_waiting": report.orphans.files_waiting,
        "problems": [str(problem) for problem in report.problems],
    }
    if as_json:
        import json

        click.echo(json.dumps(facts))
        return
    click.echo(
        f"merged {facts['files_before']} files into {facts['files_after']}, wrote rollups of "
        f"{facts['rollups_written']}, expired "
        f"{facts['snapshots_expired']} snapshots, removed {facts['files_removed']} files; "
        f"{facts['files_waiting']} wait for questions that may still read them"
    )
    for problem in report.problems:
        click.echo(f"problem: {problem}", err=True)
