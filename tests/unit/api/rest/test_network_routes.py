"""Aim: the network is shown as the control plane holds it, with what records say of interfaces.

Method: VPCs with the same addresses, IPv6 and a prefix list, made over the control plane; records
of interfaces in and outside of the inventory.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from time import perf_counter
from typing import Any

import pytest
from network_scene import PLACE, T0, Scene, record, scene_server, write_records
from rest_harness import RestServer

from vpcflow.api.rest.known_network import known_network, network_of
from vpcflow.app.all_rules import joined_rules
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import SecurityGroup


class Place:
    """Two VPCs with the same addresses."""

    def __init__(self, scene: Scene) -> None:
        self.vpc, self.twin = scene.vpc("10.0.0.0/16", "main"), scene.vpc("10.0.0.0/16", "twin")
        self.net = scene.subnet(self.vpc, "10.0.1.0/24", "web-a")
        twin_net = scene.subnet(self.twin, "10.0.1.0/24", "twin-a")
        self.web = scene.group(self.vpc, "web")
        self.offices = scene.prefixes("offices", "198.51.100.0/24")
        self.eni = scene.interface(self.net, "10.0.1.10", self.web, name="web-1")
        self.plain = scene.interface(self.net, "10.0.1.11", description="the old mail server")
        self.twin_eni = scene.interface(twin_net, "10.0.1.10", name="copy-1")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, RestServer, Scene]]:
    with scene_server(tmp_path_factory.mktemp("network")) as (scene, server, settings):
        place = Place(scene)
        rows = [
            record(place.eni, "192.0.2.1", "10.0.1.10", 6, 40_000, 443, 100, start=T0 + minute * 60,
                   end=T0 + minute * 60 + 59)
            for minute in (0, 1, 5)
        ]  # fmt: skip
        rows += [record("eni-foreign", "10.8.0.1", "192.0.2.1", 6, 443, 40_000, 50, "REJECT")] * 2
        write_records(settings, rows)
        yield place, server, scene


def test_the_network_is_shown(world: tuple[Place, RestServer, Scene]) -> None:
    place, server, _ = world
    body = server.get("/network").json
    vpcs = {one["vpc_id"]: one for one in body["vpcs"]}
    assert {one["name"] for one in vpcs.values()} == {"main", "twin"}
    assert (vpcs[place.vpc]["subnets"], vpcs[place.vpc]["interfaces"]) == (1, 2)
    subnets = {one["subnet_id"]: one for one in body["subnets"]}
    assert subnets[place.net]["cidrs"] == ["10.0.1.0/24"]
    assert subnets[place.net]["public"] is False
    interfaces = {one["interface_id"]: one for one in body["interfaces"]}
    assert interfaces[place.eni]["name"] == "web-1"
    assert interfaces[place.eni]["groups"] == [place.web]
    assert interfaces[place.plain]["name"] == "the old mail server"
    assert body["names"][place.web]["name"] == "web"


def test_interfaces_come_in_pages(world: tuple[Place, RestServer, Scene]) -> None:
    server = world[1]
    first = server.get("/network", limit=2).json
    second = server.get("/network", limit=2, page=first["next_page"]).json
    assert (first["interfaces_total"], first["next_page"], second["next_page"]) == (3, 1, None)
    ids = [one["interface_id"] for page in (first, second) for one in page["interfaces"]]
    assert len(set(ids)) == 3
    assert second["vpcs"] == []


def test_interfaces_have_traffic_coverage_and_strangers(
    world: tuple[Place, RestServer, Scene],
) -> None:
    place, server, _ = world
    body = server.get("/interfaces").json
    found = {one["interface_id"]: one for one in body["interfaces"]}
    assert body["interfaces_total"] == 4
    seen = found[place.eni]
    assert (seen["records"], seen["bytes"], seen["bytes_in"], seen["rejected"]) == (3, 300, 300, 0)
    assert (seen["minutes_seen"], seen["minutes_expected"], seen["longest_gap_s"]) == (3, 6, 180)
    assert (seen["known"], seen["covered"], seen["last_record_s"]) == (True, False, T0 + 300)
    assert (found[place.plain]["records"], found[place.plain]["minutes_seen"]) == (0, None)
    stranger = found["eni-foreign"]
    assert (stranger["known"], stranger["rejected"], stranger["address"]) == (False, 2, "10.8.0.1")


def test_addresses_are_named_within_their_vpc(world: tuple[Place, RestServer, Scene]) -> None:
    place, server, _ = world
    names = known_network(server.services).names
    found = names.of_address("10.0.1.10", place.vpc)
    assert found is not None
    assert (found.name, found.interface_id, found.kind) == ("web-1", place.eni, "interface")
    other = names.of_address("10.0.1.10", place.twin)
    assert other is not None
    assert other.interface_id == place.twin_eni
    both = names.of_address("10.0.1.10")
    assert both is not None
    assert (both.kind, both.interface_id, set(both.name.split(" or "))) == (
        "several", None, {"web-1", "copy-1"},
    )  # fmt: skip


def test_what_holds_an_address_names_it(world: tuple[Place, RestServer, Scene]) -> None:
    place, server, _ = world
    names = known_network(server.services).names
    said = {
        text: found.name
        for text, found in names.of(
            ["198.51.100.7", "169.254.169.254", "192.0.2.1", place.offices, "-", "10.0.3.3"]
        ).items()
    }
    assert said == {
        "198.51.100.7": "offices",
        "169.254.169.254": "Instance metadata",
        place.offices: "offices",
        "10.0.3.3": "main or twin",
    }
    in_vpc = names.of(["10.0.1.77", "10.0.0.2", "10.0.1.1"], place.vpc)
    assert [one.name for one in in_vpc.values()] == ["web-a", "DNS of main", "Router of web-a"]


def test_names_follow_the_control_plane(world: tuple[Place, RestServer, Scene]) -> None:
    place, server, scene = world
    before = known_network(server.services)
    assert known_network(server.services) is before
    made = scene.interface(place.net, "10.0.1.99", name="later")
    after = known_network(server.services)
    assert after is not before
    assert after.names.text_of(made) == "later"
    from vpcflow.control.network.interfaces import delete_interface

    with scene.state.change() as change:
        delete_interface(change, PLACE, made)
    assert known_network(server.services).names.of_id(made) is None


def test_the_inventory_file_adds_what_the_control_plane_does_not_hold(
    world: tuple[Place, RestServer, Scene],
) -> None:
    place, server, scene = world
    group = SecurityGroup("sg-file", "vpc-file", "from the file")
    interface = NetworkInterface(
        "eni-file", "subnet-file", "vpc-file", "123456789012",
        ipv4_addresses=(ip_address("172.16.0.5"),), ipv6_addresses=(ip_address("2001:db8::5"),),
        security_group_ids=("sg-file",), name="filed",
    )  # type: ignore[arg-type] # fmt: skip
    block: Any = ip_network("172.16.0.0/24")
    file_rules = RuleSet(
        Inventory(
            {"vpc-file": Vpc("vpc-file", "123456789012", "eu-west-1", (block,))},
            {"subnet-file": Subnet("subnet-file", "vpc-file", "az-1", (block,))},
            {"eni-file": interface},
        ),
        {"sg-file": group},
    )
    rules = joined_rules(server.services.network.declared_rules(), file_rules)
    names = network_of(scene.state, lambda: rules).names
    found = names.of(["172.16.0.5", "2001:db8::5", "sg-file", place.eni])
    assert [one.name for one in found.values()] == ["filed", "filed", "from the file", "web-1"]


def test_many_addresses_are_named_at_once(world: tuple[Place, RestServer, Scene]) -> None:
    names = known_network(world[1].services).names
    texts = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(50_000)]
    begun = perf_counter()
    names.of(texts)
    again = names.of(texts)
    # Far above what it takes: this fails when a name costs a search through all interfaces.
    assert perf_counter() - begun < 5
    assert len(again) == 50_000
