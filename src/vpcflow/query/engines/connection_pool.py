"""Connections that stay open between questions: opening one takes longer than many an answer.

A connection never gives up its bounds: its configuration was locked when it was opened, and it may
be used again only by a question with the same bounds and the same folders.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vpcflow.query.settings import QuerySettings
from vpcflow.query.spill_folder import SpillFolder

if TYPE_CHECKING:
    import duckdb

#: Connections that wait for a question; more that come back are closed.
IDLE_MAX = 4


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection, the folder that it spills to, and what it is bound by."""

    key: tuple[object, ...]
    connection: duckdb.DuckDBPyConnection
    spill: SpillFolder | None

    def close(self) -> None:
        """Close the connection and remove its folder."""
        self.connection.close()
        if self.spill is not None:
            self.spill.close()


#: Opens a connection: bounds, folders that it may read, folder to spill below.
Open = Callable[[QuerySettings, Sequence[Path], "Path | None", tuple[object, ...]], Opened]


class ConnectionPool:
    """Idle connections, safe for use from many threads.

    Shape: ``idle_max`` of them at most; 0 keeps none.
    """

    def __init__(self, idle_max: int = IDLE_MAX) -> None:
        self._idle_max = idle_max
        self._lock = threading.Lock()
        self._idle: list[Opened] = []

    def take(
        self,
        settings: QuerySettings,
        folders: Sequence[Path],
        spill_folder: Path | None,
        open_new: Open,
    ) -> Opened:
        """A connection for one question: the one used last, or a new one."""
        key = (
            settings.threads,
            settings.memory_bytes_max,
            settings.spill_bytes_max,
            *map(str, folders),
            str(spill_folder),
        )
        with self._lock:
            for place in range(len(self._idle) - 1, -1, -1):
                if self._idle[place].key == key:
                    return self._idle.pop(place)
        return open_new(settings, folders, spill_folder, key)

    def give_back(self, opened: Opened) -> None:
        """Keep a connection whose question ended well."""
        with self._lock:
            self._idle.append(opened)
            surplus = self._idle[: max(0, len(self._idle) - self._idle_max)]
            del self._idle[: len(surplus)]
        for old in surplus:
            old.close()

    def close(self) -> None:
        """Close all that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for opened in idle:
            opened.close()
