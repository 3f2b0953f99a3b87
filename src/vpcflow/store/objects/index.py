"""The database of objects: which keys there are, and which file holds the content of each.

A row is what makes an object: its content is whole and on the disk under a name of its own before
the row is committed, so a reader sees the old object or the new one, whenever the process dies.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vpcflow.base.errors import StoreError

INDEX_FILE = "index.sqlite"
INDEX_VERSION = 1
BUSY_TIMEOUT_S = 10.0
#: Pages of memory per connection; a negative figure is in KiB.
_CACHE_KIB = 8_192

_TABLES = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified_s INTEGER NOT NULL, described TEXT NOT NULL,
    part_sizes TEXT NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    bucket TEXT NOT NULL, key BLOB NOT NULL, upload_id TEXT NOT NULL, begun_s INTEGER NOT NULL,
    described TEXT NOT NULL, facts TEXT NOT NULL, PRIMARY KEY (bucket, key, upload_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL,
    etag TEXT NOT NULL, modified_s INTEGER NOT NULL, checksums TEXT NOT NULL,
    PRIMARY KEY (upload_id, number)
) WITHOUT ROWID;
"""


class ObjectIndex:
    """The database: one writer at a time, any number of readers.

    Shape: safe for any number of threads of one process.
    Errors: StoreError when the database says no.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / INDEX_FILE
        self._lock = threading.RLock()
        self._lock_of_idle = threading.Lock()
        #: Connections that nobody reads with now: never more than were in use at one time.
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False
        with _guarded(self.path):
            self._writer = self._connect()
            found = self._writer.execute("PRAGMA user_version").fetchone()[0]
            if found > INDEX_VERSION:
                raise StoreError(
                    "the index of objects was written by a newer vpcflow", where=str(self.path)
                )
            self._writer.executescript(_TABLES)
            self._writer.execute(f"PRAGMA user_version = {INDEX_VERSION}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone and durable: kept as a whole when the block ends well."""
        with self._lock, _guarded(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                # A commit for which there is no room has ended the transaction itself.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """The rows of a question."""
        with _guarded(self.path), self._reader() as reader:
            return reader.execute(statement, values).fetchall()

    def row(self, statement: str, values: tuple[Any, ...] = ()) -> Any | None:
        """The first row of a question."""
        with _guarded(self.path), self._reader() as reader:
            cursor = reader.execute(statement, values)
            try:
                return cursor.fetchone()
            finally:
                # An open question would keep its view, and the log from being emptied.
                cursor.close()

    def each(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[Any]:
        """The rows of a question, one by one: for more of them than memory should hold."""
        with _guarded(self.path), self._reader() as reader:
            cursor = reader.execute(statement, values)
            try:
                yield from cursor
            finally:
                cursor.close()

    def close(self) -> None:
        """Give all connections back; those in use go when they are done."""
        with self._lock, self._lock_of_idle:
            self._is_closed = True
            for connection in (self._writer, *self._idle):
                connection.close()
            self._idle.clear()

    @contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """A connection for one question; threads come and go, and connections cost files."""
        with self._lock_of_idle:
            if self._is_closed:
                raise sqlite3.ProgrammingError("it is closed")
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._connect()
        try:
            yield connection
        finally:
            with self._lock_of_idle:
                if self._is_closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        return connection


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"the index of objects said no: {error}",
            where=str(path),
            hint="check the disk's free space and the permissions; nothing was changed",
        ) from error
