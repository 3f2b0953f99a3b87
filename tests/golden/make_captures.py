"""Makes the capture files in ``made_captures/``: small, the same on every machine.

Run ``python tests/golden/make_captures.py`` after a change here; ``NAME.records`` beside a capture
are the lines that ``vpcflow capture`` must print for it, checked by hand.
"""

from __future__ import annotations

import gzip
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import zstandard

FOLDER = Path(__file__).resolve().parent / "made_captures"
sys.path.append(str(FOLDER.parent.parent / "unit" / "capture"))

import capture_writer as file  # noqa: E402
from capture_writer import FilePacket  # noqa: E402
from packet_builder import (  # noqa: E402
    ACK,
    ETHERTYPE_ARP,
    ETHERTYPE_LLDP,
    FIN,
    HOP_BY_HOP,
    ICMP,
    ICMPV6,
    PSH,
    RST,
    SERVICE_TAG,
    SYN,
    UDP,
    authentication_header,
    echo,
    ethernet,
    fragment_header,
    icmp,
    ipv4,
    ipv6,
    linux_sll2,
    options_header,
    tcp,
    udp,
)

from vpcflow.capture.packet_batch import LinkType, PacketDirection  # noqa: E402

#: A full minute.
START_S = 1_700_000_040
ENI = "eni-0123456789abcdef0"
HOST, SECOND, HOST6 = "10.0.1.10", "10.0.1.11", "2001:db8:1::10"
PEER, PEER6 = "198.51.100.7", "2001:db8:cafe::7"
MAC, ROUTER, OTHER = "02000a00010a", "02000a000101", "02000a000114"
INVENTORY = "inventory.toml"
LOG_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags} ${type} "
    "${pkt-srcaddr} ${pkt-dstaddr} ${flow-direction}"
)
ADDRESSES = ("--address", HOST, "--address", SECOND, "--address", HOST6)
_SENT, _RECEIVED = PacketDirection.SENT, PacketDirection.RECEIVED


@dataclass(frozen=True)
class GoldenCapture:
    """A capture file, the packets in it, and how it is read."""

    name: str
    content: bytes
    packets: tuple[FilePacket, ...]
    arguments: tuple[str, ...] = ADDRESSES

    @property
    def expected(self) -> Path:
        """The lines that it becomes."""
        return FOLDER / f"{self.name.split('.')[0]}.records"


def out(ip: bytes, after_s: float = 0.0, target: str = ROUTER, **link: object) -> FilePacket:
    """A packet that the host sends."""
    return _frame(ip, after_s, target + MAC, **link)


def into(ip: bytes, after_s: float = 0.0, target: str = MAC, **link: object) -> FilePacket:
    """A packet that the host receives."""
    return _frame(ip, after_s, target + ROUTER, **link)


def _frame(ip: bytes, after_s: float, macs: str, **link: object) -> FilePacket:
    data = bytes.fromhex(macs) + ethernet(ip, **link)[12:]  # type: ignore[arg-type]
    return FilePacket(data, _time(after_s))


def _time(after_s: float) -> int:
    return START_S * 1_000_000_000 + round(after_s * 1_000_000) * 1000


def connection(host: str = HOST, client_port: int = 40_000, begin_s: float = 1) -> list[FilePacket]:
    """A request and its response, and an end from both sides."""
    # When, who, flags, payload, and how far both sides are by then: client, server.
    steps = (
        (0.0, "client", SYN, 0, 0, 0),
        (0.001, "server", SYN | ACK, 0, 1, 0),
        (0.1, "client", ACK, 0, 1, 1),
        (0.11, "client", PSH | ACK, 100, 1, 1),
        (0.2, "server", ACK, 0, 101, 1),
        (0.5, "server", PSH | ACK, 1000, 101, 1),
        (0.6, "client", ACK, 0, 101, 1001),
        (2.0, "client", FIN | ACK, 0, 101, 1001),
        (2.1, "server", FIN | ACK, 0, 102, 1001),
        (2.2, "client", ACK, 0, 102, 1002),
    )
    found = []
    for at, who, flags, octets, client, server in steps:
        client_at, server_at = 7_000 + client, 9_000 + server
        if who == "client":
            numbers = {"sequence": client_at, "acknowledgement": server_at if flags & ACK else 0}
            segment = tcp(client_port, 443, flags, b"q" * octets, **numbers)
            found.append(into(ipv4(segment, PEER, host), begin_s + at))
        else:
            numbers = {"sequence": server_at, "acknowledgement": client_at}
            segment = tcp(443, client_port, flags, b"r" * octets, **numbers)
            found.append(out(ipv4(segment, host, PEER), begin_s + at))
    return found


def refused() -> list[FilePacket]:
    """A port without a listener."""
    return [
        into(ipv4(tcp(40_001, 8081, SYN), PEER, HOST), 1),
        out(ipv4(tcp(8081, 40_001, RST | ACK), HOST, PEER), 1.0001),
    ]


def ping() -> list[FilePacket]:
    """Two echoes over IPv4, one over IPv6."""
    data = b"p" * 56
    found = []
    for number in (1, 2):
        found += [
            into(ipv4(echo(data, sequence=number), PEER, HOST, ICMP), number),
            out(ipv4(icmp(0, 0, data, sequence=number), HOST, PEER, ICMP), number + 0.01),
        ]
    return [
        *found,
        into(ipv6(icmp(128, 0, data), PEER6, HOST6, ICMPV6), 3),
        out(ipv6(icmp(129, 0, data), HOST6, PEER6, ICMPV6), 3.01),
    ]


def fragments_of(
    payload: bytes, source: str, target: str, protocol: int, number: int
) -> list[bytes]:
    """The IPv4 fragments of a payload on a link of 1500 bytes."""
    return [
        ipv4(
            payload[at : at + 1480],
            source,
            target,
            protocol,
            identification=number,
            fragment_offset=at,
            more_fragments=at + 1480 < len(payload),
        )
        for at in range(0, len(payload), 1480)
    ]


def fragmented_ping() -> list[FilePacket]:
    """4000 bytes of data make three fragments each way, of 4068 bytes."""
    there = fragments_of(echo(b"p" * 4000), PEER, HOST, ICMP, 7)
    back = fragments_of(icmp(0, 0, b"p" * 4000), HOST, PEER, ICMP, 8)
    return [
        *(into(part, 1 + at / 1000) for at, part in enumerate(there)),
        *(out(part, 2 + at / 1000) for at, part in enumerate(back)),
    ]


def udp_fragments() -> list[FilePacket]:
    """Ports stand in the first fragment; a datagram whose first was not seen has none."""
    seen = fragments_of(udp(5000, 6000, b"u" * 3000), PEER, HOST, UDP, 9)
    lost = fragments_of(udp(5000, 6000, b"u" * 3000), PEER, HOST, UDP, 10)[1:]
    return [into(part, 1 + at / 1000) for at, part in enumerate([*seen, *lost])]


def forwarded() -> list[FilePacket]:
    """What the host forwards for others has their addresses and its MAC."""
    there = ipv4(tcp(33_000, 80, SYN), "10.9.0.5", PEER)
    back = ipv4(tcp(80, 33_000, SYN | ACK), PEER, "10.9.0.5")
    aside = ipv4(tcp(33_001, 80, SYN), "10.0.1.20", PEER)
    return [
        out(ipv4(udp(700, 53, b"own"), HOST, PEER, UDP), 0.5),
        out(there, 1),
        into(back, 1.1),
        # Between two other hosts: a promiscuous capture sees it.
        _frame(aside, 2, ROUTER + OTHER),
    ]


def ipv6_extensions() -> list[FilePacket]:
    """The transport is found behind the chain of headers; all of it counts as IP bytes."""
    segment = tcp(40_002, 443, SYN)
    datagram = udp(5000, 6000, b"u" * 2000)
    return [
        into(ipv6(segment, PEER6, HOST6, extensions=[options_header(HOP_BY_HOP)]), 1),
        into(
            ipv6(
                tcp(40_002, 443, ACK, b"x" * 10),
                PEER6,
                HOST6,
                extensions=[options_header(), authentication_header()],
            ),
            1.5,
        ),
        into(
            ipv6(datagram[:1448], PEER6, HOST6, UDP, extensions=[fragment_header(5, 0, more=True)]),
            2,
        ),
        into(ipv6(datagram[1448:], PEER6, HOST6, UDP, extensions=[fragment_header(5, 1448)]), 2.1),
    ]


def vlans() -> list[FilePacket]:
    """Tags are passed over; the padding of a short frame is no part of the packet."""
    return [
        into(ipv4(tcp(40_003, 443, SYN), PEER, HOST), 1, vlans=[5], minimum_bytes=64),
        out(ipv4(tcp(443, 40_003, SYN | ACK), HOST, PEER), 1.1, vlans=[(SERVICE_TAG, 6), 5]),
    ]


def groups() -> list[FilePacket]:
    """Multicast and broadcast count, with the group's address on both sides."""
    packet = ipv4(udp(5353, 5353, b"m"), "10.0.1.20", "224.0.0.251", UDP)
    packet6 = ipv6(udp(5353, 5353, b"m"), "fe80::20", "ff02::fb", UDP)
    return [
        into(packet, 1, "01005e0000fb"),
        out(ipv4(udp(5000, 5001, b"m"), HOST, "239.1.1.1", UDP), 2, "01005e010101"),
        into(ipv4(udp(9, 9, b"b"), "10.0.1.20", "255.255.255.255", UDP), 3, "f" * 12),
        into(ipv4(udp(9, 9, b"b"), "10.0.1.20", "10.0.1.255", UDP), 4, "f" * 12),
        into(packet6, 5, "3333000000fb"),
    ]


def never_logged() -> list[FilePacket]:
    """What AWS leaves out, and what is close to it and is logged."""
    return [
        out(ipv4(udp(68, 67, b"d" * 240), "0.0.0.0", "255.255.255.255", UDP), 1, "f" * 12),
        into(ipv4(udp(67, 68, b"o" * 240), "10.0.1.1", HOST, UDP), 1.1),
        out(ipv4(tcp(40_004, 80, SYN), HOST, "169.254.169.254"), 2),
        into(ipv4(tcp(80, 40_004, SYN | ACK), "169.254.169.254", HOST), 2.1),
        out(ipv4(udp(123, 123, b"t" * 48), HOST, "169.254.169.123", UDP), 3),
        out(ipv4(udp(40_005, 53, b"n" * 30), HOST, "10.0.0.2", UDP), 4),
        into(ipv4(udp(53, 40_005, b"a" * 60), "10.0.0.2", HOST, UDP), 4.1),
        out(ipv4(udp(40_006, 53, b"n" * 30), HOST, "198.51.100.53", UDP), 5),
        out(ipv4(echo(b"p" * 56), HOST, "10.0.1.1", ICMP), 6),
        out(ipv4(tcp(40_007, 53, SYN), HOST, "10.0.3.2"), 7),
    ]


def neighbours() -> list[FilePacket]:
    """What keeps a link going is no traffic of the interface."""
    arp_body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + b"\0" * 20
    solicitation = icmp(135, 0, b"\0" * 24)
    return [
        out(arp_body, 1, "f" * 12, ethertype=ETHERTYPE_ARP, minimum_bytes=60),
        into(arp_body, 1.1, ethertype=ETHERTYPE_ARP, minimum_bytes=60),
        out(ipv6(solicitation, HOST6, "ff02::1:ff00:7", ICMPV6), 2, "3333ff000007"),
        into(ipv6(icmp(136, 0, b"\0" * 24), PEER6, HOST6, ICMPV6), 2.1),
        out(ipv6(icmp(143, 0, b"\0" * 24), "fe80::10", "ff02::16", ICMPV6), 3, "333300000016"),
        into(b"\2\7\4" + b"\0" * 50, 4, "0180c200000e", ethertype=ETHERTYPE_LLDP),
        into(ipv6(icmp(1, 4, b"\0" * 44), PEER6, HOST6, ICMPV6), 5),
    ]


def intervals() -> list[FilePacket]:
    """One flow over four minutes, silent in the third."""
    return [
        into(ipv4(udp(5000, 6000, b"x" * size), PEER, HOST, UDP), at)
        for at, size in ((25.0, 10), (59.999999, 11), (60.0, 12), (119.5, 13), (190.25, 14))
    ]


def disorder() -> list[FilePacket]:
    """Packets change places across the end of a minute; then the clock is an hour back."""
    times = (58.0, 60.001, 59.999, 61.0, -3540.0, -3539.0)
    return [
        into(ipv4(udp(5000, 6000, bytes(10 + at)), PEER, HOST, UDP), time)
        for at, time in enumerate(times)
    ]


def broken() -> list[FilePacket]:
    """Cut and wrong packets, each with a place in the counts; their neighbours are whole."""
    good = into(ipv4(tcp(40_008, 443, SYN), PEER, HOST), 1)
    cut = into(ipv4(tcp(40_008, 443, ACK, b"x" * 1000), PEER, HOST), 2)
    return [
        good,
        replace(cut, data=cut.data[:54], wire_bytes=len(cut.data)),
        replace(cut, data=cut.data[:30], wire_bytes=len(cut.data), time_ns=_time(3)),
        replace(cut, data=cut.data[:10], wire_bytes=10, time_ns=_time(4)),
        into(ipv4(tcp(1, 2), PEER, HOST, header_words=3), 5),
        into(ipv4(tcp(1, 2), PEER, HOST, total_length=19), 6),
        into(ipv4(tcp(1, 2), PEER, HOST, version=7), 7, ethertype=0x0800),
        replace(good, time_ns=_time(8)),
    ]


def cooked() -> list[FilePacket]:
    """Linux's own link type tells the direction without a MAC."""
    there = linux_sll2(ipv4(tcp(40_009, 443, SYN), PEER, HOST), packet_type=0)
    back = linux_sll2(ipv4(tcp(443, 40_009, SYN | ACK), HOST, PEER), packet_type=4)
    forwarded_one = linux_sll2(ipv4(tcp(1, 2, SYN), "10.9.0.5", PEER), packet_type=4)
    return [
        FilePacket(data, _time(at), direction=direction, link_type=LinkType.LINUX_SLL2)
        for at, data, direction in (
            (1.0, there, _RECEIVED),
            (1.1, back, _SENT),
            (2.0, forwarded_one, _SENT),
        )
    ]


def two_interfaces() -> tuple[bytes, list[FilePacket]]:
    """A pcapng file of two interfaces, one of them with nanoseconds."""
    first = replace(into(ipv4(tcp(40_010, 443, SYN), PEER, HOST), 59), direction=_RECEIVED)
    second = replace(out(ipv4(tcp(443, 40_010, SYN | ACK), HOST, PEER), 60), direction=_SENT)
    second = replace(second, time_ns=second.time_ns - 1, device=1)
    blocks = [
        file.section(),
        file.interface(),
        file.interface(resolution=9),
        file.enhanced(first),
        file.enhanced(second, number=1, units=second.time_ns),
    ]
    return b"".join(blocks), [first, second]


def captures() -> Iterable[GoldenCapture]:
    """Every golden capture."""
    plain = {
        "connection": connection(),
        "refused": refused(),
        "ping": ping(),
        "fragmented-ping": fragmented_ping(),
        "udp-fragments": udp_fragments(),
        "secondary-address": connection() + connection(SECOND, begin_s=5),
        "forwarded": forwarded(),
        "ipv6-extensions": ipv6_extensions(),
        "vlans": vlans(),
        "groups": groups(),
        "neighbours": neighbours(),
        "intervals": intervals(),
        "disorder": disorder(),
        "broken": broken(),
    }
    for name, packets in plain.items():
        yield GoldenCapture(f"{name}.pcap", file.pcap(packets), tuple(packets))
    packets = never_logged()
    yield GoldenCapture(
        "never-logged.pcap",
        file.pcap(packets, order=">", magic=file.NANOSECONDS),
        tuple(packets),
        ("--inventory", str(FOLDER / INVENTORY)),
    )
    packets = cooked()
    yield GoldenCapture("cooked.pcap", file.pcap(packets, link_number=276), tuple(packets))
    content, packets = two_interfaces()
    yield GoldenCapture("two-interfaces.pcapng", content, tuple(packets))
    packets = connection()
    whole = file.pcap(packets)
    yield GoldenCapture("connection.pcap.gz", gzip.compress(whole, mtime=0), tuple(packets))
    packed = zstandard.ZstdCompressor().compress(whole)
    yield GoldenCapture("connection.pcap.zst", packed, tuple(packets))


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for capture in captures():
        (FOLDER / capture.name).write_bytes(capture.content)


if __name__ == "__main__":
    main()
