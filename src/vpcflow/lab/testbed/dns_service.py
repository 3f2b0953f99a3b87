"""A DNS server for the lab's names: A and AAAA over UDP, everything else does not exist."""

from __future__ import annotations

import asyncio
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import cast

from vpcflow.lab.testbed.topology import DNS_DOMAIN, HOSTS

TYPE_A, TYPE_AAAA = 1, 28
_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
#: A pointer to the question's name, class IN, time to live; then the address.
_ANSWER = struct.Struct("!HHHIH")
_NAME_POINTER = 0xC00C
_TTL_S = 60
_RESPONSE, _FORMAT_ERROR, _NO_SUCH_NAME = 0x8580, 0x8581, 0x8583


class DnsProtocol(asyncio.DatagramProtocol):
    """Answers each datagram on its own."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (answer := answer_query(data)) is not None:
            self._transport.sendto(answer, addr)


def query_message(query_id: int, name: str, query_type: int) -> bytes:
    """A query as it goes over the wire."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    header = _HEADER.pack(query_id, 0x0100, 1, 0, 0, 0)
    return header + labels + b"\0" + _QUESTION.pack(query_type, 1)


def answer_query(query: bytes) -> bytes | None:
    """The answer to a query; None for what has no header or is an answer itself."""
    if len(query) < _HEADER.size:
        return None
    query_id, flags, questions, *_ = _HEADER.unpack_from(query)
    if flags & 0x8000:
        return None
    question = _question(query) if questions == 1 else None
    if question is None:
        return _HEADER.pack(query_id, _FORMAT_ERROR, 0, 0, 0, 0)
    name, query_type, end = question
    asked = query[_HEADER.size : end]
    addresses = _addresses(name, query_type)
    if addresses is None:
        return _HEADER.pack(query_id, _NO_SUCH_NAME, 1, 0, 0, 0) + asked
    answers = b"".join(
        _ANSWER.pack(_NAME_POINTER, query_type, 1, _TTL_S, len(address.packed)) + address.packed
        for address in addresses
    )
    return _HEADER.pack(query_id, _RESPONSE, 1, len(addresses), 0, 0) + asked + answers


def _question(query: bytes) -> tuple[str, int, int] | None:
    labels = []
    place = _HEADER.size
    while place < len(query) and (length := query[place]):
        labels.append(query[place + 1 : place + 1 + length].decode("latin-1").lower())
        place += 1 + length
    end = place + 1 + _QUESTION.size
    # A compressed name has no place in a query's only question, and is longer than a label may be.
    if end > len(query) or any(len(label) > 63 for label in labels):
        return None
    query_type, _ = _QUESTION.unpack_from(query, place + 1)
    return ".".join(labels), query_type, end


def _addresses(name: str, query_type: int) -> list[IPv4Address] | list[IPv6Address] | None:
    first, _, domain = name.partition(".")
    host = HOSTS.get(first) if domain == DNS_DOMAIN else None
    if host is None:
        return None
    if query_type == TYPE_A:
        return [address.ip for address in host.ipv4]
    return list(host.ipv6) if query_type == TYPE_AAAA else []
