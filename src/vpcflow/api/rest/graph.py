"""GET /graph: who talks to whom, as nodes and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.graph_models import Graph, GraphLevel
from vpcflow.api.rest.records_in_scope import Scope, scope
from vpcflow.base.errors import ServiceError

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Nodes of one graph.
NODES_MAX = 500


def routes(services: RestServices) -> APIRouter:
    """The route of the graph."""
    router = APIRouter(tags=["network"])

    @router.get("/graph")
    def get_graph(
        request: Request,
        asked: Annotated[Scope, Depends(scope)],
        level: GraphLevel = GraphLevel.INTERFACE,
        limit: Annotated[int, Query(ge=2, le=NODES_MAX)] = 50,
    ) -> Graph:
        """Nodes with most bytes and the links between them; the others are one node."""
        reader(services, request)
        raise ServiceError("NotReady", "The graph is not there yet.", status=503)

    return router
