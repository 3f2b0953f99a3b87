"""Packets built from the fields of their headers, and packet batches of them.

Every layer is a function from a payload to bytes, so that a packet reads from the outside in:
``ethernet(ipv4(tcp(1234, 80, SYN), "10.0.0.1", "10.0.0.2"), vlans=[5])``. Lengths and checksums
are right unless a test says otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from vpcflow.capture.packet_batch import LinkType, PacketBatch, PacketDirection

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ICMP, TCP, UDP, ICMPV6, SCTP, DCCP, UDP_LITE = 1, 6, 17, 58, 132, 33, 136
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS = 0, 43, 44, 51, 60
ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6, ETHERTYPE_LLDP = 0x0800, 0x0806, 0x86DD, 0x88CC
VLAN_TAG, SERVICE_TAG = 0x8100, 0x88A8

#: How many readable bytes follow every packet of a batch.
GUARD_BYTES = 64
T0_NS = 1_700_000_000_000_000_000


def checksum(data: bytes) -> int:
    """The internet checksum."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


_CHECKSUM_AT = {TCP: 16, UDP: 6, ICMPV6: 2}


def _with_checksum(payload: bytes, protocol: int, source: bytes, destination: bytes) -> bytes:
    """The transport's checksum where it is still 0."""
    at = _CHECKSUM_AT.get(protocol)
    if at is None or len(payload) < at + 2 or payload[at : at + 2] != b"\0\0":
        return payload
    pseudo = source + destination + struct.pack("!II", len(payload), protocol)
    value = checksum(pseudo + payload) or (0xFFFF if protocol == UDP else 0)
    return payload[:at] + struct.pack("!H", value) + payload[at + 2 :]


def timestamp_option(value: int, echo: int) -> bytes:
    """TCP's timestamp option, without padding: 10 bytes."""
    return struct.pack("!BBII", 8, 10, value, echo)


def tcp(
    source_port: int,
    destination_port: int,
    flags: int = ACK,
    payload: bytes = b"",
    *,
    sequence: int = 0,
    acknowledgement: int = 0,
    options: bytes = b"",
    header_words: int | None = None,
) -> bytes:
    """A TCP segment; options are padded with ends of options."""
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if header_words is None else header_words
    return (
        struct.pack(
            "!HHIIBBHHH",
            source_port,
            destination_port,
            sequence,
            acknowledgement,
            words << 4,
            flags,
            0xFFFF,
            0,
            0,
        )
        + options
        + payload
    )


def udp(
    source_port: int, destination_port: int, payload: bytes = b"", *, length: int | None = None
) -> bytes:
    """A UDP datagram."""
    length = 8 + len(payload) if length is None else length
    return struct.pack("!HHHH", source_port, destination_port, length, 0) + payload


def icmp(
    kind: int, code: int = 0, payload: bytes = b"", *, identifier: int = 0, sequence: int = 0
) -> bytes:
    """An ICMP or ICMPv6 message; only ICMP's checksum is filled in here."""
    return struct.pack("!BBHHH", kind, code, 0, identifier, sequence) + payload


def echo(payload: bytes = b"", *, identifier: int = 1, sequence: int = 1) -> bytes:
    """An ICMP echo request with its checksum."""
    message = icmp(8, 0, payload, identifier=identifier, sequence=sequence)
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def ipv4(
    payload: bytes,
    source: str,
    destination: str,
    protocol: int = TCP,
    *,
    options: bytes = b"",
    identification: int = 0,
    fragment_offset: int = 0,
    more_fragments: bool = False,
    dont_fragment: bool = False,
    total_length: int | None = None,
    header_words: int | None = None,
    version: int = 4,
    ttl: int = 64,
) -> bytes:
    """An IPv4 packet; ``fragment_offset`` in bytes, a multiple of 8."""
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if header_words is None else header_words
    length = 20 + len(options) + len(payload) if total_length is None else total_length
    from_bytes, to_bytes = ip_address(source).packed, ip_address(destination).packed
    if not fragment_offset and not more_fragments:
        payload = _with_checksum(payload, protocol, from_bytes, to_bytes)
    fragment = fragment_offset // 8 | more_fragments << 13 | dont_fragment << 14
    header = (
        struct.pack(
            "!BBHHHBBH",
            version << 4 | words,
            0,
            length,
            identification,
            fragment,
            ttl,
            protocol,
            0,
        )
        + from_bytes
        + to_bytes
        + options
    )
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


@dataclass(frozen=True)
class Extension:
    """An IPv6 extension header: its number, and its bytes after the next header's number."""

    number: int
    body: bytes


def options_header(number: int = DESTINATION_OPTIONS, units: int = 0) -> Extension:
    """Hop-by-hop or destination options, or a routing header, of 8 + 8 * ``units`` bytes."""
    size = 6 + 8 * units
    padding = b"" if number == ROUTING else struct.pack("BB", 1, min(size - 2, 255))
    return Extension(number, bytes([units]) + padding + b"\0" * (size - len(padding)))


def authentication_header(words: int = 3) -> Extension:
    """An authentication header with ``words`` 32-bit words of check value."""
    return Extension(AUTHENTICATION, struct.pack("!BHII", words + 1, 0, 1, 1) + b"\1" * 4 * words)


def fragment_header(identification: int, offset: int = 0, more: bool = False) -> Extension:
    """A fragment header; ``offset`` in bytes, a multiple of 8."""
    return Extension(FRAGMENT, struct.pack("!BHI", 0, offset | more, identification))


def ipv6(
    payload: bytes,
    source: str,
    destination: str,
    protocol: int = TCP,
    *,
    extensions: Sequence[Extension] = (),
    payload_length: int | None = None,
    version: int = 6,
    flow_label: int = 0,
    hop_limit: int = 64,
) -> bytes:
    """An IPv6 packet with a chain of extension headers."""
    from_bytes, to_bytes = ip_address(source).packed, ip_address(destination).packed
    if all(part.number != FRAGMENT for part in extensions):
        payload = _with_checksum(payload, protocol, from_bytes, to_bytes)
    numbers = [part.number for part in extensions] + [protocol]
    chain = b"".join(
        bytes([following]) + part.body
        for part, following in zip(extensions, numbers[1:], strict=True)
    )
    length = len(chain) + len(payload) if payload_length is None else payload_length
    return (
        struct.pack("!IHBB", version << 28 | flow_label, length, numbers[0], hop_limit)
        + from_bytes
        + to_bytes
        + chain
        + payload
    )


def _ethertype(payload: bytes) -> int:
    return ETHERTYPE_IPV6 if payload[:1] and payload[0] >> 4 == 6 else ETHERTYPE_IPV4


def ethernet(
    payload: bytes,
    ethertype: int | None = None,
    *,
    vlans: Sequence[int | tuple[int, int]] = (),
    minimum_bytes: int = 0,
) -> bytes:
    """An Ethernet frame; ``vlans`` from the outside in, a number or a pair of TPID and number."""
    frame = bytes.fromhex("020000000002 020000000001")
    for vlan in vlans:
        tag, number = vlan if isinstance(vlan, tuple) else (VLAN_TAG, vlan)
        frame += struct.pack("!HH", tag, number)
    ethertype = _ethertype(payload) if ethertype is None else ethertype
    frame += struct.pack("!H", ethertype) + payload
    return frame + b"\xee" * (minimum_bytes - len(frame))


def arp() -> bytes:
    """An ARP request."""
    body = struct.pack("!HHBBH", 1, ETHERTYPE_IPV4, 6, 4, 1) + b"\0" * 20
    return ethernet(body, ETHERTYPE_ARP, minimum_bytes=60)


def null(payload: bytes, family: int | None = None, *, order: str = "<") -> bytes:
    """A frame of a BSD loopback device: NULL with the host's order, LOOP with ``order='>'``."""
    if family is None:
        family = 30 if _ethertype(payload) == ETHERTYPE_IPV6 else 2
    return struct.pack(f"{order}I", family) + payload


def linux_sll(payload: bytes, ethertype: int | None = None, *, packet_type: int = 0) -> bytes:
    """A Linux cooked frame, version 1."""
    ethertype = _ethertype(payload) if ethertype is None else ethertype
    return struct.pack("!HHH8sH", packet_type, 1, 6, b"\2" * 8, ethertype) + payload


def linux_sll2(payload: bytes, ethertype: int | None = None, *, packet_type: int = 0) -> bytes:
    """A Linux cooked frame, version 2."""
    ethertype = _ethertype(payload) if ethertype is None else ethertype
    return struct.pack("!HHIHBB8s", ethertype, 0, 1, 1, packet_type, 6, b"\2" * 8) + payload


@dataclass(frozen=True)
class Captured:
    """A packet with what the source knows about it; ``wire_bytes`` None: nothing was cut."""

    data: bytes
    time_ns: int = T0_NS
    wire_bytes: int | None = None
    device: int = 0
    direction: PacketDirection = PacketDirection.RECEIVED
    segment_bytes: int = 0


def packet_batch(
    packets: Sequence[bytes | Captured],
    link_type: LinkType = LinkType.ETHERNET,
    *,
    guard: bytes = b"\xa5",
) -> PacketBatch:
    """A batch of the packets; the bytes between them are filled with ``guard``."""
    captured = [item if isinstance(item, Captured) else Captured(item) for item in packets]
    filling = (guard * GUARD_BYTES)[:GUARD_BYTES]
    parts, offsets, at = [filling], [], GUARD_BYTES
    for item in captured:
        offsets.append(at)
        parts += [item.data, filling]
        at += len(item.data) + GUARD_BYTES
    return PacketBatch(
        link_type=link_type,
        data=np.frombuffer(b"".join(parts), np.uint8),
        offset=np.array(offsets, np.int64),
        captured_bytes=np.array([len(item.data) for item in captured], np.int32),
        wire_bytes=np.array(
            [len(item.data) if item.wire_bytes is None else item.wire_bytes for item in captured],
            np.int32,
        ),
        time_ns=np.array([item.time_ns for item in captured], np.int64),
        device=np.array([item.device for item in captured], np.int32),
        direction=np.array([item.direction for item in captured], np.int8),
        segment_bytes=np.array([item.segment_bytes for item in captured], np.int32),
    )
