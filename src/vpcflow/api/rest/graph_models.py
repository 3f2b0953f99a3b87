"""What the route about who talks to whom answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from vpcflow.api.rest.network_models import OfRecords


class GraphLevel(StrEnum):
    """What the nodes stand for."""

    INTERFACE = "interface"
    SUBNET = "subnet"
    VPC = "vpc"
    HOST = "host"
    GROUP = "group"


NodeKind = Literal[
    "internet", "service", "network", "vpc", "subnet", "interface", "host", "group", "other"
]


class GraphNode(BaseModel):
    """One end of links.

    Shape: ``layer`` is its column in a sankey, from 0 at the left: the Internet, then who talks
    with it, then the others. ``parent`` is the subnet of an interface, the VPC of a subnet or
    group. ``filter`` finds its records, empty where no filter says it. ``members`` counts the
    interfaces or addresses that it stands for.
    """

    id: str
    kind: NodeKind
    name: str
    parent: str | None
    layer: int
    bytes: int
    packets: int
    records: int
    rejected: int
    members: int
    filter: str


class GraphLink(BaseModel):
    """What went between two nodes, both ways.

    Shape: ``source`` is the left one: never more to the right than ``target``, and there is no
    cycle. ``bytes`` went from source to target, ``bytes_back`` the other way; ``total`` is their
    sum, ``rejected_bytes`` what of it was refused. ``dominant`` is the way that had more.
    ``in_sankey`` is false where the two nodes would need more columns than a sankey has: leave
    those links out there, a matrix shows them all.
    """

    source: str
    target: str
    bytes: int
    bytes_back: int
    total: int
    packets: int
    records: int
    rejected: int
    rejected_bytes: int
    dominant: Literal["forward", "back"]
    in_sankey: bool


class Graph(OfRecords):
    """Who talked to whom; each conversation is one link, however many interfaces saw it.

    Shape: links with most bytes first. ``deduplicated`` says how records of both sides were made
    one, for people. ``nodes_total`` and ``links_total`` count those before the limit.
    """

    level: GraphLevel
    nodes: list[GraphNode]
    links: list[GraphLink]
    nodes_total: int
    links_total: int
    deduplicated: str
