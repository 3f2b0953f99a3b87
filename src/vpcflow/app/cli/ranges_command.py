"""``vpcflow ranges add|show|remove``."""

from __future__ import annotations

from pathlib import Path

import click

from vpcflow.app.cli.context import settings_of


@click.group()
def ranges() -> None:
    """Countries of addresses, from a range file of yours."""


@ranges.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.pass_context
def add(ctx: click.Context, file: Path) -> None:
    """Take FILE, in place of the one before.

    FILE is CSV or TSV, gzipped or not: FIRST,LAST,CC or NETWORK,CC, with addresses as text or
    numbers and countries as two capital letters; other columns are ignored.
    """
    from vpcflow.inventory.country_ranges import keep_countries, read_country_file

    found = read_country_file(file)
    keep_countries(settings_of(ctx).folder.root, found)
    click.echo(f"{found.ranges:,} ranges of {len(found.countries)} countries from {found.source}")


@ranges.command()
@click.pass_context
def show(ctx: click.Context) -> None:
    """Say what was added."""
    from vpcflow.inventory.country_ranges import kept_countries

    found = kept_countries(settings_of(ctx).folder.root)
    if found is None:
        click.echo("no range file was added: `vpcflow ranges add FILE`")
        return
    click.echo(f"{found.ranges:,} ranges of {len(found.countries)} countries from {found.source}")


@ranges.command()
@click.pass_context
def remove(ctx: click.Context) -> None:
    """Forget it."""
    from vpcflow.inventory.country_ranges import COUNTRY_FILE

    path = settings_of(ctx).folder.root / COUNTRY_FILE
    was_there = path.exists()
    path.unlink(missing_ok=True)
    click.echo("removed" if was_there else "no range file was added")
