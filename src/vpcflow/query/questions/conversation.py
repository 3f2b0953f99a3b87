"""Both halves of one conversation around a moment: its records in order of time, and their sums.

A record goes ``forward`` where its source is the asked one and ``back`` where it is the other
end. Both ends' interfaces may have seen the same packets; ``interface`` keeps one of them.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from vpcflow.base.errors import FilterError, QueryError
from vpcflow.query.answer import ColumnMeta, Section
from vpcflow.query.answer_arrays import array_of
from vpcflow.query.expression import Compare, Expression, InNetwork, all_of, any_of
from vpcflow.query.filter_language import parse_filter
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
from vpcflow.query.rollup_choice import Grain
from vpcflow.query.row_tables import Row, row_table, sum_of
from vpcflow.query.time_range import MOMENT_MAX_S, parse_span

#: The most records of one conversation that are listed.
RECORDS_MAX = 5_000
FORWARD, BACK = "forward", "back"

_WAY = ColumnMeta("way", "text", "Way")
_RECORD_COLUMNS = (
    ColumnMeta("start", "time", "Start"),
    ColumnMeta("end", "time", "End"),
    ColumnMeta("srcaddr", "address", "Source"),
    ColumnMeta("srcport", "port", "Source port"),
    ColumnMeta("dstaddr", "address", "Destination"),
    ColumnMeta("dstport", "port", "Destination port"),
    ColumnMeta("protocol", "protocol", "Protocol"),
    ColumnMeta("packets", "packets", "Packets"),
    ColumnMeta("bytes", "bytes", "Bytes"),
    ColumnMeta("action", "text", "Action"),
    ColumnMeta("log_status", "text", "Log status"),
    ColumnMeta("account_id", "text", "Account"),
    ColumnMeta("interface_id", "text", "Interface"),
)
#: Shown where the table has them.
_FURTHER_COLUMNS = (
    ColumnMeta("flow_direction", "text", "Direction"),
    ColumnMeta("tcp_flags", "count", "TCP flags"),
    ColumnMeta("rtt_us", "microseconds", "Round-trip time"),
    ColumnMeta("reject_rule", "rule", "Reject rule"),
)
SUMMARY_COLUMNS = (
    _WAY,
    ColumnMeta("srcaddr", "address", "Source"),
    ColumnMeta("dstaddr", "address", "Destination"),
    *MEASURE_COLUMNS,
    ColumnMeta("accepted", "count", "Accepted"),
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("interfaces", "count", "Interfaces"),
    ColumnMeta("first", "time", "First"),
    ColumnMeta("last", "time", "Last"),
    UNSIZED_COLUMN,
)
#: With these, records of one moment are in the same order every time.
_ORDER = ("start", "end", "srcaddr", "srcport", "dstport", "interface_id", "bytes", "packets")


class ConversationParameters(Parameters):
    """Parameters of conversation; what is not said fits every record."""

    srcaddr: str | None = Field(default=None, description="Address that a forward record is from.")
    dstaddr: str | None = Field(default=None, description="Address that a forward record is to.")
    srcport: int | None = Field(default=None, ge=0, le=65_535, description="Port of srcaddr.")
    dstport: int | None = Field(default=None, ge=0, le=65_535, description="Port of dstaddr.")
    protocol: int | None = Field(default=None, ge=0, le=255, description="Number of the protocol.")
    interface: str | None = Field(default=None, description="Network interface id.")
    around_s: int | None = Field(
        default=None, ge=0, le=MOMENT_MAX_S, description="Moment to look around, epoch seconds."
    )
    window: str = Field(
        default="10m", description="How far before and after the moment to look: 10m, 1h."
    )
    limit: int = Field(
        default=500, ge=1, le=RECORDS_MAX, description="How many records to list, the oldest first."
    )

    @field_validator("srcaddr", "dstaddr")
    @classmethod
    def _address_is_one(cls, address: str | None) -> str | None:
        if address is not None:
            _address("addr", address)
        return address

    @field_validator("window")
    @classmethod
    def _window_is_a_span(cls, window: str) -> str:
        try:
            parse_span(window)
        except QueryError as error:
            raise ValueError(f"{error.what}; {error.hint}") from error
        return window


def _address(field: str, address: str) -> InNetwork:
    """The condition that a field is one address."""
    # In quotes nothing of the text can become a part of the filter.
    quoted = address.replace("\\", "\\\\").replace('"', '\\"')
    try:
        found = parse_filter(f'{field} = "{quoted}"')
    except FilterError as error:
        raise ValueError(f"{error.what}; {error.hint}") from error
    if not isinstance(found, InNetwork) or found.ranges[0].first != found.ranges[0].last:
        raise ValueError(f"'{address}' is not one address; write 10.0.0.1 or 2001:db8::1")
    return found


def _condition(parameters: ConversationParameters) -> Expression | None:
    ends = [
        (parameters.srcaddr, parameters.dstaddr, parameters.srcport, parameters.dstport),
        (parameters.dstaddr, parameters.srcaddr, parameters.dstport, parameters.srcport),
    ]
    ways = [part for part in (_way(*each) for each in ends) if part is not None]
    bounds: list[Expression] = []
    if parameters.around_s is not None:
        reach_s = parse_span(parameters.window)
        bounds = [
            Compare("start", ">=", max(0, parameters.around_s - reach_s)),
            Compare("start", "<=", parameters.around_s + reach_s),
        ]
    # What either way has in common lets a scan skip most of what it would read.
    near = next((end for end in (parameters.srcaddr, parameters.dstaddr) if end is not None), None)
    return all_of(
        *bounds,
        _address("addr", near) if near is not None else None,
        Compare("protocol", "=", parameters.protocol) if parameters.protocol is not None else None,
        Compare("interface-id", "=", parameters.interface)
        if parameters.interface is not None
        else None,
        any_of(*ways) if ways else None,
    )


def _way(
    source: str | None, destination: str | None, srcport: int | None, dstport: int | None
) -> Expression | None:
    return all_of(
        _address("srcaddr", source) if source is not None else None,
        _address("dstaddr", destination) if destination is not None else None,
        Compare("srcport", "=", srcport) if srcport is not None else None,
        Compare("dstport", "=", dstport) if dstport is not None else None,
    )


def _record_columns(frame: Frame) -> tuple[ColumnMeta, ...]:
    further = tuple(column for column in _FURTHER_COLUMNS if column.name in frame.columns)
    return (_WAY, *_RECORD_COLUMNS, *further)


def _columns(_: ConversationParameters, frame: Frame) -> tuple[ColumnMeta, ...]:
    return _record_columns(frame)


def _build_records(records: Any, parameters: ConversationParameters) -> Any:
    from vpcflow.query.stored_table import column

    names = [meta.name for meta in (*_RECORD_COLUMNS, *_FURTHER_COLUMNS)]
    shown = records.select(**{name: column(records, name) for name in names})
    return shown.order_by([shown[name].asc(nulls_first=False) for name in _ORDER]).limit(
        parameters.limit
    )


def _build_summary(records: Any, _: Any) -> Any:
    from vpcflow.query.stored_table import column

    ends = ("srcaddr", "dstaddr", "srcport", "dstport")
    keys = {name: column(records, name) for name in ends}
    return records.group_by(**keys, interface_id=records.interface_id).aggregate(
        **measures(records),
        accepted=count(records, records.action == "ACCEPT"),
        rejected=count(records, records.action == "REJECT"),
        first=records.start.min(),
        last=records.start.max(),
    )


def _steps(parameters: ConversationParameters, _: Frame) -> dict[str, Step]:
    # A statement depends on the limit alone: whose conversation it is are values of the condition.
    plain = ConversationParameters(limit=parameters.limit)
    return {
        "records": Step(_build_records, Grain.RECORDS, plain),
        "summary": Step(_build_summary, Grain.RECORDS, plain),
    }


def _is_forward(row: Row, parameters: ConversationParameters) -> bool:
    """Whether a record's source end is the asked one."""
    asked = {
        "srcaddr": _stored(parameters.srcaddr),
        "dstaddr": _stored(parameters.dstaddr),
        "srcport": parameters.srcport,
        "dstport": parameters.dstport,
    }
    return all(value is None or row[name] == value for name, value in asked.items())


def _stored(address: str | None) -> bytes | None:
    return None if address is None else _address("addr", address).ranges[0].first


def _summary(rows: list[Row], parameters: ConversationParameters) -> list[Row]:
    ways = []
    for way in (FORWARD, BACK):
        own = [row for row in rows if _is_forward(row, parameters) is (way == FORWARD)]
        if not own:
            continue
        summed = ("bytes", "packets", "records", "accepted", "rejected", "records_without_bytes")
        ends = {name: {row[name] for row in own} for name in ("srcaddr", "dstaddr")}
        firsts = [row["first"] for row in own if row["first"] is not None]
        lasts = [row["last"] for row in own if row["last"] is not None]
        ways.append(
            {
                "way": way,
                **{
                    name: next(iter(found)) if len(found) == 1 else None
                    for name, found in ends.items()
                },
                **{name: sum_of(own, name) for name in summed},
                "interfaces": len({row["interface_id"] for row in own}),
                "first": min(firsts, default=None),
                "last": max(lasts, default=None),
            }
        )
    return ways


def _sections(
    tables: dict[str, pa.Table], parameters: ConversationParameters, frame: Frame
) -> list[Section]:
    found = tables["records"]
    ways = [
        FORWARD if _is_forward(row, parameters) else BACK
        for row in found.select(["srcaddr", "dstaddr", "srcport", "dstport"]).to_pylist()
    ]
    records = found.append_column("way", array_of(ways, pa.string()))
    summary = _summary(tables["summary"].to_pylist(), parameters)
    return [
        Section("records", "Records", records, _record_columns(frame)),
        Section("summary", "Each way", row_table(summary, SUMMARY_COLUMNS), SUMMARY_COLUMNS),
    ]


QUESTION = Question(
    "conversation",
    ConversationParameters,
    _columns,
    condition=_condition,
    steps=_steps,
    sections=_sections,
)
