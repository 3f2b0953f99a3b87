"""The stored table as Ibis sees it, and plans and parameters as Ibis expressions.

This module imports Ibis, which takes more than half a second: only what compiles a statement may
import it, and only when the statement cache has no answer.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa

from vpcflow.query.plan import Plan, Shape
from vpcflow.query.statement import PARAMETER_FUNCTION
from vpcflow.store.stored_schema import (
    DIRECTION_HOST_IS_SOURCE,
    PKT_DST_SAME,
    PKT_SRC_SAME,
    STORED_COLUMNS,
    STORED_COLUMNS_BY_NAME,
)

#: The name by which statements call the stored table; every engine provides it.
STORED_TABLE_NAME = "flow_records_stored"

#: The same for the hourly rollups of the data files.
ROLLUP_TABLE_NAME = "flow_rollup_hour"

#: Columns of a rollup as the store writes them; a test holds them to it, since importing the
#: store's own description brings its compiled kernels along.
ROLLUP_COLUMNS = {
    "hour": "int64",
    "account_id": "string",
    "interface_id": "string",
    "action": "string",
    "flow_direction": "string",
    "log_status": "string",
    "direction": "int32",
    "protocol": "int32",
    "records": "int64",
    "packets": "int64",
    "packets_nulls": "int64",
    "bytes": "int64",
    "bytes_nulls": "int64",
    "first_start": "int64",
    "last_end": "int64",
}

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


def stored_table() -> Any:
    """The unbound stored table."""
    return ibis.table(
        {column.name: _ibis_type(column.type) for column in STORED_COLUMNS}, name=STORED_TABLE_NAME
    )


def rollup_table() -> Any:
    """The unbound hourly rollup; its hour takes the place of start."""
    return ibis.table(ROLLUP_COLUMNS, name=ROLLUP_TABLE_NAME).rename(start="hour")


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


def filtered(plan: Plan, *, rollup: bool = False) -> Any:
    """The stored records, or rows of their rollup, that a plan keeps: its branches' union."""
    table = rollup_table() if rollup else stored_table()
    branches = [
        table if shape == ["true"] else table.filter(predicate(table, shape))
        for shape in plan.branches
    ]
    return branches[0] if len(branches) == 1 else ibis.union(*branches, distinct=False)


def columns_of(expression: Any) -> tuple[str, ...]:
    """The stored columns that an Ibis expression reads, in the order of the stored schema."""
    names = {node.name for node in expression.op().find(ops.Field)}
    return tuple(name for name in STORED_COLUMNS_BY_NAME if name in names)
