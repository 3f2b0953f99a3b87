"""The SQLite file of what was collected, what is being committed, and what is in quarantine.

Every change belongs to a commit: it is written under the commit's number, becomes durable with
``prepare``, and counts with ``confirm``.  A number that was never prepared is swept away when the
next writer opens the file, so a kill at any moment leaves a whole state.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.data_folder import DataFolder, fsync_folder
from vpcflow.base.errors import StoreError

#: How long a reader or writer waits for SQLite's own lock.
BUSY_TIMEOUT_S = 30.0

OPEN, PREPARED, CONFIRMED = 0, 1, 2

#: Each entry brings the schema one version further; entries are only ever added.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE commits (
        commit_no INTEGER PRIMARY KEY AUTOINCREMENT,
        commit_id TEXT NOT NULL UNIQUE,
        state INTEGER NOT NULL,
        begun_s REAL NOT NULL
    );
    CREATE TABLE objects (
        uri BLOB NOT NULL,
        incarnation TEXT NOT NULL,
        is_current INTEGER NOT NULL,
        version TEXT NOT NULL,
        file_id TEXT NOT NULL,
        size INTEGER NOT NULL,
        crc32 INTEGER NOT NULL,
        edges BLOB NOT NULL,
        raw_bytes INTEGER NOT NULL,
        decoded_bytes INTEGER NOT NULL,
        lines INTEGER NOT NULL,
        encoding TEXT,
        log_format TEXT,
        unterminated INTEGER NOT NULL,
        left_bytes INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        same_as BLOB,
        commit_no INTEGER,
        PRIMARY KEY (uri, incarnation)
    );
    CREATE INDEX objects_file_id ON objects (file_id) WHERE file_id <> '';
    CREATE INDEX objects_content ON objects (size, crc32, edges);
    CREATE TABLE pending_objects AS SELECT * FROM objects WHERE 0;
    CREATE INDEX pending_objects_uri ON pending_objects (uri);
    CREATE UNIQUE INDEX pending_objects_key ON pending_objects (commit_no, uri, incarnation);
    CREATE TABLE contents (
        size INTEGER NOT NULL,
        crc32 INTEGER NOT NULL,
        edges BLOB NOT NULL,
        uri BLOB NOT NULL,
        PRIMARY KEY (size, crc32, edges)
    ) WITHOUT ROWID;
    CREATE TABLE log_formats (
        format_no INTEGER PRIMARY KEY,
        names TEXT NOT NULL UNIQUE
    );
    CREATE TABLE quarantine_objects (
        object_no INTEGER PRIMARY KEY,
        uri BLOB NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        account_id TEXT,
        region TEXT,
        flow_log_id TEXT
    );
    CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        object_no INTEGER NOT NULL REFERENCES quarantine_objects,
        kind INTEGER NOT NULL,
        line_number INTEGER,
        reason INTEGER NOT NULL,
        field INTEGER NOT NULL DEFAULT -1,
        bytes BLOB NOT NULL DEFAULT x'',
        length INTEGER NOT NULL DEFAULT 0,
        line_count INTEGER NOT NULL,
        encoding TEXT,
        format_no INTEGER REFERENCES log_formats,
        format_assumed INTEGER NOT NULL DEFAULT 0,
        what TEXT NOT NULL DEFAULT '',
        hint TEXT NOT NULL DEFAULT '',
        commit_no INTEGER NOT NULL REFERENCES commits,
        retry_no INTEGER REFERENCES commits
    );
    CREATE INDEX quarantine_object ON quarantine (object_no, kind);
    CREATE INDEX quarantine_commit ON quarantine (commit_no);
    CREATE INDEX quarantine_retry ON quarantine (retry_no) WHERE retry_no IS NOT NULL;
    """,
)


class StateDb:
    """One connection to the state file; safe to use from several threads.

    Shape: ``writer`` is true for the process that holds the data folder's writer lock.
    Errors: StoreError when the file cannot be opened, is damaged, or is of a newer version.
    """

    def __init__(
        self, folder: DataFolder, *, writer: bool = True, clock: Clock | None = None
    ) -> None:
        self.path = folder.state_db
        self.writer = writer
        self.lock = threading.RLock()
        self._clock = clock or SystemClock()
        self._commit_nos: dict[str, int] = {}
        if writer:
            folder.make()
        is_new = not self.path.exists()
        try:
            self._connection = self._open(is_new)
            if writer:
                self._migrate()
                self._sweep()
                if is_new:
                    fsync_folder(self.path.parent)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"cannot use the state file: {error}",
            where=str(self.path),
            hint="check the disk and the rights on the data folder",
        )

    def _execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _open(self, is_new: bool) -> sqlite3.Connection:
        if not self.writer and is_new:
            # Nothing was ever collected: an empty file in memory answers every question.
            connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            connection.executescript(MIGRATIONS[0])
            return connection
        connection = sqlite3.connect(
            self.path if self.writer else f"{self.path.as_uri()}?mode=ro",
            uri=not self.writer,
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
            isolation_level=None,
        )
        if self.writer:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _migrate(self) -> None:
        version = int(self.one("PRAGMA user_version")[0])
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the state file is of version {version}, this vpcflow knows {len(MIGRATIONS)}",
                where=str(self.path),
                hint="use the newer vpcflow that wrote it",
            )
        for number in range(version, len(MIGRATIONS)):
            self._connection.executescript(
                f"BEGIN IMMEDIATE;{MIGRATIONS[number]};PRAGMA user_version = {number + 1};COMMIT;"
            )

    def _sweep(self) -> None:
        """Delete what was written under commits that were never prepared."""
        for (commit_no,) in self.all("SELECT commit_no FROM commits WHERE state = ?", (OPEN,)):
            self._delete_rows(commit_no)
        self.commit()

    def close(self) -> None:
        """Close the file; what was not prepared does not count."""
        with self.lock:
            self.commit()
            self._connection.close()

    def one(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row, or None."""
        with self.lock:
            return self._execute(sql, values).fetchone()

    def all(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows."""
        with self.lock:
            return self._execute(sql, values).fetchall()

    def write(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Change rows; durable with the next ``commit``."""
        with self.lock:
            self._begin()
            return self._execute(sql, values)

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Change many rows; durable with the next ``commit``."""
        with self.lock:
            self._begin()
            try:
                self._connection.executemany(sql, rows)
            except sqlite3.Error as error:
                raise self._told(error) from error

    def commit(self) -> None:
        """Make everything written so far durable."""
        with self.lock:
            if self._connection.in_transaction:
                self._execute("COMMIT")

    def _begin(self) -> None:
        if not self.writer:
            raise StoreError("the state file was opened only to read", where=str(self.path))
        if not self._connection.in_transaction:
            self._execute("BEGIN IMMEDIATE")

    def begin_commit(self, commit_id: str) -> int:
        """The number of a commit; the first call begins it."""
        with self.lock:
            known = self._commit_nos.get(commit_id)
            if known is not None:
                return known
            row = self.one("SELECT commit_no FROM commits WHERE commit_id = ?", (commit_id,))
            if row is None:
                cursor = self.write(
                    "INSERT INTO commits (commit_id, state, begun_s) VALUES (?, ?, ?)",
                    (commit_id, OPEN, self._clock.now_s()),
                )
                row = (cursor.lastrowid,)
            self._commit_nos[commit_id] = int(row[0])
            return int(row[0])

    def prepare_commit(self, commit_id: str) -> int:
        """Make what was written under the commit durable; it does not count yet."""
        with self.lock:
            commit_no = self.begin_commit(commit_id)
            self.write(
                "UPDATE commits SET state = ? WHERE commit_no = ? AND state = ?",
                (PREPARED, commit_no, OPEN),
            )
            self.commit()
            return commit_no

    def commit_no(self, commit_id: str) -> int | None:
        """The number of a commit that is not confirmed yet, None when there is none."""
        row = self.one(
            "SELECT commit_no FROM commits WHERE commit_id = ? AND state <> ?",
            (commit_id, CONFIRMED),
        )
        return None if row is None else int(row[0])

    def confirm_commit(self, commit_no: int) -> None:
        """Let the commit's rows count, durably; a commit that nobody refers to is forgotten."""
        with self.lock:
            self.write("UPDATE commits SET state = ? WHERE commit_no = ?", (CONFIRMED, commit_no))
            self.write(
                "DELETE FROM commits WHERE commit_no = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM quarantine WHERE commit_no = ?1)"
                " AND NOT EXISTS (SELECT 1 FROM quarantine WHERE retry_no = ?1)",
                (commit_no,),
            )
            self._forget(commit_no)
            self.commit()

    def discard_commit(self, commit_no: int) -> None:
        """Delete everything that was written under the commit, durably."""
        with self.lock:
            self._delete_rows(commit_no)
            self._forget(commit_no)
            self.commit()

    def prepared(self) -> list[str]:
        """The commits that are neither confirmed nor discarded, oldest first."""
        sql = "SELECT commit_id FROM commits WHERE state = ? ORDER BY commit_no"
        return [str(row[0]) for row in self.all(sql, (PREPARED,))]

    def _delete_rows(self, commit_no: int) -> None:
        self.write("DELETE FROM pending_objects WHERE commit_no = ?", (commit_no,))
        self.write("DELETE FROM quarantine WHERE commit_no = ?", (commit_no,))
        self.write("UPDATE quarantine SET retry_no = NULL WHERE retry_no = ?", (commit_no,))
        self.write("DELETE FROM commits WHERE commit_no = ?", (commit_no,))

    def _forget(self, commit_no: int) -> None:
        self._commit_nos = {
            key: value for key, value in self._commit_nos.items() if value != commit_no
        }
