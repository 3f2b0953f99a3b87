"""One page on what the records in range say, from as few scans as possible.

Totals, actions, the time line of more than two days, interfaces and coverage come from one scan
by interface and hour; talkers, pairs and refused ports from one scan each.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.answer_arrays import array_of, numbers_of, table_of
from vpcflow.query.questions import coverage, pairs, rejects, series, talkers
from vpcflow.query.questions.activity import build_activity
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Build,
    Frame,
    Measure,
    Parameters,
    Question,
)
from vpcflow.query.time_range import parse_span

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
# Scalars from arrays: pyarrow's own way to make them imports pandas.
_REJECT, _NODATA, _SKIPDATA = array_of(["REJECT", "NODATA", "SKIPDATA"], pa.string())
(_NONE,) = array_of([0], pa.int64())
_SUMS = ("bytes", "packets", "records", "records_without_bytes")


class OverviewParameters(Parameters):
    """Parameters of overview."""

    limit: int = Field(default=5, ge=1, le=1_000, description="How many rows each table lists.")
    sort: Measure = Field(default=Measure.BYTES, description="What the largest has most of.")


def _timeline(parameters: OverviewParameters, frame: Frame) -> series.SeriesParameters:
    wanted = series.SeriesParameters(sort=parameters.sort)
    resolved = series.QUESTION.resolve(wanted, frame)
    if _hourly(frame) and parse_span(resolved.interval) < 3_600:
        resolved = wanted.model_copy(update={"interval": "3600s"})
    return resolved  # type: ignore[no-any-return]


def _hourly(frame: Frame) -> bool:
    if frame.start_s is None or frame.end_s is None:
        return True
    return frame.end_s - frame.start_s >= HOURLY_FROM_S


def _scans(parameters: OverviewParameters, frame: Frame) -> dict[str, Build]:
    limit, sort = parameters.limit, parameters.sort

    def refused(records: Any, _: Any) -> Any:
        chosen = records.filter(records.action == "REJECT")
        return rejects.build_rejects(chosen, rejects.RejectsParameters(limit=parameters.limit))

    scans: dict[str, Build] = {
        "activity": lambda records, _: build_activity(records),
        "talkers": lambda records, _: talkers.build_talkers(
            records, talkers.TalkersParameters(limit=limit, sort=sort)
        ),
        "pairs": lambda records, _: pairs.build_pairs(
            records, pairs.PairsParameters(limit=limit, sort=sort)
        ),
        "rejects": refused,
    }
    if not _hourly(frame):
        line = _timeline(parameters, frame)
        scans["series"] = lambda records, _: series.build_series(records, line)
    return scans


def _summed(table: pa.Table, keys: list[str], *more: tuple[str, str]) -> pa.Table:
    wanted = [*((name, "sum") for name in _SUMS), *more]
    grouped = table.group_by(keys, use_threads=False).aggregate(wanted)
    if grouped.column_names[: len(keys)] == keys:
        names = [*keys, *(name for name, _ in wanted)]
    else:
        names = [*(name for name, _ in wanted), *keys]
    return grouped.rename_columns(names)


def _totals(activity: pa.Table) -> dict[str, Any]:
    status, action = activity["log_status"], activity["action"]

    def counted(mask: Any) -> int:
        return int(pc.sum(activity["records"].filter(mask)).as_py() or 0)

    rejected, decided = counted(pc.equal(action, _REJECT)), counted(pc.is_valid(action))
    return {
        **{name: pc.sum(activity[name]).as_py() for name in ("bytes", "packets")},
        "records": pc.sum(activity["records"]).as_py() or 0,
        "rejected": rejected,
        "reject_share": rejected / decided if decided else None,
        "interfaces": len(
            set(
                zip(
                    activity["account_id"].to_pylist(),
                    activity["interface_id"].to_pylist(),
                    strict=True,
                )
            )
        ),
        "nodata": counted(pc.equal(status, _NODATA)),
        "skipdata": counted(pc.equal(status, _SKIPDATA)),
        "first": pc.min(activity["first"]).as_py(),
        "last": pc.max(activity["last"]).as_py(),
        "records_without_bytes": pc.sum(activity["records_without_bytes"]).as_py() or 0,
    }


def _with_rejected(table: pa.Table) -> pa.Table:
    """A column of the records that were refused, for sums over groups."""
    refused = pc.equal(table["action"], _REJECT).combine_chunks()
    counts = pc.multiply(table["records"].combine_chunks(), pc.cast(refused, pa.int64()))
    return table.append_column("rejected", pc.coalesce(counts, _NONE))


def _sections(
    tables: dict[str, pa.Table], parameters: OverviewParameters, frame: Frame
) -> list[Section]:
    activity = _with_rejected(tables["activity"])
    kinds = {column.name: pa.float64() for column in _TOTALS if column.kind == "ratio"}
    totals = table_of({name: [value] for name, value in _totals(activity).items()}, kinds)
    actions = _summed(activity, ["action"]).sort_by([("records", "descending")])
    line = _timeline(parameters, frame)
    timeline = tables.get("series")
    if timeline is None:
        width_s = parse_span(line.interval)
        hours = numbers_of(activity, "hour")
        timed = activity.append_column(
            "time", array_of((hours - hours % width_s).tolist(), pa.int64())
        )
        timeline = _summed(timed, ["time"], ("rejected", "sum"))
    by_interface = _summed(
        activity,
        ["account_id", "interface_id"],
        ("rejected", "sum"),
        ("first", "min"),
        ("last", "max"),
    ).sort_by([(parameters.sort.value, "descending"), ("interface_id", "ascending")])
    worst = coverage.finish_coverage(
        tables["activity"], coverage.CoverageParameters(limit=parameters.limit), frame
    )
    return [
        Section("totals", "Totals", totals, _TOTALS),
        Section("actions", "By action", actions, _ACTIONS),
        Section(
            "series",
            "Over time",
            series.finish_series(timeline, line, frame),
            series.QUESTION.columns(line, frame),
        ),
        Section(
            "talkers",
            "Top talkers",
            tables["talkers"],
            talkers.QUESTION.columns(talkers.TalkersParameters(), frame),
        ),
        Section("pairs", "Top pairs", tables["pairs"], pairs.PAIR_COLUMNS),
        Section(
            "rejects",
            "Top rejected ports",
            tables["rejects"],
            rejects.QUESTION.columns(rejects.RejectsParameters(), frame),
        ),
        Section("interfaces", "Interfaces", by_interface.slice(0, parameters.limit), _INTERFACES),
        Section("coverage", "Least covered interfaces", worst, coverage.COVERAGE_COLUMNS),
    ]


def _columns(_: OverviewParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return _TOTALS


QUESTION = Question(
    "overview",
    OverviewParameters,
    _columns,
    scans=_scans,
    sections=_sections,
    finish_needs_all=True,
)
