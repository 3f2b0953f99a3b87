"""Aim: pages of any size, either way, are the whole in its order. Method: random seconds that repeat."""

from __future__ import annotations

import random
from typing import Any

import pytest
from log_world import GROUP, NOW_MS, NOW_S, PLACE, LogWorld

BEGIN_S = NOW_S // 3_600 * 3_600 - 2 * 3_600


def fill(world: LogWorld, seed: int) -> None:
    chance = random.Random(seed)
    world.flow_log()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    for _ in range(4):
        world.record(
            [
                {
                    "start": BEGIN_S + chance.choice([0, 1, 2, 3, 3_599, 3_600, 5_000]),
                    "bytes": chance.randint(1, 30),
                }
                for _ in range(25)
            ],
            note=chance.random() < 0.5,
        )
    world.groups.record_delivery(PLACE, GROUP, {"eni-1-all": (1, 2)}, NOW_MS)
    for _ in range(3):
        second = BEGIN_S + chance.choice([1, 2, 3_600])
        world.put("eni-1-all", [(second * 1000, f"note {number}") for number in range(5)])


def all_of(world: LogWorld) -> list[tuple[int, str]]:
    events = world.logs.filter_log_events(logGroupName=GROUP)["events"]
    return [(event["timestamp"], event["message"]) for event in events]


@pytest.mark.parametrize("seed", range(4))
def test_pages_forward_are_the_whole(world: LogWorld, seed: int) -> None:
    fill(world, seed)
    whole = all_of(world)
    assert len(whole) == 115
    for size in (1, 2, 7, 40):
        events = world.filtered(PaginationConfig={"PageSize": size})
        assert [(event["timestamp"], event["message"]) for event in events] == whole
        assert len({event["eventId"] for event in events}) == len(events)


@pytest.mark.parametrize("seed", range(4))
def test_pages_of_a_stream_go_back_and_forth(world: LogWorld, seed: int) -> None:
    fill(world, seed)
    whole = all_of(world)
    get: dict[str, Any] = {"logGroupName": GROUP, "logStreamName": "eni-1-all"}
    for size in (3, 16, 115):
        back: list[tuple[int, str]] = []
        page = world.logs.get_log_events(**get, limit=size)
        token = ""
        while token != page["nextBackwardToken"]:
            back = [(one["timestamp"], one["message"]) for one in page["events"]] + back
            token = page["nextBackwardToken"]
            page = world.logs.get_log_events(**get, limit=size, nextToken=token)
        assert back == whole
        forth: list[tuple[int, str]] = []
        page = world.logs.get_log_events(**get, limit=size, startFromHead=True)
        while token != page["nextForwardToken"]:
            forth += [(one["timestamp"], one["message"]) for one in page["events"]]
            token = page["nextForwardToken"]
            page = world.logs.get_log_events(**get, limit=size, nextToken=token)
        assert forth == whole


def test_newest_first_is_the_whole_the_other_way_round(world: LogWorld) -> None:
    later_s = 1_710_000_000
    world.flow_log()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    world.record([{"start": later_s + number // 3, "bytes": number} for number in range(90)])
    newest: list[tuple[int, str]] = []
    asked: dict[str, Any] = {"startFromHead": False, "startTime": 1_704_067_200_000, "limit": 20}
    events = world.filtered(startTime=1_704_067_200_000)
    while True:
        page = world.logs.filter_log_events(logGroupName=GROUP, **asked)
        newest += [(one["timestamp"], one["message"]) for one in page["events"]]
        if "nextToken" not in page:
            break
        asked["nextToken"] = page["nextToken"]
    assert newest == [(one["timestamp"], one["message"]) for one in reversed(events)]
