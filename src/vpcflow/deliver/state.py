"""How far each flow log is delivered, durably: one transaction a step."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vpcflow.base.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    flow_log_id TEXT PRIMARY KEY,
    done INTEGER NOT NULL,
    publishing INTEGER,
    finished INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,
    until_s INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_BUSY_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the delivery of one flow log is.

    Shape: segments up to ``done`` are delivered; those up to ``publishing`` are perhaps partly in
    the bucket; ``finished`` means that it was deleted and has everything.
    Units: ``lost`` counts records that became SKIPDATA; ``until_s`` is the epoch second behind the
    last start that was delivered, 0 before the first.
    """

    done: int
    publishing: int | None = None
    finished: bool = False
    lost: int = 0
    until_s: int = 0


class DeliveryState:
    """The cursors of all flow logs; safe to use from several threads.

    Errors: StoreError when the file cannot be read or written; then nothing has changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(_SCHEMA)
            rows = self._db.execute(
                "SELECT flow_log_id, done, publishing, finished, lost, until_s FROM deliveries"
            ).fetchall()
        except sqlite3.Error as error:
            raise self._cannot(error) from error
        self._cursors = {
            row[0]: Cursor(row[1], row[2], finished=bool(row[3]), lost=row[4], until_s=row[5])
            for row in rows
        }

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def get(self, flow_log_id: str) -> Cursor | None:
        """The cursor of a flow log, None when it has none."""
        return self._cursors.get(flow_log_id)

    def all(self) -> dict[str, Cursor]:
        """Every cursor, by flow log; never waits for the disk."""
        return self._cursors.copy()

    def add(self, flow_log_ids: Iterable[str], done: int) -> None:
        """Begin to deliver these flow logs behind segment ``done``."""
        self._put({flow_log_id: Cursor(done) for flow_log_id in flow_log_ids})

    def remove(self, flow_log_ids: Iterable[str]) -> None:
        """Forget these flow logs."""
        ids = list(flow_log_ids)
        with self._lock:
            self._many("DELETE FROM deliveries WHERE flow_log_id = ?", [(one,) for one in ids])
            for one in ids:
                self._cursors.pop(one, None)

    def publish(self, flow_log_ids: Iterable[str], to: int) -> None:
        """Write down that objects with the segments up to ``to`` will be in the bucket."""
        self._change(flow_log_ids, lambda _, before: replace(before, publishing=to))

    def advance(
        self, flow_log_ids: Iterable[str], done: int, until_s: int, lost: Mapping[str, int]
    ) -> None:
        """These flow logs have everything up to segment ``done``."""
        self._change(
            flow_log_ids,
            lambda one, before: Cursor(
                done,
                None,
                before.finished,
                before.lost + lost.get(one, 0),
                max(before.until_s, until_s),
            ),
        )

    def finish(self, flow_log_ids: Iterable[str]) -> None:
        """These flow logs were deleted and have everything."""
        self._change(flow_log_ids, lambda _, before: replace(before, finished=True))

    def _change(self, flow_log_ids: Iterable[str], change: Callable[[str, Cursor], Cursor]) -> None:
        with self._lock:
            held = ((one, self._cursors.get(one)) for one in flow_log_ids)
            # One without a cursor was removed while its records were under way.
            self._put({one: change(one, before) for one, before in held if before is not None})

    def _put(self, cursors: Mapping[str, Cursor]) -> None:
        with self._lock:
            self._many(
                "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (one, c.done, c.publishing, int(c.finished), c.lost, c.until_s)
                    for one, c in cursors.items()
                ],
            )
            self._cursors.update(cursors)

    def _many(self, sql: str, rows: list[tuple[object, ...]]) -> None:
        if not rows:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(sql, rows)
                self._db.execute("COMMIT")
            except BaseException:
                # A commit for which there is no room has ended the transaction itself.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._cannot(error) from error

    def _cannot(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"the state of delivery cannot be used: {error}",
            where=str(self._path),
            hint="check the disk of the data folder",
        )
