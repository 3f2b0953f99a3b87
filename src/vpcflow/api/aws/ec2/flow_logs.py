"""Flow logs over EC2's API."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from vpcflow.api.aws.ec2.describe import resource_arn
from vpcflow.api.aws.operation import Call, Operation, dry_run
from vpcflow.base.errors import ServiceError
from vpcflow.control.flow_logs.flow_log import FlowLog
from vpcflow.control.flow_logs.service import ARN_WORDS, RESOURCE_TYPE, FlowLogService
from vpcflow.control.flow_logs.validation import checked_request
from vpcflow.control.tags import TagSet, tag_list

#: Flow logs that are kept as they are answered.
ANSWERS_KEPT_MAX = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TEMPLATE = (
    "vpcflow writes no Athena templates: ask its own table with `vpcflow query`, or create the "
    "table over the objects by hand."
)


class _Answers:
    """Flow logs as members of the answer, made once while a flow log and its tags stay the same."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[FlowLog, TagSet | None, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def of(
        self, flow_logs: Sequence[FlowLog], tag_sets: Mapping[str, TagSet]
    ) -> list[dict[str, Any]]:
        """The members of each flow log, for reading only."""
        with self._lock:
            if len(self._held) > ANSWERS_KEPT_MAX:
                self._held.clear()
            return [
                self._one(flow_log, tag_sets.get(flow_log.flow_log_id)) for flow_log in flow_logs
            ]

    def _one(self, flow_log: FlowLog, tag_set: TagSet | None) -> dict[str, Any]:
        held = self._held.get(flow_log.flow_log_id)
        if held is None or held[0] is not flow_log or held[1] is not tag_set:
            answer = answered(flow_log, tag_set.tags if tag_set else {})
            held = self._held[flow_log.flow_log_id] = (flow_log, tag_set, answer)
        return held[2]


def answered(flow_log: FlowLog, tags: Mapping[str, str]) -> dict[str, Any]:
    """A flow log as DescribeFlowLogs answers it: what it has no value for is not there at all."""
    options = flow_log.options
    members: dict[str, Any] = {
        "CreationTime": _EPOCH + timedelta(milliseconds=flow_log.created_ms),
        "DeliverLogsErrorMessage": flow_log.error_message,
        "DeliverLogsPermissionArn": flow_log.deliver_logs_permission_arn,
        "DeliverCrossAccountRole": flow_log.deliver_cross_account_role,
        "DeliverLogsStatus": flow_log.status.value,
        "FlowLogId": flow_log.flow_log_id,
        "FlowLogStatus": "ACTIVE",
        "LogGroupName": flow_log.log_group_name,
        "ResourceId": flow_log.resource_id,
        "TrafficType": flow_log.traffic_type.value if flow_log.traffic_type else None,
        "LogDestinationType": flow_log.destination_type.value,
        "LogDestination": flow_log.log_destination,
        "LogFormat": flow_log.log_format,
        "Tags": tag_list(tags),
        "MaxAggregationInterval": flow_log.max_aggregation_interval_s,
        "DestinationOptions": options
        and {
            "FileFormat": "parquet" if options.parquet else "plain-text",
            "HiveCompatiblePartitions": options.hive_compatible_partitions,
            "PerHourPartition": options.per_hour_partition,
        },
        "TagFieldSpecifications": [
            {"ResourceType": owner, "TagKeys": list(keys)}
            for owner, keys in flow_log.tag_fields.items()
        ]
        or None,
    }
    return {name: value for name, value in members.items() if value is not None}


class _Handlers:
    """What the operations do."""

    def __init__(self, flow_logs: FlowLogService) -> None:
        self._flow_logs = flow_logs
        self._answers = _Answers()

    def create(self, call: Call) -> dict[str, Any]:
        request = checked_request(call.parameters, call.place)
        ask = partial(call.authorize, call.caller)
        self._flow_logs.authorize(request, call.place, ask)
        if call.get("DryRun"):
            raise dry_run()
        created = self._flow_logs.create(request, call.place, ask)
        return {
            "ClientToken": created.client_token,
            "FlowLogIds": list(created.flow_log_ids),
            "Unsuccessful": [
                {
                    "Error": {"Code": failure.code, "Message": failure.message},
                    "ResourceId": failure.resource_id,
                }
                for failure in created.unsuccessful
            ],
        }

    def describe(self, call: Call) -> dict[str, Any]:
        page = self._flow_logs.describe(
            call.place,
            ids=call.get("FlowLogIds") or (),
            filters=call.get("Filter") or (),
            max_results=call.get("MaxResults"),
            next_token=call.get("NextToken"),
        )
        answer: dict[str, Any] = {"FlowLogs": self._answers.of(page.flow_logs, page.tags.tag_sets)}
        if page.next_token is not None:
            answer["NextToken"] = page.next_token
        return answer

    def delete(self, call: Call) -> dict[str, Any]:
        ids = call.get("FlowLogIds") or ()
        self._flow_logs.authorize_delete(call.place, ids, partial(call.authorize, call.caller))
        self._flow_logs.delete(call.place, ids)
        return {"Unsuccessful": []}


def _no_template(_: Call) -> dict[str, Any]:
    raise ServiceError("UnsupportedOperation", _NO_TEMPLATE)


def _made(call: Call) -> list[str]:
    """Any flow log, and the resources that it is to be of."""
    word = ARN_WORDS.get(call.get("ResourceType") or "")
    return [
        resource_arn(call, RESOURCE_TYPE, "*"),
        *(resource_arn(call, word, one) for one in call.get("ResourceIds") or () if word),
    ]


def _deleted(call: Call) -> list[str]:
    return [resource_arn(call, RESOURCE_TYPE, one) for one in call.get("FlowLogIds") or ["*"]]


def operations(flow_logs: FlowLogService) -> list[Operation]:
    """The operations on flow logs."""
    handlers = _Handlers(flow_logs)
    return [
        Operation(
            "CreateFlowLogs",
            handlers.create,
            takes="DryRun ClientToken DeliverLogsPermissionArn DeliverCrossAccountRole LogGroupName "
            "ResourceIds ResourceType TrafficType LogDestinationType LogDestination LogFormat "
            "TagSpecifications MaxAggregationInterval DestinationOptions TagFieldSpecifications",
            resources=_made,
            handles_dry_run=True,
            # AWS's own words in any case: clients write Accept as well as ACCEPT.
            raw_members=frozenset({"TrafficType"}),
            note="Resource types VPC, Subnet and NetworkInterface; for the others the record format "
            "is checked and the request refused. MaxAggregationInterval is kept and shown; records "
            "cover the service's own interval, 60 seconds at most, as on Nitro instances. Fields of "
            "ECS, tags and next hops are accepted and print `-` where nothing is known.",
        ),
        Operation(
            "DescribeFlowLogs",
            handlers.describe,
            takes="DryRun Filter FlowLogIds MaxResults NextToken",
        ),
        Operation("DeleteFlowLogs", handlers.delete, takes="DryRun FlowLogIds", resources=_deleted),
        Operation(
            "GetFlowLogsIntegrationTemplate",
            _no_template,
            takes="DryRun FlowLogId ConfigDeliveryS3DestinationArn IntegrateServices",
            note="Always refused with `UnsupportedOperation`: vpcflow writes no Athena templates.",
        ),
    ]
