"""The lab's security groups and network ACLs, and its inventory, as the models that vpcflow uses."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from vpcflow.inventory.instance import Instance
from vpcflow.inventory.network_interface import Attachment, AttachmentSide, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Network, Vpc
from vpcflow.lab.testbed.namespaces import network_namespace
from vpcflow.lab.testbed.topology import (
    ACCOUNT_ID,
    AZ_ID,
    DNS_ADDRESS,
    HOSTS,
    REGION,
    SUBNETS,
    VPC_CIDR,
    VPC_CIDR6,
    VPC_ID,
    resource_id,
)
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import PROTOCOL_ALL, Direction, SecurityGroup, SecurityGroupRule

_ECHO, _ECHO6 = 8, 128
_ANYWHERE = IPv4Network("0.0.0.0/0")
_ANYWHERE6 = IPv6Network("::/0")
_CLIENTS = IPv4Network("203.0.113.0/24")
_CLIENTS6 = IPv6Network("2001:db8:cafe::/64")
_IN, _OUT = Direction.INGRESS, Direction.EGRESS

#: Direction, protocol, from and to port (ICMP: type and code), the other side: network or group.
_Rule = tuple[Direction, int, int, int, Network | str]
_DNS: _Rule = (_OUT, UDP, 53, 53, IPv4Network(DNS_ADDRESS))
_GROUP_RULES: dict[str, tuple[_Rule, ...]] = {
    "web": (
        (_IN, TCP, 80, 80, _ANYWHERE),
        (_IN, TCP, 443, 443, _ANYWHERE),
        (_IN, TCP, 80, 80, _ANYWHERE6),
        (_IN, TCP, 443, 443, _ANYWHERE6),
        (_IN, ICMP, _ECHO, -1, _CLIENTS),
        (_IN, ICMPV6, _ECHO6, -1, _CLIENTS6),
        (_IN, TCP, 22, 22, "bastion"),
        (_OUT, TCP, 8080, 8080, "app"),
        (_OUT, ICMP, _ECHO, -1, VPC_CIDR),
        _DNS,
    ),
    "bastion": (
        (_IN, TCP, 22, 22, _CLIENTS),
        (_IN, TCP, 22, 22, _CLIENTS6),
        (_OUT, TCP, 22, 22, "app"),
        (_OUT, TCP, 22, 22, "web"),
        (_OUT, ICMP, _ECHO, -1, VPC_CIDR),
        _DNS,
    ),
    "app": (
        (_IN, TCP, 8080, 8080, "web"),
        (_IN, TCP, 22, 22, "bastion"),
        (_IN, ICMP, _ECHO, -1, VPC_CIDR),
        (_OUT, TCP, 5432, 5432, "db"),
        (_OUT, TCP, 80, 80, _ANYWHERE),
        (_OUT, TCP, 443, 443, _ANYWHERE),
        (_OUT, TCP, 80, 80, _ANYWHERE6),
        (_OUT, TCP, 443, 443, _ANYWHERE6),
        (_OUT, ICMP, _ECHO, -1, VPC_CIDR),
        _DNS,
    ),
    # A database answers; it opens nothing.
    "db": ((_IN, TCP, 5432, 5432, "app"), (_IN, ICMP, _ECHO, -1, IPv4Network("10.0.2.0/24"))),
    # AWS's default group, without its egress.
    "idle": ((_IN, PROTOCOL_ALL, 0, 65_535, "idle"),),
}
#: Rule number, direction, allow, network, protocol, ports.
_ACL_ENTRIES: dict[str, tuple[NetworkAclEntry, ...]] = {
    "public": (
        NetworkAclEntry(90, _IN, False, _ANYWHERE, TCP, 3389, 3389),
        NetworkAclEntry(100, _IN, True, _ANYWHERE),
        NetworkAclEntry(101, _IN, True, _ANYWHERE6),
        NetworkAclEntry(100, _OUT, True, _ANYWHERE),
        NetworkAclEntry(101, _OUT, True, _ANYWHERE6),
    ),
    # A ping of the app from the public subnet goes in, its answer does not come out: the two
    # records of AWS's documentation, ACCEPT and REJECT.
    "app": (
        NetworkAclEntry(100, _IN, True, _ANYWHERE),
        NetworkAclEntry(101, _IN, True, _ANYWHERE6),
        NetworkAclEntry(90, _OUT, False, SUBNETS["public"].cidr, ICMP, -1, -1),
        NetworkAclEntry(100, _OUT, True, _ANYWHERE),
        NetworkAclEntry(101, _OUT, True, _ANYWHERE6),
    ),
}


def lab_inventory(router_pid: int) -> Inventory:
    """What exists in a lab whose router namespace holds the process ``router_pid``."""
    namespace = network_namespace(router_pid)
    enis = [host for host in HOSTS.values() if host.interface_id]
    return Inventory(
        vpcs={VPC_ID: Vpc(VPC_ID, ACCOUNT_ID, REGION, (VPC_CIDR, VPC_CIDR6), "lab")},
        subnets={
            subnet.subnet_id: Subnet(
                subnet.subnet_id,
                VPC_ID,
                AZ_ID,
                (subnet.cidr, subnet.cidr6),
                subnet.name,
                resource_id("acl", subnet.name) if subnet.name in _ACL_ENTRIES else None,
            )
            for subnet in SUBNETS.values()
        },
        instances={
            host.instance_id: Instance(host.instance_id, host.name)
            for host in enis
            if host.instance_id
        },
        interfaces={
            host.interface_id: NetworkInterface(
                host.interface_id,
                SUBNETS[host.subnet].subnet_id,
                VPC_ID,
                ACCOUNT_ID,
                tuple(address.ip for address in host.ipv4),
                host.ipv6,
                host.mac,
                host.instance_id or None,
                (resource_id("sg", host.name),) if host.name in _GROUP_RULES else (),
                host.name,
                host.interface_type,
                Attachment(host.device, namespace, AttachmentSide.PORT),
            )
            for host in enis
        },
    )


def lab_rule_set(router_pid: int) -> RuleSet:
    """The lab's inventory with its security groups and network ACLs."""
    return RuleSet(
        lab_inventory(router_pid),
        {
            resource_id("sg", name): SecurityGroup(
                resource_id("sg", name),
                VPC_ID,
                name,
                tuple(_rule(name, number, rule) for number, rule in enumerate(rules, 1)),
            )
            for name, rules in _GROUP_RULES.items()
        },
        {
            resource_id("acl", name): NetworkAcl(resource_id("acl", name), VPC_ID, name, entries)
            for name, entries in _ACL_ENTRIES.items()
        },
    )


def _rule(group: str, number: int, rule: _Rule) -> SecurityGroupRule:
    direction, protocol, from_port, to_port, other = rule
    return SecurityGroupRule(
        resource_id("sgr", f"{group} {number}"),
        direction,
        protocol,
        from_port,
        to_port,
        cidr=None if isinstance(other, str) else other,
        group_id=resource_id("sg", other) if isinstance(other, str) else None,
    )
