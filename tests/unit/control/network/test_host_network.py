"""Aim: the host's network is in the state as it is, what the API changed of it stays, and the data
plane gets back what the API made. Method: inventories by hand over SQLite."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest

from vpcflow.base.errors import ServiceError
from vpcflow.control.network import (
    INSTANCES,
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    PREFIX_LISTS,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    NetworkService,
    Origin,
)
from vpcflow.control.network.interfaces import (
    InterfaceRequest,
    create_interface,
    delete_interface,
    modify_interface,
)
from vpcflow.control.network.network_acls import association_id, create_acl, replace_association
from vpcflow.control.network.permissions import Permission
from vpcflow.control.network.security_groups import authorize, create_group
from vpcflow.control.network.subnets import create_subnet, delete_subnet
from vpcflow.control.network.vpcs import create_vpc, delete_vpc
from vpcflow.control.state import Database, Place, State
from vpcflow.control.tags import add_tags, tags_of
from vpcflow.inventory.instance import Instance
from vpcflow.inventory.network_interface import Attachment, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy.bindings import Bindings
from vpcflow.policy.evaluate_reference import InterfaceFlow, judge_flow
from vpcflow.policy.judgement import Initiated, Verdict
from vpcflow.policy.network_acl import NetworkAcl
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction, PrefixList, SecurityGroup

PLACE = Place("000000000000", "us-east-1")
VPC = Vpc("vpc-host", *PLACE, (ip_network("192.0.2.0/24"),), "default", False)
SUBNET = Subnet("subnet-host", "vpc-host", "use1-az1", (ip_network("192.0.2.0/24"),), "lan")
ETH0 = NetworkInterface(
    "eni-host",
    "subnet-host",
    "vpc-host",
    PLACE.account_id,
    (IPv4Address("192.0.2.10"),),
    mac="02:00:00:00:00:01",
    instance_id="i-host",
    name="eth0",
    attachment=Attachment("eth0"),
)
HOST = Inventory(
    {VPC.vpc_id: VPC},
    {SUBNET.subnet_id: SUBNET},
    {ETH0.interface_id: ETH0},
    {"i-host": Instance("i-host", "box")},
)
RULES = RuleSet(
    HOST,
    {"sg-file": SecurityGroup("sg-file", "vpc-host", "file")},
    {"acl-file": NetworkAcl("acl-file", "vpc-host")},
    {"pl-file": PrefixList("pl-file", (ip_network("10.0.0.0/8"),), "offices")},
)


@pytest.fixture
def network(tmp_path: Path) -> NetworkService:
    return NetworkService(State(Database.in_folder(tmp_path)))


def test_host_resources_appear_once(network: NetworkService) -> None:
    state = network.state
    assert network.sync_host(HOST, RULES)
    assert state.all(VPCS, PLACE)["vpc-host"].origin is Origin.HOST
    assert state.all(SUBNETS, PLACE)["subnet-host"].subnet == SUBNET
    assert state.all(NETWORK_INTERFACES, PLACE)["eni-host"].interface == ETH0
    assert state.all(INSTANCES, PLACE)["i-host"].vpc_id == "vpc-host"
    assert state.all(SECURITY_GROUPS, PLACE).keys() == {"sg-file"}
    assert state.all(NETWORK_ACLS, PLACE).keys() == {"acl-file"}
    assert state.all(PREFIX_LISTS, PLACE).keys() == {"pl-file"}
    assert tags_of(state, PLACE, "vpc-host") == {"Name": "default"}
    mark = state.database.change_mark()
    assert not network.sync_host(HOST, RULES)
    assert state.database.change_mark() == mark


def test_what_vanished_is_gone(network: NetworkService) -> None:
    network.sync_host(HOST, RULES)
    assert network.sync_host(replace(HOST, interfaces={}, instances={}))
    assert not network.state.all(NETWORK_INTERFACES, PLACE)
    assert not network.state.all(INSTANCES, PLACE)
    assert not network.state.all(SECURITY_GROUPS, PLACE)
    assert tags_of(network.state, PLACE, "eni-host") == {}
    assert network.state.all(VPCS, PLACE).keys() == {"vpc-host"}


def test_what_the_api_changed_stays(network: NetworkService) -> None:
    state = network.state
    bound = replace(SUBNET, network_acl_id="acl-file")
    host = replace(HOST, subnets={SUBNET.subnet_id: bound})
    network.sync_host(host, RULES)
    with state.change() as change:
        group_id = create_group(change, PLACE, "web", "d", "vpc-host").group.group_id
        modify_interface(change, PLACE, "eni-host", group_ids=[group_id])
        modify_interface(change, PLACE, "eni-host", description="uplink")
        acl_id = create_acl(change, PLACE, "vpc-host").acl.network_acl_id
        replace_association(change, PLACE, association_id("acl-file", "subnet-host"), acl_id)
        add_tags(change, PLACE, "eni-host", "network-interface", {"Name": "mine"})
    assert not network.sync_host(host, RULES)
    moved = replace(ETH0, ipv4_addresses=(IPv4Address("192.0.2.11"),))
    assert network.sync_host(replace(host, interfaces={ETH0.interface_id: moved}), RULES)
    held = state.all(NETWORK_INTERFACES, PLACE)["eni-host"]
    assert held.interface == replace(moved, security_group_ids=(group_id,))
    assert held.description == "uplink"
    assert state.all(SUBNETS, PLACE)["subnet-host"].subnet.network_acl_id == acl_id
    assert tags_of(state, PLACE, "eni-host") == {"Name": "mine"}
    rules = network.declared_rules()
    assert rules.inventory.interfaces["eni-host"].security_group_ids == (group_id,)
    assert rules.inventory.subnets["subnet-host"].network_acl_id == acl_id
    assert {group_id, "sg-file"} == rules.security_groups.keys()


def test_groups_of_the_file_that_vanish_give_the_hosts_own_back(network: NetworkService) -> None:
    network.sync_host(HOST, RULES)
    with network.state.change() as change:
        modify_interface(change, PLACE, "eni-host", group_ids=["sg-file"])
    network.sync_host(HOST)
    held = network.state.all(NETWORK_INTERFACES, PLACE)["eni-host"]
    assert held.interface.security_group_ids == ()
    assert not held.groups_changed


@pytest.mark.parametrize(
    "delete",
    [
        lambda change: delete_vpc(change, PLACE, "vpc-host"),
        lambda change: delete_subnet(change, PLACE, "subnet-host"),
        lambda change: delete_interface(change, PLACE, "eni-host"),
    ],
)
def test_the_api_deletes_nothing_of_the_host(
    network: NetworkService, delete: Callable[[object], None]
) -> None:
    network.sync_host(HOST, RULES)
    with pytest.raises(ServiceError) as raised, network.state.change() as change:
        delete(change)
    assert raised.value.code == "OperationNotPermitted"


def _made(network: NetworkService) -> tuple[str, str, str]:
    with network.state.change() as change:
        vpc_id = create_vpc(change, PLACE, "10.0.0.0/16").vpc.vpc_id
        subnet_id = create_subnet(change, PLACE, vpc_id, "10.0.1.0/24").subnet.subnet_id
        made = create_interface(change, PLACE, InterfaceRequest(subnet_id))
    return vpc_id, subnet_id, made.interface.interface_id


def test_declared_inventory_is_what_the_api_made(network: NetworkService) -> None:
    network.sync_host(HOST, RULES)
    vpc_id, subnet_id, interface_id = _made(network)
    with network.state.change() as change:
        add_tags(change, PLACE, vpc_id, "vpc", {"Name": "main"})
    declared = network.declared_inventory()
    assert declared.vpcs.keys() == {vpc_id}
    assert declared.vpcs[vpc_id].name == "main"
    assert declared.subnets.keys() == {subnet_id}
    assert declared.interfaces.keys() == {interface_id}
    assert network.declared_inventory() is declared
    with network.state.change() as change:
        create_interface(change, PLACE, InterfaceRequest("subnet-host"))
    declared = network.declared_inventory()
    assert "vpc-host" in declared.vpcs
    assert "subnet-host" in declared.subnets
    assert len(declared.interfaces) == 2


def test_what_the_api_made_is_no_fact_of_the_host(network: NetworkService) -> None:
    vpc_id, _, interface_id = _made(network)
    declared = network.declared_inventory()
    host = Inventory(
        {**HOST.vpcs, **declared.vpcs},
        {**HOST.subnets, **declared.subnets},
        {**HOST.interfaces, **declared.interfaces},
        HOST.instances,
    )
    network.sync_host(host, RULES, declared)
    assert network.state.all(VPCS, PLACE)[vpc_id].origin is Origin.API
    with network.state.change() as change:
        delete_interface(change, PLACE, interface_id)
    # The host's inventory learns of it only later.
    assert not network.sync_host(host, RULES, declared)
    assert network.state.all(NETWORK_INTERFACES, PLACE).keys() == {"eni-host"}


def test_a_vpc_of_the_host_stays_while_the_api_uses_it(network: NetworkService) -> None:
    network.sync_host(HOST, RULES)
    with network.state.change() as change:
        create_interface(change, PLACE, InterfaceRequest("subnet-host"))
    network.sync_host(Inventory())
    assert network.state.all(VPCS, PLACE).keys() == {"vpc-host"}
    assert network.state.all(SUBNETS, PLACE).keys() == {"subnet-host"}
    assert "eni-host" not in network.state.all(NETWORK_INTERFACES, PLACE)


def test_attach_and_detach(network: NetworkService) -> None:
    _, subnet_id, first = _made(network)
    network.sync_host(HOST, RULES)
    with network.state.change() as change:
        other = create_interface(change, PLACE, InterfaceRequest(subnet_id)).interface
    veth = Attachment("veth0", "blue")
    network.attach_interface(first, veth, 5.0)
    assert network.declared_inventory().interfaces[first].attachment == veth
    for interface_id, attachment, code in (
        (other.interface_id, veth, "ResourceInUse"),
        (first, Attachment("veth1"), "IncorrectState"),
        ("eni-none", veth, "InvalidNetworkInterfaceID.NotFound"),
        ("eni-host", veth, "OperationNotPermitted"),
        (other.interface_id, Attachment("a/b"), "InvalidParameterValue"),
    ):
        with pytest.raises(ServiceError) as raised:
            network.attach_interface(interface_id, attachment, 5.0)
        assert raised.value.code == code
    with pytest.raises(ServiceError), network.state.change() as change:
        delete_interface(change, PLACE, first)
    assert network.attached_interfaces() == {first: True}
    again = network.attach_interface(first, veth, 6.0, enforced=False)
    assert again.attached_s == 5.0
    assert network.attached_interfaces() == {first: False}
    network.attach_interface(first, None, 6.0)
    assert network.attached_interfaces() == {}
    network.attach_interface(other.interface_id, veth, 6.0)
    assert network.declared_inventory().interfaces[first].attachment is None


def test_a_rule_of_the_api_is_one_of_the_policys(network: NetworkService) -> None:
    _, _, interface_id = _made(network)
    with network.state.change() as change:
        vpc_id = change.all(NETWORK_INTERFACES, PLACE)[interface_id].interface.vpc_id
        group = create_group(change, PLACE, "web", "d", vpc_id)
        permission = Permission(6, 443, 443, ip_network("198.51.100.0/24"))
        (rule,) = authorize(change, PLACE, group, Direction.INGRESS, [permission])
        modify_interface(change, PLACE, interface_id, group_ids=[group.group.group_id])
    rules = network.declared_rules()
    assert rule in rules.security_groups[group.group.group_id].rules
    assert rules.inventory.interfaces[interface_id].security_group_ids == (group.group.group_id,)
    subnet = rules.inventory.subnets[rules.inventory.interfaces[interface_id].subnet_id]
    assert subnet.network_acl_id in rules.network_acls
    assert network.declared_rules() is rules
    for port, verdict in ((443, Verdict.ACCEPT), (80, Verdict.REJECT)):
        flow = InterfaceFlow(
            interface_id,
            Direction.INGRESS,
            IPv4Address("198.51.100.7"),
            rules.inventory.interfaces[interface_id].ipv4_addresses[0],
            6,
            40_000,
            port,
            initiated=Initiated.HERE,
        )
        assert judge_flow(Bindings(rules), flow).verdict is verdict


def test_what_flow_logs_can_be_on(network: NetworkService) -> None:
    vpc_id, subnet_id, interface_id = _made(network)
    for kind, resource_id in (
        ("VPC", vpc_id),
        ("Subnet", subnet_id),
        ("NetworkInterface", interface_id),
    ):
        assert network.resource_exists(PLACE, kind, resource_id)
        assert not network.resource_exists(PLACE, kind, "x-1")
    assert not network.resource_exists(PLACE, "TransitGateway", vpc_id)


def test_ten_thousand_interfaces(network: NetworkService) -> None:
    interfaces = {
        f"eni-{number:017x}": replace(
            ETH0,
            interface_id=f"eni-{number:017x}",
            ipv4_addresses=(IPv4Address(0xC0000000 + number),),
            attachment=Attachment(f"veth{number}"),
            name="",
        )
        for number in range(10_000)
    }
    host = replace(HOST, interfaces=interfaces)
    began = time.perf_counter()
    network.sync_host(host, RULES)
    assert time.perf_counter() - began < 10
    assert len(network.state.all(NETWORK_INTERFACES, PLACE)) == 10_000
    began = time.perf_counter()
    assert not network.sync_host(host, RULES)
    assert time.perf_counter() - began < 2
