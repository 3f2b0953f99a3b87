"""Sets of DHCP options, which VPCs name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import View, dependency_violation, not_found, vpc_of
from vpcflow.control.network.resources import (
    DHCP_OPTIONS,
    VPCS,
    DhcpOptions,
    VpcResource,
    derived_id,
)
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags

#: What a VPC names that has no set of options.
NO_OPTIONS = "default"
#: Values that one option may have.
VALUES_MAX: Mapping[str, int] = {
    "domain-name": 1,
    "domain-name-servers": 4,
    "ipv6-address-preferred-lease-time": 1,
    "netbios-name-servers": 4,
    "netbios-node-type": 1,
    "ntp-servers": 4,
}
_NODE_TYPES = ("1", "2", "4", "8")


def default_options(place: Place) -> DhcpOptions:
    """The set that the VPCs of an account and region begin with."""
    region = place.region
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return DhcpOptions(
        derived_id("dopt", place.account_id, region),
        {"domain-name": (domain,), "domain-name-servers": ("AmazonProvidedDNS",)},
    )


def all_options(view: View, place: Place) -> dict[str, DhcpOptions]:
    """All sets, by id; the first is the one that VPCs begin with."""
    first = default_options(place)
    return {first.dhcp_options_id: first, **view.all(DHCP_OPTIONS, place)}


def options_of(resource: VpcResource) -> str:
    """The id of the set that a VPC names."""
    vpc = resource.vpc
    place = Place(vpc.account_id, vpc.region)
    return resource.dhcp_options_id or default_options(place).dhcp_options_id


def create_options(
    change: Change,
    place: Place,
    configurations: Sequence[tuple[str, Sequence[str]]],
    tags: Mapping[str, str],
) -> DhcpOptions:
    """Make a set.

    Errors: ServiceError ``InvalidParameterValue`` for unknown options and for values they cannot have.
    """
    for key, values in configurations:
        if key not in VALUES_MAX:
            raise ServiceError(
                "InvalidParameterValue",
                f"Value ({key}) for parameter name is invalid. Unknown DHCP option",
            )
        if not 0 < len(values) <= VALUES_MAX[key]:
            raise ServiceError(
                "InvalidParameterValue",
                f"Value ({', '.join(values)}) for parameter {key} is invalid. "
                f"Between 1 and {VALUES_MAX[key]} values are allowed",
            )
        if key == "netbios-node-type" and values[0] not in _NODE_TYPES:
            raise ServiceError(
                "InvalidParameterValue",
                f"Value ({values[0]}) for parameter {key} is invalid. "
                f"Valid values are: {', '.join(_NODE_TYPES)}",
            )
    made = DhcpOptions(new_id("dopt"), {key: tuple(values) for key, values in configurations})
    change.put(DHCP_OPTIONS, place, made.dhcp_options_id, made)
    add_tags(change, place, made.dhcp_options_id, DHCP_OPTIONS.name, tags)
    return made


def delete_options(change: Change, place: Place, options_id: str) -> None:
    """Delete a set that no VPC names.

    Errors: ServiceError ``InvalidDhcpOptionID.NotFound``, ``DependencyViolation``; the set that
    VPCs begin with stays.
    """
    if options_id not in all_options(change, place):
        raise not_found(DHCP_OPTIONS.name, [options_id])
    used = any(options_of(vpc) == options_id for vpc in change.all(VPCS, place).values())
    if used or change.get(DHCP_OPTIONS, place, options_id) is None:
        raise dependency_violation("dhcpOptions", options_id)
    change.remove(DHCP_OPTIONS, place, options_id)
    remove_tags(change, place, options_id, None)


def associate_options(change: Change, place: Place, options_id: str, vpc_id: str) -> None:
    """Let a VPC name another set; ``default`` for none.

    Errors: ServiceError ``InvalidDhcpOptionID.NotFound``, ``InvalidVpcID.NotFound``.
    """
    if options_id != NO_OPTIONS and options_id not in all_options(change, place):
        raise not_found(DHCP_OPTIONS.name, [options_id])
    found = vpc_of(change, place, vpc_id)
    change.put(VPCS, place, vpc_id, replace(found, dhcp_options_id=options_id))
