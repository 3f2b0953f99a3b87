"""``vpcflow quarantine list|show|retry``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import settings_of

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.collect.quarantine import Quarantine, QuarantineRow


@click.group()
def quarantine() -> None:
    """Lines and files that could not be read."""


@contextmanager
def _open(settings: Settings) -> Iterator[Quarantine | None]:
    from vpcflow.collect.quarantine import Quarantine
    from vpcflow.collect.state_db import StateDb

    if not settings.folder.state_db.exists():
        yield None
        return
    db = StateDb(settings.folder, writer=False)
    try:
        yield Quarantine(db, settings.collect)
    finally:
        db.close()


def _facts(row: QuarantineRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "file": row.where,
        "kind": row.kind,
        "line_number": row.line_number,
        "reason": row.reason,
        "message": row.message,
        "bytes": row.text,
        "length": row.length,
        "lines": row.line_count,
        "hint": row.hint,
    }


@quarantine.command("list")
@click.option("--file", "object_filter", help="Only files whose name holds this.")
@click.option("--limit", "-n", default=20, show_default=True, help="How many entries to list.")
@click.option("--after", "after_id", default=0, help="Only entries after this id.")
@click.option("--summary", is_flag=True, help="Counts by file and reason instead of entries.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an entry.")
@click.pass_context
def list_entries(
    ctx: click.Context,
    object_filter: str | None,
    limit: int,
    after_id: int,
    summary: bool,
    as_json: bool,
) -> None:
    """What is in quarantine: file, line number, reason."""
    with _open(settings_of(ctx)) as found:
        if found is None:
            if not as_json:
                click.echo("the quarantine is empty")
            return
        if summary:
            for count in found.summary(object_filter=object_filter):
                facts = {
                    "file": count.uri,
                    "reason": count.reason,
                    "lines": count.lines,
                    "problems": count.problems,
                    "first_id": count.first_id,
                }
                click.echo(
                    json.dumps(facts)
                    if as_json
                    else f"{count.lines:>10,} lines  {count.reason:20} {_shown(count.uri)}"
                )
            return
        rows = found.list(limit=limit, after_id=after_id, object_filter=object_filter)
        for row in rows:
            if as_json:
                click.echo(json.dumps(_facts(row)))
            else:
                line = f":{row.line_number}" if row.line_number is not None else ""
                click.echo(f"{row.id:>6}  {row.where}{line}\n        {row.message}")
        if not as_json:
            counts = found.counts()
            click.echo(
                f"{counts.lines:,} lines and {counts.problems:,} file problems in "
                f"{counts.objects:,} files; {len(rows)} entries listed"
            )


def _shown(uri: str) -> str:
    from vpcflow.collect.source_object import printable

    return printable(uri)


@quarantine.command()
@click.argument("entry_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--raw", is_flag=True, help="Only the kept bytes, as they were.")
@click.pass_context
def show(ctx: click.Context, entry_id: int, as_json: bool, raw: bool) -> None:
    """One entry with its bytes and what to do."""
    from vpcflow.base.errors import ResourceError

    with _open(settings_of(ctx)) as found:
        row = found.show(entry_id) if found else None
    if row is None:
        raise ResourceError(
            "no such entry", where=str(entry_id), hint="`vpcflow quarantine list` has the ids"
        )
    if raw:
        click.echo(row.data)
    elif as_json:
        click.echo(json.dumps(_facts(row)))
    else:
        for name, value in _facts(row).items():
            if value not in (None, ""):
                click.echo(f"{name.replace('_', ' '):12} {value}")
        if row.log_format:
            click.echo(f"{'log format':12} {row.log_format}")


@quarantine.command()
@click.option("--file", "object_filter", help="Only lines of files whose name holds this.")
@click.option("--log-format", "format_text", metavar="FORMAT", help="Decode them in this format.")
@click.option("--wait", "wait_s", default=0.0, help="Seconds to wait for another writer to end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with what was done.")
@click.pass_context
def retry(
    ctx: click.Context,
    object_filter: str | None,
    format_text: str | None,
    wait_s: float,
    as_json: bool,
) -> None:
    """Decode kept lines again; those that are records now go into the table.

    Without --log-format each line is decoded in the format that was in force where it stood.
    """
    from vpcflow.app.quarantine_retry import retry_quarantine
    from vpcflow.record.log_format import LogFormat

    log_format = LogFormat.parse(format_text) if format_text else None
    done = retry_quarantine(
        settings_of(ctx), log_format=log_format, object_filter=object_filter, wait_s=wait_s
    )
    if as_json:
        click.echo(json.dumps({"records": done.records, "lines_left": done.lines_left}))
        return
    click.echo(f"{done.records:,} lines became records, {done.lines_left:,} stay in quarantine")
