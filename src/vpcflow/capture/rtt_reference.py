"""Round-trip times slowly and plainly: what the kernel must agree with, sample for sample.

Nothing imports this but tests. It forgets no connection; the kernel does when its cache is full.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

DENSE = 64
FULL_SEGMENT_BYTES_MIN = 1220
RTT_NS_MAX = 60 * 10**9
JUMP = 1 << 30
BURST_GAP_NS = 50_000
BURST_PACKETS_MAX = 64

Address = tuple[int, int]


@dataclass(frozen=True)
class TcpPacket:
    """What of a TCP packet matters here.

    Units: ``time_ns`` nanoseconds, ``payload`` bytes; ``stamps`` are TSval and TSecr.
    """

    slot: int
    source: Address
    source_port: int
    destination: Address
    destination_port: int
    egress: bool
    flags: str
    sequence: int
    acknowledgement: int
    payload: int
    time_ns: int
    row: int
    stamps: tuple[int, int] | None = None
    segments: int = 1


@dataclass(frozen=True)
class _Probe:
    end: int
    time_ns: int
    is_handshake: bool
    must_echo: int | None
    packets: int = 1


@dataclass
class _FlowSamples:
    """Samples of a flow and window: kept (solid, microseconds, weight), and all."""

    kept: list[tuple[bool, int, int]] = field(default_factory=list)
    solid: int = 0
    loose: int = 0
    least: int = 1 << 32

    def add(self, rtt_us: int, solid: bool) -> None:
        self.least = min(self.least, rtt_us)
        if solid:
            self.solid += 1
        else:
            self.loose += 1
        seen = self.solid if solid else self.loose
        weight = 1
        while seen > DENSE * weight:
            weight *= 2
        if seen % weight == 0 and (solid or not self.solid):
            self.kept.append((solid, rtt_us, weight))

    def median(self) -> int:
        wanted = [s for s in self.kept if s[0]] or self.kept
        values = sorted(rtt for _, rtt, weight in wanted for _ in range(weight))
        return values[(len(values) - 1) // 2]


@dataclass
class _Direction:
    """What one end of a connection sent, and what came back for it."""

    egress: bool | None = None
    next: int | None = None
    acknowledged: int | None = None
    probe: _Probe | None = None
    newest_stamp: int | None = None
    segment: int = 0
    skip: int = 0
    row: int | None = None

    def restart(self, egress: bool | None = None, number: int | None = None) -> None:
        self.egress, self.next, self.acknowledged = egress, number, number
        self.probe, self.newest_stamp, self.segment, self.skip = None, None, 0, 0


def _after(left: int, right: int) -> int:
    """How far one number is after the other, between -2**31 and 2**31 - 1."""
    return (left - right + 2**31) % 2**32 - 2**31


class RttReference:
    """The reference of ``RttMeter``; ``close_window`` gives (least, median, count) by row."""

    def __init__(self) -> None:
        self.connections: dict[tuple[object, ...], dict[tuple[Address, int], _Direction]] = {}
        self.rows: dict[int, _FlowSamples] = {}
        self.unattributed = 0
        self.implausible = 0

    def close_window(self) -> dict[int, tuple[int, int, int]]:
        """What the window gave; the next one starts."""
        result = {
            row: (flow.least, flow.median(), flow.solid + flow.loose)
            for row, flow in sorted(self.rows.items())
        }
        self.rows = {}
        for ends in self.connections.values():
            for direction in ends.values():
                direction.row = None
        return result

    def add(self, packet: TcpPacket) -> None:
        """Take one packet."""
        ours = (packet.source, packet.source_port)
        theirs = (packet.destination, packet.destination_port)
        key = (packet.slot, *sorted((ours, theirs)))
        if key not in self.connections:
            if "R" in packet.flags or not ("S" in packet.flags or packet.payload):
                return
            self.connections[key] = {theirs: _Direction(), ours: _Direction()}
        sender, receiver = self.connections[key][ours], self.connections[key][theirs]
        if sender.next is not None and sender.egress != packet.egress:
            return
        if packet.row >= 0:
            sender.row = packet.row
        if "R" in packet.flags:
            sender.probe = receiver.probe = None
            return
        self._follow(packet, sender, receiver)

    def _follow(self, packet: TcpPacket, sender: _Direction, receiver: _Direction) -> None:
        length = packet.payload + ("S" in packet.flags) + ("F" in packet.flags)
        end = (packet.sequence + length) % 2**32
        if "S" in packet.flags and sender.next != end:
            sender.restart(packet.egress, packet.sequence)
            if "A" not in packet.flags:
                receiver.restart()
        if "A" in packet.flags:
            self._acknowledge(packet, receiver)
        newer = False
        if packet.stamps:
            newest = sender.newest_stamp
            newer = newest is None or _after(packet.stamps[0], newest) > 0
            if newer:
                sender.newest_stamp = packet.stamps[0]
        if sender.next is None:
            sender.next, sender.egress = end, packet.egress
        elif length:
            self._send(packet, sender, end, newer)
        sender.segment = max(sender.segment, -(-packet.payload // packet.segments))

    def _acknowledge(self, packet: TcpPacket, direction: _Direction) -> None:
        number, probe = packet.acknowledgement, direction.probe
        if direction.next is None or _after(number, direction.next) > 0:
            direction.probe = None
            return
        known = direction.acknowledged
        if probe and _after(number, probe.end) >= 0:
            self._sample(packet, direction, probe)
            direction.probe = None
        if known is None or _after(number, known) > 0:
            direction.acknowledged = number

    def _sample(self, packet: TcpPacket, direction: _Direction, probe: _Probe) -> None:
        took = packet.time_ns - probe.time_ns
        if not 0 <= took <= RTT_NS_MAX:
            self.implausible += 1
            return
        if probe.must_echo is not None and (
            packet.stamps is None or packet.stamps[1] != probe.must_echo
        ):
            return
        exact = packet.acknowledgement == probe.end
        if probe.is_handshake:
            solid = exact and not packet.payload
        elif not exact:
            solid = probe.must_echo is not None
        else:
            full = max(direction.segment, FULL_SEGMENT_BYTES_MIN)
            known = direction.acknowledged
            solid = known is not None and _after(packet.acknowledgement, known) >= 2 * full
        if direction.row is None:
            self.unattributed += 1
        else:
            self.rows.setdefault(direction.row, _FlowSamples()).add(took // 1000, solid)
        if not exact and not solid:
            direction.skip = took // 1000 % 16

    def _send(self, packet: TcpPacket, sender: _Direction, end: int, newer: bool) -> None:
        assert sender.next is not None
        ahead = _after(packet.sequence, sender.next)
        is_syn = "S" in packet.flags
        if not -JUMP <= ahead < JUMP:
            sender.next, sender.acknowledged, sender.probe = end, None, None
        elif ahead >= 0:
            sender.next = end
            probe = sender.probe
            if probe:
                if probe.is_handshake or probe.must_echo is not None:
                    return
                gap = packet.time_ns - probe.time_ns
                if 0 <= gap <= BURST_GAP_NS and probe.packets < BURST_PACKETS_MAX:
                    sender.probe = _Probe(end, packet.time_ns, False, None, probe.packets + 1)
                else:
                    sender.probe = replace(probe, packets=BURST_PACKETS_MAX)
                return
            if sender.skip:
                sender.skip -= 1
                return
            sender.probe = _Probe(end, packet.time_ns, is_syn, None)
        else:
            self._send_again(packet, sender, end, newer)

    def _send_again(self, packet: TcpPacket, sender: _Direction, end: int, newer: bool) -> None:
        assert sender.next is not None
        probe, known = sender.probe, sender.acknowledged
        if probe and probe.must_echo is not None and _after(packet.sequence, probe.end) >= 0:
            return
        sender.probe = None
        if _after(end, sender.next) > 0:
            sender.next = end
        if newer and packet.stamps and known is not None and _after(end, known) > 0:
            is_syn = "S" in packet.flags
            sender.probe = _Probe(end, packet.time_ns, is_syn, packet.stamps[0])
