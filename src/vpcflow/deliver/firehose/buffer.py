"""The buffer of one stream: files that grow, are closed, and go when their records are delivered.

A closed file is a batch: it keeps its name through retries and restarts, so that what it becomes
(a request id, an object's name) is the same each time.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vpcflow.base.data_folder import fsync_folder
from vpcflow.base.errors import StoreError
from vpcflow.deliver.firehose.frames import Frame, frames_of, read_frames

_OPEN = ".open"
_CLOSED = ".batch"


class BufferFullError(Exception):
    """The buffer holds as much as it may."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A closed file; ``batch_id`` is a UUID that never changes."""

    path: Path
    batch_id: str
    size: int

    def frames(self) -> list[Frame]:
        """What is in it."""
        return read_frames(self.path.read_bytes())[0]


class StreamBuffer:
    """Records on disk in the order in which they came.

    Shape: ``put`` may be called by any number of threads and shares fsyncs among them; the rest is
    one thread's.
    Errors: BufferFullError; StoreError when the disk says no.
    """

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._written = 0
        self._synced = 0
        self._handle: int | None = None
        self._path: Path | None = None
        self._open_bytes = 0
        self._opened_ms = 0
        self._number = 0
        folder.mkdir(parents=True, exist_ok=True)
        fsync_folder(folder.parent)
        self._closed = self._recover()
        self._held = sum(batch.size for batch in self._closed)

    @property
    def held_bytes(self) -> int:
        """Bytes that wait."""
        return self._held

    def put(self, records: Sequence[bytes], arrived_ms: int, batch_bytes: int) -> None:
        """Take records; they are on the disk when this returns."""
        try:
            with self._lock:
                frames = list(frames_of(records, arrived_ms))
                size = sum(len(frame) for frame in frames)
                if self._held + size > self._bytes_max:
                    raise BufferFullError
                for frame in frames:
                    if self._open_bytes and self._open_bytes + len(frame) > batch_bytes:
                        self._close_open()
                    self._append(frame, arrived_ms)
                if self._open_bytes >= batch_bytes:
                    self._close_open()
                mine = self._written
            with self._sync_lock:
                if self._synced < mine:
                    self._sync()
        except OSError as error:
            raise StoreError(
                f"a delivery stream's buffer cannot be written: {error.strerror}",
                where=str(self._folder),
                hint="check the disk's free space and the permissions",
            ) from error

    def due_in_s(self, now_ms: int, interval_s: float) -> float | None:
        """In how many seconds the open file is old enough; None when there is none.

        Shape: when the clock was set back, it is old enough now.
        """
        with self._lock:
            if self._handle is None:
                return None
            if now_ms < self._opened_ms:
                return 0.0
            return interval_s - (now_ms - self._opened_ms) / 1000

    def close_batch(self) -> None:
        """Close the open file, if there is one, so that it goes."""
        with self._lock:
            if self._handle is not None:
                self._close_open()

    def batches(self) -> list[Batch]:
        """The closed files, oldest first."""
        with self._lock:
            return list(self._closed)

    def delivered(self, batch: Batch) -> None:
        """Forget a batch."""
        batch.path.unlink(missing_ok=True)
        with self._lock:
            self._closed.remove(batch)
            self._held -= batch.size

    def close(self) -> None:
        """Close the open file; it is found again."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def _append(self, frame: bytes, arrived_ms: int) -> None:
        if self._handle is None:
            self._number += 1
            name = f"{self._number:016d}-{uuid.uuid4()}{_OPEN}"
            self._path = self._folder / name
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._handle = os.open(self._path, flags, 0o600)
            fsync_folder(self._folder)
            self._open_bytes, self._opened_ms = 0, arrived_ms
        start = self._open_bytes
        try:
            left = memoryview(frame)
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError:
            # Half a frame would hide what comes behind it.
            os.ftruncate(self._handle, start)
            raise
        self._open_bytes += len(frame)
        self._held += len(frame)
        self._written += 1

    def _sync(self) -> None:
        """Put all that is written on the disk; who comes meanwhile shares the next one."""
        with self._lock:
            target = self._written
            handle = os.dup(self._handle) if self._handle is not None else None
        if handle is not None:
            try:
                os.fdatasync(handle)
            finally:
                os.close(handle)
        self._synced = max(self._synced, target)

    def _close_open(self) -> None:
        assert self._handle is not None
        assert self._path is not None
        os.fdatasync(self._handle)
        os.close(self._handle)
        closed = self._path.with_suffix(_CLOSED)
        self._path.rename(closed)
        fsync_folder(self._folder)
        self._closed.append(_batch(closed, self._open_bytes))
        self._handle = None
        self._open_bytes = 0

    def _recover(self) -> list[Batch]:
        """What a former process left; a frame that it did not end was promised to nobody."""
        found = []
        for path in sorted(self._folder.iterdir()):
            if path.suffix not in (_OPEN, _CLOSED):
                continue
            self._number = max(self._number, int(path.name.split("-", 1)[0]))
            frames, end = read_frames(path.read_bytes())
            if not frames:
                path.unlink()
                continue
            if path.stat().st_size > end:
                os.truncate(path, end)
            closed = path.with_suffix(_CLOSED)
            path.rename(closed)
            found.append(_batch(closed, end))
        fsync_folder(self._folder)
        return found


def _batch(path: Path, size: int) -> Batch:
    return Batch(path, path.stem.split("-", 1)[1], size)
