"""Delivery lag: how long after a record's end it came into the table.

Our own capture notes a commit's time before it is made (``store.ingestion_times``); a record's
ingestion time is that of the first commit that reached its start. Of records that came another way,
by ``vpcflow ingest``, nothing is noted, and what is noted of a start that lies a day or more back
is of an import: their lag is not known, and ``known_share`` says of how many it is. Starts and ends
are taken together in steps that grow with the range where there are many, ``step_s``; lags are right to within one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import Field

from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.expression import Compare, all_of
from vpcflow.query.questions.heat_map import HeatMapParameters, interval_s
from vpcflow.query.questions.question import Frame, Parameters, Question, Step, count
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.row_tables import Row, row_table
from vpcflow.query.time_range import parse_span
from vpcflow.store.stored_schema import SECONDS_A_DAY

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: Edges of the bins in seconds.
LAG_EDGES_S = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800),
    *(3_600, 7_200, 21_600, 43_200),
)
#: Longer than this was an import.
LAG_S_MAX = SECONDS_A_DAY
#: Widths of steps, the first that gives few enough groups.
_STEPS_S = (1, 2, 5, 10, 15, 30, 60)
_GROUPS_MAX = 250_000
#: Most records end within so long of their start.
_USUAL_WINDOW_S = 60

_CELLS = (
    ColumnMeta("time", "time", "Time"),
    ColumnMeta("low_s", "duration", "From"),
    ColumnMeta("high_s", "duration", "To"),
    ColumnMeta("records", "count", "Records"),
)
_SUMMARY = (
    ColumnMeta("lag_s_p50", "duration", "Median"),
    ColumnMeta("lag_s_p95", "duration", "95% of records"),
    ColumnMeta("lag_s_max", "duration", "Longest"),
    ColumnMeta("last_ingested_s", "time", "Last taken in"),
    ColumnMeta("last_end_s", "time", "Newest record"),
    ColumnMeta("records", "count", "Records"),
    ColumnMeta("records_known", "count", "Known"),
    ColumnMeta("known_share", "ratio", "Share known"),
    ColumnMeta("step_s", "duration", "To within"),
)


class LagShow(StrEnum):
    """Which table comes first."""

    MAP = "map"
    SUMMARY = "summary"


class LagParameters(HeatMapParameters):
    """Parameters of lag."""

    show: LagShow = Field(
        default=LagShow.MAP,
        description="map: records by time of start and lag, and the summary as a second section; "
        "summary: one row alone.",
    )


class LagStep(Parameters):
    """What the statements depend on."""

    step_s: int = 1


def step_of(frame: Frame, records: int) -> int:
    """How coarsely starts and ends of a range with so many records are taken together."""
    if records <= _GROUPS_MAX:
        return 1
    length_s = (frame.end_s or 0) - (frame.start_s or 0)
    for step_s in _STEPS_S:
        if length_s // step_s * (_USUAL_WINDOW_S // step_s + 1) <= _GROUPS_MAX:
            return step_s
    return _STEPS_S[-1]


def _columns(parameters: LagParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    return _CELLS if parameters.show is LagShow.MAP else _SUMMARY


def _resolve(parameters: LagParameters, frame: Frame) -> LagParameters:
    return parameters.model_copy(update={"interval": f"{interval_s(parameters, frame)}s"})


def _build_totals(hours: Any, _: Any) -> Any:
    return hours.aggregate(records=count(hours).fill_null(0), last_end=hours.last_end.max())


def _build_groups(records: Any, parameters: LagStep) -> Any:
    step_s = parameters.step_s
    timed = records.filter(records.start.notnull())
    end = timed.start + timed.duration.fill_null(0)
    return timed.group_by(
        start=timed.start - timed.start % step_s, end=end - end % step_s
    ).aggregate(records=count(timed))


def _steps(_: LagParameters, __: Frame) -> dict[str, Step]:
    return {"totals": Step(_build_totals, Grain.HOURS, LagStep())}


def _total(tables: dict[str, pa.Table]) -> Row:
    (total,) = tables["totals"].to_pylist()
    return {**total, "records": total["records"] or 0}


def _follow(tables: dict[str, pa.Table], _: LagParameters, frame: Frame) -> dict[str, Step]:
    """The records whose ingestion was noted, where there are any."""
    known = frame.ingestion.known_starts() if frame.ingestion is not None else None
    if known is None or frame.start_s is None:
        return {}
    bounds = all_of(Compare("start", ">=", known[0]), Compare("start", "<=", known[1]))
    step = LagStep(step_s=step_of(frame, _total(tables)["records"]))
    return {"groups": Step(_build_groups, Grain.RECORDS, step, bounds)}


def _lags(table: pa.Table, frame: Frame) -> dict[str, np.ndarray[Any, Any]]:
    """Starts, lags, ingestion times and numbers of records of every group whose lag is known."""
    import numpy as np

    from vpcflow.query.answer_arrays import numbers_of

    assert frame.ingestion is not None
    starts, ends, records = (numbers_of(table, name) for name in ("start", "end", "records"))
    # A group begins with its step; the ledger must not be asked for less than its first start.
    known = frame.ingestion.known_starts()
    assert known is not None
    at_s = frame.ingestion.of(np.clip(starts, *known), ends) // 1000
    lags = np.maximum(at_s - ends, 0)
    kept = lags < LAG_S_MAX
    return {
        "start": starts[kept],
        "lag": lags[kept],
        "at": at_s[kept],
        "records": records[kept],
    }


def _cells(found: dict[str, np.ndarray[Any, Any]], width_s: int) -> list[Row]:
    import numpy as np

    places = np.searchsorted(np.array(LAG_EDGES_S), found["lag"], side="right")
    times = found["start"] - found["start"] % width_s
    size = len(LAG_EDGES_S) + 1
    keys, inverse = np.unique(times * size + places, return_inverse=True)
    sums = np.bincount(inverse, weights=found["records"], minlength=len(keys))
    rows = []
    for key, records in zip(keys.tolist(), sums.tolist(), strict=True):
        place = key % size
        rows.append(
            {
                "time": key // size,
                "low_s": 0 if place == 0 else LAG_EDGES_S[place - 1],
                "high_s": LAG_EDGES_S[place] if place < len(LAG_EDGES_S) else None,
                "records": int(records),
            }
        )
    return rows


def _quantile(lags: np.ndarray[Any, Any], records: np.ndarray[Any, Any], share: float) -> int:
    """The least lag that a share of the records does not exceed."""
    import numpy as np

    order = np.argsort(lags, kind="stable")
    reached = np.cumsum(records[order])
    return int(lags[order][np.searchsorted(reached, share * reached[-1])])


def _summary(found: dict[str, np.ndarray[Any, Any]] | None, total: Row, step_s: int) -> Row:
    row: Row = dict.fromkeys(column.name for column in _SUMMARY)
    known = 0
    if found is not None and len(found["lag"]):
        known = int(found["records"].sum())
        row |= {
            "lag_s_p50": _quantile(found["lag"], found["records"], 0.5),
            "lag_s_p95": _quantile(found["lag"], found["records"], 0.95),
            "lag_s_max": int(found["lag"].max()),
            "last_ingested_s": int(found["at"].max()),
        }
    return row | {
        "records": total["records"],
        "records_known": known,
        "known_share": known / total["records"] if total["records"] else None,
        "last_end_s": total["last_end"],
        "step_s": step_s,
    }


def _sections(
    tables: dict[str, pa.Table], parameters: LagParameters, frame: Frame
) -> list[Section]:
    found = _lags(tables["groups"], frame) if "groups" in tables else None
    total = _total(tables)
    summary = _summary(found, total, step_of(frame, total["records"]))
    rows = [] if found is None else _cells(found, parse_span(parameters.interval))
    sections = [
        Section("map", "Delivery lag", row_table(rows, _CELLS), _CELLS),
        Section("summary", "In short", row_table([summary], _SUMMARY), _SUMMARY),
    ]
    return sections if parameters.show is LagShow.MAP else sections[1:]


QUESTION = Question(
    "lag",
    LagParameters,
    _columns,
    resolve=_resolve,
    steps=_steps,
    follow=_follow,
    sections=_sections,
    finish_needs_all=True,
)
