"""The files of one log group: found, checked at the start, read, and removed."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.base.errors import StoreError
from vpcflow.store.event_store import block as blocks
from vpcflow.store.event_store.group_index import Blocks, GroupIndex, TextEvents

SUFFIX = ".events"


def segment_path(folder: Path, segment: int) -> Path:
    """The file of a segment."""
    return folder / f"{segment:08d}{SUFFIX}"


def segments_in(folder: Path) -> list[int]:
    """The numbers of the files in a group's folder, in order."""
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())


def load_index(folder: Path) -> tuple[GroupIndex, int]:
    """The index of a group and the largest number of a block, from its files.

    Shape: of the newest file every checksum is tried, and what is behind the last whole block is
    cut off: it was being written when the process ended, and nobody was told that it is there.
    Errors: StoreError when a file cannot be read or an older one is damaged.
    """
    index, number = GroupIndex(), 0
    segments = segments_in(folder)
    for segment in segments:
        path = segment_path(folder, segment)
        try:
            number = max(
                number, _load_segment(path, segment, index, newest=segment == segments[-1])
            )
        except OSError as error:
            raise _unreadable(path, str(error.strerror)) from error
    return index, number


def _load_segment(path: Path, segment: int, index: GroupIndex, *, newest: bool) -> int:
    number = at = 0
    size = path.stat().st_size
    index.segment_bytes[segment] = 0
    if not size:
        return 0
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                while (header := blocks.read_header(view, at)) is not None:
                    if newest and not blocks.is_whole(view, at, header):
                        break
                    index.add(segment, at, header, blocks.stream_of(view, at, header))
                    number = max(number, header.number)
                    at += blocks.HEADER_BYTES + header.body_bytes
            finally:
                view.release()
        if at < size:
            if not newest:
                raise _unreadable(path, f"damaged at byte {at}")
            file.truncate(at)
            os.fsync(file.fileno())
    return number


def read_events(
    folder: Path, found: Blocks, names: list[str], start_ms: int, end_ms: int
) -> TextEvents:
    """The events of blocks from ``start_ms`` to before ``end_ms``.

    Shape: a file that retention removed meanwhile has none.
    """
    columns: list[tuple[npt.NDArray[Any], ...]] = []
    messages: list[pa.Array] = []
    for segment in np.unique(found["segment"]):
        try:
            handle = os.open(segment_path(folder, int(segment)), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            for one in found[found["segment"] == segment]:
                head = int(one["offset"]) + blocks.HEADER_BYTES
                body = os.pread(handle, int(one["bytes"]) - blocks.HEADER_BYTES, head)
                events, number = int(one["events"]), int(one["number"])
                times, text = blocks.decode_events(body, events, int(one["name_bytes"]))
                # A put is in chronological order.
                low, high = np.searchsorted(times, (start_ms, end_ms))
                count = int(high - low)
                if count <= 0:
                    continue
                columns.append(
                    (
                        times[low:high],
                        np.full(count, one["ingested_ms"], np.int64),
                        np.full(count, number, np.uint64),
                        np.arange(low, high, dtype=np.int64),
                        np.full(count, one["stream"], np.int32),
                    )
                )
                messages.append(text.slice(int(low), count))
        finally:
            os.close(handle)
    if not columns:
        nothing = np.zeros(0, np.int64)
        empty = pa.array([], pa.string())
        codes = nothing.astype(np.int32)
        return TextEvents(nothing, nothing, nothing.astype(np.uint64), nothing, codes, names, empty)
    joined = [np.concatenate(parts) for parts in zip(*columns, strict=True)]
    times, ingested, numbers, ordinals, streams = joined
    return TextEvents(
        times, ingested, numbers, ordinals, streams, names, pa.concat_arrays(messages)
    )


def _unreadable(path: Path, why: str) -> StoreError:
    return StoreError(
        f"a file of text events cannot be read: {why}",
        where=str(path),
        hint="put it back from a copy, or move it away: its events are then gone",
    )
