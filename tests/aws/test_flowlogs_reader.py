"""Aim: flowlogs-reader reads flow records from here. Method: it runs unmodified over a bucket and a log group.

Nothing is captured here: the bucket holds objects that `deliver` writes, put over S3's API, and the
group holds lines that a client put. What is metered is read by flowlogs-reader in the lab's test.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aws_endpoint import ACCOUNT_ID, REGION, AwsServer
from flowlogs_reader import FlowLogsReader, FlowRecord, S3FlowLogsReader

from vpcflow.deliver.delivered_object import TextObject
from vpcflow.deliver.object_key import SLOT_S, name_hash, object_key
from vpcflow.deliver.plan import DeliveryPlan, S3Destination
from vpcflow.record.flow_log_selection import FlowLogSelection, ScopeColumn, TrafficType
from vpcflow.record.log_format import default_format

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning")

LINES_AN_OBJECT = 50
SLOTS = 3
STREAMS, LINES_A_STREAM = 4, 400


def lines_at(start_s: int, eni: str, count: int) -> list[str]:
    """Records of one interface, told apart by their port."""
    return [
        f"2 {ACCOUNT_ID} {eni} 10.0.0.1 10.0.0.2 {1_024 + number} 443 6 9 840 {start_s} "
        f"{start_s + 59} {'REJECT' if number % 5 == 0 else 'ACCEPT'} OK"
        for number in range(count)
    ]


def told(records: list[FlowRecord]) -> list[str]:
    """Records as lines of the default format, sorted."""
    return sorted(" ".join(record.to_message().split()[:14]) for record in records)


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("hourly", [False, True])
def test_objects_of_a_bucket(server: AwsServer, tmp_path: Path, threads: int, hourly: bool) -> None:
    s3, now_s = server.client("s3"), int(time.time())
    bucket = f"reader-{threads}-{'hourly' if hourly else 'daily'}"
    s3.create_bucket(Bucket=bucket)
    to = S3Destination(bucket, prefix="flows", per_hour_partition=hourly)
    selection = FlowLogSelection(ScopeColumn.VPC, "vpc-a", TrafficType.ALL, default_format(), 0)
    plan = DeliveryPlan("fl-00000000000000001", ACCOUNT_ID, REGION, selection, to)
    put: list[str] = []
    for number in range(SLOTS):
        slot_s = (now_s // SLOT_S - number) * SLOT_S
        made = TextObject(default_format(), tmp_path)
        lines = lines_at(slot_s, f"eni-{number}", LINES_AN_OBJECT)
        made.append(memoryview("".join(f"{line}\n" for line in lines).encode()), len(lines))
        key = object_key(plan, to, slot_s, name_hash(plan.flow_log_id, slot_s, 0, 1, 0, ()))
        s3.put_object(Bucket=bucket, Key=key, Body=made.finish())
        put += lines
    reader = S3FlowLogsReader(
        f"{bucket}/flows",
        start_time=datetime.fromtimestamp(now_s - 2 * 3_600, UTC).replace(tzinfo=None),
        end_time=datetime.fromtimestamp(now_s + 3_600, UTC).replace(tzinfo=None),
        thread_count=threads,
        boto_client=s3,
        raise_on_error=True,
    )
    assert told(list(reader)) == sorted(put)
    assert reader.skipped_records == 0


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("pattern", [None, "REJECT"])
def test_lines_of_a_log_group(server: AwsServer, threads: int, pattern: str | None) -> None:
    logs, now_s = server.client("logs"), int(time.time())
    group = f"reader-{threads}-{pattern}"
    logs.create_log_group(logGroupName=group)
    put: list[str] = []
    for number in range(STREAMS):
        stream = f"eni-{number}-all"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        lines = lines_at(now_s - 60, f"eni-{number}", LINES_A_STREAM)
        events = [{"timestamp": (now_s - 60) * 1_000, "message": line} for line in lines]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        put += [line for line in lines if pattern is None or pattern in line]
    reader = FlowLogsReader(
        group,
        filter_pattern=pattern,
        thread_count=threads,
        boto_client=logs,
        raise_on_error=True,
    )
    assert told(list(reader)) == sorted(put)
