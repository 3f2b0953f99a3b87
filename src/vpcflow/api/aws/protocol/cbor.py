"""CBOR as RPC v2 of Smithy uses it: maps, lists, text, bytes, numbers, booleans, null, epoch time.

Source: RFC 8949; the members of its data model that the protocol names.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A body may be nested this deep.
DEPTH_MAX = 64
_INDEFINITE = 31
_BREAK = 0xFF
_EPOCH_TAG = 1


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time. Units: seconds since the epoch."""

    seconds: float


def decode(body: bytes) -> Any:
    """One data item that fills the body.

    Errors: ValueError for anything else.
    """
    reader = _Reader(body)
    value = reader.item(0)
    if reader.position != len(body):
        raise ValueError("bytes follow the data item")
    return value


def encode(value: Any) -> bytes:
    """A data item of dicts, lists, text, bytes, numbers, booleans, None and Moment."""
    out = bytearray()
    _write(out, value)
    return bytes(out)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self.position = 0

    def _take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self._body):
            raise ValueError("the body ends within a data item")
        data = self._body[self.position : end]
        self.position = end
        return data

    def _at_break(self) -> bool:
        if self.position >= len(self._body):
            raise ValueError("the body ends within a data item")
        if self._body[self.position] != _BREAK:
            return False
        self.position += 1
        return True

    def _number(self, information: int) -> int:
        if information < 24:
            return information
        if information > 27:
            raise ValueError("no such length")
        return int.from_bytes(self._take(1 << (information - 24)), "big")

    def item(self, depth: int) -> Any:
        """The data item that begins here."""
        if depth > DEPTH_MAX:
            raise ValueError("nested too deeply")
        head = self._take(1)[0]
        major, information = head >> 5, head & 31
        if major == 0:
            return self._number(information)
        if major == 1:
            return -1 - self._number(information)
        if major == 2:
            return self._string(information, major)
        if major == 3:
            return self._string(information, major).decode("utf-8")
        if major == 4:
            return self._list(information, depth)
        if major == 5:
            return self._map(information, depth)
        if major == 6:
            return self._tagged(information, depth)
        return self._simple(information)

    def _string(self, information: int, major: int) -> bytes:
        if information != _INDEFINITE:
            return self._take(self._number(information))
        chunks = []
        while not self._at_break():
            head = self._take(1)[0]
            if head >> 5 != major or head & 31 == _INDEFINITE:
                raise ValueError("a chunk of another kind")
            chunks.append(self._take(self._number(head & 31)))
        return b"".join(chunks)

    def _list(self, information: int, depth: int) -> list[Any]:
        found = []
        if information == _INDEFINITE:
            while not self._at_break():
                found.append(self.item(depth + 1))
            return found
        length = self._number(information)
        if length > len(self._body):
            raise ValueError("the body ends within a data item")
        for _ in range(length):
            found.append(self.item(depth + 1))
        return found

    def _map(self, information: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        left = None if information == _INDEFINITE else self._number(information)
        if left is not None and left > len(self._body):
            raise ValueError("the body ends within a data item")
        while left != 0 if left is not None else not self._at_break():
            key = self.item(depth + 1)
            if not isinstance(key, str):
                raise ValueError("a key is no text")  # noqa: TRY004 - the body is wrong, not a type of ours
            found[key] = self.item(depth + 1)
            if left is not None:
                left -= 1
        return found

    def _tagged(self, information: int, depth: int) -> Any:
        tag = self._number(information)
        value = self.item(depth + 1)
        if tag != _EPOCH_TAG or type(value) not in (int, float):
            raise ValueError("no tag but that of the epoch is known")
        return Moment(value)

    def _simple(self, information: int) -> Any:
        simple = {20: False, 21: True, 22: None, 23: None}
        if information in simple:
            return simple[information]
        form = {25: ">e", 26: ">f", 27: ">d"}.get(information)
        if form is None:
            raise ValueError("no such simple value")
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]


def _head(out: bytearray, major: int, number: int) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for information, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            out.append(major << 5 | information)
            out += number.to_bytes(size, "big")
            return
    raise ValueError("the number is too large")


def _write(out: bytearray, value: Any) -> None:
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, float):
        out.append(0xFB)
        out += struct.pack(">d", math.nan if math.isnan(value) else value)
    elif isinstance(value, str):
        data = value.encode("utf-8", "replace")
        _head(out, 3, len(data))
        out += data
    elif isinstance(value, bytes | bytearray):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, Moment):
        _head(out, 6, _EPOCH_TAG)
        _write(out, value.seconds)
    elif isinstance(value, Mapping):
        _head(out, 5, len(value))
        for key, below in value.items():
            _write(out, key)
            _write(out, below)
    else:
        _head(out, 4, len(value))
        for below in value:
            _write(out, below)
