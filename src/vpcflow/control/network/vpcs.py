"""VPCs: making, changing and deleting them, with what comes into being beside each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.internet_gateways import attach_gateway, create_gateway
from vpcflow.control.network.lookup import (
    View,
    check_own,
    dependency_violation,
    vpc_of,
)
from vpcflow.control.network.network_acls import allow_ipv6, create_acl
from vpcflow.control.network.networks import (
    is_block_size,
    new_ipv6_block,
    overlapping,
    parse_network,
    within,
)
from vpcflow.control.network.resources import (
    DEFAULT_GROUP_NAME,
    INTERNET_GATEWAYS,
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    VpcResource,
    derived_id,
)
from vpcflow.control.network.route_tables import add_local_routes, create_main_table, create_route
from vpcflow.control.network.security_groups import allow_ipv6_egress, create_default_group
from vpcflow.control.network.subnets import create_subnet
from vpcflow.control.network.zones import zones_of
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.inventory.vpc import Network, Vpc

#: Blocks of one family that a VPC may have.
BLOCKS_MAX = 5
TENANCIES = ("default", "dedicated")
DEFAULT_VPC_BLOCK = "172.31.0.0/16"
_DEFAULT_SUBNET_PREFIX = 20


def association_id(vpc_id: str, block: Network) -> str:
    """The id of the association of a block with its VPC."""
    return derived_id("vpc-cidr-assoc", vpc_id, block)


def create_vpc(
    change: Change,
    place: Place,
    cidr: str,
    *,
    tenancy: str = "default",
    with_ipv6: bool = False,
    tags: dict[str, str] | None = None,
    is_default: bool = False,
) -> VpcResource:
    """Make a VPC with its default security group, main route table and default network ACL.

    Errors: ServiceError ``InvalidParameterValue``, ``InvalidVpc.Range``.
    """
    if tenancy not in TENANCIES:
        raise _tenancy_refused(tenancy)
    block = parse_network(cidr, version=4)
    _check_size(block)
    vpc_id = new_id("vpc")
    blocks: tuple[Network, ...] = (block, new_ipv6_block()) if with_ipv6 else (block,)
    made = VpcResource(
        Vpc(vpc_id, place.account_id, place.region, blocks),
        tenancy=tenancy,
        is_default=is_default,
        dns_hostnames=is_default,
    )
    change.put(VPCS, place, vpc_id, made)
    create_default_group(change, place, made.vpc)
    create_main_table(change, place, made.vpc)
    create_acl(change, place, vpc_id, is_default=True)
    add_tags(change, place, vpc_id, "vpc", tags or {})
    return made


def create_default_vpc(change: Change, place: Place) -> VpcResource:
    """Make the default VPC: a subnet for each zone, and a way to the internet.

    Errors: ServiceError ``DefaultVpcAlreadyExists``.
    """
    for resource in change.all(VPCS, place).values():
        if resource.is_default:
            raise ServiceError(
                "DefaultVpcAlreadyExists",
                "A Default VPC already exists for this account in this region.",
            )
    made = create_vpc(change, place, DEFAULT_VPC_BLOCK, is_default=True)
    vpc_id = made.vpc.vpc_id
    parts = IPv4Network(DEFAULT_VPC_BLOCK).subnets(new_prefix=_DEFAULT_SUBNET_PREFIX)
    for zone, block in zip(zones_of(place.region), parts, strict=False):
        subnet = create_subnet(change, place, vpc_id, str(block), zone_name=zone.name)
        change.put(
            SUBNETS,
            place,
            subnet.subnet.subnet_id,
            replace(subnet, default_for_az=True, map_public_ip_on_launch=True),
        )
    gateway = create_gateway(change, place)
    attach_gateway(change, place, gateway.internet_gateway_id, vpc_id)
    table = next(
        table
        for table in change.all(ROUTE_TABLES, place).values()
        if table.vpc_id == vpc_id and table.is_main
    )
    create_route(
        change,
        place,
        table.route_table_id,
        "0.0.0.0/0",
        gateway_id=gateway.internet_gateway_id,
    )
    return made


def delete_vpc(change: Change, place: Place, vpc_id: str) -> None:
    """Delete a VPC with what came into being beside it.

    Errors: ServiceError ``InvalidVpcID.NotFound``, ``DependencyViolation``,
    ``OperationNotPermitted``.
    """
    check_own(vpc_of(change, place, vpc_id), vpc_id)
    if any(_dependents(change, place, vpc_id)):
        raise dependency_violation("vpc", vpc_id)
    for kind, ids in (
        (
            SECURITY_GROUPS,
            [
                key
                for key, value in change.all(SECURITY_GROUPS, place).items()
                if value.group.vpc_id == vpc_id
            ],
        ),
        (
            ROUTE_TABLES,
            [
                key
                for key, value in change.all(ROUTE_TABLES, place).items()
                if value.vpc_id == vpc_id
            ],
        ),
        (
            NETWORK_ACLS,
            [
                key
                for key, value in change.all(NETWORK_ACLS, place).items()
                if value.acl.vpc_id == vpc_id
            ],
        ),
    ):
        for resource_id in ids:
            change.remove(kind, place, resource_id)
            remove_tags(change, place, resource_id, None)
    change.remove(VPCS, place, vpc_id)
    remove_tags(change, place, vpc_id, None)


def _dependents(view: View, place: Place, vpc_id: str) -> Iterator[str]:
    """The ids of all in the VPC that did not come into being with it."""
    for key, subnet in view.all(SUBNETS, place).items():
        if subnet.subnet.vpc_id == vpc_id:
            yield key
    for key, interface in view.all(NETWORK_INTERFACES, place).items():
        if interface.interface.vpc_id == vpc_id:
            yield key
    for key, group in view.all(SECURITY_GROUPS, place).items():
        if group.group.vpc_id == vpc_id and group.group.name != DEFAULT_GROUP_NAME:
            yield key
    for key, acl in view.all(NETWORK_ACLS, place).items():
        if acl.acl.vpc_id == vpc_id and not acl.is_default:
            yield key
    for key, table in view.all(ROUTE_TABLES, place).items():
        if table.vpc_id == vpc_id and not table.is_main:
            yield key
    for key, gateway in view.all(INTERNET_GATEWAYS, place).items():
        if gateway.vpc_id == vpc_id:
            yield key


def modify_attribute(
    change: Change,
    place: Place,
    vpc_id: str,
    *,
    dns_support: bool | None = None,
    dns_hostnames: bool | None = None,
    network_address_usage_metrics: bool | None = None,
) -> None:
    """Change one attribute of a VPC.

    Errors: ServiceError ``InvalidParameterCombination`` for none or more than one.
    """
    found = vpc_of(change, place, vpc_id)
    wanted = [
        value
        for value in (dns_support, dns_hostnames, network_address_usage_metrics)
        if value is not None
    ]
    if len(wanted) != 1:
        raise ServiceError(
            "InvalidParameterCombination",
            "Only one attribute can be modified at a time"
            if wanted
            else "No attributes specified.",
        )
    changed = replace(
        found,
        dns_support=found.dns_support if dns_support is None else dns_support,
        dns_hostnames=found.dns_hostnames if dns_hostnames is None else dns_hostnames,
        network_address_usage_metrics=found.network_address_usage_metrics
        if network_address_usage_metrics is None
        else network_address_usage_metrics,
    )
    if changed != found:
        change.put(VPCS, place, vpc_id, changed)


def modify_tenancy(change: Change, place: Place, vpc_id: str, tenancy: str) -> None:
    """Let a VPC's tenancy be ``default``, the only one it can be changed to.

    Errors: ServiceError ``InvalidVpcID.NotFound``, ``InvalidParameterValue``.
    """
    found = vpc_of(change, place, vpc_id)
    if tenancy != "default":
        raise _tenancy_refused(tenancy)
    change.put(VPCS, place, vpc_id, replace(found, tenancy=tenancy))


def _tenancy_refused(tenancy: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", f"The tenancy value {tenancy} is not supported.")


def associate_block(
    change: Change, place: Place, vpc_id: str, cidr: str | None, *, with_ipv6: bool = False
) -> Network:
    """Give a VPC one more block: the given one, or a block of IPv6.

    Errors: ServiceError ``InvalidVpc.Range``, ``CidrConflict``, ``CidrLimitExceeded``,
    ``OperationNotPermitted``, ``MissingParameter``.
    """
    found = vpc_of(change, place, vpc_id)
    check_own(found, vpc_id)
    if bool(cidr) == with_ipv6:
        raise ServiceError(
            "InvalidParameterCombination" if cidr else "MissingParameter",
            "The request must contain exactly one of cidrBlock and amazonProvidedIpv6CidrBlock.",
        )
    block = parse_network(cidr, version=4) if cidr else new_ipv6_block()
    if isinstance(block, IPv4Network):
        _check_size(block)
        if overlapping(block, found.vpc.cidr_blocks):
            raise ServiceError(
                "InvalidVpc.Range",
                f"The CIDR '{block}' conflicts with another subnet or block of the VPC.",
            )
    family = [other for other in found.vpc.cidr_blocks if other.version == block.version]
    if len(family) >= (BLOCKS_MAX if block.version == 4 else 1):
        raise ServiceError(
            "CidrLimitExceeded",
            f"This network '{vpc_id}' has met its maximum number of allowed CIDRs: {len(family)}",
        )
    _put_blocks(change, place, found, (*found.vpc.cidr_blocks, block))
    if block.version == 6:
        allow_ipv6_egress(change, place, vpc_id)
        allow_ipv6(change, place, vpc_id)
    return block


def disassociate_block(change: Change, place: Place, wanted_id: str) -> tuple[str, Network]:
    """Take a block from its VPC; gives the VPC's id and the block.

    Errors: ServiceError ``InvalidVpcCidrBlockAssociationID.NotFound``,
    ``OperationNotSupported`` for the primary block, ``DependencyViolation`` while subnets use it.
    """
    for vpc_id, found in change.all(VPCS, place).items():
        for block in found.vpc.cidr_blocks:
            if association_id(vpc_id, block) != wanted_id:
                continue
            check_own(found, vpc_id)
            if block == found.vpc.cidr_blocks[0]:
                raise ServiceError(
                    "OperationNotSupported",
                    f"The vpc CIDR block with association ID {wanted_id} may not be "
                    "disassociated. It is the primary IPv4 CIDR block of the VPC",
                )
            if any(
                within(used, [block])
                for subnet in change.all(SUBNETS, place).values()
                if subnet.subnet.vpc_id == vpc_id
                for used in subnet.subnet.cidr_blocks
            ):
                raise ServiceError(
                    "DependencyViolation" if block.version == 4 else "InvalidCidrBlock.InUse",
                    f"The vpc '{vpc_id}' has subnets in {block}, which cannot be disassociated.",
                )
            left = tuple(other for other in found.vpc.cidr_blocks if other != block)
            _put_blocks(change, place, found, left)
            return vpc_id, block
    raise ServiceError(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        f"The vpc CIDR block association ID '{wanted_id}' does not exist",
    )


def _put_blocks(
    change: Change, place: Place, found: VpcResource, blocks: tuple[Network, ...]
) -> None:
    vpc = replace(found.vpc, cidr_blocks=blocks)
    change.put(VPCS, place, vpc.vpc_id, replace(found, vpc=vpc))
    add_local_routes(change, place, vpc)


def _check_size(block: Network) -> None:
    if not is_block_size(block):
        raise ServiceError("InvalidVpc.Range", f"The CIDR '{block}' is invalid.")
