"""The batches that came last, kept a little longer for those who watch: hard links of the spool.

Numbers are those of the spool: they ascend without holes, so a watcher who comes back knows what it
has missed. What is older than the bounds is in the table alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import structlog

from vpcflow.base.clock import Clock, SystemClock

_LOG = structlog.get_logger(__name__)
#: How much is kept, and for how long.
BYTES_MAX = 128 << 20
AGE_S_MAX = 900.0
#: Batches that stay in memory after they were read: all watchers want the same ones.
LOADED_MAX = 4
#: Listeners at the same time.
LISTENERS_MAX = 1_000
_SEGMENT = re.compile(r"^(\d{16})-[0-9a-f]{32}\.arrow$")
_SERIES_FILE = "series"


@dataclass(frozen=True, slots=True)
class RecentSegment:
    """One batch; ``came_s`` is when it came into the table, in epoch seconds."""

    number: int
    path: Path
    bytes: int
    came_s: float


class RecentSegments:
    """The last batches of a data folder, for any number of threads.

    Shape: ``series`` names the run of numbers; it changes if the spool begins anew, and positions
    of another series mean nothing. What cannot be linked is not kept, and that is no fault: who
    watches sees the hole in the numbers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock | None = None,
        bytes_max: int = BYTES_MAX,
        age_s_max: float = AGE_S_MAX,
    ) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()
        self._bytes_max = bytes_max
        self._age_s_max = age_s_max
        self._lock = threading.Lock()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._listened = 0
        self._loaded: OrderedDict[int, pa.RecordBatch] = OrderedDict()
        self._segments: OrderedDict[int, RecentSegment] = OrderedDict()
        self.series = ""
        self.problem = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._read()
        except OSError as error:
            self.problem = f"recent records cannot be kept: {error}"
        if not self.series:
            self._begin_series()

    @property
    def last(self) -> int:
        """The number of the newest batch, 0 when there is none."""
        with self._lock:
            return next(reversed(self._segments), 0)

    @property
    def first(self) -> int:
        """The number of the oldest batch that is kept, 0 when there is none."""
        with self._lock:
            return next(iter(self._segments), 0)

    def take(self, paths: Sequence[Path]) -> None:
        """Keep batches that are in the table now; those that came before are known."""
        with self._lock:
            found = sorted(
                (int(match[1]), path) for path in paths if (match := _SEGMENT.match(path.name))
            )
            if found and self._counts_anew(*found[-1]):
                self._clear()
                self._begin_series()
            for number, path in found:
                self._take(number, path)
            self._forget()
            listeners = list(self._listeners.values())
        for tell in listeners:
            tell()

    def after(self, number: int) -> RecentSegment | None:
        """The oldest batch behind ``number``."""
        with self._lock:
            if number + 1 in self._segments:
                return self._segments[number + 1]
            return next((one for key, one in self._segments.items() if key > number), None)

    def newest_first(self) -> list[RecentSegment]:
        """All that are kept, the newest first."""
        with self._lock:
            return list(reversed(self._segments.values()))

    def load(self, segment: RecentSegment) -> pa.RecordBatch | None:
        """The records of a batch; None when it is gone or damaged."""
        with self._lock:
            known = self._loaded.get(segment.number)
        if known is not None:
            return known
        try:
            with pa.OSFile(str(segment.path)) as file:
                records = pa.ipc.open_file(file).get_batch(0)
        except (OSError, pa.ArrowException) as error:
            if not isinstance(error, FileNotFoundError):
                _LOG.warning("a recent batch cannot be read", path=str(segment.path))
            return None
        with self._lock:
            self._loaded[segment.number] = records
            while len(self._loaded) > LOADED_MAX:
                self._loaded.popitem(last=False)
        return records

    def listen(self, tell: Callable[[], None]) -> Callable[[], None] | None:
        """Call ``tell`` after each arrival, in the writer's thread; what is returned ends it.

        Shape: None when there are LISTENERS_MAX already.
        """
        with self._lock:
            if len(self._listeners) >= LISTENERS_MAX:
                return None
            self._listened += 1
            key = self._listened
            self._listeners[key] = tell

        def end() -> None:
            with self._lock:
                self._listeners.pop(key, None)

        return end

    def _counts_anew(self, number: int, path: Path) -> bool:
        """Whether the spool began again: positions of before must not be taken for these.

        Shape: of a commit that is handed over twice the newest batch is here already.
        """
        newest = next(reversed(self._segments), 0)
        return number <= newest and not (self._folder / path.name).exists()

    def _take(self, number: int, path: Path) -> None:
        if number <= next(reversed(self._segments), 0):
            return
        target = self._folder / path.name
        try:
            with contextlib.suppress(FileExistsError):
                _link(path, target)
            size = target.stat().st_size
        except OSError as error:
            self.problem = f"recent records cannot be kept: {error}"
            return
        self.problem = ""
        self._segments[number] = RecentSegment(number, target, size, self._clock.now_s())

    def _forget(self) -> None:
        """Keep to the bounds, but for the newest batch."""
        held = sum(one.bytes for one in self._segments.values())
        oldest_s = self._clock.now_s() - self._age_s_max
        for one in list(self._segments.values())[:-1]:
            if held <= self._bytes_max and one.came_s >= oldest_s:
                return
            held -= one.bytes
            self._drop(one)

    def _drop(self, segment: RecentSegment) -> None:
        self._segments.pop(segment.number, None)
        self._loaded.pop(segment.number, None)
        with contextlib.suppress(OSError):
            segment.path.unlink(missing_ok=True)

    def _clear(self) -> None:
        for one in list(self._segments.values()):
            self._drop(one)

    def _read(self) -> None:
        told = self._folder / _SERIES_FILE
        self.series = told.read_text().strip() if told.exists() else ""
        for path in sorted(self._folder.iterdir()):
            match = _SEGMENT.match(path.name)
            if match is not None:
                facts = path.stat()
                # The link's change time is when it was made: the file itself is never written again.
                self._segments[int(match[1])] = RecentSegment(
                    int(match[1]), path, facts.st_size, facts.st_ctime
                )

    def _begin_series(self) -> None:
        self.series = secrets.token_hex(4)
        with contextlib.suppress(OSError):
            (self._folder / _SERIES_FILE).write_text(self.series)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has hard links.
        shutil.copyfile(path, target)
