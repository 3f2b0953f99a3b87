"""Finds resources that callers name, and refuses as AWS does where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from vpcflow.base.errors import ServiceError
from vpcflow.control.network.resources import (
    DHCP_OPTIONS,
    INSTANCES,
    INTERNET_GATEWAYS,
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    PREFIX_LISTS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    InternetGateway,
    NetworkAclResource,
    NetworkInterfaceResource,
    Origin,
    PrefixListResource,
    RouteTable,
    SecurityGroupResource,
    SubnetResource,
    VpcResource,
)
from vpcflow.control.state import Kind, Place

T = TypeVar("T")


class View(Protocol):
    """What can be read: a State, or a Change with its own writes."""

    def all(self, kind: Kind[T], place: Place) -> Mapping[str, T]:
        """Everything of a kind at a place, by id."""

    def get(self, kind: Kind[T], place: Place, resource_id: str) -> T | None:
        """One resource, or None."""


#: The error's code, and what AWS calls the thing in its message.
_NOT_FOUND: Mapping[str, tuple[str, str]] = {
    VPCS.name: ("InvalidVpcID.NotFound", "vpc ID"),
    SUBNETS.name: ("InvalidSubnetID.NotFound", "subnet ID"),
    NETWORK_INTERFACES.name: ("InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
    SECURITY_GROUPS.name: ("InvalidGroup.NotFound", "security group"),
    NETWORK_ACLS.name: ("InvalidNetworkAclID.NotFound", "networkAcl ID"),
    PREFIX_LISTS.name: ("InvalidPrefixListID.NotFound", "prefix list ID"),
    INSTANCES.name: ("InvalidInstanceID.NotFound", "instance ID"),
    ROUTE_TABLES.name: ("InvalidRouteTableID.NotFound", "routeTable ID"),
    INTERNET_GATEWAYS.name: ("InvalidInternetGatewayID.NotFound", "internetGateway ID"),
    "security-group-rule": ("InvalidSecurityGroupRuleId.NotFound", "security group rule ID"),
    DHCP_OPTIONS.name: ("InvalidDhcpOptionID.NotFound", "dhcpOption ID"),
    "vpc-flow-log": ("InvalidFlowLogId.NotFound", "flow log ID"),
}


def not_found(kind_name: str, resource_ids: Sequence[str]) -> ServiceError:
    """The refusal of ids that do not exist."""
    code, word = _NOT_FOUND[kind_name]
    if len(resource_ids) == 1:
        return ServiceError(code, f"The {word} '{resource_ids[0]}' does not exist")
    return ServiceError(code, f"The {word}s '{', '.join(resource_ids)}' do not exist")


def find(view: View, kind: Kind[T], place: Place, resource_id: str) -> T:
    """The resource of an id.

    Errors: ServiceError ``Invalid....NotFound``.
    """
    found = view.get(kind, place, resource_id)
    if found is None:
        raise not_found(kind.name, [resource_id])
    return found


def find_all(view: View, kind: Kind[T], place: Place, resource_ids: Iterable[str]) -> list[T]:
    """The resources of ids, each once.

    Errors: ServiceError ``Invalid....NotFound`` that names all ids that are not there.
    """
    held = view.all(kind, place)
    wanted = list(dict.fromkeys(resource_ids))
    missing = [resource_id for resource_id in wanted if resource_id not in held]
    if missing:
        raise not_found(kind.name, missing)
    return [held[resource_id] for resource_id in wanted]


def vpc_of(view: View, place: Place, vpc_id: str) -> VpcResource:
    """A VPC."""
    return find(view, VPCS, place, vpc_id)


def subnet_of(view: View, place: Place, subnet_id: str) -> SubnetResource:
    """A subnet."""
    return find(view, SUBNETS, place, subnet_id)


def interface_of(view: View, place: Place, interface_id: str) -> NetworkInterfaceResource:
    """A network interface."""
    return find(view, NETWORK_INTERFACES, place, interface_id)


def group_of(view: View, place: Place, group_id: str) -> SecurityGroupResource:
    """A security group."""
    return find(view, SECURITY_GROUPS, place, group_id)


def acl_of(view: View, place: Place, acl_id: str) -> NetworkAclResource:
    """A network ACL."""
    return find(view, NETWORK_ACLS, place, acl_id)


def prefix_list_of(view: View, place: Place, prefix_list_id: str) -> PrefixListResource:
    """A managed prefix list."""
    return find(view, PREFIX_LISTS, place, prefix_list_id)


def route_table_of(view: View, place: Place, route_table_id: str) -> RouteTable:
    """A route table."""
    return find(view, ROUTE_TABLES, place, route_table_id)


def internet_gateway_of(view: View, place: Place, gateway_id: str) -> InternetGateway:
    """An internet gateway."""
    return find(view, INTERNET_GATEWAYS, place, gateway_id)


def check_own(resource: Any, resource_id: str) -> None:
    """Refuse a change of what the API did not make.

    Errors: ServiceError ``OperationNotPermitted``.
    """
    if resource.origin is Origin.HOST:
        raise ServiceError(
            "OperationNotPermitted",
            f"'{resource_id}' was found on the host or is declared in the inventory file; "
            "change it there.",
        )


def dependency_violation(word: str, resource_id: str) -> ServiceError:
    """The refusal to delete what others need."""
    return ServiceError(
        "DependencyViolation", f"The {word} '{resource_id}' has dependencies and cannot be deleted."
    )
