"""Who talks to whom: edges from an interface's own addresses to the other ends.

The largest edges by bytes are listed, and always the most rejected ones beside them; what is left
is one more row, so that the rows add up to everything in range. Records that name no addresses,
NODATA and SKIPDATA, are in no edge. What both ends' interfaces saw is in two records and counts
twice, once on an edge of each.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pyarrow as pa
from pydantic import Field, field_validator

from vpcflow.base.errors import QueryError
from vpcflow.query.address_scope import Scope, internal_ranges, is_internal, scope_of
from vpcflow.query.answer import ColumnMeta
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    OF_CONVERSATIONS,
    UNSIZED_COLUMN,
    Frame,
    Parameters,
    Question,
    count,
    measures,
)
from vpcflow.query.row_tables import Row, row_table
from vpcflow.store.stored_schema import DIRECTION_HOST_IS_SOURCE

#: The most edges of one answer, beside rejected ones.
EDGES_MAX = 5_000
#: For so many edges one more is listed for what it had rejected.
_EDGES_A_REJECTED = 4

EDGE_COLUMNS = (
    ColumnMeta("scope", "text", "Peers"),
    ColumnMeta("account_id", "text", "Account"),
    ColumnMeta("interface_id", "text", "Interface"),
    ColumnMeta("host", "address", "Host"),
    ColumnMeta("peer", "address", "Peer"),
    *MEASURE_COLUMNS,
    ColumnMeta("bytes_out", "bytes", "Sent"),
    ColumnMeta("bytes_in", "bytes", "Received"),
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("rejected_bytes", "bytes", "Rejected bytes"),
    ColumnMeta("edges", "count", "Edges"),
    UNSIZED_COLUMN,
)
_SUMS = (
    "bytes",
    "packets",
    "records",
    "bytes_out",
    "bytes_in",
    "rejected",
    "rejected_bytes",
    "edges",
    "records_without_bytes",
)
_KEYS = ("account_id", "interface_id", "host", "peer")


class EdgesBy(StrEnum):
    """What the ends of an edge are."""

    ADDRESS = "address"
    INTERFACE = "interface"


class Peers(StrEnum):
    """Which peers count."""

    ALL = "all"
    INTERNAL = "internal"
    INTERNET = "internet"


class GraphEdgesParameters(Parameters):
    """Parameters of graph_edges."""

    by: EdgesBy = Field(
        default=EdgesBy.ADDRESS,
        description="address: an edge for each host and peer; interface: one for each interface "
        "and internal peer, and one for all that an interface has with the internet.",
    )
    peers: Peers = Field(
        default=Peers.ALL, description="all; internal: private addresses; internet: all others."
    )
    internal: str = Field(
        default="",
        description="Networks that are internal too, with commas between them.",
    )
    limit: int = Field(
        default=200, ge=1, le=EDGES_MAX, description="How many edges to list, the largest first."
    )

    @field_validator("internal")
    @classmethod
    def _networks_are_understood(cls, internal: str) -> str:
        try:
            internal_ranges(internal)
        except QueryError as error:
            raise ValueError(f"{error.what}; {error.hint}") from error
        return internal


def _columns(_: GraphEdgesParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return EDGE_COLUMNS


def _edges(rows: Any, parameters: GraphEdgesParameters) -> Any:
    """Every edge, with all that is asked of it."""
    import ibis

    known = rows.filter(rows.host.notnull() & rows.peer.notnull())
    ranges = internal_ranges(parameters.internal)
    if parameters.peers is not Peers.ALL:
        inside = is_internal(known.peer, ranges)
        known = known.filter(inside if parameters.peers is Peers.INTERNAL else ~inside)
    keys = {name: known[name] for name in _KEYS}
    if parameters.by is EdgesBy.INTERFACE:
        keys["host"] = ibis.null("binary")
        keys["peer"] = is_internal(known.peer, ranges).ifelse(known.peer, ibis.null("binary"))
    refused = known.action == "REJECT"
    grouped = known.group_by(**keys).aggregate(
        **measures(known),
        bytes_out=known.bytes.sum(where=known.direction == DIRECTION_HOST_IS_SOURCE),
        bytes_in=known.bytes.sum(where=known.direction != DIRECTION_HOST_IS_SOURCE),
        rejected=count(known, refused),
        rejected_bytes=known.bytes.sum(where=refused),
    )
    return grouped.mutate(edges=ibis.literal(1, type="int64"))


def _build(rows: Any, parameters: GraphEdgesParameters) -> Any:
    """The largest edges, the most rejected ones, and one row of the sums of all."""
    import ibis

    edges = _edges(rows, parameters)
    ties = [edges[name].asc(nulls_first=False) for name in _KEYS]
    large = edges.order_by([edges.bytes.desc(nulls_first=False), *ties]).limit(parameters.limit)
    refused = edges.filter(edges.rejected > 0)
    most = refused.order_by([refused.rejected.desc(), *(refused[name].asc() for name in _KEYS)])
    most = most.limit(max(1, parameters.limit // _EDGES_A_REJECTED))
    everything = edges.aggregate(**{name: edges[name].sum() for name in _SUMS})
    total = everything.select(
        *(ibis.null(edges[name].type()).name(name) for name in _KEYS),
        *(everything[name].cast(edges[name].type()).name(name) for name in _SUMS),
        is_total=ibis.literal(True),
    )
    listed = ibis.union(large, most, distinct=True).select(*_KEYS, *_SUMS)
    return ibis.union(listed.mutate(is_total=ibis.literal(False)), total, distinct=False)


def _finish(table: pa.Table, parameters: GraphEdgesParameters, _: Frame) -> pa.Table:
    """The edges in order, and after them what the total has more than they have."""
    rows = table.to_pylist()
    edges = [row for row in rows if not row["is_total"]]
    (total,) = [row for row in rows if row["is_total"]]
    ranges = internal_ranges(parameters.internal)
    for row in edges:
        internet = row["peer"] is None
        row["scope"] = Scope.INTERNET if internet else scope_of(row["peer"], ranges)
    edges.sort(key=_place)
    if (total["edges"] or 0) > len(edges):
        edges.append(_remainder(total, edges))
    return row_table(edges, EDGE_COLUMNS)


def _place(row: Row) -> Any:
    """Largest first; ties by key, null last, so that an answer is always the same."""
    keys = [(row[name] is None, row[name]) for name in _KEYS]
    return (-(row["bytes"] or 0), -row["rejected"], [(gone, repr(key)) for gone, key in keys])


def _remainder(total: Row, edges: list[Row]) -> Row:
    """What is in no listed edge; its sums are null where nothing of it says a number."""
    left: Row = {"scope": Scope.OTHER, **dict.fromkeys(_KEYS)}
    for name in _SUMS:
        everything = total[name]
        left[name] = (
            None if everything is None else everything - sum(row[name] or 0 for row in edges)
        )
    return left


QUESTION = Question(
    "graph_edges",
    GraphEdgesParameters,
    _columns,
    _build,
    grain=OF_CONVERSATIONS,
    finish=_finish,
    finish_needs_all=True,
)
