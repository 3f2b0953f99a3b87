"""Route tables and internet gateways over EC2's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    arns,
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
from vpcflow.control.network import INTERNET_GATEWAYS, ROUTE_TABLES, NetworkService
from vpcflow.control.network.internet_gateways import (
    attach_gateway,
    create_gateway,
    delete_gateway,
    detach_gateway,
)
from vpcflow.control.network.lookup import View
from vpcflow.control.network.resources import (
    InternetGateway,
    Route,
    RouteTable,
    RouteTableAssociation,
)
from vpcflow.control.network.route_tables import (
    associate,
    create_route,
    create_table,
    delete_route,
    delete_table,
    disassociate,
    replace_association,
)

_DESTINATIONS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_NOTE = "Kept and shown; the host routes by its own tables."
#: Filters on targets that no route here has.
_WITHOUT_VALUES = (
    "route.egress-only-internet-gateway-id",
    "route.instance-id",
    "route.nat-gateway-id",
    "route.transit-gateway-id",
    "route.vpc-peering-connection-id",
)


def _destination_member(route: Route) -> str:
    if route.destination.startswith("pl-"):
        return "DestinationPrefixListId"
    return "DestinationIpv6CidrBlock" if ":" in route.destination else "DestinationCidrBlock"


def _route_members(route: Route) -> dict[str, str]:
    members = {_destination_member(route): route.destination}
    if route.gateway_id:
        members["GatewayId"] = route.gateway_id
    if route.network_interface_id:
        members["NetworkInterfaceId"] = route.network_interface_id
    return {**members, "Origin": route.origin, "State": "active"}


def _association_members(table: RouteTable, one: RouteTableAssociation) -> dict[str, Any]:
    members: dict[str, Any] = {
        "Main": one.is_main,
        "RouteTableAssociationId": one.association_id,
        "RouteTableId": table.route_table_id,
    }
    if one.subnet_id:
        members["SubnetId"] = one.subnet_id
    if one.gateway_id:
        members["GatewayId"] = one.gateway_id
    return {**members, "AssociationState": {"State": "associated"}}


def table_members(call: Call, view: View, table: RouteTable) -> dict[str, Any]:
    """A route table as the API answers it."""
    return {
        "Associations": [_association_members(table, one) for one in table.associations],
        "PropagatingVgws": [],
        "RouteTableId": table.route_table_id,
        "Routes": [_route_members(route) for route in table.routes],
        "Tags": tag_members(call, view, table.route_table_id),
        "VpcId": table.vpc_id,
        "OwnerId": call.caller.account_id,
    }


def gateway_members(call: Call, view: View, gateway: InternetGateway) -> dict[str, Any]:
    """An internet gateway as the API answers it."""
    return {
        "Attachments": [{"State": "available", "VpcId": gateway.vpc_id}] if gateway.vpc_id else [],
        "InternetGatewayId": gateway.internet_gateway_id,
        "OwnerId": call.caller.account_id,
        "Tags": tag_members(call, view, gateway.internet_gateway_id),
    }


def _filters(call: Call) -> dict[str, Any]:
    def routes(member: str) -> Callable[[RouteTable], list[str]]:
        return lambda one: [
            members[member] for route in one.routes if member in (members := _route_members(route))
        ]

    known: dict[str, Callable[[RouteTable], list[str]]] = {
        "association.gateway-id": lambda one: [
            link.gateway_id for link in one.associations if link.gateway_id
        ],
        "association.route-table-association-id": lambda one: [
            link.association_id for link in one.associations
        ],
        "association.route-table-id": lambda one: [one.route_table_id for _ in one.associations],
        "association.subnet-id": lambda one: [
            link.subnet_id for link in one.associations if link.subnet_id
        ],
        "association.main": lambda one: [text_of(one.is_main)],
        "owner-id": lambda _: [call.caller.account_id],
        "route-table-id": lambda one: [one.route_table_id],
        "route.destination-cidr-block": routes("DestinationCidrBlock"),
        "route.destination-ipv6-cidr-block": routes("DestinationIpv6CidrBlock"),
        "route.destination-prefix-list-id": routes("DestinationPrefixListId"),
        "route.gateway-id": routes("GatewayId"),
        "route.origin": routes("Origin"),
        "route.state": routes("State"),
        "vpc-id": lambda one: [one.vpc_id],
    }
    return {**dict.fromkeys(_WITHOUT_VALUES, lambda _: []), **known}


def _destination(call: Call) -> str:
    given = [call.get(name) for name in _DESTINATIONS if call.get(name)]
    if len(given) != 1:
        raise ServiceError(
            "InvalidParameterCombination" if given else "MissingParameter",
            "The request must contain exactly one of destinationCidrBlock, "
            "destinationIpv6CidrBlock and destinationPrefixListId",
        )
    return str(given[0])


class _Tables:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, "route-table")
        with self._state.change() as change:
            made = create_table(change, call.place, call.get("VpcId"), tags)
            return {"RouteTable": table_members(call, change, made)}

    def delete(self, call: Call) -> None:
        with self._state.change() as change:
            delete_table(change, call.place, call.get("RouteTableId"))

    def describe(self, call: Call) -> dict[str, Any]:
        found, token = chosen(
            call,
            self._state,
            ROUTE_TABLES,
            "RouteTableIds",
            lambda one: one.route_table_id,
            _filters(call),
        )
        answer = [table_members(call, self._state, one) for one in found]
        return with_token({"RouteTables": answer}, token)

    def create_route(self, call: Call) -> dict[str, Any]:
        self._put_route(call, replaces=False)
        return {"Return": True}

    def replace_route(self, call: Call) -> None:
        self._put_route(call, replaces=True)

    def _put_route(self, call: Call, *, replaces: bool) -> None:
        with self._state.change() as change:
            create_route(
                change,
                call.place,
                call.get("RouteTableId"),
                _destination(call),
                gateway_id=call.get("GatewayId") or "",
                network_interface_id=call.get("NetworkInterfaceId") or "",
                replaces=replaces,
            )

    def delete_route(self, call: Call) -> None:
        with self._state.change() as change:
            delete_route(change, call.place, call.get("RouteTableId"), _destination(call))

    def associate(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            made = associate(
                change,
                call.place,
                call.get("RouteTableId"),
                call.get("SubnetId") or "",
                call.get("GatewayId") or "",
            )
        return {"AssociationId": made, "AssociationState": {"State": "associated"}}

    def disassociate(self, call: Call) -> None:
        with self._state.change() as change:
            disassociate(change, call.place, call.get("AssociationId"))

    def replace_association(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            made = replace_association(
                change, call.place, call.get("AssociationId"), call.get("RouteTableId")
            )
        return {"NewAssociationId": made, "AssociationState": {"State": "associated"}}

    def associated(self, call: Call) -> list[str]:
        """The ARN of the table of an association."""
        wanted = call.get("AssociationId")
        table_ids = [
            table_id
            for table_id, table in self._state.all(ROUTE_TABLES, call.place).items()
            if any(one.association_id == wanted for one in table.associations)
        ]
        return [resource_arn(call, "route-table", table_id) for table_id in table_ids or ["*"]]


class _Gateways:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, "internet-gateway")
        with self._state.change() as change:
            made = create_gateway(change, call.place, tags)
            return {"InternetGateway": gateway_members(call, change, made)}

    def delete(self, call: Call) -> None:
        with self._state.change() as change:
            delete_gateway(change, call.place, call.get("InternetGatewayId"))

    def describe(self, call: Call) -> dict[str, Any]:
        known: dict[str, Any] = {
            "attachment.state": lambda one: ["available"] if one.vpc_id else [],
            "attachment.vpc-id": lambda one: [one.vpc_id] if one.vpc_id else [],
            "internet-gateway-id": lambda one: [one.internet_gateway_id],
            "owner-id": lambda _: [call.caller.account_id],
        }
        found, token = chosen(
            call,
            self._state,
            INTERNET_GATEWAYS,
            "InternetGatewayIds",
            lambda one: one.internet_gateway_id,
            known,
        )
        answer = [gateway_members(call, self._state, one) for one in found]
        return with_token({"InternetGateways": answer}, token)

    def attach(self, call: Call) -> None:
        with self._state.change() as change:
            attach_gateway(change, call.place, call.get("InternetGatewayId"), call.get("VpcId"))

    def detach(self, call: Call) -> None:
        with self._state.change() as change:
            detach_gateway(change, call.place, call.get("InternetGatewayId"), call.get("VpcId"))


def operations(network: NetworkService) -> list[Operation]:
    """The operations on route tables and internet gateways."""
    tables = _Tables(network)
    table = arns("route-table", "RouteTableId")
    where = " ".join(_DESTINATIONS)
    route = f"RouteTableId {where} GatewayId NetworkInterfaceId"
    return [
        Operation(
            "CreateRouteTable",
            tables.create,
            takes="VpcId TagSpecifications",
            ignores={"ClientToken": "A repeated request makes one more table."},
            resources=new_arn("route-table"),
            note=_NOTE,
        ),
        Operation("DeleteRouteTable", tables.delete, takes="RouteTableId", resources=table),
        Operation("DescribeRouteTables", tables.describe, takes=f"RouteTableIds {PAGED}"),
        Operation("CreateRoute", tables.create_route, takes=route, resources=table, note=_NOTE),
        Operation("ReplaceRoute", tables.replace_route, takes=route, resources=table, note=_NOTE),
        Operation(
            "DeleteRoute",
            tables.delete_route,
            takes=f"RouteTableId {where}",
            resources=table,
        ),
        Operation(
            "AssociateRouteTable",
            tables.associate,
            takes="RouteTableId SubnetId GatewayId",
            resources=table,
        ),
        Operation(
            "DisassociateRouteTable",
            tables.disassociate,
            takes="AssociationId",
            resources=tables.associated,
        ),
        Operation(
            "ReplaceRouteTableAssociation",
            tables.replace_association,
            takes="AssociationId RouteTableId",
            resources=table,
        ),
        *_gateway_operations(network),
    ]


def _gateway_operations(network: NetworkService) -> list[Operation]:
    gateways = _Gateways(network)
    gateway = arns("internet-gateway", "InternetGatewayId")
    return [
        Operation(
            "CreateInternetGateway",
            gateways.create,
            takes="TagSpecifications",
            resources=new_arn("internet-gateway"),
            note=_NOTE,
        ),
        Operation(
            "DeleteInternetGateway",
            gateways.delete,
            takes="InternetGatewayId",
            resources=gateway,
        ),
        Operation(
            "DescribeInternetGateways",
            gateways.describe,
            takes=f"InternetGatewayIds {PAGED}",
        ),
        Operation(
            "AttachInternetGateway",
            gateways.attach,
            takes="InternetGatewayId VpcId",
            resources=gateway,
        ),
        Operation(
            "DetachInternetGateway",
            gateways.detach,
            takes="InternetGatewayId VpcId",
            resources=gateway,
        ),
    ]
