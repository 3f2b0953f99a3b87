"""The flow table: one row of 64 bytes for each flow of a window, bounded."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vpcflow.capture.flow_kernels import (
    BLOCK_PACKETS,
    COUNT,
    LATE,
    ROW_WORDS,
    SCRATCH_WORDS,
    STATE_LENGTH,
    move_index,
    update_rows,
)
from vpcflow.capture.parse_kernels import PROCESS_SEEDS
from vpcflow.capture.parsed_columns import COLUMN_COUNT

#: Entries of a new table's index: 32 KiB, which stay in the CPU's first cache.
INDEX_ENTRIES_MIN: Final = 4096
#: A row's number and the place in an index, twice as long, are both told with 32 bits.
FLOWS_MAX: Final = 1 << 30
_LINE_BYTES: Final = 64


def _line_aligned(rows: int) -> npt.NDArray[np.uint64]:
    """Rows that each lie in one line of the CPU's cache; pages cost nothing until they are used."""
    room = np.empty((rows + 1) * ROW_WORDS, np.uint64)
    start = -room.ctypes.data % _LINE_BYTES // 8
    return room[start : start + rows * ROW_WORDS].reshape(rows, ROW_WORDS)


class FlowTable:
    """Flows by both addresses and FLOW_WORD, in the order in which they came.

    A packet of a flow that has no row when all ``flows_max`` rows are used is counted as skipped
    at its slot. The index grows with the flows, so that few flows stay in the CPU's cache.
    Shape: a row is 8 words: 0-3 addresses, 4 FLOW_WORD, 5 COUNT_WORD, 6 bytes, 7 first (low half)
    and last.
    Units: first and last are microseconds since the start of the window, at most 2**32 - 1.
    """

    def __init__(self, flows_max: int, slots: int = 65_536) -> None:
        assert 0 < flows_max <= FLOWS_MAX and slots > 0
        self.flows_max = flows_max
        #: By slot, since ``clear``: packets that found the table full, and their IP bytes.
        self.skipped_packets = np.zeros(slots, np.uint64)
        self.skipped_bytes = np.zeros(slots, np.uint64)
        self._rows = _line_aligned(flows_max)
        self._index_entries_max = max(INDEX_ENTRIES_MIN, 1 << (2 * flows_max - 1).bit_length())
        self._index = np.zeros(INDEX_ENTRIES_MIN, np.uint64)
        self._state = np.zeros(STATE_LENGTH, np.int64)
        self._scratch = np.empty((BLOCK_PACKETS, SCRATCH_WORDS), np.uint64)
        self._seed = PROCESS_SEEDS[-1]

    @property
    def count(self) -> int:
        """How many rows are in use."""
        return int(self._state[COUNT])

    @property
    def late_packets(self) -> int:
        """Packets from before the window's start, since ``clear``; they count at its start."""
        return int(self._state[LATE])

    @property
    def index_entries(self) -> int:
        """How many entries the index has now."""
        return len(self._index)

    @property
    def rows(self) -> npt.NDArray[np.uint64]:
        """The rows in use: a view, valid until the next ``update`` or ``clear``."""
        return self._rows[: self.count]

    def update(
        self,
        parsed: npt.NDArray[np.uint64],
        begin: int,
        end: int,
        window_start_ns: int,
        row_of_packet: npt.NDArray[np.int32],
    ) -> None:
        """Add the METERED packets of the columns from ``begin`` up to ``end``.

        Shape: ``row_of_packet[i]`` becomes the row's number of the packet in column i, or -1
        without a row. ``parsed`` as ``parse_packets`` left it, with the bits of direction, verdict
        and slot put into FLOW_WORD.
        """
        assert parsed.shape[0] == COLUMN_COUNT and parsed.strides[1] == 8
        assert 0 <= begin <= end <= min(parsed.shape[1], len(row_of_packet))
        assert row_of_packet.dtype == np.int32 and row_of_packet.flags.c_contiguous
        done = begin
        while done < end:
            done = update_rows(
                parsed.ctypes.data,
                parsed.strides[0],
                done,
                end,
                window_start_ns,
                row_of_packet.ctypes.data,
                self._index.ctypes.data,
                len(self._index) - 1,
                self._rows.ctypes.data,
                self.flows_max,
                self._state.ctypes.data,
                self.skipped_packets.ctypes.data,
                self.skipped_bytes.ctypes.data,
                len(self.skipped_packets),
                self._scratch.ctypes.data,
                self._seed,
            )
            if done < end:
                self._grow_index()

    def _grow_index(self) -> None:
        """To twice as many entries; a block of packets always fits into what is then free."""
        assert len(self._index) < self._index_entries_max
        larger = np.zeros(2 * len(self._index), np.uint64)
        move_index(self._index.ctypes.data, len(self._index), larger.ctypes.data, len(larger) - 1)
        self._index = larger

    def clear(self) -> None:
        """Forget all flows and skipped packets; the index shrinks to what was needed this time."""
        entries = INDEX_ENTRIES_MIN
        while entries < 2 * (self.count + BLOCK_PACKETS) and entries < self._index_entries_max:
            entries *= 2
        if entries < len(self._index):
            self._index = np.zeros(entries, np.uint64)
        else:
            self._index.fill(0)
        self._state.fill(0)
        self.skipped_packets.fill(0)
        self.skipped_bytes.fill(0)
