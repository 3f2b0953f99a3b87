"""What is known of the blocks of one log group without reading them again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.store.event_store.block import DELETION, EVENTS, HEADER_BYTES, BlockHeader
from vpcflow.store.event_store.span import SPAN_TYPE, Blocks, OpenSpan, Spans

_FIRST_ROOM = 16
_LONG = np.iinfo(np.int64)


class TextEvents(NamedTuple):
    """Events as columns; a put's events have its ``numbers`` and stand in it at ``ordinals``.

    Shape: ``streams`` are places in ``stream_names``.
    Units: milliseconds.
    """

    times_ms: npt.NDArray[np.int64]
    ingested_ms: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.uint64]
    ordinals: npt.NDArray[np.int64]
    streams: npt.NDArray[np.int32]
    stream_names: list[str]
    messages: pa.Array


@dataclass
class StreamTimes:
    """Oldest and newest event of a stream, and when the last came, in milliseconds."""

    first_ms: int
    last_ms: int
    ingested_ms: int


class Uncounted(NamedTuple):
    """Spans whose bytes only their blocks can tell.

    Shape: ``places`` are theirs in the index at that ``generation``; ``deleted`` as in the index.
    """

    spans: Spans
    places: npt.NDArray[np.int64]
    generation: int
    deleted: dict[str, int]


@dataclass
class GroupIndex:
    """The spans of a group in the order in which they were written.

    Shape: ``deleted`` holds, by stream, the number of the newest deletion; ``torn`` how many bytes
    of a file count when refused ones behind them could not be cut off, until a new file says so.
    """

    codes: dict[str, int] = field(default_factory=dict)
    times: dict[str, StreamTimes] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    segment_bytes: dict[int, int] = field(default_factory=dict)
    torn: dict[int, int] = field(default_factory=dict)
    _room: Spans = field(default_factory=lambda: np.zeros(_FIRST_ROOM, SPAN_TYPE))
    _count: int = 0
    _open: OpenSpan | None = None
    _generation: int = 0

    def add(self, segment: int, offset: int, header: BlockHeader, stream: str) -> None:
        """Take up a block that is on the disk."""
        code = self._code(stream)
        self.segment_bytes[segment] = offset + HEADER_BYTES + header.body_bytes
        live = header.kind == EVENTS
        if header.kind == DELETION:
            self._delete([(stream, header.number)])
        elif self.deleted:
            live = header.number > self.deleted.get(stream, -1)
        span = self._open
        if span is None or not span.has_room(segment, header):
            self._close_span()
            span = self._open = OpenSpan(segment, offset, header.ingested_ms)
        span.take(header, code, live=live)
        if live:
            self._widen(stream, header.first_ms, header.last_ms, header.ingested_ms)

    def add_all(self, segment: int, blocks: Blocks, names: Sequence[str]) -> None:
        """Take up many blocks of a file, in order; their names are places in ``names``."""
        from vpcflow.store.event_store.span_kernels import group  # the server starts without

        if not len(blocks):
            return
        codes = np.array([self._code(name) for name in names], np.int32)
        self.segment_bytes[segment] = int(blocks["offset"][-1] + blocks["bytes"][-1])
        self._close_span()
        gone = blocks[blocks["kind"] == DELETION]
        if len(gone):
            places, numbers = gone["name"].tolist(), gone["number"].tolist()
            self._delete(zip((names[place] for place in places), numbers, strict=True))
        alive = live_blocks(blocks, names, self.deleted)
        spans = np.zeros(len(blocks), SPAN_TYPE)
        spans = spans[: group(blocks, codes, alive, segment, spans)]
        self._make_room(len(spans))
        self._room[self._count : self._count + len(spans)] = spans
        self._count += len(spans)
        kept, length = blocks[alive], len(names)
        firsts, lasts = np.full(length, _LONG.max), np.full(length, _LONG.min)
        ingested = lasts.copy()
        np.minimum.at(firsts, kept["name"], kept["first_ms"])
        np.maximum.at(lasts, kept["name"], kept["last_ms"])
        np.maximum.at(ingested, kept["name"], kept["ingested_ms"])
        found = (names, firsts.tolist(), lasts.tolist(), ingested.tolist())
        for name, first, last, came in zip(*found, strict=True):
            if first <= last:
                self._widen(name, first, last, came)

    def spans(
        self, start_ms: int | None, end_ms: int | None, streams: Sequence[int] | None = None
    ) -> Spans:
        """The spans that may hold events from ``start_ms`` to before ``end_ms``."""
        held = self._held()
        kept = held["live_bytes"] > 0
        if start_ms is not None:
            kept &= held["last_ms"] >= start_ms
        if end_ms is not None:
            kept &= held["first_ms"] < end_ms
        if streams is not None:
            kept &= (held["streams"] & _bits(streams)) != 0
            kept &= (held["stream"] < 0) | np.isin(held["stream"], streams)
        return held[kept]

    def count(self, oldest_ms: int) -> tuple[int, Uncounted]:
        """Bytes of blocks that are not deleted and end at ``oldest_ms`` or later, as far as known."""
        held = self._held()
        reach = (held["last_ms"] >= oldest_ms) & (held["live_bytes"] > 0)
        unsure = reach & ((held["stale"] != 0) | (held["least_ms"] < oldest_ms))
        unsure &= held["blocks"] > 1
        places = np.flatnonzero(unsure)
        known = int(held["live_bytes"][reach & ~unsure].sum())
        deleted = dict(self.deleted) if len(places) else {}
        return known, Uncounted(held[places], places, self._generation, deleted)

    def settle(self, counted: Uncounted, live_bytes: npt.NDArray[np.int64]) -> None:
        """Note what the blocks of spans told, unless it changed meanwhile."""
        if counted.generation != self._generation:
            return
        held = self._held()
        same = held["bytes"][counted.places] == counted.spans["bytes"]
        held["live_bytes"][counted.places[same]] = live_bytes[same]
        held["stale"][counted.places[same]] = 0
        self._reopen(held)

    def drop_segment(self, segment: int) -> None:
        """Forget the blocks of a file that was removed."""
        self._close_span()
        held = self._room[: self._count]
        left = held[held["segment"] != segment]
        self._room = np.concatenate([left, np.zeros(_FIRST_ROOM, SPAN_TYPE)])
        self._count = len(left)
        self._generation += 1
        self.segment_bytes.pop(segment, None)
        self.torn.pop(segment, None)

    def last_ms_of(self, segment: int) -> int | None:
        """The newest event of a file; None when it holds none."""
        held = self._held()
        inside = held["last_ms"][(held["segment"] == segment) & (held["events"] > 0)]
        return int(inside.max()) if len(inside) else None

    def _code(self, stream: str) -> int:
        return self.codes.setdefault(stream, len(self.codes))

    def _widen(self, stream: str, first_ms: int, last_ms: int, ingested_ms: int) -> None:
        times = self.times.get(stream)
        if times is None:
            self.times[stream] = StreamTimes(first_ms, last_ms, ingested_ms)
        else:
            times.first_ms = min(times.first_ms, first_ms)
            times.last_ms = max(times.last_ms, last_ms)
            times.ingested_ms = max(times.ingested_ms, ingested_ms)

    def _delete(self, deletions: Iterable[tuple[str, int]]) -> None:
        """Spans of one stream are without events then; others are counted when that is asked."""
        numbers = np.full(len(self.codes), -1)
        for stream, number in deletions:
            self.times.pop(stream, None)
            self.deleted[stream] = max(number, self.deleted.get(stream, -1))
            numbers[self.codes[stream]] = self.deleted[stream]
        held = self._held()
        hit = (held["streams"] & _bits(np.flatnonzero(numbers >= 0).tolist())) != 0
        own = held["stream"] >= 0
        until = np.where(own, numbers[np.where(own, held["stream"], 0)], _LONG.max)
        held["live_bytes"][hit & own & (until >= held["number"])] = 0
        held["stale"][hit & (until >= 0)] = 1
        self._generation += 1
        self._reopen(held)

    def _held(self) -> Spans:
        """All spans; the last is the open one."""
        if self._open is None:
            return self._room[: self._count]
        self._make_room(1)
        self._room[self._count] = self._open.row()
        return self._room[: self._count + 1]

    def _reopen(self, held: Spans) -> None:
        """Bring what was changed in the entry of the open span back into it."""
        if self._open is not None:
            self._open.live_bytes = int(held["live_bytes"][-1])
            self._open.stale = int(held["stale"][-1])

    def _close_span(self) -> None:
        self._count = len(self._held())
        self._open = None

    def _make_room(self, needed: int) -> None:
        if self._count + needed > len(self._room):
            more = np.zeros(max(needed, self._count), SPAN_TYPE)
            self._room = np.concatenate([self._room[: self._count], more])


def live_blocks(
    blocks: Blocks, names: Sequence[str], deleted: dict[str, int]
) -> npt.NDArray[np.bool_]:
    """Which blocks hold events that are not deleted."""
    alive = np.asarray(blocks["kind"] == EVENTS)
    if deleted and len(names):
        until = np.array([deleted.get(name, -1) for name in names], np.int64)
        alive &= blocks["number"] > until[blocks["name"]]
    return alive


def _bits(codes: Iterable[int]) -> np.uint64:
    bits = 0
    for code in codes:
        bits |= 1 << (code & 63)
    return np.uint64(bits)
