"""Aim: however puts share entries of the index, a store is a list. Method: both, step by step."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.store.event_store import EventStore, EventStoreSettings
from vpcflow.store.event_store.block import DELETION, EVENTS, BlockHeader
from vpcflow.store.event_store.group_index import GroupIndex
from vpcflow.store.event_store.span import SPAN_BYTES

STREAMS = ["a", "ab", "b", "ünïcode"]
HOUR_MS = 3_600_000
SEGMENT_BYTES = 150_000
SETTINGS = EventStoreSettings(segment_bytes_max=SEGMENT_BYTES, open_files_max=1)
Row = tuple[str, int, str, int, int, int]


@dataclass
class Put:
    """What one put brought; ``bytes`` on the disk."""

    stream: str
    number: int
    ingested_ms: int
    events: list[tuple[int, str]]
    bytes: int
    deleted: bool = False


@dataclass
class File:
    """Puts of one file."""

    puts: list[Put] = field(default_factory=list)
    bytes: int = 0


@dataclass
class Model:
    """The plain list beside the store."""

    root: Path
    store: EventStore
    files: list[File] = field(default_factory=list)
    times: dict[str, list[int]] = field(default_factory=dict)
    now_ms: int = 0

    @property
    def live(self) -> list[Put]:
        return [put for file in self.files for put in file.puts if not put.deleted]

    def _file(self) -> File:
        if not self.files or self.files[-1].bytes >= SEGMENT_BYTES:
            self.files.append(File())
        return self.files[-1]

    def _widen(self, put: Put) -> None:
        first, last = put.events[0][0], put.events[-1][0]
        old = self.times.get(put.stream, [first, last, put.ingested_ms])
        self.times[put.stream] = [
            min(old[0], first),
            max(old[1], last),
            max(old[2], put.ingested_ms),
        ]

    def put(self, stream: str, times: list[int], size: int, later_ms: int) -> None:
        self.now_ms += later_ms
        events = [
            (time, f"{len(self.live)} {place} ".ljust(size, "x"))
            for place, time in enumerate(sorted(times))
        ]
        before = self.store.bytes
        number = self.store.append(
            "k",
            stream,
            self.now_ms,
            np.array([time for time, _ in events], np.int64),
            pa.array([text for _, text in events], pa.string()),
        )
        put = Put(stream, number, self.now_ms, events, self.store.bytes - before)
        file = self._file()
        file.puts.append(put)
        file.bytes += put.bytes
        self._widen(put)

    def delete(self, stream: str) -> None:
        before = self.store.bytes
        self.store.delete_stream("k", stream)
        if stream in self.times:
            self._file().bytes += self.store.bytes - before
            del self.times[stream]
        for put in self.live:
            put.deleted |= put.stream == stream

    def expire(self, oldest_ms: int) -> None:
        removed = 0
        while self.files:
            lasts = [put.events[-1][0] for put in self.files[0].puts]
            if not lasts or max(lasts) >= oldest_ms:
                break
            del self.files[0]
            removed += 1
        assert self.store.expire("k", oldest_ms) == removed

    def restart(self) -> None:
        self.store.close()
        self.store = EventStore(self.root, SETTINGS)
        self.times = {}
        for put in self.live:
            self._widen(put)

    def check(self, start: int, end: int, streams: list[str] | None, prefix: str) -> None:
        found = self.store.read(
            "k", self.store.spans("k", start, end, streams, prefix), start, end, streams, prefix
        )
        rows = zip(
            [found.stream_names[code] for code in found.streams],
            found.times_ms.tolist(),
            found.messages.to_pylist(),
            found.ingested_ms.tolist(),
            found.numbers.tolist(),
            found.ordinals.tolist(),
            strict=True,
        )
        expected: list[Row] = [
            (put.stream, time, text, put.ingested_ms, put.number, place)
            for put in self.live
            for place, (time, text) in enumerate(put.events)
            if start <= time < end
            and (put.stream in streams if streams is not None else put.stream.startswith(prefix))
        ]
        assert sorted(rows) == sorted(expected)
        assert self.store.stored_bytes("k", start) == sum(
            put.bytes for put in self.live if put.events[-1][0] >= start
        )
        assert {
            name: [one.first_ms, one.last_ms, one.ingested_ms]
            for name, one in self.store.stream_times("k").items()
        } == self.times
        assert self.store.bytes == sum(file.bytes for file in self.files)


names = st.sampled_from(STREAMS)
moments = st.integers(0, 40)
puts = st.tuples(
    st.just("put"),
    names,
    st.lists(moments, min_size=1, max_size=4),
    st.sampled_from([8, 8, 8, 300, 9_000, 30_000, 70_000]),
    st.sampled_from([0, 0, 0, 1, 2 * HOUR_MS]),
)
checks = st.tuples(
    st.just("check"),
    moments,
    moments,
    st.none() | st.lists(names, max_size=3),
    st.sampled_from(["", "a", "none"]),
)
steps = st.one_of(
    puts,
    puts,
    puts,
    checks,
    st.tuples(st.just("delete"), names),
    st.tuples(st.just("expire"), moments),
    st.tuples(st.just("restart")),
)


@given(st.lists(steps, max_size=40))
@settings(max_examples=100, deadline=None)
def test_a_store_is_a_list(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[tuple[object, ...]]
) -> None:
    root = tmp_path_factory.mktemp("events")
    model = Model(root, EventStore(root, SETTINGS))
    for name, *arguments in chosen:
        getattr(model, str(name))(*arguments)
    for _ in range(2):
        model.check(0, 100, None, "")
        model.check(20, 100, None, "a")
        model.check(10, 30, ["a", "b"], "")
        model.restart()


def test_tiny_puts_share_entries_and_large_ones_have_their_own(tmp_path: Path) -> None:
    model = Model(tmp_path, EventStore(tmp_path, SETTINGS))
    for number in range(3000):
        model.put(STREAMS[number % 4], [number % 50], 30, 10)
    bound = 2 * model.store.bytes // SPAN_BYTES + 4
    for _ in range(2):
        assert len(model.store.spans("k", 0, 100, None)) <= bound
        model.check(7, 20, ["b"], "")
        model.restart()
    before = len(model.store.spans("k", 0, 100, None))
    for _ in range(3):
        model.put("b", [1], SPAN_BYTES, 0)
    assert len(model.store.spans("k", 0, 100, None)) == before + 3


def test_a_few_puts_over_days_do_not_share_an_entry(tmp_path: Path) -> None:
    model = Model(tmp_path, EventStore(tmp_path, SETTINGS))
    for number in range(4):
        model.put("a", [number], 8, 24 * HOUR_MS)
    for _ in range(2):
        assert len(model.store.spans("k", 0, 100, None)) == 4
        model.restart()


@pytest.mark.parametrize(("number", "counts"), [(5, False), (7, True)])
@pytest.mark.parametrize("first", [True, False])
def test_a_deletion_hides_what_has_a_smaller_number_wherever_it_stands(
    number: int, counts: bool, first: bool
) -> None:
    """A deletion and a put at the same time may be written in another order than numbered."""
    put = (BlockHeader(0, EVENTS, 1, 1, 44, number, 3, 3, 1), "s")
    gone = (BlockHeader(0, DELETION, 1, 0, 8, 6, 0, 0, 1), "s")
    index = GroupIndex()
    for place, (header, stream) in enumerate((put, gone) if first else (gone, put)):
        index.add(0, place * 100, header, stream)
    known, uncounted = index.count(0)
    assert bool(known or len(uncounted.spans)) == counts
    assert len(index.spans(0, 10)) == counts


def test_counts_are_right_while_others_put_and_delete(tmp_path: Path) -> None:
    store = EventStore(tmp_path, SETTINGS)
    done = threading.Event()

    def put(stream: str) -> None:
        for number in range(150):
            times, text = np.array([number], np.int64), pa.array(["x" * 200])
            store.append("k", stream, 1, times, text)
            if number % 20 == 0:
                store.delete_stream("k", stream)

    def count() -> None:
        while not done.is_set():
            store.stored_bytes("k", 40)

    counting = threading.Thread(target=count)
    counting.start()
    putting = [threading.Thread(target=put, args=(stream,)) for stream in STREAMS]
    for thread in putting:
        thread.start()
    for thread in putting:
        thread.join()
    done.set()
    counting.join()
    again = EventStore(tmp_path, SETTINGS)
    for oldest in (0, 40, 145, 200):
        assert store.stored_bytes("k", oldest) == again.stored_bytes("k", oldest)
    found = [one.read("k", one.spans("k", 0, 200, None), 0, 200, None) for one in (store, again)]
    assert len(found[0].messages) == len(found[1].messages) == 4 * 9
