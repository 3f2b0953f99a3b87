"""A span: neighbouring blocks of one file that share an entry of the index.

A block of ``SPAN_BYTES`` or more has a span of its own; of small ones, two neighbouring spans are
together larger than that, or an hour apart. So the entries are bounded by the bytes on the disk,
however small the puts are, and a span of few puts does not reach over days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.store.event_store.block import EVENTS, HEADER_BYTES, BlockHeader

#: A block goes into a span as long as the span does not become larger.
SPAN_BYTES = 64 * 2**10
#: And as long as it came at most so long after the span's first block.
SPAN_MS = 3_600_000
#: The stream of a span whose blocks have different ones, and of one without events.
MIXED = -1
NO_STREAM = -2

#: ``streams`` has a bit for each stream, by its code modulo 64. ``live_bytes`` counts events that
#: are not deleted; with ``stale`` it may be too high. ``least_ms`` is the oldest end of a block,
#: ``number`` the largest of a block, ``blocks`` counts deletions too.
SPAN_TYPE = np.dtype(
    [
        *(("segment", "i4"), ("stream", "i4"), ("events", "i4"), ("blocks", "i4")),
        *(("offset", "i8"), ("bytes", "i8"), ("live_bytes", "i8"), ("number", "i8")),
        *(("first_ms", "i8"), ("last_ms", "i8"), ("least_ms", "i8"), ("streams", "u8")),
        ("stale", "u1"),
    ],
    align=True,
)
#: A block as ``scan`` finds it; ``name`` is a place among the names it found.
BLOCK_TYPE = np.dtype(
    [
        *(("kind", "i4"), ("name", "i4"), ("name_bytes", "i4"), ("events", "i4")),
        *(("offset", "i8"), ("bytes", "i8"), ("number", "i8")),
        *(("first_ms", "i8"), ("last_ms", "i8"), ("ingested_ms", "i8")),
    ],
    align=True,
)
Spans = npt.NDArray[Any]
Blocks = npt.NDArray[Any]
_LONG = np.iinfo(np.int64)


@dataclass(slots=True)
class OpenSpan:
    """The span that the next block of a file may go into."""

    segment: int
    offset: int
    began_ms: int
    stream: int = NO_STREAM
    events: int = 0
    blocks: int = 0
    bytes: int = 0
    live_bytes: int = 0
    number: int = 0
    first_ms: int = _LONG.max
    last_ms: int = _LONG.min
    least_ms: int = _LONG.max
    streams: int = 0
    stale: int = 0

    def has_room(self, segment: int, header: BlockHeader) -> bool:
        """Whether a block goes into it."""
        return (
            segment == self.segment
            and self.bytes + HEADER_BYTES + header.body_bytes <= SPAN_BYTES
            and abs(header.ingested_ms - self.began_ms) <= SPAN_MS
        )

    def take(self, header: BlockHeader, code: int, *, live: bool) -> None:
        """Take up a block."""
        size = HEADER_BYTES + header.body_bytes
        self.bytes += size
        self.blocks += 1
        if header.kind != EVENTS:
            return
        self.stream = code if self.stream in (NO_STREAM, code) else MIXED
        self.streams |= 1 << (code & 63)
        self.events += header.events
        self.live_bytes += size if live else 0
        self.number = max(self.number, header.number)
        self.first_ms = min(self.first_ms, header.first_ms)
        self.last_ms = max(self.last_ms, header.last_ms)
        self.least_ms = min(self.least_ms, header.last_ms)

    def row(self) -> tuple[int, ...]:
        """It as an entry of the index."""
        return (
            *(self.segment, self.stream, self.events, self.blocks),
            *(self.offset, self.bytes, self.live_bytes, self.number),
            *(self.first_ms, self.last_ms, self.least_ms, self.streams, self.stale),
        )
