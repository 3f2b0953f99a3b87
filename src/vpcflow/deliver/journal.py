"""The records that wait for delivery: hard links of what the table took, oldest first.

Numbers are those of the table's spool: they ascend and never come back, so a segment that is taken
again after a kill is known. When the journal is full, its oldest segments shrink to SKIPDATA lines,
which whoever still needed the records delivers in their place.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from vpcflow.base.data_folder import PART_SUFFIX, fsync_folder, write_durably
from vpcflow.base.errors import StoreError
from vpcflow.deliver.counters import DROPPED, SEGMENTS_LOST
from vpcflow.deliver.segment import (
    LOST_ACCEPT,
    LOST_OTHER,
    LOST_REJECT,
    Segment,
    SegmentRecords,
    as_skipdata,
    encode_records,
    merged_skipdata,
    parse_segment,
    read_segment,
    skipped_name,
)
from vpcflow.deliver.settings import DeliverySettings

_LOG = structlog.get_logger(__name__)
#: Segments that stay in memory after they were read: log groups and Firehose want the same ones.
SEGMENTS_LOADED_MAX = 2
_LAST_FILE = "last"
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP)


class Journal:
    """The segments that wait, each by its number; safe to use from several threads.

    Units: ``bytes_waiting`` on disk; ``records_dropped`` are flow records that became SKIPDATA,
    ``segments_dropped`` the segments that they were in, ``segments_lost`` those that could not be
    read or for whose SKIPDATA there was no room either.
    Errors: StoreError when the disk says no; then nothing was taken.
    """

    def __init__(self, folder: Path, bytes_max: int, segments_max: int = 100_000) -> None:
        self._folder = folder
        self._segments_max = segments_max
        self._bytes_max = bytes_max
        self._lock = threading.RLock()
        self._loaded: deque[SegmentRecords] = deque(maxlen=SEGMENTS_LOADED_MAX)
        self.segments_dropped = 0
        self.records_dropped = 0
        self.segments_lost = 0
        #: Up to where somebody has delivered; SKIPDATA on both sides of one stays apart.
        self.cursors: frozenset[int] = frozenset()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.glob(f"*{PART_SUFFIX}"):
                path.unlink()
            self._segments = self._read_segments()
            self._bytes = sum(segment.bytes for segment in self._segments.values())
            told = folder / _LAST_FILE
            self._last = int(told.read_text()) if told.exists() else 0
        except (OSError, ValueError) as error:
            raise _cannot(error, folder, "read") from error
        self._last = max([self._last, *self._segments])

    @property
    def bytes_waiting(self) -> int:
        """Bytes of all segments; never waits for the disk."""
        return self._bytes

    @property
    def last(self) -> int:
        """The number of the newest segment that was ever taken, 0 before the first."""
        return self._last

    def oldest_s(self) -> float | None:
        """Since when the oldest segment waits, epoch seconds; None when none does."""
        with self._lock:
            oldest = next(iter(self._segments.values()), None)
        try:
            return oldest.path.stat().st_mtime if oldest is not None else None
        except FileNotFoundError:
            return None

    @property
    def first(self) -> int:
        """The number of the oldest segment; that after the last when there is none."""
        with self._lock:
            return next((s.first for s in self._segments.values()), self._last + 1)

    def take(self, paths: Sequence[Path]) -> None:
        """Take segments of the table's spool, durably; those that were taken before are known."""
        with self._lock:
            taken = []
            try:
                fresh = {
                    segment.number: segment
                    for segment in map(parse_segment, paths)
                    if segment is not None and segment.number > self._last
                }
                for number in sorted(fresh):
                    taken.append(self._link(fresh[number]))
                if taken:
                    fsync_folder(self._folder)
            except OSError as error:
                raise _cannot(error, self._folder, "written") from error
            for segment in taken:
                self._keep(segment)
                self._last = segment.number
        self.enforce()

    def after(self, number: int, count_max: int) -> list[Segment]:
        """The oldest segments behind ``number``."""
        with self._lock:
            found = (s for s in self._segments.values() if s.number > number)
            return [segment for segment, _ in zip(found, range(count_max), strict=False)]

    def load(self, segment: Segment) -> SegmentRecords | None:
        """Read a segment, or what it shrank to by now; None when it is gone or damaged.

        Shape: what a dropped segment shrank to may stand for later segments too.
        Errors: StoreError when the disk does not let it be read now.
        """
        while True:
            with self._lock:
                now = self._covering(segment.number)
                if now is None:
                    return None
                known = next((made for made in self._loaded if made.segment == now), None)
            if known is not None:
                return known
            try:
                made = read_segment(now)
            except FileNotFoundError as error:
                with self._lock:
                    if self._covering(segment.number) == now:
                        self._forget_damaged(now, error)
                continue
            except (StoreError, ValueError) as error:
                with self._lock:
                    self._forget_damaged(now, error)
                return None
            except OSError as error:
                raise _cannot(error, now.path, "read") from error
            with self._lock:
                self._loaded.append(made)
            return made

    def remove_through(self, number: int) -> None:
        """Remove the segments up to ``number``: everybody has them."""
        with self._lock:
            gone = [s for s in self._segments.values() if s.number <= number]
            if gone:
                self._remove(gone)

    def enforce(self) -> None:
        """Keep to the bounds: the oldest segments shrink to SKIPDATA lines."""
        with self._lock:
            while True:
                is_many = len(self._segments) > self._segments_max
                if not is_many and self.bytes_waiting <= self._bytes_max:
                    return
                whole = [s for s in self._segments.values() if not s.skipped]
                shrunk = sum(s.bytes for s in self._segments.values() if s.skipped)
                is_crowded = is_many or shrunk > self._bytes_max // 8 or not whole
                if is_crowded and self._merge():
                    continue
                if whole and not (is_crowded and shrunk > self._bytes_max // 2):
                    self._drop(whole[0])
                    continue
                oldest = next(iter(self._segments.values()))
                self._lost(1, "the journal is full of SKIPDATA", oldest)
                self._remove([oldest])

    # -- dropping

    def _drop(self, segment: Segment) -> None:
        made = self.load(segment)
        if made is None:
            return
        lines = as_skipdata(made.records)
        self.segments_dropped += 1
        dropped = sum(
            int(lines.column(name).to_numpy().sum())
            for name in (LOST_ACCEPT, LOST_REJECT, LOST_OTHER)
        )
        self.records_dropped += dropped
        DROPPED.inc(dropped)
        self._replace([segment], encode_records(lines))

    def _merge(self) -> bool:
        """Make one of each run of shrunk segments that nobody stands between; whether any was."""
        runs: list[list[Segment]] = [[]]
        for segment in self._segments.values():
            run = runs[-1]
            apart = bool(run) and any(run[0].first <= c < segment.first for c in self.cursors)
            if not segment.skipped or apart:
                runs.append([])
            if segment.skipped:
                runs[-1].append(segment)
        merged = False
        for run in runs:
            if len(run) < 2:
                continue
            parts = [made.records for made in map(self.load, run) if made is not None]
            if len(parts) == len(run):
                self._replace(run, encode_records(merged_skipdata(parts)))
                merged = True
        return merged

    def _replace(self, old: list[Segment], data: bytes) -> None:
        path = self._folder / skipped_name(old[0].first, old[-1].number, data)
        try:
            write_durably(path, data)
            made = parse_segment(path)
            assert made is not None
            for segment in old:
                if segment.path != path:
                    segment.path.unlink(missing_ok=True)
                self._drop_known(segment)
            self._keep(made)
            self._segments = dict(sorted(self._segments.items()))
            fsync_folder(self._folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                # No room even for the lines that tell of the loss: make some.
                self._lost(len(old), "no room on the disk for SKIPDATA", old[0])
                self._remove(old)
                return
            raise _cannot(error, path, "written") from error

    def _forget_damaged(self, segment: Segment, error: Exception) -> None:
        """A segment that cannot be read: its records are in the table, and stay undelivered."""
        if self._drop_known(segment):
            self._lost(1, str(error), segment)
            try:
                if segment.path.exists():
                    segment.path.rename(segment.path.with_name(segment.path.name + ".damaged"))
            except OSError as failed:
                raise _cannot(failed, segment.path, "moved") from failed

    def _lost(self, segments: int, why: str, first: Segment) -> None:
        self.segments_lost += segments
        SEGMENTS_LOST.inc(segments)
        _LOG.error("undelivered batches are lost", batches=segments, why=why, file=str(first.path))

    # -- what is held

    def _keep(self, segment: Segment) -> None:
        self._segments[segment.number] = segment
        self._bytes += segment.bytes

    def _drop_known(self, segment: Segment) -> bool:
        known = self._segments.pop(segment.number, None)
        if known is not None:
            self._bytes -= known.bytes
        return known is not None

    # -- files

    def _covering(self, number: int) -> Segment | None:
        exact = self._segments.get(number)
        if exact is not None:
            return exact
        return next((s for s in self._segments.values() if s.first <= number <= s.number), None)

    def _link(self, segment: Segment) -> Segment:
        path = self._folder / segment.path.name
        try:
            os.link(segment.path, path)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            part = path.with_name(path.name + PART_SUFFIX)
            with segment.path.open("rb") as source, part.open("wb") as file:
                shutil.copyfileobj(source, file)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        made = parse_segment(path)
        assert made is not None
        return made

    def _remove(self, segments: Iterable[Segment]) -> None:
        try:
            # The newest last: what goes before it makes the room that its number may need.
            for segment in sorted(segments, key=lambda one: one.number):
                if segment.number == self._last:
                    # Without this a restart with an empty journal would take it again.
                    write_durably(self._folder / _LAST_FILE, str(self._last).encode())
                segment.path.unlink(missing_ok=True)
                self._drop_known(segment)
        except OSError as error:
            raise _cannot(error, self._folder, "removed") from error

    def _read_segments(self) -> dict[int, Segment]:
        """What is there; of two files for one segment the one that a kill left over goes."""
        found = [s for s in map(parse_segment, self._folder.iterdir()) if s is not None]
        found.sort(key=lambda s: (s.first - s.number, s.skipped))
        kept: dict[int, Segment] = {}
        covered: set[int] = set()
        for segment in found:
            numbers = set(range(segment.first, segment.number + 1))
            if numbers & covered:
                segment.path.unlink()
            else:
                kept[segment.number] = segment
                covered |= numbers
        return dict(sorted(kept.items()))


def open_journal(folder: Path, settings: DeliverySettings) -> Journal:
    """The journal in delivery's folder, within the bounds of the settings."""
    return Journal(folder / "journal", settings.journal_bytes_max, settings.journal_segments_max)


def _cannot(error: Exception, path: Path, done: str) -> StoreError:
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreError(
        f"the delivery journal cannot be {done}: {getattr(error, 'strerror', None) or error}",
        where=str(path),
        hint="free some space on the disk of the data folder"
        if full
        else "check the disk and the permissions of the data folder",
    )
