"""Addresses by what they sent and received.

An address is counted as either end of a record. A packet that two interfaces saw is in two
records and counts twice; ``side=host`` counts only what each interface says of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import Field

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
)


class Side(StrEnum):
    """Which ends of a record count."""

    EITHER = "either"
    HOST = "host"
    PEER = "peer"


class TalkersParameters(TopParameters):
    """Parameters of talkers."""

    side: Side = Field(
        default=Side.EITHER,
        description="either: both ends of every record; host: the interface's own address only; "
        "peer: the other end only.",
    )
    peers: bool = Field(
        default=False, description="Count the different addresses each one talked with; slower."
    )


def _columns(parameters: TalkersParameters, _: Frame) -> tuple[ColumnMeta, ...]:
    peers = (ColumnMeta("peers", "count", "Peers"),) if parameters.peers else ()
    return (
        ColumnMeta("address", "address", "Address"),
        *MEASURE_COLUMNS,
        ColumnMeta("bytes_sent", "bytes", "Sent"),
        ColumnMeta("bytes_received", "bytes", "Received"),
        ColumnMeta("packets_sent", "packets", "Packets sent"),
        ColumnMeta("packets_received", "packets", "Packets received"),
        ColumnMeta("rejected", "count", "Rejected"),
        *peers,
        UNSIZED_COLUMN,
    )


def _side(rows: Any, end: str, sent_direction: int) -> Any:
    """The rows as one end sees them."""
    return rows.select(
        address=rows[end],
        sent=rows.direction == sent_direction,
        **{name: rows[name] for name in ("action", "records", "bytes", "bytes_nulls", "packets")},
    )


def _peers(records: Any, top: Any, parameters: TalkersParameters) -> Any:
    import ibis

    ends = {
        Side.EITHER: (("host", "peer"), ("peer", "host")),
        Side.HOST: (("host", "peer"),),
        Side.PEER: (("peer", "host"),),
    }[parameters.side]
    couples = [
        records.filter(records[one].isin(top.address))
        .select(address=records[one], other=records[other])
        .distinct()
        for one, other in ends
    ]
    both = couples[0] if len(couples) == 1 else ibis.union(*couples, distinct=True)
    return both.group_by("address").aggregate(peers=both.other.count())


def _top(rows: Any, ends: Sequence[str], parameters: TalkersParameters) -> Any:
    """The largest addresses, by what they are sorted by alone."""
    import ibis

    measure = parameters.sort.value
    sizes = []
    for end in ends:
        known = rows.filter(rows[end].notnull())
        sums = known.group_by(address=known[end]).aggregate(**{measure: known[measure].sum()})
        sizes.append(sums)
    both = sizes[0]
    if len(sizes) > 1:
        both = ibis.union(*sizes, distinct=False)
        both = both.group_by("address").aggregate(**{measure: both[measure].sum()})
    return largest(both, measure, ("address",), parameters.limit).select("address")


def build_talkers(records: Any, parameters: TalkersParameters) -> Any:
    """The largest talkers: found first, and only then summed up whole."""
    import ibis

    directions = {"host": 0, "peer": 1}
    chosen = [end for end in directions if parameters.side in {Side.EITHER, end}]
    listed = _top(records, chosen, parameters)
    sides = [_side(records, end, directions[end]) for end in chosen]
    both = sides[0] if len(sides) == 1 else ibis.union(*sides, distinct=False)
    kept = both.semi_join(listed, "address")
    talkers = kept.group_by("address").aggregate(
        **measures(kept),
        bytes_sent=kept.bytes.sum(where=kept.sent),
        bytes_received=kept.bytes.sum(where=~kept.sent),
        packets_sent=kept.packets.sum(where=kept.sent),
        packets_received=kept.packets.sum(where=~kept.sent),
        rejected=count(kept, kept.action == "REJECT"),
    )
    top = largest(talkers, parameters.sort, ("address",), parameters.limit)
    if not parameters.peers:
        return top
    counted = _peers(records, top, parameters)
    joined = top.left_join(counted, "address").drop("address_right")
    joined = joined.mutate(peers=joined.peers.fill_null(0))
    return largest(joined, parameters.sort, ("address",), parameters.limit)


QUESTION = Question("talkers", TalkersParameters, _columns, build_talkers, grain=OF_CONVERSATIONS)
