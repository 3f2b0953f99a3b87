"""Tokens of GetLogEvents and FilterLogEvents: a place between events, checked when it comes back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct

from vpcflow.base.errors import ServiceError
from vpcflow.query.log_events import Position

_DIGITS = re.compile(r"([fb])/(\d{13})(\d{13})(\d{20})(\d{5})(\d{5})(?:/s)?")
_FILTER = struct.Struct("<cqqQI")
_CHECK_BYTES = 8


def invalid_token() -> ServiceError:
    """The refusal of a token that was not made here, or for something else."""
    return ServiceError("InvalidParameterException", "The specified nextToken is invalid.")


def get_token(forward: bool, place: Position, about: str) -> str:
    """A token of GetLogEvents, about a stream: a letter for the direction and 56 digits."""
    digits = f"{place.time_ms:013d}{place.ingested_ms:013d}{place.key:020d}{place.ordinal:05d}"
    return f"{'f' if forward else 'b'}/{digits}{_check_digits(digits, about)}/s"


def read_get_token(token: str, about: str) -> tuple[bool, Position]:
    """Direction and place of a token.

    Errors: ServiceError.
    """
    found = _DIGITS.fullmatch(token)
    if found is None:
        raise invalid_token()
    direction, *numbers, check = found.groups()
    if _check_digits("".join(numbers), about) != check or int(numbers[2]) >= 2**64:
        raise invalid_token()
    return direction == "f", Position(*map(int, numbers))


def filter_token(forward: bool, place: Position, about: str) -> str:
    """A token of FilterLogEvents, about a group, its streams and a pattern."""
    data = _FILTER.pack(b"f" if forward else b"b", *place)
    return base64.urlsafe_b64encode(data + _mark(data, about)).decode()


def read_filter_token(token: str, about: str) -> tuple[bool, Position]:
    """Direction and place of a token.

    Errors: ServiceError.
    """
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except (ValueError, binascii.Error) as error:
        raise invalid_token() from error
    data, mark = raw[: _FILTER.size], raw[_FILTER.size :]
    if len(data) < _FILTER.size or mark != _mark(data, about):
        raise invalid_token()
    direction, *numbers = _FILTER.unpack(data)
    return direction == b"f", Position(*numbers)


def _mark(data: bytes, about: str) -> bytes:
    return hashlib.blake2b(data + about.encode(), digest_size=_CHECK_BYTES).digest()


def _check_digits(digits: str, about: str) -> str:
    return f"{int.from_bytes(_mark(digits.encode(), about), 'little') % 100_000:05d}"
