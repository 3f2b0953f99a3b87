"""Route tables: kept as resources; the host routes by its own tables."""

from __future__ import annotations

from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import (
    dependency_violation,
    interface_of,
    internet_gateway_of,
    prefix_list_of,
    route_table_of,
    subnet_of,
    vpc_of,
)
from vpcflow.control.network.networks import parse_network
from vpcflow.control.network.resources import (
    LOCAL_GATEWAY,
    ROUTE_TABLES,
    Route,
    RouteTable,
    RouteTableAssociation,
)
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.inventory.vpc import Vpc

_MADE_WITH_TABLE = "CreateRouteTable"


def create_main_table(change: Change, place: Place, vpc: Vpc) -> RouteTable:
    """Make the main table of a new VPC."""
    return _create(change, place, vpc, (RouteTableAssociation(new_id("rtbassoc")),))


def create_table(
    change: Change, place: Place, vpc_id: str, tags: dict[str, str] | None = None
) -> RouteTable:
    """Make a table with the routes within the VPC."""
    made = _create(change, place, vpc_of(change, place, vpc_id).vpc, ())
    add_tags(change, place, made.route_table_id, "route-table", tags or {})
    return made


def _create(
    change: Change, place: Place, vpc: Vpc, associations: tuple[RouteTableAssociation, ...]
) -> RouteTable:
    made = RouteTable(new_id("rtb"), vpc.vpc_id, _local_routes(vpc), associations)
    _put(change, place, made)
    return made


def add_local_routes(change: Change, place: Place, vpc: Vpc) -> None:
    """Bring the routes within a VPC up to date in all of its tables."""
    for table in list(change.all(ROUTE_TABLES, place).values()):
        if table.vpc_id == vpc.vpc_id:
            others = tuple(route for route in table.routes if route.origin != _MADE_WITH_TABLE)
            _put(change, place, replace(table, routes=(*_local_routes(vpc), *others)))


def delete_table(change: Change, place: Place, route_table_id: str) -> None:
    """Delete a table.

    Errors: ServiceError ``DependencyViolation`` for one that is used, or a main one.
    """
    if route_table_of(change, place, route_table_id).associations:
        raise dependency_violation("routeTable", route_table_id)
    change.remove(ROUTE_TABLES, place, route_table_id)
    remove_tags(change, place, route_table_id, None)


def create_route(
    change: Change,
    place: Place,
    route_table_id: str,
    destination: str,
    *,
    gateway_id: str = "",
    network_interface_id: str = "",
    replaces: bool = False,
) -> None:
    """Add a route, or give an existing one another target.

    Shape: ``destination`` is a network or the id of a prefix list.
    Errors: ServiceError ``RouteAlreadyExists``, ``InvalidRoute.NotFound``, ``MissingParameter``,
    ``InvalidParameterCombination``, and those of targets that do not exist.
    """
    table = route_table_of(change, place, route_table_id)
    destination = _destination(change, place, destination)
    given = [target for target in (gateway_id, network_interface_id) if target]
    if len(given) != 1:
        raise ServiceError(
            "InvalidParameterCombination" if given else "MissingParameter",
            "The request must contain exactly one of gatewayId and networkInterfaceId",
        )
    if gateway_id and gateway_id != LOCAL_GATEWAY:
        _check_gateway(change, place, gateway_id, table.vpc_id)
    if network_interface_id:
        interface_of(change, place, network_interface_id)
    others = tuple(route for route in table.routes if route.destination != destination)
    exists = len(others) < len(table.routes)
    if exists and not replaces:
        raise ServiceError(
            "RouteAlreadyExists", f"The route identified by {destination} already exists."
        )
    if replaces and not exists:
        raise _no_route(route_table_id, destination)
    made = Route(destination, gateway_id, network_interface_id)
    _put(change, place, replace(table, routes=(*others, made)))


def delete_route(change: Change, place: Place, route_table_id: str, destination: str) -> None:
    """Remove a route.

    Errors: ServiceError ``InvalidRoute.NotFound``, ``InvalidParameterValue`` for those within the
    VPC.
    """
    table = route_table_of(change, place, route_table_id)
    destination = _destination(change, place, destination)
    found = next((route for route in table.routes if route.destination == destination), None)
    if found is None:
        raise _no_route(route_table_id, destination)
    if found.origin == _MADE_WITH_TABLE:
        raise ServiceError(
            "InvalidParameterValue",
            f"cannot remove local route {destination} in route table {route_table_id}",
        )
    left = tuple(route for route in table.routes if route is not found)
    _put(change, place, replace(table, routes=left))


def associate(
    change: Change, place: Place, route_table_id: str, subnet_id: str = "", gateway_id: str = ""
) -> str:
    """Let a subnet or a gateway use a table; gives the association's id.

    Errors: ServiceError ``Resource.AlreadyAssociated``, ``InvalidParameterValue``,
    ``MissingParameter``.
    """
    table = route_table_of(change, place, route_table_id)
    if bool(subnet_id) == bool(gateway_id):
        raise ServiceError(
            "InvalidParameterCombination" if subnet_id else "MissingParameter",
            "The request must contain exactly one of subnetId and gatewayId",
        )
    if subnet_id:
        subnet = subnet_of(change, place, subnet_id).subnet
        if subnet.vpc_id != table.vpc_id:
            raise ServiceError(
                "InvalidParameterValue",
                f"Route table {route_table_id} and subnet {subnet_id} belong to different networks",
            )
    else:
        _check_gateway(change, place, gateway_id, table.vpc_id)
    for other in change.all(ROUTE_TABLES, place).values():
        for one in other.associations:
            if (one.subnet_id, one.gateway_id) != (subnet_id, gateway_id):
                continue
            if other.route_table_id == route_table_id:
                return one.association_id
            raise ServiceError(
                "Resource.AlreadyAssociated",
                f"the specified association for route table {route_table_id} "
                "conflicts with an existing association",
            )
    made = RouteTableAssociation(new_id("rtbassoc"), subnet_id, gateway_id)
    _put(change, place, replace(table, associations=(*table.associations, made)))
    return made.association_id


def disassociate(change: Change, place: Place, association_id: str) -> None:
    """End an association.

    Errors: ServiceError ``InvalidAssociationID.NotFound``, ``InvalidParameterValue`` for that of
    a main table.
    """
    table, found = _association(change, place, association_id)
    if found.is_main:
        raise ServiceError(
            "InvalidParameterValue",
            f"cannot disassociate the main route table association {association_id}",
        )
    left = tuple(one for one in table.associations if one is not found)
    _put(change, place, replace(table, associations=left))


def replace_association(
    change: Change, place: Place, association_id: str, route_table_id: str
) -> str:
    """Let who uses one table use another; gives the new association's id.

    Errors: ServiceError ``InvalidAssociationID.NotFound``, ``InvalidParameterValue``.
    """
    table, found = _association(change, place, association_id)
    wanted = route_table_of(change, place, route_table_id)
    if wanted.vpc_id != table.vpc_id:
        raise ServiceError(
            "InvalidParameterValue",
            f"Route tables {table.route_table_id} and {route_table_id} "
            "belong to different networks",
        )
    if wanted.route_table_id == table.route_table_id:
        return association_id
    left = tuple(one for one in table.associations if one is not found)
    _put(change, place, replace(table, associations=left))
    made = replace(found, association_id=new_id("rtbassoc"))
    _put(change, place, replace(wanted, associations=(*wanted.associations, made)))
    return made.association_id


def _association(
    change: Change, place: Place, association_id: str
) -> tuple[RouteTable, RouteTableAssociation]:
    for table in change.all(ROUTE_TABLES, place).values():
        for one in table.associations:
            if one.association_id == association_id:
                return table, one
    raise ServiceError(
        "InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist"
    )


def _destination(change: Change, place: Place, text: str) -> str:
    if text.startswith("pl-"):
        return prefix_list_of(change, place, text).prefix_list.prefix_list_id
    return str(parse_network(text, "destinationCidrBlock"))


def _check_gateway(change: Change, place: Place, gateway_id: str, vpc_id: str) -> None:
    if internet_gateway_of(change, place, gateway_id).vpc_id != vpc_id:
        raise ServiceError(
            "InvalidParameterValue",
            f"route table of {vpc_id} and network gateway {gateway_id} "
            "belong to different networks",
        )


def _local_routes(vpc: Vpc) -> tuple[Route, ...]:
    return tuple(
        Route(str(block), LOCAL_GATEWAY, origin=_MADE_WITH_TABLE) for block in vpc.cidr_blocks
    )


def _no_route(route_table_id: str, destination: str) -> ServiceError:
    return ServiceError(
        "InvalidRoute.NotFound",
        f"no route with destination-cidr-block {destination} in route table {route_table_id}",
    )


def _put(change: Change, place: Place, table: RouteTable) -> None:
    change.put(ROUTE_TABLES, place, table.route_table_id, table)
