"""What to deliver where: one plan a flow log, handed out by whoever keeps the flow logs."""

from __future__ import annotations

from dataclasses import dataclass

from vpcflow.record.flow_log_selection import FlowLogSelection


@dataclass(frozen=True, slots=True)
class LogGroupDestination:
    """A log group of CloudWatch Logs."""

    log_group_name: str


@dataclass(frozen=True, slots=True)
class S3Destination:
    """A bucket; ``prefix`` is the folder of the ARN without slashes at its ends."""

    bucket: str
    prefix: str = ""
    parquet: bool = False
    hive_compatible_partitions: bool = False
    per_hour_partition: bool = False


@dataclass(frozen=True, slots=True)
class FirehoseDestination:
    """A delivery stream, by ARN."""

    stream_arn: str


Destination = LogGroupDestination | S3Destination | FirehoseDestination


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """One flow log's delivery.

    Shape: a flow log that was deleted keeps its plan, with ``until_s``, while records from before
    may still come; without a plan it is forgotten.
    """

    flow_log_id: str
    account_id: str
    region: str
    selection: FlowLogSelection
    destination: Destination
