"""GET /network: VPCs, subnets and interfaces, with what they are called."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request

from vpcflow.api.rest.access import allowed
from vpcflow.api.rest.known_network import KnownNetwork, known_network
from vpcflow.api.rest.network_models import (
    InterfaceShown,
    NetworkShown,
    SubnetShown,
    VpcShown,
)
from vpcflow.inventory.network_interface import NetworkInterface

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Interfaces of one page.
PAGE_INTERFACES_MAX = 5_000
#: VPCs and subnets that are shown; there are no more pages of them.
SUBNETS_SHOWN_MAX = 20_000
_ACTIONS = ("ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeNetworkInterfaces")


def routes(services: RestServices) -> APIRouter:
    """The routes of the network."""
    router = APIRouter(tags=["network"])

    @router.get("/network")
    def get_network(
        request: Request,
        page: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_INTERFACES_MAX)] = PAGE_INTERFACES_MAX,
    ) -> NetworkShown:
        """VPCs, subnets and a page of interfaces of the caller's account."""
        for action in _ACTIONS:
            caller = allowed(services, request, action)
        known = known_network(services)
        # The host's own principals may read all records, so they may know whose they are.
        account_id = None if caller.account_id == services.account_id else caller.account_id
        return _network(known, account_id, page, limit)

    return router


def _network(known: KnownNetwork, account_id: str | None, page: int, limit: int) -> NetworkShown:
    inventory = known.rules.inventory
    vpcs = {key: vpc for key, vpc in inventory.vpcs.items() if account_id in {None, vpc.account_id}}
    subnets = {key: one for key, one in inventory.subnets.items() if one.vpc_id in vpcs}
    interfaces = sorted(
        (one for one in inventory.interfaces.values() if account_id in {None, one.account_id}),
        key=lambda one: (one.vpc_id, one.subnet_id, one.interface_id),
    )
    begin = page * limit
    shown = interfaces[begin : begin + limit]
    first = page == 0
    by_vpc = Counter(one.vpc_id for one in interfaces)
    by_subnet = Counter(one.subnet_id for one in interfaces)
    subnets_by_vpc = Counter(one.vpc_id for one in subnets.values())
    groups = {group for one in shown for group in one.security_group_ids}
    listed = list(subnets.items())[:SUBNETS_SHOWN_MAX] if first else []
    return NetworkShown(
        vpcs=[
            VpcShown(
                vpc_id=key,
                name=known.names.text_of(key),
                account_id=vpc.account_id,
                region=vpc.region,
                cidrs=[str(block) for block in vpc.cidr_blocks],
                subnets=subnets_by_vpc[key],
                interfaces=by_vpc[key],
            )
            for key, vpc in (list(vpcs.items())[:SUBNETS_SHOWN_MAX] if first else [])
        ],
        subnets=[
            SubnetShown(
                subnet_id=key,
                name=known.names.text_of(key),
                vpc_id=one.vpc_id,
                zone=known.zones.get(key) or one.az_id,
                cidrs=[str(block) for block in one.cidr_blocks],
                public=known.public_subnets.get(key),
                network_acl_id=one.network_acl_id,
                interfaces=by_subnet[key],
            )
            for key, one in listed
        ],
        interfaces=[_interface(known, one) for one in shown],
        names=known.names.of(groups),
        interfaces_total=len(interfaces),
        next_page=page + 1 if begin + limit < len(interfaces) else None,
    )


def _interface(known: KnownNetwork, one: NetworkInterface) -> InterfaceShown:
    return InterfaceShown(
        interface_id=one.interface_id,
        name=known.names.text_of(one.interface_id),
        description=known.descriptions.get(one.interface_id, ""),
        kind=one.interface_type or "interface",
        account_id=one.account_id,
        vpc_id=one.vpc_id,
        subnet_id=one.subnet_id,
        addresses=[str(address) for address in one.addresses],
        groups=list(one.security_group_ids),
        instance_id=one.instance_id,
        device=one.attachment.device if one.attachment else None,
        namespace=one.attachment.namespace if one.attachment else None,
        flow_logs=known.flow_logs_of(one),
    )
