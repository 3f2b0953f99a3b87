"""The application behind /api/v1."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fastapi import FastAPI

from vpcflow.api.rest.faults import FaultAnswer, add_fault_handlers

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Modules of this package with a ``routes(services) -> APIRouter``, one a subject.
SUBJECTS: tuple[str, ...] = ()


def rest_app(services: RestServices) -> FastAPI:
    """The application; it is mounted at /api/v1 by whoever serves it."""
    app = FastAPI(
        title="vpcflow console API",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={"4XX": {"model": FaultAnswer}, "5XX": {"model": FaultAnswer}},
    )
    add_fault_handlers(app)
    for subject in SUBJECTS:
        app.include_router(import_module(f"vpcflow.api.rest.{subject}").routes(services))
    return app
