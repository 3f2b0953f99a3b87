"""Addresses by what they sent and received.

An address is counted as either end of a record. A packet that two interfaces saw is in two
records and counts twice; ``side=host`` counts only what each interface says of itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    UNSIZED_COLUMN,
    Frame,
    Question,
    TopParameters,
    largest,
    measures,
    summed,
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


def _end(records: Any, end: str, sent_direction: int) -> Any:
    # Few groups by one address column keep its dictionary codes all the way through the engine.
    known = records.filter(records[end].notnull())
    groups = known.group_by(
        address=known[end], sent=known.direction == sent_direction, action=known.action
    )
    return groups.aggregate(**measures(known))


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


def build_talkers(records: Any, parameters: TalkersParameters) -> Any:
    """The largest talkers."""
    import ibis

    ends = []
    if parameters.side is not Side.PEER:
        ends.append(_end(records, "host", 0))
    if parameters.side is not Side.HOST:
        ends.append(_end(records, "peer", 1))
    groups = ends[0] if len(ends) == 1 else ibis.union(*ends, distinct=False)
    talkers = groups.group_by("address").aggregate(
        **summed(groups),
        bytes_sent=groups.bytes.sum(where=groups.sent),
        bytes_received=groups.bytes.sum(where=~groups.sent),
        packets_sent=groups.packets.sum(where=groups.sent),
        packets_received=groups.packets.sum(where=~groups.sent),
        rejected=groups.records.sum(where=groups.action == "REJECT").fill_null(0),
    )
    top = largest(talkers, parameters.sort, ("address",), parameters.limit)
    if not parameters.peers:
        return top
    counted = _peers(records, top, parameters)
    joined = top.left_join(counted, "address").drop("address_right")
    joined = joined.mutate(peers=joined.peers.fill_null(0))
    return largest(joined, parameters.sort, ("address",), parameters.limit)


QUESTION = Question("talkers", TalkersParameters, _columns, build_talkers)
