"""Flow logs between JSON and what the control plane keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vpcflow.api.rest.flow_log_models import (
    DestinationView,
    FlowLogHead,
    FlowLogOrder,
    FlowLogProblem,
)
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import Arn, arn
from vpcflow.control.flow_logs.flow_log import DestinationType, FlowLog
from vpcflow.control.network.resources import NETWORK_INTERFACES, SUBNETS, VPCS
from vpcflow.control.state import Place
from vpcflow.control.tags import tags_of
from vpcflow.deliver.status import FailureMessage

if TYPE_CHECKING:
    from vpcflow.control.state import State
    from vpcflow.deliver.state import Cursor

RESOURCE_TYPES = {"vpc": "VPC", "subnet": "Subnet", "eni": "NetworkInterface"}
#: Words of AWS's messages and codes, and the member of our own order that is meant.
_MEMBERS = (
    ("ResourceIds", "resource_ids"),
    ("ResourceType", "resource_ids"),
    ("InvalidVpcID", "resource_ids"),
    ("InvalidSubnetID", "resource_ids"),
    ("InvalidNetworkInterfaceID", "resource_ids"),
    ("FlowLogAlreadyExists", "resource_ids"),
    ("FlowLogsLimitExceeded", "resource_ids"),
    ("TagFieldSpecifications", "tag_fields"),
    ("DeliverLogsPermissionArn", "role_arn"),
    ("iam:PassRole", "role_arn"),
    ("DeliverCrossAccountRole", "cross_account_role_arn"),
    ("LogDestinationType", "destination_type"),
    ("LogDestination", "destination"),
    ("LogGroupName", "destination"),
    ("LogFormat", "log_format"),
    ("logFormat", "log_format"),
    ("TrafficType", "traffic_type"),
    ("Aggregation", "interval_s"),
    ("DestinationOptions", "options"),
    ("FileFormat", "options"),
    ("ClientToken", "client_token"),
    ("client token", "client_token"),
    ("ec2:CreateTags", "tags"),
    ("Tag ", "tags"),
    ("tags", "tags"),
)
_HINTS = {
    FailureMessage.ACCESS_ERROR.value: "give the role what it lacks; delivery goes on by itself",
    FailureMessage.RATE_LIMITED.value: "the destination takes less than comes; records wait and "
    "are delivered later",
    FailureMessage.UNKNOWN_ERROR.value: "look whether the destination still exists and is "
    "reachable; the server's log has the error",
}


def resource_type_of(resource_id: str) -> str:
    """AWS's word for the kind of a resource, by its id; empty for none that we meter."""
    return RESOURCE_TYPES.get(resource_id.partition("-")[0], "")


def parameters_of(order: FlowLogOrder) -> dict[str, Any]:
    """An order as parameters of CreateFlowLogs.

    Errors: ServiceError for resources of several kinds, which one request cannot have.
    """
    kinds = {resource_type_of(one) for one in order.resource_ids}
    if len(kinds) > 1 or "" in kinds:
        raise ServiceError(
            "InvalidParameter",
            "ResourceIds: give ids of VPCs, of subnets or of network interfaces, of one kind only.",
        )
    is_group = order.destination_type == DestinationType.LOG_GROUP.value
    named = is_group and not order.destination.startswith("arn:")
    given: dict[str, Any] = {
        "ResourceIds": order.resource_ids,
        "ResourceType": next(iter(kinds), "VPC"),
        "TrafficType": order.traffic_type,
        "LogDestinationType": order.destination_type,
        "LogGroupName" if named else "LogDestination": order.destination,
        "DeliverLogsPermissionArn": order.role_arn,
        "DeliverCrossAccountRole": order.cross_account_role_arn,
        "LogFormat": order.log_format,
        "MaxAggregationInterval": order.interval_s,
        "ClientToken": order.client_token,
        "TagFieldSpecifications": [
            {"ResourceType": owner, "TagKeys": keys} for owner, keys in order.tag_fields.items()
        ],
        "TagSpecifications": order.tags
        and [
            {
                "ResourceType": "vpc-flow-log",
                "Tags": [{"Key": key, "Value": value} for key, value in order.tags.items()],
            }
        ],
        "DestinationOptions": order.options
        and {
            "FileFormat": "parquet" if order.options.parquet else "plain-text",
            "HiveCompatiblePartitions": order.options.hive_compatible_partitions,
            "PerHourPartition": order.options.per_hour_partition,
        },
    }
    return {name: value for name, value in given.items() if value not in (None, [], {}, "")}


def pointing(error: ServiceError) -> ServiceError:
    """The same refusal with the member of the order that it is about."""
    text = f"{error.code} {error.message}"
    places = [(text.find(word), member) for word, member in _MEMBERS if word in text]
    if not places or "where" in error.fields:
        return error
    # The first word that stands in the sentence, the longest where two begin at one place.
    where = min(enumerate(places), key=lambda one: (one[1][0], one[0]))[1][1]
    return ServiceError(
        error.code, error.message, status=error.status, fields={**error.fields, "where": where}
    )


def destination_view(flow_log: FlowLog, place: Place) -> DestinationView:
    """Where a flow log delivers, in words."""
    kind: Any = flow_log.destination_type.value
    if flow_log.destination_type is DestinationType.LOG_GROUP:
        name = flow_log.log_group_name or ""
        group = arn("logs", place.region, place.account_id, f"log-group:{name}")
        return DestinationView(type=kind, name=name, arn=group, label=f"log group {name}")
    where = flow_log.log_destination or ""
    resource = Arn.parse(where).resource
    if flow_log.destination_type is DestinationType.FIREHOSE:
        name = resource.rpartition("/")[2]
        return DestinationView(type=kind, name=name, arn=where, label=f"delivery stream {name}")
    bucket, _, folder = resource.partition("/")
    folder = folder.strip("/")
    label = f"bucket {bucket}" + (f", folder {folder}" if folder else "")
    return DestinationView(type=kind, name=bucket, folder=folder, arn=where, label=label)


def name_of(state: State, place: Place, resource_id: str) -> str:
    """The name of a VPC, subnet or interface: its tag, else what the host calls it."""
    tagged = tags_of(state, place, resource_id).get("Name")
    if tagged:
        return tagged
    vpc = state.get(VPCS, place, resource_id)
    if vpc is not None:
        return vpc.vpc.name
    subnet = state.get(SUBNETS, place, resource_id)
    if subnet is not None:
        return subnet.subnet.name
    interface = state.get(NETWORK_INTERFACES, place, resource_id)
    return interface.interface.name if interface is not None else ""


def head_of(
    flow_log: FlowLog, place: Place, state: State, cursors: Mapping[str, Cursor], now_s: float
) -> FlowLogHead:
    """A flow log as the list shows it."""
    cursor = cursors.get(flow_log.flow_log_id)
    until_s = cursor.until_s or None if cursor else None
    traffic: Any = flow_log.traffic_type.value if flow_log.traffic_type else "ALL"
    resource_type: Any = resource_type_of(flow_log.resource_id)
    return FlowLogHead(
        id=flow_log.flow_log_id,
        name=tags_of(state, place, flow_log.flow_log_id).get("Name", ""),
        resource_id=flow_log.resource_id,
        resource_name=name_of(state, place, flow_log.resource_id),
        resource_type=resource_type,
        traffic_type=traffic,
        destination=destination_view(flow_log, place),
        status="ACTIVE",
        delivery_status=flow_log.status.value,
        error_message=flow_log.error_message,
        created_s=flow_log.created_ms // 1000,
        log_format=flow_log.log_format,
        fields=len(re.findall(r"\$\{", flow_log.log_format)),
        interval_s=flow_log.max_aggregation_interval_s,
        delivered_until_s=until_s,
        lag_s=None if until_s is None else max(0, int(now_s - until_s)),
        lost_records=cursor.lost if cursor else 0,
    )


def problem_of(flow_log: FlowLog, role_problem: str | None) -> FlowLogProblem | None:
    """What keeps a flow log from delivering; None when nothing does."""
    if flow_log.error_message is None and role_problem is None:
        return None
    message = flow_log.error_message or FailureMessage.ACCESS_ERROR.value
    unknown = _HINTS[FailureMessage.UNKNOWN_ERROR.value]
    return FlowLogProblem(
        message=message,
        why=role_problem or f"{message}, as the destination says",
        hint=_HINTS.get(message, unknown),
    )
