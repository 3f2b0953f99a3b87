"""``vpcflow status``."""

from __future__ import annotations

import json
from typing import Any

import click

from vpcflow.app.cli.context import settings_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def status(ctx: click.Context, /, as_json: bool) -> None:
    """What capture and delivery have counted and lost."""
    from vpcflow.app.live_view import ask_live

    facts = json.loads(ask_live(settings_of(ctx).folder.root, "status"))
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in _flat(facts):
        click.echo(f"{name:32} {value:,}" if isinstance(value, int) else f"{name:32} {value}")


def _flat(facts: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names of parts before the names in them; what is empty is left out."""
    lines: list[tuple[str, Any]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines.extend((f"{name}.{inner}", count) for inner, count in value.items())
        elif value != "":
            lines.append((name, value))
    return lines
