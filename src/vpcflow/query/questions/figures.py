"""The few figures that stand above everything else: one row on the whole range.

Sums come from the hours where the range is made of whole ones; what must be told apart, addresses
and interfaces, from the conversations.
"""

from __future__ import annotations

from typing import Any

from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Parameters,
    Question,
    Step,
    count,
    measures,
)
from vpcflow.query.questions.round_trip_times import RTT_COLUMN, percentiles
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.row_tables import Row, count_of, row_table, sum_of

FIGURE_COLUMNS = (
    *MEASURE_COLUMNS,
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("reject_share", "ratio", "Reject share"),
    ColumnMeta("hosts", "count", "Hosts"),
    ColumnMeta("peers", "count", "Peers"),
    ColumnMeta("interfaces", "count", "Interfaces"),
    ColumnMeta("nodata", "count", "NODATA"),
    ColumnMeta("skipdata", "count", "SKIPDATA"),
    ColumnMeta("rtt_us_p50", "microseconds", "Median round trip"),
    ColumnMeta("rtt_us_p95", "microseconds", "95% of round trips"),
    ColumnMeta("first", "time", "First"),
    ColumnMeta("last", "time", "Last"),
    UNSIZED_COLUMN,
)


class FiguresParameters(Parameters):
    """Parameters of figures: there are none."""


def _build_sums(hours: Any, _: Any) -> Any:
    return hours.group_by(action=hours.action, log_status=hours.log_status).aggregate(
        **measures(hours)
    )


def _build_ends(rows: Any, _: Any) -> Any:
    """First and last start of every interface; of no traffic too."""
    return rows.group_by("account_id", "interface_id").aggregate(
        first=rows.first_start.min(), last=rows.last_start.max(), records=count(rows)
    )


def _distinct(name: str) -> Any:
    """Counts addresses by grouping, which engines do in parallel; NODATA names none."""

    def build(rows: Any, _: Any) -> Any:
        known = rows.filter(rows[name].notnull()).select(address=rows[name]).distinct()
        return known.aggregate(addresses=known.count())

    return build


def _build_round_trips(records: Any, _: Any) -> Any:
    timed = records.filter(records[RTT_COLUMN].notnull())
    return timed.aggregate(**percentiles(timed[RTT_COLUMN], ("p50", "p95")))


def _steps(parameters: FiguresParameters, frame: Frame) -> dict[str, Step]:
    steps = {
        "sums": Step(_build_sums, Grain.HOURS, parameters),
        "ends": Step(_build_ends, Grain.CONVERSATIONS, parameters),
        "hosts": Step(_distinct("host"), Grain.CONVERSATIONS, parameters),
        "peers": Step(_distinct("peer"), Grain.CONVERSATIONS, parameters),
    }
    # Most tables have none: then there is no need to look at records.
    if RTT_COLUMN in frame.columns:
        steps["round_trips"] = Step(_build_round_trips, Grain.RECORDS, parameters)
    return steps


def figures_of(sums: list[Row], ends: list[Row]) -> Row:
    """The figures that are sums, from groups by action and status and from interfaces."""
    records, rejected = count_of(sums), count_of(sums, action="REJECT")
    decided = records - count_of(sums, action=None)
    firsts = [row["first"] for row in ends if row["first"] is not None]
    lasts = [row["last"] for row in ends if row["last"] is not None]
    return {
        **{name: sum_of(sums, name) for name in ("bytes", "packets")},
        "records": records,
        "rejected": rejected,
        "reject_share": rejected / decided if decided else None,
        "interfaces": len(ends),
        "nodata": count_of(sums, log_status="NODATA"),
        "skipdata": count_of(sums, log_status="SKIPDATA"),
        "first": min(firsts, default=None),
        "last": max(lasts, default=None),
        "records_without_bytes": sum_of(sums, "records_without_bytes") or 0,
    }


def _sections(tables: dict[str, Any], _: FiguresParameters, __: Frame) -> list[Section]:
    row = figures_of(tables["sums"].to_pylist(), tables["ends"].to_pylist())
    for name in ("hosts", "peers"):
        row[name] = tables[name].column("addresses")[0].as_py()
    row |= {"rtt_us_p50": None, "rtt_us_p95": None}
    if "round_trips" in tables:
        (found,) = tables["round_trips"].to_pylist()
        row |= {f"rtt_us_{name}": found[name] for name in ("p50", "p95")}
    return [
        Section("figures", "Figures", row_table([row], FIGURE_COLUMNS), FIGURE_COLUMNS),
    ]


def _columns(_: FiguresParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return FIGURE_COLUMNS


QUESTION = Question(
    "figures",
    FiguresParameters,
    _columns,
    steps=_steps,
    sections=_sections,
    finish_needs_all=True,
)
