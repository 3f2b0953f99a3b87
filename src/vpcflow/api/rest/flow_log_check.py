"""Whether a flow log could deliver: what is there, what is missing, and the document that mends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from vpcflow.api.rest.flow_log_models import CheckFix, CheckStep, FlowLogCheck, FlowLogOrder
from vpcflow.api.rest.flow_log_words import parameters_of
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.bucket_policy import delivery_folder, with_delivery
from vpcflow.control.delivery_streams import DeliveryStreams
from vpcflow.control.flow_logs.flow_log import DestinationType
from vpcflow.control.flow_logs.service import ROLE_USER
from vpcflow.control.flow_logs.validation import FlowLogRequest, checked_request
from vpcflow.control.permissions import LOG_GROUP_ACTIONS, role_problem

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller
    from vpcflow.control.state import Place

#: Stands for the resource where none is picked yet, so that the rest can be checked.
_ANY_RESOURCE = "vpc-00000000000000000"
_VERSION = "2012-10-17"


def check_order(
    services: RestServices, caller: Caller, place: Place, order: FlowLogOrder
) -> FlowLogCheck:
    """Every step, as far as it can be checked; the first that is wrong may hide others."""
    given = order.model_copy(update={"resource_ids": order.resource_ids or [_ANY_RESOURCE]})
    try:
        request = checked_request(parameters_of(given), place)
    except ServiceError as error:
        steps = [CheckStep(what="What was asked for", ok=False, why=error.message)]
        return FlowLogCheck(ok=False, steps=steps)
    if request.destination_type is DestinationType.LOG_GROUP:
        steps = list(_log_group_steps(services, place, request))
    elif request.destination_type is DestinationType.S3:
        steps = list(_bucket_steps(services, caller, place, request))
    else:
        steps = list(_stream_steps(services, place, request))
    role = request.deliver_logs_permission_arn
    if role is not None:
        steps.append(_may(services, caller, "iam:PassRole", role))
    if request.destination_type is not DestinationType.LOG_GROUP:
        steps.append(_may(services, caller, "logs:CreateLogDelivery", "*"))
    return FlowLogCheck(ok=all(step.ok is not False for step in steps), steps=steps)


def _log_group_steps(
    services: RestServices, place: Place, request: FlowLogRequest
) -> Iterator[CheckStep]:
    group = request.log_group_name or ""
    there = group in services.log_groups.groups(place)
    yield CheckStep(
        what=f"Log group {group}",
        ok=True,
        why="it is there" if there else "it will be created with the first records",
    )
    role = request.deliver_logs_permission_arn or ""
    service = ROLE_USER[DestinationType.LOG_GROUP]
    group_arn = arn("logs", place.region, place.account_id, f"log-group:{group}")
    asked = partial(
        role_problem,
        services.state,
        role,
        place.account_id,
        service,
        source_arn=arn("ec2", place.region, place.account_id, "vpc-flow-log/fl-check"),
    )
    problem = asked(actions=(), resources=(group_arn,))
    if problem is not None and not problem.startswith("The trust policy"):
        yield CheckStep(
            what="Role",
            ok=False,
            why=problem,
            hint="pick a role of this account, or create one with these two documents",
            fix=CheckFix(title="Trust policy", document=_trust(service, place)),
        )
        return
    yield CheckStep(what="Role", ok=True, why=f"{role} is there")
    yield CheckStep(
        what="Trust",
        ok=problem is None,
        why=problem or f"{service} may assume it",
        hint="" if problem is None else "put this trust policy on the role",
        fix=None
        if problem is None
        else CheckFix(title="Trust policy", document=_trust(service, place)),
    )
    if problem is not None:
        return
    for action in LOG_GROUP_ACTIONS:
        missing = asked(actions=(action,), resources=(group_arn,))
        yield CheckStep(
            what=action,
            ok=missing is None,
            why=missing or "the role may do that",
            hint="" if missing is None else "add this policy to the role",
            fix=None
            if missing is None
            else CheckFix(title="Permissions of the role", document=_permissions()),
        )


def _bucket_steps(
    services: RestServices, caller: Caller, place: Place, request: FlowLogRequest
) -> Iterator[CheckStep]:
    name = request.bucket
    found = services.buckets.find(name)
    problem = services.flow_logs.destination_problem(request, place)
    if found is None:
        yield CheckStep(
            what=f"Bucket {name}",
            ok=problem is None,
            why=problem or "it is at the S3 endpoint of the settings",
            hint="" if problem is None else "create the bucket first, or pick another one",
        )
        return
    own = found.account_id == place.account_id
    whose = "your account" if own else f"account {found.account_id}"
    yield CheckStep(what=f"Bucket {name}", ok=True, why=f"it is there and belongs to {whose}")
    hive = request.options is not None and request.options.hive_compatible_partitions
    folder = delivery_folder(request.prefix, place.account_id, hive=hive)
    region = place.region or found.region
    policy = with_delivery(found.policy, name, folder, place.account_id, region)
    fix = None if policy is None else CheckFix(title="Bucket policy", document=json.loads(policy))
    if problem is None or policy is None:
        yield CheckStep(
            what="Bucket policy", ok=problem is None, why=problem or "it lets flow logs deliver"
        )
        return
    attach = all(
        services.permissions.allows(caller, action, found.arn)
        for action in ("s3:GetBucketPolicy", "s3:PutBucketPolicy")
    )
    if own and attach:
        why = "two statements will be added when the flow log is created; the others stay"
        yield CheckStep(what="Bucket policy", ok=True, why=why, fix=fix)
        return
    hint = "you may not change it: give this policy to the owner of the bucket"
    yield CheckStep(what="Bucket policy", ok=False, why=problem, hint=hint, fix=fix)


def _stream_steps(
    services: RestServices, place: Place, request: FlowLogRequest
) -> Iterator[CheckStep]:
    where = request.log_destination or ""
    found = DeliveryStreams(services.state).find_arn(where)
    problem = services.flow_logs.destination_problem(request, place)
    there = found is not None
    if not there and problem is None:
        why = "it may be at the Firehose endpoint of the settings; that is not asked"
        yield CheckStep(what="Delivery stream", ok=None, why=why)
        return
    yield CheckStep(
        what="Delivery stream",
        ok=there,
        why="it is there" if there else problem or "",
        hint="" if there else "create the stream first, or pick another one",
    )
    if there and problem is not None:
        yield CheckStep(
            what="Right to the stream of another account",
            ok=False,
            why=problem,
            hint="the role must trust the delivery service and may assume the other account's role, "
            "which must trust it",
            fix=CheckFix(
                title="Trust policy of your role",
                document=_trust(ROLE_USER[DestinationType.FIREHOSE], place),
            ),
        )


def _may(services: RestServices, caller: Caller, action: str, resource: str) -> CheckStep:
    allowed = services.permissions.allows(caller, action, resource)
    why = f"you may do {action}" if allowed else f"you are not allowed {action} on {resource}"
    hint = "" if allowed else "ask whoever manages your account's users for it"
    return CheckStep(what=action, ok=allowed, why=why, hint=hint)


def _trust(service: str, place: Place) -> dict[str, Any]:
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            }
        ],
    }


def _permissions() -> dict[str, Any]:
    return {
        "Version": _VERSION,
        "Statement": [{"Effect": "Allow", "Action": list(LOG_GROUP_ACTIONS), "Resource": "*"}],
    }
