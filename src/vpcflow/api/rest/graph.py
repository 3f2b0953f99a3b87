"""GET /graph: who talks to whom, as nodes and links."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import reader
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.graph_ends import OTHER, End, Ends
from vpcflow.api.rest.graph_layers import Layered, layered
from vpcflow.api.rest.graph_links import DEDUPLICATED, Link, Linked, linked
from vpcflow.api.rest.graph_models import Graph, GraphLevel, GraphLink, GraphNode
from vpcflow.api.rest.known_network import KnownNetwork, known_network
from vpcflow.api.rest.network_models import cost_of, coverage_of
from vpcflow.api.rest.records_in_scope import Scope, ask, rows_of, scope
from vpcflow.query.address_scope import Scope as PeerScope
from vpcflow.query.expression import In

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Nodes and links of one graph.
NODES_MAX = 500
LINKS_MAX = 2_000
#: Of those, links with most refused records: they carry few bytes, and would be left out.
REJECTED_LINKS_MAX = 400
#: Edges that are asked for; what is beyond is one node.
EDGES_ASKED = 5_000
#: Interfaces that are asked about again, because records were stored from the other side.
TURNED_MAX = 1_000
#: Interfaces whose own addresses are learned from records, where the inventory has not all.
HOSTS_LEARNED_MAX = 20_000


def routes(services: RestServices) -> APIRouter:
    """The route of the graph."""
    router = APIRouter(tags=["network"])

    @router.get("/graph", response_model=Graph)
    async def get_graph(
        request: Request,
        asked: Annotated[Scope, Depends(scope)],
        level: GraphLevel = GraphLevel.INTERFACE,
        limit: Annotated[int, Query(ge=2, le=NODES_MAX)] = 50,
    ) -> Response:
        """Nodes with most bytes and the links between them; the others are one node."""

        def steps() -> Steps[Graph]:
            reader(services, request)
            return (yield from _graph(services, asked, level, limit))

        return await composed(services, request, steps)

    return router


def _graph(services: RestServices, asked: Scope, level: GraphLevel, limit: int) -> Steps[Graph]:
    known = known_network(services)
    by = "address" if level is GraphLevel.HOST else "interface"
    parameters = {"by": by, "limit": EDGES_ASKED, "internal": known.named_networks}
    answer = yield from ask(services, asked, "graph_edges", parameters)
    rows = yield from _oriented(services, known, asked, parameters, rows_of(answer))
    learned = yield from _hosts(services, known, asked, rows)
    whole = linked(rows, Ends(known, level, learned))
    few = _limited(whole, limit)
    links = sorted(few.links.values(), key=_most_bytes)
    shown = _shown(links)
    columns = layered(few.nodes, shown)
    rest = [row for row in rows if row["scope"] == PeerScope.OTHER]
    notes = list(answer.notes)
    if rest:
        notes.append(
            f"{sum(row['edges'] or 0 for row in rest):,} smaller edges are one node, 'All others'; "
            "what both ends of them recorded is counted twice there."
        )
    return Graph(
        level=level,
        nodes=_nodes(few, columns),
        links=[_link(one, columns) for one in shown],
        nodes_total=len(whole.nodes),
        links_total=len(whole.links),
        deduplicated=DEDUPLICATED,
        scan=cost_of(answer),
        coverage=coverage_of(answer),
        truncated=answer.truncated or len(whole.nodes) > len(few.nodes) or len(links) > LINKS_MAX,
        elapsed_s=answer.elapsed_s,
        notes=notes,
    )


def _most_bytes(link: Link) -> tuple[int, int, str, str]:
    return -link.total, -link.rejected, link.a, link.b


def _shown(links: list[Link]) -> list[Link]:
    """The links of most bytes, and those of most refusals, in the order of bytes."""
    if len(links) <= LINKS_MAX:
        return links
    refused = sorted((one for one in links if one.rejected), key=lambda one: -one.rejected)
    kept = {(one.a, one.b): one for one in refused[:REJECTED_LINKS_MAX]}
    for one in links:
        if len(kept) == LINKS_MAX:
            break
        kept.setdefault((one.a, one.b), one)
    return sorted(kept.values(), key=_most_bytes)


def _oriented(
    services: RestServices,
    known: KnownNetwork,
    asked: Scope,
    parameters: dict[str, Any],
    rows: list[dict[str, Any]],
) -> Steps[list[dict[str, Any]]]:
    """The rows, each from the side of its interface's own address.

    Shape: of an interface with a single peer, records may have been stored from the other side; what
    was summed up without its addresses is asked for again with them.
    """
    turned = {row["interface_id"] for row in rows if row["host"] is None and _is_own(known, row)}
    if turned:
        ids = tuple(sorted(turned))[:TURNED_MAX]
        again = yield from ask(
            services,
            asked,
            "graph_edges",
            {**parameters, "by": "address"},
            In("interface-id", ids),
        )
        rows = [row for row in rows if row["interface_id"] not in ids] + rows_of(again)
    return [_turned(row) if _is_own(known, row) else row for row in rows]


def _is_own(known: KnownNetwork, row: dict[str, Any]) -> bool:
    """Whether the peer's address is the interface's own, and the host's is not."""
    one = known.rules.inventory.interfaces.get(row["interface_id"] or "")
    if one is None or row["peer"] is None:
        return False
    own = {str(address) for address in one.addresses}
    return row["peer"] in own and row["host"] not in own


def _turned(row: dict[str, Any]) -> dict[str, Any]:
    return row | {
        "host": row["peer"],
        "peer": row["host"],
        "bytes_out": row["bytes_in"],
        "bytes_in": row["bytes_out"],
    }


def _hosts(
    services: RestServices, known: KnownNetwork, asked: Scope, rows: list[dict[str, Any]]
) -> Steps[list[tuple[str, str, str]]]:
    """Own addresses of interfaces as records name them, where the inventory does not know all."""
    inventory = known.rules.inventory.interfaces
    if all(row["interface_id"] in inventory for row in rows if row["interface_id"]):
        return []
    if any(row["host"] is not None for row in rows):
        found = {(row["account_id"] or "", row["interface_id"], row["host"]) for row in rows}
    else:
        answer = yield from ask(services, asked, "interfaces", {"limit": HOSTS_LEARNED_MAX})
        found = {
            (row["account_id"] or "", row["interface_id"], row["address"])
            for row in rows_of(answer)
        }
    return [
        (account_id, interface_id, address)
        for account_id, interface_id, address in sorted(found, key=repr)
        if interface_id is not None and address is not None
    ]


def _limited(whole: Linked, limit: int) -> Linked:
    """The nodes with most bytes; the others become one."""
    if len(whole.nodes) <= limit:
        return whole
    bytes_of, _ = _sums(whole)
    ranked = sorted(whole.nodes, key=lambda key: (-bytes_of[key], key))
    kept = {*[key for key in ranked if key != OTHER][: limit - 1], OTHER}
    links: dict[tuple[str, str], Link] = {}
    members = {key: set(held) for key, held in whole.members.items() if key in kept}
    others = members.setdefault(OTHER, set())
    for key in whole.nodes.keys() - kept:
        others |= whole.members[key]
    for one in whole.links.values():
        a, b = (key if key in kept else OTHER for key in (one.a, one.b))
        moved = replace(one, a=a, b=b)
        if a > b:
            moved = moved.turned()
        links.setdefault((moved.a, moved.b), Link(moved.a, moved.b)).add(moved)
    nodes = {key: node for key, node in whole.nodes.items() if key in kept}
    nodes.setdefault(OTHER, End(OTHER, "other", "All others"))
    return Linked(links, nodes, members)


def _sums(few: Linked) -> tuple[dict[str, int], dict[str, list[int]]]:
    """Bytes of every node; and its packets, records and rejected records."""
    size = dict.fromkeys(few.nodes, 0)
    counts = {key: [0, 0, 0] for key in few.nodes}
    for link in few.links.values():
        for key in {link.a, link.b}:
            size[key] += link.total
            for place, value in enumerate((link.packets, link.records, link.rejected)):
                counts[key][place] += value
    return size, counts


def _nodes(few: Linked, columns: Layered) -> list[GraphNode]:
    size, counts = _sums(few)
    return [
        GraphNode(
            id=key,
            kind=node.kind,
            name=node.name,
            parent=node.parent,
            layer=columns.layers[key],
            bytes=size[key],
            packets=counts[key][0],
            records=counts[key][1],
            rejected=counts[key][2],
            members=len(few.members.get(key, ())),
            filter=node.filter,
        )
        for key, node in sorted(few.nodes.items(), key=lambda item: columns.order[item[0]])
    ]


def _link(link: Link, columns: Layered) -> GraphLink:
    forward = columns.order[link.a] <= columns.order[link.b]
    there, back = (link.a_to_b, link.b_to_a) if forward else (link.b_to_a, link.a_to_b)
    return GraphLink(
        source=link.a if forward else link.b,
        target=link.b if forward else link.a,
        bytes=there,
        bytes_back=back,
        total=link.total,
        packets=link.packets,
        records=link.records,
        rejected=link.rejected,
        rejected_bytes=link.rejected_bytes,
        dominant="forward" if there >= back else "back",
        in_sankey=(link.a, link.b) in columns.kept,
    )
