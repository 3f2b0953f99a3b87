"""Aim: streams are kept alike in both databases. Method: SQLite and PostgreSQL, for real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from vpcflow.control.logs.log_stream import LogStreams, StreamFacts
from vpcflow.control.state import Database, Place

HERE, THERE = Place("111122223333", "us-east-1"), Place("111122223333", "eu-west-1")


@pytest.fixture(params=["sqlite", "postgres"])
def streams(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Streams]:
    url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("DELETE FROM log_streams"))
    yield _Streams(database)
    database.close()


class _Streams(LogStreams):
    """Streams that are made in transactions of their own."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.database = database

    def made(self, place: Place, stream: str, now_ms: int) -> bool:
        with self.database.writing() as connection:
            return self.create(connection, place, "g", stream, now_ms)


def names(streams: _Streams, **parameters: object) -> list[str]:
    found = streams.page(HERE, "g", limit=100, **parameters)  # type: ignore[arg-type]
    return [stream.name for stream in found]


def test_names_are_in_the_order_of_code_points(streams: _Streams) -> None:
    wanted = ["B", "a", "Z", "_x", "b%", "ä", "b_"]
    for name in wanted:
        assert streams.made(HERE, name, 1)
    assert not streams.made(HERE, "a", 2)
    streams.made(THERE, "elsewhere", 1)
    assert names(streams) == sorted(wanted)
    assert names(streams, descending=True) == sorted(wanted, reverse=True)
    assert names(streams, prefix="b%") == ["b%"]
    assert names(streams, after=(0, "a")) == [name for name in sorted(wanted) if name > "a"]


def test_notes_widen_times_and_make_what_is_missing(streams: _Streams) -> None:
    streams.made(HERE, "made", 1)
    facts = {"made": StreamFacts(50, 90, 100), "new": StreamFacts(40, 80, 100)}
    streams.note(HERE, "g", facts, create=True)
    streams.note(HERE, "g", {"made": StreamFacts(20, 60, 101)}, create=True)
    streams.note(HERE, "g", {"new": StreamFacts(30, 95, 99)}, create=False)
    streams.note(HERE, "g", {"absent": StreamFacts(1, 1, 1)}, create=False)
    made, new = streams.get(HERE, "g", "made"), streams.get(HERE, "g", "new")
    assert made and (made.created_ms, made.first_ms, made.last_ms, made.ingested_ms) == (
        *(1, 20, 90, 101),
    )
    assert new and (new.created_ms, new.first_ms, new.last_ms, new.ingested_ms) == (
        *(100, 30, 95, 100),
    )
    assert streams.get(HERE, "g", "absent") is None
    assert names(streams, by_last_event=True) == ["made", "new"]
    assert names(streams, by_last_event=True, descending=True, after=(95, "new")) == ["made"]


def test_a_tombstone_hides_what_was_before(streams: _Streams) -> None:
    streams.note(HERE, "g", {"s": StreamFacts(1, 2, 3)}, create=True)
    assert streams.remove(HERE, "g", "s", 5_500)
    assert not streams.remove(HERE, "g", "s", 6_000)
    assert streams.get(HERE, "g", "s") is None
    assert streams.hidden(HERE, "g") == {"s": 6}
    streams.note(HERE, "g", {"s": StreamFacts(4_000, 5_999, 6_001)}, create=True)
    assert streams.get(HERE, "g", "s") is None
    streams.note(HERE, "g", {"s": StreamFacts(7_000, 7_000, 7_001)}, create=True)
    found = streams.get(HERE, "g", "s")
    assert found and (found.created_ms, found.first_ms) == (7_001, 7_000)
    assert streams.hidden(HERE, "g") == {"s": 6}


def test_ten_thousand_streams_are_noted_at_once(streams: _Streams) -> None:
    facts = {f"eni-{number:05d}-all": StreamFacts(1, 2, 3) for number in range(10_000)}
    streams.note(HERE, "g", facts, create=True)
    streams.note(HERE, "g", facts, create=True)
    assert len(streams.page(HERE, "g", limit=20_000)) == 10_000
