"""The SQLite file behind the index of data files: its tables, one read, one write."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vpcflow.base.errors import StoreError
from vpcflow.store.data_file_entry import DataFileEntry, TableSnapshot
from vpcflow.store.rollup_paths import CONVERSATION_VERSION, HOUR_VERSION

#: The table's name in its catalog.
TABLE_NAMESPACE = "vpcflow"
TABLE_NAME = "flow_records"
#: A file of another version is made anew: with other rollups, what it says of them is wrong.
INDEX_VERSION = (3 * 1_000 + HOUR_VERSION) * 1_000 + CONVERSATION_VERSION
#: How long a statement waits for another process's write.
BUSY_TIMEOUT_S = 10.0

ENTRY_COLUMNS = (
    "path, day, rows, bytes, start_min, start_max, end_max, host_min, host_max, columns, "
    "nodata_records, skipdata_records, rollup_path, has_conversation"
)
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, day INTEGER, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    start_min INTEGER, start_max INTEGER, end_max INTEGER, last_s INTEGER,
    host_min BLOB, host_max BLOB, columns TEXT NOT NULL,
    nodata_records INTEGER NOT NULL, skipdata_records INTEGER NOT NULL, rollup_path TEXT,
    has_conversation INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_time ON files (start_min, last_s);
CREATE TABLE IF NOT EXISTS dropped (path TEXT PRIMARY KEY, dropped_at_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
    one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL,
    metadata_location TEXT NOT NULL, snapshot_id INTEGER, committed_at_s REAL
);
"""


def read_metadata_location(catalog_db: Path) -> str | None:
    """Where the table's current metadata is, read from the catalog without PyIceberg.

    Shape: None when there is no catalog or no table yet.
    Errors: StoreError when the catalog is there and cannot be read.
    """
    if not catalog_db.exists():
        return None
    try:
        with closing(_connect_to_read(catalog_db)) as db:
            row = db.execute(
                "SELECT metadata_location FROM iceberg_tables"
                " WHERE table_namespace = ? AND table_name = ?",
                (TABLE_NAMESPACE, TABLE_NAME),
            ).fetchone()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None
        raise StoreError(
            f"the table's catalog cannot be read: {error}",
            where=str(catalog_db),
            hint="check the disk and the permissions, or restore catalog.sqlite from a copy; "
            "the data files in warehouse/ are untouched",
        ) from error
    return None if row is None else str(row[0])


def _connect_to_read(path: Path) -> sqlite3.Connection:
    # SQLite wants to make a -shm file beside a WAL database. A reader that may not write in the
    # folder can read it as it is, provided that no writer has left anything in the log.
    log = path.with_name(f"{path.name}-wal")
    still = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    mode = "mode=ro&immutable=1" if still else "mode=ro"
    return sqlite3.connect(
        f"file:{quote(str(path))}?{mode}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
    )


@contextmanager
def reading(files_db: Path) -> Iterator[sqlite3.Connection]:
    """A connection with one consistent view of the index.

    Errors: sqlite3.Error; the caller makes the index anew.
    """
    with closing(_connect_to_read(files_db)) as db:
        db.execute("BEGIN")
        yield db


@contextmanager
def writing(files_db: Path | str) -> Iterator[sqlite3.Connection]:
    """A connection with its tables made and one open write transaction, committed at the end.

    Errors: sqlite3.Error.
    """
    with closing(sqlite3.connect(files_db, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        _make_tables(db)
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")


def in_memory() -> sqlite3.Connection:
    """An empty index that lives as long as its connection."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(_TABLES)
    return db


def _make_tables(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA user_version").fetchone()[0] == INDEX_VERSION:
        return
    # Of another version: what it says of files may be wrong, so nothing of it is kept.
    drops = "".join(f"DROP TABLE IF EXISTS {name};" for name in ("files", "dropped", "state"))
    db.executescript(
        f"BEGIN IMMEDIATE; {drops} {_TABLES} PRAGMA user_version={INDEX_VERSION}; COMMIT;"
    )


def remove(files_db: Path) -> None:
    """Throw the index away; it is made anew from the table."""
    for suffix in ("-wal", "-shm", ""):
        files_db.with_name(files_db.name + suffix).unlink(missing_ok=True)


def read_snapshot(db: sqlite3.Connection) -> TableSnapshot | None:
    """The state that the index describes, None when it is empty or of another version."""
    row = db.execute(
        "SELECT version, snapshot_id, committed_at_s, metadata_location FROM state"
    ).fetchone()
    if row is None or row[0] != INDEX_VERSION:
        return None
    return TableSnapshot(row[1], row[2], row[3])


def read_entries(
    db: sqlite3.Connection, where: str, values: Sequence[object]
) -> list[DataFileEntry]:
    """Entries that meet a condition made by this package, in order of day and path."""
    column_sets: dict[str, tuple[str, ...]] = {}
    entries = []
    # The condition is one of this package's own texts; every value is bound.
    query = f"SELECT {ENTRY_COLUMNS} FROM files WHERE {where} ORDER BY day, path"  # noqa: S608
    for row in db.execute(query, values):
        columns = column_sets.get(row[9])
        if columns is None:
            columns = column_sets[row[9]] = tuple(filter(None, row[9].split(",")))
        values_of: tuple[Any, ...] = (*row[:9], columns, *row[10:13], bool(row[13]))
        entries.append(DataFileEntry(*values_of))
    return entries


def write_entries(db: sqlite3.Connection, entries: Iterable[DataFileEntry]) -> None:
    """Add or replace entries."""
    db.executemany(
        f"INSERT OR REPLACE INTO files ({ENTRY_COLUMNS}, last_s) "  # noqa: S608
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                entry.path,
                entry.day,
                entry.rows,
                entry.bytes,
                entry.start_min,
                entry.start_max,
                entry.end_max,
                entry.host_min,
                entry.host_max,
                ",".join(entry.columns),
                entry.nodata_records,
                entry.skipdata_records,
                entry.rollup_path,
                entry.has_conversation,
                _last_s(entry),
            )
            for entry in entries
        ),
    )


def _last_s(entry: DataFileEntry) -> int | None:
    # A record whose end lies before its start must not hide it from a time range.
    known = [value for value in (entry.start_max, entry.end_max) if value is not None]
    return max(known) if known and entry.start_max is not None else None


def write_snapshot(db: sqlite3.Connection, snapshot: TableSnapshot) -> None:
    """Say which state the index describes now."""
    db.execute(
        "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?)",
        (
            INDEX_VERSION,
            snapshot.metadata_location,
            snapshot.snapshot_id,
            snapshot.committed_at_s,
        ),
    )


def write_dropped(db: sqlite3.Connection, paths: Iterable[str], dropped_at_s: float) -> None:
    """Remember since when files are not in the table any more; the first time counts."""
    db.executemany(
        "INSERT OR IGNORE INTO dropped VALUES (?, ?)", ((path, dropped_at_s) for path in paths)
    )


def replace_entries(
    db: sqlite3.Connection,
    entries: Iterable[DataFileEntry],
    snapshot: TableSnapshot,
    *,
    dropped_at_s: float,
) -> None:
    """Make the index describe exactly these files; what goes is remembered as dropped."""
    before = {row[0] for row in db.execute("SELECT path FROM files")}
    db.execute("DELETE FROM files")
    entries = list(entries)
    write_entries(db, entries)
    write_dropped(db, before - {entry.path for entry in entries}, dropped_at_s)
    write_snapshot(db, snapshot)


def delete_entries(db: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Take files out of the index."""
    db.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in paths))


def read_dropped(db: sqlite3.Connection) -> dict[str, float]:
    """Since when files are not in the table, by path."""
    return dict(db.execute("SELECT path, dropped_at_s FROM dropped"))


def forget_dropped(db: sqlite3.Connection, paths: Iterable[str]) -> None:
    """Files that are gone, or are in the table again."""
    db.executemany("DELETE FROM dropped WHERE path = ?", ((path,) for path in paths))
