"""Values as AWS's services print them in a message: the way of Java's collections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vpcflow.api.aws.protocol.scalars import double_text

#: A message repeats this much of a value.
TEXT_MAX = 2_048


def java_text(value: Any) -> str:
    """The value in a message, cut short if it is long."""
    # Entries are looked at no further than the bound can show.
    text = _text(value, 8)
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX]


def _text(value: Any, depth: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, bytes | bytearray):
        return "java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]".format(len(value))
    if isinstance(value, datetime):
        return value.strftime("%a %b %d %H:%M:%S UTC %Y")
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        parts = (f"{_text(key, 1)}={_text(below, depth - 1)}" for key, below in value.items())
        return f"{{{_joined(parts)}}}"
    if isinstance(value, list | tuple):
        return f"[{_joined(_text(below, depth - 1) for below in value)}]"
    return str(value)


def _joined(parts: Any) -> str:
    kept: list[str] = []
    length = 0
    for part in parts:
        kept.append(part)
        length += len(part)
        if length > TEXT_MAX:
            break
    return ", ".join(kept)
