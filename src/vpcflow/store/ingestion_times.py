"""When flow records came into the table: a line of numbers for each commit.

A commit notes, before it is made, the range of starts that it brings and the time. A record's
ingestion time is that of the first commit that reached its start; so it is a function of the start
alone, stays the same after compaction, and costs the records nothing.
"""

from __future__ import annotations

import errno
import os
import threading
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vpcflow.base.data_folder import fsync_folder
from vpcflow.base.errors import StoreError

FILE = "ingestion-times"
#: Later ends, which a hostile clock may write, count as this one.
TIME_S_MAX = 9_999_999_999
#: Oldest start, newest start (seconds), time of the commit (milliseconds), checksum.
_ENTRY = np.dtype([("first_s", "<i8"), ("last_s", "<i8"), ("at_ms", "<i8"), ("check", "<u8")])
#: What of an entry its checksum is of.
_CHECKED_BYTES = 24
_Longs = npt.NDArray[np.int64]


class IngestionTimes:
    """The ledger of a data folder.

    Shape: safe for threads, and for readers in other processes; a torn end is not read, and is cut
    off before the next note.
    Errors: StoreError when the disk says no; then nothing was noted.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / FILE
        self._lock = threading.Lock()
        self._bytes = 0
        self._last_s: _Longs = np.zeros(0, np.int64)
        self._at_ms: _Longs = np.zeros(0, np.int64)
        self._first_s: int | None = None
        #: The newest start that this process noted.
        self._noted_s: int | None = None

    def note(self, first_start_s: int, last_start_s: int, at_ms: int) -> None:
        """Note a commit that is about to be made; on the disk when this returns.

        Shape: one that reaches no further than an earlier one would be of no account.
        """
        with self._lock:
            if self._noted_s is not None and last_start_s <= self._noted_s:
                return
            try:
                self._append(first_start_s, last_start_s, at_ms)
            except OSError as error:
                raise StoreError(
                    f"the ingestion times cannot be written: {error.strerror}",
                    where=str(self._path),
                    hint="check the disk's free space and the permissions of the data folder",
                ) from error
            self._noted_s = last_start_s

    def _append(self, first_start_s: int, last_start_s: int, at_ms: int) -> None:
        entry = np.zeros(1, _ENTRY)
        entry["first_s"], entry["last_s"], entry["at_ms"] = first_start_s, last_start_s, at_ms
        data = entry.tobytes()
        entry["check"] = zlib.crc32(data[:_CHECKED_BYTES])
        data = entry.tobytes()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            torn = os.fstat(handle).st_size % _ENTRY.itemsize
            if torn:
                os.ftruncate(handle, os.fstat(handle).st_size - torn)
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(handle)
        finally:
            os.close(handle)
        if is_new:
            fsync_folder(self._path.parent)

    def of(self, starts_s: _Longs, ends_s: _Longs) -> _Longs:
        """Ingestion times in milliseconds; the record's own end where no commit is known."""
        with self._lock:
            self._follow()
            last_s, at_ms, first_s = self._last_s, self._at_ms, self._first_s
        own = np.clip(np.maximum(ends_s, starts_s), 0, TIME_S_MAX) * 1000
        if first_s is None:
            return own
        place = np.searchsorted(last_s, starts_s)
        known = (place < len(last_s)) & (starts_s >= first_s)
        return np.where(known, at_ms[np.minimum(place, len(at_ms) - 1)], own)

    def known_starts(self) -> tuple[int, int] | None:
        """The oldest and the newest start that some noted commit reached; None without a note."""
        with self._lock:
            self._follow()
            if self._first_s is None or not len(self._last_s):
                return None
            return min(self._first_s, int(self._last_s[-1])), int(self._last_s[-1])

    def _follow(self) -> None:
        """Read what was noted since; entries that reach no further than earlier ones count not."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._bytes + _ENTRY.itemsize:
            return
        with self._path.open("rb") as file:
            file.seek(self._bytes)
            data = file.read((size - self._bytes) // _ENTRY.itemsize * _ENTRY.itemsize)
        self._bytes += len(data)
        entries = np.frombuffer(data, _ENTRY)
        size = _ENTRY.itemsize
        checks = [zlib.crc32(data[at : at + _CHECKED_BYTES]) for at in range(0, len(data), size)]
        entries = entries[entries["check"] == np.array(checks, np.uint64)]
        if not len(entries):
            return
        if self._first_s is None:
            self._first_s = int(entries["first_s"][0])
        reached = self._last_s[-1] if len(self._last_s) else np.iinfo(np.int64).min
        before = np.maximum.accumulate(np.concatenate([[reached], entries["last_s"]]))[:-1]
        further = entries["last_s"] > before
        self._last_s = np.concatenate([self._last_s, entries["last_s"][further]])
        self._at_ms = np.concatenate([self._at_ms, entries["at_ms"][further]])
