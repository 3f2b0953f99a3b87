"""Round-trip times: a heat map over time, or percentiles of interfaces, networks, peers, services.

Only records of our own capture carry a round-trip time: the median that was measured of the flow
within its interval. Every such record counts once, however many packets it stands for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pyarrow as pa
from pydantic import Field

from vpcflow.query.answer import ColumnKind, ColumnMeta, Section
from vpcflow.query.questions.heat_map import HeatMapParameters, bin_of, bounds_of, interval_s
from vpcflow.query.questions.question import LIMIT_MAX, Frame, Question, Step, count
from vpcflow.query.questions.round_trip_times import RTT_COLUMN, percentiles
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.row_tables import Row, row_table
from vpcflow.query.time_range import parse_span

#: Edges of the bins: from ten microseconds to fifty seconds.
RTT_EDGES_US = tuple(factor * 10**power for power in range(1, 8) for factor in (1, 2, 5))
_PERCENTILES = ("p50", "p90", "p95", "p99")


class RoundTripBy(StrEnum):
    """What round-trip times are gathered by."""

    TIME = "time"
    INTERFACE = "interface-id"
    SUBNET = "subnet-id"
    VPC = "vpc-id"
    PEER = "peer"
    SERVICE = "service"


class RoundTripParameters(HeatMapParameters):
    """Parameters of round_trip."""

    by: RoundTripBy = Field(
        default=RoundTripBy.TIME,
        description="time: a heat map; interface-id, subnet-id, vpc-id, peer or service (protocol "
        "and lower port): a table of percentiles, the slowest first.",
    )
    records_min: int = Field(
        default=1, ge=1, description="List only what has as many records with a time."
    )
    limit: int = Field(
        default=20, ge=1, le=LIMIT_MAX, description="How many rows of percentiles to list."
    )


#: For each grouping its columns: name, stored column, kind, label.
_KEYS: dict[RoundTripBy, tuple[tuple[str, str, ColumnKind, str], ...]] = {
    RoundTripBy.INTERFACE: (
        ("account_id", "account_id", "text", "Account"),
        ("interface_id", "interface_id", "text", "Interface"),
    ),
    RoundTripBy.SUBNET: (("subnet_id", "subnet_id", "text", "Subnet"),),
    RoundTripBy.VPC: (("vpc_id", "vpc_id", "text", "VPC"),),
    RoundTripBy.PEER: (("peer", "peer", "address", "Peer"),),
    RoundTripBy.SERVICE: (
        ("protocol", "protocol", "protocol", "Protocol"),
        ("port", "lo_port", "port", "Port"),
    ),
}
_CELLS = (
    ColumnMeta("time", "time", "Time"),
    ColumnMeta("low_us", "microseconds", "From"),
    ColumnMeta("high_us", "microseconds", "To"),
    ColumnMeta("records", "count", "Records"),
)


def _columns(parameters: RoundTripParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    if parameters.by is RoundTripBy.TIME:
        return _CELLS
    return (
        *(ColumnMeta(name, kind, label) for name, _, kind, label in _KEYS[parameters.by]),
        ColumnMeta("records", "count", "Records"),
        *(ColumnMeta(name, "microseconds", name) for name in _PERCENTILES),
        ColumnMeta("max", "microseconds", "Longest"),
    )


def _resolve(parameters: RoundTripParameters, frame: Frame) -> RoundTripParameters:
    width = f"{interval_s(parameters, frame)}s" if parameters.by is RoundTripBy.TIME else ""
    return parameters.model_copy(update={"interval": width})


def _build_cells(records: Any, parameters: RoundTripParameters) -> Any:
    width_s = parse_span(parameters.interval)
    timed = records.filter(records[RTT_COLUMN].notnull() & records.start.notnull())
    keyed = timed.select(
        time=timed.start - timed.start % width_s,
        place=bin_of(timed[RTT_COLUMN], RTT_EDGES_US),
        records=timed.records,
    )
    return keyed.group_by("time", "place").aggregate(records=count(keyed))


def _build_table(records: Any, parameters: RoundTripParameters) -> Any:
    keys = _KEYS[parameters.by]
    timed = records.filter(records[RTT_COLUMN].notnull())
    groups = timed.group_by(**{name: timed[stored] for name, stored, *_ in keys}).aggregate(
        records=count(timed),
        **percentiles(timed[RTT_COLUMN], _PERCENTILES),
        max=timed[RTT_COLUMN].max().cast("float64"),
    )
    kept = groups.filter(groups.records >= parameters.records_min)
    order = [kept.p95.desc(), *(kept[name].asc(nulls_first=False) for name, *_ in keys)]
    return kept.order_by(order).limit(parameters.limit)


def _steps(parameters: RoundTripParameters, frame: Frame) -> dict[str, Step]:
    # No file of a table without our own capture has the column: nothing needs to be read.
    if RTT_COLUMN not in frame.columns:
        return {}
    build = _build_cells if parameters.by is RoundTripBy.TIME else _build_table
    return {"found": Step(build, Grain.RECORDS, parameters)}


def _cells(rows: list[Row]) -> list[Row]:
    cells = []
    for row in sorted(rows, key=lambda row: (row["time"], row["place"])):
        low, high = bounds_of(row["place"], RTT_EDGES_US)
        cells.append(row | {"low_us": low, "high_us": high})
    return cells


def _sections(
    tables: dict[str, pa.Table], parameters: RoundTripParameters, frame: Frame
) -> list[Section]:
    columns = _columns(parameters, frame)
    rows = tables["found"].to_pylist() if tables else []
    if parameters.by is RoundTripBy.TIME:
        rows = _cells(rows)
    return [Section("round_trip", "Round-trip time", row_table(rows, columns), columns)]


QUESTION = Question(
    "round_trip",
    RoundTripParameters,
    _columns,
    resolve=_resolve,
    steps=_steps,
    sections=_sections,
    finish_needs_all=True,
)
