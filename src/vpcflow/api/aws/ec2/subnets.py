"""Subnets over EC2's API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    arns,
    boolean,
    chosen,
    new_arn,
    new_tags,
    resource_arn,
    tag_members,
    text_of,
    with_token,
)
from vpcflow.api.aws.ec2.vpcs import ASSOCIATED, blocks
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import SUBNETS, VPCS, NetworkService
from vpcflow.control.network.lookup import View
from vpcflow.control.network.resources import SubnetResource
from vpcflow.control.network.subnets import (
    addresses_used,
    associate_ipv6,
    association_id,
    available_count,
    create_subnet,
    delete_subnet,
    disassociate_ipv6,
    modify_attributes,
)
from vpcflow.control.network.zones import zone_name_of
from vpcflow.inventory.vpc import Network

_BOOLEANS = {
    "AssignIpv6AddressOnCreation": "assign_ipv6_address_on_creation",
    "MapPublicIpOnLaunch": "map_public_ip_on_launch",
    "EnableDns64": "enable_dns64",
    "EnableResourceNameDnsARecordOnLaunch": "resource_name_dns_a_record",
    "EnableResourceNameDnsAAAARecordOnLaunch": "resource_name_dns_aaaa_record",
}
_HOSTNAME_TYPES = ("ip-name", "resource-name")


def zone_name(resource: SubnetResource, region: str) -> str:
    """The name of a subnet's zone."""
    return resource.zone_name or zone_name_of(region, resource.subnet.az_id)


def _ipv6(resource: SubnetResource) -> list[Network]:
    return [block for block in resource.subnet.cidr_blocks if block.version == 6]


def _filters(call: Call, count: Callable[[SubnetResource], int]) -> dict[str, Any]:
    hostname = "private-dns-name-options-on-launch"
    known: dict[str, Callable[[SubnetResource], list[str]]] = {
        "availability-zone": lambda one: [zone_name(one, call.region)],
        "availability-zone-id": lambda one: [one.subnet.az_id],
        "available-ip-address-count": lambda one: [str(count(one))],
        "cidr-block": lambda one: list(blocks(one.subnet.cidr_blocks, 4)),
        "customer-owned-ipv4-pool": lambda _: [],
        "default-for-az": lambda one: [text_of(one.default_for_az)],
        "enable-dns64": lambda one: [text_of(one.enable_dns64)],
        "enable-lni-at-device-index": lambda _: [],
        "ipv6-cidr-block-association.ipv6-cidr-block": lambda one: list(
            blocks(one.subnet.cidr_blocks, 6)
        ),
        "ipv6-cidr-block-association.association-id": lambda one: [
            association_id(one.subnet.subnet_id, block) for block in _ipv6(one)
        ],
        "ipv6-cidr-block-association.state": lambda one: [ASSOCIATED for _ in _ipv6(one)],
        "ipv6-native": lambda one: [text_of(one.ipv6_native)],
        "map-customer-owned-ip-on-launch": lambda _: ["false"],
        "map-public-ip-on-launch": lambda one: [text_of(one.map_public_ip_on_launch)],
        "outpost-arn": lambda _: [],
        "owner-id": lambda _: [call.caller.account_id],
        f"{hostname}.hostname-type": lambda one: [one.hostname_type],
        f"{hostname}.enable-resource-name-dns-a-record": lambda one: [
            text_of(one.resource_name_dns_a_record)
        ],
        f"{hostname}.enable-resource-name-dns-aaaa-record": lambda one: [
            text_of(one.resource_name_dns_aaaa_record)
        ],
        "state": lambda _: ["available"],
        "subnet-arn": lambda one: [resource_arn(call, "subnet", one.subnet.subnet_id)],
        "subnet-id": lambda one: [one.subnet.subnet_id],
        "vpc-id": lambda one: [one.subnet.vpc_id],
    }
    # Names that AWS takes for the same.
    for other, name in (
        ("availabilityZone", "availability-zone"),
        ("availabilityZoneId", "availability-zone-id"),
        ("cidr", "cidr-block"),
        ("cidrBlock", "cidr-block"),
        ("defaultForAz", "default-for-az"),
    ):
        known[other] = known[name]
    return {**known}


def _association(subnet_id: str, block: Network, state: str) -> dict[str, Any]:
    return {
        "AssociationId": association_id(subnet_id, block),
        "Ipv6CidrBlock": str(block),
        "Ipv6CidrBlockState": {"State": state},
    }


def subnet_members(
    call: Call, view: View, resource: SubnetResource, used: Mapping[str, int]
) -> dict[str, Any]:
    """A subnet as the API answers it; ``used`` as ``addresses_used`` gives it."""
    subnet = resource.subnet
    vpc = view.get(VPCS, call.place, subnet.vpc_id)
    return {
        "AvailabilityZoneId": subnet.az_id,
        "MapCustomerOwnedIpOnLaunch": False,
        "OwnerId": call.caller.account_id,
        "AssignIpv6AddressOnCreation": resource.assign_ipv6_address_on_creation,
        "Ipv6CidrBlockAssociationSet": [
            _association(subnet.subnet_id, block, ASSOCIATED) for block in _ipv6(resource)
        ],
        "Tags": tag_members(call, view, subnet.subnet_id),
        "SubnetArn": resource_arn(call, "subnet", subnet.subnet_id),
        "EnableDns64": resource.enable_dns64,
        "Ipv6Native": resource.ipv6_native,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": resource.hostname_type,
            "EnableResourceNameDnsARecord": resource.resource_name_dns_a_record,
            "EnableResourceNameDnsAAAARecord": resource.resource_name_dns_aaaa_record,
        },
        "SubnetId": subnet.subnet_id,
        "State": "available",
        "VpcId": subnet.vpc_id,
        "CidrBlock": next(blocks(subnet.cidr_blocks, 4), None),
        "AvailableIpAddressCount": available_count(
            subnet, vpc.vpc if vpc else None, used.get(subnet.subnet_id, 0)
        ),
        "AvailabilityZone": zone_name(resource, call.region),
        "DefaultForAz": resource.default_for_az,
        "MapPublicIpOnLaunch": resource.map_public_ip_on_launch,
    }


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, "subnet")
        with self._state.change() as change:
            made = create_subnet(
                change,
                call.place,
                call.get("VpcId"),
                call.get("CidrBlock"),
                ipv6_cidr=call.get("Ipv6CidrBlock"),
                zone_name=call.get("AvailabilityZone"),
                zone_id=call.get("AvailabilityZoneId"),
                ipv6_native=bool(call.get("Ipv6Native")),
                tags=tags,
            )
            return {"Subnet": subnet_members(call, change, made, {})}

    def delete(self, call: Call) -> None:
        with self._state.change() as change:
            delete_subnet(change, call.place, call.get("SubnetId"))

    def describe(self, call: Call) -> dict[str, Any]:
        used = addresses_used(self._state, call.place)
        vpcs = self._state.all(VPCS, call.place)

        def count(one: SubnetResource) -> int:
            vpc = vpcs.get(one.subnet.vpc_id)
            taken = used.get(one.subnet.subnet_id, 0)
            return available_count(one.subnet, vpc.vpc if vpc else None, taken)

        found, token = chosen(
            call,
            self._state,
            SUBNETS,
            "SubnetIds",
            lambda one: one.subnet.subnet_id,
            _filters(call, count),
        )
        answer = [subnet_members(call, self._state, one, used) for one in found]
        return with_token({"Subnets": answer}, token)

    def modify(self, call: Call) -> None:
        wanted: dict[str, Any] = {
            field: value
            for name, field in _BOOLEANS.items()
            if (value := boolean(call, name)) is not None
        }
        hostname_type = call.get("PrivateDnsHostnameTypeOnLaunch")
        if hostname_type is not None:
            if hostname_type not in _HOSTNAME_TYPES:
                raise ServiceError(
                    "InvalidParameterValue",
                    f"Value ({hostname_type}) for parameter privateDnsHostnameTypeOnLaunch "
                    "is invalid.",
                )
            wanted["hostname_type"] = hostname_type
        with self._state.change() as change:
            modify_attributes(change, call.place, call.get("SubnetId"), wanted)

    def associate(self, call: Call) -> dict[str, Any]:
        subnet_id, cidr = call.get("SubnetId"), call.get("Ipv6CidrBlock")
        if not cidr:
            raise ServiceError(
                "MissingParameter", "The request must contain the parameter ipv6CidrBlock"
            )
        with self._state.change() as change:
            block = associate_ipv6(change, call.place, subnet_id, cidr)
        return {
            "SubnetId": subnet_id,
            "Ipv6CidrBlockAssociation": _association(subnet_id, block, "associating"),
        }

    def disassociate(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            subnet_id, block = disassociate_ipv6(change, call.place, call.get("AssociationId"))
        return {
            "SubnetId": subnet_id,
            "Ipv6CidrBlockAssociation": _association(subnet_id, block, "disassociating"),
        }

    def associated(self, call: Call) -> list[str]:
        """The ARN of the subnet of an association."""
        wanted = call.get("AssociationId")
        subnet_ids = [
            subnet_id
            for subnet_id, one in self._state.all(SUBNETS, call.place).items()
            if any(association_id(subnet_id, block) == wanted for block in one.subnet.cidr_blocks)
        ]
        return [resource_arn(call, "subnet", subnet_id) for subnet_id in subnet_ids or ["*"]]


def operations(network: NetworkService) -> list[Operation]:
    """The operations on subnets."""
    handlers = _Handlers(network)
    return [
        Operation(
            "CreateSubnet",
            handlers.create,
            takes="VpcId CidrBlock Ipv6CidrBlock Ipv6Native AvailabilityZone AvailabilityZoneId "
            "TagSpecifications",
            resources=lambda call: [
                *new_arn("subnet")(call),
                *arns("vpc", "VpcId")(call),
            ],
        ),
        Operation(
            "DeleteSubnet",
            handlers.delete,
            takes="SubnetId",
            resources=arns("subnet", "SubnetId"),
        ),
        Operation("DescribeSubnets", handlers.describe, takes=f"SubnetIds {PAGED}"),
        Operation(
            "ModifySubnetAttribute",
            handlers.modify,
            takes=f"SubnetId PrivateDnsHostnameTypeOnLaunch {' '.join(_BOOLEANS)}",
            resources=arns("subnet", "SubnetId"),
        ),
        Operation(
            "AssociateSubnetCidrBlock",
            handlers.associate,
            takes="SubnetId Ipv6CidrBlock",
            resources=arns("subnet", "SubnetId"),
        ),
        Operation(
            "DisassociateSubnetCidrBlock",
            handlers.disassociate,
            takes="AssociationId",
            resources=handlers.associated,
        ),
    ]
