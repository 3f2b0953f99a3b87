"""Events as columns, their one order, and the numbers that name them.

The order is that of the event's time, then of its ingestion, then of its key. The key of a text
event is the number of its put and its place therein, so events of one time keep the order in which
a client put them. The key of a flow record is a hash of its stream and line, so it is the same after
a restart and after compaction; equal lines of one stream and second are counted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
TIME_DIGITS = 13
KEY_DIGITS = 20
ORDINAL_DIGITS = 5
MARK_DIGITS = 18
#: The most that an ordinal counts; the place behind it still has as many digits.
ORDINAL_MAX = 10**ORDINAL_DIGITS - 2
TIME_MS_MAX = 10**TIME_DIGITS - 1
#: What a page counts for an event beside its text.
EVENT_BYTES = 26


class Position(NamedTuple):
    """A place between events: that of an event, or of the beginning of a millisecond."""

    time_ms: int
    ingested_ms: int = 0
    key: int = 0
    ordinal: int = 0

    def behind(self) -> Position:
        """The place right behind the event that stands here."""
        return self._replace(ordinal=self.ordinal + 1)


@dataclass(frozen=True, slots=True)
class Events:
    """Events by columns; ``streams`` are places in ``names``, ``marks`` more bits of the hash."""

    times_ms: Longs
    ingested_ms: Longs
    keys: Words
    ordinals: Longs
    marks: Words
    streams: npt.NDArray[np.int32]
    names: list[str]
    messages: pa.Array

    def __len__(self) -> int:
        return len(self.times_ms)

    def take(self, rows: npt.NDArray[Any]) -> Events:
        """The events at places, or those of a mask."""
        if rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        return Events(
            self.times_ms[rows],
            self.ingested_ms[rows],
            self.keys[rows],
            self.ordinals[rows],
            self.marks[rows],
            self.streams[rows],
            self.names,
            self.messages.take(pa.array(rows)),
        )

    def in_order(self) -> Events:
        """The events in their order."""
        keys = (self.ordinals, self.keys, self.ingested_ms, self.times_ms)
        return self.take(np.lexsort(keys))

    def behind(self, place: Position) -> npt.NDArray[np.bool_]:
        """Which events stand behind or at a place."""
        found = self.ordinals >= place.ordinal
        for column, value in (
            (self.keys, np.uint64(place.key)),
            (self.ingested_ms, place.ingested_ms),
            (self.times_ms, place.time_ms),
        ):
            found = (column > value) | ((column == value) & found)
        return found

    def place(self, row: int) -> Position:
        """Where an event stands."""
        return Position(
            int(self.times_ms[row]),
            int(self.ingested_ms[row]),
            int(self.keys[row]),
            int(self.ordinals[row]),
        )

    def message_bytes(self) -> Longs:
        """UTF-8 bytes of each message."""
        if not len(self):
            return np.zeros(0, np.int64)
        return np.diff(_offsets(self.messages)).astype(np.int64)

    def stream_names(self) -> list[str]:
        """The stream of each event."""
        names: list[str] = np.array([*self.names, ""], object)[self.streams].tolist()
        return names

    def ids(self) -> list[str]:
        """The event ids: 56 decimal digits each."""
        digits = np.concatenate(
            [
                _digits(self.times_ms.astype(np.uint64), TIME_DIGITS),
                _digits(self.keys, KEY_DIGITS),
                _digits(self.ordinals.astype(np.uint64), ORDINAL_DIGITS),
                _digits(self.marks, MARK_DIGITS),
            ],
            axis=1,
        )
        texts: list[str] = np.ascontiguousarray(digits).view("S56").ravel().astype("U56").tolist()
        return texts


def joined(parts: list[Events]) -> Events:
    """All events of several, not in order."""
    if len(parts) == 1:
        return parts[0]
    names: list[str] = []
    streams = []
    for part in parts:
        streams.append(part.streams + np.int32(len(names)))
        names.extend(part.names)

    def column(name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, kind)])

    return Events(
        column("times_ms", np.int64),
        column("ingested_ms", np.int64),
        column("keys", np.uint64),
        column("ordinals", np.int64),
        column("marks", np.uint64),
        np.concatenate(streams or [np.zeros(0, np.int32)]),
        names,
        pa.concat_arrays([part.messages for part in parts] or [pa.array([], pa.string())]),
    )


def stream_hashes(names: list[str]) -> Words:
    """A 64-bit hash of each stream's name."""
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
            for name in names
        ],
        np.uint64,
    )


def line_hashes(lines: pa.Array, seeds: Words) -> tuple[Words, Words]:
    """Two hashes of each line, with what its stream gave."""
    first, second = np.zeros(len(lines), np.uint64), np.zeros(len(lines), np.uint64)
    if len(lines):
        from vpcflow.query.log_events.hash_kernels import hash_texts  # the server starts without

        text = lines.buffers()[2]
        data = np.frombuffer(text, np.uint8) if text is not None else np.zeros(0, np.uint8)
        hash_texts(_offsets(lines), data, seeds, first, second)
    return first, second


def ordinals_of(times_ms: Longs, ingested_ms: Longs, keys: Words) -> Longs:
    """Counts events that differ in nothing, from 0."""
    count = len(times_ms)
    ordinals = np.zeros(count, np.int64)
    if count < 2:
        return ordinals
    order = np.lexsort((keys, ingested_ms, times_ms))
    same = np.ones(count, np.bool_)
    same[0] = False
    for column in (times_ms, ingested_ms, keys):
        same[1:] &= column[order][1:] == column[order][:-1]
    if same.any():
        place = np.arange(count)
        begins = np.maximum.accumulate(np.where(same, 0, place))
        ordinals[order] = np.minimum(place - begins, ORDINAL_MAX)
    return ordinals


def _offsets(texts: pa.Array) -> npt.NDArray[np.int32]:
    return np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, 4 * texts.offset)


def _digits(numbers: Words, count: int) -> npt.NDArray[np.uint8]:
    """The last ``count`` decimal digits of each number, as ASCII."""
    out = np.empty((len(numbers), count), np.uint8)
    left = numbers
    ten = np.uint64(10)
    for at in range(count - 1, -1, -1):
        left, digit = np.divmod(left, ten)
        out[:, at] = digit
    return out + np.uint8(ord("0"))
