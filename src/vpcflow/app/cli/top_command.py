"""``vpcflow top``."""

from __future__ import annotations

import sys

import click

from vpcflow.app.cli.context import settings_of


@click.command()
@click.pass_context
def top(ctx: click.Context, /) -> None:
    """Live flows of the running capture, in the terminal.

    Who sends what to whom, how fast, and what is rejected.

    Keys: f flows, t talkers, p ports, i interfaces, r rejects only, / filter, space pause, q quit;
    ? shows all. It waits when no capture runs, and goes on when one starts.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("top needs a terminal; in a script ask `vpcflow talkers --json`")
    from vpcflow.app.live_view import ask_live
    from vpcflow.app.top.screen import TopApp

    folder = settings_of(ctx).folder.root
    TopApp(folder, lambda request: ask_live(folder, request)).run()
