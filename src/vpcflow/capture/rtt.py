"""TCP round-trip times of flows, measured where the packets are seen.

From a packet to what acknowledges it: the time that the way from here to the receiver and back
takes. It belongs to the flow whose packet was acknowledged. Of each direction one packet at a time
is measured, of a burst the last, since receivers answer that one; only new data count (Karn's rule), and a retransmission only where the timestamp
option proves that it, and not the first packet, was answered.

Receivers delay acknowledgements by up to 200 ms when little arrives. So samples have two classes.
Solid are those that nobody delays: SYN to SYN-ACK, SYN-ACK to an acknowledgement without data, an
acknowledgement of exactly the measured packet and of at least two full segments since the one
before, and one that a retransmission set free because it filled a hole. All others are loose. The
median is over the solid samples of a flow where there are any, else over all; least and count are
over all.
"""

from __future__ import annotations

import mmap
import secrets
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vpcflow.capture.rtt_kernels import BLOCK, SET_BYTES, WAYS, follow_round_trips
from vpcflow.capture.rtt_log_kernels import (
    COUNTERS,
    DROPPED,
    EVICTED,
    IMPLAUSIBLE,
    LINE_BYTES,
    LOG_ROOM,
    LOG_WORDS,
    LOGGED,
    SAMPLES,
    SOLID,
    UNATTRIBUTED,
    flush_lines,
    sum_samples,
)
from vpcflow.capture.window import RttRows

_SEEDS = 6


@dataclass(frozen=True, slots=True)
class RttCounts:
    """What became of the samples.

    Units: samples since the start, but ``evicted`` connections.
    """

    #: All that belong to a flow, kept one by one or not.
    samples: int
    #: Of them those that no receiver delays.
    solid: int
    #: Whose flow had no packet yet in the window in which the acknowledgement came.
    unattributed: int
    #: That found the log of the window full.
    dropped: int
    #: Of more than a minute, or less than nothing: the clock was set.
    implausible: int
    #: Connections that made room for others.
    evicted: int


class RttMeter:
    """Follows TCP connections over all windows, and gives the round-trip times of each.

    Shape: ``connections_max`` is rounded up to a power of two; 144 bytes each. ``samples_max``
    bounds the log of one window; 16 bytes each.
    """

    def __init__(self, connections_max: int, samples_max: int) -> None:
        self._sets = 1 << max(0, -(-connections_max // WAYS) - 1).bit_length()
        self._seeds = np.frombuffer(secrets.token_bytes(8 * _SEEDS), np.uint64)
        self._tags = _large_pages(self._sets * SET_BYTES)
        self._lines = _large_pages(self._sets * WAYS * 2 * LINE_BYTES)
        self._log = np.zeros((samples_max, LOG_WORDS), np.uint64)
        self._counters = np.zeros(COUNTERS, np.int64)
        self._counters[LOG_ROOM] = samples_max
        self._block_tags = np.zeros(BLOCK, np.uint64)
        self._block_packets = np.zeros(BLOCK, np.int64)
        self._window = 1

    def update(
        self,
        parsed: npt.NDArray[np.uint64],
        begin: int,
        end: int,
        row_of_packet: npt.NDArray[np.int32],
    ) -> None:
        """Take the packets from ``begin`` to ``end`` of a batch.

        Shape: ``row_of_packet`` has one entry for each packet of the batch: its flow's row in the
        window that is open, or -1.
        """
        follow_round_trips(
            parsed,
            begin,
            end,
            row_of_packet,
            self._window,
            self._seeds,
            self._tags.ctypes.data,
            self._sets,
            self._lines.ctypes.data,
            self._log.ctypes.data,
            self._counters.ctypes.data,
            self._block_tags,
            self._block_packets,
        )

    def close_window(self) -> RttRows:
        """The round-trip times of the window that is open; the next one starts.

        Shape: rows in rising order, only those with samples.
        """
        flush_lines(
            self._lines.ctypes.data,
            len(self._lines) // LINE_BYTES,
            self._log.ctypes.data,
            self._counters.ctypes.data,
        )
        logged = int(self._counters[LOGGED])
        keys = np.ascontiguousarray(self._log[:logged, 0])
        row, least, median, count = (np.empty(logged, np.int64) for _ in range(4))
        groups = sum_samples(
            keys, self._log[:logged, 1], np.argsort(keys), row, least, median, count
        )
        self._counters[LOGGED] = 0
        # Its number is a word of 32 bits in each connection; 0 says that there is none.
        self._window = self._window % 0xFFFF_FFFF + 1
        return RttRows(row[:groups], least[:groups], median[:groups], count[:groups])

    @property
    def counts(self) -> RttCounts:
        """What became of the samples until now."""
        counters = self._counters
        return RttCounts(
            samples=int(counters[SAMPLES]),
            solid=int(counters[SOLID]),
            unattributed=int(counters[UNATTRIBUTED]),
            dropped=int(counters[DROPPED]),
            implausible=int(counters[IMPLAUSIBLE]),
            evicted=int(counters[EVICTED]),
        )


def _large_pages(size: int) -> npt.NDArray[np.uint8]:
    """Zeroed bytes in pages that are large if the system has some: fewer are looked up."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)
