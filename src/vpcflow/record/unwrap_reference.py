"""Slow, plain references of the unwrapping kernels; tests compare the two, nothing else runs them.

Each takes one unit without its newline and hands back its plain text line, None for a blank one,
or a fault (a negative number of ``unwrap_kernels``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from vpcflow.record.unwrap_kernels import (
    FIELD_TWICE,
    IS_ACCOUNT,
    IS_ADDRESS,
    IS_KNOWN,
    IS_LOOSE,
    IS_NUMBER,
    NESTED_VALUE,
    NO_KNOWN_FIELD,
    NO_MESSAGE,
    NOT_CSV,
    NOT_JSON,
    NOT_TEXT,
    SPACE_IN_VALUE,
)

_NULL_WORDS = {b"none", b"null", b"nan"}
_BLANKS = b" \t\r"


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def csv_line(line: bytes, flags: Sequence[int]) -> bytes | int | None:
    """A CSV line; a fault as soon as a field has one."""
    text = line.rstrip(_BLANKS)
    if not text:
        return None
    tokens: list[bytes] = []
    place = 0
    while True:
        while place < len(text) and text[place] in _BLANKS:
            place += 1
        if text[place : place + 1] == b'"':
            value, place = _quoted(text, place)
            while place < len(text) and text[place] in _BLANKS:
                place += 1
        else:
            end = text.find(b",", place)
            end = len(text) if end < 0 else end
            value, place = text[place:end].rstrip(_BLANKS), end
        token = _token(value, flags[len(tokens)] if len(tokens) < len(flags) else 0)
        if isinstance(token, int):
            return token
        if place < 0 or (place < len(text) and text[place] != 0x2C):
            return NOT_CSV
        tokens.append(token)
        if place >= len(text):
            return b" ".join(tokens)
        place += 1


def _quoted(text: bytes, place: int) -> tuple[bytes, int]:
    """The value that opens at ``place`` and the place after its quote, -1 when it does not close."""
    found = re.compile(rb'"((?:[^"]|"")*)"(?!")').match(text, place)
    if not found:
        # What a blank inside spoils comes before what the missing quote does.
        return text[place + 1 :].replace(b'""', b'"').strip(_BLANKS), -1
    return found.group(1).strip(_BLANKS).replace(b'""', b'"'), found.end()


def _token(value: bytes, flags: int) -> bytes | int:
    if any(byte <= 32 or byte == 127 for byte in value):
        if not flags & IS_LOOSE:
            return SPACE_IN_VALUE
        value = b"".join(
            b"%%%02X" % byte if byte <= 32 or byte == 127 else bytes([byte]) for byte in value
        )
    return _settled(value, flags)


def _settled(value: bytes, flags: int) -> bytes:
    if not value or (flags & (IS_NUMBER | IS_ADDRESS) and value.lower() in _NULL_WORDS):
        return b"-"
    return re.sub(rb"(?<=.)\.0*\Z", b"", value, flags=re.DOTALL) if flags & IS_NUMBER else value


def json_object(text: bytes, names: Sequence[str], flags: Sequence[int]) -> bytes | int:
    """A flat JSON object whose keys are among ``names``."""
    pairs = _pairs(text)
    if isinstance(pairs, int):
        return pairs
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values and key in names:
            return FIELD_TWICE
        values[key] = value
    wanted = zip(names, flags, strict=True)
    if not any(name in values and flag & IS_KNOWN for name, flag in wanted):
        return NO_KNOWN_FIELD
    tokens: list[bytes] = []
    for name, flag in zip(names, flags, strict=True):
        token = _json_token(values.get(name), flag)
        if isinstance(token, int):
            return token
        tokens.append(token)
    return b" ".join(tokens)


def _pairs(text: bytes) -> list[tuple[str, Any]] | int:
    try:
        found = json.loads(
            text.decode("utf-8", "surrogateescape"),
            strict=False,
            object_pairs_hook=list,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=lambda word: None if word == "NaN" else _Number(word),
        )
    except (ValueError, RecursionError):
        return NOT_JSON
    is_object = isinstance(found, list) and text.lstrip().startswith(b"{")
    return found if is_object else NOT_JSON


def _json_token(value: Any, flags: int) -> bytes | int:
    if value is None:
        return b"-"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, _Number):
        number = value.encode()
        if flags & (IS_NUMBER | IS_ACCOUNT):
            number = re.sub(rb"(?<=.)\.0*\Z", b"", number)
        return number.rjust(12, b"0") if flags & IS_ACCOUNT and number.isdigit() else number
    if isinstance(value, list):
        return 0 if flags & IS_LOOSE else NESTED_VALUE
    try:
        return _token(str(value).strip(" ").encode("utf-8", "surrogateescape"), flags)
    except UnicodeEncodeError:
        return NOT_TEXT


def json_message(text: bytes) -> bytes | int:
    """The message of a JSON object."""
    pairs = _pairs(text)
    if isinstance(pairs, int):
        return pairs
    messages = [value for key, value in pairs if key in ("message", "@message")]
    if len(messages) > 1:
        return FIELD_TWICE
    if not messages or not isinstance(messages[0], str) or isinstance(messages[0], _Number):
        return NO_MESSAGE
    try:
        message = messages[0].encode("utf-8", "surrogateescape").rstrip(b"\r\n")
    except UnicodeEncodeError:
        return NOT_TEXT
    return SPACE_IN_VALUE if b"\n" in message else message
