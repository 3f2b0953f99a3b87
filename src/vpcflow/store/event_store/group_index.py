"""What is known of the blocks of one log group without reading them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.store.event_store.block import DELETION, HEADER_BYTES, BlockHeader

BLOCK_TYPE = np.dtype(
    [
        *(("segment", "i4"), ("stream", "i4"), ("events", "i4"), ("name_bytes", "i4")),
        *(("offset", "i8"), ("bytes", "i8"), ("number", "i8")),
        *(("first_ms", "i8"), ("last_ms", "i8"), ("ingested_ms", "i8")),
    ]
)
Blocks = npt.NDArray[Any]
_FIRST_ROOM = 64


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


@dataclass
class GroupIndex:
    """The blocks of a group in the order in which they were written.

    Shape: ``deleted`` holds, by stream, the number of the newest deletion.
    """

    names: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    times: dict[str, StreamTimes] = field(default_factory=dict)
    deleted: dict[int, int] = field(default_factory=dict)
    segment_bytes: dict[int, int] = field(default_factory=dict)
    _room: Blocks = field(default_factory=lambda: np.zeros(_FIRST_ROOM, BLOCK_TYPE))
    _count: int = 0

    def add(self, segment: int, offset: int, header: BlockHeader, stream: str) -> None:
        """Take up a block that is on the disk."""
        code = self.codes.get(stream)
        if code is None:
            code = self.codes[stream] = len(self.names)
            self.names.append(stream)
        size = HEADER_BYTES + header.body_bytes
        self.segment_bytes[segment] = offset + size
        if header.kind == DELETION:
            self.deleted[code] = max(header.number, self.deleted.get(code, -1))
            self.times.pop(stream, None)
            return
        if self._count == len(self._room):
            self._room = np.concatenate([self._room, np.zeros(self._count, BLOCK_TYPE)])
        self._room[self._count] = (
            *(segment, code, header.events, header.name_bytes),
            *(offset, size, header.number),
            *(header.first_ms, header.last_ms, header.ingested_ms),
        )
        self._count += 1
        times = self.times.get(stream)
        if times is None:
            self.times[stream] = StreamTimes(header.first_ms, header.last_ms, header.ingested_ms)
        else:
            times.first_ms = min(times.first_ms, header.first_ms)
            times.last_ms = max(times.last_ms, header.last_ms)
            times.ingested_ms = max(times.ingested_ms, header.ingested_ms)

    def blocks(
        self, start_ms: int | None, end_ms: int | None, streams: list[int] | None = None
    ) -> Blocks:
        """The blocks that may hold events from ``start_ms`` to before ``end_ms``."""
        held = self._room[: self._count]
        kept = np.ones(self._count, np.bool_)
        if start_ms is not None:
            kept &= held["last_ms"] >= start_ms
        if end_ms is not None:
            kept &= held["first_ms"] < end_ms
        if streams is not None:
            kept &= np.isin(held["stream"], streams)
        for code, number in self.deleted.items():
            kept &= (held["stream"] != code) | (held["number"] > number)
        return held[kept]

    def drop_segment(self, segment: int) -> None:
        """Forget the blocks of a file that was removed."""
        held = self._room[: self._count]
        left = held[held["segment"] != segment]
        self._room = np.concatenate([left, np.zeros(_FIRST_ROOM, BLOCK_TYPE)])
        self._count = len(left)
        self.segment_bytes.pop(segment, None)

    def last_ms_of(self, segment: int) -> int | None:
        """The newest event of a file; None when it holds none."""
        held = self._room[: self._count]
        inside = held["last_ms"][held["segment"] == segment]
        return int(inside.max()) if len(inside) else None
