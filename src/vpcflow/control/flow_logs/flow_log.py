"""A flow log as a resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from vpcflow.control.state import Kind
from vpcflow.record.flow_log_selection import TrafficType


class DestinationType(StrEnum):
    """Where a flow log delivers to, in AWS's words."""

    LOG_GROUP = "cloud-watch-logs"
    S3 = "s3"
    FIREHOSE = "kinesis-data-firehose"


class DeliveryStatus(StrEnum):
    """How delivery goes."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class DestinationOptions:
    """Options of an S3 destination."""

    parquet: bool = False
    hive_compatible_partitions: bool = False
    per_hour_partition: bool = False


@dataclass(frozen=True, slots=True)
class FlowLog:
    """One flow log; but for its status and its end, nothing of it ever changes.

    Shape: ``log_destination`` is the ARN as it was given, None where a log group's name was;
    ``log_group_name`` is set for every log group; ``log_format`` is the format string, the default
    spelled out; ``tag_fields`` are TagFieldSpecifications by resource type.
    ``visible_until_s``: while delivery to a log group fails, records that start from there on are
    not readable in it yet; None while all is well. ``visible_from_s``: the log group was deleted
    then, and what it had before is gone; None when it never was.
    Units: times in seconds since the epoch, ``created_ms`` in milliseconds; ``max_aggregation_interval_s``
    in seconds.
    """

    flow_log_id: str
    resource_id: str
    traffic_type: TrafficType | None
    destination_type: DestinationType
    log_format: str
    created_ms: int
    client_token: str
    max_aggregation_interval_s: int = 600
    log_destination: str | None = None
    log_group_name: str | None = None
    deliver_logs_permission_arn: str | None = None
    deliver_cross_account_role: str | None = None
    options: DestinationOptions | None = None
    tag_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    status: DeliveryStatus = DeliveryStatus.SUCCESS
    error_message: str | None = None
    visible_until_s: int | None = None
    visible_from_s: int | None = None
    deleted_s: int | None = None


#: Flow logs that exist.
FLOW_LOGS: Kind[FlowLog] = Kind("flow-log", FlowLog)
#: Flow logs that were deleted: their records stay readable in their log groups.
PAST_FLOW_LOGS: Kind[FlowLog] = Kind("past-flow-log", FlowLog)
