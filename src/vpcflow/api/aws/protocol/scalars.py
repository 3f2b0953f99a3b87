"""Scalars of the models: text to value and value to text, the same for every protocol.

Units: timestamps are datetimes in UTC, or seconds since the epoch where a handler gives a number.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
_ISO8601 = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_NUMBER_TEXT_MAX = 400
_NOT_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
#: The bounds of the number types.
LIMITS = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


def boolean_of(text: str) -> bool:
    """``true`` or ``false``, in any case.

    Errors: ValueError.
    """
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise ValueError(text)
    return lowered == "true"


def integer_of(text: str, type_name: str) -> int:
    """An integer or a long.

    Errors: ValueError, also for one that the type cannot hold.
    """
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return bounded(int(text), type_name)


def bounded(number: int, type_name: str) -> int:
    """The number, if its type can hold it.

    Errors: ValueError.
    """
    low, high = LIMITS[type_name]
    if not low <= number <= high:
        raise ValueError(number)
    return number


def double_of(text: str) -> float:
    """A float or a double; the three names that are no numbers too.

    Errors: ValueError.
    """
    if text in _NOT_NUMBERS:
        return _NOT_NUMBERS[text]
    if len(text) > _NUMBER_TEXT_MAX or not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def blob_of(text: str) -> bytes:
    """Base64 to bytes.

    Errors: ValueError.
    """
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


def timestamp_of(value: Any) -> datetime:
    """A moment from ISO 8601, seconds since the epoch, or the form of HTTP's Date.

    Errors: ValueError.
    """
    if isinstance(value, int | float):
        return moment_of(value)
    text = value.strip()
    if _ISO8601.fullmatch(text):
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if len(text) <= 32 and _NUMBER.fullmatch(text):
        return moment_of(float(text))
    try:
        if len(text) > 64:
            raise ValueError(value)
        moment = parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError) as error:
        raise ValueError(value) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def moment_of(seconds: float) -> datetime:
    """Seconds since the epoch to a datetime.

    Errors: ValueError outside of the years 1 to 9999.
    """
    if not math.isfinite(seconds):
        raise ValueError(seconds)
    try:
        return _EPOCH + timedelta(microseconds=round(seconds * 1e6))
    except OverflowError as error:
        raise ValueError(seconds) from error


def scalar_of(type_name: str) -> Callable[[str], Any]:
    """The reader of a type's text."""
    readers: dict[str, Callable[[str], Any]] = {
        "boolean": boolean_of,
        "integer": lambda text: integer_of(text, "integer"),
        "long": lambda text: integer_of(text, "long"),
        "double": double_of,
        "float": double_of,
        "timestamp": timestamp_of,
        "blob": blob_of,
        "string": str,
        "character": str,
    }
    return readers[type_name]


def seconds_of(value: datetime | float) -> float:
    """A moment as seconds since the epoch: whole ones as int, else milliseconds after the point."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        millis = (moment - _EPOCH) // timedelta(milliseconds=1)
    else:
        millis = round(value * 1000)
    whole, rest = divmod(millis, 1000)
    return millis / 1000 if rest else whole


@lru_cache(maxsize=1024)
def _day(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).date().isoformat()


def _iso8601(millis: int, with_millis: bool) -> str:
    days, rest = divmod(millis, 86_400_000)
    seconds, millis = divmod(rest, 1000)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{_day(days)}T{clock}.{millis:03d}Z" if with_millis else f"{_day(days)}T{clock}Z"


def timestamp_text(value: Any, form: str, with_millis: bool) -> str:
    """A moment in one of the models' formats; text is taken as it is."""
    if isinstance(value, str):
        return value
    seconds = seconds_of(value)
    if form == "iso8601":
        return _iso8601(round(seconds * 1000), with_millis)
    if form == "rfc822":
        return formatdate(int(seconds), usegmt=True)
    return str(seconds)


def double_text(value: float) -> str:
    """A number as the models print it."""
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if value in (math.inf, -math.inf):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(float(value))


def boolean_text(value: Any) -> str:
    """``true`` or ``false``."""
    return "true" if value else "false"


def blob_text(value: bytes | str) -> str:
    """Bytes (or the UTF-8 of a text) as base64."""
    data = value.encode() if isinstance(value, str) else value
    return base64.b64encode(data).decode("ascii")
