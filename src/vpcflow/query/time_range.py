"""Stretches of time that a question looks at, and how people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from vpcflow.base.errors import QueryError

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d+)\s*([smhdw])", re.IGNORECASE)
_HINT = "write 90m, 24h, 7d, 2026-11-23, 2026-11-23T04:00Z, epoch seconds, now, or now-6h"

#: The last moment that a record can carry: the end of the year 9999.
MOMENT_MAX_S = 253_402_300_799


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Records that start at ``start_s`` or later and before ``end_s``.

    Shape: None leaves a side open. A record belongs to the moment of its start, whole: its bytes
    are never spread over the time to its end.
    Units: seconds since the epoch, UTC.
    """

    start_s: int | None = None
    end_s: int | None = None

    def __post_init__(self) -> None:
        if self.start_s is not None and self.end_s is not None and self.start_s >= self.end_s:
            raise QueryError(
                "the time range is empty: it starts when or after it ends",
                where=str(self),
                hint=_HINT,
            )

    def __str__(self) -> str:
        def show(moment_s: int | None) -> str:
            return "" if moment_s is None else format_moment(moment_s)

        return f"{show(self.start_s)}/{show(self.end_s)}"

    @property
    def is_open(self) -> bool:
        """Whether it bounds nothing at all."""
        return self.start_s is None and self.end_s is None

    @property
    def seconds(self) -> int | None:
        """How long it is; None when a side is open."""
        if self.start_s is None or self.end_s is None:
            return None
        return self.end_s - self.start_s


def parse_span(text: str) -> int:
    """Seconds of a span such as 90s, 15m, 24h, 7d, 1h30m.

    Errors: QueryError when it is none.
    """
    compact = text.strip()
    if not re.fullmatch(rf"(?:{_SPAN.pattern})+", compact, re.IGNORECASE):
        raise QueryError("this is not a span of time", where=text, hint="write 90s, 15m, 24h or 7d")
    return sum(int(count) * _UNITS_S[unit.lower()] for count, unit in _SPAN.findall(compact))


def parse_moment(text: str, *, now_s: float) -> int:
    """A moment in seconds since the epoch, from a date, a time, epoch seconds or ``now-6h``.

    Shape: a bare span such as ``6h`` means that long ago; times without a zone are UTC.
    Errors: QueryError when it is none of these.
    """
    word = text.strip()
    lowered = word.lower()
    if lowered == "now":
        return int(now_s)
    if lowered.startswith("now-"):
        return max(0, int(now_s) - parse_span(word[4:]))
    if re.fullmatch(rf"(?:{_SPAN.pattern})+", word, re.IGNORECASE):
        return max(0, int(now_s) - parse_span(word))
    if re.fullmatch(r"\d{5,12}", word) and int(word) <= MOMENT_MAX_S:
        return int(word)
    try:
        moment = datetime.fromisoformat(word)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp())
    except (ValueError, OverflowError) as error:
        raise QueryError("this is not a moment in time", where=text, hint=_HINT) from error


def parse_time_range(
    *,
    now_s: float,
    since: str | None = None,
    until: str | None = None,
    last: str | None = None,
) -> TimeRange:
    """The range that --since, --until and --last name together; nothing at all is all time.

    Errors: QueryError when one is not understood, ``last`` stands beside ``since``, or the range
    is empty.
    """
    if last and since:
        raise QueryError(
            "--last and --since both say where the time range starts", hint="give one of them"
        )
    end_s = parse_moment(until, now_s=now_s) if until else None
    if last:
        base_s = end_s if end_s is not None else int(now_s)
        return TimeRange(max(0, base_s - parse_span(last)), end_s)
    return TimeRange(parse_moment(since, now_s=now_s) if since else None, end_s)


def format_moment(moment_s: int) -> str:
    """A moment as people read it: 2026-11-23T04:00:00Z."""
    if not 0 <= moment_s <= MOMENT_MAX_S:
        return str(moment_s)
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
