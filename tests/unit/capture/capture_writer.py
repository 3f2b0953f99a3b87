"""Capture files written from packets, for tests: every variant of pcap and pcapng."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from vpcflow.capture.packet_batch import LinkType, PacketBatch, PacketDirection
from vpcflow.capture.packet_sources.pcap_file import PcapFileSource

T0_NS = 1_700_000_000_000_000_000
MICROSECONDS, NANOSECONDS, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
PCAPNG_ORDER = 0x1A2B3C4D


@dataclass(frozen=True)
class FilePacket:
    """One packet as a file holds it and as it is read."""

    data: bytes
    time_ns: int = T0_NS
    wire_bytes: int = 0
    device: int = 0
    direction: PacketDirection = PacketDirection.UNKNOWN
    link_type: LinkType = LinkType.ETHERNET

    def __post_init__(self) -> None:
        object.__setattr__(self, "wire_bytes", max(self.wire_bytes, len(self.data)))


def pcap_header(
    link_number: int = 1, *, order: str = "<", magic: int = MICROSECONDS, snap_bytes: int = 262_144
) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap_bytes, link_number)


def pcap_record(packet: FilePacket, *, order: str = "<", magic: int = MICROSECONDS) -> bytes:
    seconds, rest = divmod(packet.time_ns, 1_000_000_000)
    unit = 1 if magic == NANOSECONDS else 1000
    header = struct.pack(f"{order}IIII", seconds, rest // unit, len(packet.data), packet.wire_bytes)
    if magic == MODIFIED:
        kind = 4 if packet.direction == PacketDirection.SENT else 0
        header += struct.pack(f"{order}IHBB", 3, 0x0800, kind, 0)
    return header + packet.data


def pcap(
    packets: Sequence[FilePacket],
    *,
    order: str = "<",
    magic: int = MICROSECONDS,
    link_number: int = 1,
) -> bytes:
    return pcap_header(link_number, order=order, magic=magic) + b"".join(
        pcap_record(packet, order=order, magic=magic) for packet in packets
    )


def option(code: int, value: bytes, *, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def block(kind: int, body: bytes, *, order: str = "<") -> bytes:
    body += b"\0" * (-len(body) % 4)
    total = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + total + body + total


def section(*, order: str = "<") -> bytes:
    body = struct.pack(f"{order}IHHq", PCAPNG_ORDER, 1, 0, -1)
    return block(0x0A0D0D0A, body + option(4, b"vpcflow tests", order=order), order=order)


def interface(
    link_number: int = 1,
    *,
    order: str = "<",
    snap_bytes: int = 0,
    resolution: int | None = None,
    offset_s: int | None = None,
) -> bytes:
    body = struct.pack(f"{order}HHI", link_number, 0, snap_bytes)
    body += option(2, b"eth0", order=order)
    if resolution is not None:
        body += option(9, bytes([resolution]), order=order)
    if offset_s is not None:
        body += option(14, struct.pack(f"{order}q", offset_s), order=order)
    return block(1, body + option(0, b"", order=order), order=order)


def enhanced(
    packet: FilePacket,
    *,
    order: str = "<",
    number: int = 0,
    units: int | None = None,
    options: bytes = b"",
) -> bytes:
    """An enhanced packet block; ``units`` the time, else in microseconds."""
    units = packet.time_ns // 1000 if units is None else units
    body = struct.pack(
        f"{order}IIIII",
        number,
        units >> 32,
        units & 0xFFFFFFFF,
        len(packet.data),
        packet.wire_bytes,
    )
    body += packet.data + b"\0" * (-len(packet.data) % 4)
    if packet.direction != PacketDirection.UNKNOWN:
        bits = 1 if packet.direction == PacketDirection.RECEIVED else 2
        options = option(2, struct.pack(f"{order}I", bits), order=order) + options
    return block(6, body + options, order=order)


def old_packet(
    packet: FilePacket, *, order: str = "<", number: int = 0, drops: int = 0xFFFF
) -> bytes:
    units = packet.time_ns // 1000
    body = struct.pack(
        f"{order}HHIIII",
        number,
        drops,
        units >> 32,
        units & 0xFFFFFFFF,
        len(packet.data),
        packet.wire_bytes,
    )
    return block(2, body + packet.data, order=order)


def simple_packet(packet: FilePacket, *, order: str = "<") -> bytes:
    return block(3, struct.pack(f"{order}I", packet.wire_bytes) + packet.data, order=order)


def packets_of(batch: PacketBatch) -> list[FilePacket]:
    """The packets of a batch, by plain Python."""
    found = []
    for at in range(len(batch)):
        start = int(batch.offset[at])
        end = start + int(batch.captured_bytes[at])
        assert len(batch.data) >= end + 64
        assert batch.segment_bytes[at] == 0
        found.append(
            FilePacket(
                batch.data[start:end].tobytes(),
                int(batch.time_ns[at]),
                int(batch.wire_bytes[at]),
                int(batch.device[at]),
                PacketDirection(int(batch.direction[at])),
                batch.link_type,
            )
        )
    return found


def read_all(source: PcapFileSource) -> list[FilePacket]:
    """Every packet of a file, by plain Python."""
    found = [packet for batch in source.batches() for packet in packets_of(batch)]
    source.close()
    assert source.counts.packets == len(found)
    return found
