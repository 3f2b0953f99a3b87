"""Values as AWS's services print them in a message: the way of Java's collections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import Shape

from vpcflow.api.aws.protocol.models import members_of
from vpcflow.api.aws.protocol.scalars import double_text

#: A message repeats this much of a value.
TEXT_MAX = 2_048
DEPTH_MAX = 8
#: Members that the service prints after the others, whatever the model's order.
_LAST = frozenset({"dimensions"})


def java_text(value: Any, shape: Shape | None = None) -> str:
    """The value in a message, cut short if it is long; structures by the name of their shape."""
    text = _text(value, shape, DEPTH_MAX)
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX]


def _text(value: Any, shape: Shape | None, depth: int) -> str:
    if isinstance(value, str):
        return value[:TEXT_MAX]
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, bytes | bytearray):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if isinstance(value, datetime):
        return value.strftime("%a %b %d %H:%M:%S UTC %Y")
    if depth == 0:
        return "..."
    if isinstance(value, Mapping):
        return _mapping(value, shape, depth - 1)
    if isinstance(value, list | tuple):
        inner = getattr(shape, "member", None)
        return f"[{_joined(_text(below, inner, depth - 1) for below in value)}]"
    return str(value)


def _mapping(value: Mapping[str, Any], shape: Shape | None, depth: int) -> str:
    if shape is None or shape.type_name != "structure":
        inner = getattr(shape, "value", None)
        parts = (f"{_text(key, None, 1)}={_text(one, inner, depth)}" for key, one in value.items())
        return f"{{{_joined(parts)}}}"
    members = members_of(shape)
    names = [name for name in members if name not in _LAST] + [n for n in members if n in _LAST]
    parts = (
        f"{name[:1].lower()}{name[1:]}={_text(value.get(name), members[name], depth)}"
        for name in names
    )
    return f"{shape.name}({_joined(parts)})"


def _joined(parts: Any) -> str:
    kept: list[str] = []
    length = 0
    for part in parts:
        kept.append(part)
        length += len(part)
        if length > TEXT_MAX:
            break
    return ", ".join(kept)
