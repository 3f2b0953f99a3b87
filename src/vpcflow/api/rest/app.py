"""The application behind /api/v1."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI

from vpcflow.api.rest.faults import FaultAnswer, add_fault_handlers

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from vpcflow.api.rest.services import RestServices

#: Modules of this package with a ``routes(services) -> APIRouter``, one a subject.
SUBJECTS: tuple[str, ...] = (
    "session",
    "questions",
    "sql",
    "export",
    "fields",
    "values",
    "filters",
    "live",
    "network",
    "interfaces",
    "graph",
    "security_groups",
    "explain",
    "record_rule",
    "rejected_ports",
    "flow_log_plan",
    "flow_logs",
    "destinations",
    "dashboards",
    "health",
    "sources",
    "quarantine",
    "settings_view",
    "findings",
)


def rest_app(services: RestServices) -> FastAPI:
    """The application; it is mounted at /api/v1 by whoever serves it."""
    app = FastAPI(
        title="vpcflow console API",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        # A redirect would name the scheme and host that the server sees, not the browser's.
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses={"4XX": {"model": FaultAnswer}, "5XX": {"model": FaultAnswer}},
    )
    # Looked up when there is a request: the description is made without services.
    add_fault_handlers(app, lambda request: services.signed_in.caller(request))  # noqa: PLW0108
    for subject in SUBJECTS:
        app.include_router(import_module(f"vpcflow.api.rest.{subject}").routes(services))
    return app


def openapi_of_routes() -> dict[str, Any]:
    """The description of all routes, made without any service behind them."""
    described = rest_app(cast("RestServices", _NoServices())).openapi()
    return {**described, "servers": [{"url": "/api/v1"}]}


class _NoServices:
    """Stands for services where nothing is asked; ``routes`` must not look at them yet."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"routes() asked for '{name}' before there was a request")


def _operation_id(route: APIRoute) -> str:
    return route.name
