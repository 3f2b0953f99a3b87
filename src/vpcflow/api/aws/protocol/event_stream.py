"""Frames of ``application/vnd.amazon.eventstream``: an answer that goes on, event by event.

Shape: a frame is total length, length of headers, CRC-32 of these two, headers, payload, CRC-32 of
all before; every number is big-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from vpcflow.api.aws.protocol.json_values import JsonValues
from vpcflow.api.aws.protocol.models import compiled_once, members_of, operation_of, trait
from vpcflow.api.aws.protocol.resolve import Target

CONTENT_TYPE = "application/vnd.amazon.eventstream"
#: The largest payload that clients take.
PAYLOAD_BYTES_MAX = 24 * 1024 * 1024
_STRING = 7
_JSON_TYPE = "application/json"


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame; all headers are strings.

    Errors: ValueError for a payload beyond the bound.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise ValueError("the payload of an event is too large")
    parts = bytearray()
    for name, value in headers.items():
        name_bytes, value_bytes = name.encode(), value.encode()
        parts += struct.pack(">B", len(name_bytes)) + name_bytes
        parts += struct.pack(">BH", _STRING, len(value_bytes)) + value_bytes
    prelude = struct.pack(">II", 16 + len(parts) + len(payload), len(parts))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + parts + payload
    return message + struct.pack(">I", zlib.crc32(message))


class EventFrames:
    """Encodes the events of one operation's answer by its output shape."""

    def __init__(self, service: str, operation: str) -> None:
        self._initial, self._events = _compiled(service, operation)

    @classmethod
    def of(cls, target: Target) -> EventFrames:
        """The frames of a target whose operation is known."""
        assert target.operation is not None
        return cls(target.service, target.operation)

    def initial_response(self, members: Mapping[str, Any] | None = None) -> bytes:
        """The first frame, which clients of a JSON protocol wait for."""
        payload = orjson.dumps(self._initial(members or {}))
        return frame(_headers("event", ":event-type", "initial-response"), payload)

    def event(self, name: str, members: Mapping[str, Any]) -> bytes:
        """One event of the stream's member ``name``.

        Errors: KeyError for an event that the model does not know.
        """
        payload = orjson.dumps(self._events[name](members))
        return frame(_headers("event", ":event-type", name), payload)

    def exception(self, name: str, message: str) -> bytes:
        """A modelled exception, which ends the stream."""
        payload = orjson.dumps({"message": message})
        return frame(_headers("exception", ":exception-type", name), payload)


def _headers(kind: str, type_header: str, name: str) -> dict[str, str]:
    return {":message-type": kind, type_header: name, ":content-type": _JSON_TYPE}


@compiled_once
def _compiled(service: str, operation: str) -> tuple[Any, dict[str, Any]]:
    shape = operation_of(service, operation).output_shape
    assert shape is not None, f"{operation} has no event stream"
    values = JsonValues(binary=False)
    stream = next(s for s in members_of(shape).values() if trait(s, "eventstream"))
    events = {name: values.of(event) for name, event in members_of(stream).items()}
    return values.of(shape), events
