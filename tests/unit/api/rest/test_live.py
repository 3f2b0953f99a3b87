"""Aim: records arrive in a browser's stream, and whoever may not watch gets none. Method: real HTTP,
a real spool, and the stream read line by line as EventSource reads it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from rest_harness import ACCOUNT, RestServer, Root, rest_services, serving
from test_live_feed import Stream

from vpcflow.app.settings import Settings
from vpcflow.control.caller import root_caller

#: The longest wait for something that comes by itself; a bound, not a wait.
SECONDS_MAX = 30.0


class Tail:
    """One connection, as a browser's EventSource."""

    def __init__(self, server: RestServer, last_event_id: str = "", **query: Any) -> None:
        host, port = server.address
        self._connection = http.client.HTTPConnection(host, port, timeout=SECONDS_MAX)
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self._connection.request("GET", f"/live?{urlencode(query)}", headers=headers)
        self.response = self._connection.getresponse()
        self.last_event_id = last_event_id

    def event(self) -> tuple[str, Any]:
        """The next event's name and data."""
        name, data = "", ""
        while True:
            line = self.response.readline().decode().rstrip("\n")
            if not line:
                return name, json.loads(data)
            word, _, rest = line.partition(": ")
            if word == "event":
                name = rest
            elif word == "data":
                data = rest
            elif word == "id":
                self.last_event_id = rest

    def starts(self, count: int) -> list[int]:
        """The starts of the next records, until there are so many."""
        found: list[int] = []
        while len(found) < count:
            name, data = self.event()
            assert name in {"records", "hello"}, (name, data)
            found += data["data"]["start"] if name == "records" else []
        return found

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


@pytest.fixture
def server(stream: Stream, tmp_path: Path) -> Iterator[RestServer]:
    settings = Settings(data=tmp_path / "data")
    with (
        rest_services(settings, recent=stream.recent) as services,
        serving(services) as running,
    ):
        yield running


def test_records_come_as_they_arrive_and_a_new_connection_goes_on(
    server: RestServer, stream: Stream
) -> None:
    stream.arrive(3)
    tail = Tail(server, backlog=2)
    assert tail.response.headers["Content-Type"].startswith("text/event-stream")
    assert tail.starts(2) == [1, 2]
    stream.arrive(4)
    assert tail.starts(4) == [3, 4, 5, 6]
    tail.close()
    stream.arrive(300, 1)
    again = Tail(server, tail.last_event_id)
    assert again.starts(301) == list(range(7, 308))
    again.close()


def test_nothing_is_missed_by_who_leaves_before_the_first_record(
    server: RestServer, stream: Stream
) -> None:
    first = Tail(server)
    assert first.event()[0] == "hello"
    first.close()
    stream.arrive(5)
    assert Tail(server, first.last_event_id).starts(5) == list(range(5))


def test_a_filter_and_the_fields_that_are_wanted(server: RestServer, stream: Stream) -> None:
    tail = Tail(server, filter="action = REJECT", fields="start,srcaddr")
    assert tail.event() == ("hello", {"columns": ["start", "srcaddr"]})
    stream.arrive(25)
    name, data = tail.event()
    assert (name, data["data"]["start"]) == ("records", [0, 10, 20])
    assert set(data["data"]) == {"start", "srcaddr"}


def test_a_slow_rate_loses_nothing(server: RestServer, stream: Stream) -> None:
    tail = Tail(server, rate=200)
    stream.arrive(120)
    assert tail.starts(120) == list(range(120))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"filter": "nonsense ="}, 400),
        ({"fields": "nonsense"}, 400),
        ({"from": "nonsense"}, 400),
        ({"rate": 0}, 400),
        ({"backlog": 10**9}, 400),
        ({"filter": "a" * 30_000}, 400),
    ],
)
def test_what_cannot_be_is_refused_before_the_stream(
    server: RestServer, query: dict[str, Any], status: int
) -> None:
    reply = server.get("/live", **query)
    assert (reply.status, bool(reply.error["message"])) == (status, True)


@pytest.mark.parametrize(("who", "status"), [(None, 401), (root_caller("999999999999"), 403)])
def test_who_may_not_watch(stream: Stream, tmp_path: Path, who: Any, status: int) -> None:
    with (
        rest_services(
            Settings(data=tmp_path / "data"), recent=stream.recent, signed_in=Root(who)
        ) as services,
        serving(services) as running,
    ):
        assert running.get("/live").status == status
    assert ACCOUNT != "999999999999"
