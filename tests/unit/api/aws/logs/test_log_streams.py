"""Aim: streams as AWS answers for them. Method: boto3 over the service, answers as recorded on AWS."""

from __future__ import annotations

from log_world import ACCOUNT, GROUP, NOW_MS, PLACE, LogWorld
from test_log_groups import refused

ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}"


def test_a_stream_without_events_as_recorded(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName=GROUP)
    world.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    assert world.logs.describe_log_streams(logGroupName=GROUP)["logStreams"] == [
        {
            "arn": f"{ARN}:log-stream:s",
            "creationTime": NOW_MS,
            "logStreamName": "s",
            "storedBytes": 0,
        }
    ]


def test_the_refusals_as_recorded(world: LogWorld) -> None:
    logs = world.logs
    assert refused(logs.create_log_stream, logGroupName=GROUP, logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    assert refused(logs.create_log_stream, logGroupName=GROUP, logStreamName="s") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    assert refused(logs.delete_log_stream, logGroupName=GROUP, logStreamName="t") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    assert refused(logs.describe_log_streams, logGroupName=GROUP, logGroupIdentifier=GROUP) == (
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
    assert refused(
        logs.describe_log_streams,
        logGroupName=GROUP,
        orderBy="LastEventTime",
        logStreamNamePrefix="s",
    ) == (
        "InvalidParameterException",
        "Cannot order by LastEventTime with a logStreamNamePrefix.",
    )
    identifier = f"{ARN}:*"
    assert refused(logs.describe_log_streams, logGroupIdentifier=identifier) == (
        "InvalidParameterException",
        f"1 validation error detected: Value '{identifier}' at 'logGroupIdentifier' failed to "
        r"satisfy constraint: Member must satisfy regular expression pattern: [\w#+=/:,.@-]*",
    )


def test_a_group_is_named_by_its_arn_too_with_a_colon_at_the_end(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName=GROUP)
    for identifier in (GROUP, ARN, f"{ARN}:"):
        answer = world.logs.describe_log_streams(logGroupIdentifier=identifier)
        assert answer["logStreams"] == []
        assert "nextToken" not in answer


def test_events_show_in_the_times_of_their_stream(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName=GROUP)
    world.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    world.put("s", [(NOW_MS - 5, "a"), (NOW_MS - 1, "b")])
    world.clock.advance(1)
    world.put("s", [(NOW_MS - 9, "c")])
    (stream,) = world.logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert stream["firstEventTimestamp"] == NOW_MS - 9
    assert stream["lastEventTimestamp"] == NOW_MS - 1
    assert stream["lastIngestionTime"] == NOW_MS + 1000
    assert len(stream["uploadSequenceToken"]) == 56


def test_the_order_of_last_events_is_exact_page_by_page(world: LogWorld) -> None:
    world.logs.create_log_group(logGroupName=GROUP)
    for number in range(7):
        world.logs.create_log_stream(logGroupName=GROUP, logStreamName=f"s{number}")
        if number:
            world.put(f"s{number}", [(NOW_MS - (number * 5 % 7), "x")])
    pages = world.logs.get_paginator("describe_log_streams").paginate(
        logGroupName=GROUP,
        orderBy="LastEventTime",
        descending=True,
        PaginationConfig={"PageSize": 2},
    )
    names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
    assert names == ["s3", "s6", "s2", "s5", "s1", "s4", "s0"]
    prefixed = world.logs.describe_log_streams(
        logGroupName=GROUP, logStreamNamePrefix="s3", descending=True
    )
    assert [stream["logStreamName"] for stream in prefixed["logStreams"]] == ["s3"]
    code, message = refused(world.logs.describe_log_streams, logGroupName=GROUP, nextToken="x")
    assert (code, message) == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_delivery_makes_the_group_and_its_streams_with_their_first_event(world: LogWorld) -> None:
    world.groups.record_delivery(PLACE, GROUP, {}, NOW_MS)
    assert not world.logs.describe_log_groups()["logGroups"]
    world.groups.record_delivery(PLACE, GROUP, {"eni-1-all": (5_000, 9_000)}, NOW_MS)
    world.groups.record_delivery(PLACE, GROUP, {"eni-1-all": (1_000, 8_000)}, NOW_MS + 1)
    (stream,) = world.logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (1_000, 9_000)
    assert (stream["creationTime"], stream["lastIngestionTime"]) == (NOW_MS, NOW_MS + 1)


def test_a_deleted_stream_comes_back_without_its_past(world: LogWorld) -> None:
    logs = world.logs
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    world.put("s", [(NOW_MS, "old")])
    logs.delete_log_stream(logGroupName=GROUP, logStreamName="s")
    assert not world.filtered()
    assert not logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    world.put("s", [(NOW_MS, "new")])
    world.open()
    assert [event["message"] for event in world.filtered()] == ["new"]
    (stream,) = world.logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert stream["firstEventTimestamp"] == NOW_MS
