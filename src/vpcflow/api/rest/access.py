"""Who asks, and may they: what every route begins with.

Actions of our own have the prefix ``vpcflow``: policies name them as they name AWS's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow.base.errors import ServiceError
from vpcflow.control.state import Place

if TYPE_CHECKING:
    from starlette.requests import Request

    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller


def allowed(services: RestServices, request: Request, action: str, resource: str = "*") -> Caller:
    """The caller, who may do that.

    Errors: ServiceError 401 when nobody is signed in, 403 with the missing permission's name.
    """
    caller = services.signed_in.caller(request)
    services.permissions.check(caller, action, resource)
    return caller


def own(services: RestServices, request: Request, action: str) -> Caller:
    """The caller, who belongs to the host's own account and may do that.

    Shape: the table, what came into it, settings, status and the rules of all accounts together
    are the host's; other accounts allow themselves whatever they like.
    Errors: ServiceError 401 or 403.
    """
    caller = allowed(services, request, action)
    if caller.account_id != services.account_id:
        raise ServiceError(
            "AccessDenied",
            f"This is for principals of account {services.account_id}; you belong to "
            f"{caller.account_id}.",
            status=403,
        )
    return caller


def reader(services: RestServices, request: Request) -> Caller:
    """The caller, who may ask questions about flow records; they lie in one table for all accounts.

    Errors: ServiceError 401 or 403.
    """
    return own(services, request, "vpcflow:QueryFlowRecords")


def place_of(services: RestServices, caller: Caller, region: str | None = None) -> Place:
    """Where a caller's resources are."""
    return Place(caller.account_id, region or services.region)
