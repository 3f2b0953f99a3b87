"""Signing in and out, and what the console may show to whom."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from vpcflow.api.rest.sign_in import Session, SignIn
from vpcflow.control.arns import arn

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: What the console shows or hides, by the action that it takes; a resource type where AWS has one.
CAPABILITIES: dict[str, tuple[str, str]] = {
    "query": ("vpcflow:QueryFlowRecords", ""),
    "tail": ("vpcflow:TailFlowRecords", ""),
    "flow_logs_create": ("ec2:CreateFlowLogs", "vpc-flow-log"),
    "flow_logs_delete": ("ec2:DeleteFlowLogs", "vpc-flow-log"),
    "dashboards_write": ("vpcflow:PutDashboard", ""),
    "quarantine": ("vpcflow:GetQuarantine", ""),
    "settings": ("vpcflow:GetSettings", ""),
}
#: What is for principals of the host's own account alone.
_OWN_ACCOUNT = frozenset({"query", "tail", "quarantine", "settings"})


class SignInBody(BaseModel):
    """A key: of a user, of the root, or a temporary one with its session token."""

    access_key_id: str = Field(min_length=1, max_length=128)
    secret_access_key: str = Field(min_length=1, max_length=1_024)
    session_token: str = Field(default="", max_length=8_192)


class SessionAnswer(BaseModel):
    """Who is signed in; without anybody only clock and version say something.

    Units: ``clock_s`` and ``expires_s`` seconds since the epoch.
    """

    signed_in: bool
    clock_s: float
    version: str
    account_id: str = ""
    region: str = ""
    arn: str = ""
    name: str = ""
    csrf: str = ""
    may: list[str] = []
    expires_s: float | None = None


def routes(services: RestServices) -> APIRouter:
    """POST, GET and DELETE /session."""
    router = APIRouter(tags=["session"])

    def door() -> SignIn:
        assert services.sign_in is not None, "this application was made without a sign-in"
        return services.sign_in

    @router.get("/session")
    def get_session(request: Request, response: Response) -> SessionAnswer:
        """Who is signed in."""
        response.headers["cache-control"] = "no-store"
        return _answer(services, door().session(request))

    @router.post("/session")
    def sign_in(request: Request, response: Response, body: SignInBody) -> SessionAnswer:
        """Sign in with an access key."""
        response.headers["cache-control"] = "no-store"
        address = door().address_of(request)
        token = door().with_key(
            address, body.access_key_id, body.secret_access_key, body.session_token
        )
        response.headers["set-cookie"] = door().cookie(request, token)
        return _answer(services, door().session_of(token))

    @router.delete("/session", status_code=204)
    def sign_out(request: Request) -> Response:
        """Sign out."""
        door().sign_out(request)
        return Response(status_code=204, headers={"set-cookie": door().cookie(request, "")})

    return router


def _answer(services: RestServices, session: Session | None) -> SessionAnswer:
    base = SessionAnswer(
        signed_in=session is not None,
        clock_s=services.clock.now_s(),
        version=metadata.version("vpcflow"),
    )
    if session is None:
        return base
    caller = session.caller
    return base.model_copy(
        update={
            "account_id": caller.account_id,
            "region": services.region,
            "arn": caller.arn,
            "name": caller.name,
            "csrf": session.csrf,
            "may": may(services, session),
            "expires_s": session.expires_s,
        }
    )


def may(services: RestServices, session: Session) -> list[str]:
    """The words of CAPABILITIES that a caller has."""
    caller = session.caller
    found = []
    for word, (action, resource_type) in CAPABILITIES.items():
        if word in _OWN_ACCOUNT and caller.account_id != services.account_id:
            continue
        resource = "*"
        if resource_type:
            resource = arn("ec2", services.region, caller.account_id, f"{resource_type}/*")
        if services.permissions.allows(caller, action, resource):
            found.append(word)
    return found
