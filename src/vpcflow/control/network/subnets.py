"""Subnets: making, changing and deleting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import (
    View,
    check_own,
    dependency_violation,
    subnet_of,
    vpc_of,
)
from vpcflow.control.network.networks import (
    SUBNET_IPV6_PREFIX,
    is_block_size,
    overlapping,
    parse_network,
    usable_count,
    within,
)
from vpcflow.control.network.resources import (
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    ROUTE_TABLES,
    SUBNETS,
    SubnetResource,
    derived_id,
)
from vpcflow.control.network.zones import Zone, zones_of
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Network, Vpc


def association_id(subnet_id: str, block: Network) -> str:
    """The id of the association of a block of IPv6 with its subnet."""
    return derived_id("subnet-cidr-assoc", subnet_id, block)


def create_subnet(
    change: Change,
    place: Place,
    vpc_id: str,
    cidr: str | None,
    *,
    ipv6_cidr: str | None = None,
    zone_name: str | None = None,
    zone_id: str | None = None,
    ipv6_native: bool = False,
    tags: dict[str, str] | None = None,
) -> SubnetResource:
    """Make a subnet.

    Errors: ServiceError ``InvalidSubnet.Range``, ``InvalidSubnet.Conflict``, ``MissingParameter``,
    ``InvalidParameterValue``.
    """
    vpc = vpc_of(change, place, vpc_id).vpc
    if bool(cidr) == ipv6_native or (ipv6_native and not ipv6_cidr):
        raise ServiceError(
            "MissingParameter" if not cidr else "InvalidParameterCombination",
            "Either 'cidrBlock' or, with 'ipv6Native', 'ipv6CidrBlock' should be provided.",
        )
    blocks: list[Network] = []
    if cidr:
        block = parse_network(cidr, version=4)
        if not is_block_size(block) or not within(block, vpc.cidr_blocks):
            raise ServiceError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
        blocks.append(block)
    if ipv6_cidr:
        blocks.append(_ipv6_block(vpc, ipv6_cidr))
    for block in blocks:
        _check_free(change, place, vpc_id, block)
    zone = _zone(place.region, zone_name, zone_id)
    subnet_id = new_id("subnet")
    made = SubnetResource(
        Subnet(
            subnet_id,
            vpc_id,
            zone.zone_id,
            tuple(blocks),
            network_acl_id=_default_acl_id(change, place, vpc_id),
        ),
        zone_name=zone.name,
        ipv6_native=ipv6_native,
        assign_ipv6_address_on_creation=ipv6_native,
    )
    change.put(SUBNETS, place, subnet_id, made)
    add_tags(change, place, subnet_id, "subnet", tags or {})
    return made


def delete_subnet(change: Change, place: Place, subnet_id: str) -> None:
    """Delete a subnet.

    Errors: ServiceError ``InvalidSubnetID.NotFound``, ``DependencyViolation``,
    ``OperationNotPermitted``.
    """
    check_own(subnet_of(change, place, subnet_id), subnet_id)
    if any(
        resource.interface.subnet_id == subnet_id
        for resource in change.all(NETWORK_INTERFACES, place).values()
    ):
        raise dependency_violation("subnet", subnet_id)
    for table in list(change.all(ROUTE_TABLES, place).values()):
        left = tuple(one for one in table.associations if one.subnet_id != subnet_id)
        if left != table.associations:
            change.put(ROUTE_TABLES, place, table.route_table_id, replace(table, associations=left))
    change.remove(SUBNETS, place, subnet_id)
    remove_tags(change, place, subnet_id, None)


def modify_attributes(
    change: Change, place: Place, subnet_id: str, wanted: Mapping[str, Any]
) -> None:
    """Change attributes of a subnet; ``wanted`` by the field's name.

    Errors: ServiceError ``InvalidParameterCombination`` for none or more than one.
    """
    found = subnet_of(change, place, subnet_id)
    if len(wanted) != 1:
        raise ServiceError(
            "InvalidParameterCombination",
            "Only one attribute can be modified at a time"
            if wanted
            else "No attributes specified.",
        )
    if wanted.get("assign_ipv6_address_on_creation") and all(
        block.version == 4 for block in found.subnet.cidr_blocks
    ):
        raise ServiceError(
            "InvalidParameterValue",
            f"Subnet {subnet_id} has no IPv6 CIDR block: assignIpv6AddressOnCreation needs one.",
        )
    changed = replace(found, **wanted)
    if changed != found:
        change.put(SUBNETS, place, subnet_id, changed)


def associate_ipv6(change: Change, place: Place, subnet_id: str, cidr: str) -> Network:
    """Give a subnet a block of IPv6.

    Errors: ServiceError ``InvalidSubnet.Range``, ``InvalidSubnet.Conflict``,
    ``OperationNotPermitted``.
    """
    found = subnet_of(change, place, subnet_id)
    check_own(found, subnet_id)
    block = _ipv6_block(vpc_of(change, place, found.subnet.vpc_id).vpc, cidr)
    if any(other.version == block.version for other in found.subnet.cidr_blocks):
        raise ServiceError(
            "InvalidSubnet.Conflict", f"The subnet '{subnet_id}' already has an IPv6 CIDR block."
        )
    _check_free(change, place, found.subnet.vpc_id, block)
    subnet = replace(found.subnet, cidr_blocks=(*found.subnet.cidr_blocks, block))
    change.put(SUBNETS, place, subnet_id, replace(found, subnet=subnet))
    return block


def disassociate_ipv6(change: Change, place: Place, wanted_id: str) -> tuple[str, Network]:
    """Take its block of IPv6 from a subnet; gives the subnet's id and the block.

    Errors: ServiceError ``InvalidSubnetCidrBlockAssociationID.NotFound``, ``DependencyViolation``.
    """
    for subnet_id, found in change.all(SUBNETS, place).items():
        for block in found.subnet.cidr_blocks:
            if block.version == 4 or association_id(subnet_id, block) != wanted_id:
                continue
            check_own(found, subnet_id)
            if any(
                resource.interface.subnet_id == subnet_id and resource.interface.ipv6_addresses
                for resource in change.all(NETWORK_INTERFACES, place).values()
            ):
                raise ServiceError(
                    "DependencyViolation",
                    f"The subnet '{subnet_id}' has interfaces with addresses of {block}.",
                )
            left = tuple(other for other in found.subnet.cidr_blocks if other != block)
            subnet = replace(found.subnet, cidr_blocks=left)
            changed = replace(found, subnet=subnet, assign_ipv6_address_on_creation=False)
            change.put(SUBNETS, place, subnet_id, changed)
            return subnet_id, block
    raise ServiceError(
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        f"The subnet CIDR block association ID '{wanted_id}' does not exist",
    )


def addresses_used(view: View, place: Place) -> Mapping[str, int]:
    """How many IPv4 addresses interfaces have, by subnet."""
    used: Counter[str] = Counter()
    for resource in view.all(NETWORK_INTERFACES, place).values():
        used[resource.interface.subnet_id] += len(resource.interface.ipv4_addresses)
    return used


def available_count(subnet: Subnet, vpc: Vpc | None, used: int) -> int:
    """How many more IPv4 addresses a subnet has."""
    has_reserved = vpc is None or vpc.has_reserved_addresses
    usable = sum(
        usable_count(block, has_reserved)
        for block in subnet.cidr_blocks
        if isinstance(block, IPv4Network)
    )
    return max(usable - used, 0)


def _ipv6_block(vpc: Vpc, cidr: str) -> Network:
    block = parse_network(cidr, "ipv6CidrBlock", 6)
    if block.prefixlen != SUBNET_IPV6_PREFIX or not within(block, vpc.cidr_blocks):
        raise ServiceError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    return block


def _check_free(view: View, place: Place, vpc_id: str, block: Network) -> None:
    taken = (
        other
        for resource in view.all(SUBNETS, place).values()
        if resource.subnet.vpc_id == vpc_id
        for other in resource.subnet.cidr_blocks
    )
    if overlapping(block, taken):
        raise ServiceError(
            "InvalidSubnet.Conflict", f"The CIDR '{block}' conflicts with another subnet"
        )


def _zone(region: str, name: str | None, zone_id: str | None) -> Zone:
    zones = zones_of(region)
    if not name and not zone_id:
        return zones[0]
    for zone in zones:
        if (not name or zone.name == name) and (not zone_id or zone.zone_id == zone_id):
            return zone
    given, word = (name, "availabilityZone") if name else (zone_id, "availabilityZoneId")
    raise ServiceError(
        "InvalidParameterValue",
        f"Value ({given}) for parameter {word} is invalid. Subnets can currently only be created "
        f"in the following availability zones: {', '.join(zone.name for zone in zones)}.",
    )


def _default_acl_id(view: View, place: Place, vpc_id: str) -> str | None:
    for acl_id, resource in view.all(NETWORK_ACLS, place).items():
        if resource.acl.vpc_id == vpc_id and resource.is_default:
            return acl_id
    return None
