"""GET /security-groups: groups, their rules, and what came through each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request

from vpcflow.api.rest.access import allowed, reader
from vpcflow.api.rest.records_in_scope import Scope, scope
from vpcflow.api.rest.rule_models import GroupsShown, GroupUse
from vpcflow.base.errors import ServiceError

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

_ACTION = "ec2:DescribeSecurityGroups"


def routes(services: RestServices) -> APIRouter:
    """The routes of security groups."""
    router = APIRouter(tags=["rules"])

    @router.get("/security-groups")
    def list_security_groups(
        request: Request, asked: Annotated[Scope, Depends(scope)]
    ) -> GroupsShown:
        """All groups, with how many of their rules were used in range."""
        reader(services, request)
        allowed(services, request, _ACTION)
        raise ServiceError("NotReady", "Groups are not there yet.", status=503)

    @router.get("/security-groups/{group_id}")
    def get_security_group(
        request: Request, group_id: str, asked: Annotated[Scope, Depends(scope)]
    ) -> GroupUse:
        """One group, with what came through each of its rules."""
        reader(services, request)
        allowed(services, request, _ACTION)
        raise ServiceError("NotReady", "Groups are not there yet.", status=503)

    return router
