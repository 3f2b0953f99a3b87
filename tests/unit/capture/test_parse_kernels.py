"""Aim: every packet becomes the right columns. Method: exact cases, and the plain reference."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from ipaddress import ip_address

import numpy as np
import packet_builder as build
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packet_builder import Captured, ethernet, ipv4, ipv6, packet_batch, tcp, udp

from vpcflow.base.errors import CaptureError
from vpcflow.capture import parsed_columns as column
from vpcflow.capture.header_kernels import IPV6_EXTENSIONS_MAX, VLAN_TAGS_MAX
from vpcflow.capture.packet_batch import LinkType, PacketBatch
from vpcflow.capture.parse_kernels import (
    FRAGMENT_LIFE_NS,
    FragmentCache,
    new_parsed_matrix,
    parse_packets,
)
from vpcflow.capture.parse_reference import ReferenceFragments, parse_packet

A, B = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
SEEDS = np.arange(1, 9, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def parsed(batch: PacketBatch, fragments: FragmentCache | None = None) -> list[list[int]]:
    """The columns of each packet of a batch."""
    matrix = new_parsed_matrix(len(batch) + 1)
    matrix[:] = np.uint64(0xDEAD)
    parse_packets(batch, fragments or FragmentCache(), matrix)
    assert (matrix[:, len(batch)] == 0xDEAD).all(), "no column beyond the batch is touched"
    return [[int(word) for word in matrix[:, i]] for i in range(len(batch))]


def one(
    packet: bytes | Captured,
    link: LinkType = LinkType.ETHERNET,
    fragments: FragmentCache | None = None,
) -> list[int]:
    return parsed(packet_batch([packet], link), fragments)[0]


def flow(columns: Sequence[int]) -> tuple[str, str, int, int, int]:
    """Addresses, ports and protocol of a metered packet."""
    assert columns[column.STATUS] == column.METERED
    raw = struct.pack("<4Q", *columns[column.SOURCE_0 : column.DESTINATION_1 + 1])
    names = []
    for at in (0, 16):
        address = ip_address(raw[at : at + 16])
        names.append(str(getattr(address, "ipv4_mapped", None) or address))
    word = columns[column.FLOW_WORD]
    return names[0], names[1], word & 0xFFFF, word >> 16 & 0xFFFF, word >> 32


def counts(columns: Sequence[int]) -> tuple[int, int]:
    """Packets and IP bytes."""
    return columns[column.COUNT_WORD] & (1 << 40) - 1, columns[column.IP_BYTES]


def tcp_flags(columns: Sequence[int]) -> int:
    return columns[column.COUNT_WORD] >> column.TCP_FLAGS_SHIFT


def payload(columns: Sequence[int]) -> int:
    return columns[column.TRANSPORT_WORD] & 0xFFFFFFFF


FOUR = ipv4(tcp(1234, 80, payload=b"x" * 10), A, B)
SIX = ipv6(udp(5353, 53, b"query"), A6, B6, build.UDP)


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (LinkType.ETHERNET, ethernet),
        (LinkType.ETHERNET, lambda packet: ethernet(packet, vlans=[7])),
        (LinkType.ETHERNET, lambda packet: ethernet(packet, vlans=[(build.SERVICE_TAG, 1), 2])),
        (LinkType.ETHERNET, lambda packet: ethernet(packet, vlans=[1, 2, (0x9100, 3)])),
        (LinkType.ETHERNET, lambda packet: ethernet(packet, vlans=[1] * VLAN_TAGS_MAX)),
        (LinkType.ETHERNET, lambda packet: ethernet(packet, minimum_bytes=400)),
        (LinkType.RAW, lambda packet: packet),
        (LinkType.NULL, build.null),
        (LinkType.NULL, lambda packet: build.null(packet, order=">")),
        (LinkType.LOOP, lambda packet: build.null(packet, order=">")),
        (LinkType.LINUX_SLL, build.linux_sll),
        (LinkType.LINUX_SLL2, build.linux_sll2),
    ],
)
def test_what_lies_under_ip_changes_nothing(link: LinkType, frame) -> None:
    four, six = one(frame(FOUR), link), one(frame(SIX), link)
    assert flow(four) == (A, B, 1234, 80, 6)
    assert counts(four) == (1, 50), "padding of the link is not counted"
    assert payload(four) == 10
    assert flow(six) == (A6, B6, 5353, 53, 17)
    assert counts(six) == (1, 53)
    assert payload(six) == 5


@pytest.mark.parametrize("family", [10, 24, 28, 30])
def test_every_number_of_ipv6_on_a_loopback_device(family: int) -> None:
    assert flow(one(build.null(SIX, family), LinkType.NULL)) == (A6, B6, 5353, 53, 17)


@pytest.mark.parametrize(
    ("link", "frame", "status"),
    [
        (LinkType.ETHERNET, build.arp(), column.ARP),
        (LinkType.LINUX_SLL, build.linux_sll(b"x" * 28, 0x0806), column.ARP),
        (LinkType.ETHERNET, ethernet(b"x" * 40, build.ETHERTYPE_LLDP), column.NOT_IP),
        (LinkType.ETHERNET, ethernet(b"BPDU" * 9, 38), column.NOT_IP),
        (LinkType.ETHERNET, ethernet(FOUR, vlans=[1] * (VLAN_TAGS_MAX + 1)), column.NOT_IP),
        (LinkType.NULL, build.null(FOUR, 7), column.NOT_IP),
        (LinkType.LINUX_SLL2, build.linux_sll2(FOUR, 0x8847), column.NOT_IP),
        (LinkType.ETHERNET, ethernet(FOUR, build.ETHERTYPE_IPV6), column.MALFORMED),
        (LinkType.ETHERNET, ethernet(SIX, build.ETHERTYPE_IPV4), column.MALFORMED),
        (LinkType.RAW, ipv4(b"", A, B, version=5), column.MALFORMED),
        (LinkType.RAW, b"", column.MALFORMED),
        (LinkType.RAW, ipv4(tcp(1, 2), A, B, header_words=4), column.MALFORMED),
        (LinkType.RAW, ipv4(tcp(1, 2), A, B, total_length=19), column.MALFORMED),
        (LinkType.RAW, FOUR[:19], column.MALFORMED),
        (LinkType.RAW, SIX[:39], column.MALFORMED),
        (LinkType.ETHERNET, ethernet(FOUR)[:13], column.MALFORMED),
        (LinkType.RAW, Captured(b"", wire_bytes=50), column.TRUNCATED),
        (LinkType.RAW, Captured(FOUR[:19], wire_bytes=50), column.TRUNCATED),
        (LinkType.RAW, Captured(SIX[:39], wire_bytes=53), column.TRUNCATED),
        (LinkType.ETHERNET, Captured(ethernet(FOUR)[:13], wire_bytes=64), column.TRUNCATED),
        (LinkType.ETHERNET, Captured(ethernet(FOUR)[:14], wire_bytes=64), column.TRUNCATED),
        (
            LinkType.ETHERNET,
            Captured(ethernet(FOUR, vlans=[1])[:17], wire_bytes=68),
            column.TRUNCATED,
        ),
    ],
)
def test_what_makes_no_flow_says_why_and_counts_on_the_wire(
    link: LinkType, frame: bytes | Captured, status: int
) -> None:
    columns = one(frame, link)
    wire = frame.wire_bytes if isinstance(frame, Captured) else len(frame)
    expected = [0] * column.COLUMN_COUNT
    expected[column.STATUS], expected[column.COUNT_WORD] = status, 1
    expected[column.IP_BYTES], expected[column.TIME_NS] = wire, build.T0_NS
    assert columns == expected


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        (build.ACK, 0),
        (build.PSH | build.ACK, 0),
        (build.FIN, 1),
        (build.FIN | build.ACK, 1),
        (build.SYN, 2),
        (build.RST, 4),
        (build.RST | build.ACK, 4),
        (build.SYN | build.ACK, 18),
        (build.SYN | build.ACK | build.FIN, 19),
        (0, 0),
    ],
)
def test_tcp_flags_are_as_aws_logs_them(sent: int, logged: int) -> None:
    columns = one(ethernet(ipv4(tcp(1, 2, sent), A, B)))
    assert tcp_flags(columns) == logged
    assert columns[column.TRANSPORT_WORD] >> column.TCP_HEADER_FLAGS_SHIFT & 0xFF == sent


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (b"\1\1" + build.timestamp_option(7, 9), True),
        (b"\2\4\5\xb4\4\2" + build.timestamp_option(7, 9) + b"\1\3\3\7", True),
        (build.timestamp_option(7, 9), True),
        (b"\1" * 30 + build.timestamp_option(7, 9), True),
        (b"\0" + build.timestamp_option(7, 9), False),
        (b"\2\0" + build.timestamp_option(7, 9), False),
        (b"\2\xff" + build.timestamp_option(7, 9), False),
        (b"\1\1\x08\x0a\0\0", False),
        (b"", False),
    ],
)
def test_tcp_timestamps_and_numbers(options: bytes, found: bool) -> None:
    segment = tcp(1, 2, payload=b"hello", sequence=5, acknowledgement=2**32 - 1, options=options)
    columns = one(ethernet(ipv6(segment, A6, B6)))
    assert columns[column.TCP_NUMBERS] == 5 | (2**32 - 1) << 32
    assert columns[column.TCP_TIMESTAMPS] == (7 | 9 << 32 if found else 0)
    assert columns[column.TRANSPORT_WORD] >> column.TIMESTAMPS_BIT & 1 == found
    assert payload(columns) == 5


@pytest.mark.parametrize(
    ("protocol", "ports"),
    [
        (build.SCTP, (1000, 2000)),
        (build.UDP_LITE, (1000, 2000)),
        (build.DCCP, (1000, 2000)),
        (47, (0, 0)),
        (4, (0, 0)),
        (255, (0, 0)),
    ],
)
def test_only_protocols_with_ports_have_ports(protocol: int, ports: tuple[int, int]) -> None:
    columns = one(ipv4(struct.pack("!HH", 1000, 2000) + b"\0" * 20, A, B, protocol), LinkType.RAW)
    assert flow(columns) == (A, B, *ports, protocol)


def test_icmp_has_type_and_code_and_no_ports() -> None:
    four = one(ipv4(build.icmp(3, 13, b"x" * 28), A, B, build.ICMP), LinkType.RAW)
    six = one(
        ipv6(build.icmp(128, 0, b"x", identifier=1, sequence=2), A6, B6, build.ICMPV6),
        LinkType.RAW,
    )
    assert flow(four) == (A, B, 0, 0, 1)
    assert four[column.TRANSPORT_WORD] == 28 | 3 << 48 | 13 << 56
    assert flow(six) == (A6, B6, 0, 0, 58)
    assert six[column.TRANSPORT_WORD] == 1 | 128 << 48
    assert six[column.IDENTITY_WORD] == (1 << 16 | 2) | 49 << 48, "the echo's own number"


def test_options_of_ipv4_come_before_the_ports() -> None:
    columns = one(ethernet(ipv4(udp(9, 10, b"abc"), A, B, build.UDP, options=b"\x94\4\0\0" * 10)))
    assert flow(columns) == (A, B, 9, 10, 17)
    assert counts(columns) == (1, 60 + 11)


def test_extension_headers_of_ipv6_come_before_the_ports() -> None:
    chain = [
        build.options_header(build.HOP_BY_HOP),
        build.options_header(build.ROUTING, 2),
        build.options_header(units=3),
        build.authentication_header(4),
        build.fragment_header(5),
    ]
    columns = one(ethernet(ipv6(tcp(7, 8, payload=b"abc"), A6, B6, extensions=chain)))
    assert flow(columns) == (A6, B6, 7, 8, 6)
    assert payload(columns) == 3
    assert columns[column.TRANSPORT_WORD] >> column.FRAGMENT_BIT & 3 == 0, "a whole packet"
    most = ipv6(tcp(7, 8), A6, B6, extensions=[build.options_header()] * IPV6_EXTENSIONS_MAX)
    assert flow(one(ethernet(most))) == (A6, B6, 7, 8, 6)
    more = ipv6(tcp(7, 8), A6, B6, extensions=[build.options_header()] * (IPV6_EXTENSIONS_MAX + 1))
    assert flow(one(ethernet(more))) == (A6, B6, 0, 0, 60)


def test_a_cut_capture_counts_whole() -> None:
    fragments = FragmentCache()
    for frame, first in ((ethernet(FOUR), 34), (ethernet(SIX), 54)):
        for length in range(first, len(frame) + 1):
            columns = one(Captured(frame[:length], wire_bytes=len(frame)), fragments=fragments)
            assert counts(columns) == (1, len(frame) - 14)
            assert (flow(columns)[2] != 0) == (length >= first + 4)
    assert fragments.ports_cut == 8


def test_a_packet_too_short_for_ports_is_not_a_cut_one() -> None:
    fragments = FragmentCache()
    columns = one(ethernet(ipv4(b"\1\2\3", A, B), minimum_bytes=60), fragments=fragments)
    assert flow(columns) == (A, B, 0, 0, 6)
    assert counts(columns) == (1, 23)
    assert fragments.ports_cut == 0


@pytest.mark.parametrize(
    ("packet", "segment", "expected"),
    [
        (ipv4(tcp(1, 2, payload=b"x" * 4000, options=b"\1" * 12), A, B), 1448, (3, 4052 + 2 * 52)),
        (ipv4(tcp(1, 2, payload=b"x" * 2896, options=b"\1" * 12), A, B), 1448, (2, 2948 + 52)),
        (ipv4(tcp(1, 2, payload=b"x" * 100), A, B), 1460, (1, 140)),
        (ipv4(tcp(1, 2), A, B), 1460, (1, 40)),
        (ipv6(udp(1, 2, b"x" * 3001), A6, B6, build.UDP), 1000, (4, 3049 + 3 * 48)),
        (ipv4(b"x" * 3000, A, B, 47), 1000, (1, 3020)),
        (
            ipv4(tcp(1, 2, payload=b"x" * 70_000), A, B, total_length=0),
            1460,
            (48, 70_040 + 47 * 40),
        ),
        (
            ipv6(tcp(1, 2, payload=b"x" * 70_000), A6, B6, payload_length=0),
            1440,
            (49, 70_060 + 48 * 60),
        ),
        (ipv4(tcp(1, 2, payload=b"x" * 70_000), A, B, total_length=0), 0, (1, 70_040)),
        (ipv6(tcp(1, 2, payload=b"x" * 70_000), A6, B6, payload_length=0), 0, (1, 70_060)),
    ],
)
def test_an_offloaded_packet_counts_as_the_wire_has_it(
    packet: bytes, segment: int, expected: tuple[int, int]
) -> None:
    columns = one(Captured(ethernet(packet), segment_bytes=segment))
    assert counts(columns) == expected
    cut = Captured(ethernet(packet)[:90], wire_bytes=14 + len(packet), segment_bytes=segment)
    assert counts(one(cut)) == expected, "a cut capture has the headers, so the same counts"


def fragments_of(packet: str, number: int, sizes: Sequence[int]) -> list[bytes]:
    """A UDP datagram in fragments of the sizes: ``packet`` is the family."""
    data = udp(4000, 5000, b"x" * (sum(sizes) - 8))
    made, at = [], 0
    for size in sizes:
        part, more = data[at : at + size], at + size < len(data)
        if packet == "ipv4":
            made.append(
                ipv4(
                    part,
                    A,
                    B,
                    build.UDP,
                    identification=number,
                    fragment_offset=at,
                    more_fragments=more,
                )
            )
        else:
            header = [
                build.options_header(build.HOP_BY_HOP),
                build.fragment_header(number, at, more),
            ]
            made.append(ipv6(part, A6, B6, build.UDP, extensions=header))
        at += size
    return made


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_later_fragments_get_the_ports_of_the_first(family: str) -> None:
    cache = FragmentCache()
    parts = fragments_of(family, 77, [64, 64, 40])
    columns = parsed(packet_batch(parts, LinkType.RAW), cache)
    assert {flow(part)[2:] for part in columns} == {(4000, 5000, 17)}
    bits = [part[column.TRANSPORT_WORD] >> column.LATER_FRAGMENT_BIT for part in columns]
    assert bits == [2, 3, 3], "a fragment; one that is not the first"
    identities = [part[column.IDENTITY_WORD] for part in columns]
    assert [word & 0xFFFFFFFF for word in identities] == [77] * 3
    assert [word >> 32 & 0xFFFF for word in identities] == [0, 8, 16]
    assert sum(counts(part)[1] for part in columns) == sum(map(len, parts))
    assert (cache.matched, cache.unmatched) == (2, 0)


def test_fragments_of_another_packet_or_without_a_first_have_no_ports() -> None:
    cache = FragmentCache()
    first, later = fragments_of("ipv4", 1, [64, 40])
    other_number = fragments_of("ipv4", 2, [64, 40])[1]
    batch = packet_batch([later, first, other_number, later], LinkType.RAW)
    assert [flow(part)[2] for part in parsed(batch, cache)] == [0, 4000, 0, 4000]
    assert (cache.matched, cache.unmatched) == (1, 2)


@pytest.mark.parametrize(("age", "port"), [(0, 4000), (1, 4000), (-1, 4000), (2, 0), (-2, 0)])
def test_a_first_fragment_is_forgotten_in_time(age: int, port: int) -> None:
    first, later = fragments_of("ipv4", 1, [64, 40])
    at = build.T0_NS + age * FRAGMENT_LIFE_NS - (abs(age) == 1) * age
    columns = parsed(packet_batch([Captured(first), Captured(later, time_ns=at)], LinkType.RAW))
    assert flow(columns[1])[2] == port


def test_the_fragment_cache_is_bounded() -> None:
    cache = FragmentCache(16)
    pairs = [fragments_of("ipv4", number, [64, 40]) for number in range(200)]
    packets = [first for first, _ in pairs] + [later for _, later in pairs]
    columns = parsed(packet_batch(packets, LinkType.RAW), cache)
    known = sum(flow(part)[2] == 4000 for part in columns[200:])
    assert 0 < known <= 16
    assert (cache.matched, cache.unmatched) == (known, 200 - known)


def test_the_hash_depends_on_every_part_of_the_key_and_on_the_seeds() -> None:
    packets = [
        ipv4(tcp(1, 2), A, B),
        ipv4(tcp(1, 2), B, A),
        ipv4(tcp(2, 1), A, B),
        ipv4(udp(1, 2), A, B, build.UDP),
        ipv6(tcp(1, 2), A6, B6),
        ipv6(tcp(1, 2), B6, A6),
    ]
    batch = packet_batch(packets, LinkType.RAW)
    hashes = [columns[column.HASH] for columns in parsed(batch)]
    assert len(set(hashes)) == len(packets)
    assert hashes == [columns[column.HASH] for columns in parsed(batch)], "one process, one hash"
    seeded = [columns[column.HASH] for columns in parsed(batch, FragmentCache(seeds=SEEDS))]
    assert not set(hashes) & set(seeded)


def test_a_link_type_that_is_not_known_is_refused() -> None:
    with pytest.raises(CaptureError, match="239"):
        one(FOUR, LinkType.NFLOG)


def test_an_empty_batch_is_nothing() -> None:
    parse_packets(packet_batch([]), FragmentCache(), new_parsed_matrix(8))


# Against the reference.

_PORTS = st.integers(0, 65_535)
_FOURS = st.sampled_from([A, B, "0.0.0.0", "255.255.255.255"])
_SIXES = st.sampled_from([A6, B6, "::", "::ffff:1.2.3.4"])
_NUMBERS = st.integers(0, 3)


@st.composite
def _transports(draw: st.DrawFn) -> tuple[int, bytes]:
    body = draw(st.binary(max_size=40))
    options = draw(
        st.one_of(
            st.binary(max_size=40),
            st.just(b"\1\1" + build.timestamp_option(1, 2)),
            st.just(build.timestamp_option(3, 4)),
        )
    )
    header_words = draw(st.none() | st.integers(0, 15))
    return draw(
        st.sampled_from(
            [
                (
                    build.TCP,
                    tcp(
                        draw(_PORTS),
                        draw(_PORTS),
                        draw(st.integers(0, 255)),
                        body,
                        sequence=draw(st.integers(0, 2**32 - 1)),
                        options=options,
                        header_words=header_words,
                    ),
                ),
                (build.UDP, udp(draw(_PORTS), draw(_PORTS), body)),
                (build.ICMP, build.icmp(draw(st.integers(0, 255)), 1, body)),
                (build.ICMPV6, build.icmp(128, 0, body, identifier=9)),
                (build.SCTP, body),
                (draw(st.integers(0, 255)), body),
            ]
        )
    )


@st.composite
def _extensions(draw: st.DrawFn) -> list[build.Extension]:
    kinds = draw(st.lists(st.integers(0, 4), max_size=IPV6_EXTENSIONS_MAX + 1))
    offset = draw(st.sampled_from([0, 0, 8, 1480]))
    made = {
        0: build.options_header(build.HOP_BY_HOP),
        1: build.options_header(build.ROUTING, draw(st.integers(0, 3))),
        2: build.options_header(units=draw(st.integers(0, 3))),
        3: build.authentication_header(draw(st.integers(0, 4))),
        4: build.fragment_header(draw(_NUMBERS), offset, draw(st.booleans())),
    }
    return [made[kind] for kind in kinds]


@st.composite
def _packets(draw: st.DrawFn) -> bytes:
    protocol, transport = draw(_transports())
    wrong = st.none() | st.sampled_from([0, 1, 19, 20, 30, 1500, 65_535])
    if draw(st.booleans()):
        return ipv6(
            transport,
            draw(_SIXES),
            draw(_SIXES),
            protocol,
            extensions=draw(_extensions()),
            payload_length=draw(wrong),
            version=draw(st.sampled_from([6, 6, 6, 6, 4])),
        )
    return ipv4(
        transport,
        draw(_FOURS),
        draw(_FOURS),
        protocol,
        options=draw(st.binary(max_size=40)),
        identification=draw(_NUMBERS),
        fragment_offset=draw(st.sampled_from([0, 0, 0, 8, 65_528])),
        more_fragments=draw(st.booleans()),
        total_length=draw(wrong),
        header_words=draw(st.none() | st.integers(0, 15)),
        version=draw(st.sampled_from([4, 4, 4, 4, 6, 0])),
    )


@st.composite
def _frames(draw: st.DrawFn, link: LinkType) -> Captured:
    packet = draw(_packets())
    if link == LinkType.ETHERNET:
        tags = st.tuples(st.sampled_from([0x8100, 0x88A8, 0x9100]), st.just(1))
        vlans = draw(st.lists(tags, max_size=VLAN_TAGS_MAX + 1))
        kind = draw(st.sampled_from([None, None, None, 0x0800, 0x86DD, 0x0806]))
        frame = ethernet(packet, kind, vlans=vlans, minimum_bytes=draw(st.sampled_from([0, 60])))
    elif link == LinkType.LINUX_SLL:
        frame = build.linux_sll(packet)
    elif link == LinkType.LINUX_SLL2:
        frame = build.linux_sll2(packet)
    elif link == LinkType.RAW:
        frame = packet
    else:
        frame = build.null(packet, draw(st.none() | st.sampled_from([2, 10, 30, 2 << 24, 9])))
    cut = draw(st.one_of(st.just(len(frame)), st.integers(0, len(frame))))
    return Captured(
        draw(st.sampled_from([frame, frame, frame, draw(st.binary(max_size=90))]))[:cut],
        time_ns=draw(st.sampled_from([0, 10**9, 40 * 10**9])),
        wire_bytes=draw(st.sampled_from([len(frame), len(frame), 0, 70_000])),
        segment_bytes=draw(st.sampled_from([0, 0, 1, 10, 1448])),
    )


@st.composite
def _batches(draw: st.DrawFn) -> tuple[LinkType, list[Captured]]:
    link = draw(st.sampled_from([kind for kind in LinkType if kind != LinkType.NFLOG]))
    return link, draw(st.lists(_frames(link), min_size=1, max_size=12))


_FRAGMENTS = [Captured(part) for part in fragments_of("ipv6", 1, [64, 64, 8])]


@given(_batches())
@example((LinkType.RAW, _FRAGMENTS))
@settings(max_examples=400, deadline=None)
def test_the_kernel_and_the_reference_agree(made: tuple[LinkType, list[Captured]]) -> None:
    link, packets = made
    cache = FragmentCache(4, SEEDS)
    # Bytes after a packet that look like a header, so that reading them would show.
    batches = [
        packet_batch(packets, link, guard=guard) for guard in (b"\0", b"\1\1\x08\x0a" * 16, b"\x45")
    ]
    found = parsed(batches[0], cache)
    reference = ReferenceFragments(4, [int(seed) for seed in SEEDS])
    expected = [
        parse_packet(
            packet.data,
            packet.wire_bytes if packet.wire_bytes is not None else len(packet.data),
            link,
            packet.time_ns,
            packet.segment_bytes,
            reference,
        )
        for packet in packets
    ]
    assert found == expected
    assert cache.ports_cut == reference.ports_cut
    assert (cache.matched, cache.unmatched) == (reference.matched, reference.unmatched)
    for batch in batches[1:]:
        assert parsed(batch, FragmentCache(4, SEEDS)) == found, "nothing beyond a packet counts"


def test_no_garbage_crashes_the_kernel() -> None:
    draw = np.random.default_rng(5)
    for link in LinkType:
        if link == LinkType.NFLOG:
            continue
        packets = [Captured(draw.bytes(int(size))) for size in draw.integers(0, 120, 2000)]
        statuses = {columns[column.STATUS] for columns in parsed(packet_batch(packets, link))}
        assert statuses <= set(range(column.STATUS_COUNT))
