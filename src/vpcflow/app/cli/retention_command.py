"""``vpcflow retention plan|apply``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import settings_of

if TYPE_CHECKING:
    from vpcflow.store.retention import RetentionPlan


@click.group()
def retention() -> None:
    """Delete old records: plan, then apply."""


def _bounds(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--json", "as_json", is_flag=True, help="One JSON object a day.")(
        command
    )
    command = click.option("--max-bytes", "bytes_max", type=int, help="The most bytes to keep.")(
        command
    )
    return click.option("--days", "age_days", type=int, help="Days to keep.")(command)


@retention.command()
@_bounds
@click.pass_context
def plan(ctx: click.Context, age_days: int | None, bytes_max: int | None, as_json: bool) -> None:
    """Say what would be deleted; deletes nothing.

    Without options the settings table.retention_days and table.retention_bytes_max count.
    """
    from vpcflow.base.clock import SystemClock
    from vpcflow.store.file_index import FileIndex
    from vpcflow.store.retention import plan_retention

    settings = settings_of(ctx)
    if age_days is None and bytes_max is None:
        age_days = settings.table.retention_days
        bytes_max = settings.table.retention_bytes_max
    found = plan_retention(
        FileIndex(settings.folder).entries(),
        now_s=SystemClock().now_s(),
        age_days=age_days,
        bytes_max=bytes_max,
    )
    if age_days is None and bytes_max is None:
        click.echo("no retention is set: everything is kept", err=True)
    _print(found, as_json, "would be deleted")


@retention.command()
@_bounds
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", "wait_s", default=0.0, help="Seconds to wait for another writer to end.")
@click.pass_context
def apply(
    ctx: click.Context,
    age_days: int | None,
    bytes_max: int | None,
    as_json: bool,
    yes: bool,
    wait_s: float,
) -> None:
    """Delete what `plan` names.

    Running questions keep what they read; the disk has the space back after table.grace_s, with
    the next ingest or `vpcflow table maintain`.
    """
    from vpcflow.app.upkeep import run_retention

    settings = settings_of(ctx)
    if not yes:
        ctx.invoke(plan, age_days=age_days, bytes_max=bytes_max, as_json=False)
        click.confirm("Delete these records?", abort=True)
    done = run_retention(settings, age_days=age_days, bytes_max=bytes_max, wait_s=wait_s)
    _print(done, as_json, "deleted")


def _print(found: RetentionPlan, as_json: bool, what: str) -> None:
    import json
    from datetime import UTC, datetime

    for day in found.days:
        name = (
            "no start"
            if day.day is None
            else datetime.fromtimestamp(day.day, UTC).strftime("%Y-%m-%d")
        )
        facts = {
            "day": name,
            "reason": day.reason,
            "files": len(day.files),
            "rows": day.rows,
            "bytes": day.bytes,
        }
        if as_json:
            click.echo(json.dumps(facts))
        else:
            click.echo(
                f"{name:12}{day.reason:8}{day.rows:>14,} records{day.bytes:>16,} bytes"
                f"{len(day.files):>6} files"
            )
    if not as_json:
        click.echo(
            f"{found.rows:,} records, {found.bytes:,} bytes in {len(found.files)} files {what}; "
            f"{found.rows_kept:,} records, {found.bytes_kept:,} bytes stay"
        )
        if found.bytes_over:
            click.echo(
                f"still {found.bytes_over:,} bytes over the bound: the newest day always stays",
                err=True,
            )
