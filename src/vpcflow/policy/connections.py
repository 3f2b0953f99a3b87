"""Which direction began each connection: what a stateful group asks of a flow.

Evidence, strongest first: a SYN without ACK or a SYN-ACK in this window; what earlier windows
showed; for all but TCP, whose packet came first in this window. TCP without any SYN is older than
the watch, so nobody knows who began it, and the answer is unknown. The first windows of a watch can
take the reply of an older UDP or ICMP exchange for its beginning.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.policy.connection_kernels import (
    KEY_WORDS,
    decide_beginnings,
    find_connections,
    index_rows,
    keep_rows,
)
from vpcflow.policy.evaluate import FlowColumns
from vpcflow.policy.judgement import Initiated

Array = npt.NDArray[Any]

#: How many connections are remembered, unless the caller says otherwise (56 bytes each, and 8 to
#: 16 for finding them).
CONNECTIONS_MAX = 1 << 20
#: Silent for longer, a connection is forgotten, as AWS's connection tracking does.
TCP_IDLE_S = 432_000
OTHER_IDLE_S = 180

_ROWS_FIRST = 1 << 12
_SLOTS_A_ROW = 2
#: So much of a full table is forgotten at once, so that it is not done for every window.
_FORGET_PART = 0.25


class ConnectionMemory:
    """Remembers who began connections, over windows, in bounded room.

    Shape: ``forgotten`` counts connections that were dropped for want of room while they were
    young enough to matter, ``refused`` flows that got no place and the answer unknown.
    """

    def __init__(
        self,
        connections_max: int = CONNECTIONS_MAX,
        tcp_idle_s: int = TCP_IDLE_S,
        other_idle_s: int = OTHER_IDLE_S,
    ) -> None:
        self.forgotten = 0
        self.refused = 0
        self._connections_max = connections_max
        self._idle_s = np.array([tcp_idle_s, other_idle_s], np.int64)
        self._count = 0
        self._keys: Array = np.zeros((1, KEY_WORDS), np.uint64)
        self._last_s: Array = np.zeros(0, np.int64)
        self._began: Array = np.zeros(0, np.uint8)
        self._slots: Array = np.zeros(0, np.int32)
        self._allocate(min(_ROWS_FIRST, connections_max))

    def __len__(self) -> int:
        return self._count

    def find(
        self,
        flows: FlowColumns,
        tcp_flags: Array,
        first_us: Array,
        last_us: Array,
        window_start_s: int,
        interface: Array | None = None,
    ) -> npt.NDArray[np.uint8]:
        """Who began each flow's connection, as ``judgement.Initiated``, for ``evaluate``.

        Shape: the flows of one window, all interfaces and both directions together; ``initiated``
        of ``flows`` is not looked at; ``tcp_flags`` as the field; windows come in order.
        ``interface`` has numbers below 2**24 that stay the same over windows, for when the rules
        are compiled anew meanwhile and those of ``flows`` change.
        Units: microseconds since the window's start; the start in seconds since the epoch.
        """
        count = len(flows)
        initiated = np.full(count, Initiated.UNKNOWN, np.uint8)
        self._grow(count, window_start_s)
        number = np.ascontiguousarray(flows.interface if interface is None else interface, np.int32)
        direction = np.ascontiguousarray(flows.direction, np.uint8)
        protocol = np.ascontiguousarray(flows.protocol, np.uint8)
        columns = (
            number,
            direction,
            np.ascontiguousarray(flows.addresses, np.uint64),
            np.ascontiguousarray(flows.source_port, np.int32),
            np.ascontiguousarray(flows.destination_port, np.int32),
            protocol,
        )
        row_of, refused = self._find(columns)
        if refused:
            self._forget(refused, window_start_s)
            row_of, refused = self._find(columns)
        self.refused += refused
        decide_beginnings(
            self._began,
            self._last_s,
            row_of,
            direction,
            protocol,
            np.ascontiguousarray(tcp_flags, np.uint8),
            np.ascontiguousarray(first_us, np.int64),
            np.ascontiguousarray(last_us, np.int64),
            window_start_s,
            self._idle_s,
            np.empty((self._count, 2), np.int64),
            np.empty((self._count, 2), np.uint8),
            np.empty(self._count, np.uint8),
            initiated,
        )
        return initiated

    def _find(self, columns: tuple[Array, ...]) -> tuple[npt.NDArray[np.int32], int]:
        """The row of each flow's connection, and how many flows got none for want of room."""
        number = columns[0]
        row_of = np.empty(len(number), np.int32)
        self._count = int(
            find_connections(
                self._slots,
                self._keys,
                self._last_s,
                self._began,
                self._count,
                *columns,
                row_of,
            )
        )
        return row_of, int(np.count_nonzero((row_of < 0) & (number >= 0)))

    def _grow(self, more: int, now_s: int) -> None:
        """Room for that many more, as far as the bound allows, after what is too old is gone."""
        rows = len(self._began)
        if self._count + more <= rows or rows == self._connections_max:
            return
        self._keep(now_s - self._idle_s)
        wanted = min(self._count + more, self._connections_max)
        self._allocate(min(max(wanted, rows * 2), self._connections_max))

    def _forget(self, more: int, now_s: int) -> None:
        """Room in a full table: what is too old goes, then what was silent longest."""
        self._keep(now_s - self._idle_s)
        before = self._count
        room = self._connections_max
        keep = min(room - more, int(room * (1 - _FORGET_PART)))
        if before + more > room:
            if keep <= 0:
                self._count = 0
            else:
                last = before - keep - 1
                oldest = np.partition(self._last_s[:before], last)[last]
                self._keep(np.full(2, oldest + 1, np.int64))
            self.forgotten += before - self._count
        self._slots.fill(-1)
        index_rows(self._slots, self._keys, self._count)

    def _keep(self, oldest: npt.NDArray[np.int64]) -> None:
        self._count = int(keep_rows(self._keys, self._last_s, self._began, self._count, oldest))

    def _allocate(self, rows: int) -> None:
        """Tables of that many rows, with what is known now; one more key is the kernel's own."""
        keys = np.zeros((rows + 1, KEY_WORDS), np.uint64)
        last_s = np.zeros(rows, np.int64)
        began = np.zeros(rows, np.uint8)
        keys[: self._count] = self._keys[: self._count]
        last_s[: self._count] = self._last_s[: self._count]
        began[: self._count] = self._began[: self._count]
        self._keys, self._last_s, self._began = keys, last_s, began
        self._slots = np.full(1 << (rows * _SLOTS_A_ROW - 1).bit_length(), -1, np.int32)
        index_rows(self._slots, self._keys, self._count)
