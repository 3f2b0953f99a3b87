"""Log streams in a table of their own: a busy account writes thousands of them a minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    collate,
    delete,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from vpcflow.control.state import Database, Place
from vpcflow.control.state.tables import LOG_STREAMS

#: Rows of one statement.
UPSERT_ROWS_MAX = 1_000
_T = LOG_STREAMS.c
_KEY = ("account_id", "region", "group_name", "stream_name")


@dataclass(frozen=True, slots=True)
class LogStream:
    """One stream; without times of events until its first event.

    Units: milliseconds since the epoch.
    """

    name: str
    created_ms: int
    first_ms: int | None = None
    last_ms: int | None = None
    ingested_ms: int | None = None


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What events did to a stream: its oldest and newest event, and when the last one came.

    Units: milliseconds since the epoch.
    """

    first_ms: int
    last_ms: int
    ingested_ms: int


class LogStreams:
    """The streams of all groups.

    Shape: safe for any number of threads; names are in the order of their code points.
    Errors: StoreError when the database says no.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._order = "BINARY" if database.is_sqlite else "C"

    def get(self, place: Place, group: str, stream: str) -> LogStream | None:
        """One stream, unless there is none."""
        statement = select(LOG_STREAMS).where(
            self._of(place, group), _T.stream_name == stream, _T.is_there
        )
        with self._database.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else _stream(row)

    def hidden(self, place: Place, group: str) -> dict[str, int]:
        """Streams that were deleted once: their flow records before that second are not theirs."""
        statement = select(_T.stream_name, _T.visible_from_s).where(
            self._of(place, group), _T.visible_from_s > 0
        )
        with self._database.reading() as connection:
            return {row.stream_name: row.visible_from_s for row in connection.execute(statement)}

    def page(
        self,
        place: Place,
        group: str,
        *,
        prefix: str = "",
        by_last_event: bool = False,
        descending: bool = False,
        after: tuple[int, str] | None = None,
        limit: int,
    ) -> list[LogStream]:
        """Up to ``limit`` streams in order, those after the key ``(last event or 0, name)``."""
        name = collate(_T.stream_name, self._order)
        last: ColumnElement[Any] = func.coalesce(_T.last_ms, 0)
        where = [self._of(place, group), _T.is_there]
        if prefix:
            where.append(func.substr(_T.stream_name, 1, len(prefix)) == prefix)
        if after is not None:
            beyond = name < after[1] if descending else name > after[1]
            if by_last_event:
                further = last < after[0] if descending else last > after[0]
                beyond = further | ((last == after[0]) & beyond)
            where.append(beyond)
        keys = [last, name] if by_last_event else [name]
        ordered = [key.desc() if descending else key.asc() for key in keys]
        statement = select(LOG_STREAMS).where(*where).order_by(*ordered).limit(limit)
        with self._database.reading() as connection:
            return [_stream(row) for row in connection.execute(statement)]

    def create(
        self, connection: Connection, place: Place, group: str, stream: str, now_ms: int
    ) -> bool:
        """Make a stream within somebody's transaction; False when it is there."""
        key = _key(place, group, stream)
        match = and_(self._of(place, group), _T.stream_name == stream)
        row = connection.execute(select(LOG_STREAMS).where(match)).first()
        if row is not None and row.is_there:
            return False
        from_s = 0 if row is None else row.visible_from_s
        connection.execute(delete(LOG_STREAMS).where(match))
        connection.execute(
            LOG_STREAMS.insert().values(
                **key, is_there=True, created_ms=now_ms, visible_from_s=from_s
            )
        )
        return True

    def remove(self, place: Place, group: str, stream: str, now_ms: int) -> bool:
        """Delete a stream and keep its tombstone; False when there is none."""
        statement = (
            LOG_STREAMS.update()
            .where(self._of(place, group), _T.stream_name == stream, _T.is_there)
            .values(
                is_there=False,
                first_ms=None,
                last_ms=None,
                ingested_ms=None,
                visible_from_s=now_ms // 1000 + 1,
            )
        )
        with self._database.writing() as connection:
            return connection.execute(statement).rowcount > 0

    def remove_group(self, connection: Connection, place: Place, group: str) -> None:
        """Forget all streams of a group, tombstones too, within somebody's transaction."""
        connection.execute(delete(LOG_STREAMS).where(self._of(place, group)))

    def note(
        self, place: Place, group: str, facts: Mapping[str, StreamFacts], *, create: bool
    ) -> None:
        """Widen the times of streams; with ``create``, make those that are missing."""
        rows = [
            {
                **_key(place, group, stream),
                "is_there": create,
                "created_ms": fact.ingested_ms,
                "first_ms": fact.first_ms,
                "last_ms": fact.last_ms,
                "ingested_ms": fact.ingested_ms,
                "visible_from_s": 0,
            }
            for stream, fact in facts.items()
        ]
        with self._database.writing() as connection:
            for begin in range(0, len(rows), UPSERT_ROWS_MAX):
                part = rows[begin : begin + UPSERT_ROWS_MAX]
                if create:
                    connection.execute(self._upsert(), part)
                else:
                    connection.execute(_UPDATE, [_renamed(row) for row in part])

    def _upsert(self) -> Any:
        dialect = sqlite if self._database.is_sqlite else postgresql
        statement = dialect.insert(LOG_STREAMS)
        new = statement.excluded
        # What was under way when a stream was deleted does not bring it back.
        late = and_(not_(_T.is_there), new.last_ms < _T.visible_from_s * 1000)

        def widened(name: str, further: ColumnElement[bool]) -> ColumnElement[Any]:
            held = _T[name]
            return case((late, held), (held.is_(None) | further, new[name]), else_=held)

        return statement.on_conflict_do_update(
            index_elements=list(_KEY),
            set_={
                "created_ms": case((or_(_T.is_there, late), _T.created_ms), else_=new.created_ms),
                "is_there": case((late, false()), else_=true()),
                "first_ms": widened("first_ms", new.first_ms < _T.first_ms),
                "last_ms": widened("last_ms", new.last_ms > _T.last_ms),
                "ingested_ms": widened("ingested_ms", new.ingested_ms > _T.ingested_ms),
            },
        )

    def _of(self, place: Place, group: str) -> ColumnElement[bool]:
        return and_(
            _T.account_id == place.account_id, _T.region == place.region, _T.group_name == group
        )


def _key(place: Place, group: str, stream: str) -> dict[str, str]:
    return dict(zip(_KEY, (*place, group, stream), strict=True))


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in row.items()}


def _stream(row: Any) -> LogStream:
    return LogStream(row.stream_name, row.created_ms, row.first_ms, row.last_ms, row.ingested_ms)


def _update() -> Any:
    """Widens one stream that is there; its parameters begin with ``new_``."""
    from sqlalchemy import BigInteger, bindparam

    first, last, ingested = (
        bindparam(f"new_{name}", type_=BigInteger)
        for name in ("first_ms", "last_ms", "ingested_ms")
    )
    return (
        LOG_STREAMS.update()
        .where(*(LOG_STREAMS.c[name] == bindparam(f"new_{name}") for name in _KEY), _T.is_there)
        .values(
            first_ms=case((_T.first_ms < first, _T.first_ms), else_=first),
            last_ms=case((_T.last_ms > last, _T.last_ms), else_=last),
            ingested_ms=case((_T.ingested_ms > ingested, _T.ingested_ms), else_=ingested),
        )
    )


_UPDATE = _update()

__all__: Sequence[str] = ["UPSERT_ROWS_MAX", "LogStream", "LogStreams", "StreamFacts"]
