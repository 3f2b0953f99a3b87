"""JSON lines between the command, the supervisor and the processes of the hosts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

#: Longest line: a summary with all its flows.
MESSAGE_BYTES_MAX = 8 << 20
Message = dict[str, Any]


async def send_message(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send one message.

    Errors: OSError.
    """
    writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
    await writer.drain()


async def receive_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message, None at the end and for what is no JSON object.

    Errors: ValueError when it is too long or no JSON.
    """
    line = await reader.readline()
    if not line:
        return None
    message = json.loads(line)
    return message if isinstance(message, dict) else None
