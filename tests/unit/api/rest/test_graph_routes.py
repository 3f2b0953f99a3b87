"""Aim: each conversation is one link, however many interfaces saw it, and a sankey has no cycle.

Method: records of one or both ends of known conversations, with and without an inventory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from network_scene import Row, Scene, record, scene_server, write_records
from rest_harness import RestServer


def _conversation(one: str, other: str, ends: tuple[str, str], there: int, back: int) -> list[Row]:
    """What the interfaces of both ends record; an empty id is an interface without a flow log."""
    a, b = ends
    rows = []
    for interface_id in (one, other):
        if interface_id:
            rows.append(record(interface_id, a, b, 6, 40_000, 443, there))
            rows.append(record(interface_id, b, a, 6, 443, 40_000, back))
    return rows


class Place:
    """Web and database in two subnets, a twin VPC with the same addresses."""

    def __init__(self, scene: Scene) -> None:
        self.vpc, twin = scene.vpc("10.0.0.0/16", "main"), scene.vpc("10.0.0.0/16", "twin")
        self.web_net = scene.subnet(self.vpc, "10.0.1.0/24", "web-a")
        self.db_net = scene.subnet(self.vpc, "10.0.2.0/24", "db-a")
        twin_net = scene.subnet(twin, "10.0.2.0/24", "twin-a")
        self.web_group = scene.group(self.vpc, "web")
        self.web = scene.interface(self.web_net, "10.0.1.10", self.web_group, name="web-1")
        self.db = scene.interface(self.db_net, "10.0.2.10", name="db-1")
        self.silent = scene.interface(self.db_net, "10.0.2.11", name="no-log")
        self.twin = scene.interface(twin_net, "10.0.2.10", name="copy")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, RestServer]]:
    with scene_server(tmp_path_factory.mktemp("graph")) as (scene, server, settings):
        place = Place(scene)
        rows = _conversation(place.web, place.db, ("10.0.1.10", "10.0.2.10"), 1_000, 9_000)
        rows += _conversation(place.web, "", ("10.0.1.10", "10.0.2.11"), 70, 30)
        for number in range(3):
            rows += _conversation("", place.web, (f"93.184.216.{number}", "10.0.1.10"), 100, 500)
        rows += _conversation(place.twin, "", ("10.0.2.10", "10.0.9.9"), 5, 6)
        # The sender's groups let it out, the receiver's refuse it: two records, one refusal.
        rows.append(record(place.web, "10.0.1.10", "10.0.2.10", 6, 40_001, 22, 60))
        rows.append(record(place.db, "10.0.1.10", "10.0.2.10", 6, 40_001, 22, 60, "REJECT"))
        write_records(settings, rows)
        yield place, server


def _links(body: Any) -> dict[frozenset[str], dict[str, int]]:
    """Bytes by who sent them, for every pair."""
    return {
        frozenset((link["source"], link["target"])): {
            link["source"]: link["bytes"],
            link["target"]: link["bytes_back"],
            "rejected": link["rejected"],
            "records": link["records"],
        }
        for link in body["links"]
    }


def test_both_ends_of_a_conversation_are_one_link(world: tuple[Place, RestServer]) -> None:
    place, server = world
    links = _links(server.get("/graph").json)
    pair = links[frozenset((place.web, place.db))]
    assert pair == {place.web: 1_060, place.db: 9_000, "rejected": 1, "records": 3}


def test_an_end_without_records_is_known_by_its_address(world: tuple[Place, RestServer]) -> None:
    place, server = world
    pair = _links(server.get("/graph").json)[frozenset((place.web, place.silent))]
    assert (pair[place.web], pair[place.silent]) == (70, 30)


def test_the_internet_is_one_node_at_the_left(world: tuple[Place, RestServer]) -> None:
    place, server = world
    body = server.get("/graph").json
    nodes = {one["id"]: one for one in body["nodes"]}
    assert nodes["internet"]["layer"] == 0
    assert nodes[place.web]["layer"] == 1
    assert nodes[place.db]["layer"] > 1
    link = next(one for one in body["links"] if one["source"] == "internet")
    assert (link["target"], link["bytes"], link["bytes_back"]) == (place.web, 300, 1_500)
    assert link["dominant"] == "back"
    assert nodes[place.web]["name"] == "web-1"
    assert nodes[place.web]["parent"] == place.web_net


def test_the_same_address_in_two_vpcs_is_two_nodes(world: tuple[Place, RestServer]) -> None:
    place, server = world
    links = _links(server.get("/graph").json)
    assert frozenset((place.web, place.twin)) not in links
    assert links[frozenset((place.twin, "private"))] == {
        place.twin: 5, "private": 6, "rejected": 0, "records": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "pair"),
    [("subnet", ("web_net", "db_net")), ("vpc", ("vpc", "vpc")), ("group", ("web_group", None))],
)
def test_wider_levels_sum_the_same_bytes(
    world: tuple[Place, RestServer], level: str, pair: tuple[str, str | None]
) -> None:
    place, server = world
    fine = server.get("/graph").json
    body = server.get("/graph", level=level).json
    assert sum(one["total"] for one in body["links"]) == sum(one["total"] for one in fine["links"])
    ids = {one["id"] for one in body["nodes"]}
    assert {getattr(place, name) for name in pair if name} <= ids
    within = _links(body)
    if level == "subnet":
        found = within[frozenset((place.web_net, place.db_net))]
        assert (found[place.web_net], found[place.db_net]) == (1_130, 9_030)


def test_what_is_beyond_the_limit_is_one_node(world: tuple[Place, RestServer]) -> None:
    server = world[1]
    whole, few = server.get("/graph").json, server.get("/graph", limit=3).json
    assert len(few["nodes"]) == 3
    assert few["truncated"]
    assert few["nodes_total"] == len(whole["nodes"])
    assert sum(one["total"] for one in few["links"]) == sum(one["total"] for one in whole["links"])


@pytest.mark.parametrize("level", ["interface", "subnet", "vpc", "host", "group"])
def test_links_of_a_sankey_go_from_left_to_right(
    rest_server: RestServer, world: tuple[Place, RestServer], level: str
) -> None:
    for server in (rest_server, world[1]):
        reply = server.get("/graph", level=level, limit=100)
        assert reply.status == 200
        body = reply.json
        layers = {one["id"]: one["layer"] for one in body["nodes"]}
        order = {one["id"]: place for place, one in enumerate(body["nodes"])}
        assert body["nodes"]
        for link in body["links"]:
            if link["in_sankey"]:
                assert layers[link["source"]] < layers[link["target"]]
            # Those that are left out make no cycle either.
            assert order[link["source"]] <= order[link["target"]]


def test_without_an_inventory_records_say_whose_an_address_is(rest_server: RestServer) -> None:
    body = rest_server.get("/graph", limit=500).json
    kinds = {one["kind"] for one in body["nodes"]}
    assert {"interface", "internet"} <= kinds
    interfaces = {one["id"] for one in body["nodes"] if one["kind"] == "interface"}
    assert all(one.startswith("eni-") for one in interfaces)
    assert any({one["source"], one["target"]} <= interfaces for one in body["links"])


def test_a_filter_bounds_the_graph(world: tuple[Place, RestServer]) -> None:
    place, server = world
    body = server.get("/graph", filter="action = REJECT").json
    assert {one["id"] for one in body["nodes"]} == {place.web, place.db}
    assert server.get("/graph", filter="nonsense").status == 400
