"""Aim: what came through each rule is what a slow reading of every record says.

Method: a network made over the control plane, random records in a table, and for each record the
policy asked in plain Python which rules allow it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from network_scene import T0, Row, Scene, record, scene_server, write_records
from rest_harness import RestServer

from vpcflow.policy.bindings import Bindings
from vpcflow.policy.matching import Question, allowing_rules
from vpcflow.policy.not_filtered import reserved_addresses
from vpcflow.policy.protocols import ICMP, TCP, UDP
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction

TEN = "10.0.0.0/16"
CLIENT_PORTS_FROM = 32_768


class Place:
    """A web tier and a database behind it, and another VPC with the same addresses."""

    def __init__(self, scene: Scene) -> None:
        vpc, twin = scene.vpc(TEN, "main", with_ipv6=True), scene.vpc(TEN, "twin")
        web_net = scene.subnet(vpc, "10.0.1.0/24", "web-a")
        db_net = scene.subnet(vpc, "10.0.2.0/24", "db-a")
        twin_net = scene.subnet(twin, "10.0.1.0/24", "twin-a")
        self.web, self.db = scene.group(vpc, "web"), scene.group(vpc, "db")
        self.ops, self.twin = scene.group(vpc, "ops"), scene.group(twin, "twin")
        offices = scene.prefixes("offices", "198.51.100.0/24", "203.0.113.0/25")
        four, six = ip_network("0.0.0.0/0"), ip_network("::/0")
        self.https = scene.allow(self.web, "ingress", TCP, 443, 443, cidr=four)
        self.https6 = scene.allow(self.web, "ingress", TCP, 443, 443, cidr=six)
        self.ssh = scene.allow(self.ops, "ingress", TCP, 22, 22, prefix_list_id=offices)
        self.open_ssh = scene.allow(self.ops, "ingress", TCP, 22, 22, cidr=four)
        self.ping = scene.allow(self.ops, "ingress", ICMP, 8, -1, cidr=four)
        self.high = scene.allow(self.ops, "ingress", TCP, 50_051, 50_051, cidr=ip_network(TEN))
        self.sql = scene.allow(self.db, "ingress", TCP, 5432, 5432, group_id=self.web)
        self.unused = scene.allow(self.db, "ingress", UDP, 161, 162, cidr=ip_network("10.9.0.0/16"))
        self.twin_https = scene.allow(self.twin, "ingress", TCP, 443, 443, cidr=four)
        self.web_eni = scene.interface(web_net, "10.0.1.10", self.web, self.ops, name="web-1")
        self.db_eni = scene.interface(db_net, "10.0.2.10", self.db, name="db-1")
        self.twin_eni = scene.interface(twin_net, "10.0.1.10", self.twin)


def ip_network(text: str) -> Any:
    from ipaddress import ip_network as parsed

    return parsed(text)


def _rows(place: Place) -> list[Row]:
    pick = random.Random(5)
    own = {place.web_eni: "10.0.1.10", place.db_eni: "10.0.2.10", place.twin_eni: "10.0.1.10"}
    peers = ["10.0.1.10", "10.0.2.10", "10.9.1.1", "198.51.100.7", "203.0.113.200", "192.0.2.1"]
    rows = []
    for _ in range(6_000):
        interface_id = pick.choice([*own, "eni-unknown"])
        host = own.get(interface_id, "10.7.7.7")
        peer = pick.choice(peers)
        if pick.random() < 0.1:
            host, peer = "2600:1f16::10", f"2001:db8:5::{pick.randrange(9)}"
        ends = [host, peer]
        pick.shuffle(ends)
        protocol = pick.choice([TCP, TCP, TCP, UDP, ICMP])
        ports = [pick.choice([22, 53, 443, 5432, 50_051, 123]), pick.randrange(1_024, 65_536)]
        if pick.random() < 0.05:
            ports[1] = ports[0]
        pick.shuffle(ports)
        if protocol == ICMP:
            ports = [0, 0]
        action = "REJECT" if pick.random() < 0.2 else "ACCEPT"
        flags = pick.choice([0, 0, 1, 2, 3, 18, 19]) if protocol == TCP else None
        rows.append(
            record(
                interface_id,
                *ends,
                protocol,
                *ports,
                pick.randrange(40, 9_000),
                action,
                start=T0 + pick.randrange(7_200),
                tcp_flags=flags,
            )
        )
    # What the provider's own services answer needs no rule, and DHCP neither.
    rows.append(record(place.web_eni, "10.0.1.10", "169.254.169.253", UDP, 40_000, 53))
    rows.append(record(place.web_eni, "10.0.1.10", "10.0.0.2", UDP, 40_000, 53))
    rows.append(record(place.web_eni, "10.0.1.10", "10.0.2.10", UDP, 68, 67))
    return rows


def _legs(row: Row) -> list[tuple[bool, int]]:
    """What a record may be of, the likeliest first: whether it is a reply, and the service's port."""
    sport, dport, flags = row["srcport"], row["dstport"], row["tcp-flags"] or 0
    if row["protocol"] == ICMP:
        return [(False, -1), (True, -1)]
    if row["protocol"] == TCP and flags & 2:
        return [(True, sport)] if flags & 16 else [(False, dport)]
    if sport == dport:
        return [(False, dport), (True, sport)]
    likely = (True, sport) if sport < dport else (False, dport)
    other = (not likely[0], max(sport, dport))
    return [likely, other] if min(sport, dport) >= CLIENT_PORTS_FROM else [likely]


def _plain(rules: RuleSet, rows: list[Row]) -> tuple[dict[str, Counter[str]], int]:
    """Records, bytes and the last start of every rule; and records that no rule allows."""
    bindings = Bindings(rules)
    sums: dict[str, Counter[str]] = {}
    unmatched = 0
    for row in rows:
        interface = rules.inventory.interfaces.get(row["interface-id"])
        if row["action"] != "ACCEPT" or interface is None:
            continue
        if row["protocol"] == UDP and {row["srcport"], row["dstport"]} <= {67, 68}:
            continue
        binding = bindings.binding(interface)
        own = {str(one) for one in interface.addresses} | {"2600:1f16::10"}
        egress = row["srcaddr"] in own and (row["dstaddr"] not in own)
        peer = ip_address(row["dstaddr"] if egress else row["srcaddr"])
        if peer in set(reserved_addresses(bindings, binding)):
            continue
        found: list[Any] = []
        for reply, port in _legs(row):
            way = Direction.EGRESS if egress != reply else Direction.INGRESS
            found = allowing_rules(bindings, binding, Question(way, peer, row["protocol"], port))
            if found:
                break
        unmatched += not found
        for _, rule, _ in found:
            held = sums.setdefault(rule.rule_id, Counter())
            held["records"] += 1
            held["bytes"] += row["bytes"]
            held["last"] = max(held["last"], row["start"])
    return sums, unmatched


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Place, RestServer, list[Row]]]:
    with scene_server(tmp_path_factory.mktemp("groups")) as (scene, server, settings):
        place = Place(scene)
        # An address that both ends have would say nothing of the direction.
        rows = [row for row in _rows(place) if row["srcaddr"] != row["dstaddr"]]
        write_records(settings, rows)
        yield place, server, rows


def test_rules_are_counted_as_a_plain_reading_counts_them(
    world: tuple[Place, RestServer, list[Row]],
) -> None:
    place, server, rows = world
    rules = server.services.network.declared_rules()
    expected, _ = _plain(rules, rows)
    seen = {}
    for group_id in (place.web, place.ops, place.db, place.twin):
        body = server.get(f"/security-groups/{group_id}").json
        for rule in body["rules"]:
            seen[rule["rule_id"]] = (rule["records"], rule["bytes"], rule["last_hit_s"])
            assert rule["never_used"] == (rule["records"] == 0)
    plain = {key: (held["records"], held["bytes"], held["last"]) for key, held in expected.items()}
    assert {key: value for key, value in seen.items() if value[0]} == plain
    assert seen[place.unused] == (0, 0, None)
    assert {place.https, place.https6, place.ssh, place.sql, place.ping, place.high} <= plain.keys()


def test_records_without_a_rule_are_told(world: tuple[Place, RestServer, list[Row]]) -> None:
    place, server, rows = world
    rules = server.services.network.declared_rules()
    _, unmatched = _plain(rules, [row for row in rows if row["interface-id"] == place.db_eni])
    assert unmatched > 0
    assert server.get(f"/security-groups/{place.db}").json["unmatched_records"] == unmatched


def test_peers_of_a_rule_are_those_with_most_records(
    world: tuple[Place, RestServer, list[Row]],
) -> None:
    place, server, _ = world
    rules = server.get(f"/security-groups/{place.db}").json["rules"]
    (sql,) = [rule for rule in rules if rule["rule_id"] == place.sql]
    assert [one["address"] for one in sql["top_peers"]] == ["10.0.1.10"]
    assert sql["top_peers"][0]["name"]["name"] == "web-1"
    assert sql["top_peers"][0]["records"] == sql["records"]
    assert sql["text"] == "ingress tcp 5432 from web"


def test_the_list_says_what_is_unused_and_what_is_open(
    world: tuple[Place, RestServer, list[Row]],
) -> None:
    place, server, _ = world
    groups = {one["group_id"]: one for one in server.get("/security-groups").json["groups"]}
    assert groups[place.db]["unused_rules"] >= 1
    assert groups[place.db]["interfaces"] == 1
    assert groups[place.ops]["findings"] == [
        {
            "severity": "high",
            "title": "SSH (port 22) is open to everyone (0.0.0.0/0)",
            "rule_id": place.open_ssh,
        }
    ]
    assert groups[place.web]["findings"] == []


def test_a_range_and_a_filter_bound_what_is_counted(
    world: tuple[Place, RestServer, list[Row]],
) -> None:
    place, server, rows = world
    rules = server.services.network.declared_rules()
    part = [row for row in rows if T0 + 600 <= row["start"] < T0 + 1_800 and row["protocol"] == TCP]
    expected, _ = _plain(rules, part)
    body = server.get(
        f"/security-groups/{place.ops}", start=T0 + 600, end=T0 + 1_800, filter="protocol = tcp"
    ).json
    seen = {rule["rule_id"]: rule["records"] for rule in body["rules"] if rule["records"]}
    assert seen == {
        key: held["records"]
        for key, held in expected.items()
        if key in {rule["rule_id"] for rule in body["rules"]}
    }


def test_an_interface_with_one_peer_is_seen_from_its_own_side(tmp_path: Path) -> None:
    with scene_server(tmp_path) as (scene, server, settings):
        place = Place(scene)
        # The client has the higher port: from records alone either address may be the interface's.
        rows = [record(place.db_eni, "10.0.1.10", "10.0.2.10", TCP, 40_000, 5432)]
        rows.append(record(place.db_eni, "10.0.2.10", "10.0.1.10", TCP, 5432, 40_000))
        write_records(settings, rows)
        rules = server.get(f"/security-groups/{place.db}").json["rules"]
        hits = {rule["rule_id"]: rule["records"] for rule in rules}
        assert hits[place.sql] == 2
        assert sum(hits.values()) == 2


def test_a_group_without_interfaces_reads_no_record(tmp_path: Path) -> None:
    with scene_server(tmp_path) as (scene, server, settings):
        group_id = scene.group(scene.vpc(TEN, "main"), "empty")
        write_records(settings, [record("eni-1", "10.0.1.10", "10.0.2.10", TCP, 5432, 40_000)])
        body = server.get(f"/security-groups/{group_id}").json
        assert (body["scan"]["files"], body["unmatched_records"]) == (0, 0)
        assert [rule["never_used"] for rule in body["rules"]] == [True]
        assert body["group"]["findings"][0]["title"] == "No interface is in it"


def test_a_group_that_is_not_there(world: tuple[Place, RestServer, list[Row]]) -> None:
    reply = world[1].get("/security-groups/sg-none")
    assert (reply.status, reply.error["code"]) == (404, "InvalidGroup.NotFound")
