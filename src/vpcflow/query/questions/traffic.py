"""Traffic over time by class: what the overview's chart and its brush show.

A record is rejected when its action is REJECT; else internal when neither end is on the internet;
else egress when it leaves its interface, and ingress when it comes in. NODATA and SKIPDATA records
are no traffic and belong to no class. A record counts whole in the interval of its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from vpcflow.base.errors import LimitError, QueryError
from vpcflow.query.answer import ColumnMeta
from vpcflow.query.answer_arrays import table_of
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Parameters,
    Question,
    measures,
)
from vpcflow.query.rollup_choice import ROLLUP_FIELDS, Grain
from vpcflow.query.time_range import parse_span
from vpcflow.store.address_scope import SCOPE_INTERNAL
from vpcflow.store.rollup_schema import TRAFFIC_PERIOD_S
from vpcflow.store.stored_schema import DIRECTION_HOST_IS_SOURCE, SECONDS_AN_HOUR

#: In the order in which a chart stacks them.
CLASSES = ("internal", "ingress", "egress", "rejected")
#: Widths that ``auto`` chooses from.
STEPS_S = (60, 300, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800)
INTERVALS_MAX = 2_000

_SUMS = ("bytes", "packets", "records", "records_without_bytes")


class TrafficParameters(Parameters):
    """Parameters of traffic."""

    interval: str = Field(
        default="auto", description="Width of an interval: 5m, 30m, 1h, any span, or auto."
    )
    intervals_max: int = Field(
        default=300, ge=1, le=INTERVALS_MAX, description="The most intervals to answer with."
    )

    @field_validator("interval")
    @classmethod
    def _interval_is_a_span(cls, interval: str) -> str:
        return checked_interval(interval)


def checked_interval(interval: str) -> str:
    """An interval as it was written, when it is ``auto`` or a span of a second or more.

    Errors: ValueError.
    """
    if interval != "auto":
        try:
            width_s = parse_span(interval)
        except QueryError as error:
            raise ValueError(f"{error.what}; {error.hint}") from error
        if width_s < 1:
            raise ValueError("an interval is at least one second")
    return interval


def width_of(interval: str, intervals_max: int, frame: Frame) -> int:
    """Seconds of an interval, ``auto`` resolved.

    Errors: LimitError when that gives more intervals than ``intervals_max``.
    """

    def intervals(width_s: int) -> int:
        return len(times_of(width_s, frame))

    if interval == "auto":
        steps = (step for step in STEPS_S if intervals(step) <= intervals_max)
        width_s = next(steps, None)
        if width_s is None:
            # Years: the fewest whole weeks that do.
            week_s = STEPS_S[-1]
            width_s = week_s * -(-intervals(week_s) // max(1, intervals_max - 1))
        return width_s
    width_s = parse_span(interval)
    if intervals(width_s) > intervals_max:
        raise LimitError(
            f"there would be more than {intervals_max} intervals",
            hint="ask for less time or a wider interval, or raise intervals_max",
        )
    return width_s


def times_of(width_s: int, frame: Frame) -> range:
    """The starts of the intervals from the first to the last of where a question looks."""
    if frame.start_s is None or frame.end_s is None:
        return range(0)
    return range(frame.start_s - frame.start_s % width_s, frame.end_s, width_s)


def _resolve(parameters: TrafficParameters, frame: Frame) -> TrafficParameters:
    width_s = width_of(parameters.interval, parameters.intervals_max, frame)
    return parameters.model_copy(update={"interval": f"{width_s}s"})


def _columns(_: TrafficParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return (
        ColumnMeta("time", "time", "Time"),
        ColumnMeta("class", "text", "Class"),
        *MEASURE_COLUMNS,
        UNSIZED_COLUMN,
    )


def class_of(rows: Any) -> Any:
    """The class of each row; null where it has none."""
    import ibis

    from vpcflow.query.stored_table import scope_of

    leaves = (rows.flow_direction == "egress").fill_null(
        (rows.direction == DIRECTION_HOST_IS_SOURCE).fill_null(False)
    )
    kind = ibis.cases(
        ((rows.action == "REJECT").fill_null(False), "rejected"),
        ((scope_of(rows) == SCOPE_INTERNAL).fill_null(False), "internal"),
        (leaves, "egress"),
        else_="ingress",
    )
    return is_traffic(rows).ifelse(kind, ibis.null("string"))


def is_traffic(rows: Any) -> Any:
    """Whether rows stand for records of traffic, not of its absence."""
    return ~rows.log_status.isin(["NODATA", "SKIPDATA"]).fill_null(False)


def _build(rows: Any, parameters: TrafficParameters) -> Any:
    width_s = parse_span(parameters.interval)
    timed = rows.filter(rows.start.notnull() & is_traffic(rows))
    keys = {"time": timed.start - timed.start % width_s, "class": class_of(timed)}
    return timed.group_by(**keys).aggregate(**measures(timed))


def _grain(parameters: TrafficParameters, frame: Frame) -> Grain:
    width_s = parse_span(parameters.interval)
    if width_s % SECONDS_AN_HOUR == 0 and not frame.fields <= ROLLUP_FIELDS[Grain.TRAFFIC]:
        return Grain.HOURS
    return Grain.TRAFFIC if width_s % TRAFFIC_PERIOD_S == 0 else Grain.RECORDS


def _finish(table: pa.Table, parameters: TrafficParameters, frame: Frame) -> pa.Table:
    return filled(table.to_pylist(), times_of(parse_span(parameters.interval), frame))


def filled(rows: Iterable[Mapping[str, Any]], times: range) -> pa.Table:
    """Every class at every time; where nothing was, a true 0."""
    known = {(row["time"], row["class"]): row for row in rows}
    nothing = dict.fromkeys(_SUMS, 0)
    keys = [(time_s, kind) for time_s in times for kind in CLASSES]
    found = [known.get(key, nothing) for key in keys]
    columns: dict[str, list[Any]] = {
        "time": [time_s for time_s, _ in keys],
        "class": [kind for _, kind in keys],
        **{name: [row[name] for row in found] for name in _SUMS},
    }
    return table_of(columns, {"class": pa.string()})


QUESTION = Question(
    "traffic",
    TrafficParameters,
    _columns,
    _build,
    resolve=_resolve,
    grain=_grain,
    finish=_finish,
    finish_needs_all=True,
)
