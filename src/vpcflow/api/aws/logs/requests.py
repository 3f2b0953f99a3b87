"""What requests of CloudWatch Logs have in common: the group meant, its ARNs, milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.control.logs.log_group import (
    checked_name,
    group_arn,
    invalid,
    name_of_identifier,
    stream_arn,
)


def now_ms(call: Call) -> int:
    """When the request came."""
    return int(call.now_s * 1000)


def group_name(call: Call) -> str:
    """The group of a request that names it by ``logGroupName`` or by ``logGroupIdentifier``.

    Errors: ServiceError when there are both or none.
    """
    name, identifier = call.get("logGroupName"), call.get("logGroupIdentifier")
    if name is not None and identifier is not None:
        raise ServiceError(
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        )
    if identifier is not None:
        return name_of_identifier(call.place, identifier)
    if name is None:
        raise invalid("Either a LogGroup name or a LogGroup ARN must be given.")
    return checked_name(name)


def group_resources(call: Call) -> Sequence[str]:
    """The ARN that IAM holds against policies: a group's own ends with an unnamed stream."""
    return [stream_arn(call.place, _name(call), "")]


def stream_resources(call: Call) -> Sequence[str]:
    """The ARN of the stream that a request names."""
    return [stream_arn(call.place, _name(call), call.get("logStreamName") or "")]


def any_group(call: Call) -> Sequence[str]:
    """What a request that lists groups is about."""
    return [stream_arn(call.place, "", "")]


def tagged_resources(call: Call) -> Sequence[str]:
    """The ARN of a tag request, which has no stream."""
    name = call.get("logGroupName")
    return [group_arn(call.place, name) if name else call.get("resourceArn") or "*"]


def _name(call: Call) -> str:
    identifier = call.get("logGroupIdentifier") or call.get("resourceIdentifier")
    name = call.get("logGroupName") or identifier or ""
    return str(name).partition(":log-group:")[2].split(":")[0] or str(name)
