"""Aim: events are put, read and filtered as at AWS, while more arrive. Method: boto3 over the service."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from log_world import ACCOUNT, GROUP, NOW_MS, NOW_S, PLACE, LogWorld
from test_log_groups import refused

from vpcflow.api.aws.logs.live_tail import LiveTailOperation
from vpcflow.api.aws.operation import Call, EventStream, RawRequest
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import root_caller
from vpcflow.control.logs.service import LogGroupService
from vpcflow.record.flow_log_selection import TrafficType
from vpcflow.store.event_store import EventStoreSettings

BAD_TOKEN = ("InvalidParameterException", "The specified nextToken is invalid.")
HOUR_S = 3_600
BASE_S = NOW_S // HOUR_S * HOUR_S - HOUR_S


@pytest.fixture
def stream(world: LogWorld) -> str:
    world.logs.create_log_group(logGroupName=GROUP)
    world.logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    return "s"


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [event["message"] for event in events]


def test_a_put_is_answered_and_read(world: LogWorld, stream: str) -> None:
    answer = world.put(stream, [(NOW_MS - 2, "a"), (NOW_MS - 2, "b"), (NOW_MS, "c")])
    assert len(answer["nextSequenceToken"]) == 56
    assert "rejectedLogEventsInfo" not in answer
    answer = world.logs.filter_log_events(logGroupName=GROUP)
    assert messages(answer["events"]) == ["a", "b", "c"]
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer
    ids = [event.pop("eventId") for event in answer["events"]]
    assert answer["events"][2] == {
        "logStreamName": "s",
        "timestamp": NOW_MS,
        "message": "c",
        "ingestionTime": NOW_MS,
    }
    assert len(set(ids)) == 3
    assert all(len(one) == 56 and one.isdigit() for one in ids)
    assert sorted(ids) == ids


def test_what_is_not_kept_is_told(world: LogWorld, stream: str) -> None:
    hour, day = 3_600_000, 86_400_000
    answer = world.put(stream, [(NOW_MS, "ok"), (NOW_MS + 2 * hour + 1, "too new")])
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    answer = world.put(stream, [(NOW_MS - 14 * day - 1, "too old"), (NOW_MS - 14 * day, "ok")])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    world.logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    answer = world.put(stream, [(NOW_MS - day - 1, "expired"), (NOW_MS - day, "kept")])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    answer = world.put(stream, [(1, "old")])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    # What expired is hidden at once.
    assert messages(world.filtered()) == ["kept", "ok"]


def test_the_refusals_of_a_put_as_recorded(world: LogWorld, stream: str) -> None:
    def put(events: list[tuple[int, str]], name: str = stream, group: str = GROUP) -> Any:
        return refused(lambda: world.put(name, events, group))

    assert put([(NOW_MS, "b"), (NOW_MS - 1, "a")]) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert put([(NOW_MS, "a")], "other") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    assert put([(NOW_MS, "a")], "s", "other") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    code, message = put([(NOW_MS - 86_400_001, "a"), (NOW_MS, "b")])
    assert code == "InvalidParameterException"
    assert message.endswith("PutLogEvents request cannot span more than 24 hours.")
    for events in (
        [(NOW_MS, "x" * 524_288)] * 2,
        [(NOW_MS, "x" * 1_048_577)],
        [(NOW_MS, "x")] * 10_001,
    ):
        assert put(events)[0] == "InvalidParameterException"
    assert not world.filtered()
    world.put(stream, [(NOW_MS, "x" * (1_048_576 - 26))])


def test_a_full_store_refuses_in_words(world: LogWorld, stream: str) -> None:
    world.settings = EventStoreSettings(bytes_max=2**20)
    world.open()
    world.put(stream, [(NOW_MS, "x" * 600_000)])
    code, message = refused(lambda: world.put(stream, [(NOW_MS, "x" * 600_000)]))
    assert code == "LimitExceededException"
    assert "1048576 bytes" in message
    assert len(world.filtered()) == 1


def test_get_goes_both_ways_and_ends_with_equal_tokens(world: LogWorld, stream: str) -> None:
    world.put(stream, [(NOW_MS + number // 2, str(number)) for number in range(10)])
    get = {"logGroupName": GROUP, "logStreamName": stream}
    page = world.logs.get_log_events(**get, limit=4)
    assert messages(page["events"]) == ["6", "7", "8", "9"]
    assert set(page["events"][0]) == {"timestamp", "message", "ingestionTime"}
    end = world.logs.get_log_events(**get, nextToken=page["nextForwardToken"], startFromHead=True)
    assert end["events"] == []
    assert end["nextForwardToken"] == page["nextForwardToken"]
    back = world.logs.get_log_events(**get, limit=4, nextToken=end["nextBackwardToken"])
    assert messages(back["events"]) == ["6", "7", "8", "9"]
    back = world.logs.get_log_events(**get, limit=4, nextToken=back["nextBackwardToken"])
    assert messages(back["events"]) == ["2", "3", "4", "5"]
    back = world.logs.get_log_events(**get, limit=4, nextToken=back["nextBackwardToken"])
    assert messages(back["events"]) == ["0", "1"]
    first = world.logs.get_log_events(**get, limit=4, nextToken=back["nextBackwardToken"])
    assert first["events"] == []
    assert first["nextBackwardToken"] == back["nextBackwardToken"]
    world.put(stream, [(NOW_MS + 60, "late")])
    more = world.logs.get_log_events(**get, nextToken=end["nextForwardToken"])
    assert messages(more["events"]) == ["late"]


def test_get_bounds_and_refusals(world: LogWorld, stream: str) -> None:
    world.put(stream, [(NOW_MS + number, str(number)) for number in range(4)])
    get = {"logGroupName": GROUP, "logStreamName": stream}
    bounded = world.logs.get_log_events(**get, startTime=NOW_MS + 1, endTime=NOW_MS + 3)
    assert messages(bounded["events"]) == ["1", "2"]
    inclusive = world.filtered(startTime=NOW_MS + 1, endTime=NOW_MS + 3)
    assert messages(inclusive) == ["1", "2", "3"]
    for token in ("x", "f/1", "f/" + "0" * 56, "b/" + "9" * 56 + "/s"):
        assert refused(world.logs.get_log_events, **get, nextToken=token) == BAD_TOKEN
    assert refused(world.logs.get_log_events, **get, limit=10_001) == (
        "InvalidParameterException",
        "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 10000",
    )
    empty = world.logs.get_log_events(**get, startTime=NOW_MS + 100)
    assert empty["nextForwardToken"]
    assert empty["nextBackwardToken"]


def test_filter_tokens_are_checked_and_never_repeat(world: LogWorld, stream: str) -> None:
    world.put(stream, [(NOW_MS, str(number)) for number in range(7)])
    seen, tokens, parameters = [], [], {"logGroupName": GROUP, "limit": 2}
    while True:
        page = world.logs.filter_log_events(**parameters)
        seen += messages(page["events"])
        if "nextToken" not in page:
            break
        tokens.append(page["nextToken"])
        parameters["nextToken"] = page["nextToken"]
    assert seen == [str(number) for number in range(7)]
    assert len(set(tokens)) == len(tokens)
    assert refused(world.logs.filter_log_events, logGroupName=GROUP, nextToken="x") == BAD_TOKEN
    other = {"logGroupName": GROUP, "filterPattern": "x", "nextToken": tokens[0]}
    assert refused(world.logs.filter_log_events, **other) == BAD_TOKEN


def test_filter_by_stream_prefix_and_pattern(world: LogWorld, stream: str) -> None:
    for name in ("web-1", "web-2"):
        world.logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
        world.put(name, [(NOW_MS, f"{name} ERROR"), (NOW_MS + 1, f"{name} fine")])
    world.put(stream, [(NOW_MS, "s ERROR")])
    assert len(world.filtered(logStreamNamePrefix="web-")) == 4
    assert messages(world.filtered(logStreamNames=["web-2"], filterPattern="ERROR")) == [
        "web-2 ERROR"
    ]
    both = {"logStreamNames": ["s"], "logStreamNamePrefix": "w"}
    code, _ = refused(world.logs.filter_log_events, logGroupName=GROUP, **both)
    assert code == "InvalidParameterException"
    code, _ = refused(world.logs.filter_log_events, logGroupName=GROUP, filterPattern="[a, a]")
    assert code == "InvalidParameterException"
    newest = world.logs.filter_log_events(
        logGroupName=GROUP, startFromHead=False, startTime=1_704_067_200_000
    )
    assert newest["events"] == []
    code, _ = refused(world.logs.filter_log_events, logGroupName=GROUP, startFromHead=False)
    assert code == "InvalidParameterException"


def test_flow_records_are_lines_of_their_stream(world: LogWorld) -> None:
    world.flow_log()
    start = BASE_S
    world.clock.advance(60)
    world.record([{"start": start}, {"start": start + 1, "action": "REJECT", "dstport": 23}])
    world.groups.record_delivery(
        PLACE, GROUP, {"eni-1-all": (start * 1000, (start + 1) * 1000)}, NOW_MS
    )
    events = world.filtered()
    assert [{**event, "eventId": ""} for event in events] == [
        {
            "logStreamName": "eni-1-all",
            "timestamp": (start + number) * 1000,
            "message": f"2 {ACCOUNT} eni-1 10.0.0.1 10.0.0.2 40000 {port} 6 1 40 "
            f"{start + number} {start + number + 10} {action} OK",
            "ingestionTime": NOW_MS + 60_000,
            "eventId": "",
        }
        for number, (port, action) in enumerate([(22, "ACCEPT"), (23, "REJECT")])
    ]
    pattern = (
        "[version, account, eni, source, destination, srcport, destport=23, protocol=6, packets, "
        "bytes, windowstart, windowend, action=REJECT, flowlogstatus]"
    )
    assert messages(world.filtered(filterPattern=pattern)) == [events[1]["message"]]
    got = world.logs.get_log_events(logGroupName=GROUP, logStreamName="eni-1-all")
    assert messages(got["events"]) == messages(events)


def test_ids_of_flow_records_stay_through_compaction_and_restart(world: LogWorld) -> None:
    world.flow_log()
    world.flow_log(traffic_type=TrafficType.REJECT)
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    for number in range(4):
        rows = [{"start": BASE_S + second, "action": "REJECT"} for second in range(3)]
        # The same line twice in one second of one stream.
        world.record([*rows, {"start": BASE_S + number, "packets": 2 + number}])
    before = world.filtered()
    assert len(before) == 4 * 4 + 4 * 3
    ids = [event["eventId"] for event in before]
    assert len(set(ids)) == len(ids)
    world.compact()
    world.open()
    assert world.filtered(PaginationConfig={"PageSize": 5}) == before


def test_pages_neither_repeat_nor_leave_out_while_records_arrive(world: LogWorld) -> None:
    world.flow_log()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    world.record([{"start": BASE_S + second} for second in range(20)])
    expected = {event["eventId"] for event in world.filtered()}
    seen: list[str] = []
    parameters: dict[str, Any] = {"logGroupName": GROUP, "limit": 3}
    for turn in range(100):
        page = world.logs.filter_log_events(**parameters)
        seen += [event["eventId"] for event in page["events"]]
        if "nextToken" not in page:
            break
        parameters["nextToken"] = page["nextToken"]
        # Late ones, before and behind the page.
        world.record([{"start": BASE_S + turn, "bytes": 100 + turn}], note=False)
        if turn == 3:
            world.compact()
    assert len(set(seen)) == len(seen)
    assert expected <= set(seen)


def test_text_and_flow_records_stand_in_one_order(world: LogWorld, stream: str) -> None:
    world.flow_log()
    world.record([{"start": BASE_S + second} for second in range(5)])
    world.put(stream, [((BASE_S + second) * 1000 + 500, f"note {second}") for second in range(5)])
    for parameters in ({}, {"PaginationConfig": {"PageSize": 2}}):
        events = world.filtered(**parameters)
        times = [event["timestamp"] for event in events]
        assert times == sorted(times)
        assert [event["logStreamName"] for event in events] == ["eni-1-all", "s"] * 5


def test_a_request_ends_after_its_time_with_an_empty_page_and_a_token(world: LogWorld) -> None:
    world.flow_log()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    world.record([{"start": BASE_S - hour * HOUR_S} for hour in range(5)])
    world.open(budget_s=0.0)
    page = world.logs.filter_log_events(logGroupName=GROUP, filterPattern="NOWHERE")
    assert page["events"] == []
    assert page["nextToken"]
    assert world.filtered(filterPattern="NOWHERE") == []
    assert len(world.filtered()) == 5


def test_records_of_a_deleted_group_or_stream_do_not_come_back(world: LogWorld) -> None:
    world.flow_log()
    world.record([{"start": NOW_S - 10}])
    world.groups.record_delivery(PLACE, GROUP, {"eni-1-all": (1, 1)}, NOW_MS)
    assert len(world.filtered()) == 1
    world.logs.delete_log_stream(logGroupName=GROUP, logStreamName="eni-1-all")
    assert world.filtered() == []
    world.record([{"start": NOW_S + 5}])
    world.groups.record_delivery(PLACE, GROUP, {"eni-1-all": (1, 1)}, NOW_MS)
    assert len(world.filtered()) == 1
    world.clock.advance(20)
    world.logs.delete_log_group(logGroupName=GROUP)
    world.groups.record_delivery(PLACE, GROUP, {"eni-1-all": (1, 1)}, NOW_MS + 30_000)
    assert world.filtered() == []
    world.record([{"start": NOW_S + 40}])
    assert len(world.filtered()) == 1


def test_a_stream_of_rejects_holds_rejects(world: LogWorld) -> None:
    world.flow_log(traffic_type=TrafficType.REJECT)
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    world.record(
        [
            {"start": BASE_S, "action": "ACCEPT"},
            {"start": BASE_S, "action": "REJECT"},
            {"start": BASE_S, "action": None, "log_status": "NODATA"},
            {"start": BASE_S, "action": "REJECT", "interface_id": "eni-2"},
        ]
    )
    events = world.filtered()
    assert {event["logStreamName"] for event in events} == {"eni-1-reject"}
    assert len(events) == 2


def _call(world: LogWorld, parameters: dict[str, Any]) -> Call:
    raw = RawRequest("POST", "/", "", [], b"")
    caller = root_caller(ACCOUNT)
    return Call(
        "logs", "StartLiveTail", parameters, caller, "us-east-1", "r", NOW_S, raw, lambda *_: None
    )


def test_live_tail_begins_with_its_session_and_tells_what_arrives(
    world: LogWorld, stream: str
) -> None:
    async def no_wait(_seconds: float) -> None:
        return None

    (operation,) = LiveTailOperation(world.groups, no_wait).operations()
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{GROUP}"

    async def watch() -> list[Any]:
        asked = {"logGroupIdentifiers": [arn], "logEventFilterPattern": "yes"}
        answer = operation.handle(_call(world, asked))
        assert isinstance(answer, EventStream)
        seen = [await anext(answer.events), await anext(answer.events)]
        world.put(stream, [(NOW_MS, "yes 1"), (NOW_MS, "no"), (NOW_MS, "yes 2")])
        seen.append(await anext(answer.events))
        world.put(stream, [(NOW_MS, f"yes {number}") for number in range(501)])
        seen.append(await anext(answer.events))
        await answer.events.aclose()
        return seen

    begin, empty, update, sampled = asyncio.run(watch())
    assert begin[0] == "sessionStart"
    assert begin[1]["logGroupIdentifiers"] == [arn]
    assert begin[1]["logEventFilterPattern"] == "yes"
    assert empty == (
        "sessionUpdate",
        {"sessionMetadata": {"sampled": False}, "sessionResults": []},
    )
    assert [one["message"] for one in update[1]["sessionResults"]] == ["yes 1", "yes 2"]
    assert update[1]["sessionResults"][0] == {
        "logStreamName": "s",
        "logGroupIdentifier": f"{ACCOUNT}:{GROUP}",
        "message": "yes 1",
        "timestamp": NOW_MS,
        "ingestionTime": NOW_MS,
    }
    assert len(sampled[1]["sessionResults"]) == 500
    assert sampled[1]["sessionMetadata"] == {"sampled": True}
    assert not world.groups.hub.watches(PLACE, GROUP)
    with pytest.raises(ServiceError, match="does not exist"):
        operation.handle(_call(world, {"logGroupIdentifiers": ["other"]}))


def test_following_by_the_last_time_shows_every_event_once(world: LogWorld) -> None:
    """What the CLI's ``logs tail --follow`` does."""
    world.flow_log()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    seen: list[str] = []
    last = 0
    for interval in range(5):
        begin = BASE_S + 60 * interval
        world.record([{"start": begin + second * 7 % 60, "bytes": second} for second in range(8)])
        for _ in range(2):
            for event in world.filtered(startTime=last):
                if event["eventId"] not in seen:
                    seen.append(event["eventId"])
                last = max(last, event["timestamp"])
    assert len(seen) == 5 * 8


def test_whoever_takes_puts_gets_the_ids_that_are_read(world: LogWorld, stream: str) -> None:
    taken: list[tuple[str, list[str]]] = []

    def take(_place: Any, _group: str, name: str, *rest: Any) -> None:
        taken.append((name, rest[-1](np.arange(2))))

    groups = LogGroupService(world.state, world.text, on_put=[take])
    groups.put_events(
        PLACE, GROUP, stream, [{"timestamp": NOW_MS, "message": text} for text in "ab"], NOW_MS
    )
    assert taken == [("s", [event["eventId"] for event in world.filtered()])]


def test_times_that_no_clock_can_have_break_nothing(world: LogWorld) -> None:
    world.flow_log()
    world.groups.create_group(PLACE, GROUP, NOW_MS)
    far = 2**62
    world.record([{"start": 5, "end": far}, {"start": far, "end": far}], note=False)
    (event,) = world.filtered()
    assert event["timestamp"] == 5_000
    assert len(event["eventId"]) == 56
