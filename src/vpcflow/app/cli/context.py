"""What every command shares: its settings, and how it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.control.network import NetworkService

Command = TypeVar("Command", bound=Callable[..., Any])


def settings_of(ctx: click.Context) -> Settings:
    """The settings in force for this command."""
    from vpcflow.app.settings import load_settings

    found = ctx.find_root().obj
    return load_settings(found["data"], found["config_file"])


def users_settings_of(ctx: click.Context) -> Settings:
    """The same; under sudo the data folder is the calling user's, as for the commands that ask."""
    import os

    from vpcflow.app.privileges import invoking_user

    user = invoking_user()
    if user is not None:
        os.environ["HOME"] = user.pw_dir
    return settings_of(ctx)


@contextmanager
def network_of(settings: Settings) -> Iterator[NetworkService]:
    """The VPCs of the data folder, beside a running `vpcflow run` as well; root stays no owner."""
    from vpcflow.app.control_plane import control_plane
    from vpcflow.app.privileges import acting_as, acting_user

    user = acting_user(settings.folder.root)
    with acting_as(user):
        plane = control_plane(settings)
        try:
            yield plane.network
        finally:
            plane.close()


def output_options(command: Command) -> Command:
    """Add --json, --csv and --arrow; the last one given wins."""
    for name, text in (
        ("arrow", "An Arrow IPC stream on standard output."),
        ("csv", "CSV with a header line."),
        ("json", "One JSON object a row, and nothing else."),
    ):
        command = click.option(f"--{name}", "output", flag_value=name, help=text)(command)
    return command
