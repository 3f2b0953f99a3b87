"""What every command shares: its settings, and how it prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def settings_of(ctx: click.Context) -> Settings:
    """The settings in force for this command."""
    from vpcflow.app.settings import load_settings

    found = ctx.find_root().obj
    return load_settings(found["data"], found["config_file"])


def output_options(command: Command) -> Command:
    """Add --json, --csv and --arrow; the last one given wins."""
    for name, text in (
        ("arrow", "An Arrow IPC stream on standard output."),
        ("csv", "CSV with a header line."),
        ("json", "One JSON object a row, and nothing else."),
    ):
        command = click.option(f"--{name}", "output", flag_value=name, help=text)(command)
    return command
