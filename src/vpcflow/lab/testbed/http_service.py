"""A small HTTP/1.1 server: objects of any size, uploads, and a chain web, app, database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from vpcflow.lab.testbed.database_service import ask_database
from vpcflow.lab.testbed.topology import host_address

OBJECT_BYTES_MAX = 100_000_000
HEADERS_MAX = 64
IDLE_TIMEOUT_S = 60.0
_CHUNK = b"x" * 65_536
_PAGE_BYTES = 1_500
_Reader = asyncio.StreamReader
_Writer = asyncio.StreamWriter


async def serve_http(reader: _Reader, writer: _Writer) -> None:
    """Answer the requests of one connection until the client closes its side.

    Shape: ``GET /`` a page, ``GET /bytes/N`` N bytes, ``GET /chain`` an answer for which web asks
    app and app asks the database, ``POST`` of any path takes the body. Any other path is 404.
    """
    while (request := await _request(reader)) is not None:
        method, path, length = request
        if method == "POST":
            await _read_away(reader, length)
            await _answer(writer, 200, 0)
        elif (size := await _object_bytes(path)) is None:
            await _answer(writer, 404, 0)
        else:
            await _answer(writer, 200, size, with_body=method != "HEAD")


async def _request(reader: _Reader) -> tuple[str, str, int] | None:
    """Method, path and body length; None at the end, and for what is not HTTP."""
    async with asyncio.timeout(IDLE_TIMEOUT_S):
        first = (await reader.readline()).decode("latin-1").split()
        length = 0
        for _ in range(HEADERS_MAX):
            name, _, value = (await reader.readline()).decode("latin-1").partition(":")
            if not name.strip():
                break
            if name.lower() == "content-length" and value.strip().isdecimal():
                length = min(int(value), OBJECT_BYTES_MAX)
    return (first[0], first[1], length) if len(first) == 3 else None


async def _object_bytes(path: str) -> int | None:
    if path == "/":
        return _PAGE_BYTES
    if path.startswith("/bytes/") and path[7:].isdecimal():
        return min(int(path[7:]), OBJECT_BYTES_MAX)
    if next_step := _CHAIN.get(path):
        return await next_step()
    return None


async def _ask_app() -> int:
    return len(await fetch(host_address("app"), 8080, "/orders"))


async def _ask_database() -> int:
    return len(b"".join(await ask_database(host_address("db"), [b"select" * 20, b"row" * 400])))


_CHAIN: dict[str, Callable[[], Awaitable[int]]] = {"/chain": _ask_app, "/orders": _ask_database}


async def _answer(writer: _Writer, status: int, size: int, *, with_body: bool = True) -> None:
    reason = "OK" if status == 200 else "Not Found"
    head = f"HTTP/1.1 {status} {reason}\r\nServer: vpcflow-lab\r\nContent-Length: {size}\r\n\r\n"
    writer.write(head.encode())
    for start in range(0, size if with_body else 0, len(_CHUNK)):
        writer.write(_CHUNK[: min(len(_CHUNK), size - start)])
        await writer.drain()
    await writer.drain()


async def _read_away(reader: _Reader, length: int) -> None:
    while length > 0 and (data := await reader.read(min(length, len(_CHUNK)))):
        length -= len(data)


async def fetch(address: str, port: int, path: str) -> bytes:
    """The body at a path.

    Errors: OSError, TimeoutError, ValueError when the answer is not HTTP.
    """
    async with asyncio.timeout(IDLE_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(get_request(address, path))
            body = await read_answer(reader)
            writer.write_eof()
            await reader.read()
            return body
        finally:
            writer.close()


def get_request(host: str, path: str) -> bytes:
    """The bytes of a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: vpcflow-lab\r\n\r\n".encode()


def post_head(host: str, path: str, length: int) -> bytes:
    """The bytes of a POST request up to its body."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: vpcflow-lab\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


async def read_answer(reader: _Reader) -> bytes:
    """The body of one answer.

    Errors: ValueError when it is not HTTP, IncompleteReadError when it ends early.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    _, found, rest = head.partition("Content-Length: ")
    if not found:
        raise ValueError("an answer without Content-Length")
    return await reader.readexactly(int(rest.split("\r\n")[0]))
