"""Aim: botocore reads our event stream, the initial response first. Method: its own decoder."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.eventstream import EventStream
from botocore.parsers import create_parser

from vpcflow.api.aws.protocol.event_stream import PAYLOAD_BYTES_MAX, EventFrames, frame
from vpcflow.api.aws.protocol.models import operation_of
from vpcflow.api.aws.protocol.resolve import Target


class Chunks:
    """A body that comes in pieces of seven bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Any:
        yield from (self._data[at : at + 7] for at in range(0, len(self._data), 7))

    def close(self) -> None:
        return None


def stream_of(data: bytes) -> EventStream:
    shape = operation_of("logs", "StartLiveTail").output_shape
    parsed = create_parser("json").parse(
        {
            "status_code": 200,
            "headers": {},
            "body": Chunks(data),
            "context": {"operation_name": "StartLiveTail"},
        },
        shape,
    )
    return parsed["responseStream"]


def test_a_live_tail_is_read_event_by_event() -> None:
    frames = EventFrames.of(Target("logs", "json", "StartLiveTail"))
    start = {"requestId": "r", "sessionId": "s", "logGroupIdentifiers": ["g"]}
    update = {
        "sessionMetadata": {"sampled": False},
        "sessionResults": [{"message": "é", "timestamp": 5, "ingestionTime": None}],
    }
    data = frames.initial_response()
    data += frames.event("sessionStart", start) + frames.event("sessionUpdate", update)
    found = list(stream_of(data))
    assert found == [
        {"sessionStart": start},
        {
            "sessionUpdate": {
                "sessionMetadata": {"sampled": False},
                "sessionResults": [{"message": "é", "timestamp": 5}],
            }
        },
    ]


def test_an_exception_ends_the_stream() -> None:
    frames = EventFrames("logs", "StartLiveTail")
    data = frames.initial_response({}) + frames.exception("SessionTimeoutException", "Over.")
    with pytest.raises(Exception, match=r"SessionTimeoutException.*Over"):
        list(stream_of(data))


def test_what_no_client_takes_is_not_framed() -> None:
    with pytest.raises(ValueError, match="too large"):
        frame({}, bytes(PAYLOAD_BYTES_MAX + 1))
    with pytest.raises(KeyError):
        EventFrames("logs", "StartLiveTail").event("nonsense", {})
