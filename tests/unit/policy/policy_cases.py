"""Small rule sets and flows for the tests of policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network

import numpy as np

from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy.evaluate import FlowColumns
from vpcflow.policy.evaluate_reference import InterfaceFlow
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.resolve import CompiledRules
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import (
    Direction,
    PrefixList,
    SecurityGroup,
    SecurityGroupRule,
)

VPC = Vpc("vpc-a", "123456789010", "local", (ip_network("10.0.0.0/16"), ip_network("fd00::/56")))
INGRESS, EGRESS = Direction.INGRESS, Direction.EGRESS


def subnet(subnet_id: str, *cidrs: str, acl: str | None = None) -> Subnet:
    blocks = tuple(ip_network(cidr) for cidr in cidrs)
    return Subnet(subnet_id, VPC.vpc_id, "local-az1", blocks, network_acl_id=acl)


def interface(
    interface_id: str, subnet_id: str, *addresses: str, groups: Sequence[str] = ()
) -> NetworkInterface:
    parsed = [ip_address(address) for address in addresses]
    return NetworkInterface(
        interface_id,
        subnet_id,
        VPC.vpc_id,
        VPC.account_id,
        ipv4_addresses=tuple(address for address in parsed if address.version == 4),
        ipv6_addresses=tuple(address for address in parsed if address.version == 6),
        security_group_ids=tuple(groups),
    )


def rule(
    rule_id: str,
    direction: Direction,
    peer: str,
    protocol: int = -1,
    ports: tuple[int, int] = (0, 65_535),
) -> SecurityGroupRule:
    peers = {"cidr": None, "prefix_list_id": None, "group_id": None}
    if peer.startswith("pl-"):
        peers["prefix_list_id"] = peer
    elif peer.startswith("sg-"):
        peers["group_id"] = peer
    else:
        peers["cidr"] = ip_network(peer)
    return SecurityGroupRule(rule_id, direction, protocol, *ports, **peers)


def group(group_id: str, *rules: SecurityGroupRule) -> SecurityGroup:
    return SecurityGroup(group_id, VPC.vpc_id, rules=rules)


def entry(
    number: int,
    direction: Direction,
    allow: bool,
    cidr: str = "0.0.0.0/0",
    protocol: int = -1,
    ports: tuple[int, int] = (0, 65_535),
) -> NetworkAclEntry:
    return NetworkAclEntry(number, direction, allow, ip_network(cidr), protocol, *ports)


def acl(acl_id: str, *entries: NetworkAclEntry) -> NetworkAcl:
    return NetworkAcl(acl_id, VPC.vpc_id, entries=entries)


def rule_set(
    subnets: Iterable[Subnet],
    interfaces: Iterable[NetworkInterface],
    groups: Iterable[SecurityGroup] = (),
    acls: Iterable[NetworkAcl] = (),
    prefix_lists: Iterable[PrefixList] = (),
) -> RuleSet:
    inventory = Inventory(
        vpcs={VPC.vpc_id: VPC},
        subnets={item.subnet_id: item for item in subnets},
        interfaces={item.interface_id: item for item in interfaces},
    )
    return RuleSet(
        inventory,
        {item.group_id: item for item in groups},
        {item.network_acl_id: item for item in acls},
        {item.prefix_list_id: item for item in prefix_lists},
    )


def columns(compiled: CompiledRules, flows: Sequence[InterfaceFlow]) -> FlowColumns:
    """The flows as ``evaluate`` takes them."""
    addresses = np.zeros((4, len(flows)), np.uint64)
    for index, flow in enumerate(flows):
        words = []
        for address in (flow.source, flow.destination):
            value = int(address) + ((0xFFFF << 32) if address.version == 4 else 0)
            words += [value >> 64, value & (2**64 - 1)]
        addresses[:, index] = words
    return FlowColumns(
        interface=np.array([compiled.interface_numbers.get(f.interface_id, -1) for f in flows]),
        direction=np.array([int(flow.direction == EGRESS) for flow in flows]),
        addresses=addresses,
        source_port=np.array([flow.source_port for flow in flows]),
        destination_port=np.array([flow.destination_port for flow in flows]),
        protocol=np.array([flow.protocol for flow in flows]),
        icmp_type=np.array([flow.icmp_type for flow in flows]),
        icmp_code=np.array([flow.icmp_code for flow in flows]),
        initiated=np.array([int(flow.initiated) for flow in flows]),
    )
