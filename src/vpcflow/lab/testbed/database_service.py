"""A database-like service: messages with a length in front, answered by the same bytes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable

MESSAGE_BYTES_MAX = 1 << 20
_LENGTH = struct.Struct("!I")


async def serve_database(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echo messages until the client closes its side or sends one that is too long."""
    while length := await _read_length(reader):
        writer.write(_LENGTH.pack(length) + await reader.readexactly(length))
        await writer.drain()


async def ask_database(address: str, messages: Iterable[bytes]) -> list[bytes]:
    """Send messages one after another over one connection; the answers.

    Errors: OSError, IncompleteReadError when the connection ends early.
    """
    reader, writer = await asyncio.open_connection(address, 5432)
    try:
        answers = [await exchange(reader, writer, message) for message in messages]
        writer.write_eof()
        await reader.read()
        return answers
    finally:
        writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> bytes:
    """Send one message and wait for its answer.

    Errors: OSError, IncompleteReadError when the connection ends early.
    """
    writer.write(_LENGTH.pack(len(message)) + message)
    return await reader.readexactly(await _read_length(reader))


async def _read_length(reader: asyncio.StreamReader) -> int:
    """The next message's length; 0 at the end and for what is not a length."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    except asyncio.IncompleteReadError:
        return 0
    return length if length <= MESSAGE_BYTES_MAX else 0
