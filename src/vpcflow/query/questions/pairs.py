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

#: Up to so many pairs are found among few; of so many rows for each of them are the largest looked at.
_FEW, _ROWS_A_PAIR = 100, 100

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


def _likely(known: Any, measure: str, limit: int) -> Any:
    """The rows of pairs that may be among the largest, and of others.

    The rows with most make up some pairs, and the largest have at least as much as the ``limit``-th
    of these. No pair has more than either end of it has in all, so most ends are ruled out before
    there is a group for every pair; there may be millions.
    """
    import ibis

    ordered = known.order_by(known[measure].desc(nulls_first=False))
    first = ordered.limit(_ROWS_A_PAIR * limit)
    some = first.group_by(**_in_order(first)).aggregate(size=first[measure].sum())
    some = some.order_by(some["size"].desc(nulls_first=False)).limit(limit)
    found = some.aggregate(least=some["size"].min(), pairs=some["size"].count())
    # Fewer pairs than asked for rule nothing out.
    bound = found.select(least=(found.pairs >= limit).ifelse(found.least, 0))
    sides = [
        known.group_by(address=known[end]).aggregate(size=known[measure].sum())
        for end in ("peer", "host")
    ]
    ends = ibis.union(*sides, distinct=False)
    ends = ends.group_by("address").aggregate(size=ends["size"].sum()).cross_join(bound)
    possible = ends.filter(ends["size"].fill_null(0) >= ends.least.fill_null(0))
    return known.semi_join(possible, known.peer == possible.address)


def build_pairs(records: Any, parameters: TopParameters) -> Any:
    """The largest pairs: found by what they are sorted by alone, and only then summed up whole."""
    import ibis

    known = records.filter(records.host.notnull() & records.peer.notnull())
    measure = parameters.sort.value
    likely = _likely(known, measure, parameters.limit) if parameters.limit <= _FEW else known
    sizes = likely.group_by(**_in_order(likely)).aggregate(**{measure: likely[measure].sum()})
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
