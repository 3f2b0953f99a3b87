"""A batch of packets as columns over one buffer: what every packet source gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

#: The most packets of one batch.
BATCH_PACKETS_MAX = 16_384


class LinkType(IntEnum):
    """What a packet starts with; numbers as in capture files."""

    NULL = 0
    ETHERNET = 1
    RAW = 101
    LOOP = 108
    LINUX_SLL = 113
    NFLOG = 239
    LINUX_SLL2 = 276


class PacketDirection(IntEnum):
    """Which way a packet crossed the device at which it was seen."""

    RECEIVED = 0
    SENT = 1
    UNKNOWN = 2


@dataclass(slots=True)
class PacketBatch:
    """Packets that lie in one buffer.

    Shape: all arrays have one entry a packet, in the order of arrival; ``data`` is readable for at
    least 64 bytes after the end of every packet. ``device`` is the source's own number of the
    device: the kernel's ifindex, 0 for a file. ``segment_bytes`` is not 0 where an offload made
    one packet of several: the payload of each on the wire (gso_size). The buffer is the source's
    again when the next batch is asked for.
    Units: bytes; ``time_ns`` nanoseconds since the epoch.
    """

    link_type: LinkType
    data: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]
    captured_bytes: npt.NDArray[np.int32]
    wire_bytes: npt.NDArray[np.int32]
    time_ns: npt.NDArray[np.int64]
    device: npt.NDArray[np.int32]
    direction: npt.NDArray[np.int8]
    segment_bytes: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.offset)


@dataclass(slots=True)
class SourceCounts:
    """What a source met and could not hand on.

    Units: packets, since the source was opened.
    """

    packets: int = 0
    #: Dropped by the kernel since the ring was full, or by the sender of mirrored traffic.
    dropped: int = 0
    #: Records of a file that were damaged or cut.
    malformed: int = 0
    #: Packets of a file whose link type is not read.
    unread: int = 0


class PacketSource(Protocol):
    """Anything that gives packets: live or from a file."""

    counts: SourceCounts

    def batches(self) -> Iterator[PacketBatch]:
        """What waits now; a file gives all it has, a live source what it has and returns."""

    def close(self) -> None:
        """Give everything back to the system."""
