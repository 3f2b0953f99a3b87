"""Aim: filters of log groups are kept, shown and refused in AWS's words, and count what they say.

Method: a boto3 client over the operations; answers recorded on AWS as tables; batches of events
handed to the worker, and what it counts and sends read back.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from boto_over_services import BotoOverServices
from botocore.exceptions import ClientError

from vpcflow.api.aws.logs.filters import operations
from vpcflow.api.aws.monitoring import service as monitoring
from vpcflow.api.aws.operation import Service
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.logs.filter import count, forget_group
from vpcflow.control.logs.log_event_filters import PAYLOAD_BYTES_MAX, LogEventFilters
from vpcflow.control.logs.log_group import LOG_GROUPS, LogGroup
from vpcflow.control.metrics.metric_store import MetricStore
from vpcflow.control.state import Database, Place, State
from vpcflow.record.log_format import default_format

PLACE = Place("123456789012", "us-east-1")
STREAM = "arn:aws:firehose:us-east-1:123456789012:deliverystream/there"
ROLE = "arn:aws:iam::123456789012:role/sender"
SSH_REJECT = (
    '[version, account, eni, source, destination, srcport, destport="22", protocol="6", packets, '
    'bytes, windowstart, windowend, action="REJECT", flowlogstatus]'
)
SSH = "2 123456789010 eni-1 10.0.2.{} 172.31.16.21 20641 {} 6 20 {} 1418530010 1418530070 {} OK"
ONE = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
GROUP_MISSING = "The specified log group does not exist."


class World:
    """A group, its filters, and what they did."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(1_700_000_000.0)
        database = Database.in_folder(folder)
        self.state = State(database)
        self.metrics = MetricStore(database, self.clock)
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[tuple[str, Any]] = []
        self.may_pass = True
        self.role_may = True
        self.events = LogEventFilters(self.state, self.metrics, self.send)
        made = operations(
            self.state,
            stream_exists=lambda _place, arn: arn == STREAM,
            send_to_stream=self.send,
            role_may=lambda *_: self.role_may,
        )
        services = {"logs": Service.of("logs", made), "cloudwatch": monitoring(self.metrics)}
        self.boto = BotoOverServices(services, self.clock, self.authorize)
        self.logs = self.boto.client("logs")
        self.cloudwatch = self.boto.client("cloudwatch")
        with self.state.change() as change:
            for name in ("group", "other"):
                change.put(LOG_GROUPS, PLACE, name, LogGroup(name, 0))

    def send(self, arn: str, records: list[bytes]) -> None:
        self.sent += [(arn, json.loads(gzip.decompress(record))) for record in records]

    def authorize(self, caller: Any, action: str, resources: Any, context: Any = None) -> None:
        self.asked.append((action, (list(resources), dict(context or {}))))
        if not self.may_pass:
            raise ServiceError("AccessDeniedException", "no")

    def put(self, name: str = "f", pattern: str = "", group: str = "group", **one: Any) -> None:
        self.logs.put_metric_filter(
            logGroupName=group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[{**ONE, **one}],
        )

    def subscribe(self, name: str = "s", pattern: str = "", **more: Any) -> None:
        self.logs.put_subscription_filter(
            **{
                "logGroupName": "group",
                "filterName": name,
                "filterPattern": pattern,
                "destinationArn": STREAM,
                "roleArn": ROLE,
                **more,
            }
        )

    def take(self, messages: list[str], at_s: list[float] | None = None) -> None:
        times = np.array(at_s or [self.clock.now_s()] * len(messages)) * 1000
        self.events.take_events(
            PLACE,
            "group",
            "eni-1-all",
            times.astype(np.int64),
            pa.array(messages, pa.string()),
            int(self.clock.now_s() * 1000),
            lambda rows: [f"{row:056d}" for row in rows.tolist()],
        )

    def sums(self, name: str = "m", stat: str = "Sum", **dimensions: str) -> list[float]:
        answer = self.cloudwatch.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "q",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "n",
                            "MetricName": name,
                            "Dimensions": [
                                {"Name": key, "Value": value} for key, value in dimensions.items()
                            ],
                        },
                        "Period": 60,
                        "Stat": stat,
                    },
                }
            ],
            StartTime=self.clock.now_s() - 3600,
            EndTime=self.clock.now_s() + 3600,
            ScanBy="TimestampAscending",
        )
        values: list[float] = answer["MetricDataResults"][0]["Values"]
        return values


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_metric_filter_is_shown_as_recorded(world: World) -> None:
    world.put("f", "", defaultValue=0.0)
    world.put("g", SSH_REJECT, unit="None", metricName="rejects")
    world.put("f", group="other", metricValue="2")
    shown = world.logs.describe_metric_filters(logGroupName="group")["metricFilters"]
    assert shown == [
        {
            "applyOnTransformedLogs": False,
            "creationTime": 1_700_000_000_000,
            "filterName": "f",
            "filterPattern": "",
            "logGroupName": "group",
            "metricTransformations": [{"defaultValue": 0.0, **ONE}],
        },
        {
            "applyOnTransformedLogs": False,
            "creationTime": 1_700_000_000_000,
            "filterName": "g",
            "filterPattern": SSH_REJECT,
            "logGroupName": "group",
            "metricTransformations": [{**ONE, "metricName": "rejects", "unit": "None"}],
        },
    ]
    assert count(world.state, PLACE, "group") == 2
    by_prefix = world.logs.describe_metric_filters(filterNamePrefix="g")["metricFilters"]
    assert [one["filterName"] for one in by_prefix] == ["g"]
    by_metric = world.logs.describe_metric_filters(metricName="rejects", metricNamespace="n")
    assert [one["filterName"] for one in by_metric["metricFilters"]] == ["g"]


def test_lists_come_in_pages(world: World) -> None:
    for name in "abc":
        world.put(name)
    pages = world.logs.get_paginator("describe_metric_filters").paginate(
        PaginationConfig={"PageSize": 2}
    )
    found = [[one["filterName"] for one in page["metricFilters"]] for page in pages]
    assert found == [["a", "b"], ["c"]]
    code, _ = refused(world.logs.describe_metric_filters, nextToken="x")
    assert code == "InvalidParameterException"


def test_the_same_name_replaces_and_delete_removes(world: World) -> None:
    world.put("f", "ERROR")
    world.put("f", "WARN")
    shown = world.logs.describe_metric_filters()["metricFilters"]
    assert [one["filterPattern"] for one in shown] == ["WARN"]
    world.logs.delete_metric_filter(logGroupName="group", filterName="f")
    assert world.logs.describe_metric_filters()["metricFilters"] == []
    assert refused(world.logs.delete_metric_filter, logGroupName="group", filterName="f") == (
        "ResourceNotFoundException",
        "The specified metric filter does not exist.",
    )


@pytest.mark.parametrize(
    ("pattern", "one"),
    [
        ("[a", {}),
        ("", {"metricValue": "$a"}),
        ("[a, b]", {"metricValue": "$c"}),
        ("{ $.a = 1 }", {"metricValue": "a"}),
        ("[a, b]", {"dimensions": {"x": "$a"}, "defaultValue": 1.0}),
    ],
)
def test_a_filter_that_cannot_be_is_refused(
    world: World, pattern: str, one: dict[str, Any]
) -> None:
    code, _ = refused(lambda: world.put("f", pattern, **one))
    assert code == "InvalidParameterException"
    assert world.logs.describe_metric_filters()["metricFilters"] == []


def test_a_group_must_be_there(world: World) -> None:
    missing = ("ResourceNotFoundException", GROUP_MISSING)
    assert refused(lambda: world.put(group="none")) == missing
    assert refused(world.logs.describe_metric_filters, logGroupName="none") == missing
    assert refused(lambda: world.subscribe(logGroupName="none")) == missing
    assert refused(world.logs.describe_subscription_filters, logGroupName="none") == missing


def test_a_group_name_that_is_too_long_is_refused_as_recorded(world: World) -> None:
    unchecked = world.boto.client("logs", parameter_validation=False)
    assert refused(unchecked.delete_metric_filter, logGroupName="x" * 513, filterName="f") == (
        "InvalidParameterException",
        "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    )
    assert refused(
        unchecked.put_metric_filter,
        logGroupName="group",
        filterName="f",
        filterPattern="",
        metricTransformations=[ONE, ONE],
    ) == (
        "InvalidParameterException",
        "1 validation error detected: Value '[MetricTransformation(metricName=m, "
        "metricNamespace=n, metricValue=1, defaultValue=null, unit=null, dimensions=null), "
        "MetricTransformation(metricName=m, metricNamespace=n, metricValue=1, defaultValue=null, "
        "unit=null, dimensions=null)]' at 'metricTransformations' failed to satisfy constraint: "
        "Member must have length less than or equal to 1",
    )


def test_regular_expressions_of_a_group_are_counted(world: World) -> None:
    for number in range(4):
        world.put(str(number), r"%\d%")
    world.subscribe("s", "[a=%x%]")
    assert refused(lambda: world.put("more", "{ $.a = %x% }"))[0] == "LimitExceededException"
    world.put("plain", "x")
    world.put("0", "%replaced%")


def test_a_third_subscription_is_refused_as_recorded(world: World) -> None:
    world.subscribe("a")
    world.subscribe("b", "x", distribution="Random")
    assert refused(lambda: world.subscribe("c")) == (
        "LimitExceededException",
        "Resource limit exceeded.",
    )
    world.subscribe("b", "y")
    shown = world.logs.describe_subscription_filters(logGroupName="group")["subscriptionFilters"]
    assert shown[0] == {
        "applyOnTransformedLogs": False,
        "creationTime": 1_700_000_000_000,
        "destinationArn": STREAM,
        "distribution": "ByLogStream",
        "filterName": "a",
        "filterPattern": "",
        "logGroupName": "group",
        "roleArn": ROLE,
    }
    assert [one["filterPattern"] for one in shown] == ["", "y"]
    world.logs.delete_subscription_filter(logGroupName="group", filterName="a")
    assert refused(world.logs.delete_subscription_filter, logGroupName="group", filterName="a") == (
        "ResourceNotFoundException",
        "The specified subscription filter does not exist.",
    )


@pytest.mark.parametrize(
    ("destination", "role", "group", "code", "message"),
    [
        (
            "arn:aws:kinesis:us-east-1:123456789012:stream/x",
            None,
            "group",
            "InvalidParameterException",
            "destinationArn for vendor kinesis cannot be used without roleArn",
        ),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:x",
            None,
            "none",
            "AccessDeniedException",
            "Cross-account lambda invocation passing is not allowed. You must use "
            "DestinationPolicies to create cross account lambda triggers.",
        ),
        (
            STREAM + "-not",
            ROLE,
            "group",
            "InvalidParameterException",
            "Could not deliver test message to specified Firehose stream. "
            "Check if the given Firehose stream is in ACTIVE state.",
        ),
        (
            STREAM.replace("123456789012", "210987654321"),
            ROLE,
            "group",
            "InvalidParameterException",
            "Could not deliver test message to specified Firehose stream. "
            "Check if the given Firehose stream is in ACTIVE state.",
        ),
        (
            "nonsense",
            ROLE,
            "group",
            "InvalidParameterException",
            "Invalid destinationArn: nonsense",
        ),
    ],
)
def test_destinations_are_refused_as_recorded(
    world: World, destination: str, role: str | None, group: str, code: str, message: str
) -> None:
    more = {"roleArn": role} if role else {}
    found = refused(
        world.logs.put_subscription_filter,
        logGroupName=group,
        filterName="s",
        filterPattern="",
        destinationArn=destination,
        **more,
    )
    assert found == (code, message)
    assert not world.sent


def test_the_role_must_be_passed_and_be_of_use(world: World) -> None:
    world.role_may = False
    assert refused(world.subscribe)[0] == "InvalidParameterException"
    assert world.asked == [
        ("iam:PassRole", ([ROLE], {"iam:PassedToService": "logs.amazonaws.com"}))
    ]
    world.may_pass = False
    assert refused(world.subscribe)[0] == "AccessDeniedException"
    assert (
        world.logs.describe_subscription_filters(logGroupName="group")["subscriptionFilters"] == []
    )


def test_the_documented_ssh_alarm_from_pattern_to_metric(world: World) -> None:
    lines = [
        SSH.format(1, 22, 4249, "REJECT"),
        SSH.format(2, 22, 10, "ACCEPT"),
        SSH.format(3, 443, 10, "REJECT"),
        SSH.format(4, 22, 11, "REJECT"),
    ]
    tested = world.logs.test_metric_filter(filterPattern=SSH_REJECT, logEventMessages=lines)
    assert [one["eventNumber"] for one in tested["matches"]] == [1, 4]
    first = tested["matches"][0]
    assert first["eventMessage"] == lines[0]
    assert first["extractedValues"]["$destport"] == "22"
    assert first["extractedValues"]["$flowlogstatus"] == "OK"
    world.put("ssh", SSH_REJECT)
    world.put("bytes", SSH_REJECT, metricName="bytes", metricValue="$bytes", unit="Bytes")
    world.put(
        "tenth", SSH_REJECT, metricName="by", metricValue="$10", dimensions={"from": "$source"}
    )
    now_s = world.clock.now_s()
    world.take(lines * 6, [now_s] * 12 + [now_s - 60] * 12)
    assert world.sums() == [6.0, 6.0]
    assert world.sums("bytes", "Maximum") == [4249.0, 4249.0]
    assert world.sums("by", "SampleCount", **{"from": "10.0.2.4"}) == [3.0, 3.0]
    alarm = world.cloudwatch.get_metric_statistics(
        Namespace="n",
        MetricName="m",
        StartTime=now_s // 3600 * 3600 - 3600,
        EndTime=now_s + 60,
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in alarm["Datapoints"]) >= 10


def test_a_default_stands_for_minutes_with_events_and_no_match(world: World) -> None:
    world.put("none", "nothing", metricName="none", defaultValue=7.0)
    world.put("some", " ", metricName="some", defaultValue=0.0)
    now_s = world.clock.now_s()
    world.take(["a", "b"], [now_s, now_s - 60])
    world.take(["c"], [now_s])
    listed = world.cloudwatch.list_metrics(Namespace="n")["Metrics"]
    assert [one["MetricName"] for one in listed] == ["none", "some"]
    assert world.sums("none") == [7.0, 7.0]
    assert world.sums("some") == [1.0, 2.0]


def test_what_fits_a_subscription_is_sent_on(world: World) -> None:
    world.subscribe("s", "REJECT")
    ((arn, probe),) = world.sent
    assert arn == STREAM
    assert probe["messageType"] == "CONTROL_MESSAGE"
    world.sent.clear()
    world.take(["x REJECT", "y", "z REJECT"])
    assert world.sent == [
        (
            STREAM,
            {
                "messageType": "DATA_MESSAGE",
                "owner": "123456789012",
                "logGroup": "group",
                "logStream": "eni-1-all",
                "subscriptionFilters": ["s"],
                "logEvents": [
                    {"id": "0" * 56, "timestamp": 1_700_000_000_000, "message": "x REJECT"},
                    {"id": f"{2:056d}", "timestamp": 1_700_000_000_000, "message": "z REJECT"},
                ],
            },
        )
    ]


def test_ids_are_made_of_the_events_and_the_same_when_they_come_again(world: World) -> None:
    world.subscribe()
    world.sent.clear()
    times = np.full(3, 1_700_000_000_000)
    for ingested_ms in (1, 2):
        messages = pa.array(["same", "same", "other"])
        world.events.take_events(PLACE, "group", "s", times, messages, ingested_ms)
    first, again = ([event["id"] for event in sent["logEvents"]] for _, sent in world.sent)
    assert first == again
    assert len(set(first)) == 3
    assert all(len(one) == 56 and one.isdigit() for one in first)


def test_flow_records_are_filtered_as_their_lines(world: World) -> None:
    records = pa.record_batch(
        {
            "interface_id": pa.array(["eni-1", "eni-1"]),
            "dstport": pa.array([22, 443], pa.int32()),
            "start": pa.array([1_699_999_999, 1_699_999_999], pa.int64()),
            "end": pa.array([1_700_000_000, 1_700_000_000], pa.int64()),
            "action": pa.array(["REJECT", "REJECT"]),
        }
    )
    took = (PLACE, "group", "eni-1-all", records, default_format(), 1_700_000_000_000)
    world.events.take_records(*took)
    world.put("ssh", SSH_REJECT.replace('protocol="6"', "protocol"))
    world.subscribe("s", "[..., dstport=22, p, pk, by, s, e, action, status]")
    world.sent.clear()
    world.events.take_records(*took)
    assert world.sums() == [1.0]
    (event,) = world.sent[0][1]["logEvents"]
    assert event["timestamp"] == 1_699_999_999_000
    assert event["message"] == "2 - eni-1 - - - 22 - - - 1699999999 1700000000 REJECT -"


def test_payloads_are_bounded_and_lose_nothing(world: World) -> None:
    world.subscribe()
    world.sent.clear()
    messages = ["a" * 400_000, "b" * 400_000, "c" * 400_000, "d" * (PAYLOAD_BYTES_MAX + 1), "e"]
    world.take(messages)
    parts = [[event["message"] for event in document["logEvents"]] for _, document in world.sent]
    assert [message for part in parts for message in part] == messages
    assert len(parts) == 4


def test_a_group_without_filters_has_none_and_one_that_goes_loses_them(world: World) -> None:
    assert not world.events.has_filters(PLACE, "group")
    world.put()
    world.put(group="other")
    world.subscribe()
    assert world.events.has_filters(PLACE, "group")
    with world.state.change() as change:
        forget_group(change, PLACE, "group")
    assert not world.events.has_filters(PLACE, "group")
    assert world.events.has_filters(PLACE, "other")
    world.sent.clear()
    world.take(["x"])
    assert not world.sent
