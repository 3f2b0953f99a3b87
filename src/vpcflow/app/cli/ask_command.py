"""The built-in questions as commands; their options are made from their parameters."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import output_options, settings_of
from vpcflow.query.questions import QUESTION_SUMMARIES, question_named

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

#: What a question is sorted by when it has no ``sort`` parameter of its own.
_MEASURE = "bytes"
_SHORT = {"limit": "-n"}


def _option(name: str, info: FieldInfo) -> click.Option:
    kind: Any = info.annotation
    flags = [f"--{name.replace('_', '-')}", *([_SHORT[name]] if name in _SHORT else []), name]
    default = info.default
    if kind is bool:
        return click.Option(flags, is_flag=True, default=default, help=info.description)
    if isinstance(kind, type) and issubclass(kind, Enum):
        kind = click.Choice([str(member.value) for member in kind])
        default = default.value
    elif kind not in (int, float, str):
        kind = int if "int" in str(kind) else str
    return click.Option(
        flags,
        type=kind,
        default=default,
        show_default=default not in (None, ""),
        help=info.description,
    )


def make_command(name: str) -> click.Command:
    """The command of one question."""
    question = question_named(name)
    parameters: list[click.Parameter] = []
    if "address" in question.parameters.model_fields:
        parameters.append(click.Argument(["near"], metavar="[ADDRESS]", required=False))
    parameters.extend(
        _option(field, info) for field, info in question.parameters.model_fields.items()
    )
    command = click.Command(
        name, callback=_ask, params=parameters, help=f"{QUESTION_SUMMARIES[name]}\n\n{_HELP}"
    )
    for option in _TIME_OPTIONS:
        command = option(command)
    return output_options(command)


_HELP = """Records belong to the moment of their start. A filter reads like: srcaddr in 10.0.0.0/8
and dstport in (22, 3389) and action = REJECT. Fields are those of `vpcflow fields`; addr and port
mean either end."""

_TIME_OPTIONS = (
    click.option("--until", metavar="TIME", help="Records that start before TIME.  [default: all]"),
    click.option(
        "--since",
        metavar="TIME",
        help="Records that start at TIME or later: 2026-11-23, 6h, now-2d.",
    ),
    click.option("--last", metavar="SPAN", help="The last 15m, 24h, 7d up to now."),
    click.option("--filter", "-f", "filter_text", metavar="FILTER", help="Only these records."),
)


@click.pass_context
def _ask(
    ctx: click.Context,
    /,
    output: str | None,
    filter_text: str | None,
    since: str | None,
    until: str | None,
    last: str | None,
    **chosen: Any,
) -> None:
    from vpcflow.app.answer_page import print_answer
    from vpcflow.base.clock import SystemClock
    from vpcflow.query.filter_language import parse_filter
    from vpcflow.query.service import FlowQueries
    from vpcflow.query.time_range import parse_time_range

    settings = settings_of(ctx)
    near = chosen.pop("near", None)
    if near is not None:
        chosen["address"] = near
    name = ctx.command.name or ""
    answer = FlowQueries(settings.folder, settings.query).ask(
        name,
        {key: value for key, value in chosen.items() if value is not None},
        condition=parse_filter(filter_text) if filter_text else None,
        time_range=parse_time_range(
            now_s=SystemClock().now_s(), since=since, until=until, last=last
        ),
    )
    print_answer(answer, output, measure=None if name == "flows" else chosen.get("sort", _MEASURE))


def __getattr__(name: str) -> click.Command:
    """Each question as an attribute, made when it is asked for."""
    if name not in QUESTION_SUMMARIES:
        raise AttributeError(name)
    return make_command(name)
