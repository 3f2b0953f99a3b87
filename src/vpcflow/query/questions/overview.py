"""One page on what the records in range say, from as few rows as possible.

Totals, actions and the time line of more than two days come from sums by hour; what lists the
largest takes the steps of the questions that it is named after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field

from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.answer_arrays import table_of
from vpcflow.query.questions import coverage, pairs, rejects, series, talkers
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Measure,
    Parameters,
    Question,
    Step,
    count,
    measures,
)
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.time_range import parse_span
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

#: A time line of hours is fine enough from here on; below it takes a scan of its own.
HOURLY_FROM_S = 2 * 86_400

_TOTALS = (
    *MEASURE_COLUMNS,
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("reject_share", "ratio", "Reject share"),
    ColumnMeta("interfaces", "count", "Interfaces"),
    ColumnMeta("nodata", "count", "NODATA"),
    ColumnMeta("skipdata", "count", "SKIPDATA"),
    ColumnMeta("first", "time", "First"),
    ColumnMeta("last", "time", "Last"),
    UNSIZED_COLUMN,
)
_ACTIONS = (ColumnMeta("action", "text", "Action"), *MEASURE_COLUMNS, UNSIZED_COLUMN)
_INTERFACES = (
    ColumnMeta("account_id", "text", "Account"),
    ColumnMeta("interface_id", "text", "Interface"),
    *MEASURE_COLUMNS,
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("first", "time", "First"),
    ColumnMeta("last", "time", "Last"),
    UNSIZED_COLUMN,
)
_SUMS = ("bytes", "packets", "records", "records_without_bytes")


class OverviewParameters(Parameters):
    """Parameters of overview."""

    limit: int = Field(default=5, ge=1, le=1_000, description="How many rows each table lists.")
    sort: Measure = Field(default=Measure.BYTES, description="What the largest has most of.")


def _timeline(parameters: OverviewParameters, frame: Frame) -> series.SeriesParameters:
    wanted = series.SeriesParameters(sort=parameters.sort)
    resolved = series.QUESTION.resolve(wanted, frame)
    if _hourly(frame) and parse_span(resolved.interval) < SECONDS_AN_HOUR:
        resolved = wanted.model_copy(update={"interval": "3600s"})
    return resolved  # type: ignore[no-any-return]


def _hourly(frame: Frame) -> bool:
    if frame.start_s is None or frame.end_s is None:
        return True
    return frame.end_s - frame.start_s >= HOURLY_FROM_S


def _build_hours(hours: Any, _: Any) -> Any:
    """Sums by hour, action and log status."""
    keys = {
        "time": hours.start - hours.start % SECONDS_AN_HOUR,
        "action": hours.action,
        "log_status": hours.log_status,
    }
    return hours.group_by(**keys).aggregate(**measures(hours))


def _build_interfaces(rows: Any, _: Any) -> Any:
    """Sums of all interfaces: they are few, and totals need each of them."""
    return rows.group_by("account_id", "interface_id").aggregate(
        **measures(rows),
        rejected=count(rows, rows.action == "REJECT"),
        first=rows.first_start.min(),
        last=rows.last_start.max(),
    )


def _build_refused(rows: Any, parameters: Any) -> Any:
    return rejects.build_rejects(rows.filter(rows.action == "REJECT"), parameters)


def _steps(parameters: OverviewParameters, frame: Frame) -> dict[str, Step]:
    limit, sort = parameters.limit, parameters.sort

    def of_question(question: Question, **values: Any) -> Step:
        asked = question.parameters.model_validate({"limit": limit, **values})
        return question.steps_of(asked, frame)[""]

    refused = rejects.RejectsParameters(limit=limit)
    steps = {
        "hours": Step(_build_hours, Grain.HOURS, parameters),
        "interfaces": Step(_build_interfaces, Grain.CONVERSATIONS, parameters),
        "talkers": of_question(talkers.QUESTION, sort=sort),
        "pairs": of_question(pairs.QUESTION, sort=sort),
        "rejects": Step(_build_refused, Grain.CONVERSATIONS, refused),
        "coverage": of_question(coverage.QUESTION),
    }
    if not _hourly(frame):
        steps["series"] = series.QUESTION.steps_of(_timeline(parameters, frame), frame)[""]
    return steps


Row = dict[str, Any]


def _sum(rows: Iterable[Row], name: str) -> int | None:
    """A sum that ignores nulls, and is null where there is nothing else."""
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def _count(rows: Iterable[Row], **values: Any) -> int:
    """The records of the rows that have all the values."""
    return sum(
        row["records"] for row in rows if all(row[name] == value for name, value in values.items())
    )


def _grouped(rows: Iterable[Row], name: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[name], []).append(row)
    return groups


def _totals(hours: list[Row], interfaces: list[Row]) -> Row:
    records, rejected = _count(hours), _count(hours, action="REJECT")
    decided = records - _count(hours, action=None)
    return {
        **{name: _sum(hours, name) for name in ("bytes", "packets")},
        "records": records,
        "rejected": rejected,
        "reject_share": rejected / decided if decided else None,
        "interfaces": len(interfaces),
        "nodata": _count(hours, log_status="NODATA"),
        "skipdata": _count(hours, log_status="SKIPDATA"),
        "first": min(
            (row["first"] for row in interfaces if row["first"] is not None), default=None
        ),
        "last": max((row["last"] for row in interfaces if row["last"] is not None), default=None),
        "records_without_bytes": _sum(hours, "records_without_bytes") or 0,
    }


def _actions(hours: list[Row]) -> list[Row]:
    rows = [
        {"action": action, **{name: _sum(group, name) for name in _SUMS}}
        for action, group in _grouped(hours, "action").items()
    ]
    return sorted(rows, key=lambda row: -row["records"])


def _by_time(hours: list[Row], width_s: int) -> list[Row]:
    timed = [
        row | {"time": row["time"] - row["time"] % width_s}
        for row in hours
        if row["time"] is not None
    ]
    return [
        {
            "time": time_s,
            **{name: _sum(group, name) for name in _SUMS},
            "rejected": _count(group, action="REJECT"),
        }
        for time_s, group in _grouped(timed, "time").items()
    ]


def _largest_interfaces(rows: list[Row], parameters: OverviewParameters) -> list[Row]:
    measure = parameters.sort.value
    return sorted(
        rows,
        key=lambda row: (
            -(-1 if row[measure] is None else row[measure]),
            *((row[name] is None, row[name] or "") for name in ("account_id", "interface_id")),
        ),
    )[: parameters.limit]


def _table(rows: list[Row], columns: Sequence[ColumnMeta]) -> pa.Table:
    kinds = {"text": pa.string(), "ratio": pa.float64()}
    return table_of(
        {column.name: [row[column.name] for row in rows] for column in columns},
        {column.name: kinds[column.kind] for column in columns if column.kind in kinds},
    )


def _sections(
    tables: dict[str, pa.Table], parameters: OverviewParameters, frame: Frame
) -> list[Section]:
    hours, interfaces = tables["hours"].to_pylist(), tables["interfaces"].to_pylist()
    line = _timeline(parameters, frame)
    if "series" in tables:
        timeline = tables["series"].to_pylist()
    else:
        timeline = _by_time(hours, parse_span(line.interval))
    worst = coverage.finish_coverage(
        tables["coverage"], coverage.CoverageParameters(limit=parameters.limit), frame
    )

    def section(name: str, title: str, table: pa.Table, columns: Sequence[ColumnMeta]) -> Section:
        return Section(name, title, table, tuple(columns))

    def of_rows(name: str, title: str, rows: list[Row], columns: Sequence[ColumnMeta]) -> Section:
        return section(name, title, _table(rows, columns), columns)

    def of_step(name: str, title: str, question: Question) -> Section:
        columns = question.columns(question.parameters(), frame)
        return section(name, title, tables[name], columns)

    largest = _largest_interfaces(interfaces, parameters)
    return [
        of_rows("totals", "Totals", [_totals(hours, interfaces)], _TOTALS),
        of_rows("actions", "By action", _actions(hours), _ACTIONS),
        section(
            "series",
            "Over time",
            series.fill_series(timeline, line, frame),
            series.QUESTION.columns(line, frame),
        ),
        of_step("talkers", "Top talkers", talkers.QUESTION),
        of_step("pairs", "Top pairs", pairs.QUESTION),
        of_step("rejects", "Top rejected ports", rejects.QUESTION),
        of_rows("interfaces", "Interfaces", largest, _INTERFACES),
        section("coverage", "Least covered interfaces", worst, coverage.COVERAGE_COLUMNS),
    ]


def _columns(_: OverviewParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return _TOTALS


QUESTION = Question(
    "overview",
    OverviewParameters,
    _columns,
    steps=_steps,
    sections=_sections,
    finish_needs_all=True,
)
