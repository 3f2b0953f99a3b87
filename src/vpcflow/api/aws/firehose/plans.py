"""From a delivery stream as a resource to what delivery does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vpcflow.api.aws.firehose.destinations import delimiter_of
from vpcflow.control.delivery_streams import EXTENDED_S3, DeliveryStream, DeliveryStreams
from vpcflow.deliver.firehose import BucketTarget, HttpTarget, StreamPlan

MIB = 1 << 20


def plan_of(streams: DeliveryStreams) -> Callable[[str], StreamPlan | None]:
    """What ``FirehoseStreams`` asks: the plan of a stream by its ARN."""

    def plan(stream_arn: str) -> StreamPlan | None:
        found = streams.find_arn(stream_arn)
        return None if found is None else stream_plan(found, streams)

    return plan


def stream_plan(stream: DeliveryStream, streams: DeliveryStreams) -> StreamPlan:
    """What delivery does with a stream's records."""
    destination = stream.destination
    hints = destination["BufferingHints"]
    target: BucketTarget | HttpTarget
    if stream.kind == EXTENDED_S3:
        target = _bucket(destination, stream, streams)
    else:
        request = destination["RequestConfiguration"]
        endpoint = destination["EndpointConfiguration"]
        target = HttpTarget(
            str(endpoint["Url"]),
            _bucket(destination["S3Configuration"], stream, streams),
            access_key=str(endpoint.get("AccessKey") or ""),
            gzip=request["ContentEncoding"] == "GZIP",
            common_attributes=tuple(
                (str(pair["AttributeName"]), str(pair["AttributeValue"]))
                for pair in request["CommonAttributes"]
            ),
            retry_duration_s=int(destination["RetryOptions"].get("DurationInSeconds", 300)),
            backup_all=destination["S3BackupMode"] == "AllData",
        )
    return StreamPlan(
        stream.arn,
        stream.name,
        str(stream.version),
        target,
        buffer_bytes=int(hints["SizeInMBs"]) * MIB,
        interval_s=int(hints["IntervalInSeconds"]),
        delimiter=delimiter_of(destination).encode(),
    )


def _bucket(
    given: Mapping[str, Any], stream: DeliveryStream, streams: DeliveryStreams
) -> BucketTarget:
    name, prefix = str(given["BucketARN"]).partition(":::")[2], given.get("Prefix") or ""
    return BucketTarget(
        name,
        prefix=prefix,
        error_prefix=given.get("ErrorOutputPrefix") or "",
        gzip=given["CompressionFormat"] == "GZIP",
        file_extension=given.get("FileExtension") or "",
        time_zone=given.get("CustomTimeZone") or "UTC",
        problem=streams.bucket_problem(stream, str(given["RoleARN"]), name, prefix) or "",
    )
