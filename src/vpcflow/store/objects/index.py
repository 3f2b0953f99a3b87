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
        self._local = threading.local()
        self._lock = threading.RLock()
        self._all: list[sqlite3.Connection] = []
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
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """The rows of a question."""
        with _guarded(self.path):
            return self._reader().execute(statement, values).fetchall()

    def row(self, statement: str, values: tuple[Any, ...] = ()) -> Any | None:
        """The first row of a question."""
        with _guarded(self.path):
            return self._reader().execute(statement, values).fetchone()

    def close(self) -> None:
        """Give all connections back."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        with self._lock:
            self._all.append(connection)
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
