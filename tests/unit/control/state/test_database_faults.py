"""Aim: a database that goes away is a fault that says so, and when it is back nothing else is needed.
Method: a PostgreSQL whose connections are cut from outside, and URLs that cannot be."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine, text

from vpcflow.base.errors import SettingsError, StoreError
from vpcflow.control.state import Kind, Place, State
from vpcflow.control.state.database import Database

PLACE = Place("123456789012", "us-east-1")
TRIES_MAX = 3


@dataclass(frozen=True)
class _Thing:
    name: str


THINGS = Kind("fault-things", _Thing)


def _cut_connections(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        )
    engine.dispose()


def test_connections_that_were_cut_are_made_anew(postgres_url: str) -> None:
    database = Database(postgres_url)
    try:
        state = State(database)
        for name in ("a", "b"):
            with state.change() as change:
                change.put(THINGS, PLACE, name, _Thing(name))
            assert name in state.all(THINGS, PLACE)
            _cut_connections(postgres_url)
            for _ in range(TRIES_MAX):
                try:
                    found = state.all(THINGS, PLACE)
                except StoreError:
                    continue
                break
            else:
                raise AssertionError("the database is back, and nobody noticed")
            assert name in found
            assert database.change_mark() >= 0
    finally:
        database.close()


@pytest.mark.parametrize(
    "url", ["mysql://u@h/d", "oracle://u@h/d", "nonsense", "postgresql+pg8000://h/d"]
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Database(url)
    assert refused.value.where == "control.database_url"
