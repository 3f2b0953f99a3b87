"""``vpcflow console``."""

from __future__ import annotations

import click

from vpcflow.app.cli.context import users_settings_of


@click.command()
@click.pass_context
def console(ctx: click.Context, /) -> None:
    """Print an address that signs in to the console.

    It is for one sign-in, within the hour, on this host. Asks the running `vpcflow run`, as the user
    that owns the data folder.
    """
    from vpcflow.app.live_view import CONSOLE_LINK, ask_live
    from vpcflow.base.errors import CaptureError

    folder = users_settings_of(ctx).folder.root
    link = ask_live(folder, CONSOLE_LINK).decode()
    if not link:
        raise CaptureError(
            "what runs on this data folder serves no console",
            where=str(folder),
            hint="start `vpcflow run` without --no-console, or look for `no console:` in its output",
        )
    click.echo(link)
