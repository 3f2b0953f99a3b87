"""Bytes, packets and records over time.

A record counts whole in the interval of its start. Intervals without records are there with 0,
so that a line over them tells the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from vpcflow.base.errors import LimitError, QueryError
from vpcflow.query.answer import ColumnKind, ColumnMeta
from vpcflow.query.answer_arrays import table_of
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Measure,
    Parameters,
    Question,
    count,
    measures,
)
from vpcflow.query.rollup_choice import ROLLUP_FIELDS, Grain
from vpcflow.query.time_range import parse_span
from vpcflow.store.rollup_schema import TRAFFIC_PERIOD_S
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

#: Widths that ``auto`` chooses from.
STEPS_S = (60, 300, 900, 3_600, 21_600, 86_400)
#: ``auto`` takes the first width that gives no more intervals than this.
AUTO_INTERVALS_MAX = 300
#: More intervals than this are refused.
INTERVALS_MAX = 50_000


class Split(StrEnum):
    """Fields that a series may be split by; all have few values."""

    NONE = "none"
    ACTION = "action"
    PROTOCOL = "protocol"
    DIRECTION = "flow-direction"
    INTERFACE = "interface-id"
    ACCOUNT = "account-id"
    STATUS = "log-status"
    TYPE = "type"
    VPC = "vpc-id"
    SUBNET = "subnet-id"
    ZONE = "az-id"
    REGION = "region"


class SeriesParameters(Parameters):
    """Parameters of series."""

    interval: str = Field(
        default="auto", description="Width of an interval: 1m, 5m, 1h, 1d, any span, or auto."
    )
    split: Split = Field(default=Split.NONE, description="Field to split the series by.")
    lines: int = Field(
        default=8, ge=1, le=100, description="Lines of a split series; the rest becomes 'other'."
    )
    sort: Measure = Field(default=Measure.BYTES, description="What the first lines have most of.")

    @field_validator("interval")
    @classmethod
    def _interval_is_a_span(cls, interval: str) -> str:
        if interval != "auto":
            try:
                width_s = parse_span(interval)
            except QueryError as error:
                raise ValueError(f"{error.what}; {error.hint}") from error
            if width_s < 1:
                raise ValueError("an interval is at least one second")
        return interval


def _bounds(frame: Frame) -> tuple[int, int] | None:
    """First second and last second of the series; None when nothing is there."""
    if frame.start_s is None or frame.end_s is None:
        return None
    return frame.start_s, max(frame.start_s, frame.end_s - 1)


def _resolve(parameters: SeriesParameters, frame: Frame) -> SeriesParameters:
    first_s, last_s = _bounds(frame) or (0, 0)
    if parameters.interval == "auto":
        width_s = next(
            (step for step in STEPS_S if (last_s - first_s) // step < AUTO_INTERVALS_MAX),
            STEPS_S[-1],
        )
    else:
        width_s = parse_span(parameters.interval)
    if (last_s - first_s) // width_s >= INTERVALS_MAX:
        raise LimitError(
            f"the series would have more than {INTERVALS_MAX} intervals",
            hint="ask for less time or a wider interval",
        )
    return parameters.model_copy(update={"interval": f"{width_s}s"})


def _columns(parameters: SeriesParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    split: tuple[ColumnMeta, ...] = ()
    if parameters.split is not Split.NONE:
        kind: ColumnKind = "text"
        split = (
            ColumnMeta(parameters.split.replace("-", "_"), kind, parameters.split.capitalize()),
        )
    return (
        ColumnMeta("time", "time", "Time"),
        *split,
        *MEASURE_COLUMNS,
        ColumnMeta("rejected", "count", "Rejected"),
        UNSIZED_COLUMN,
    )


def build_series(records: Any, parameters: SeriesParameters) -> Any:
    """Sums by interval and line, only where there are records."""
    width_s = parse_span(parameters.interval)
    timed = records.filter(records.start.notnull())
    keys = {"time": timed.start - timed.start % width_s}
    if parameters.split is not Split.NONE:
        name = parameters.split.replace("-", "_")
        keys[name] = timed[name].cast("string")
    return timed.group_by(**keys).aggregate(
        **measures(timed), rejected=count(timed, timed.action == "REJECT")
    )


#: Splits that hourly rollups know.
_ROLLUP_SPLITS = frozenset(
    {
        Split.NONE,
        Split.ACTION,
        Split.PROTOCOL,
        Split.DIRECTION,
        Split.INTERFACE,
        Split.ACCOUNT,
        Split.STATUS,
    }
)


def grain_of_series(parameters: SeriesParameters, frame: Frame) -> Grain:
    """Traffic or hours, where intervals are made of whole ones and the split is known of them."""
    whole_hours = parse_span(parameters.interval) % SECONDS_AN_HOUR == 0
    whole_periods = parse_span(parameters.interval) % TRAFFIC_PERIOD_S == 0
    known = _ROLLUP_SPLITS - {Split.INTERFACE}
    if whole_periods and parameters.split in known and frame.fields <= ROLLUP_FIELDS[Grain.TRAFFIC]:
        return Grain.TRAFFIC
    return Grain.HOURS if whole_hours and parameters.split in _ROLLUP_SPLITS else Grain.RECORDS


_SUMS = ("bytes", "packets", "records", "rejected", "records_without_bytes")


def _finish(table: pa.Table, parameters: SeriesParameters, frame: Frame) -> pa.Table:
    return fill_series(table.to_pylist(), parameters, frame)


def fill_series(
    rows: Sequence[Mapping[str, Any]], parameters: SeriesParameters, frame: Frame
) -> pa.Table:
    """Every interval of every line, in order of time and size."""
    name = None if parameters.split is Split.NONE else parameters.split.replace("-", "_")
    width_s = parse_span(parameters.interval)
    sums: dict[tuple[str | None, int], list[int | None]] = {}
    totals: dict[str | None, int] = {}
    for row in rows:
        line = row[name] if name else None
        totals[line] = totals.get(line, 0) + int(row[parameters.sort] or 0)
    ranked = sorted(totals, key=lambda line: (-totals[line], line is None, line or ""))
    lines: list[str | None] = list(ranked[: parameters.lines])
    if len(ranked) > len(lines):
        lines.append("other")
    for row in rows:
        line = row[name] if name else None
        key = (line if line in lines[: parameters.lines] else "other", int(row["time"]))
        known = sums.setdefault(key, [None] * len(_SUMS))
        for place, measure in enumerate(_SUMS):
            if row[measure] is not None:
                known[place] = (known[place] or 0) + int(row[measure])
    columns: dict[str, list[Any]] = {
        "time": [],
        **({name: []} if name else {}),
        **{m: [] for m in _SUMS},
    }
    bounds = _bounds(frame)
    times = range(bounds[0] - bounds[0] % width_s, bounds[1] + 1, width_s) if bounds else ()
    for time_s in times:
        for line in lines:
            columns["time"].append(time_s)
            if name:
                columns[name].append(line)
            # No record at all is a true 0; records that say no bytes stay null.
            for measure, value in zip(
                _SUMS, sums.get((line, time_s), [0] * len(_SUMS)), strict=True
            ):
                columns[measure].append(value)
    return table_of(columns, {name: pa.string()} if name else {})


QUESTION = Question(
    "series",
    SeriesParameters,
    _columns,
    build_series,
    resolve=_resolve,
    grain=grain_of_series,
    finish=_finish,
    finish_needs_all=True,
)
