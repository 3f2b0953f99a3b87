"""Pairs of addresses by what went between them, each way.

A pair has no order: its smaller address is ``a``. What both ends' interfaces saw is in two
records and counts twice.
"""

from __future__ import annotations

from typing import Any

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    OF_CONVERSATIONS,
    UNSIZED_COLUMN,
    Frame,
    Question,
    TopParameters,
    count,
    largest,
    measures,
    summed,
)

PAIR_COLUMNS = (
    ColumnMeta("address_a", "address", "Address A"),
    ColumnMeta("address_b", "address", "Address B"),
    *MEASURE_COLUMNS,
    ColumnMeta("bytes_a_to_b", "bytes", "A to B"),
    ColumnMeta("bytes_b_to_a", "bytes", "B to A"),
    ColumnMeta("rejected", "count", "Rejected"),
    UNSIZED_COLUMN,
)


class PairsParameters(TopParameters):
    """Parameters of pairs."""


def _columns(_: PairsParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return PAIR_COLUMNS


def _in_order(rows: Any) -> dict[str, Any]:
    """The ends of a pair, the smaller address first."""
    host_is_a = rows.host <= rows.peer
    return {
        "address_a": host_is_a.ifelse(rows.host, rows.peer),
        "address_b": host_is_a.ifelse(rows.peer, rows.host),
    }


def build_pairs(records: Any, parameters: TopParameters) -> Any:
    """The largest pairs: found by what they are sorted by alone, and only then summed up whole."""
    import ibis

    known = records.filter(records.host.notnull() & records.peer.notnull())
    measure = parameters.sort.value
    sizes = known.group_by(**_in_order(known)).aggregate(**{measure: known[measure].sum()})
    top = largest(sizes, measure, ("address_a", "address_b"), parameters.limit)
    listed = ibis.union(
        top.select(one=top.address_a, other=top.address_b),
        top.select(one=top.address_b, other=top.address_a),
        distinct=False,
    )
    kept = known.semi_join(listed, [known.host == listed.one, known.peer == listed.other])
    ways = kept.group_by("host", "peer").aggregate(
        **measures(kept),
        bytes_out=kept.bytes.sum(where=kept.direction == 0),
        bytes_in=kept.bytes.sum(where=kept.direction == 1),
        rejected=count(kept, kept.action == "REJECT"),
    )
    host_is_a = ways.host <= ways.peer
    sided = ways.mutate(
        **_in_order(ways),
        a_to_b=host_is_a.ifelse(ways.bytes_out, ways.bytes_in),
        b_to_a=host_is_a.ifelse(ways.bytes_in, ways.bytes_out),
    )
    pairs = sided.group_by("address_a", "address_b").aggregate(
        **summed(sided),
        bytes_a_to_b=sided.a_to_b.sum(),
        bytes_b_to_a=sided.b_to_a.sum(),
        rejected=sided.rejected.sum(),
    )
    return largest(pairs, measure, ("address_a", "address_b"), parameters.limit)


QUESTION = Question("pairs", PairsParameters, _columns, build_pairs, grain=OF_CONVERSATIONS)
