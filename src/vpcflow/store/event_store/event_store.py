"""The store of text events: puts are answered once they are on the disk.

Puts that come at the same time share one fsync a file: whoever gets the writer's turn writes all
that wait. A group's folder is named by its key, which a new group of the same name does not get
again, so that deleting a folder may take its time.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import structlog

from vpcflow.base.data_folder import fsync_folder
from vpcflow.base.errors import StoreError
from vpcflow.store.event_store.block import CUT, DELETION, EVENTS, BlockHeader, encode_block
from vpcflow.store.event_store.group_index import GroupIndex, StreamTimes, TextEvents
from vpcflow.store.event_store.segment_files import (
    SUFFIX,
    load_index,
    segment_path,
    segments_in,
)
from vpcflow.store.event_store.span import Spans
from vpcflow.store.event_store.span_reader import count_live, read_events, warm_up
from vpcflow.store.event_store_settings import EventStoreSettings

_LOG = structlog.get_logger(__name__)

#: Where it is in the data folder.
FOLDER = "log-events"
# pa.array would load pandas where it is installed.
_NO_MESSAGES = pa.nulls(0, pa.string())
_NO_TIMES = np.zeros(0, np.int64)
#: Parts of one system call.
_PARTS_MAX = 512


@dataclass
class _Put:
    """A block that waits for its turn; ``error`` says why it is not on the disk."""

    key: str
    stream: str
    header: BlockHeader
    parts: list[bytes | memoryview]
    done: bool = False
    error: StoreError | None = None

    @property
    def bytes(self) -> int:
        return sum(len(part) for part in self.parts)


class EventStore:
    """Text events by group key and stream.

    Shape: safe for any number of threads of one process.
    Errors: StoreError when the disk says no or the limit is met; then nothing of the put is kept.
    """

    def __init__(self, root: Path, settings: EventStoreSettings | None = None) -> None:
        self._root = root / FOLDER
        self._settings = settings or EventStoreSettings()
        self._lock = threading.RLock()
        self._turn = threading.Lock()
        self._waiting: list[_Put] = []
        self._groups: dict[str, GroupIndex] = {}
        self._open: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._bytes = sum(path.stat().st_size for path in self._root.glob(f"*/*{SUFFIX}"))
        self._number = 0

    @property
    def bytes(self) -> int:
        """Bytes on the disk."""
        return self._bytes

    def append(
        self,
        key: str,
        stream: str,
        ingested_ms: int,
        times_ms: npt.NDArray[np.int64],
        messages: pa.Array,
    ) -> int:
        """Keep events, in order of time, of one put; they are on the disk when this returns.

        Returns: the number of the put, larger than of all earlier ones of its group.
        """
        return self._write(key, EVENTS, stream, ingested_ms, times_ms, messages)

    def delete_stream(self, key: str, stream: str) -> None:
        """Hide all that is in a stream, for good; its bytes go with retention or with the group."""
        if stream in self._group(key).times:
            self._write(key, DELETION, stream, 0, _NO_TIMES, _NO_MESSAGES)

    def delete_group(self, key: str) -> None:
        """Remove all of a group."""
        with self._turn, self._lock:
            self._close(key)
            self._groups.pop(key, None)
            self._remove(self._root / key)

    def sweep(self, keys: Collection[str]) -> None:
        """Remove the folders of groups that are not among ``keys``: a process died over them."""
        for folder in self._root.glob("*"):
            if folder.name not in keys:
                self.delete_group(folder.name)

    def expire(self, key: str, oldest_ms: int) -> int:
        """Remove the files, oldest first, that hold nothing newer; tells how many."""
        removed = 0
        with self._turn, self._lock:
            index = self._group(key)
            for segment in sorted(index.segment_bytes):
                last = index.last_ms_of(segment)
                if last is None or last >= oldest_ms:
                    break
                self._close(key)
                path = segment_path(self._root / key, segment)
                self._bytes -= index.segment_bytes[segment]
                path.unlink(missing_ok=True)
                index.drop_segment(segment)
                removed += 1
        return removed

    def stored_bytes(self, key: str, oldest_ms: int = 0) -> int:
        """Bytes of a group's events that are neither deleted nor expired.

        Shape: small puts share an entry of the index, so those of a span that holds both kinds are
        asked for one by one, without keeping others from the store.
        """
        with self._lock:
            index = self._group(key)
            known, uncounted = index.count(oldest_ms)
        if not len(uncounted.spans):
            return known
        kept, by_span = count_live(self._root / key, uncounted, oldest_ms)
        with self._lock:
            index.settle(uncounted, by_span)
        return known + kept

    def stream_times(self, key: str) -> dict[str, StreamTimes]:
        """Oldest and newest event of each stream that has any."""
        with self._lock:
            times = self._group(key).times
            return {
                stream: StreamTimes(one.first_ms, one.last_ms, one.ingested_ms)
                for stream, one in times.items()
            }

    def spans(
        self, key: str, start_ms: int, end_ms: int, streams: Sequence[str] | None, prefix: str = ""
    ) -> Spans:
        """Where events of a time range may be; ``streams`` None means all that begin with prefix."""
        with self._lock:
            index = self._group(key)
            codes = None
            if streams is not None:
                codes = [index.codes[name] for name in streams if name in index.codes]
            elif prefix:
                codes = [code for name, code in index.codes.items() if name.startswith(prefix)]
            return index.spans(start_ms, end_ms, codes)

    def read(
        self,
        key: str,
        spans: Spans,
        start_ms: int,
        end_ms: int,
        streams: Sequence[str] | None,
        prefix: str = "",
    ) -> TextEvents:
        """The events of spans from ``start_ms`` to before ``end_ms``, of the same streams."""
        window = (start_ms, end_ms)
        return read_events(
            self._root / key, spans, window, streams, prefix, partial(self._deleted, key)
        )

    def warm_up(self) -> None:
        """Load the kernels, which the first read would wait for; in a thread of its own at best."""
        warm_up()

    def close(self) -> None:
        """Let the files go."""
        with self._turn, self._lock:
            for key in list(self._open):
                self._close(key)

    def _deleted(self, key: str, streams: list[str]) -> dict[str, int]:
        with self._lock:
            deleted = self._group(key).deleted
            return {name: deleted[name] for name in streams if name in deleted} if deleted else {}

    def _group(self, key: str) -> GroupIndex:
        index = self._groups.get(key)
        if index is None:
            with self._lock:
                if key not in self._groups:
                    loaded, number, cut = load_index(self._root / key)
                    self._groups[key] = loaded
                    self._bytes -= cut
                    self._number = max(self._number, number)
                index = self._groups[key]
        return index

    def _write(
        self,
        key: str,
        kind: int,
        stream: str,
        ingested_ms: int,
        times_ms: npt.NDArray[np.int64],
        messages: pa.Array,
    ) -> int:
        with self._lock:
            self._group(key)
            self._number += 1
            number = self._number
        header, parts = encode_block(kind, number, stream, ingested_ms, times_ms, messages)
        put = _Put(key, stream, header, parts)
        with self._lock:
            self._waiting.append(put)
        with self._turn:
            if not put.done:
                self._write_waiting()
        if put.error is not None:
            raise put.error
        return number

    def _write_waiting(self) -> None:
        with self._lock:
            puts, self._waiting = self._waiting, []
        by_key: dict[str, list[_Put]] = {}
        for put in puts:
            by_key.setdefault(put.key, []).append(put)
        for key, those in by_key.items():
            error: StoreError | None = None
            try:
                self._write_group(key, those)
            except StoreError as refused:
                error = refused
            except OSError as refused:
                error = StoreError(
                    f"the events cannot be written: {refused.strerror}",
                    where=str(self._root / key),
                    hint="free some space or check the permissions",
                )
            for put in those:
                put.error, put.done = error, True

    def _write_group(self, key: str, puts: list[_Put]) -> None:
        size = sum(put.bytes for put in puts)
        deletes = all(put.header.kind == DELETION for put in puts)
        if self._bytes + size > self._settings.bytes_max and not deletes:
            raise StoreError(
                f"the text events have reached their limit of {self._settings.bytes_max} bytes",
                where=str(self._root),
                hint="shorten the retention of log groups, delete some, or raise bytes_max",
            )
        index = self._group(key)
        segment, handle = self._writable(key, index)
        before = os.fstat(handle).st_size
        cuts = [part for cut in index.torn.items() for part in _cut_parts(*cut)]
        parts = [part for put in puts for part in put.parts if len(part)]
        try:
            _write_all(handle, cuts + parts)
            os.fdatasync(handle)
        except OSError:
            self._take_back(key, index, segment, before)
            raise
        with self._lock:
            index.torn.clear()
            at = before + sum(len(part) for part in cuts)
            self._bytes += at - before
            for put in puts:
                index.add(segment, at, put.header, put.stream)
                at += put.bytes
            self._bytes += size

    def _take_back(self, key: str, index: GroupIndex, segment: int, before: int) -> None:
        """Cut off what nobody was told of; it must not stand before the next put.

        Shape: a disk that refuses even that gets a new file, which begins with what counts of this.
        """
        with self._lock:
            try:
                os.ftruncate(self._open[key][1], before)
            except OSError as error:
                index.torn[segment] = before
                _LOG.warning(
                    "text_events_not_cut",
                    path=str(segment_path(self._root / key, segment)),
                    offset=before,
                    error=str(error),
                )
            self._close(key)

    def _writable(self, key: str, index: GroupIndex) -> tuple[int, int]:
        """The newest file of a group, open at its end; a new one when it is full."""
        folder = self._root / key
        with self._lock:
            found = self._open.get(key)
            if found is not None:
                self._open.move_to_end(key)
                if os.fstat(found[1]).st_size < self._settings.segment_bytes_max:
                    return found
                self._close(key)
            segments = segments_in(folder)
            segment = segments[-1] if segments else 0
            path = segment_path(folder, segment)
            full = path.exists() and path.stat().st_size >= self._settings.segment_bytes_max
            if full or segment in index.torn:
                segment += 1
                path = segment_path(folder, segment)
            # An empty one may be of a process that died before its name was on the disk.
            is_new = not path.exists() or not path.stat().st_size
            folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            handle = os.open(path, flags, 0o640)
            if is_new:
                fsync_folder(folder)
                fsync_folder(self._root)
                fsync_folder(self._root.parent)
            while len(self._open) >= self._settings.open_files_max:
                self._close(next(iter(self._open)))
            self._open[key] = (segment, handle)
            return segment, handle

    def _close(self, key: str) -> None:
        found = self._open.pop(key, None)
        if found is not None:
            os.close(found[1])

    def _remove(self, folder: Path) -> None:
        if folder.is_dir():
            self._bytes -= sum(path.stat().st_size for path in folder.glob(f"*{SUFFIX}"))
            shutil.rmtree(folder, ignore_errors=True)


def _cut_parts(segment: int, size: int) -> list[bytes | memoryview]:
    """A block that says how much of an older file counts."""
    return encode_block(CUT, 0, f"{segment}:{size}", 0, _NO_TIMES, _NO_MESSAGES)[1]


def _write_all(handle: int, parts: list[bytes | memoryview]) -> None:
    """Every byte of every part, in order."""
    for begin in range(0, len(parts), _PARTS_MAX):
        some = parts[begin : begin + _PARTS_MAX]
        left = sum(len(part) for part in some)
        written = os.writev(handle, some)
        if written < left:
            rest = memoryview(b"".join(some))[written:]
            while rest:
                rest = rest[os.write(handle, rest) :]


__all__ = ["FOLDER", "EventStore"]
