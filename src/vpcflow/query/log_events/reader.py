"""Reads the events of a log group page by page: flow records and text events in one order.

A page goes on from a place between events, so what arrives meanwhile is neither given twice nor
moves what was to come. The window is worked through in spans of at most an hour; row groups and
text of a span are read, the rest is never opened. A request ends after ``BUDGET_S`` with what it
has, between two spans, and tells where to go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.query.filter_pattern import Pattern, lines_array, mask
from vpcflow.query.log_events.events import (
    EVENT_BYTES,
    TIME_MS_MAX,
    Events,
    Position,
    joined,
    line_hashes,
    stream_hashes,
)
from vpcflow.query.log_events.flow_events import FlowRecords, FoundRows, RowGroup
from vpcflow.query.log_events.streams import StreamChoice
from vpcflow.record.flow_log_selection import LogGroupSource, lines_of
from vpcflow.record.log_format import default_format
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.event_store import EventStore
from vpcflow.store.event_store.span import Spans
from vpcflow.store.file_index import FileIndex
from vpcflow.store.ingestion_times import IngestionTimes

#: A page ends with the event that passes it.
PAGE_BYTES_MAX = 1_048_576
PAGE_EVENTS_MAX = 10_000
#: After so long a request begins no further span.
BUDGET_S = 1.0
SPAN_S = 3_600
#: Spans that would hold more are cut.
SPAN_EVENTS_MAX = 250_000
SPAN_TEXT_BYTES_MAX = 64 * 2**20


@dataclass(frozen=True, slots=True)
class EventQuestion:
    """What is asked for.

    Shape: events from ``start_ms`` to before ``end_ms`` of a group (``events_key`` names its text
    events), flow records only if they start at ``flow_from_s`` or later.
    """

    events_key: str
    sources: Sequence[LogGroupSource]
    start_ms: int = 0
    end_ms: int = TIME_MS_MAX
    flow_from_s: int = 0
    streams: StreamChoice = field(default_factory=StreamChoice)
    pattern: Pattern | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in order, and the place where the next page begins; None when there is no more."""

    events: Events
    next: Position | None


class _Span(NamedTuple):
    start_ms: int
    end_ms: int
    groups: list[RowGroup]
    text: Spans


class LogEventReader:
    """Reads pages.

    Shape: safe for any number of threads.
    Errors: StoreError when files say no.
    """

    def __init__(
        self,
        index: FileIndex,
        text: EventStore,
        ingestion: IngestionTimes,
        *,
        clock: Clock | None = None,
        budget_s: float = BUDGET_S,
    ) -> None:
        self._index = index
        self._text = text
        self._flows = FlowRecords(ingestion)
        self._clock = clock or SystemClock()
        self._budget_s = budget_s

    def warm_up(self) -> None:
        """Load the kernels, which the first page would wait for; in a thread of its own at best."""
        from vpcflow.store.layout import from_stored  # the server starts without

        from_stored(pa.table({"start": pa.array([0], pa.int64())}))
        record = pa.record_batch({"start": pa.array([0], pa.int64())})
        lines = lines_array(lines_of(record, default_format()), 1)
        line_hashes(lines, stream_hashes(["-"]))
        mask("[version, action=REJECT]", lines)
        self._text.warm_up()

    def page(
        self,
        question: EventQuestion,
        *,
        place: Position | None = None,
        forward: bool = True,
        events_max: int = PAGE_EVENTS_MAX,
    ) -> EventPage:
        """The events behind ``place`` (or, backward, before it), up to a page of them."""
        low, high = question.start_ms, min(question.end_ms, TIME_MS_MAX)
        if place is not None:
            low, high = (
                (max(low, place.time_ms), high) if forward else (low, min(high, place.time_ms + 1))
            )
        deadline_s = self._clock.monotonic_s() + self._budget_s
        parts: list[Events] = []
        room, room_bytes = events_max, PAGE_BYTES_MAX
        for span in self._spans(question, low, high, forward):
            events = self._events(question, span, place, forward, room)
            kept = _fitting(events, room, room_bytes, forward, first=not parts)
            if kept < len(events):
                chosen = np.arange(kept) if forward else np.arange(len(events) - kept, len(events))
                parts.append(events.take(chosen))
                return _page(parts, forward, None)
            if kept:
                parts.append(events)
                room -= kept
                room_bytes -= int(events.message_bytes().sum()) + EVENT_BYTES * kept
            edge = Position(span.end_ms if forward else span.start_ms)
            if self._clock.monotonic_s() >= deadline_s or room <= 0 or room_bytes <= 0:
                return _page(parts, forward, edge)
        return EventPage(_ordered(parts, forward), None)

    def _spans(
        self, question: EventQuestion, low: int, high: int, forward: bool
    ) -> Iterator[_Span]:
        if low >= high:
            return
        files, mins, maxs = self._files(question, low, high)
        streams = question.streams
        text = self._text.spans(question.events_key, low, high, streams.names, streams.prefix)
        mins = np.concatenate([mins, text["first_ms"]])
        maxs = np.concatenate([maxs, text["last_ms"]])
        step = SPAN_S * 1000
        while low < high:
            held = (maxs >= low) & (mins < high)
            if not held.any():
                return
            if forward:
                begin = max(low, int(mins[held].min()))
                end = min(high, (begin // step + 1) * step)
                low = end
            else:
                last = min(high - 1, int(maxs[held].max()))
                begin, end = max(low, last // step * step), last + 1
                high = begin
            yield from self._pieces(files, text, begin, end, forward)

    def _files(
        self, question: EventQuestion, low: int, high: int
    ) -> tuple[list[DataFileEntry], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The data files that may matter, and what they cover in milliseconds."""
        low_s = max(low // 1000, question.flow_from_s)
        files: list[DataFileEntry] = []
        if question.sources:
            low_s = max(low_s, min(one.selection.from_s for one in question.sources))
            files = [
                entry
                for entry in self._index.select(start_s=low_s, end_s=-(-high // 1000)).files
                if entry.start_max is not None and entry.start_max >= low_s
            ]
        # A hostile clock may have written times that no millisecond can hold.
        mins = np.array([max(entry.start_min or 0, low_s) for entry in files], np.int64)
        maxs = np.array([entry.start_max or 0 for entry in files], np.int64)
        mins, maxs = (np.minimum(part, TIME_MS_MAX // 1000) * 1000 for part in (mins, maxs))
        return files, mins, maxs

    def _pieces(
        self, files: list[DataFileEntry], text: Spans, begin: int, end: int, forward: bool
    ) -> Iterator[_Span]:
        """A span, or its parts when there is too much in it."""
        near = [
            entry
            for entry in files
            if (entry.start_min or 0) * 1000 < end and (entry.start_max or 0) * 1000 >= begin
        ]
        groups = self._flows.groups(near, begin // 1000, -(-end // 1000))
        inside = text[(text["first_ms"] < end) & (text["last_ms"] >= begin)]
        if not groups and not len(inside):
            return
        length = end - begin
        rows = sum(
            group.rows * min(1.0, length / max(1, 1000 * (group.last_s - group.first_s + 1)))
            for group in groups
        )
        covers = np.maximum(inside["last_ms"] - inside["first_ms"] + 1, 1)
        shares = np.minimum(1.0, length / covers)
        rows += float((inside["events"] * shares).sum())
        text_bytes = float((inside["bytes"] * shares).sum())
        parts = int(max(rows / SPAN_EVENTS_MAX, text_bytes / SPAN_TEXT_BYTES_MAX)) + 1
        parts = max(1, min(parts, -(-length // 1000)))
        seconds = -(-length // (1000 * parts))
        cuts = [*range(begin // 1000 * 1000, end, seconds * 1000), end]
        cuts[0] = begin
        pieces = list(pairwise(cuts))
        for start, stop in pieces if forward else reversed(pieces):
            yield _Span(
                start,
                stop,
                [one for one in groups if one.first_s * 1000 < stop and one.last_s * 1000 >= start],
                inside[(inside["first_ms"] < stop) & (inside["last_ms"] >= start)],
            )

    def _events(
        self,
        question: EventQuestion,
        span: _Span,
        place: Position | None,
        forward: bool,
        need: int,
    ) -> Events:
        """The span's events beyond the place, in order; of flow records no more than needed."""
        parts = []
        found = self._found(question, span)
        if found:
            if question.pattern is None:
                found = _nearest(found, place, forward, need)
            parts.append(self._flows.events(found, question.pattern))
        if len(span.text):
            parts.append(self._text_events(question, span))
        if not parts:
            return joined([])
        events = joined(parts)
        if place is not None:
            behind = events.behind(place)
            wanted = behind if forward else ~behind
            if not wanted.all():
                events = events.take(wanted)
        return events.in_order()

    def _found(self, question: EventQuestion, span: _Span) -> list[FoundRows]:
        start_s = max(-(-span.start_ms // 1000), question.flow_from_s)
        end_s = -(-span.end_ms // 1000)
        return [
            one
            for group in span.groups
            for one in self._flows.find(group, question.sources, question.streams, start_s, end_s)
        ]

    def _text_events(self, question: EventQuestion, span: _Span) -> Events:
        streams = question.streams
        text = self._text.read(
            question.events_key,
            span.text,
            span.start_ms,
            span.end_ms,
            streams.names,
            streams.prefix,
        )
        hashes = stream_hashes(text.stream_names)
        events = Events(
            text.times_ms,
            text.ingested_ms,
            text.numbers,
            text.ordinals,
            hashes[text.streams] if len(hashes) else np.zeros(0, np.uint64),
            text.streams,
            text.stream_names,
            text.messages,
        )
        if question.pattern is None or not len(events):
            return events
        return events.take(np.asarray(mask(question.pattern, events.messages)))


def _nearest(
    found: list[FoundRows], place: Position | None, forward: bool, need: int
) -> list[FoundRows]:
    """The records that can be among the next ``need``, with all that start in the last second."""
    edge_s = None if place is None else place.time_ms // 1000
    starts = np.concatenate([one.starts_s for one in found])
    beyond = starts
    if edge_s is not None:
        # How many of the place's own second were given already is not known here.
        beyond = starts[starts > edge_s] if forward else starts[starts < edge_s]
    if len(beyond) <= need:
        return found
    if forward:
        last = np.partition(beyond, need)[need]
        kept = [one.take(one.starts_s <= last) for one in found]
    else:
        last = np.partition(beyond, len(beyond) - 1 - need)[len(beyond) - 1 - need]
        kept = [one.take(one.starts_s >= last) for one in found]
    return [one for one in kept if len(one.rows)]


def _fitting(events: Events, room: int, room_bytes: int, forward: bool, *, first: bool) -> int:
    """How many events fit into the rest of a page; the first of a page always does."""
    sizes = events.message_bytes() + EVENT_BYTES
    sizes = np.cumsum(sizes if forward else sizes[::-1])
    fitting = min(room, int(np.searchsorted(sizes, room_bytes, side="right")))
    return max(fitting, 1 if first and len(events) else 0)


def _ordered(parts: list[Events], forward: bool) -> Events:
    return joined(parts if forward else parts[::-1])


def _page(parts: list[Events], forward: bool, edge: Position | None) -> EventPage:
    events = _ordered(parts, forward)
    if edge is None:
        edge = events.place(len(events) - 1).behind() if forward else events.place(0)
    return EventPage(events, edge)


__all__ = ["BUDGET_S", "PAGE_BYTES_MAX", "PAGE_EVENTS_MAX", "EventPage", "EventQuestion"]
