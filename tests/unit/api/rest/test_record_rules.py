"""Aim: a record leads to the rule behind it, recorded or judged, and an explanation to a fix.

Method: a network made over the control plane, records in a table, and requests over HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from network_scene import T0, Scene, record, scene_server, write_records
from rest_harness import RestServer

from vpcflow.policy.protocols import ICMP, TCP


class Place:
    """A web server with an open port, and a neighbour VPC with the same addresses."""

    def __init__(self, scene: Scene) -> None:
        self.vpc, self.twin = scene.vpc("10.0.0.0/16", "main"), scene.vpc("10.0.0.0/16", "twin")
        net = scene.subnet(self.vpc, "10.0.1.0/24", "web-a")
        twin_net = scene.subnet(self.twin, "10.0.1.0/24", "twin-a")
        self.web, self.closed = scene.group(self.vpc, "web"), scene.group(self.twin, "closed")
        everyone = ip_network("0.0.0.0/0")
        self.https = scene.allow(self.web, "ingress", TCP, 443, 443, cidr=everyone)
        self.eni = scene.interface(net, "10.0.1.10", self.web, name="web-1")
        self.twin_eni = scene.interface(twin_net, "10.0.1.10", self.closed)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, RestServer]]:
    with scene_server(tmp_path_factory.mktemp("rules")) as (scene, server, settings):
        place = Place(scene)
        eni = place.eni
        rows = [
            record(eni, "192.0.2.1", "10.0.1.10", TCP, 40_000, 22, 60, "REJECT", start=T0 + number)
            for number in range(5)
        ]
        rows += [
            record(
                eni, "192.0.2.2", "10.0.1.10", TCP, 40_000, 3389, 60, "REJECT",
                reject_rule="acl-7/100", start=T0 + 50,
            ),
            record("eni-gone", "192.0.2.3", "10.9.9.9", TCP, 40_000, 25, 60, "REJECT"),
            record(eni, "192.0.2.1", "10.0.1.10", ICMP, 0, 0, 60, "REJECT"),
            record(eni, "192.0.2.9", "10.0.1.10", TCP, 40_000, 443, 900),
        ]  # fmt: skip
        write_records(settings, rows)
        yield place, server


def _record_rule(server: RestServer, interface_id: str, *flow: Any, **more: Any) -> Any:
    names = ("srcaddr", "dstaddr", "protocol", "srcport", "dstport", "action")
    reply = server.get(
        "/record-rule", interface_id=interface_id, **dict(zip(names, flow, strict=True)), **more
    )
    assert reply.status == 200, reply.body
    return reply.json


def test_a_record_that_names_its_rule(world: tuple[Place, RestServer]) -> None:
    place, server = world
    flow = ("192.0.2.2", "10.0.1.10", TCP, 40_000, 3389, "REJECT")
    said = _record_rule(server, place.eni, *flow, start=T0 + 50)
    assert (said["basis"], said["rule"], said["network_acl_id"]) == (
        "recorded", "acl-7/100", "acl-7",
    )  # fmt: skip
    # Without its time the record cannot be found, so the rules are asked.
    assert _record_rule(server, place.eni, *flow)["rule"] == place.web


def test_a_refused_record_is_judged(world: tuple[Place, RestServer]) -> None:
    place, server = world
    said = _record_rule(
        server, place.eni, "192.0.2.1", "10.0.1.10", TCP, 40_000, 22, "REJECT", start=T0
    )
    assert (said["basis"], said["rule"], said["group_id"]) == ("judged", place.web, place.web)
    assert (said["agrees"], said["leg"], said["rule_name"]) == (True, "request", "web")
    assert said["fix"] == (
        f"Add to security group web ({place.web}) a rule for ingress of tcp 22, source 192.0.2.1."
    )
    assert any("may have been others" in note for note in said["notes"])


def test_an_accepted_record_and_its_reply_lead_to_the_rule_that_allowed(
    world: tuple[Place, RestServer],
) -> None:
    place, server = world
    request = _record_rule(server, place.eni, "192.0.2.9", "10.0.1.10", TCP, 40_000, 443, "ACCEPT")
    reply = _record_rule(server, place.eni, "10.0.1.10", "192.0.2.9", TCP, 443, 40_000, "ACCEPT")
    assert (request["leg"], reply["leg"]) == ("request", "reply")
    assert request["rule"] == reply["rule"] == f"{place.web}/{place.https}"
    assert request["basis"] == reply["basis"] == "judged"


def test_an_accepted_record_that_the_rules_refuse_now(world: tuple[Place, RestServer]) -> None:
    place, server = world
    said = _record_rule(server, place.eni, "192.0.2.9", "10.0.1.10", TCP, 40_000, 8080, "ACCEPT")
    assert (said["basis"], said["agrees"], said["rule"]) == ("unknown", False, "")
    assert "would be REJECT" in said["why"]


def test_two_vpcs_with_one_address_are_told_apart_by_the_interface(
    world: tuple[Place, RestServer],
) -> None:
    place, server = world
    flow = ("192.0.2.9", "10.0.1.10", TCP, 40_000, 443, "REJECT")
    assert _record_rule(server, place.twin_eni, *flow)["rule"] == place.closed
    assert _record_rule(server, place.eni, *flow)["agrees"] is False


def test_an_interface_that_nobody_knows(world: tuple[Place, RestServer]) -> None:
    said = _record_rule(world[1], "eni-gone", "192.0.2.3", "10.9.9.9", TCP, 40_000, 25, "REJECT")
    assert said["basis"] == "unknown"
    assert said["why"] == "eni-gone is not in the inventory, so its rules are not known."
    assert said["hint"]


def test_icmp_is_taken_for_a_ping(world: tuple[Place, RestServer]) -> None:
    place, server = world
    flow = ("192.0.2.1", "10.0.1.10", ICMP, 0, 0, "REJECT")
    said = _record_rule(server, place.eni, *flow)
    assert said["rule"] == place.web
    assert any("ping" in note for note in said["notes"])


def test_an_explanation_names_stations_and_a_fix(world: tuple[Place, RestServer]) -> None:
    place, server = world
    flow = {"source": "192.0.2.1", "destination": "10.0.1.10", "protocol": "tcp"}
    refused = server.get("/explain", **flow, dport=22, vpc=place.vpc).json
    assert (refused["verdict"], refused["destination_interface_id"]) == ("reject", place.eni)
    step = refused["steps"][refused["refused_at"]]
    assert (step["station"], step["rule"], step["leg"]) == (
        "security-group", place.web, "request",
    )  # fmt: skip
    assert refused["summary"].startswith("REJECT: the request is refused at web-1 by")
    assert refused["fix"].startswith("Add to security group web")
    allowed = server.get("/explain", **flow, dport=443, vpc=place.vpc).json
    assert (allowed["verdict"], allowed["fix"], allowed["refused_at"]) == ("accept", "", None)


def test_an_explanation_that_cannot_be_given_says_what_to_do(
    world: tuple[Place, RestServer],
) -> None:
    server = world[1]
    flow = {"source": "192.0.2.1", "destination": "10.0.1.10", "dport": 22}
    several = server.get("/explain", **flow)
    assert several.status == 404
    assert "choose a VPC" in several.error["hint"]
    odd = server.get("/explain", source="x", destination="10.0.1.10", dport=1)
    assert (odd.status, odd.error["where"]) == (400, "source")
    assert server.get("/explain", source="192.0.2.1", destination="10.0.1.10").status == 400


def test_rejected_ports_have_their_rule(world: tuple[Place, RestServer]) -> None:
    place, server = world
    body = server.get("/rejected-ports").json
    found = {one["port"]: one for one in body["ports"]}
    assert [one["records"] for one in body["ports"]][:1] == [5]
    assert (found[22]["basis"], found[22]["rule"]) == ("judged", place.web)
    assert (found[22]["top_source"], found[22]["top_target_name"]["name"]) == ("192.0.2.1", "web-1")
    assert (found[3389]["basis"], found[3389]["rule"]) == ("recorded", "acl-7/100")
    assert (found[25]["basis"], found[25]["rule"]) == ("unknown", "")
    assert "not in the inventory" in found[25]["why"]
    assert found[22]["filter"] == "dstport = 22 and protocol = 6 and action = REJECT"


def test_whoever_may_not_ask_is_refused(world: tuple[Place, RestServer]) -> None:
    server = world[1]
    signed_in: Any = server.services.signed_in
    who, signed_in.who = signed_in.who, None
    try:
        for path in ("/network", "/interfaces", "/graph", "/security-groups", "/rejected-ports"):
            assert server.get(path).status == 401
    finally:
        signed_in.who = who
