"""What ``parse_kernels`` does, in plain Python: slow, short, and what tests compare it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from vpcflow.capture.header_kernels import IPV6_EXTENSIONS_MAX, VLAN_TAGS_MAX
from vpcflow.capture.packet_batch import LinkType
from vpcflow.capture.parse_kernels import (
    FRAGMENT_LIFE_NS,
    IPV6_PAYLOAD_MAX,
)
from vpcflow.capture.parsed_columns import (
    ARP,
    COLUMN_COUNT,
    COUNT_WORD,
    DESTINATION_0,
    DESTINATION_1,
    FLOW_WORD,
    FRAGMENT_BIT,
    HASH,
    ICMP_CODE_SHIFT,
    ICMP_TYPE_SHIFT,
    IDENTITY_WORD,
    IP_BYTES,
    LATER_FRAGMENT_BIT,
    MALFORMED,
    METERED,
    NOT_IP,
    PROTOCOL_SHIFT,
    SOURCE_0,
    SOURCE_1,
    STATUS,
    TCP_FLAGS_SHIFT,
    TCP_HEADER_FLAGS_SHIFT,
    TCP_NUMBERS,
    TCP_TIMESTAMPS,
    TIME_NS,
    TIMESTAMPS_BIT,
    TRANSPORT_WORD,
    TRUNCATED,
)

_WORD = (1 << 64) - 1
_TAGS: Final = {0x8100, 0x88A8, 0x9100}
_WITH_PORTS: Final = {6, 17, 33, 132, 136}
_EXTENSIONS: Final = {0, 43, 44, 51, 60}
_HEADER_BYTES: Final = {1: 8, 17: 8, 58: 8, 132: 12, 136: 8}
#: By link type: bytes before IP, and where the type of what follows stands.
_LINKS: Final = {
    LinkType.ETHERNET: (14, 12),
    LinkType.LINUX_SLL: (16, 14),
    LinkType.LINUX_SLL2: (20, 0),
}


def fold(left: int, right: int) -> int:
    """The halves of the 128-bit product, joined by exclusive or."""
    product = left * right
    return product >> 64 ^ product & _WORD


class _NoFlow(Exception):  # noqa: N818
    """The packet makes no flow; why is its status."""

    def __init__(self, status: int) -> None:
        self.status = status


@dataclass
class ReferenceFragments:
    """A fragment cache: what it is of, by place, and the counts of the kernel."""

    entries: int
    seeds: list[int]
    places: dict[int, tuple[bytes, int, int, int]] = field(default_factory=dict)
    ports_cut: int = 0
    unmatched: int = 0
    matched: int = 0


@dataclass
class _Ip:
    """What an IP header says."""

    addresses: bytes
    protocol: int
    at: int
    total: int
    offset: int = 0
    fragment: bool = False
    number: int = 0


def _need(data: bytes, wire: int, length: int) -> None:
    if len(data) < length:
        raise _NoFlow(TRUNCATED if wire >= length else MALFORMED)


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _past_link(data: bytes, wire: int, link: LinkType) -> tuple[int, int]:
    """The IP version that the link names (0: none), and where IP starts."""
    if link == LinkType.RAW:
        return 0, 0
    if link in {LinkType.NULL, LinkType.LOOP}:
        _need(data, wire, 4)
        families = {_number(data, 0, 4), int.from_bytes(data[:4], "little")}
        if 2 in families:
            return 4, 4
        if families & {10, 24, 28, 30}:
            return 6, 4
        raise _NoFlow(NOT_IP)
    at, type_at = _LINKS[link]
    _need(data, wire, at)
    ethertype = _number(data, type_at, 2)
    for _ in range(VLAN_TAGS_MAX):
        if ethertype in _TAGS:
            _need(data, wire, at + 4)
            ethertype = _number(data, at + 2, 2)
            at += 4
    if ethertype == 0x0806:
        raise _NoFlow(ARP)
    if ethertype not in {0x0800, 0x86DD}:
        raise _NoFlow(NOT_IP)
    return (4 if ethertype == 0x0800 else 6), at


def _ipv4(data: bytes, wire: int) -> _Ip:
    _need(data, wire, 20)
    at, total = data[0] % 16 * 4, _number(data, 2, 2) or wire
    if at < 20 or total < at:
        raise _NoFlow(MALFORMED)
    mapped = b"\0" * 10 + b"\xff\xff"
    bits = _number(data, 6, 2)
    return _Ip(
        mapped + data[12:16] + mapped + data[16:20],
        data[9],
        at,
        total,
        bits % 0x2000 * 8,
        bool(bits & 0x3FFF),
        _number(data, 4, 2),
    )


def _ipv6(data: bytes, wire: int, segment: int) -> _Ip:
    _need(data, wire, 40)
    payload, protocol = _number(data, 4, 2), data[6]
    if payload == 0 and protocol != 59 and (segment > 0 or wire > 40 + IPV6_PAYLOAD_MAX):
        payload = wire - 40
    ip = _Ip(data[8:40], protocol, 40, 40 + payload)
    inside = data[: ip.total]
    for _ in range(IPV6_EXTENSIONS_MAX):
        if ip.protocol not in _EXTENSIONS or len(inside) < ip.at + 8:
            break
        size = 8
        if ip.protocol == 51:
            size = (inside[ip.at + 1] + 2) * 4
        elif ip.protocol == 44:
            bits = _number(inside, ip.at + 2, 2)
            ip.offset, ip.number = bits // 8 * 8, _number(inside, ip.at + 4, 4)
            ip.fragment = bits & 0xFFF9 != 0
        else:
            size += inside[ip.at + 1] * 8
        if len(inside) < ip.at + size:
            break
        ip.protocol = inside[ip.at]
        ip.at += size
        if ip.offset:
            break
    return ip


def _timestamps(options: bytes) -> tuple[int, int] | None:
    at = 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            return None
        if options[at] == 8 and size == 10:
            return _number(options, at + 2, 4), _number(options, at + 6, 4)
        at += size
    return None


def _tcp(transport: bytes, columns: list[int]) -> int:
    """The columns of TCP alone; how long its header is."""
    if len(transport) < 14:
        return 20
    raw, header = transport[13], max(transport[12] // 16 * 4, 20)
    flags = raw & 7 | (16 if raw & 18 == 18 else 0)
    columns[COUNT_WORD] |= flags << TCP_FLAGS_SHIFT
    columns[TCP_NUMBERS] = _number(transport, 4, 4) | _number(transport, 8, 4) << 32
    columns[TRANSPORT_WORD] |= raw << TCP_HEADER_FLAGS_SHIFT
    times = _timestamps(transport[20:header])
    if times is not None:
        columns[TCP_TIMESTAMPS] = times[0] | times[1] << 32
        columns[TRANSPORT_WORD] |= 1 << TIMESTAMPS_BIT
    return header


def _fragment(ip: _Ip, hashed: int, time_ns: int, flow: int, fragments: ReferenceFragments) -> int:
    """Ports and protocol of a fragment, remembered or looked up."""
    key = 1 << 63 | ip.protocol << 32 | ip.number
    mixed = fold(hashed ^ fragments.seeds[6], key ^ fragments.seeds[7])
    place = (mixed >> 32) % fragments.entries
    if ip.offset == 0:
        fragments.places[place] = (ip.addresses, key, flow, time_ns)
        return flow
    addresses, of, ports, first_ns = fragments.places.get(place, (b"", 0, 0, 0))
    if (addresses, of) != (ip.addresses, key) or abs(time_ns - first_ns) > FRAGMENT_LIFE_NS:
        fragments.unmatched += 1
        return flow
    fragments.matched += 1
    return ports


def _parse_ip(
    data: bytes, wire: int, version: int, segment: int, time_ns: int, fragments: ReferenceFragments
) -> list[int]:
    _need(data, wire, 1)
    said = data[0] >> 4
    if said not in {4, 6} or version not in {0, said}:
        raise _NoFlow(MALFORMED)
    ip = _ipv4(data, wire) if said == 4 else _ipv6(data, wire, segment)
    columns = [0] * COLUMN_COUNT
    words = [int.from_bytes(ip.addresses[i : i + 8], "little") for i in range(0, 32, 8)]
    columns[SOURCE_0], columns[SOURCE_1], columns[DESTINATION_0], columns[DESTINATION_1] = words
    seeds = fragments.seeds
    hashed = fold(words[0] ^ seeds[0], words[1] ^ seeds[1]) ^ fold(
        words[2] ^ seeds[2], words[3] ^ seeds[3]
    )
    transport = data[ip.at : ip.total]
    flow = ip.protocol << PROTOCOL_SHIFT
    header, number, packets = 0, ip.number, 1
    if ip.offset == 0:
        if ip.protocol in _WITH_PORTS:
            if len(transport) >= 4:
                flow |= _number(transport, 0, 2) | _number(transport, 2, 2) << 16
            else:
                fragments.ports_cut += ip.total >= ip.at + 4
        if ip.protocol == 6:
            header = _tcp(transport, columns)
        header = _HEADER_BYTES.get(ip.protocol, header)
        if ip.protocol in {1, 58}:
            if len(transport) >= 2:
                kinds = transport[0] << ICMP_TYPE_SHIFT | transport[1] << ICMP_CODE_SHIFT
                columns[TRANSPORT_WORD] |= kinds
            if said == 6 and len(transport) >= 8 and not ip.fragment:
                number = _number(transport, 4, 4)
    payload = max(ip.total - ip.at - header, 0)
    if segment > 0 and ip.offset == 0 and ip.protocol in {6, 17}:
        packets = max(-(-payload // segment), 1)
    if ip.fragment:
        later = 1 << LATER_FRAGMENT_BIT if ip.offset else 0
        columns[TRANSPORT_WORD] |= 1 << FRAGMENT_BIT | later
        flow = _fragment(ip, hashed, time_ns, flow, fragments)
    columns[FLOW_WORD] = flow
    columns[COUNT_WORD] |= packets
    columns[IP_BYTES] = ip.total + (packets - 1) * (ip.at + header)
    columns[HASH] = fold(hashed ^ seeds[4], flow ^ seeds[5])
    columns[TRANSPORT_WORD] |= payload
    columns[IDENTITY_WORD] = number | ip.offset // 8 << 32 | ip.total % 65_536 << 48
    return columns


def parse_packet(
    data: bytes,
    wire: int,
    link: LinkType,
    time_ns: int,
    segment: int,
    fragments: ReferenceFragments,
) -> list[int]:
    """All columns of one packet, of which ``data`` was captured and ``wire`` bytes were there."""
    wire = max(wire, len(data))
    try:
        version, at = _past_link(data, wire, link)
        columns = _parse_ip(data[at:], wire - at, version, segment, time_ns, fragments)
        columns[STATUS] = METERED
    except _NoFlow as reason:
        columns = [0] * COLUMN_COUNT
        columns[STATUS], columns[COUNT_WORD], columns[IP_BYTES] = reason.status, 1, wire
    columns[TIME_NS] = time_ns
    return columns
