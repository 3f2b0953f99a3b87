"""GET /rejected-ports: refused records by port, each with the rule that refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.records_in_scope import Scope, scope
from vpcflow.api.rest.rule_models import RejectedPorts
from vpcflow.base.errors import ServiceError

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Ports of one answer.
PORTS_MAX = 50


def routes(services: RestServices) -> APIRouter:
    """The route of rejected ports."""
    router = APIRouter(tags=["rules"])

    @router.get("/rejected-ports")
    def list_rejected_ports(
        request: Request,
        asked: Annotated[Scope, Depends(scope)],
        limit: Annotated[int, Query(ge=1, le=PORTS_MAX)] = 10,
    ) -> RejectedPorts:
        """Ports with most refused records."""
        reader(services, request)
        raise ServiceError("NotReady", "Rejected ports are not there yet.", status=503)

    return router
