"""Aim: who asks for much and reads nothing does not keep a connection for ever.

Method: a real server with a short bound, and a socket that never reads.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

from vpcflow.api.server import WebServer, bind

_PIECE = b"x" * 2**20


class _Endless:
    """Sends until the client has gone."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        gone = asyncio.create_task(self._gone(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done():
            await send({"type": "http.response.body", "body": _PIECE, "more_body": True})
        self.ended.set()

    async def _gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    app = _Endless()
    server = WebServer(
        bind("127.0.0.1", 0, default=0, part="console"),
        lambda: app,
        name="test-stalled",
        head_timeout_s=5.0,
        connections_max=8,
    )
    server._protocol.stalled_s_max = 0.2
    server.start()
    try:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert app.ended.wait(20)
    finally:
        server.stop()


async def _page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


def test_halves_of_requests_lock_nobody_out() -> None:
    server = WebServer(
        bind("127.0.0.1", 0, default=0, part="console"),
        lambda: _page,
        name="test-halves",
        head_timeout_s=60.0,
        connections_max=8,
    )
    server.start()
    halves: list[socket.socket] = []
    try:
        host, port = server.url.removeprefix("http://").split(":")
        for _ in range(200):
            halves.append(socket.create_connection((host, int(port)), timeout=20))
            halves[-1].sendall(b"GET / HTTP/1.1\r\nHost: ")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for half in halves:
            half.close()
        server.stop()
