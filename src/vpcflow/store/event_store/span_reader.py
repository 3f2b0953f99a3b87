"""Reads what spans hold: events, and how many bytes of them count."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.store.event_store.block import EVENTS, encode_block
from vpcflow.store.event_store.block_scan import Bytes, Scanned, scan_blocks
from vpcflow.store.event_store.group_index import (
    GroupIndex,
    TextEvents,
    Uncounted,
    live_blocks,
)
from vpcflow.store.event_store.segment_files import segment_path, unreadable
from vpcflow.store.event_store.span import Blocks, Spans

#: Spans that are counted at once; those of one block need no counting, so they are small.
_COUNTED_MAX = 256
_TEXT_BYTES_MAX = 2**31 - 1

Deleted = dict[str, int]


def read_events(
    folder: Path,
    spans: Spans,
    window: tuple[int, int],
    streams: Collection[str] | None,
    prefix: str,
    deleted_of: Callable[[list[str]], Deleted],
) -> TextEvents:
    """The events of spans in a window of milliseconds, of some streams or those with a prefix.

    Shape: a file that retention removed meanwhile has none; ``deleted_of`` tells the newest
    deletion of streams.
    Errors: StoreError when a file is damaged or there is too much for an array of strings.
    """
    data, _, spans = _read(folder, spans)
    found = _scan(folder, data, spans)
    rows, names = found.blocks, found.names
    if streams is None:
        wanted = [name.startswith(prefix) for name in names]
    else:
        chosen = frozenset(streams)
        wanted = [name in chosen for name in names]
    kept = live_blocks(rows, names, deleted_of(names))
    kept &= (rows["last_ms"] >= window[0]) & (rows["first_ms"] < window[1])
    if not all(wanted):
        kept &= np.array(wanted, np.bool_)[rows["name"]]
    return _gathered(folder, data, rows[kept], names, window)


def warm_up() -> None:
    """Load the kernels of the store."""
    words = pa.array(["-"], pa.string())
    parts = encode_block(EVENTS, 1, "-", 0, np.zeros(1, np.int64), words)[1]
    data = np.frombuffer(b"".join(parts), np.uint8)
    found = scan_blocks(data, 0, len(data), check=True)
    GroupIndex().add_all(0, found.blocks, found.names)
    _gathered(Path(), data, found.blocks, found.names, (0, 1))


def _gathered(
    folder: Path, data: Bytes, rows: Blocks, names: list[str], window: tuple[int, int]
) -> TextEvents:
    from vpcflow.store.event_store import span_kernels  # the server starts without

    lows, counts = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    total, text_bytes = span_kernels.measure(data, rows, *window, lows, counts)
    if text_bytes > _TEXT_BYTES_MAX:
        raise unreadable(folder, "more than 2 GiB of text in one step")
    columns = (
        np.empty(total, np.int64),
        np.empty(total, np.int64),
        np.empty(total, np.uint64),
        np.empty(total, np.int64),
        np.empty(total, np.int32),
    )
    offsets, text = np.zeros(total + 1, np.int32), np.empty(max(text_bytes, 0), np.uint8)
    if text_bytes < 0 or not span_kernels.gather(data, rows, lows, counts, columns, offsets, text):
        raise unreadable(folder, "damaged")
    messages = pa.StringArray.from_buffers(total, pa.py_buffer(offsets), pa.py_buffer(text))
    return TextEvents(*columns, names, messages)


def count_live(
    folder: Path, uncounted: Uncounted, oldest_ms: int
) -> tuple[int, npt.NDArray[np.int64]]:
    """Bytes of blocks that are not deleted: those that end at a moment or later, and all by span."""
    kept, by_span = 0, np.zeros(len(uncounted.spans), np.int64)
    for begin in range(0, len(by_span), _COUNTED_MAX):
        data, places, spans = _read(folder, uncounted.spans[begin : begin + _COUNTED_MAX])
        found = _scan(folder, data, spans)
        rows = found.blocks
        alive = live_blocks(rows, found.names, uncounted.deleted)
        kept += int(rows["bytes"][alive & (rows["last_ms"] >= oldest_ms)].sum())
        of_span = np.repeat(begin + places, spans["blocks"])
        np.add.at(by_span, of_span[alive], rows["bytes"][alive])
    return kept, by_span


def _scan(folder: Path, data: Bytes, spans: Spans) -> Scanned:
    blocks = int(spans["blocks"].sum())
    found = scan_blocks(data, 0, len(data), blocks_max=blocks)
    if len(found.blocks) != blocks or found.end != len(data):
        raise unreadable(folder, "damaged")
    return found


def _read(folder: Path, spans: Spans) -> tuple[Bytes, npt.NDArray[np.int64], Spans]:
    """The bytes of spans one behind the other, and which of the spans are there."""
    held = np.ones(len(spans), np.bool_)
    handles: dict[int, int] = {}
    try:
        for segment in np.unique(spans["segment"]).tolist():
            path = segment_path(folder, segment)
            try:
                handles[segment] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                held &= spans["segment"] != segment
        there = spans[held]
        data = np.empty(int(there["bytes"].sum()), np.uint8)
        at = 0
        with memoryview(data.data) as view:
            for segment, offset, size in _runs(there):
                if _fill(handles[segment], offset, view[at : at + size]) < size:
                    raise unreadable(segment_path(folder, segment), "it is too short")
                at += size
    finally:
        for handle in handles.values():
            os.close(handle)
    # As a map of a file is, for which there is machine code already.
    data.flags.writeable = False
    return data, np.flatnonzero(held), there


def _runs(spans: Spans) -> Iterator[tuple[int, int, int]]:
    """Segment, offset and bytes of spans that lie one behind the other."""
    if not len(spans):
        return
    ends = spans["offset"] + spans["bytes"]
    apart = (spans["segment"][1:] != spans["segment"][:-1]) | (spans["offset"][1:] != ends[:-1])
    firsts = np.concatenate([[0], np.flatnonzero(apart) + 1])
    lasts = np.concatenate([firsts[1:] - 1, [len(spans) - 1]])
    sizes = ends[lasts] - spans["offset"][firsts]
    found: Any = (spans["segment"][firsts], spans["offset"][firsts], sizes)
    yield from zip(*(column.tolist() for column in found), strict=True)


def _fill(handle: int, offset: int, view: memoryview) -> int:
    done = 0
    while done < len(view):
        more = os.preadv(handle, [view[done:]], offset + done)
        if not more:
            break
        done += more
    return done
