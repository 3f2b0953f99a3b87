"""Aim: what was acknowledged is there, whatever happens. Method: real files, cut and damaged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import StoreError
from vpcflow.store.event_store import EventStore, EventStoreSettings
from vpcflow.store.event_store.event_store import FOLDER

Event = tuple[int, str]
FAR_MS = 10**13


def put(store: EventStore, events: list[Event], stream: str = "s", key: str = "k") -> int:
    times = np.array([time for time, _ in events], np.int64)
    return store.append(key, stream, 1, times, pa.array([text for _, text in events], pa.string()))


def read(
    store: EventStore, start: int = 0, end: int = FAR_MS, streams: list[str] | None = None
) -> list[tuple[str, int, str]]:
    found = store.read("k", store.spans("k", start, end, streams), start, end, streams)
    names = [found.stream_names[code] for code in found.streams]
    return list(zip(names, found.times_ms.tolist(), found.messages.to_pylist(), strict=True))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "ünïcode"]),
            st.lists(st.tuples(st.integers(0, 50), st.text(min_size=1, max_size=9)), min_size=1),
        ),
        max_size=8,
    ),
    st.integers(0, 60),
    st.integers(0, 60),
)
@settings(max_examples=50, deadline=None)
def test_a_window_holds_what_was_put(
    tmp_path_factory: pytest.TempPathFactory,
    puts: list[tuple[str, list[Event]]],
    start: int,
    end: int,
) -> None:
    root = tmp_path_factory.mktemp("events")
    small = EventStoreSettings(segment_bytes_max=4096, open_files_max=1)
    store = EventStore(root, small)
    expected = []
    for stream, events in puts:
        ordered = sorted(events, key=lambda event: event[0])
        put(store, ordered, stream)
        expected += [(stream, *event) for event in ordered if start <= event[0] < end]
    store.close()
    for opened in (store, EventStore(root, small)):
        assert sorted(read(opened, start, end)) == sorted(expected)
        assert sorted(read(opened, start, end, ["a"])) == sorted(
            one for one in expected if one[0] == "a"
        )


@pytest.mark.parametrize("damage", ["cut", "flip", "zeros"])
def test_a_torn_end_is_cut_and_what_came_before_stays(tmp_path: Path, damage: str) -> None:
    store = EventStore(tmp_path)
    put(store, [(1, "whole")])
    (path,) = (tmp_path / FOLDER).glob("*/*")
    whole = path.stat().st_size
    put(store, [(2, "torn" * 50)])
    store.close()
    size = path.stat().st_size
    if damage == "cut":
        os.truncate(path, size - 1)
    elif damage == "zeros":
        os.truncate(path, whole)
        os.truncate(path, size)
    else:
        data = bytearray(path.read_bytes())
        data[-3] ^= 1
        path.write_bytes(data)
    again = EventStore(tmp_path)
    assert read(again) == [("s", 1, "whole")]
    assert path.stat().st_size == whole
    assert put(again, [(3, "next")]) > 1
    assert read(EventStore(tmp_path)) == [("s", 1, "whole"), ("s", 3, "next")]


def test_an_older_file_that_is_damaged_is_told(tmp_path: Path) -> None:
    store = EventStore(tmp_path, EventStoreSettings(segment_bytes_max=4096))
    for number in range(3):
        put(store, [(number, "x" * 5000)])
    store.close()
    first = min((tmp_path / FOLDER).glob("*/*"))
    first.write_bytes(b"garbage" * 100)
    with pytest.raises(StoreError, match="damaged"):
        read(EventStore(tmp_path))


def test_puts_of_many_threads_are_all_there(tmp_path: Path) -> None:
    store = EventStore(tmp_path, EventStoreSettings(segment_bytes_max=8192))
    numbers: list[int] = []

    def run(name: str) -> None:
        for number in range(20):
            numbers.append(put(store, [(number, f"{name} {number}")], name))

    threads = [threading.Thread(target=run, args=(f"t{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(numbers)) == 160
    assert len(read(store)) == 160
    assert sorted(read(EventStore(tmp_path))) == sorted(read(store))


def test_a_refused_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EventStore(tmp_path)
    put(store, [(1, "a")])
    real: Callable[[int], None] = os.fdatasync

    def no_space(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", no_space)
    with pytest.raises(StoreError, match="No space left"):
        put(store, [(2, "b")])
    monkeypatch.setattr(os, "fdatasync", real)
    put(store, [(3, "c")])
    assert [text for _, _, text in read(store)] == ["a", "c"]
    assert [text for _, _, text in read(EventStore(tmp_path))] == ["a", "c"]


def test_the_limit_is_told_and_deletion_makes_room(tmp_path: Path) -> None:
    store = EventStore(tmp_path, EventStoreSettings(bytes_max=2**20))
    put(store, [(1, "x" * 1_000_000)])
    with pytest.raises(StoreError, match="limit of 1048576 bytes"):
        put(store, [(2, "x" * 100_000)], key="other")
    store.delete_group("k")
    put(store, [(2, "x" * 100_000)], key="other")
    assert store.bytes < 200_000


def test_retention_removes_whole_files_oldest_first(tmp_path: Path) -> None:
    store = EventStore(tmp_path, EventStoreSettings(segment_bytes_max=4096))
    for number in range(4):
        put(store, [(number * 10, "x" * 5000)])
    assert store.stored_bytes("k", 15) < store.stored_bytes("k")
    assert store.expire("k", 15) == 2
    assert [time for _, time, _ in read(store)] == [20, 30]
    assert store.expire("k", 15) == 0
    put(store, [(40, "y")])
    again = EventStore(tmp_path)
    assert [time for _, time, _ in read(again)] == [20, 30, 40]
    assert again.bytes == store.bytes


def test_a_deleted_stream_stays_deleted(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    put(store, [(1, "a")], "gone")
    put(store, [(1, "b")], "stays")
    store.delete_stream("k", "gone")
    store.delete_stream("k", "never there")
    put(store, [(2, "c")], "gone")
    for opened in (store, EventStore(tmp_path)):
        assert sorted(read(opened)) == [("gone", 2, "c"), ("stays", 1, "b")]
        assert opened.stream_times("k")["gone"].first_ms == 2


def test_groups_that_nobody_knows_are_swept(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    put(store, [(1, "a")])
    put(store, [(1, "a")], key="lost")
    store.sweep({"k"})
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["k"]
    assert len(read(store)) == 1
