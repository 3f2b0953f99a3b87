"""Cuts a message into the fields that a space-delimited pattern speaks of.

Fields are runs of characters without blanks; what stands between ``[`` and ``]`` or between two
quotes is one field, without these. A bracket or quote that is never closed is a character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vpcflow.query.filter_pattern.cursor import BLANKS
from vpcflow.query.filter_pattern.tree import Slot

_CLOSING = {"[": "]", '"': '"'}


class Span(NamedTuple):
    """A field: the text from ``start`` to ``end``; with its delimiters, ``outer_start`` to ``outer_end``."""

    start: int
    end: int
    outer_start: int
    outer_end: int


def spans_of(message: str) -> list[Span]:
    """The fields of a message."""
    spans: list[Span] = []
    at, length = 0, len(message)
    unclosed: set[str] = set()
    while True:
        while at < length and message[at] in BLANKS:
            at += 1
        if at == length:
            return spans
        closing = _CLOSING.get(message[at])
        if closing is not None and closing not in unclosed:
            end = message.find(closing, at + 1)
            if end >= 0:
                spans.append(Span(at + 1, end, at, end + 1))
                at = end + 1
                continue
            unclosed.add(closing)
        start = at
        while at < length and message[at] not in BLANKS:
            at += 1
        spans.append(Span(start, at, start, at))


def bind(message: str, slots: Sequence[Slot]) -> list[str | None] | None:
    """The field of each slot, None for ``...``; None as a whole when there are too few fields.

    Shape: without ``...`` the last slot takes the rest of the line.
    """
    spans = spans_of(message)
    fields: list[str | None] = []
    rest = next((i for i, slot in enumerate(slots) if slot.rest), None)
    if len(spans) < len(slots) - (rest is not None):
        return None
    for i, _ in enumerate(slots):
        if i == rest:
            fields.append(None)
            continue
        after = rest is not None and i > rest
        span = spans[i - len(slots) if after else i]
        if rest is None and i == len(slots) - 1 and len(spans) > len(slots):
            fields.append(message[span.outer_start : spans[-1].outer_end])
        else:
            fields.append(message[span.start : span.end])
    return fields
