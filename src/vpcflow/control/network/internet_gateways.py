"""Internet gateways: kept as resources; the host routes by its own tables."""

from __future__ import annotations

from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import dependency_violation, internet_gateway_of, vpc_of
from vpcflow.control.network.resources import INTERNET_GATEWAYS, InternetGateway
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags


def create_gateway(
    change: Change, place: Place, tags: dict[str, str] | None = None
) -> InternetGateway:
    """Make a gateway that is attached to no VPC."""
    made = InternetGateway(new_id("igw"))
    change.put(INTERNET_GATEWAYS, place, made.internet_gateway_id, made)
    add_tags(change, place, made.internet_gateway_id, "internet-gateway", tags or {})
    return made


def delete_gateway(change: Change, place: Place, gateway_id: str) -> None:
    """Delete a gateway.

    Errors: ServiceError ``DependencyViolation`` while it is attached.
    """
    if internet_gateway_of(change, place, gateway_id).vpc_id:
        raise dependency_violation("internetGateway", gateway_id)
    change.remove(INTERNET_GATEWAYS, place, gateway_id)
    remove_tags(change, place, gateway_id, None)


def attach_gateway(change: Change, place: Place, gateway_id: str, vpc_id: str) -> None:
    """Attach a gateway to a VPC.

    Errors: ServiceError ``Resource.AlreadyAssociated``, ``InvalidParameterValue``.
    """
    found = internet_gateway_of(change, place, gateway_id)
    vpc_of(change, place, vpc_id)
    if found.vpc_id:
        raise ServiceError(
            "Resource.AlreadyAssociated",
            f"resource {gateway_id} is already attached to network {found.vpc_id}",
        )
    if any(other.vpc_id == vpc_id for other in change.all(INTERNET_GATEWAYS, place).values()):
        raise ServiceError(
            "InvalidParameterValue",
            f"Network {vpc_id} already has an internet gateway attached",
        )
    change.put(INTERNET_GATEWAYS, place, gateway_id, replace(found, vpc_id=vpc_id))


def detach_gateway(change: Change, place: Place, gateway_id: str, vpc_id: str) -> None:
    """Detach a gateway from its VPC.

    Errors: ServiceError ``Gateway.NotAttached``.
    """
    found = internet_gateway_of(change, place, gateway_id)
    if found.vpc_id != vpc_id:
        raise ServiceError(
            "Gateway.NotAttached", f"resource {gateway_id} is not attached to network {vpc_id}"
        )
    change.put(INTERNET_GATEWAYS, place, gateway_id, replace(found, vpc_id=""))
