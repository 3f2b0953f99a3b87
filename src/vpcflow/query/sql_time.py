"""Time in SQL: the macros on start, and constants that bound it."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from vpcflow.base.errors import FilterError, QueryError
from vpcflow.query.sql_address import raw
from vpcflow.query.sql_text import position_of
from vpcflow.query.time_range import parse_moment, parse_span

TIME_FIELDS = frozenset({"start", "end"})

#: Macros and how many constants each takes before the optional column.
MACRO_ARGUMENTS = {"last": 1, "since": 1, "before": 1, "between_times": 2, "time_bin": 1}

_HINTS = {
    "last": "write last('15m')",
    "since": "write since('2026-11-23T04:00Z')",
    "before": "write before('2026-11-23T04:00Z')",
    "between_times": "write between_times('2026-11-23T04:00Z', '2026-11-23T05:00Z')",
    "time_bin": "write time_bin('5m')",
}


def call_name(node: Any) -> str:
    """The name of a function node as the asker wrote it, in lower case."""
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    if isinstance(node, exp.Last):
        return "last"
    return ""


def call_arguments(node: Any) -> list[Any]:
    """The arguments of a call."""
    return [node.this] if isinstance(node, exp.Last) else list(node.expressions)


def macro_of(node: Any) -> str:
    """The time macro that a node calls, or nothing; last(srcaddr) is the aggregate."""
    name = call_name(node)
    if name not in MACRO_ARGUMENTS:
        return ""
    arguments = call_arguments(node)
    if name == "last" and not (arguments and _is_text(arguments[0])):
        return ""
    return name


def macro_column(node: Any, text: str) -> Any:
    """The column that a macro looks at: start, unless one is named.

    Errors: FilterError when the macro has other arguments than it takes.
    """
    name = macro_of(node)
    arguments = call_arguments(node)
    constants = MACRO_ARGUMENTS[name]
    if not constants <= len(arguments) <= constants + 1 or not all(
        _is_text(argument) for argument in arguments[:constants]
    ):
        raise FilterError(
            f"{name} takes {constants} text{'s' if constants > 1 else ''}",
            text=text,
            position=position_of(node),
            hint=_HINTS[name],
        )
    if len(arguments) > constants:
        if not isinstance(arguments[constants], exp.Column):
            raise FilterError(
                f"{name} looks at a column",
                text=text,
                position=position_of(arguments[constants]),
                hint=_HINTS[name],
            )
        return arguments[constants]
    column = exp.Column(this=exp.Identifier(this="start", quoted=False))
    column.meta["start"] = position_of(node)
    return column


def macro_bounds(node: Any, text: str, now_s: float) -> tuple[int | None, int | None]:
    """From when (included) until when (not) a macro lets records through."""
    name, arguments = macro_of(node), call_arguments(node)
    if name == "last":
        return max(0, int(now_s) - read_span(arguments[0], text)), None
    moments = [
        read_moment(argument, text, now_s) for argument in arguments[: MACRO_ARGUMENTS[name]]
    ]
    if name == "since":
        return moments[0], None
    if name == "before":
        return None, moments[0]
    return moments[0], moments[1]


def macro_sql(node: Any, column: exp.Expression, text: str, now_s: float) -> exp.Expression:
    """A macro in plain SQL over its rewritten column."""
    sql = column.sql("duckdb")
    if macro_of(node) == "time_bin":
        width_s = read_span(call_arguments(node)[0], text)
        return raw(f"({sql} - {sql} % {width_s})")
    start_s, end_s = macro_bounds(node, text, now_s)
    parts = []
    if start_s is not None:
        parts.append(f"{sql} >= {start_s}")
    if end_s is not None:
        parts.append(f"{sql} < {end_s}")
    return raw(f"({' AND '.join(parts)})")


def read_span(node: Any, text: str) -> int:
    """Seconds of a literal span, at least one.

    Errors: FilterError at the literal.
    """
    try:
        seconds = parse_span(node.name)
    except QueryError as error:
        raise FilterError(
            f"'{node.name[:60]}' is not a span of time",
            text=text,
            position=position_of(node),
            hint=error.hint,
        ) from error
    if not 0 < seconds < 2**40:
        raise FilterError(
            "a span of time is at least 1s and below 30,000 years",
            text=text,
            position=position_of(node),
        )
    return seconds


def read_moment(node: Any, text: str, now_s: float) -> int:
    """Epoch seconds of a literal moment.

    Errors: FilterError at the literal.
    """
    try:
        return parse_moment(node.name, now_s=now_s)
    except QueryError as error:
        raise FilterError(
            f"'{node.name[:60]}' is not a moment in time",
            text=text,
            position=position_of(node),
            hint=error.hint,
        ) from error


def constant(node: Any, text: str, now_s: float) -> int | None:
    """The whole number that a constant expression beside start or end comes to; None when none."""
    if isinstance(node, exp.Paren):
        return constant(node.this, text, now_s)
    if isinstance(node, exp.Literal):
        if node.is_string:
            return read_moment(node, text, now_s)
        return int(node.name) if node.name.isdigit() and len(node.name) < 19 else None
    if call_name(node) == "now_s":
        return int(now_s)
    if isinstance(node, exp.Neg):
        value = constant(node.this, text, now_s)
        return None if value is None else -value
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        if any(
            isinstance(side, exp.Literal) and side.is_string for side in (node.left, node.right)
        ):
            return None
        left, right = constant(node.left, text, now_s), constant(node.right, text, now_s)
        if left is None or right is None:
            return None
        if isinstance(node, exp.Mul):
            return left * right
        return left + right if isinstance(node, exp.Add) else left - right
    return None


def _is_text(node: Any) -> bool:
    return isinstance(node, exp.Literal) and bool(node.is_string)
