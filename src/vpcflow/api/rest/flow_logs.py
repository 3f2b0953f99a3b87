"""Flow logs: listed, looked at, created, deleted, with the code of the AWS operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import place_of
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.flow_log_check import check_order
from vpcflow.api.rest.flow_log_example import example_line
from vpcflow.api.rest.flow_log_models import (
    FlowLogCheck,
    FlowLogDetail,
    FlowLogList,
    FlowLogOrder,
    FlowLogRefusal,
    FlowLogsCreated,
    S3Options,
)
from vpcflow.api.rest.flow_log_words import (
    head_of,
    parameters_of,
    pointing,
    problem_of,
    resource_type_of,
)
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.flow_logs.service import ARN_WORDS, RESOURCE_TYPE
from vpcflow.control.flow_logs.validation import checked_request
from vpcflow.control.permissions import WORDED_FOR
from vpcflow.control.tags import tags_of
from vpcflow.record.log_format import LogFormat

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller
    from vpcflow.control.flow_logs.flow_log import FlowLog
    from vpcflow.control.state import Place

#: Flow logs of one page.
PAGE_MAX = 1_000


class Ask(Protocol):
    """Says no to the caller of a request, or nothing."""

    def __call__(
        self, action: str, resources: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> None:
        """Raise ServiceError unless the caller may do that."""


def asker(services: RestServices, request: Request, caller: Caller) -> Ask:
    """Asks with the context that the AWS endpoint gives, in EC2's words."""
    known = {
        WORDED_FOR: "ec2",
        "aws:RequestedRegion": services.region,
        "aws:SourceIp": request.client.host if request.client else None,
    }

    def ask(
        action: str, resources: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> None:
        services.permissions(caller, action, resources, {**known, **(context or {})})

    return ask


def routes(services: RestServices) -> APIRouter:
    """The routes of flow logs."""
    router = APIRouter(tags=["flow logs"])

    def entered(request: Request, action: str) -> tuple[Caller, Place]:
        caller = services.signed_in.caller(request)
        asker(services, request, caller)(action, ["*"])
        return caller, place_of(services, caller)

    @router.get("/flow-logs")
    def list_flow_logs(
        request: Request,
        next_token: Annotated[str | None, Query(max_length=2_000)] = None,
        limit: Annotated[int, Query(ge=5, le=PAGE_MAX)] = PAGE_MAX,
    ) -> FlowLogList:
        """Lists flow logs with how their delivery fares."""
        _, place = entered(request, "ec2:DescribeFlowLogs")
        page = services.flow_logs.describe(place, max_results=limit, next_token=next_token)
        cursors, now_s = services.deliveries(), services.clock.now_s()
        heads = [head_of(one, place, services.state, cursors, now_s) for one in page.flow_logs]
        return FlowLogList(flow_logs=heads, next_token=page.next_token)

    @router.post("/flow-logs", status_code=201)
    def create_flow_logs(body: FlowLogOrder, request: Request) -> FlowLogsCreated:
        """Creates a flow log on each resource that can have it."""
        caller = services.signed_in.caller(request)
        place = place_of(services, caller)
        return _pointed(lambda: _create(services, body, place, asker(services, request, caller)))

    @router.post("/flow-logs/check")
    def check_flow_log(body: FlowLogOrder, request: Request) -> FlowLogCheck:
        """Says step by step whether such a flow log could deliver; changes nothing."""
        caller, place = entered(request, "ec2:DescribeFlowLogs")
        return check_order(services, caller, place, body)

    @router.get("/flow-logs/{flow_log_id}", response_model=FlowLogDetail)
    async def get_flow_log(flow_log_id: str, request: Request) -> Response:
        """All of one flow log, with what keeps it from delivering and a line as it delivers them."""

        def steps() -> Steps[FlowLogDetail]:
            caller, place = entered(request, "ec2:DescribeFlowLogs")
            found = services.flow_logs.describe(place, ids=[flow_log_id]).flow_logs
            if not found:
                raise ServiceError(
                    "InvalidFlowLogId.NotFound", f"There is no flow log {flow_log_id}.", status=404
                )
            return (yield from _detail(services, caller, place, found[0]))

        return await composed(services, request, steps)

    @router.delete("/flow-logs/{flow_log_id}", status_code=204)
    def delete_flow_log(flow_log_id: str, request: Request) -> None:
        """Deletes a flow log; what it delivered stays where it is."""
        caller = services.signed_in.caller(request)
        place, ask = place_of(services, caller), asker(services, request, caller)
        ask("ec2:DeleteFlowLogs", [_arn(place, RESOURCE_TYPE, flow_log_id)])
        services.flow_logs.authorize_delete(place, [flow_log_id], ask)
        try:
            services.flow_logs.delete(place, [flow_log_id])
        except ServiceError as error:
            if error.code.endswith(".NotFound"):
                raise ServiceError(error.code, error.message, status=404) from error
            raise

    return router


def _create(services: RestServices, body: FlowLogOrder, place: Place, ask: Ask) -> FlowLogsCreated:
    words = [(ARN_WORDS.get(resource_type_of(one)), one) for one in body.resource_ids]
    named = [_arn(place, word, one) for word, one in words if word]
    ask("ec2:CreateFlowLogs", [_arn(place, RESOURCE_TYPE, "*"), *named])
    order = checked_request(parameters_of(body), place)
    services.flow_logs.authorize(order, place, ask)
    created = services.flow_logs.create(order, place, ask)
    return FlowLogsCreated(
        flow_log_ids=list(created.flow_log_ids),
        unsuccessful=[
            FlowLogRefusal(resource_id=one.resource_id, code=one.code, message=one.message)
            for one in created.unsuccessful
        ],
        client_token=created.client_token,
    )


def _pointed(act: Callable[[], FlowLogsCreated]) -> FlowLogsCreated:
    try:
        return act()
    except ServiceError as error:
        raise pointing(error) from error


def _detail(
    services: RestServices, caller: Caller, place: Place, flow_log: FlowLog
) -> Steps[FlowLogDetail]:
    cursors, now_s = services.deliveries(), services.clock.now_s()
    head = head_of(flow_log, place, services.state, cursors, now_s)
    problem = problem_of(flow_log, services.flow_logs.role_problem(flow_log, place))
    log_format = LogFormat.parse(flow_log.log_format)
    line, sample = yield from example_line(services, caller, log_format, flow_log.resource_id)
    return FlowLogDetail(
        **head.model_dump(),
        tags=dict(tags_of(services.state, place, flow_log.flow_log_id)),
        options=_options(flow_log),
        role_arn=flow_log.deliver_logs_permission_arn,
        cross_account_role_arn=flow_log.deliver_cross_account_role,
        tag_fields={owner: list(keys) for owner, keys in flow_log.tag_fields.items()},
        problems=[problem] if problem else [],
        header=log_format.header,
        sample_line=line,
        sample=sample,
    )


def _options(flow_log: FlowLog) -> S3Options | None:
    options = flow_log.options
    if options is None:
        return None
    return S3Options(
        parquet=options.parquet,
        hive_compatible_partitions=options.hive_compatible_partitions,
        per_hour_partition=options.per_hour_partition,
    )


def _arn(place: Place, word: str, resource_id: str) -> str:
    return arn("ec2", place.region, place.account_id, f"{word}/{resource_id}")
