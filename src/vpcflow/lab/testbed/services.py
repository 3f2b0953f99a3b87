"""Starts the programs that listen on a host."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from vpcflow.lab.testbed.database_service import serve_database
from vpcflow.lab.testbed.dns_service import DnsProtocol
from vpcflow.lab.testbed.http_service import serve_http
from vpcflow.lab.testbed.topology import Host

#: Connections that wait to be taken.
_BACKLOG = 1024
_SSH_BANNER = b"SSH-2.0-vpcflow_lab\r\n"
_SSH_TIMEOUT_S = 30.0
_Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def serve_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send SSH's banner, take the other's, say no to every line that follows."""
    writer.write(_SSH_BANNER)
    async with asyncio.timeout(_SSH_TIMEOUT_S):
        while await reader.readline():
            writer.write(b"Permission denied\r\n")
            await writer.drain()


class SinkProtocol(asyncio.DatagramProtocol):
    """Takes datagrams and says nothing."""


_STREAM_SERVICES: dict[str, _Handler] = {
    "http": serve_http,
    "ssh": serve_ssh,
    "database": serve_database,
}
_DATAGRAM_SERVICES = {"dns": DnsProtocol, "sink": SinkProtocol}


async def start_services(host: Host) -> list[asyncio.Server | asyncio.DatagramTransport]:
    """Listen on all of a host's ports, both families; the listeners, which must be kept.

    Errors: OSError when a port cannot be had.
    """
    loop = asyncio.get_running_loop()
    listeners: list[asyncio.Server | asyncio.DatagramTransport] = []
    families = ["0.0.0.0", "::"] if host.ipv6 else ["0.0.0.0"]  # noqa: S104 - its own namespace
    for service in host.services:
        if service.protocol == "tcp":
            handler = _guarded(_STREAM_SERVICES[service.kind])
            listeners.append(
                await asyncio.start_server(handler, families, service.port, backlog=_BACKLOG)
            )
            continue
        for address in families:
            transport, _ = await loop.create_datagram_endpoint(
                _DATAGRAM_SERVICES[service.kind], sock=_datagram_socket(address, service.port)
            )
            listeners.append(transport)
    return listeners


def _datagram_socket(address: str, port: int) -> socket.socket:
    is_ipv6 = ":" in address
    opened = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    if is_ipv6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    opened.bind((address, port))
    return opened


def _guarded(handler: _Handler) -> _Handler:
    """A handler whose connection ends, and nothing else, when the other side misbehaves."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (OSError, TimeoutError, ValueError, EOFError, asyncio.LimitOverrunError):
            # A chain that broke further on, a reset, a client that fell silent.
            pass
        finally:
            writer.close()

    return guarded
