"""What was taken already, so that every record counts exactly once."""

# ruff: noqa: S608 - only constants of this package are put into statements; values are bound
from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from vpcflow.collect.files import open_regular
from vpcflow.collect.fingerprint import Content, Fingerprint, read_content, read_growth
from vpcflow.collect.position import Position, Skip, Take
from vpcflow.collect.source_object import (
    Fetched,
    Problem,
    ProblemCode,
    SourceObject,
    printable,
)
from vpcflow.collect.state_db import StateDb
from vpcflow.record.log_format import LogFormat

PARQUET = "parquet"
#: A file that grew beyond this is not read whole again to see that its beginning is the same.
WHOLE_CHECK_BYTES_MAX = 256 << 20

_COLUMNS = (
    "uri, incarnation, is_current, version, file_id, size, crc32, edges, raw_bytes, decoded_bytes,"
    " lines, encoding, log_format, unterminated, left_bytes, complete, same_as, commit_no"
)
_PLACES = ", ".join("?" * (_COLUMNS.count(",") + 1))


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of one content under one name."""

    uri: str
    incarnation: str
    version: str
    file_id: str
    fingerprint: Fingerprint
    position: Position
    same_as: str | None

    def values(self, commit_no: int | None) -> tuple[Any, ...]:
        place = self.position
        return (
            os.fsencode(self.uri), self.incarnation, 1, self.version, self.file_id,
            self.fingerprint.size, self.fingerprint.crc32, self.fingerprint.edges,
            place.raw_bytes, place.decoded_bytes, place.lines, place.encoding,
            place.log_format.header if place.log_format else None,
            int(place.unterminated), place.left_bytes, int(place.complete),
            os.fsencode(self.same_as) if self.same_as else None, commit_no,
        )  # fmt: skip


def _row(values: Any) -> _Row | None:
    if values is None:
        return None
    return _Row(
        uri=os.fsdecode(values[0]),
        incarnation=values[1],
        version=values[3],
        file_id=values[4],
        fingerprint=Fingerprint(values[5], values[6], values[7]),
        position=Position(
            raw_bytes=values[8],
            decoded_bytes=values[9],
            lines=values[10],
            encoding=values[11],
            log_format=LogFormat.from_header(values[12]) if values[12] else None,
            unterminated=bool(values[13]),
            left_bytes=values[14],
            complete=bool(values[15]),
        ),
        same_as=os.fsdecode(values[16]) if values[16] else None,
    )


def _content(file: BinaryIO, obj: SourceObject, own: _Row | None, renamed: _Row | None) -> Content:
    """Fingerprint a file; of a very large one that grew, only what was added is read."""
    if own and obj.file_id == own.file_id and own.fingerprint.size > WHOLE_CHECK_BYTES_MAX:
        grown = read_growth(file, own.fingerprint)
        if grown is not None:
            return grown
    return read_content(file, prefixes=[row.fingerprint.size for row in (own, renamed) if row])


class Progress:
    """Decides for every object whether it is read, from where, or not at all.

    Shape: ``known`` asks by name alone, ``plan`` looks at the bytes; both see what confirmed and
    prepared commits hold, and what is being read now. ``add`` notes how far an object was read.
    """

    def __init__(self, db: StateDb) -> None:
        self._db = db
        # Objects being read: too fresh for the file, and two of one content must not both go on.
        self._taking: dict[Fingerprint, str] = {}

    def known(self, obj: SourceObject, *, take_unterminated: bool = True) -> Skip | None:
        """Skip an object that was read to its end in this version, without opening it."""
        row = self._latest(obj.uri)
        if row is None or row.version != obj.version or not row.position.complete:
            return None
        if row.position.left_bytes and take_unterminated:
            return None
        return Skip(obj, "taken already", row.same_as)

    def plan(self, fetched: Fetched, *, take_unterminated: bool = True) -> Take | Skip:
        """Look at the bytes and say what to do.

        Errors: ObjectError when the file cannot be read.
        """
        obj = fetched.object
        with self._db.lock:
            own, renamed = self._latest(obj.uri), self._by_file_id(obj)
        with open_regular(fetched.path, obj.uri) as file:
            content = _content(file, obj, own, renamed)
        with self._db.lock:
            found = self._decide(obj, content, own, renamed, take_unterminated)
            if isinstance(found, Take) and found.fingerprint.size:
                self._taking[found.fingerprint] = obj.uri
            return found

    def _decide(
        self,
        obj: SourceObject,
        content: Content,
        own: _Row | None,
        renamed: _Row | None,
        take_unterminated: bool,
    ) -> Take | Skip:
        fingerprint = content.fingerprint
        first = self._taken_from(fingerprint, obj.uri) if fingerprint.size else None
        if first is not None and not (
            own
            and first == obj.uri
            and own.fingerprint == fingerprint
            and self._has_more(own, take_unterminated)
        ):
            return self._skip_same(obj, fingerprint, own, first)
        for prior in (own, renamed):
            if prior is None or not content.starts_with(prior.fingerprint):
                continue
            # Parquet that grew is another file: its footer, and so its rows, are elsewhere.
            if prior.position.encoding == PARQUET and prior.fingerprint != fingerprint:
                continue
            incarnation = prior.incarnation if prior is own else uuid.uuid4().hex
            return Take(obj, fingerprint, incarnation, prior.position.reopened(), continues=True)
        started = self._started_elsewhere(fingerprint)
        position = started.position.reopened() if started else Position()
        warning = None
        if own is not None and own.position.encoding == PARQUET and started is None:
            warning = Problem(
                ProblemCode.CHANGED,
                "a Parquet file that was taken before has changed; all its rows are taken as new",
                obj.where,
                "rows that both versions hold are in the table twice",
                obj.uri,
                warning=True,
            )
        return Take(obj, fingerprint, uuid.uuid4().hex, position, started is not None, warning)

    @staticmethod
    def _has_more(row: _Row, take_unterminated: bool) -> bool:
        return not row.position.complete or (take_unterminated and row.position.left_bytes > 0)

    def _skip_same(
        self, obj: SourceObject, fingerprint: Fingerprint, own: _Row | None, first: str
    ) -> Skip:
        """Skip a content that was taken; remember this name for it when that is safe."""
        source = _row(
            self._db.one(
                f"SELECT {_COLUMNS} FROM objects WHERE size = ? AND crc32 = ? AND edges = ?"
                " AND complete = 1 ORDER BY is_current DESC LIMIT 1",
                (fingerprint.size, fingerprint.crc32, fingerprint.edges),
            )
        )
        is_pending = self._db.one(
            "SELECT 1 FROM pending_objects WHERE uri = ?", (os.fsencode(obj.uri),)
        )
        if source is not None and not is_pending:
            unchanged = own is not None and own.fingerprint == fingerprint
            alias = replace(
                source,
                uri=obj.uri,
                incarnation=own.incarnation if own and unchanged else uuid.uuid4().hex,
                version=obj.version,
                file_id=obj.file_id,
                same_as=own.same_as if own and unchanged and own.position.complete else first,
            )
            self._store(alias, None)
        if first == obj.uri:
            return Skip(obj, "its content was taken already")
        return Skip(obj, f"same content as {printable(first)}", first)

    def add(self, commit_id: str, take: Take, position: Position) -> None:
        """Note under a commit how far the object was read; a later note replaces an earlier one."""
        row = _Row(
            take.object.uri,
            take.incarnation,
            take.object.version,
            take.object.file_id,
            take.fingerprint,
            position,
            None,
        )
        with self._db.lock:
            commit_no = self._db.begin_commit(commit_id)
            self._db.write(
                f"INSERT OR REPLACE INTO pending_objects ({_COLUMNS}) VALUES ({_PLACES})",
                row.values(commit_no),
            )
            if position.complete:
                self.abandon(take)

    def abandon(self, take: Take) -> None:
        """Say that the object is no longer being read, so that its copies may be."""
        with self._db.lock:
            self._taking.pop(take.fingerprint, None)

    def prepare(self, commit_id: str) -> None:
        """First phase: everything noted under the commit is durable, and does not count yet."""
        self._db.prepare_commit(commit_id)

    def confirm(self, commit_id: str) -> None:
        """Second phase, after the table has the commit; again or for an unknown id is harmless."""
        with self._db.lock:
            commit_no = self._db.commit_no(commit_id)
            if commit_no is None:
                return
            sql = f"SELECT {_COLUMNS} FROM pending_objects WHERE commit_no = ? ORDER BY rowid"
            for values in self._db.all(sql, (commit_no,)):
                row = _row(values)
                assert row is not None
                self._store(row, commit_no)
            self._db.write("DELETE FROM pending_objects WHERE commit_no = ?", (commit_no,))
            self._db.confirm_commit(commit_no)

    def discard(self, commit_id: str) -> None:
        """The table does not have the commit: its objects are as if they had not been read."""
        with self._db.lock:
            commit_no = self._db.commit_no(commit_id)
            if commit_no is not None:
                self._db.discard_commit(commit_no)

    def pending(self) -> list[str]:
        """Commits that were prepared and whose end is not known, oldest first."""
        return self._db.prepared()

    def _store(self, row: _Row, commit_no: int | None) -> None:
        uri = os.fsencode(row.uri)
        self._db.write("UPDATE objects SET is_current = 0 WHERE uri = ?", (uri,))
        self._db.write(
            f"INSERT OR REPLACE INTO objects ({_COLUMNS}) VALUES ({_PLACES})",
            row.values(commit_no),
        )
        if row.position.complete and row.fingerprint.size and not row.same_as:
            self._db.write(
                "INSERT OR IGNORE INTO contents (size, crc32, edges, uri) VALUES (?, ?, ?, ?)",
                (row.fingerprint.size, row.fingerprint.crc32, row.fingerprint.edges, uri),
            )

    def _latest(self, uri: str) -> _Row | None:
        key = (os.fsencode(uri),)
        return _row(
            self._db.one(
                f"SELECT {_COLUMNS} FROM pending_objects WHERE uri = ?"
                " ORDER BY commit_no DESC, rowid DESC LIMIT 1",
                key,
            )
            or self._db.one(f"SELECT {_COLUMNS} FROM objects WHERE uri = ? AND is_current = 1", key)
        )

    def _by_file_id(self, obj: SourceObject) -> _Row | None:
        """The same file under an earlier name: it was renamed, or is linked twice."""
        if not obj.file_id:
            return None
        key = (obj.file_id,)
        return _row(
            self._db.one(
                f"SELECT {_COLUMNS} FROM pending_objects WHERE file_id = ?"
                " ORDER BY commit_no DESC, rowid DESC LIMIT 1",
                key,
            )
            or self._db.one(
                f"SELECT {_COLUMNS} FROM objects WHERE file_id = ? AND file_id <> ''"
                " ORDER BY rowid DESC LIMIT 1",
                key,
            )
        )

    def _taken_from(self, fingerprint: Fingerprint, uri: str) -> str | None:
        """Where this content was taken from, or is being taken from now under another name."""
        key = (fingerprint.size, fingerprint.crc32, fingerprint.edges)
        where = "WHERE size = ? AND crc32 = ? AND edges = ?"
        found = self._db.one(f"SELECT uri FROM contents {where}", key) or self._db.one(
            f"SELECT uri FROM pending_objects {where} AND complete = 1 LIMIT 1", key
        )
        if found is not None:
            return os.fsdecode(found[0])
        taking = self._taking.get(fingerprint)
        return taking if taking != uri else None

    def _started_elsewhere(self, fingerprint: Fingerprint) -> _Row | None:
        """The same content under another name, read in part before the run ended."""
        return _row(
            self._db.one(
                f"SELECT {_COLUMNS} FROM objects WHERE size = ? AND crc32 = ? AND edges = ?"
                " AND complete = 0 ORDER BY decoded_bytes DESC LIMIT 1",
                (fingerprint.size, fingerprint.crc32, fingerprint.edges),
            )
        )
