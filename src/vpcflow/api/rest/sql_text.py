"""``$time`` and ``$filters`` in a person's SQL, and where its faults are in what they wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vpcflow.base.errors import FilterError
from vpcflow.query.time_range import TimeRange

TIME_WORD = "$time"
FILTER_WORD = "$filters"

#: Texts, quoted names and comments are passed over: what stands in them is not replaced.
_PIECE = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|(\$time|\$filters)(?![A-Za-z0-9_])",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FilledSql:
    """SQL with its words replaced.

    Shape: ``pieces`` are the replaced words: where each stands in ``asked``, its length there,
    where its replacement stands in ``text``, and that one's length; ``words`` are those found.
    """

    asked: str
    text: str
    pieces: tuple[tuple[int, int, int, int], ...]
    words: frozenset[str]

    def position_asked(self, position: int) -> int:
        """Where a character of ``text`` stands in ``asked``."""
        shift = 0
        for there, length, here, replaced in self.pieces:
            if position < here:
                break
            if position < here + replaced:
                return there
            shift = there + length - here - replaced
        return min(max(position + shift, 0), len(self.asked))

    def fault_asked(self, error: FilterError) -> FilterError:
        """A fault of ``text`` as one of ``asked``."""
        if error.text != self.text:
            return error
        return FilterError(
            error.what,
            text=self.asked,
            position=self.position_asked(error.position),
            hint=error.hint,
        )


def fill_sql(asked: str, *, time: str, condition: str) -> FilledSql:
    """SQL with ``$time`` and ``$filters`` replaced, each by a condition in brackets."""
    parts: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    words: set[str] = set()
    done = length = 0
    for match in _PIECE.finditer(asked):
        word = match.group(1)
        if word is None:
            continue
        word = word.lower()
        words.add(word)
        value = time if word == TIME_WORD else condition
        kept = asked[done : match.start()]
        parts += [kept, value]
        pieces.append((match.start(), len(word), length + len(kept), len(value)))
        length += len(kept) + len(value)
        done = match.end()
    parts.append(asked[done:])
    return FilledSql(asked, "".join(parts), tuple(pieces), frozenset(words))


def time_sql(time_range: TimeRange) -> str:
    """The condition on start that a time range is."""
    parts = []
    if time_range.start_s is not None:
        parts.append(f"start >= {time_range.start_s}")
    if time_range.end_s is not None:
        parts.append(f"start < {time_range.end_s}")
    return f"({' AND '.join(parts) or 'TRUE'})"
