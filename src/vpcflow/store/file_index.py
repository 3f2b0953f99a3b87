"""The read side: which data files a question has to open, without importing PyIceberg.

``files.sqlite`` is a cache of the table's manifests, written right after each commit. A reader
compares the metadata location that it was made from with the catalog's. They differ for a moment
while a commit is under way, and for good when a writer died between the two, or when the cache was
deleted or damaged: then the reader makes it anew from the manifests. Readers hold no lock. What
they planned stays on disk for ``TableSettings.grace_s`` after it left the table.
"""

from __future__ import annotations

import sqlite3
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.store import index_db
from vpcflow.store.data_file_entry import (
    DataFileEntry,
    DayTotals,
    FileSelection,
    TableSnapshot,
    TableTotals,
)

#: How long a reader waits for the writer to bring the index up to a commit just made.
INDEX_WAIT_S = 0.3
INDEX_POLL_S = 0.01
#: How often a reader starts again because the table changed while it read the manifests.
REBUILD_TRIES_MAX = 5
#: More address ranges than this are not sent to SQLite but looked up here.
SQL_RANGES_MAX = 100

NO_TABLE = TableSnapshot(None, None, None)

_T = TypeVar("_T")
HostRange = tuple[bytes, bytes]


class FileIndex:
    """The data files of the table's current snapshot, pruned by time and by host.

    Errors: StoreError when the catalog or the table's metadata cannot be read. A damaged or
    missing index is no error: it is made anew.
    """

    def __init__(self, folder: DataFolder, *, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()

    def snapshot(self) -> TableSnapshot:
        """The state of the table that a question would read now."""
        return self._ask(lambda _db, snapshot: snapshot, NO_TABLE)

    def select(
        self,
        *,
        start_s: int | None = None,
        end_s: int | None = None,
        host_ranges: Sequence[HostRange] | None = None,
    ) -> FileSelection:
        """The files that may hold records of a time range and of some hosts.

        Shape: a record is in range when any part of it is: it starts before ``end_s`` and ends at
        or after ``start_s``. Rows without a start are in no time range. Host ranges are inclusive,
        16 bytes each, and are compared with ``host`` only; a question about the other end gives
        none.
        Units: epoch seconds.
        """
        conditions: list[str] = ["1"]
        values: list[object] = []
        if start_s is not None:
            conditions.append("last_s >= ?")
            values.append(start_s)
        if end_s is not None:
            conditions.append("start_min < ?")
            values.append(end_s)
        ranges = None if host_ranges is None else merge_ranges(host_ranges)
        if ranges is not None:
            part = ranges if len(ranges) <= SQL_RANGES_MAX else [(ranges[0][0], ranges[-1][1])]
            either = " OR ".join("(host_min <= ? AND host_max >= ?)" for _ in part)
            conditions.append(f"({either or '0'})")
            values.extend(bound for low, high in part for bound in (high, low))
        where = " AND ".join(conditions)

        def question(db: sqlite3.Connection, snapshot: TableSnapshot) -> FileSelection:
            entries = index_db.read_entries(db, where, values)
            if ranges is not None and len(ranges) > SQL_RANGES_MAX:
                entries = [entry for entry in entries if _touches(entry, ranges)]
            total = db.execute("SELECT count(*) FROM files").fetchone()[0]
            return FileSelection(snapshot, entries, total)

        return self._ask(question, FileSelection(NO_TABLE, [], 0))

    def entries(self) -> list[DataFileEntry]:
        """Every data file of the table, in order of day and path."""
        return self._ask(lambda db, _snapshot: index_db.read_entries(db, "1", ()), [])

    def totals(self) -> TableTotals:
        """Rows, files, bytes and time range of the table, and the sums of each day."""
        nothing = TableTotals(NO_TABLE, 0, 0, 0, None, None, None, 0, 0, ())
        return self._ask(_totals, nothing)

    def refresh(self) -> None:
        """Bring the index up to the table now; a writer calls it once when it opens the table."""
        location = self._location()
        if location is not None and not self._is_current(location):
            self._rebuild(lambda _db, _snapshot: None)

    def _location(self) -> str | None:
        return index_db.read_metadata_location(self._folder.catalog_db)

    def _is_current(self, location: str) -> bool:
        try:
            with index_db.reading(self._folder.files_db) as db:
                snapshot = index_db.read_snapshot(db)
        except sqlite3.Error:
            return False
        return snapshot is not None and snapshot.metadata_location == location

    def _ask(self, question: Callable[[sqlite3.Connection, TableSnapshot], _T], nothing: _T) -> _T:
        deadline_s = self._clock.monotonic_s() + INDEX_WAIT_S
        while True:
            location = self._location()
            if location is None:
                return nothing
            try:
                with index_db.reading(self._folder.files_db) as db:
                    snapshot = index_db.read_snapshot(db)
                    if snapshot is not None and snapshot.metadata_location == location:
                        return question(db, snapshot)
            except sqlite3.Error:
                return self._rebuild(question)
            if snapshot is None or self._clock.monotonic_s() >= deadline_s:
                return self._rebuild(question)
            self._clock.wait(threading.Event(), INDEX_POLL_S)

    def _rebuild(self, question: Callable[[sqlite3.Connection, TableSnapshot], _T]) -> _T:
        from vpcflow.store.manifest_reader import read_manifests

        known = self._known_entries()
        for _ in range(REBUILD_TRIES_MAX):
            location = self._location()
            if location is None:
                break
            try:
                snapshot, entries = read_manifests(location, known)
            except FileNotFoundError:
                if location == self._location():
                    raise _missing_metadata(location) from None
                continue  # The writer went on and removed the old metadata while we read it.
            if self._save(snapshot, entries, location):
                try:
                    with index_db.reading(self._folder.files_db) as db:
                        saved = index_db.read_snapshot(db)
                        if saved is not None and saved.metadata_location == location:
                            return question(db, saved)
                except sqlite3.Error:
                    pass  # Removed again under our hands: what was read answers the question.
            with closing(index_db.in_memory()) as db:
                index_db.write_entries(db, entries)
                return question(db, snapshot)
        raise StoreError(
            "the table changes faster than its file list can be read",
            where=str(self._folder.catalog_db),
            hint="ask again; if it stays, stop the writer for a moment",
        )

    def _known_entries(self) -> dict[str, DataFileEntry]:
        """What the old index says of files; a data file never changes, so it is still true."""
        try:
            with index_db.reading(self._folder.files_db) as db:
                if index_db.read_snapshot(db) is None:
                    return {}
                return {entry.path: entry for entry in index_db.read_entries(db, "1", ())}
        except sqlite3.Error:
            return {}

    def _save(self, snapshot: TableSnapshot, entries: list[DataFileEntry], location: str) -> bool:
        """Write the new index; False when it cannot be written, which costs time and no truth."""
        for last in (False, True):
            try:
                with index_db.writing(self._folder.files_db) as db:
                    if self._location() == location:
                        index_db.replace_entries(
                            db, entries, snapshot, dropped_at_s=self._clock.now_s()
                        )
            except sqlite3.OperationalError:
                return False
            except sqlite3.DatabaseError:
                if last:
                    return False
                try:
                    index_db.remove(self._folder.files_db)
                except OSError:
                    return False
            else:
                return True
        return False


def merge_ranges(ranges: Sequence[HostRange]) -> list[HostRange]:
    """The same addresses as ranges in order that do not overlap."""
    merged: list[HostRange] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        elif low <= high:
            merged.append((low, high))
    return merged


def _touches(entry: DataFileEntry, ranges: list[HostRange]) -> bool:
    if entry.host_min is None or entry.host_max is None:
        return False
    first = bisect_left(ranges, entry.host_min, key=lambda item: item[1])
    return first < len(ranges) and ranges[first][0] <= entry.host_max


def _totals(db: sqlite3.Connection, snapshot: TableSnapshot) -> TableTotals:
    days = tuple(
        DayTotals(*row)
        for row in db.execute(
            "SELECT day, count(*), sum(rows), sum(bytes), sum(nodata_records), sum(skipdata_records)"
            " FROM files GROUP BY day ORDER BY day"
        )
    )
    start_min, start_max, end_max = db.execute(
        "SELECT min(start_min), max(start_max), max(end_max) FROM files"
    ).fetchone()
    return TableTotals(
        snapshot=snapshot,
        files=sum(day.files for day in days),
        rows=sum(day.rows for day in days),
        bytes=sum(day.bytes for day in days),
        start_min=start_min,
        start_max=start_max,
        end_max=end_max,
        nodata_records=sum(day.nodata_records for day in days),
        skipdata_records=sum(day.skipdata_records for day in days),
        days=days,
    )


def _missing_metadata(location: str) -> StoreError:
    return StoreError(
        "the table's metadata file is gone",
        where=location,
        hint="a data folder cannot be moved or renamed: put it back to the path it was made at",
    )
