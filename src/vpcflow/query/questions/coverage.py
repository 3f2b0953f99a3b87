"""How complete the records are: minutes seen of those expected, per interface.

A minute is seen when a record of the interface, of any log status, covers it from its start to
its end. AWS writes a NODATA record for a window without traffic, so a minute without any record
is one of which nothing is known. Expected are the minutes from an interface's first to its last
record in range, or with ``expected=range`` those of the whole range: then an interface that came
later or went earlier counts as missing. Logs with 10-minute windows need ``interval=10m``: a flow
that lasts a second stands for its whole window there.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.answer_arrays import table_of
from vpcflow.query.questions.activity import MINUTE_S, build_activity, minutes_by_interface
from vpcflow.query.questions.question import LIMIT_MAX, Frame, Parameters, Question
from vpcflow.query.rollup_choice import Grain


class Expected(StrEnum):
    """Which minutes an interface should have."""

    RECORDS = "records"
    RANGE = "range"


class Interval(StrEnum):
    """Aggregation interval of the flow logs."""

    MINUTE = "1m"
    TEN_MINUTES = "10m"


class CoverageParameters(Parameters):
    """Parameters of coverage."""

    expected: Expected = Field(
        default=Expected.RECORDS,
        description="records: from an interface's first to its last record; range: all the time.",
    )
    interval: Interval = Field(
        default=Interval.MINUTE, description="Aggregation interval of the flow logs."
    )
    limit: int = Field(
        default=20, ge=1, le=LIMIT_MAX, description="How many interfaces to list, the worst first."
    )


COVERAGE_COLUMNS = (
    ColumnMeta("account_id", "text", "Account"),
    ColumnMeta("interface_id", "text", "Interface"),
    ColumnMeta("minutes_seen", "count", "Minutes seen"),
    ColumnMeta("minutes_expected", "count", "Expected"),
    ColumnMeta("coverage", "ratio", "Coverage"),
    ColumnMeta("gaps", "count", "Gaps"),
    ColumnMeta("longest_gap", "duration", "Longest gap"),
    ColumnMeta("longest_gap_start", "time", "Gap from"),
    ColumnMeta("records", "count", "Records"),
    ColumnMeta("nodata", "count", "NODATA"),
    ColumnMeta("skipdata", "count", "SKIPDATA"),
    ColumnMeta("first", "time", "First minute"),
    ColumnMeta("last", "time", "Last minute"),
)


def _columns(_: CoverageParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return COVERAGE_COLUMNS


def _build(hours: Any, _: CoverageParameters) -> Any:
    return build_activity(hours)


def finish_coverage(table: pa.Table, parameters: CoverageParameters, frame: Frame) -> pa.Table:
    """Minutes, gaps and counts of every interface, the least covered first."""
    step = 1 if parameters.interval is Interval.MINUTE else 10
    rows: list[dict[str, Any]] = []
    for interface in minutes_by_interface(table):
        first, seen = interface.first_minute, interface.seen
        if parameters.expected is Expected.RANGE and frame.start_s is not None:
            assert frame.end_s is not None
            first, seen = _within(first, seen, frame.start_s, frame.end_s)
        seen = _widened(seen, step)
        starts, lengths = _gaps(seen)
        longest = int(np.argmax(lengths)) if len(lengths) else None
        rows.append(
            {
                "account_id": interface.account_id,
                "interface_id": interface.interface_id,
                "minutes_seen": int(seen.sum()),
                "minutes_expected": len(seen),
                "coverage": float(seen.mean()),
                "gaps": len(lengths),
                "longest_gap": 0 if longest is None else int(lengths[longest]) * MINUTE_S,
                "longest_gap_start": None
                if longest is None
                else (first + int(starts[longest])) * MINUTE_S,
                "records": interface.records,
                "nodata": interface.nodata,
                "skipdata": interface.skipdata,
                "first": interface.first_minute * MINUTE_S,
                "last": (interface.first_minute + len(interface.seen) - 1) * MINUTE_S,
            }
        )
    rows.sort(
        key=lambda row: (
            row["coverage"],
            -row["longest_gap"],
            row["account_id"] or "",
            row["interface_id"] or "",
        )
    )
    types = {"account_id": pa.string(), "interface_id": pa.string(), "coverage": pa.float64()}
    shown = rows[: parameters.limit]
    return table_of(
        {column.name: [row[column.name] for row in shown] for column in COVERAGE_COLUMNS}, types
    )


def _within(
    first: int, seen: npt.NDArray[np.bool_], start_s: int, end_s: int
) -> tuple[int, npt.NDArray[np.bool_]]:
    """The minutes of a range; outside of the records nothing was seen."""
    start, end = start_s // MINUTE_S, -(-end_s // MINUTE_S)
    wide = np.zeros(end - start, dtype=np.bool_)
    low, high = max(start, first), min(end, first + len(seen))
    if low < high:
        wide[low - start : high - start] = seen[low - first : high - first]
    return start, wide


def _widened(seen: npt.NDArray[np.bool_], step: int) -> npt.NDArray[np.bool_]:
    """With wide windows, a minute is seen when a minute less than a window away is."""
    if step == 1:
        return seen
    reach = np.convolve(seen.astype(np.int64), np.ones(2 * step - 1, dtype=np.int64))
    widened: npt.NDArray[np.bool_] = reach[step - 1 : step - 1 + len(seen)] > 0
    return widened


def _gaps(seen: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where runs of unseen minutes start, and how long they are."""
    edges = np.diff(np.concatenate(([True], seen, [True])).astype(np.int8))
    starts = np.flatnonzero(edges == -1)
    ends = np.flatnonzero(edges == 1)
    return starts, ends - starts


def _of_hours(_: CoverageParameters, __: Frame) -> Grain:
    return Grain.HOURS


QUESTION = Question(
    "coverage",
    CoverageParameters,
    _columns,
    _build,
    grain=_of_hours,
    finish=finish_coverage,
    finish_needs_all=True,
)
