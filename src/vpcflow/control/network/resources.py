"""The kinds of resources around flow logs: inventory and policy, with what AWS keeps beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, TypeVar

from vpcflow.control.state import Kind
from vpcflow.inventory.ids import ID_DIGITS
from vpcflow.inventory.instance import Instance
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Network, Vpc
from vpcflow.policy.network_acl import NetworkAcl
from vpcflow.policy.security_group import PrefixList, SecurityGroup

V = TypeVar("V")
DEFAULT_GROUP_NAME = "default"
#: Every address of a family.
EVERYONE: Mapping[int, Network] = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
#: The target of routes within a VPC.
LOCAL_GATEWAY = "local"


class Origin(StrEnum):
    """Where a resource is from.

    API: made by a call. HOST: found on the host, or declared in the inventory file.
    """

    API = "api"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class VpcResource:
    """A VPC."""

    vpc: Vpc
    origin: Origin = Origin.API
    tenancy: str = "default"
    is_default: bool = False
    dns_support: bool = True
    dns_hostnames: bool = False
    network_address_usage_metrics: bool = False
    #: Empty for the set that every VPC begins with.
    dhcp_options_id: str = ""


@dataclass(frozen=True, slots=True)
class DhcpOptions:
    """A set of DHCP options: kept and shown, since the host hands out addresses."""

    dhcp_options_id: str
    configurations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubnetResource:
    """A subnet.

    Shape: ``acl_changed`` says that the API bound another network ACL than the host's owner did.
    """

    subnet: Subnet
    origin: Origin = Origin.API
    zone_name: str = ""
    default_for_az: bool = False
    map_public_ip_on_launch: bool = False
    assign_ipv6_address_on_creation: bool = False
    enable_dns64: bool = False
    ipv6_native: bool = False
    hostname_type: str = "ip-name"
    resource_name_dns_a_record: bool = False
    resource_name_dns_aaaa_record: bool = False
    acl_changed: bool = False


@dataclass(frozen=True, slots=True)
class NetworkInterfaceResource:
    """A network interface.

    Shape: ``groups_changed`` says that the API put it into other security groups than the host's
    owner did. ``client_token`` and ``request_digest`` are what made it, for a repeated request.
    ``enforced`` says whether its rules are put in force at the device that it is attached to.
    Units: ``attached_s`` in seconds since the epoch, None while it is not attached over the API.
    """

    interface: NetworkInterface
    origin: Origin = Origin.API
    description: str = ""
    source_dest_check: bool = True
    client_token: str = ""
    request_digest: str = ""
    groups_changed: bool = False
    attached_s: float | None = None
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class SecurityGroupResource:
    """A security group."""

    group: SecurityGroup
    origin: Origin = Origin.API
    description: str = ""


@dataclass(frozen=True, slots=True)
class NetworkAclResource:
    """A network ACL."""

    acl: NetworkAcl
    origin: Origin = Origin.API
    is_default: bool = False


@dataclass(frozen=True, slots=True)
class PrefixListResource:
    """A managed prefix list.

    Shape: ``descriptions`` by network; ``versions`` are the networks of former versions.
    """

    prefix_list: PrefixList
    origin: Origin = Origin.API
    address_family: str = "IPv4"
    entries_max: int = 1
    version: int = 1
    descriptions: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[int, tuple[Network, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceResource:
    """An instance that interfaces of the inventory are attached to."""

    instance: Instance
    vpc_id: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """A route: a network or a prefix list, and the gateway or interface that it goes to."""

    destination: str
    gateway_id: str = ""
    network_interface_id: str = ""
    origin: str = "CreateRoute"


@dataclass(frozen=True, slots=True)
class RouteTableAssociation:
    """Who uses a route table: a subnet, a gateway, or, without either, the VPC as its main table."""

    association_id: str
    subnet_id: str = ""
    gateway_id: str = ""

    @property
    def is_main(self) -> bool:
        """Whether it makes the table the main one."""
        return not (self.subnet_id or self.gateway_id)


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table; the capture does not ask it, since the host routes by its own."""

    route_table_id: str
    vpc_id: str
    routes: tuple[Route, ...] = ()
    associations: tuple[RouteTableAssociation, ...] = ()

    @property
    def is_main(self) -> bool:
        """Whether it is its VPC's main table."""
        return any(association.is_main for association in self.associations)


@dataclass(frozen=True, slots=True)
class InternetGateway:
    """An internet gateway; ``vpc_id`` is empty while it is attached to none."""

    internet_gateway_id: str
    vpc_id: str = ""


VPCS: Kind[VpcResource] = Kind("vpc", VpcResource)
SUBNETS: Kind[SubnetResource] = Kind("subnet", SubnetResource)
NETWORK_INTERFACES: Kind[NetworkInterfaceResource] = Kind(
    "network-interface", NetworkInterfaceResource
)
SECURITY_GROUPS: Kind[SecurityGroupResource] = Kind("security-group", SecurityGroupResource)
NETWORK_ACLS: Kind[NetworkAclResource] = Kind("network-acl", NetworkAclResource)
PREFIX_LISTS: Kind[PrefixListResource] = Kind("prefix-list", PrefixListResource)
INSTANCES: Kind[InstanceResource] = Kind("instance", InstanceResource)
ROUTE_TABLES: Kind[RouteTable] = Kind("route-table", RouteTable)
INTERNET_GATEWAYS: Kind[InternetGateway] = Kind("internet-gateway", InternetGateway)
DHCP_OPTIONS: Kind[DhcpOptions] = Kind("dhcp-options", DhcpOptions)

#: What EC2 calls a resource with an id of this prefix.
RESOURCE_TYPES: Mapping[str, str] = {
    "vpc": "vpc",
    "subnet": "subnet",
    "eni": "network-interface",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "acl": "network-acl",
    "pl": "prefix-list",
    "i": "instance",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "dopt": "dhcp-options",
    "fl": "vpc-flow-log",
}


def derived_id(prefix: str, *facts: Any) -> str:
    """The id of what is nothing but its facts, as an association: it need not be kept."""
    digest = hashlib.blake2b("\0".join(map(str, facts)).encode(), digest_size=16).hexdigest()
    return f"{prefix}-{digest[:ID_DIGITS]}"
