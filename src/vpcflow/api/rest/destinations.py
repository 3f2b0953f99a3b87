"""What a flow log may deliver to, to pick from: log groups, buckets, streams, and roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from vpcflow.api.rest.access import allowed, place_of
from vpcflow.api.rest.flow_log_models import DestinationChoice, Destinations
from vpcflow.control.arns import arn
from vpcflow.control.delivery_streams import DELIVERY_STREAMS
from vpcflow.control.flow_logs.flow_log import DestinationType
from vpcflow.control.flow_logs.service import ROLE_USER
from vpcflow.control.identity import ROLES, iam_arn, iam_place
from vpcflow.control.permissions import role_problem

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.state import Place

#: Things of one kind that are told; a person picks from a list, and may type any other.
CHOICES_MAX = 1_000


def routes(services: RestServices) -> APIRouter:
    """``GET /destinations``."""
    router = APIRouter(tags=["flow logs"])

    @router.get("/destinations")
    def list_destinations(request: Request) -> Destinations:
        """Lists what flow logs may deliver to, as far as the caller may see it."""
        caller = allowed(services, request, "ec2:DescribeFlowLogs")
        place = place_of(services, caller)
        refused: list[str] = []

        def seen(
            action: str, list_all: Callable[[], Iterator[DestinationChoice]]
        ) -> list[DestinationChoice]:
            if not services.permissions.allows(caller, action, "*"):
                refused.append(action)
                return []
            return sorted(list_all(), key=lambda one: one.name)[:CHOICES_MAX]

        return Destinations(
            log_groups=seen("logs:DescribeLogGroups", lambda: _log_groups(services, place)),
            buckets=seen("s3:ListAllMyBuckets", lambda: _buckets(services, place)),
            streams=seen("firehose:ListDeliveryStreams", lambda: _streams(services, place)),
            roles=seen("iam:ListRoles", lambda: _roles(services, place)),
            not_allowed=refused,
        )

    return router


def _log_groups(services: RestServices, place: Place) -> Iterator[DestinationChoice]:
    for name, group in services.log_groups.groups(place).items():
        days = group.retention_days
        note = f"kept {days} days" if days else "kept for ever"
        where = arn("logs", place.region, place.account_id, f"log-group:{name}")
        yield DestinationChoice(name=name, arn=where, note=note)


def _buckets(services: RestServices, place: Place) -> Iterator[DestinationChoice]:
    for bucket in services.buckets.owned_by(place.account_id):
        yield DestinationChoice(name=bucket.name, arn=bucket.arn, note=bucket.region)


def _streams(services: RestServices, place: Place) -> Iterator[DestinationChoice]:
    for name, stream in services.state.all(DELIVERY_STREAMS, place).items():
        note = "to S3" if stream.kind == "ExtendedS3" else "to an HTTP endpoint"
        yield DestinationChoice(name=name, arn=stream.arn, note=note)


def _roles(services: RestServices, place: Place) -> Iterator[DestinationChoice]:
    service = ROLE_USER[DestinationType.LOG_GROUP]
    source = arn("ec2", place.region, place.account_id, "vpc-flow-log/fl-check")
    for name, role in services.state.all(ROLES, iam_place(place.account_id)).items():
        where = iam_arn(place.account_id, "role", role.path, name)
        problem = role_problem(services.state, where, place.account_id, service, (), (), source)
        note = "flow logs may assume it" if problem is None else "does not trust flow logs"
        yield DestinationChoice(name=name, arn=where, note=note)
