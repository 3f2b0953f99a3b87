"""What a scenario can do on its host: connect, fetch, upload, ping, ask the DNS."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import socket
import struct
from collections.abc import AsyncIterator, Mapping

from vpcflow.lab.testbed.dns_service import query_message
from vpcflow.lab.testbed.http_service import get_request, post_head, read_answer
from vpcflow.lab.testbed.summary import (
    TCP_INFO_BYTES,
    TCP_INFO_BYTES_RECEIVED_OFFSET,
    LabFlow,
    Outcome,
    ScenarioSummary,
)
from vpcflow.lab.testbed.topology import DNS_ADDRESS

#: Below the first retransmission of a SYN (1 s), so that an attempt is one packet.
ANSWER_TIMEOUT_S = 0.8
TRANSFER_TIMEOUT_S = 120.0
MTU = 1500
_ECHO = struct.Struct("!BBHHH")
_CHUNK = b"u" * 65_536


class Connection:
    """An established TCP connection and the flow that it will be reported as."""

    def __init__(
        self, flow: LabFlow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.flow = flow
        self._reader = reader
        self._writer = writer
        self._end_bytes = 0

    async def send(self, data: bytes) -> None:
        """Send, and wait while the other side is slower."""
        self._writer.write(data)
        self.flow.bytes_sent += len(data)
        await self._writer.drain()

    async def get(self, path: str) -> int:
        """Fetch a path; the body's length."""
        await self.send(get_request(self.flow.destination, path))
        return len(await read_answer(self._reader))

    async def post(self, path: str, length: int) -> None:
        """Upload ``length`` bytes and wait for the answer."""
        await self.send(post_head(self.flow.destination, path, length))
        for start in range(0, length, len(_CHUNK)):
            await self.send(_CHUNK[: min(len(_CHUNK), length - start)])
        await read_answer(self._reader)

    async def line(self) -> bytes:
        """Wait for one line."""
        return await self._reader.readline()

    async def exactly(self, length: int) -> bytes:
        """Wait for so many bytes."""
        return await self._reader.readexactly(length)

    async def finish(self) -> None:
        """Close our side first, wait for the other's, then read the kernel's counts."""
        self._writer.write_eof()
        await self._reader.read()
        # The kernel counts the other side's FIN as a byte.
        self._end_bytes = 1

    def close(self) -> None:
        """Report what the kernel counted and let go."""
        connection = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            self.flow.take_packets(connection)
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
            (received,) = struct.unpack_from("=Q", info, TCP_INFO_BYTES_RECEIVED_OFFSET)
            self.flow.bytes_received = received - self._end_bytes
        self._writer.close()


class Actor:
    """One run of a scenario: its choices, its pace, and what it has done so far."""

    def __init__(
        self,
        summary: ScenarioSummary,
        options: Mapping[str, int | str],
        *,
        seed: int,
        speed: float,
    ) -> None:
        self.summary = summary
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._options = options
        self._speed = speed

    def number(self, name: str) -> int:
        """A numeric option."""
        return int(self._options[name])

    def text(self, name: str) -> str:
        """A textual option."""
        return str(self._options[name])

    async def pause(self, seconds: float) -> None:
        """Let time pass, less of it when the lab runs faster."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), seconds / self._speed)

    @contextlib.asynccontextmanager
    async def connect(
        self, address: str, port: int, *, source: str | None = None
    ) -> AsyncIterator[Connection | None]:
        """A connection, closed and reported at the end; None when there was no answer or a no."""
        flow, opened = await self._open(address, port, source)
        connection = None
        try:
            if opened is not None:
                reader, writer = await asyncio.open_connection(sock=opened)
                connection = Connection(flow, reader, writer)
            async with asyncio.timeout(TRANSFER_TIMEOUT_S):
                yield connection
                if connection is not None:
                    await connection.finish()
        except (OSError, TimeoutError, EOFError, ValueError):
            flow.outcome = Outcome.FAILED
        finally:
            if connection is not None:
                connection.close()
            self.summary.add(flow)

    async def _open(
        self, address: str, port: int, source: str | None
    ) -> tuple[LabFlow, socket.socket | None]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setblocking(False)
        flow = LabFlow("tcp", source or "", 0, address, port)
        try:
            if source:
                opened.bind((source, 0))
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(opened, (address, port))
            flow.outcome = Outcome.ANSWERED
        except TimeoutError:
            flow.outcome = Outcome.UNANSWERED
        except OSError as error:
            refused = error.errno in (errno.ECONNREFUSED, errno.ECONNRESET)
            flow.outcome = Outcome.REFUSED if refused else Outcome.FAILED
        flow.source, flow.source_port = opened.getsockname()[:2]
        if flow.outcome is Outcome.ANSWERED:
            return flow, opened
        with contextlib.suppress(OSError):
            flow.take_packets(opened)
        opened.close()
        return flow, None

    async def try_port(self, address: str, port: int) -> None:
        """Connect and close at once, as a scanner does."""
        async with self.connect(address, port):
            pass

    async def datagram(self, address: str, port: int, data: bytes, *, wait: bool) -> bytes:
        """Send one UDP datagram; its answer, empty when none came or none is waited for."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as opened:
            opened.setblocking(False)
            opened.connect((address, port))
            source, source_port = opened.getsockname()[:2]
            flow = LabFlow("udp", source, source_port, address, port, bytes_sent=len(data))
            answer = b""
            loop = asyncio.get_running_loop()
            with contextlib.suppress(TimeoutError, OSError):
                await loop.sock_sendto(opened, data, (address, port))
                flow.packets_sent = _fragments(len(data) + 8, family)
                if wait:
                    async with asyncio.timeout(ANSWER_TIMEOUT_S):
                        answer = await loop.sock_recv(opened, 65_535)
        if answer:
            flow.outcome = Outcome.ANSWERED
            flow.packets_received, flow.bytes_received = 1, len(answer)
        self.summary.add(flow)
        return answer

    async def ask_dns(self, name: str, query_type: int) -> bytes:
        """Ask the lab's DNS server; its whole answer."""
        query = query_message(self.random.randrange(1 << 16), name, query_type)
        return await self.datagram(str(DNS_ADDRESS), 53, query, wait=True)

    async def ping(
        self, address: str, count: int, size: int = 56, *, interval_s: float = 1.0
    ) -> None:
        """Send echo requests one after another, each waits for its reply.

        Units: ``size`` is payload bytes; packets count fragments as they cross the wire.
        """
        six = ":" in address
        family = socket.AF_INET6 if six else socket.AF_INET
        protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
        flow = LabFlow("icmpv6" if six else "icmp", "", 0, address, 0)
        with socket.socket(family, socket.SOCK_RAW, protocol) as opened:
            opened.setblocking(False)
            opened.connect((address, 0))
            flow.source = opened.getsockname()[0]
            flow.packets_sent = flow.packets_received = 0
            identifier = self.random.randrange(1, 1 << 16)
            for number in range(count):
                if number:
                    await self.pause(interval_s)
                message = _echo_request(identifier, number, size, six=six)
                replied = await self._echo(opened, message, six=six)
                fragments = _fragments(len(message), family)
                flow.packets_sent += fragments
                flow.bytes_sent += len(message)
                if replied:
                    flow.packets_received += fragments
                    flow.bytes_received += len(message)
                    flow.outcome = Outcome.ANSWERED
        self.summary.add(flow)

    async def _echo(self, opened: socket.socket, message: bytes, *, six: bool) -> bool:
        loop = asyncio.get_running_loop()
        # With IPv4 a raw socket gives the IP header too; type 129 or 0 is the reply.
        skip, reply = (0, 129) if six else (20, 0)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await loop.sock_sendall(opened, message)
                while True:
                    answer = (await loop.sock_recv(opened, 65_535))[skip:]
                    if answer[:1] == bytes([reply]) and answer[4:8] == message[4:8]:
                        return True
        except (TimeoutError, OSError):
            return False


def _echo_request(identifier: int, number: int, size: int, *, six: bool) -> bytes:
    kind = 128 if six else 8
    data = os.urandom(size)
    message = _ECHO.pack(kind, 0, 0, identifier, number) + data
    # For ICMPv6 the kernel fills in the checksum, which covers the addresses too.
    checksum = 0 if six else _checksum(message)
    return _ECHO.pack(kind, 0, checksum, identifier, number) + data


def _checksum(message: bytes) -> int:
    padded = message + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _fragments(length: int, family: int) -> int:
    """How many packets carry ``length`` bytes behind the IP header."""
    header = 40 if family == socket.AF_INET6 else 20
    if length + header <= MTU:
        return 1
    fragment_header = 8 if family == socket.AF_INET6 else 0
    room = (MTU - header - fragment_header) // 8 * 8
    return -(-length // room)
