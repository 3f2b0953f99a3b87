"""Edges as each interface saw them, made links: one for every two nodes that talked.

What two interfaces both saw is in the records of both. Each way is taken from the records of the
end that sent it, where that end has records of it; from the receiver's otherwise. What is refused
is recorded once, by the end that refused, so that refusals of both ends are added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from vpcflow.api.rest.graph_ends import End, Ends

DEDUPLICATED: Final = (
    "What the interfaces of both ends recorded is counted once: each way from the records of the end "
    "that sent it, where it has any, else from the receiver's; records and packets from the end "
    "with more of them; refusals from both."
)


@dataclass(slots=True)
class _Side:
    """What the records of one end say of a pair: sent, received, and counts of both ways."""

    sent: int = 0
    received: int = 0
    packets: int = 0
    records: int = 0
    rejected: int = 0
    rejected_bytes: int = 0

    def add(self, row: dict[str, Any]) -> None:
        self.sent += row["bytes_out"] or 0
        self.received += row["bytes_in"] or 0
        self.packets += row["packets"] or 0
        self.records += row["records"] or 0
        self.rejected += row["rejected"] or 0
        self.rejected_bytes += row["rejected_bytes"] or 0


@dataclass(slots=True)
class Link:
    """Two nodes, ``a`` and ``b`` in the order of their ids, and what went each way."""

    a: str
    b: str
    a_to_b: int = 0
    b_to_a: int = 0
    packets: int = 0
    records: int = 0
    rejected: int = 0
    rejected_bytes: int = 0

    @property
    def total(self) -> int:
        """Bytes of both ways."""
        return self.a_to_b + self.b_to_a

    def turned(self) -> Link:
        """The same with the nodes in the other order."""
        return replace(self, a=self.b, b=self.a, a_to_b=self.b_to_a, b_to_a=self.a_to_b)

    def add(self, other: Link) -> None:
        """Take in what went between the same two nodes."""
        self.a_to_b += other.a_to_b
        self.b_to_a += other.b_to_a
        self.packets += other.packets
        self.records += other.records
        self.rejected += other.rejected
        self.rejected_bytes += other.rejected_bytes


@dataclass(slots=True)
class _Pair:
    """Two finest ends that talked, and what the records of each say."""

    ends: tuple[End, End]
    sides: tuple[_Side, _Side] = field(default_factory=lambda: (_Side(), _Side()))

    def link(self) -> Link:
        first, second = self.sides
        more = max(self.sides, key=lambda side: side.records)
        a, b = self.ends
        link = Link(
            a.id,
            b.id,
            first.sent or second.received,
            second.sent or first.received,
            more.packets,
            more.records,
            first.rejected + second.rejected,
            first.rejected_bytes + second.rejected_bytes,
        )
        return link if a.id <= b.id else link.turned()


@dataclass(frozen=True, slots=True)
class Linked:
    """Links between nodes, and the nodes; ``members`` are what each node stands for."""

    links: dict[tuple[str, str], Link]
    nodes: dict[str, End]
    members: dict[str, set[str]]


def linked(rows: Iterable[dict[str, Any]], ends: Ends) -> Linked:
    """The links of the rows of graph_edges."""
    pairs: dict[tuple[str, str], _Pair] = {}
    nodes: dict[str, End] = {}
    members: dict[str, set[str]] = {}
    for row in rows:
        own, peer = ends.own(row), ends.peer(row)
        # Both sides of a conversation must find each other: pairs are of interfaces, or of what
        # stands in their place, before they become pairs of nodes.
        here = row["host"] if own.kind == "host" else row["interface_id"] or own.id
        there = ends.interface_of(row) if own.kind != "host" else row["peer"]
        there = there or row["peer"] or peer.id
        for end, member in ((own, here), (peer, there)):
            nodes[end.id] = end
            members.setdefault(end.id, set()).add(member)
        if here <= there:
            pair = pairs.setdefault((here, there), _Pair((own, peer)))
            pair.sides[0].add(row)
        else:
            pair = pairs.setdefault((there, here), _Pair((peer, own)))
            pair.sides[1].add(row)
    links: dict[tuple[str, str], Link] = {}
    for pair in pairs.values():
        link = pair.link()
        held = links.setdefault((link.a, link.b), Link(link.a, link.b))
        held.add(link)
    return Linked(links, nodes, members)
