"""Flow logs as resources: create, list, delete, and what others need to know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from vpcflow.base.clock import Clock
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.flow_logs.flow_log import (
    FLOW_LOGS,
    PAST_FLOW_LOGS,
    DeliveryStatus,
    DestinationType,
    FlowLog,
)
from vpcflow.control.flow_logs.listing import FlowLogList, FlowLogLists, check_ids, page_size
from vpcflow.control.flow_logs.request_token import (
    Created,
    FlowLogFailure,
    answer_of,
    remember,
    token_for,
)
from vpcflow.control.flow_logs.selections import selection_of, source_of
from vpcflow.control.flow_logs.surroundings import Authorize, Surroundings, allow_all
from vpcflow.control.flow_logs.validation import FlowLogRequest
from vpcflow.control.ids import new_id
from vpcflow.control.state import Change, Place, State
from vpcflow.control.tags import add_tags, remove_tags, tag_conditions
from vpcflow.record.flow_log_selection import FlowLogSelection, LogGroupSource

#: Flow logs of one resource, as at AWS.
FLOW_LOGS_PER_RESOURCE_MAX = 250
ACCESS_ERROR = "Access error"
RESOURCE_TYPE = "vpc-flow-log"

#: The service that a delivery role is passed to.
ROLE_USER = {
    DestinationType.LOG_GROUP: "vpc-flow-logs.amazonaws.com",
    DestinationType.FIREHOSE: "delivery.logs.amazonaws.com",
}
#: What ARNs call the resources that a flow log may be of.
ARN_WORDS = {"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "network-interface"}
_NOT_FOUND = {
    "VPC": ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    "Subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    "NetworkInterface": (
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{}' does not exist",
    ),
}

#: How long a flow log that was deleted is delivered to: its destination may be down just then.
DRAIN_S = 86_400
Plan = tuple[FlowLog, Place, FlowLogSelection]
_Refusal = tuple[str, str]
_Groups = Mapping[str, tuple[LogGroupSource, ...]]


@dataclass(frozen=True, slots=True)
class FlowLogPage:
    """Flow logs in the order they were made, and the token of the next page."""

    flow_logs: Sequence[FlowLog]
    next_token: str | None
    tags: FlowLogList


class FlowLogService:
    """The flow logs of all accounts and regions.

    Shape: safe for any number of threads. A flow log is the same as another one, which
    ``FlowLogAlreadyExists`` refuses, when resource, traffic type, destination with its options,
    log format and aggregation interval are; role, tags and token do not count.
    Errors: ServiceError as AWS words it.
    """

    def __init__(self, state: State, clock: Clock, surroundings: Surroundings) -> None:
        self._state = state
        self._clock = clock
        self._around = surroundings
        self._lists = FlowLogLists(state)
        self._plans: tuple[tuple[int, ...], tuple[Plan, ...]] | None = None
        self._groups: dict[Place, tuple[Mapping[str, FlowLog], Mapping[str, FlowLog], _Groups]] = {}

    def authorize(self, request: FlowLogRequest, place: Place, ask: Authorize) -> None:
        """Ask for what CreateFlowLogs needs beside itself: the role, the delivery, the tags."""
        kind = request.destination_type
        here = partial(arn, "ec2", place.region, place.account_id)
        role = request.deliver_logs_permission_arn
        if role is not None:
            word = ARN_WORDS[request.resource_type]
            passed = {
                "iam:PassedToService": ROLE_USER[kind],
                "iam:AssociatedResourceArn": [
                    here(f"{word}/{one}") for one in request.resource_ids
                ],
            }
            ask("iam:PassRole", [role], passed)
        if kind is not DestinationType.LOG_GROUP:
            ask("logs:CreateLogDelivery", ["*"])
        if request.tags:
            every = here(f"{RESOURCE_TYPE}/*")
            made_by = {"ec2:CreateAction": "CreateFlowLogs", **tag_conditions(request.tags)}
            ask("ec2:CreateTags", [every], made_by)

    def authorize_delete(self, place: Place, ids: Sequence[str], ask: Authorize) -> None:
        """Ask for what DeleteFlowLogs needs beside itself: the end of deliveries to S3 and Firehose."""
        known = self._state.all(FLOW_LOGS, place)
        found = [known[flow_log_id] for flow_log_id in ids if flow_log_id in known]
        if any(one.destination_type is not DestinationType.LOG_GROUP for one in found):
            ask("logs:DeleteLogDelivery", ["*"])

    def create(self, request: FlowLogRequest, place: Place, ask: Authorize = allow_all) -> Created:
        """One flow log for every resource of the request that can have it.

        Shape: ``ask`` says whether the caller may let the delivery into an own bucket.
        Errors: the failure of the first resource when none can have it for a reason of its own: it
        does not exist, has the same flow log or too many. A destination that cannot be delivered to
        is told for each resource.
        """
        answered = self._check_first(request, place)
        if answered is not None:
            return answered
        token = request.client_token or token_for(place, request.resource_ids)
        refusal = self._destination_refusal(request, place, ask)
        flow_log_ids = sorted(new_id("fl") for _ in request.resource_ids)
        problem = self._role_problem(request, place, flow_log_ids[0])
        with self._state.change() as change:
            if request.client_token:
                before = answer_of(change, place, token, request.fingerprint)
                if before is not None:
                    return before
            now_ms = int(self._clock.now_s() * 1000)
            made, failed = _sorted_out(change, request, place, self._around, refusal)
            for flow_log_id, resource_id in zip(flow_log_ids, made, strict=False):
                flow_log = _flow_log(request, flow_log_id, resource_id, token, now_ms, problem)
                change.put(FLOW_LOGS, place, flow_log_id, flow_log)
                add_tags(change, place, flow_log_id, RESOURCE_TYPE, request.tags)
            created = Created(token, tuple(flow_log_ids[: len(made)]), tuple(failed))
            if request.client_token and made:
                remember(change, place, token, request.fingerprint, created, now_ms // 1000)
        return created

    def describe(
        self,
        place: Place,
        *,
        ids: Sequence[str] = (),
        filters: Sequence[Mapping[str, Any]] = (),
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> FlowLogPage:
        """Flow logs in pages; ids that do not exist are left out."""
        found = self._lists.at(place)
        flow_logs, token = found.page(ids, filters, page_size(max_results, ids), next_token)
        return FlowLogPage(flow_logs, token, found)

    def delete(self, place: Place, ids: Sequence[str]) -> None:
        """Delete flow logs; their data stays where it is.

        Errors: ServiceError ``InvalidFlowLogId.NotFound`` that lists the unknown; then none of the
        others is deleted.
        """
        wanted = tuple(dict.fromkeys(ids))
        if not wanted:
            raise ServiceError(
                "MissingParameter", "The request must contain the parameter FlowLogIds"
            )
        check_ids(wanted)
        with self._state.change() as change:
            known = change.all(FLOW_LOGS, place)
            missing = [flow_log_id for flow_log_id in wanted if flow_log_id not in known]
            if missing:
                raise ServiceError(
                    "InvalidFlowLogId.NotFound",
                    "These flow log ids in the input list are not found: "
                    f"[TotalCount: {len(missing)}] {' '.join(missing)}",
                )
            now_s = int(self._clock.now_s())
            for flow_log in [known[flow_log_id] for flow_log_id in wanted]:
                change.remove(FLOW_LOGS, place, flow_log.flow_log_id)
                remove_tags(change, place, flow_log.flow_log_id, None)
                past = replace(flow_log, deleted_s=now_s)
                if past.log_group_name is None or source_of(past) is not None:
                    change.put(PAST_FLOW_LOGS, place, past.flow_log_id, past)
            for past in list(change.all(PAST_FLOW_LOGS, place).values()):
                if past.log_group_name is None and now_s - (past.deleted_s or 0) > DRAIN_S:
                    change.remove(PAST_FLOW_LOGS, place, past.flow_log_id)

    def plans(self) -> tuple[Plan, ...]:
        """All flow logs that get records, everywhere, with which ones.

        Shape: those deleted in the last DRAIN_S too, for what was recorded before.
        """
        oldest_s = int(self._clock.now_s() - DRAIN_S)
        mark = (*self._state.mark(FLOW_LOGS, PAST_FLOW_LOGS), oldest_s // DRAIN_S)
        held = self._plans
        if held is None or held[0] != mark:
            plans = tuple(
                (flow_log, place, selection_of(flow_log))
                for kind in (FLOW_LOGS, PAST_FLOW_LOGS)
                for place in self._state.places(kind)
                for flow_log in self._state.all(kind, place).values()
                if flow_log.deleted_s is None or flow_log.deleted_s >= oldest_s
            )
            held = self._plans = (mark, plans)
        return held[1]

    def log_group_sources(self, place: Place, group_name: str) -> tuple[LogGroupSource, ...]:
        """The flow logs, also past ones, whose records can be read in a log group now."""
        now, past = self._state.all(FLOW_LOGS, place), self._state.all(PAST_FLOW_LOGS, place)
        held = self._groups.get(place)
        if held is None or held[0] is not now or held[1] is not past:
            groups: dict[str, list[LogGroupSource]] = {}
            for flow_log in [*now.values(), *past.values()]:
                source = source_of(flow_log) if flow_log.log_group_name else None
                if source is not None:
                    groups.setdefault(flow_log.log_group_name or "", []).append(source)
            made = {name: tuple(sources) for name, sources in groups.items()}
            held = self._groups[place] = (now, past, made)
        return held[2].get(group_name, ())

    def set_status(
        self,
        place: Place,
        flow_log_id: str,
        status: DeliveryStatus,
        message: str | None = None,
        visible_until_s: int | None = None,
    ) -> None:
        """How delivery goes; nothing happens when it goes as before, or the flow log has gone."""

        def told(flow_log: FlowLog) -> FlowLog:
            return replace(
                flow_log, status=status, error_message=message, visible_until_s=visible_until_s
            )

        # What one that was deleted gets at last is to be readable; nothing that it has is hidden.
        well = status is DeliveryStatus.SUCCESS
        for kind in (FLOW_LOGS, PAST_FLOW_LOGS) if well else (FLOW_LOGS,):
            flow_log = self._state.get(kind, place, flow_log_id)
            if flow_log is None or told(flow_log) == flow_log:
                continue
            with self._state.change() as change:
                flow_log = change.get(kind, place, flow_log_id)
                if flow_log is not None:
                    change.put(kind, place, flow_log_id, told(flow_log))

    def forget_past(self, change: Change, place: Place, group_name: str) -> None:
        """A log group is deleted with this change: what flow logs had in it goes with it.

        Shape: flow logs that exist go on, and begin the group anew with what comes from now on.
        """
        now_s = int(self._clock.now_s())
        for flow_log_id, flow_log in change.all(PAST_FLOW_LOGS, place).items():
            if flow_log.log_group_name == group_name:
                change.remove(PAST_FLOW_LOGS, place, flow_log_id)
        for flow_log_id, flow_log in change.all(FLOW_LOGS, place).items():
            if flow_log.log_group_name == group_name:
                anew = replace(flow_log, visible_from_s=now_s)
                change.put(FLOW_LOGS, place, flow_log_id, anew)

    def check_delivery(self, flow_log: FlowLog, place: Place) -> str | None:
        """Why the flow log cannot deliver to its log group, in the words of its status; or None."""
        return ACCESS_ERROR if self.role_problem(flow_log, place) else None

    def role_problem(self, flow_log: FlowLog, place: Place) -> str | None:
        """The same as a sentence that names the role and what it lacks."""
        role, group = flow_log.deliver_logs_permission_arn, flow_log.log_group_name
        if role is None or group is None:
            return None
        return self._around.role_problem(place, role, group, flow_log.flow_log_id)

    def destination_problem(self, request: FlowLogRequest, place: Place) -> str | None:
        """Why nothing can be delivered to the destination as it is now, as a sentence; or None.

        Shape: it changes nothing; CreateFlowLogs may still give the delivery its right to a bucket.
        """

        def refuse(
            action: str,
            resources: Sequence[str],
            context: Mapping[str, Any] | None = None,  # noqa: ARG001 - Authorize has it
        ) -> None:
            raise ServiceError("AccessDenied", f"a check does not ask for {action} on {resources}")

        found = self._destination_refusal(request, place, refuse)
        return None if found is None else found[1]

    def _check_first(self, request: FlowLogRequest, place: Place) -> Created | None:
        """Look before anything is asked that may change something; the change looks again.

        Errors: ServiceError when nothing can come of the request.
        """
        refused: ServiceError | None = None
        try:
            _sorted_out(self._state, request, place, self._around, None)
        except ServiceError as error:
            refused = error
        # In this order: what the same request made a moment ago must not refuse its repetition.
        if request.client_token:
            before = answer_of(self._state, place, request.client_token, request.fingerprint)
            if before is not None:
                return before
        if refused is not None:
            raise refused
        return None

    def _destination_refusal(
        self, request: FlowLogRequest, place: Place, ask: Authorize
    ) -> _Refusal | None:
        if request.destination_type is DestinationType.S3:

            def may_attach(bucket_arn: str) -> bool:
                try:
                    for action in ("s3:GetBucketPolicy", "s3:PutBucketPolicy"):
                        ask(action, [bucket_arn])
                except ServiceError:
                    return False
                return True

            hive = request.options is not None and request.options.hive_compatible_partitions
            return self._around.bucket_problem(
                place, request.bucket, request.prefix, hive, may_attach
            )
        if request.destination_type is DestinationType.FIREHOSE:
            return self._around.stream_problem(
                place,
                request.log_destination or "",
                request.deliver_logs_permission_arn,
                request.deliver_cross_account_role,
            )
        return None

    def _role_problem(self, request: FlowLogRequest, place: Place, flow_log_id: str) -> str | None:
        role, group = request.deliver_logs_permission_arn, request.log_group_name
        if role is None or group is None:
            return None
        return self._around.role_problem(place, role, group, flow_log_id)


def _sorted_out(
    view: State | Change,
    request: FlowLogRequest,
    place: Place,
    around: Surroundings,
    refusal: _Refusal | None,
) -> tuple[list[str], list[FlowLogFailure]]:
    """The resources that can have the flow log, and why the others cannot.

    Errors: the first failure when no resource can, for a reason of its own.
    """
    wanted = set(request.resource_ids)
    there: dict[str, list[FlowLog]] = {}
    for flow_log in view.all(FLOW_LOGS, place).values():
        if flow_log.resource_id in wanted:
            there.setdefault(flow_log.resource_id, []).append(flow_log)
    made: list[str] = []
    failed: list[FlowLogFailure] = []
    for resource_id in request.resource_ids:
        others = there.get(resource_id, [])
        if not around.resource_exists(place, request.resource_type, resource_id):
            code, text = _NOT_FOUND[request.resource_type]
            failed.append(FlowLogFailure(resource_id, code, text.format(resource_id)))
        elif refusal is not None:
            failed.append(FlowLogFailure(resource_id, *refusal))
        elif any(_is_same(request, other) for other in others):
            failed.append(
                FlowLogFailure(
                    resource_id,
                    "FlowLogAlreadyExists",
                    "Error. There is an existing Flow Log with the same configuration and log "
                    "destination.",
                )
            )
        elif len(others) >= FLOW_LOGS_PER_RESOURCE_MAX:
            failed.append(
                FlowLogFailure(
                    resource_id,
                    "FlowLogsLimitExceeded",
                    f"The maximum number of flow logs ({FLOW_LOGS_PER_RESOURCE_MAX}) for "
                    f"{resource_id} has been reached.",
                )
            )
        else:
            made.append(resource_id)
    if not made and refusal is None:
        raise ServiceError(failed[0].code, failed[0].message)
    return made, failed


def _is_same(request: FlowLogRequest, other: FlowLog) -> bool:
    # A log group may be named or given as an ARN, and a folder with or without a slash at its end.
    where = request.log_group_name or (request.log_destination or "").rstrip("/")
    there = other.log_group_name or (other.log_destination or "").rstrip("/")
    return (
        request.destination_type is other.destination_type
        and where == there
        and request.traffic_type is other.traffic_type
        and request.log_format == other.log_format
        and request.max_aggregation_interval_s == other.max_aggregation_interval_s
        and request.options == other.options
    )


def _flow_log(
    request: FlowLogRequest,
    flow_log_id: str,
    resource_id: str,
    token: str,
    now_ms: int,
    problem: str | None,
) -> FlowLog:
    return FlowLog(
        flow_log_id,
        resource_id,
        request.traffic_type,
        request.destination_type,
        request.log_format,
        now_ms,
        token,
        max_aggregation_interval_s=request.max_aggregation_interval_s,
        log_destination=request.log_destination,
        log_group_name=request.log_group_name,
        deliver_logs_permission_arn=request.deliver_logs_permission_arn,
        deliver_cross_account_role=request.deliver_cross_account_role,
        options=request.options,
        tag_fields=request.tag_fields,
        status=DeliveryStatus.FAILED if problem else DeliveryStatus.SUCCESS,
        error_message=ACCESS_ERROR if problem else None,
        visible_until_s=now_ms // 1000 if problem else None,
    )
