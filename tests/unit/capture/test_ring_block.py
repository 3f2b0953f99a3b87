"""Aim: a block of the ring becomes the columns that a plain reading of it gives.

Method: blocks laid out as the kernel does, with values that real devices seldom show.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vpcflow.capture.packet_batch import LinkType, PacketDirection
from vpcflow.capture.packet_sources.batch_columns import BatchColumns
from vpcflow.capture.packet_sources.ring_kernels import walk_block
from vpcflow.capture.packet_sources.ring_settings import PACKET_BYTES_MIN, RingSettings

ETHER, NONE, PPP = 1, 65_534, 512
HOST, OTHER_HOST, OUTGOING = 0, 3, 4
BLOCK_BYTES = 65_536
#: Where the block lies in the ring.
BLOCK_AT = 4096


@dataclass(frozen=True)
class RingPacket:
    """A packet as the kernel puts it into the ring; ``link_bytes`` of ``data`` are its header."""

    data: bytes
    link_bytes: int = 14
    hardware: int = ETHER
    protocol: int = 0x0800
    kind: int = HOST
    device: int = 2
    wire_bytes: int = 0
    time_ns: int = 1_700_000_000_123_456_789
    offload: tuple[int, int] = (0, 0)

    @property
    def whole_bytes(self) -> int:
        return max(self.wire_bytes, len(self.data))


def in_ring(packet: RingPacket, *, last: bool) -> bytes:
    net = 106
    mac = net - packet.link_bytes
    seconds, nanoseconds = divmod(packet.time_ns, 10**9)
    size = (mac + len(packet.data) + 7) & ~7
    header = struct.pack(
        "=IIIIIIHHIIHH8x",
        0 if last else size,
        seconds,
        nanoseconds,
        len(packet.data),
        packet.whole_bytes,
        1,
        mac,
        net,
        0,
        0,
        0,
        0,
    )
    address = struct.pack("=H", 17) + struct.pack("!H", packet.protocol)
    address += struct.pack("=iHBB8x", packet.device, packet.hardware, packet.kind, 6)
    kind, segment = packet.offload
    head = (header + address).ljust(mac - 10, b"\xcc")
    head += struct.pack("=BBHHHH", 0, kind, 0, segment, 0, 0)
    return (head + packet.data).ljust(size, b"\xdd")


def block_of(packets: list[RingPacket]) -> bytes:
    first = 48
    body = b"".join(in_ring(item, last=item is packets[-1]) for item in packets)
    head = struct.pack("=IIIIIIQIIII", 3, 0, 1, len(packets), first, first + len(body), 1, *[0] * 4)
    return (head + body).ljust(BLOCK_BYTES, b"\0")


def expected(packet: RingPacket) -> tuple[bytes, int, int, int, int, int]:
    """What a plain reading gives: frame, wire length, time, device, direction, segment."""
    data, wire = packet.data, packet.whole_bytes
    if packet.hardware != ETHER:
        data = bytes(12) + struct.pack("!H", packet.protocol) + data[packet.link_bytes :]
        wire = max(wire - packet.link_bytes, 0) + 14
    sent = packet.kind == OUTGOING
    return (
        data,
        wire,
        packet.time_ns,
        packet.device,
        PacketDirection.SENT if sent else PacketDirection.RECEIVED,
        packet.offload[1] if packet.offload[0] else 0,
    )


def walked(block: bytes, columns: BatchColumns) -> list[tuple[bytes, int, int, int, int, int]]:
    ring = np.frombuffer(bytearray(bytes(BLOCK_AT) + block + bytes(64)), np.uint8)
    count = walk_block(ring.ctypes.data, BLOCK_AT, BLOCK_BYTES, *columns.arrays)
    batch = columns.batch(LinkType.ETHERNET, ring, count)
    return [
        (
            ring[start : start + size].tobytes(),
            int(batch.wire_bytes[at]),
            int(batch.time_ns[at]),
            int(batch.device[at]),
            int(batch.direction[at]),
            int(batch.segment_bytes[at]),
        )
        for at, (start, size) in enumerate(
            zip(batch.offset.tolist(), batch.captured_bytes.tolist(), strict=True)
        )
    ]


LINKS = st.sampled_from([(ETHER, 14), (NONE, 0), (PPP, 4), (778, 8), (32, 20)])


@settings(max_examples=100, deadline=None)
@given(
    links=st.lists(LINKS, max_size=8),
    data=st.data(),
)
def test_a_block_is_read_as_it_was_laid_out(
    links: list[tuple[int, int]], data: st.DataObject
) -> None:
    packets = [
        RingPacket(
            data=data.draw(st.binary(min_size=link_bytes, max_size=200)),
            link_bytes=link_bytes,
            hardware=hardware,
            protocol=data.draw(st.sampled_from([0x0800, 0x86DD, 0x0806, 0xFFFF])),
            kind=data.draw(st.integers(0, 7)),
            device=data.draw(st.integers(1, 2**31 - 1)),
            wire_bytes=data.draw(st.integers(0, 600_000)),
            time_ns=data.draw(st.integers(0, (2**32 - 1) * 10**9)),
            offload=data.draw(st.tuples(st.sampled_from([0, 1, 4, 5, 0x81]), st.integers(0, 9000))),
        )
        for hardware, link_bytes in links
    ]
    assert walked(block_of(packets), BatchColumns(16)) == [expected(item) for item in packets]


def test_frames_for_other_hosts_are_received() -> None:
    # A bridge's port and the hypervisor's end of a veth see nothing else.
    (seen,) = walked(block_of([RingPacket(bytes(60), kind=OTHER_HOST)]), BatchColumns(4))
    assert seen[4] == PacketDirection.RECEIVED


def test_a_block_that_lies_stops_within_its_bounds() -> None:
    good = block_of([RingPacket(bytes(60)), RingPacket(bytes(60)), RingPacket(bytes(60))])
    columns = BatchColumns(2)
    assert len(walked(good, columns)) == 2, "no more than the columns hold"
    for at, value in ((48 + 12, BLOCK_BYTES), (16, BLOCK_BYTES), (48, BLOCK_BYTES)):
        bad = good[:at] + struct.pack("=I", value) + good[at + 4 :]
        assert len(walked(bad, BatchColumns(8))) == (1 if at == 48 else 0)


def test_settings_keep_a_block_within_one_batch() -> None:
    largest = RingSettings(block_bytes=BatchColumns().packets_max * PACKET_BYTES_MIN)
    assert largest.block_bytes // PACKET_BYTES_MIN <= BatchColumns().packets_max
    assert RingSettings().ring_bytes == 64 << 20
    for wrong in (1 << 21, 20_000, 0):
        with pytest.raises(ValidationError):
            RingSettings(block_bytes=wrong)
