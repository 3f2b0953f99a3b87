"""Aim: events have one order and ids that differ. Method: properties against plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.query.log_events.events import (
    Events,
    Position,
    joined,
    line_hashes,
    ordinals_of,
    stream_hashes,
)

_keys = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.integers(0, 2**64 - 1), st.integers(0, 2)
)


def events_of(keys: list[tuple[int, int, int, int]]) -> Events:
    columns = list(zip(*keys, strict=True)) if keys else [(), (), (), ()]
    return Events(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.uint64),
        np.array(columns[3], np.int64),
        np.zeros(len(keys), np.uint64),
        np.zeros(len(keys), np.int32),
        ["s"],
        pa.array([str(key) for key in keys], pa.string()),
    )


@given(st.lists(_keys, unique=True), _keys)
def test_the_order_is_that_of_tuples(
    keys: list[tuple[int, int, int, int]], place: tuple[int, int, int, int]
) -> None:
    ordered = events_of(keys).in_order()
    assert [ordered.place(row) for row in range(len(ordered))] == sorted(keys)
    behind = ordered.behind(Position(*place))
    assert behind.tolist() == [key >= place for key in sorted(keys)]


@given(st.lists(_keys, unique=True))
def test_ids_are_digits_that_tell_the_place(keys: list[tuple[int, int, int, int]]) -> None:
    ids = events_of(keys).ids()
    assert ids == [f"{time:013d}{key:020d}{ordinal:05d}{0:018d}" for time, _, key, ordinal in keys]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 2)), max_size=30))
def test_equal_events_are_counted(keys: list[tuple[int, int, int]]) -> None:
    columns = [[key[at] for key in keys] for at in range(3)]
    ordinals = ordinals_of(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.uint64),
    )
    counted: dict[tuple[int, int, int], list[int]] = {}
    for key, ordinal in zip(keys, ordinals.tolist(), strict=True):
        counted.setdefault(key, []).append(ordinal)
    assert all(sorted(found) == list(range(len(found))) for found in counted.values())


@given(st.lists(st.text(), min_size=1, max_size=20), st.integers(0, 3))
@settings(deadline=None)
def test_hashes_follow_from_stream_and_line_alone(lines: list[str], cut: int) -> None:
    texts = pa.array(lines, pa.string())
    seeds = np.repeat(stream_hashes(["one"]), len(lines))
    first, second = line_hashes(texts, seeds)
    some = line_hashes(texts.slice(cut), seeds[cut:])
    assert some[0].tolist() == first[cut:].tolist()
    assert some[1].tolist() == second[cut:].tolist()
    assert len(set(first.tolist())) == len(set(lines))
    other, _ = line_hashes(texts, np.repeat(stream_hashes(["two"]), len(lines)))
    assert not set(other.tolist()) & set(first.tolist())


def test_joining_keeps_the_names_apart() -> None:
    both = joined([events_of([(1, 1, 1, 0)]), events_of([(0, 0, 0, 0)])])
    assert both.stream_names() == ["s", "s"]
    assert len(joined([])) == 0
