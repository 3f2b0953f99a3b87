"""Aim: mirrored packets come out of VXLAN and GENEVE whole, and nothing else does.

Method: packets built layer by layer, whole, cut and with junk in them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packet_builder import (
    DESTINATION_OPTIONS,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    T0_NS,
    UDP,
    Captured,
    arp,
    ethernet,
    fragment_header,
    ipv4,
    ipv6,
    linux_sll,
    linux_sll2,
    options_header,
    packet_batch,
    tcp,
    udp,
)

from vpcflow.capture.packet_batch import LinkType, PacketBatch, PacketDirection
from vpcflow.capture.packet_sources.vxlan_mirror import UNKNOWN_VNIS_MAX, Decapsulator

ETHERNET_IN_GENEVE = 0x6558
INNER = ethernet(ipv4(tcp(1234, 80, payload=b"inside"), "10.0.0.1", "10.0.0.2"))
INNER_6 = ethernet(ipv6(udp(53, 54, b"six"), "2001:db8::1", "2001:db8::2", UDP), vlans=[7])
BARE = ipv4(tcp(1, 2), "10.0.0.3", "10.0.0.4")


def vxlan(inner: bytes, vni: int = 5, *, flags: int = 8) -> bytes:
    return struct.pack("!II", flags << 24, vni << 8) + inner


def geneve(payload: bytes, kind: int, vni: int = 6, *, options: bytes = b"") -> bytes:
    return struct.pack("!BBHI", len(options) // 4, 0, kind, vni << 8) + options + payload


def to_port(payload: bytes, port: int = 4789) -> bytes:
    return ipv4(udp(50_000, port, payload), "10.1.0.1", "10.1.0.2", UDP)


def to_port_6(payload: bytes, port: int = 4789) -> bytes:
    return ipv6(udp(50_000, port, payload), "2001:db8::a", "2001:db8::b", UDP)


def inner_of(batch: PacketBatch) -> list[tuple[int, bytes, int]]:
    """Device, bytes and wire length of every packet."""
    found = []
    for at in range(len(batch)):
        start = int(batch.offset[at])
        data = batch.data[start : start + int(batch.captured_bytes[at])].tobytes()
        found.append((int(batch.device[at]), data, int(batch.wire_bytes[at])))
    return found


OUTER: list[tuple[LinkType, Callable[[bytes], bytes]]] = [
    (LinkType.ETHERNET, ethernet),
    (LinkType.ETHERNET, lambda packet: ethernet(packet, vlans=[(0x88A8, 1), 2])),
    (LinkType.ETHERNET, lambda packet: ethernet(packet, minimum_bytes=400)),
    (LinkType.RAW, lambda packet: packet),
    (LinkType.LINUX_SLL, linux_sll),
    (LinkType.LINUX_SLL2, linux_sll2),
]
WRAPPED: list[Callable[[bytes], bytes]] = [
    lambda inner: to_port(vxlan(inner)),
    lambda inner: to_port_6(vxlan(inner)),
    lambda inner: to_port(geneve(inner, ETHERNET_IN_GENEVE, 5), 6081),
    lambda inner: to_port(
        geneve(to_port(vxlan(inner)), ETHERTYPE_IPV4, 99, options=bytes(32)), 6081
    ),
    lambda inner: to_port_6(geneve(to_port_6(vxlan(inner)), ETHERTYPE_IPV6, 99), 6081),
    lambda inner: to_port(
        geneve(ethernet(to_port(vxlan(inner))), ETHERNET_IN_GENEVE, 99, options=bytes(252)), 6081
    ),
    lambda inner: ipv4(udp(1, 4789, vxlan(inner)), "10.1.0.1", "10.1.0.2", UDP, options=b"\1" * 8),
    lambda inner: ipv6(
        udp(1, 4789, vxlan(inner)),
        "2001:db8::a",
        "2001:db8::b",
        UDP,
        extensions=[options_header(), options_header(DESTINATION_OPTIONS, 2), fragment_header(1)],
    ),
]


@pytest.mark.parametrize(("link_type", "link"), OUTER)
@pytest.mark.parametrize("wrap", WRAPPED)
def test_mirrored_frames_come_out_whole(
    link_type: LinkType, link: Callable[[bytes], bytes], wrap: Callable[[bytes], bytes]
) -> None:
    decapsulator = Decapsulator({5: 40, 6: 41})
    packets = [
        Captured(link(wrap(inner)), T0_NS + number, device=3, segment_bytes=number)
        for number, inner in enumerate([INNER, INNER_6, INNER])
    ]
    batch = packet_batch(packets, link_type)
    (inside,) = decapsulator.decapsulate(batch)
    assert inside.link_type is LinkType.ETHERNET
    assert inside.data is batch.data
    assert inner_of(inside) == [(40, inner, len(inner)) for inner in (INNER, INNER_6, INNER)]
    assert inside.time_ns.tolist() == [T0_NS, T0_NS + 1, T0_NS + 2]
    assert inside.segment_bytes.tolist() == [0, 1, 2]
    assert set(inside.direction.tolist()) == {PacketDirection.UNKNOWN}
    assert (decapsulator.mirrored, decapsulator.other, decapsulator.malformed) == (3, 0, 0)


def test_bare_ip_in_geneve_is_a_batch_of_its_own() -> None:
    decapsulator = Decapsulator({5: 1, 6: 2})
    packets = [
        ethernet(to_port(geneve(BARE, ETHERTYPE_IPV4), 6081)),
        ethernet(to_port(vxlan(INNER))),
        ethernet(to_port(geneve(BARE, ETHERTYPE_IPV4, options=bytes(8)), 6081)),
    ]
    frames, bare = decapsulator.decapsulate(packet_batch(packets))
    assert (frames.link_type, bare.link_type) == (LinkType.ETHERNET, LinkType.RAW)
    assert inner_of(frames) == [(1, INNER, len(INNER))]
    assert inner_of(bare) == [(2, BARE, len(BARE))] * 2
    assert decapsulator.mirrored == 3


def test_lengths_of_cut_packets_come_from_their_own_header() -> None:
    decapsulator = Decapsulator({5: 1})
    long = ethernet(ipv4(tcp(1, 2, payload=bytes(1000)), "10.0.0.1", "10.0.0.2"))
    long_6 = ethernet(ipv6(tcp(1, 2, payload=bytes(900)), "2001:db8::1", "2001:db8::2"), vlans=[1])
    for inner in (long, long_6):
        # Cut by mirroring, so that the outer packet is whole; then by the capture itself.
        mirrored = ethernet(to_port(vxlan(inner[:128])))
        captured = Captured(ethernet(to_port(vxlan(inner)))[: 50 + 128], wire_bytes=50 + len(inner))
        (inside,) = decapsulator.decapsulate(packet_batch([mirrored, captured]))
        assert inner_of(inside) == [(1, inner[:128], len(inner))] * 2


def test_what_is_not_mirrored_is_counted_by_reason() -> None:
    decapsulator = Decapsulator({5: 1})
    later = ipv4(b"x" * 64, "10.1.0.1", "10.1.0.2", UDP, fragment_offset=64)
    later_6 = ipv6(
        b"x" * 64, "2001:db8::a", "2001:db8::b", UDP, extensions=[fragment_header(1, 64)]
    )
    packets = {
        "other": [
            arp(),
            INNER,
            ethernet(to_port(b"dns", 53)),
            ethernet(b"", 0x88CC),
            b"",
            ethernet(to_port(geneve(b"\0" * 40, 0x0806), 6081)),
            ethernet(to_port(vxlan(INNER)))[:30],
            ethernet(to_port(vxlan(INNER)))[:40],
        ],
        "unknown_vni": [
            ethernet(to_port(vxlan(INNER, 77))),
            ethernet(to_port(vxlan(INNER, 78))),
            ethernet(to_port(vxlan(INNER, 77))),
            ethernet(to_port(geneve(BARE, ETHERTYPE_IPV4, 79), 6081)),
        ],
        "malformed": [
            ethernet(to_port(vxlan(INNER, flags=0))),
            ethernet(to_port(vxlan(b""))),
            ethernet(to_port(b"")),
            ethernet(to_port(vxlan(INNER)))[:45],
            ethernet(to_port(geneve(BARE, ETHERTYPE_IPV4), 6081))[:46],
            ethernet(to_port(b"\x80" + geneve(BARE, ETHERTYPE_IPV4)[1:], 6081)),
            ethernet(to_port(b"\x3f" + geneve(BARE, ETHERTYPE_IPV4)[1:], 6081)),
        ],
        "fragments": [ethernet(later), ethernet(later_6)],
    }
    everything = [packet for group in packets.values() for packet in group]
    assert decapsulator.decapsulate(packet_batch(everything)) == []
    for name, group in packets.items():
        assert getattr(decapsulator, name) == len(group), name
    assert decapsulator.mirrored == 0
    assert decapsulator.unknown_vnis == [77, 78, 79]
    decapsulator.set_devices({77: 0})
    assert decapsulator.unknown_vnis == []
    (inside,) = decapsulator.decapsulate(packet_batch(everything))
    assert inside.device.tolist() == [0, 0]


def test_many_vnis() -> None:
    mapping = {vni: vni % 1000 for vni in range(3, 1 << 24, 65_537)}
    decapsulator = Decapsulator(mapping)
    packets = [ethernet(to_port(vxlan(INNER, vni))) for vni in mapping]
    packets += [ethernet(to_port(vxlan(INNER, vni - 1))) for vni in mapping]
    (inside,) = decapsulator.decapsulate(packet_batch(packets))
    assert inside.device.tolist() == list(mapping.values())
    assert decapsulator.unknown_vni == len(mapping)
    assert len(decapsulator.unknown_vnis) == UNKNOWN_VNIS_MAX
    with pytest.raises(ValueError, match="no VNI"):
        Decapsulator({1 << 24: 1})


def test_first_fragments_are_taken() -> None:
    payload = udp(1, 4789, vxlan(INNER))
    first = ipv4(payload[:64], "10.1.0.1", "10.1.0.2", UDP, more_fragments=True)
    (inside,) = Decapsulator({5: 1}).decapsulate(packet_batch([ethernet(first)]))
    assert inner_of(inside) == [(1, INNER[:48], len(INNER))]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_cuts_and_junk_stay_within_the_packet(data: st.DataObject) -> None:
    decapsulator = Decapsulator({5: 1, 6: 2, 99: 3})
    packets = []
    for _ in range(data.draw(st.integers(1, 6))):
        wrap = data.draw(st.sampled_from(WRAPPED))
        packet = bytearray(ethernet(wrap(data.draw(st.sampled_from([INNER, INNER_6, b"", BARE])))))
        for _ in range(data.draw(st.integers(0, 3))):
            packet[data.draw(st.integers(12, len(packet) - 1))] = data.draw(st.integers(0, 255))
        packets.append(bytes(packet[: data.draw(st.integers(0, len(packet)))]))
    batch = packet_batch(packets)
    ends = (batch.offset + batch.captured_bytes).tolist()
    found = 0
    for inside in decapsulator.decapsulate(batch):
        found += len(inside)
        for start, size, wire in zip(
            inside.offset.tolist(),
            inside.captured_bytes.tolist(),
            inside.wire_bytes.tolist(),
            strict=True,
        ):
            assert 0 <= size <= wire
            assert any(
                outer <= start and start + size <= end
                for outer, end in zip(batch.offset.tolist(), ends, strict=True)
            )
    parts = ("mirrored", "other", "unknown_vni", "malformed", "fragments")
    assert sum(getattr(decapsulator, part) for part in parts) == len(packets)
    assert decapsulator.mirrored == found
