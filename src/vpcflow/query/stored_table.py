"""The stored table as Ibis sees it, and plans and parameters as Ibis expressions.

This module imports Ibis, which takes more than half a second: only what compiles a statement may
import it, and only when the statement cache has no answer.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa

from vpcflow.query.plan import TRUE, Plan, Shape
from vpcflow.query.rollup_choice import TABLE_NAMES, WIDTHS_S, Grain, Parts
from vpcflow.query.statement import PARAMETER_FUNCTION, STORED_TABLE_NAME
from vpcflow.store.address_scope import SCOPE_INTERNAL, SCOPE_INTERNET, internal_ranges
from vpcflow.store.rollup_schema import (
    CONVERSATION_SCHEMA,
    COVER_S_MAX,
    HOUR_SCHEMA,
    TRAFFIC_PERIOD_S,
    TRAFFIC_SCHEMA,
)
from vpcflow.store.stored_schema import (
    DIRECTION_HOST_IS_SOURCE,
    PKT_DST_SAME,
    PKT_SRC_SAME,
    SECONDS_AN_HOUR,
    STORED_COLUMNS,
    STORED_COLUMNS_BY_NAME,
)

#: Columns of each grain; records are brought to them.
_CONVERSATION_COLUMNS = tuple(CONVERSATION_SCHEMA.names)
_TRAFFIC_COLUMNS = tuple(TRAFFIC_SCHEMA.names)
_HOUR_COLUMNS = tuple("start" if name == "hour" else name for name in HOUR_SCHEMA.names)

_SCHEMAS = {
    Grain.CONVERSATIONS: CONVERSATION_SCHEMA,
    Grain.HOURS: HOUR_SCHEMA,
    Grain.TRAFFIC: TRAFFIC_SCHEMA,
}

ONLY_RECORDS = Parts()

MINUTE_S = 60
MINUTES_AN_HOUR = SECONDS_AN_HOUR // MINUTE_S

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _ibis_type(kind: pa.DataType) -> Any:
    if pa.types.is_fixed_size_binary(kind):
        return dt.binary
    if pa.types.is_map(kind):
        return dt.Map(dt.string, dt.string)
    return dt.DataType.from_pyarrow(kind)


def stored_table(name: str = STORED_TABLE_NAME) -> Any:
    """The unbound stored table."""
    return ibis.table(
        {column.name: _ibis_type(column.type) for column in STORED_COLUMNS}, name=name
    )


def _rollup_table(grain: Grain, name: str) -> Any:
    schema = _SCHEMAS[grain]
    table = ibis.table({field.name: _ibis_type(field.type) for field in schema}, name=name)
    if grain is Grain.CONVERSATIONS:
        # Of one record first and last are the same, and the last is not written.
        return table.mutate(last_start=ibis.coalesce(table.last_start, table.first_start))
    # The hour takes the place of start, in conditions too.
    return table.rename(start="hour") if grain is Grain.HOURS else table


def _parameter_of(kind: Any) -> Any:
    def place(slot: int) -> int:  # noqa: ARG001 - Ibis reads the name from the signature
        raise AssertionError("a place for a value is never called")

    place.__annotations__["return"] = kind
    return ibis.udf.scalar.builtin(place, name=PARAMETER_FUNCTION)


_PARAMETERS = {
    "int": _parameter_of(dt.int64),
    "text": _parameter_of(dt.string),
    "address": _parameter_of(dt.binary),
}


def parameter(slot: Shape) -> Any:
    """A value that the engine is given beside the statement."""
    kind, position = slot
    return _PARAMETERS[kind](ibis.literal(position, type="int32"))


def column(table: Any, name: str) -> Any:
    """A column by its stored name, or an AWS field that stored columns make up."""
    host_is_source = table.direction == DIRECTION_HOST_IS_SOURCE
    match name:
        case "srcaddr":
            return host_is_source.ifelse(table.host, table.peer)
        case "dstaddr":
            return host_is_source.ifelse(table.peer, table.host)
        case "dstport" if "dst_port" in table.columns:
            return table.dst_port
        case "srcport":
            return table.swapped.ifelse(table.hi_port, table.lo_port)
        case "dstport":
            return table.swapped.ifelse(table.lo_port, table.hi_port)
        case "end":
            return table.start.fill_null(0) + table.duration
        case "pkt_srcaddr":
            same = table.pkt_same.isin([PKT_SRC_SAME, PKT_SRC_SAME | PKT_DST_SAME])
            return same.ifelse(column(table, "srcaddr"), table.pkt_srcaddr)
        case "pkt_dstaddr":
            same = table.pkt_same.isin([PKT_DST_SAME, PKT_SRC_SAME | PKT_DST_SAME])
            return same.ifelse(column(table, "dstaddr"), table.pkt_dstaddr)
    return table[name]


def predicate(table: Any, shape: Shape) -> Any:
    """A shape as an Ibis condition."""
    match shape:
        case ["and", parts]:
            return functools.reduce(operator.and_, (predicate(table, part) for part in parts))
        case ["or", parts]:
            return functools.reduce(operator.or_, (predicate(table, part) for part in parts))
        case ["not", part]:
            return ~predicate(table, part)
        case ["untrue", part]:
            return ~predicate(table, part).fill_null(False)
        case ["direction", value]:
            return table.direction == value
        case ["compare", name, sign, slot]:
            return _COMPARE[sign](column(table, name), parameter(slot))
        case ["between", name, low, high]:
            return (column(table, name) >= parameter(low)) & (
                column(table, name) <= parameter(high)
            )
        case ["in", name, slots]:
            return column(table, name).isin([parameter(slot) for slot in slots])
        case ["null", name]:
            return column(table, name).isnull()
        case ["like", name, slot]:
            return column(table, name).re_search(parameter(slot))
    raise AssertionError(f"no such shape: {shape[0]}")


def filtered(plan: Plan, grain: Grain = Grain.RECORDS, parts: Parts = ONLY_RECORDS) -> Any:
    """The rows of a grain that a plan keeps: the union of its branches."""
    records_name, rollup_name, edges_name = TABLE_NAMES[grain]
    cut = {"cut_start": parts.cut_start, "cut_end": parts.cut_end}
    pieces = []
    if parts.rollups:
        whole = plan.whole[WIDTHS_S[grain]]
        rollup = _rollup_table(grain, rollup_name)
        pieces += [_kept(rollup, (*whole.rows(**cut), branch)) for branch in plan.branches]
    read: list[tuple[str, tuple[Shape, ...]]] = [(records_name, ())] if parts.records else []
    if parts.cut_start or parts.cut_end:
        read += [(edges_name, (test,)) for test in plan.whole[WIDTHS_S[grain]].edges(**cut)]
    for name, tests in read:
        stored = stored_table(name)
        kept = [_kept(stored, (*plan.bounds, *tests, branch)) for branch in plan.branches]
        pieces += [_at_grain(records, grain) for records in kept]
    return pieces[0] if len(pieces) == 1 else ibis.union(*pieces, distinct=False)


def _kept(table: Any, shapes: Sequence[Shape]) -> Any:
    conditions = [predicate(table, shape) for shape in shapes if shape != TRUE]
    return table.filter(conditions) if conditions else table


def _at_grain(records: Any, grain: Grain) -> Any:
    """Every record as a row of a grain."""
    one = ibis.literal(1, type="int64")
    counted = records.mutate(
        records=one,
        bytes_nulls=records.bytes.isnull().cast("int64"),
        packets_nulls=records.packets.isnull().cast("int64"),
        first_start=records.start,
        last_start=records.start,
    )
    if grain is Grain.CONVERSATIONS:
        refused = (records.action == "REJECT").ifelse(
            column(records, "dstport"), ibis.null("int32")
        )
        return counted.mutate(dst_port=refused).select(*_CONVERSATION_COLUMNS)
    if grain is Grain.HOURS:
        seen, beyond = _minutes(records)
        hours = counted.mutate(
            minutes_seen=seen,
            minutes_next=beyond,
            last_end=column(records, "end"),
            scope=scope_of(records),
        )
        return hours.select(*_HOUR_COLUMNS)
    if grain is Grain.TRAFFIC:
        period = records.start - records.start % TRAFFIC_PERIOD_S
        return counted.mutate(start=period, scope=scope_of(records)).select(*_TRAFFIC_COLUMNS)
    return counted


def scope_of(rows: Any) -> Any:
    """Whether an end is on the internet, null where an end is unknown; rollups know it."""
    if "scope" in rows.columns:
        return rows.scope
    inside = is_internal(rows.host) & is_internal(rows.peer)
    scope = inside.ifelse(SCOPE_INTERNAL, SCOPE_INTERNET).cast("int32")
    return (rows.host.isnull() | rows.peer.isnull()).ifelse(ibis.null("int32"), scope)


def is_internal(address: Any) -> Any:
    """Whether a stored address lies in one of the internal networks."""
    tests = [
        address == first if first == last else (address >= first) & (address <= last)
        for first, last in internal_ranges()
    ]
    return functools.reduce(operator.or_, tests)


def _minutes(records: Any) -> tuple[Any, Any]:
    """Bits of the minutes that a record covers: in the hour of its start, and in the next."""
    one = ibis.literal(1, type="int64")
    cover_s = ibis.greatest(ibis.least(records.duration.fill_null(0), COVER_S_MAX), 0)
    second = records.start % SECONDS_AN_HOUR
    first = (second // MINUTE_S).cast("int64")
    last = ((second + cover_s) // MINUTE_S).cast("int64")
    end = ibis.least(last, MINUTES_AN_HOUR - 1)
    # Bits first to end: all bits up to end without those below first.
    seen = (one << (end + 1)) - (one << first)
    beyond = ibis.greatest(last - (MINUTES_AN_HOUR - 1), 0)
    return seen, (one << beyond) - 1


def reads_of(expression: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tables and the stored columns that an Ibis expression reads, in the schema's order."""
    found = expression.op()
    tables = {node.name for node in found.find(ops.UnboundTable)}
    names = {node.name for node in found.find(ops.Field)}
    return tuple(sorted(tables)), tuple(name for name in STORED_COLUMNS_BY_NAME if name in names)
