"""``vpcflow account add|list``."""

from __future__ import annotations

import click

from vpcflow.app.cli.context import settings_of


@click.group()
def account() -> None:
    """Accounts of the AWS endpoint.

    `vpcflow run` makes the first one. Works on the data folder, beside a running `vpcflow run` too.
    """


@account.command()
@click.argument("account_id")
@click.pass_context
def add(ctx: click.Context, account_id: str) -> None:
    """Add an account of twelve digits and print its root key, once."""
    from vpcflow.app.control_plane import control_plane
    from vpcflow.control.identity import add_account

    plane = control_plane(settings_of(ctx))
    try:
        key = add_account(plane.state, account_id)
    finally:
        plane.close()
    click.echo(f"account {key.account_id}; its root key, shown this once:", err=True)
    click.echo(f"export AWS_ACCESS_KEY_ID={key.access_key_id}")
    click.echo(f"export AWS_SECRET_ACCESS_KEY={key.secret_access_key}")


@account.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List the accounts."""
    from vpcflow.app.control_plane import control_plane
    from vpcflow.control.identity import account_ids

    plane = control_plane(settings_of(ctx))
    try:
        for account_id in account_ids(plane.state):
            click.echo(account_id)
    finally:
        plane.close()
