"""Resources of all kinds by account, region and id, read from memory and written to the database.

A reader gets a whole kind of one account and region as a mapping that nobody changes; it stays in
memory until any process commits a change of that kind. Writers take their turn, so that what a
writer reads is still true when it commits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, delete, insert, select

from vpcflow.control.state.database import Database
from vpcflow.control.state.tables import GENERATIONS, RESOURCES

T = TypeVar("T")


class Place(NamedTuple):
    """Whose, and where: IAM and S3 have no region, access keys no place at all (GLOBAL)."""

    account_id: str
    region: str


GLOBAL = Place("", "")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of resource and the frozen dataclass of its body."""

    name: str
    type: type[T]

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Body to JSON and back."""
        return TypeAdapter(self.type)


class _Held(NamedTuple):
    generation: int
    values: Mapping[str, Any]


_Key = tuple[str, Place]
_GONE = object()


class State:
    """All resources.

    Shape: safe for any number of threads.
    Errors: StoreError when the database says no.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._held: dict[_Key, _Held] = {}
        self._generations: dict[_Key, int] = {}
        self._mark: int | None = None
        self._lock = threading.RLock()

    def all(self, kind: Kind[T], place: Place) -> Mapping[str, T]:
        """Everything of a kind at a place, by id."""
        with self._lock:
            self._follow()
            return self._read(kind, place)

    def get(self, kind: Kind[T], place: Place, resource_id: str) -> T | None:
        """One resource; None when there is none of that id."""
        return self.all(kind, place).get(resource_id)

    def places(self, kind: Kind[Any]) -> list[Place]:
        """Where there ever was something of a kind."""
        with self._lock:
            self._follow()
            return sorted(place for name, place in self._generations if name == kind.name)

    def mark(self, *kinds: Kind[Any]) -> tuple[int, ...]:
        """Differs after any change of these kinds, wherever: for those who follow."""
        with self._lock:
            self._follow()
            names = {kind.name for kind in kinds}
            return tuple(
                sum(count for (name, _), count in self._generations.items() if name == wanted)
                for wanted in sorted(names)
            )

    @contextmanager
    def change(self) -> Iterator[Change]:
        """One change: committed as a whole when the block ends well, else nothing of it is.

        Shape: other writers wait meanwhile, so check first and write then.
        """
        with self.database.writing() as connection:
            change = Change(self, connection)
            yield change
            change.flush()
        with self._lock:
            self._take(change)

    def _follow(self) -> None:
        """Learn of what others committed; cheap when nobody did."""
        mark = self.database.change_mark()
        if mark == self._mark:
            return
        with self.database.reading() as connection:
            rows = connection.execute(select(GENERATIONS)).all()
        self._generations = {
            (row.kind, Place(row.account_id, row.region)): row.generation for row in rows
        }
        self._mark = mark

    def _read(self, kind: Kind[T], place: Place) -> Mapping[str, T]:
        key = (kind.name, place)
        generation = self._generations.get(key, 0)
        held = self._held.get(key)
        if held is None or held.generation != generation:
            values = self._load(kind, place) if generation else {}
            held = self._held[key] = _Held(generation, MappingProxyType(values))
        return held.values

    def _load(self, kind: Kind[T], place: Place) -> dict[str, T]:
        read = kind.adapter.validate_json
        statement = (
            select(RESOURCES.c.id, RESOURCES.c.body)
            .where(
                RESOURCES.c.kind == kind.name,
                RESOURCES.c.account_id == place.account_id,
                RESOURCES.c.region == place.region,
            )
            .order_by(RESOURCES.c.id)
        )
        with self.database.reading() as connection:
            return {row.id: read(row.body) for row in connection.execute(statement)}

    def _take(self, change: Change) -> None:
        """What was just committed here need not be read again."""
        for key, changed in change.changed.items():
            before = self._generations.get(key, 0)
            held = self._held.get(key)
            generation = change.generations[key]
            if held is not None and held.generation == before == generation - 1:
                values = dict(held.values)
                for resource_id, value in changed.items():
                    if value is _GONE:
                        values.pop(resource_id, None)
                    else:
                        values[resource_id] = value
                self._held[key] = _Held(generation, MappingProxyType(values))
            self._generations[key] = max(before, generation)


class Change:
    """Reads and writes of one transaction; its reads see its own writes."""

    def __init__(self, state: State, connection: Connection) -> None:
        self._state = state
        self.connection = connection
        self.changed: dict[_Key, dict[str, Any]] = {}
        self.generations: dict[_Key, int] = {}
        self._kinds: dict[str, Kind[Any]] = {}
        self._after: dict[_Key, Mapping[str, Any]] = {}

    def all(self, kind: Kind[T], place: Place) -> Mapping[str, T]:
        """Everything of a kind at a place, with this change."""
        key = (kind.name, place)
        if key not in self.changed:
            return self._state.all(kind, place)
        if key not in self._after:
            values = dict(self._state.all(kind, place))
            for resource_id, value in self.changed[key].items():
                if value is _GONE:
                    values.pop(resource_id, None)
                else:
                    values[resource_id] = value
            self._after[key] = values
        return self._after[key]

    def get(self, kind: Kind[T], place: Place, resource_id: str) -> T | None:
        """One resource, with this change."""
        changed = self.changed.get((kind.name, place), {})
        if resource_id in changed:
            value = changed[resource_id]
            return None if value is _GONE else value
        return self._state.get(kind, place, resource_id)

    def put(self, kind: Kind[T], place: Place, resource_id: str, value: T) -> None:
        """Make or replace a resource."""
        self._note(kind, place, resource_id, value)

    def remove(self, kind: Kind[Any], place: Place, resource_id: str) -> None:
        """Remove a resource; nothing happens when there is none."""
        if self.get(kind, place, resource_id) is not None:
            self._note(kind, place, resource_id, _GONE)

    def _note(self, kind: Kind[Any], place: Place, resource_id: str, value: Any) -> None:
        key = (kind.name, place)
        self._kinds[kind.name] = kind
        self.changed.setdefault(key, {})[resource_id] = value
        self._after.pop(key, None)

    def flush(self) -> None:
        """Write everything; for the State, at the end of the block."""
        for (name, place), changed in self.changed.items():
            adapter = self._kinds[name].adapter
            where = {"account_id": place.account_id, "region": place.region, "kind": name}
            rows = [
                {**where, "id": resource_id, "body": adapter.dump_json(value).decode()}
                for resource_id, value in changed.items()
                if value is not _GONE
            ]
            # Removed and put anew, which every database can do; both happen or neither.
            self.connection.execute(
                delete(RESOURCES).where(
                    RESOURCES.c.account_id == place.account_id,
                    RESOURCES.c.region == place.region,
                    RESOURCES.c.kind == name,
                    RESOURCES.c.id == bindparam("changed_id"),
                ),
                [{"changed_id": resource_id} for resource_id in changed],
            )
            if rows:
                self.connection.execute(insert(RESOURCES), rows)
            self.generations[name, place] = self._next_generation(name, place)

    def _next_generation(self, name: str, place: Place) -> int:
        match = (
            (GENERATIONS.c.account_id == place.account_id)
            & (GENERATIONS.c.region == place.region)
            & (GENERATIONS.c.kind == name)
        )
        before = self.connection.execute(select(GENERATIONS.c.generation).where(match)).scalar()
        if before is None:
            self.connection.execute(
                insert(GENERATIONS).values(
                    account_id=place.account_id, region=place.region, kind=name, generation=1
                )
            )
            return 1
        self.connection.execute(GENERATIONS.update().where(match).values(generation=before + 1))
        return int(before) + 1
