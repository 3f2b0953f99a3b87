"""Names of a delivery stream's objects: prefixes with expressions, time, stream and batch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vpcflow.base.errors import DeliveryError

_EXPRESSION = re.compile(r"!\{(\w+):([^}]*)\}")
_DEFAULT_TIME = "!{timestamp:yyyy/MM/dd/HH}/"
#: A run of one letter, or a text between apostrophes.
_TIME_PART = re.compile(r"'([^']*)'|([A-Za-z])\2*")
_TIME: dict[str, Callable[[datetime, int], str]] = {
    "y": lambda t, n: f"{t.year % 100:02d}" if n == 2 else f"{t.year:04d}",
    "M": lambda t, n: _name(t, n, "%b", "%B") if n > 2 else f"{t.month:0{n}d}",
    "d": lambda t, n: f"{t.day:0{n}d}",
    "D": lambda t, n: f"{t.timetuple().tm_yday:0{n}d}",
    "H": lambda t, n: f"{t.hour:0{n}d}",
    "h": lambda t, n: f"{t.hour % 12 or 12:0{n}d}",
    "m": lambda t, n: f"{t.minute:0{n}d}",
    "s": lambda t, n: f"{t.second:0{n}d}",
    "S": lambda t, n: f"{t.microsecond:06d}"[:n].ljust(n, "0"),
    "E": lambda t, n: _name(t, n + 1, "%a", "%A") if n > 3 else t.strftime("%a"),
    "a": lambda t, _: t.strftime("%p"),
    "z": lambda t, _: t.strftime("%Z"),
    "Z": lambda t, _: t.strftime("%z"),
}
_NAMESPACES = {"timestamp", "firehose"}
_OF_FIREHOSE = {"random-string", "error-output-type"}


def check_prefix(prefix: str, *, of_errors: bool = False) -> str | None:
    """What is wrong with a prefix, as a sentence; None when nothing is."""
    for namespace, value in _EXPRESSION.findall(prefix):
        if namespace not in _NAMESPACES:
            return f"Prefix has an unknown namespace: {namespace}"
        if namespace == "firehose" and value not in _OF_FIREHOSE:
            return f"Prefix has an unknown value of firehose: {value}"
        if value == "error-output-type" and not of_errors:
            return "Prefix cannot contain !{firehose:error-output-type}"
        if namespace == "timestamp":
            unknown = {m[0][0] for m in _TIME_PART.finditer(value) if m[2]} - set(_TIME)
            if unknown:
                return f"Prefix has an unknown letter of time: {sorted(unknown)[0]}"
    if "!{" in _EXPRESSION.sub("", prefix):
        return "Prefix has an expression that does not end"
    return None


def zone_of(name: str) -> tzinfo:
    """A time zone by name.

    Errors: DeliveryError for one that is not known.
    """
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DeliveryError(f"unknown time zone {name}") from error


def object_key(
    prefix: str,
    stream_name: str,
    version: str,
    arrived_ms: int,
    batch_id: str,
    *,
    suffix: str = "",
    time_zone: str = "UTC",
    error_type: str = "",
) -> str:
    """The key of a batch's object; the same for the same batch.

    Shape: without a time in the prefix, hours follow it; ``arrived_ms`` is the oldest record's.
    """
    moment = datetime.fromtimestamp(arrived_ms / 1000, zone_of(time_zone))
    if "!{timestamp:" not in prefix:
        prefix += _DEFAULT_TIME
    random = hashlib.blake2b(batch_id.encode(), digest_size=8).hexdigest()[:11]

    def value(match: re.Match[str]) -> str:
        if match[1] == "timestamp":
            return _timed(match[2], moment)
        return random if match[2] == "random-string" else error_type

    folder = _EXPRESSION.sub(value, prefix)
    return f"{folder}{stream_name}-{version}-{moment:%Y-%m-%d-%H-%M-%S}-{batch_id}{suffix}"


def _timed(pattern: str, moment: datetime) -> str:
    def part(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1] or "'"
        text = match[0]
        return _TIME[text[0]](moment, len(text))

    return _TIME_PART.sub(part, pattern)


def _name(moment: datetime, letters: int, short: str, long: str) -> str:
    return moment.strftime(short if letters == 3 else long)
