"""Aim: resources are kept as wholes, whoever else writes. Method: SQLite and PostgreSQL, for real."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.control.state import Change, Database, Kind, Place, State


@dataclass(frozen=True)
class Thing:
    """A resource."""

    name: str
    count: int = 0


THINGS: Kind[Thing] = Kind("thing", Thing)
OTHERS: Kind[Thing] = Kind("other", Thing)
HERE, THERE = Place("111122223333", "us-east-1"), Place("111122223333", "eu-west-1")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'control.sqlite'}"
    found: str = request.getfixturevalue("postgres_url")
    database = Database(found)
    with database.writing() as connection:
        for table in ("resources", "generations"):
            connection.execute(text(f"DELETE FROM {table}"))
    database.close()
    return found


@pytest.fixture
def state(url: str) -> Iterator[State]:
    state = State(Database(url))
    yield state
    state.database.close()


def put(state: State, resource_id: str, count: int = 0, place: Place = HERE) -> None:
    with state.change() as change:
        change.put(THINGS, place, resource_id, Thing(resource_id, count))


def test_what_is_put_is_there_for_others_and_after_a_restart(state: State, url: str) -> None:
    put(state, "b")
    put(state, "a", 3)
    put(state, "a", 4, THERE)
    other = State(Database(url))
    assert other.all(THINGS, HERE) == {"a": Thing("a", 3), "b": Thing("b")}
    assert other.get(THINGS, THERE, "a") == Thing("a", 4)
    assert other.get(OTHERS, HERE, "a") is None
    assert other.places(THINGS) == [THERE, HERE]
    other.database.close()


def test_a_reader_learns_of_every_change_of_another_process(state: State, url: str) -> None:
    other = State(Database(url))
    put(state, "a")
    assert set(other.all(THINGS, HERE)) == {"a"}
    mark = other.mark(THINGS)
    with state.change() as change:
        change.remove(THINGS, HERE, "a")
        change.put(THINGS, HERE, "b", Thing("b"))
    assert set(other.all(THINGS, HERE)) == {"b"}
    assert other.mark(THINGS) != mark
    put(other, "c")
    assert set(state.all(THINGS, HERE)) == {"b", "c"}
    other.database.close()


def test_a_mapping_in_hand_does_not_change(state: State) -> None:
    put(state, "a")
    before = state.all(THINGS, HERE)
    put(state, "b")
    assert set(before) == {"a"}


def test_a_change_that_fails_leaves_nothing(state: State) -> None:
    put(state, "a", 1)

    def spoil(change: Change) -> None:
        change.put(THINGS, HERE, "a", Thing("a", 2))
        change.remove(THINGS, HERE, "a")
        change.put(OTHERS, HERE, "x", Thing("x"))
        raise KeyError("on the way")

    with pytest.raises(KeyError), state.change() as change:
        spoil(change)
    assert state.all(THINGS, HERE) == {"a": Thing("a", 1)}
    assert state.all(OTHERS, HERE) == {}
    put(state, "b")
    assert set(state.all(THINGS, HERE)) == {"a", "b"}


def test_a_change_sees_its_own_writes(state: State) -> None:
    put(state, "a")
    with state.change() as change:
        change.put(THINGS, HERE, "b", Thing("b"))
        change.remove(THINGS, HERE, "a")
        assert set(change.all(THINGS, HERE)) == {"b"}
        assert change.get(THINGS, HERE, "a") is None
        assert set(state.all(THINGS, HERE)) == {"a"}


def test_writers_wait_for_one_another(state: State, url: str) -> None:
    put(state, "n", 0)

    def count(own: State) -> None:
        for _ in range(20):
            with own.change() as change:
                found = change.get(THINGS, HERE, "n")
                assert found is not None
                change.put(THINGS, HERE, "n", Thing("n", found.count + 1))

    other = State(Database(url))
    threads = [threading.Thread(target=count, args=(own,)) for own in (state, state, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.get(THINGS, HERE, "n") == Thing("n", 60)
    other.database.close()


def test_a_database_that_is_none_is_told() -> None:
    with pytest.raises(SettingsError, match="not a database URL"):
        Database("no url at all")
    with pytest.raises(StoreError, match="control database said no") as raised:
        Database("postgresql://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(raised.value)
