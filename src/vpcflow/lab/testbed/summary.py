"""What a scenario did, so that flow records can be compared with it."""

from __future__ import annotations

import socket
import struct
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

#: Flows that a summary lists; further ones are only counted.
FLOWS_MAX = 4096
#: Enough of Linux's ``struct tcp_info`` and the place of ``tcpi_bytes_received`` in it.
TCP_INFO_BYTES = 256
TCP_INFO_BYTES_RECEIVED_OFFSET = 128
#: ``tcpi_segs_out`` and ``tcpi_segs_in`` of Linux's ``struct tcp_info``.
_TCP_INFO_SEGMENTS = struct.Struct("=II")
_TCP_INFO_SEGMENTS_OFFSET = 136


class Outcome(StrEnum):
    """How a flow ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    FAILED = "failed"


@dataclass(slots=True)
class LabFlow:
    """One flow as its initiator saw it.

    Shape: packets are None where the initiator cannot know them. For TCP they are the kernel's
    count of segments, exact for a connection that both sides closed.
    Units: bytes of payload.
    """

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    outcome: Outcome = Outcome.UNANSWERED
    bytes_sent: int = 0
    bytes_received: int = 0
    packets_sent: int | None = None
    packets_received: int | None = None

    def take_packets(self, connection: socket.socket) -> None:
        """Take over the kernel's counts of a TCP connection."""
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        if len(info) >= _TCP_INFO_SEGMENTS_OFFSET + _TCP_INFO_SEGMENTS.size:
            self.packets_sent, self.packets_received = _TCP_INFO_SEGMENTS.unpack_from(
                info, _TCP_INFO_SEGMENTS_OFFSET
            )


@dataclass(slots=True)
class ScenarioSummary:
    """What one run of a scenario did.

    Units: ``started_s`` and ``ended_s`` are seconds since the epoch.
    """

    scenario: str
    host: str
    started_s: float
    ended_s: float = 0.0
    flows: list[LabFlow] = field(default_factory=list)
    flows_left_out: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, flow: LabFlow) -> None:
        """Add a flow that has ended."""
        self.outcomes[flow.outcome] = self.outcomes.get(flow.outcome, 0) + 1
        if len(self.flows) < FLOWS_MAX:
            self.flows.append(flow)
        else:
            self.flows_left_out += 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the sums over all listed flows."""
        return {
            **asdict(self),
            "bytes_sent": sum(flow.bytes_sent for flow in self.flows),
            "bytes_received": sum(flow.bytes_received for flow in self.flows),
        }
