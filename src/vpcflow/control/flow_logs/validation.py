"""The rules of CreateFlowLogs that need nothing but the request: all of them before any change.

What is stored plays no part here; service.py asks whether resources and destinations exist.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.flow_logs.destination import (
    bucket_and_prefix,
    check_group_name,
    log_group_of,
    stream_of,
)
from vpcflow.control.flow_logs.flow_log import DestinationOptions, DestinationType
from vpcflow.control.flow_logs.log_format_rules import check_tag_fields, checked_format
from vpcflow.control.state import Place
from vpcflow.control.tags import check_tags, tags_from
from vpcflow.record.field_spec import Resource
from vpcflow.record.flow_log_selection import TrafficType

#: Resources of one request.
RESOURCES_MAX = 300
GATEWAY_RESOURCES_MAX = 25
TOKEN_LENGTH_MAX = 64
TAG_FIELD_KEYS_MAX = 2
TAG_FIELD_KEY_LENGTH_MAX = 128
INTERVALS_S = (60, 600)
DEFAULT_INTERVAL_S = 600

#: Resource types that we meter.
METERED_TYPES = ("VPC", "Subnet", "NetworkInterface")
#: Resource types of other products: their record format is checked, then they are refused.
_GATEWAY_TYPES = ("TransitGateway", "TransitGatewayAttachment")
_CLOUD_WAN_TYPES = ("CoreNetwork", "CoreNetworkEdge", "CoreNetworkAttachment")
_OTHER_TYPES = ("RegionalNatGateway", *_GATEWAY_TYPES, *_CLOUD_WAN_TYPES)
_TAG_OWNERS = ("network-interface", "instance", "auto-scaling-group")
_ROLE = re.compile(r"arn:aws[a-z\-]*:iam::(\d{12}):role/[\x21-\x7e]{1,512}\Z")


@dataclass(frozen=True, slots=True)
class FlowLogRequest:
    """A CreateFlowLogs request that keeps all rules.

    Shape: ``resource_ids`` are each there once; ``bucket`` and ``prefix`` of an S3 destination,
    ``log_group_name`` of a log group, however it was named. ``fingerprint`` is the same for the
    same parameters, but for ClientToken and DryRun.
    """

    resource_type: str
    resource_ids: tuple[str, ...]
    traffic_type: TrafficType | None
    destination_type: DestinationType
    log_format: str
    fingerprint: str
    max_aggregation_interval_s: int = DEFAULT_INTERVAL_S
    log_destination: str | None = None
    log_group_name: str | None = None
    bucket: str = ""
    prefix: str = ""
    deliver_logs_permission_arn: str | None = None
    deliver_cross_account_role: str | None = None
    options: DestinationOptions | None = None
    tag_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    client_token: str | None = None


def checked_request(parameters: Mapping[str, Any], place: Place) -> FlowLogRequest:
    """A request from the parameters of the model's input shape.

    Errors: ServiceError with AWS's code and words for the first rule that is broken.
    """
    ids = _resource_ids(parameters.get("ResourceIds") or ())
    resource_type = _resource_type(parameters.get("ResourceType"), ids)
    kind = DestinationType(_one_of(parameters, "LogDestinationType", list(DestinationType)))
    destination, group = _destination(parameters, kind)
    roles = _roles(parameters, kind)
    traffic_type = _traffic_type(parameters.get("TrafficType"), resource_type)
    interval_s = _interval(parameters.get("MaxAggregationInterval"), resource_type)
    gateway = resource_type in _GATEWAY_TYPES
    log_format = checked_format(
        parameters.get("LogFormat"), Resource.TRANSIT_GATEWAY if gateway else Resource.VPC
    )
    tag_fields = _tag_fields(parameters.get("TagFieldSpecifications"))
    check_tag_fields(log_format, tag_fields)
    bucket = prefix = ""
    if kind is DestinationType.S3:
        bucket, prefix = bucket_and_prefix(destination or "")
    elif kind is DestinationType.FIREHOSE:
        _check_stream(destination or "", roles, place)
    else:
        group = _group(destination, group, place)
        _check_account("DeliverLogsPermissionArn", roles[0], place)
    if resource_type not in METERED_TYPES:
        raise _no_source(resource_type)
    return FlowLogRequest(
        resource_type,
        ids,
        traffic_type,
        kind,
        str(log_format),
        _fingerprint(parameters),
        max_aggregation_interval_s=interval_s,
        log_destination=destination,
        log_group_name=group,
        bucket=bucket,
        prefix=prefix,
        deliver_logs_permission_arn=roles[0],
        deliver_cross_account_role=roles[1],
        options=_options(parameters.get("DestinationOptions"), kind),
        tag_fields=tag_fields,
        tags=_tags(parameters.get("TagSpecifications")),
        client_token=_client_token(parameters.get("ClientToken")),
    )


def _resource_ids(given: Sequence[str]) -> tuple[str, ...]:
    if not given or not all(given):
        raise ServiceError("MissingParameter", "The request must contain the parameter ResourceIds")
    return tuple(dict.fromkeys(given))


def _resource_type(given: str | None, ids: Sequence[str]) -> str:
    if not given:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter ResourceType"
        )
    if given not in (*METERED_TYPES, *_OTHER_TYPES):
        raise _no_such_value("ResourceType", given)
    most = GATEWAY_RESOURCES_MAX if given.startswith(("Transit", "Core")) else RESOURCES_MAX
    if len(ids) > most:
        raise ServiceError(
            "InvalidParameter",
            f"ResourceIds: at most {most} resources of type {given} may be given, got {len(ids)}.",
        )
    return given


def _one_of(parameters: Mapping[str, Any], name: str, values: Sequence[str]) -> str:
    given = parameters.get(name) or values[0]
    if given not in values:
        raise _no_such_value(name, given)
    return str(given)


def _destination(
    parameters: Mapping[str, Any], kind: DestinationType
) -> tuple[str | None, str | None]:
    """The destination and the log group's name as they were given: one of them."""
    destination = parameters.get("LogDestination") or None
    group = parameters.get("LogGroupName") or None
    if destination and group:
        raise ServiceError(
            "InvalidParameter", "Please only provide LogGroupName or only provide LogDestination."
        )
    if not destination and not group:
        raise ServiceError(
            "InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided."
        )
    if group and kind is not DestinationType.LOG_GROUP:
        raise ServiceError(
            "InvalidParameter",
            "LogDestination type must be cloud-watch-logs if LogGroupName is provided.",
        )
    return destination, group


def _roles(parameters: Mapping[str, Any], kind: DestinationType) -> tuple[str | None, str | None]:
    role = parameters.get("DeliverLogsPermissionArn") or None
    other = parameters.get("DeliverCrossAccountRole") or None
    if kind is DestinationType.LOG_GROUP and role is None:
        raise ServiceError(
            "InvalidParameter",
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
        )
    if kind is DestinationType.S3 and role is not None:
        raise ServiceError(
            "InvalidParameter", "DeliverLogsPermissionArn is not applicable for s3 delivery"
        )
    if kind is not DestinationType.FIREHOSE and other is not None:
        raise ServiceError(
            "InvalidParameter", f"DeliverCrossAccountRole is not applicable for {kind} delivery"
        )
    for name, given in (("DeliverLogsPermissionArn", role), ("DeliverCrossAccountRole", other)):
        if given is not None and not _ROLE.match(given):
            raise ServiceError("InvalidParameter", f"{name}: {given} is not the ARN of a role.")
    return role, other


def _traffic_type(given: str | None, resource_type: str) -> TrafficType | None:
    if resource_type in (*_GATEWAY_TYPES, *_CLOUD_WAN_TYPES):
        if given:
            raise ServiceError(
                "InvalidParameter", f"TrafficType is not supported for {resource_type}."
            )
        return None
    if not given:
        raise ServiceError("MissingParameter", "The request must contain the parameter TrafficType")
    # Clients write Accept and Reject as well, and emulators let them.
    if given.upper() not in list(TrafficType):
        raise _no_such_value("TrafficType", given)
    return TrafficType(given.upper())


def _interval(given: int | None, resource_type: str) -> int:
    elsewhere = resource_type in (*_GATEWAY_TYPES, *_CLOUD_WAN_TYPES)
    if given is None:
        return INTERVALS_S[0] if elsewhere else DEFAULT_INTERVAL_S
    if given not in (INTERVALS_S[:1] if elsewhere else INTERVALS_S):
        raise ServiceError("InvalidParameter", "Invalid Flow Log Max Aggregation Interval")
    return given


def _group(destination: str | None, group: str | None, place: Place) -> str:
    if destination is None:
        assert group is not None
        check_group_name(group)
        return group
    arn, name = log_group_of(destination)
    if (arn.account_id, arn.region) != place:
        raise ServiceError(
            "InvalidParameter",
            f"LogDestination: {destination} is not a log group of account {place.account_id} in "
            f"region {place.region}.",
        )
    return name


def _check_stream(destination: str, roles: tuple[str | None, str | None], place: Place) -> None:
    arn, _ = stream_of(destination)
    if arn.account_id == place.account_id:
        return
    if None in roles:
        raise ServiceError(
            "InvalidParameter",
            "DeliverLogsPermissionArn and DeliverCrossAccountRole can't be empty if the delivery "
            "stream is in another account.",
        )
    _check_account("DeliverLogsPermissionArn", roles[0], place)


def _check_account(name: str, role: str | None, place: Place) -> None:
    found = _ROLE.match(role or "")
    if found and found.group(1) != place.account_id:
        raise ServiceError("InvalidParameter", f"{name}: {role} is a role of another account.")


def _options(given: Mapping[str, Any] | None, kind: DestinationType) -> DestinationOptions | None:
    if kind is not DestinationType.S3:
        if given:
            raise ServiceError(
                "InvalidParameter", f"DestinationOptions is not applicable for {kind} delivery"
            )
        return None
    chosen = given or {}
    file_format = chosen.get("FileFormat") or "plain-text"
    if file_format not in ("plain-text", "parquet"):
        raise _no_such_value("FileFormat", file_format)
    return DestinationOptions(
        file_format == "parquet",
        bool(chosen.get("HiveCompatiblePartitions")),
        bool(chosen.get("PerHourPartition")),
    )


def _tag_fields(given: Sequence[Mapping[str, Any]] | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in given or ():
        owner = one.get("ResourceType") or ""
        keys = tuple(one.get("TagKeys") or ())
        if owner not in _TAG_OWNERS or owner in found:
            raise ServiceError(
                "InvalidParameter",
                f"TagFieldSpecifications: resource type '{owner}' "
                + ("stands twice." if owner in found else "is not valid."),
            )
        if not 1 <= len(keys) <= TAG_FIELD_KEYS_MAX or len(set(keys)) < len(keys):
            raise ServiceError(
                "InvalidParameter",
                f"TagFieldSpecifications: {owner} needs 1 to {TAG_FIELD_KEYS_MAX} different keys.",
            )
        if not all(1 <= len(key) <= TAG_FIELD_KEY_LENGTH_MAX for key in keys):
            raise ServiceError(
                "InvalidParameter",
                f"TagFieldSpecifications: a key has 1 to {TAG_FIELD_KEY_LENGTH_MAX} characters.",
            )
        found[owner] = keys
    return found


def _tags(given: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    tags = tags_from(given, "vpc-flow-log")
    check_tags(tags)
    return tags


def _client_token(given: str | None) -> str | None:
    if given and len(given) > TOKEN_LENGTH_MAX:
        raise ServiceError(
            "InvalidParameterValue", f"ClientToken has more than {TOKEN_LENGTH_MAX} characters."
        )
    return given or None


def _fingerprint(parameters: Mapping[str, Any]) -> str:
    compared = {
        name: value for name, value in parameters.items() if name not in ("ClientToken", "DryRun")
    }
    text = json.dumps(compared, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _no_such_value(name: str, given: str) -> ServiceError:
    return ServiceError("InvalidParameter", f"Value ({given}) for parameter {name} is invalid.")


def _no_source(resource_type: str) -> ServiceError:
    return ServiceError(
        "UnsupportedOperation",
        f"Flow logs of {resource_type} are not supported: vpcflow meters network interfaces and "
        "has no source of such traffic. Create the flow log on a VPC, Subnet or NetworkInterface.",
    )
