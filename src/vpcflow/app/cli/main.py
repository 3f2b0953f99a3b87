"""The command ``vpcflow``: its group, its global options, its exit codes.

Imports nothing but click, so that ``--help`` and completion answer at once; a command's module
is imported when the command is run or its own help is asked for.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import click

from vpcflow.base.errors import FilterError, FlowLogError, FormatError
from vpcflow.query.questions import QUESTION_SUMMARIES

EXIT_OK = 0
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141
#: New objects after which Python looks for garbage: loading libraries makes many, and none is.
GC_OBJECTS = 20_000


class LazyCommand(NamedTuple):
    """Where a command lives, and its one-line help, known without importing it."""

    target: str
    summary: str


COMMANDS: dict[str, LazyCommand] = {
    "ingest": LazyCommand("ingest:ingest", "Take flow records from files, folders, S3 or stdin."),
    "run": LazyCommand(
        "run:run", "Meter this host; serve the console, and flow logs to AWS's clients."
    ),
    "console": LazyCommand("console:console", "Print an address that signs in to the console."),
    "status": LazyCommand("status:status", "What capture and delivery have counted and lost."),
    "top": LazyCommand("top:top", "Live flows of the running capture, in the terminal."),
    "flow-logs": LazyCommand(
        "flow_logs:flow_logs", "Create, list and delete flow logs; plan what one costs."
    ),
    "attach": LazyCommand(
        "attach:attach", "Bind an interface of the API to a device of this host."
    ),
    "detach": LazyCommand(
        "attach:detach", "End an attachment: no packet counts as ENI's, no rule refuses."
    ),
    "capture": LazyCommand("capture:capture", "Make flow records of a packet capture."),
    "sample": LazyCommand("sample:sample", "Write generated flow logs, for tutorials and tests."),
    **{name: LazyCommand(f"ask:{name}", summary) for name, summary in QUESTION_SUMMARIES.items()},
    "query": LazyCommand("query:query", "Ask in SQL over the view flow_records."),
    "fields": LazyCommand("fields:fields", "The fields of a flow record and what they mean."),
    "table": LazyCommand("table:table", "The stored table: facts and upkeep."),
    "retention": LazyCommand("retention:retention", "Delete old records: plan, then apply."),
    "quarantine": LazyCommand("quarantine:quarantine", "Lines and files that could not be read."),
    "ranges": LazyCommand("ranges:ranges", "Countries of addresses, from a range file of yours."),
    "lab": LazyCommand("lab:lab", "A small VPC of network namespaces, with traffic."),
    "firewall": LazyCommand("firewall:firewall", "Security groups and ACLs, enforced and logged."),
    "account": LazyCommand("account:account", "Accounts of the AWS endpoint."),
    "config": LazyCommand("config:config", "Settings: check and show."),
    "completion": LazyCommand("completion:completion", "Print the shell's completion script."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.target.partition(":")
        command = getattr(import_module(f"vpcflow.app.cli.{module}_command"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=lazy.summary)
            for name, lazy in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return names or click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            close = get_close_matches(args[0], COMMANDS, n=1)
            raise click.UsageError(
                f"no such command: {args[0]}" + (f"; did you mean {close[0]}?" if close else "")
            )
        return super().resolve_command(ctx, args)


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib import metadata

        click.echo(f"vpcflow {metadata.version('vpcflow')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    metavar="DIR",
    envvar="VPCFLOW_DATA",
    help="Folder of everything that vpcflow keeps.  [env: VPCFLOW_DATA]",
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar="VPCFLOW_CONFIG",
    help="Settings file, instead of ./vpcflow.toml.  [env: VPCFLOW_CONFIG]",
)
@click.option(
    "--version",
    is_flag=True,
    callback=_print_version,
    expose_value=False,
    is_eager=True,
    help="Print the version.",
)
@click.pass_context
def cli(ctx: click.Context, data: str | None, config_file: str | None) -> None:
    """VPC flow logs: take them in, keep them in columns, ask them.

    Exit codes: 0 done, 1 our own mistake, 2 wrong usage, 3 settings, 4 record or log format,
    5 source, 6 capture, 8 data folder, 9 data folder busy, 10 question, 11 a bound ended the
    question, 12 no such thing, 130 interrupted.
    """
    ctx.obj = {"data": data, "config_file": config_file}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(GC_OBJECTS)
    try:
        code = cli.main(args=arguments, prog_name="vpcflow", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except FlowLogError as error:
        _show_error(error)
        code = error.exit_code
    except BrokenPipeError:
        # The reader has gone (head, less): say nothing, and keep Python from saying it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_PIPE_CLOSED
    # Python searches all objects for garbage once more at exit: a fifth of a second for nothing.
    # DuckDB counts its objects at exit and complains on stderr of those that nobody collected.
    if "_duckdb" not in sys.modules:
        gc.freeze()
    sys.exit(code if isinstance(code, int) else EXIT_OK)


def _show_error(error: FlowLogError) -> None:
    click.echo(f"error: {error}", err=True)
    if isinstance(error, FilterError):
        click.echo(error.pointed(), err=True)
    elif isinstance(error, FormatError) and error.text:
        click.echo(f"{error.text}\n{' ' * error.position}^", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
