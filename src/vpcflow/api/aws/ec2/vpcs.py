"""VPCs over EC2's API."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
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
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import VPCS, NetworkService
from vpcflow.control.network.dhcp_options import options_of
from vpcflow.control.network.lookup import View, vpc_of
from vpcflow.control.network.resources import VpcResource
from vpcflow.control.network.vpcs import (
    associate_block,
    association_id,
    create_default_vpc,
    create_vpc,
    delete_vpc,
    disassociate_block,
    modify_attribute,
    modify_tenancy,
)
from vpcflow.inventory.vpc import Network, Vpc

ASSOCIATED = "associated"
_ATTRIBUTES = {
    "enableDnsSupport": ("EnableDnsSupport", "dns_support"),
    "enableDnsHostnames": ("EnableDnsHostnames", "dns_hostnames"),
    "enableNetworkAddressUsageMetrics": (
        "EnableNetworkAddressUsageMetrics",
        "network_address_usage_metrics",
    ),
}


def blocks(networks: tuple[Network, ...], version: int) -> Iterator[str]:
    """The blocks of one family, as text."""
    return (str(network) for network in networks if network.version == version)


def _vpc(resource: VpcResource) -> Vpc:
    return resource.vpc


def _associations(resource: VpcResource, version: int) -> Iterator[str]:
    vpc = resource.vpc
    return (
        association_id(vpc.vpc_id, block) for block in vpc.cidr_blocks if block.version == version
    )


def _states(resource: VpcResource, version: int) -> Iterator[str]:
    return (ASSOCIATED for _ in blocks(resource.vpc.cidr_blocks, version))


_FILTERS: dict[str, Any] = {
    "cidr": lambda one: list(blocks(one.vpc.cidr_blocks, 4))[:1],
    "cidr-block-association.cidr-block": lambda one: blocks(one.vpc.cidr_blocks, 4),
    "cidr-block-association.association-id": lambda one: _associations(one, 4),
    "cidr-block-association.state": lambda one: _states(one, 4),
    "dhcp-options-id": lambda one: [options_of(one)],
    "ipv6-cidr-block-association.ipv6-cidr-block": lambda one: blocks(one.vpc.cidr_blocks, 6),
    "ipv6-cidr-block-association.ipv6-pool": lambda one: [
        "Amazon" for _ in blocks(one.vpc.cidr_blocks, 6)
    ],
    "ipv6-cidr-block-association.association-id": lambda one: _associations(one, 6),
    "ipv6-cidr-block-association.state": lambda one: _states(one, 6),
    "is-default": lambda one: [text_of(one.is_default)],
    "owner-id": lambda one: [one.vpc.account_id],
    "state": lambda _: ["available"],
    "vpc-id": lambda one: [one.vpc.vpc_id],
}
#: Names that AWS takes for the same.
_FILTERS |= {
    "cidrBlock": _FILTERS["cidr"],
    "cidr-block": _FILTERS["cidr"],
    "isDefault": _FILTERS["is-default"],
    "dhcpOptionsId": _FILTERS["dhcp-options-id"],
}


def _association(vpc_id: str, block: Network, state: str, region: str) -> dict[str, Any]:
    made = {"AssociationId": association_id(vpc_id, block)}
    if isinstance(block, IPv4Network):
        return {**made, "CidrBlock": str(block), "CidrBlockState": {"State": state}}
    return {
        **made,
        "Ipv6CidrBlock": str(block),
        "Ipv6CidrBlockState": {"State": state},
        "NetworkBorderGroup": region,
        "Ipv6Pool": "Amazon",
    }


def vpc_members(
    call: Call, view: View, resource: VpcResource, state: str = "available"
) -> dict[str, Any]:
    """A VPC as the API answers it."""
    vpc = resource.vpc
    associations: dict[int, list[dict[str, Any]]] = {4: [], 6: []}
    for block in vpc.cidr_blocks:
        associations[block.version].append(_association(vpc.vpc_id, block, ASSOCIATED, vpc.region))
    return {
        "OwnerId": vpc.account_id,
        "InstanceTenancy": resource.tenancy,
        "Ipv6CidrBlockAssociationSet": associations[6],
        "CidrBlockAssociationSet": associations[4],
        "IsDefault": resource.is_default,
        "Tags": tag_members(call, view, vpc.vpc_id),
        "VpcId": vpc.vpc_id,
        "State": state,
        "CidrBlock": next(blocks(vpc.cidr_blocks, 4), None),
        "DhcpOptionsId": options_of(resource),
    }


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        cidr = call.get("CidrBlock")
        if not cidr:
            raise ServiceError(
                "MissingParameter",
                "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.",
            )
        tags = new_tags(call, "vpc")
        with self._state.change() as change:
            made = create_vpc(
                change,
                call.place,
                cidr,
                tenancy=call.get("InstanceTenancy") or "default",
                with_ipv6=bool(call.get("AmazonProvidedIpv6CidrBlock")),
                tags=tags,
            )
            return {"Vpc": vpc_members(call, change, made, "pending")}

    def create_default(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            made = create_default_vpc(change, call.place)
            return {"Vpc": vpc_members(call, change, made, "pending")}

    def delete(self, call: Call) -> None:
        with self._state.change() as change:
            delete_vpc(change, call.place, call.get("VpcId"))

    def describe(self, call: Call) -> dict[str, Any]:
        found, token = chosen(
            call, self._state, VPCS, "VpcIds", lambda one: _vpc(one).vpc_id, _FILTERS
        )
        return with_token({"Vpcs": [vpc_members(call, self._state, one) for one in found]}, token)

    def modify_attribute(self, call: Call) -> None:
        with self._state.change() as change:
            modify_attribute(
                change,
                call.place,
                call.get("VpcId"),
                dns_support=boolean(call, "EnableDnsSupport"),
                dns_hostnames=boolean(call, "EnableDnsHostnames"),
                network_address_usage_metrics=boolean(call, "EnableNetworkAddressUsageMetrics"),
            )

    def modify_tenancy(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            modify_tenancy(change, call.place, call.get("VpcId"), call.get("InstanceTenancy"))
        return {"ReturnValue": True}

    def describe_attribute(self, call: Call) -> dict[str, Any]:
        found = vpc_of(self._state, call.place, call.get("VpcId"))
        member = _ATTRIBUTES.get(call.get("Attribute"))
        if member is None:
            raise ServiceError(
                "InvalidParameterValue",
                f"Value ({call.get('Attribute')}) for parameter attribute is invalid. "
                "Unknown attribute.",
            )
        return {"VpcId": found.vpc.vpc_id, member[0]: {"Value": getattr(found, member[1])}}

    def associate(self, call: Call) -> dict[str, Any]:
        vpc_id = call.get("VpcId")
        with self._state.change() as change:
            block = associate_block(
                change,
                call.place,
                vpc_id,
                call.get("CidrBlock"),
                with_ipv6=bool(call.get("AmazonProvidedIpv6CidrBlock")),
            )
        return self._association_answer(vpc_id, block, "associating", call.region)

    def disassociate(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            vpc_id, block = disassociate_block(change, call.place, call.get("AssociationId"))
        return self._association_answer(vpc_id, block, "disassociating", call.region)

    def associated(self, call: Call) -> list[str]:
        """The ARN of the VPC of an association."""
        wanted = call.get("AssociationId")
        vpc_ids = [
            vpc_id
            for vpc_id, one in self._state.all(VPCS, call.place).items()
            if any(association_id(vpc_id, block) == wanted for block in one.vpc.cidr_blocks)
        ]
        return [resource_arn(call, "vpc", vpc_id) for vpc_id in vpc_ids or ["*"]]

    @staticmethod
    def _association_answer(vpc_id: str, block: Network, state: str, region: str) -> dict[str, Any]:
        name = "CidrBlockAssociation" if block.version == 4 else "Ipv6CidrBlockAssociation"
        return {"VpcId": vpc_id, name: _association(vpc_id, block, state, region)}


def operations(network: NetworkService) -> list[Operation]:
    """The operations on VPCs."""
    handlers = _Handlers(network)
    return [
        Operation(
            "CreateVpc",
            handlers.create,
            takes="CidrBlock InstanceTenancy AmazonProvidedIpv6CidrBlock TagSpecifications",
            resources=new_arn("vpc"),
            note="A block of IPv6 is one of the unique local addresses, since no one routes it.",
        ),
        Operation("CreateDefaultVpc", handlers.create_default, resources=new_arn("vpc")),
        Operation("DeleteVpc", handlers.delete, takes="VpcId", resources=arns("vpc", "VpcId")),
        Operation("DescribeVpcs", handlers.describe, takes=f"VpcIds {PAGED}"),
        Operation(
            "ModifyVpcAttribute",
            handlers.modify_attribute,
            takes="VpcId EnableDnsSupport EnableDnsHostnames EnableNetworkAddressUsageMetrics",
            resources=arns("vpc", "VpcId"),
            note="The attributes are kept and shown; names are the host's business.",
        ),
        Operation(
            "ModifyVpcTenancy",
            handlers.modify_tenancy,
            takes="VpcId InstanceTenancy",
            resources=arns("vpc", "VpcId"),
        ),
        Operation(
            "DescribeVpcAttribute",
            handlers.describe_attribute,
            takes="VpcId Attribute",
            resources=arns("vpc", "VpcId"),
        ),
        Operation(
            "AssociateVpcCidrBlock",
            handlers.associate,
            takes="VpcId CidrBlock AmazonProvidedIpv6CidrBlock",
            resources=arns("vpc", "VpcId"),
        ),
        Operation(
            "DisassociateVpcCidrBlock",
            handlers.disassociate,
            takes="AssociationId",
            resources=handlers.associated,
        ),
    ]
