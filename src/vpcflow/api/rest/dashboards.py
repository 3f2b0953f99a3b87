"""Dashboards: the account's own, and ready ones that nobody can change."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Request, Response

from vpcflow.api.rest.access import allowed
from vpcflow.api.rest.dashboard_models import (
    DashboardAnswer,
    DashboardDocument,
    DashboardHead,
    DashboardList,
)
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.dashboards import Dashboard, Dashboards

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller

#: Ready dashboards in the order of the list.
READY = (
    "overview",
    "accepted",
    "rejected",
    "security",
    "interfaces",
    "cost",
    "latency",
    "coverage",
)
_FOLDER = "dashboards"
_IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=64)]


@cache
def ready_dashboards() -> dict[str, DashboardDocument]:
    """The ready dashboards by id, in order; read once from the package."""
    folder = resources.files("vpcflow.api.rest") / _FOLDER
    return {
        name: DashboardDocument.model_validate_json(
            (folder / f"{name}.json").read_text(encoding="utf-8")
        )
        for name in READY
        if (folder / f"{name}.json").is_file()
    }


def routes(services: RestServices) -> APIRouter:
    """The routes of dashboards."""
    router = APIRouter(tags=["dashboards"])

    def kept() -> Dashboards:
        return Dashboards(services.state, services.clock)

    def asks(request: Request, action: str, dashboard_id: str = "*") -> Caller:
        caller = services.signed_in.caller(request)
        resource = arn("vpcflow", "", caller.account_id, f"dashboard/{dashboard_id}")
        services.permissions.check(caller, f"vpcflow:{action}", resource)
        return caller

    @router.get("/dashboards")
    def list_dashboards(request: Request) -> DashboardList:
        """Lists ready and own dashboards."""
        caller = allowed(services, request, "vpcflow:ListDashboards")
        ready = [_ready_head(one) for one in ready_dashboards().values()]
        own = [_head(one, _document(one)) for one in kept().list(caller.account_id)]
        return DashboardList(dashboards=[*ready, *own])

    @router.post("/dashboards", status_code=201, response_model_exclude_none=True)
    def create_dashboard(
        body: DashboardDocument, request: Request, response: Response
    ) -> DashboardAnswer:
        """Keeps a new dashboard; importing one is the same."""
        caller = asks(request, "PutDashboard")
        made = kept().create(caller.account_id, _text(body), caller.arn)
        return _answer(made, response)

    @router.get("/dashboards/{dashboard_id}", response_model_exclude_none=True)
    def get_dashboard(dashboard_id: str, request: Request, response: Response) -> DashboardAnswer:
        """A dashboard, for everyone of the account who has its id and the permission."""
        caller = asks(request, "GetDashboard", dashboard_id)
        ready = ready_dashboards().get(dashboard_id)
        if ready is not None:
            return DashboardAnswer(head=_ready_head(ready), dashboard=ready)
        return _answer(kept().get(caller.account_id, dashboard_id), response)

    @router.put("/dashboards/{dashboard_id}", response_model_exclude_none=True)
    def put_dashboard(
        dashboard_id: str,
        body: DashboardDocument,
        request: Request,
        response: Response,
        if_match: _IfMatch = None,
    ) -> DashboardAnswer:
        """Replaces a dashboard that is still at the revision in If-Match."""
        caller = asks(request, "PutDashboard", dashboard_id)
        _refuse_ready(dashboard_id)
        revision = _revision(if_match)
        if revision is None:
            raise ServiceError(
                "RevisionMissing",
                "Say in If-Match from which revision the change was made.",
                status=428,
                fields={"where": "If-Match", "hint": "it is the ETag of GET /dashboards/{id}"},
            )
        made = kept().update(caller.account_id, dashboard_id, _text(body), revision, caller.arn)
        return _answer(made, response)

    @router.delete("/dashboards/{dashboard_id}", status_code=204)
    def delete_dashboard(dashboard_id: str, request: Request, if_match: _IfMatch = None) -> None:
        """Deletes a dashboard."""
        caller = asks(request, "DeleteDashboard", dashboard_id)
        _refuse_ready(dashboard_id)
        kept().delete(caller.account_id, dashboard_id, _revision(if_match))

    return router


def _text(body: DashboardDocument) -> str:
    return json.dumps(body.model_dump(exclude_defaults=True))


def _document(kept: Dashboard) -> DashboardDocument:
    found = DashboardDocument.model_validate_json(kept.document)
    return found.model_copy(update={"id": kept.dashboard_id})


def _answer(kept: Dashboard, response: Response) -> DashboardAnswer:
    document = _document(kept)
    response.headers["ETag"] = f'"{kept.revision}"'
    return DashboardAnswer(head=_head(kept, document), dashboard=document)


def _head(kept: Dashboard, document: DashboardDocument) -> DashboardHead:
    return DashboardHead(
        id=kept.dashboard_id,
        title=document.title,
        description=document.description,
        panels=len(document.panels),
        read_only=False,
        owner=kept.owner,
        created_s=kept.created_s,
        updated_s=kept.updated_s,
        updated_by=kept.updated_by,
        revision=kept.revision,
    )


def _ready_head(document: DashboardDocument) -> DashboardHead:
    return DashboardHead(
        id=document.id,
        title=document.title,
        description=document.description,
        panels=len(document.panels),
        read_only=True,
    )


def _revision(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isdecimal():
        raise ServiceError(
            "InvalidParameter", "If-Match is no revision.", fields={"where": "If-Match"}
        )
    return int(text)


def _refuse_ready(dashboard_id: str) -> None:
    if dashboard_id in READY:
        raise ServiceError(
            "DashboardReadOnly",
            f"The dashboard {dashboard_id} comes with vpcflow and stays as it is.",
            status=403,
            fields={"hint": "duplicate it and change the copy"},
        )
