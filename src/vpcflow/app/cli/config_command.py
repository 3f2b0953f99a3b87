"""``vpcflow config check|show``."""

from __future__ import annotations

import json

import click

from vpcflow.app.cli.context import settings_of


@click.group()
def config() -> None:
    """Settings: check and show."""


@config.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Read all settings and say whether they are right.

    Also tries whether the data folder can be written.
    """
    import os

    from vpcflow.app.settings import find_file
    from vpcflow.base.errors import SettingsError

    settings = settings_of(ctx)
    path = find_file(ctx.find_root().obj["config_file"])
    place = settings.data
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise SettingsError(
            "the data folder cannot be written",
            where=str(settings.data),
            hint=f"give write permission on {place}, or choose another folder with --data",
        )
    click.echo(f"settings: {path or 'defaults and environment, no vpcflow.toml here'}")
    click.echo(f"data folder: {settings.data}")
    click.echo("all settings are right")


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a setting.")
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Print every setting with its value, its default and its meaning."""
    from vpcflow.app.settings_page import list_settings

    for entry in list_settings(settings_of(ctx)):
        if as_json:
            click.echo(
                json.dumps(
                    {"name": entry.name, "value": entry.value, "default": entry.default},
                    default=str,
                )
            )
        else:
            mark = " " if entry.value == entry.default else "*"
            click.echo(f"{mark} {entry.name} = {json.dumps(entry.value, default=str)}")
            click.echo(f"      {entry.description}")
    if not as_json:
        click.echo("\n* differs from its default. Set it in vpcflow.toml or as VPCFLOW_PART__NAME.")
