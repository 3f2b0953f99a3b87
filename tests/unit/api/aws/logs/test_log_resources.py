"""Aim: permissions are asked for the ARNs that policies name. Method: calls of each kind."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from log_world import ACCOUNT, GROUP, NOW_MS, NOW_S, PLACE, LogWorld

from vpcflow.api.aws.operation import Call, RawRequest
from vpcflow.control.caller import root_caller
from vpcflow.store.event_store import EventStoreSettings

ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"


def resources(world: LogWorld, operation: str, **parameters: Any) -> list[str]:
    raw = RawRequest("POST", "/", "", [], b"")
    caller = root_caller(ACCOUNT)
    call = Call(
        "logs", operation, parameters, caller, "us-east-1", "r", NOW_S, raw, lambda *_: None
    )
    found = world.service.operations[operation].resources
    assert found is not None
    return list(found(call))


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("CreateLogGroup", {"logGroupName": GROUP}),
        ("FilterLogEvents", {"logGroupName": GROUP}),
        ("FilterLogEvents", {"logGroupIdentifier": f"{ARN}{GROUP}"}),
        ("DescribeLogStreams", {"logGroupIdentifier": f"{ARN}{GROUP}:"}),
        ("StartLiveTail", {"logGroupIdentifiers": [f"{ARN}{GROUP}"]}),
    ],
)
def test_a_group_is_asked_for_with_an_unnamed_stream(
    world: LogWorld, operation: str, parameters: dict[str, Any]
) -> None:
    assert resources(world, operation, **parameters) == [f"{ARN}{GROUP}:log-stream:"]


def test_a_stream_by_its_arn_and_tags_by_the_bare_one(world: LogWorld) -> None:
    named = {"logGroupName": GROUP, "logStreamName": "s"}
    for operation in ("CreateLogStream", "PutLogEvents", "GetLogEvents"):
        (arn,) = resources(world, operation, **named)
        assert arn == f"{ARN}{GROUP}:log-stream:s"
        assert fnmatchcase(arn, f"{ARN}{GROUP}:*")
    assert resources(world, "TagResource", resourceArn=f"{ARN}{GROUP}") == [f"{ARN}{GROUP}"]
    assert resources(world, "ListTagsLogGroup", logGroupName=GROUP) == [f"{ARN}{GROUP}"]
    assert resources(world, "DescribeLogGroups") == [f"{ARN}:log-stream:"]


def test_house_is_kept_by_retention(world: LogWorld) -> None:
    world.settings = EventStoreSettings(segment_bytes_max=4096)
    world.open()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    world.groups.create_stream(PLACE, GROUP, "s", NOW_MS)
    for _ in range(3):
        world.put("s", [(NOW_MS, "x" * 5_000)])
    assert world.groups.keep_house(NOW_MS + 10 * 86_400_000) == 0
    world.groups.set_retention(PLACE, GROUP, 1)
    assert world.groups.keep_house(NOW_MS + 86_400_001) == 3
    assert world.text.bytes == 0
