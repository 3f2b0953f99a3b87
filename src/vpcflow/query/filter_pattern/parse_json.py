"""The part of the filter pattern language that is about JSON events."""

from __future__ import annotations

import re

from vpcflow.query.filter_pattern.cursor import Cursor
from vpcflow.query.filter_pattern.tree import (
    All,
    Any,
    Condition,
    Is,
    Member,
    NotExists,
    Selector,
    Step,
)

#: Parentheses within parentheses.
NESTING_MAX = 50
#: Wildcards in one selector, and selectors with a wildcard in one pattern.
WILDCARDS_MAX = 1
WILDCARD_SELECTORS_MAX = 3
#: Digits of an index.
_INDEX_DIGITS_MAX = 9

_KEY = re.compile(r"[A-Za-z0-9_@:-]+")
_WORD = re.compile(r"[A-Za-z]+")
_INDEX = re.compile(r"[0-9]+")


def parse_json(cursor: Cursor) -> Condition:
    """Read ``{ ... }``; the cursor stands on the brace.

    Errors: FilterError.
    """
    opened = cursor.at
    cursor.at += 1
    reader = _Reader(cursor)
    condition = reader.either(0)
    cursor.skip_blanks()
    if cursor.ended:
        raise cursor.fault("the brace is not closed", opened)
    if not cursor.take("}"):
        raise cursor.fault("expected &&, || or }")
    return condition


def parse_selector(text: str) -> Selector:
    """Read one selector, such as a metric's value.

    Errors: FilterError.
    """
    cursor = Cursor(text)
    selector = _selector(cursor)
    if not cursor.ended:
        raise cursor.fault("nothing may follow the selector")
    return selector


class _Reader:
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._wild = 0

    def either(self, depth: int) -> Condition:
        parts = [self._both(depth)]
        while self._operator("||"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _both(self, depth: int) -> Condition:
        parts = [self._unit(depth)]
        while self._operator("&&"):
            parts.append(self._unit(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _operator(self, token: str) -> bool:
        self._cursor.skip_blanks()
        return self._cursor.take(token)

    def _unit(self, depth: int) -> Condition:
        cursor = self._cursor
        cursor.skip_blanks()
        if cursor.peek() != "(":
            return self._condition()
        if depth >= NESTING_MAX:
            raise cursor.fault(f"at most {NESTING_MAX} parentheses within each other")
        cursor.at += 1
        condition = self.either(depth + 1)
        cursor.expect(")")
        return condition

    def _condition(self) -> Condition:
        cursor = self._cursor
        selector = _selector(cursor)
        if None in selector.steps:
            self._wild += 1
            if self._wild > WILDCARD_SELECTORS_MAX:
                raise cursor.fault(
                    f"at most {WILDCARD_SELECTORS_MAX} selectors with a wildcard", selector.position
                )
        comparison = cursor.comparison()
        if comparison is not None:
            return Member(selector, comparison)
        start = cursor.at
        match self._words():
            case ["IS", "NULL" | "TRUE" | "FALSE" as word]:
                return Is(selector, word)
            case ["NOT", "EXISTS"]:
                return NotExists(selector)
        raise cursor.fault("expected an operator, IS NULL, IS TRUE, IS FALSE or NOT EXISTS", start)

    def _words(self) -> list[str]:
        words: list[str] = []
        for _ in range(2):
            self._cursor.skip_blanks()
            found = _WORD.match(self._cursor.text, self._cursor.at)
            if found:
                words.append(found.group().upper())
                self._cursor.at = found.end()
        return words


def _selector(cursor: Cursor) -> Selector:
    start = cursor.at
    if not cursor.take("$"):
        raise cursor.fault("expected a selector", hint="it begins with $.")
    steps: list[Step] = []
    members = False
    while True:
        if cursor.take(".["):
            steps.append(_bracket(cursor))
        elif cursor.take("."):
            if cursor.take("*"):
                steps.append(None)
                members = True
            else:
                steps.append(_match(cursor, _KEY, "expected a name"))
        elif cursor.take("["):
            steps.append(_bracket(cursor))
        else:
            break
    if not steps:
        raise cursor.fault("expected . and a name")
    if steps.count(None) > WILDCARDS_MAX:
        raise cursor.fault(f"at most {WILDCARDS_MAX} wildcard in a selector", start)
    return Selector(tuple(steps), members, start)


def _bracket(cursor: Cursor) -> Step:
    step: Step
    cursor.skip_blanks()
    if cursor.take("*"):
        step = None
    elif cursor.take("'"):
        step = _key(cursor)
    else:
        digits = _match(cursor, _INDEX, "expected an index, * or a name in single quotes")
        if len(digits) > _INDEX_DIGITS_MAX:
            raise cursor.fault("the index is too large")
        step = int(digits)
    cursor.expect("]")
    return step


def _key(cursor: Cursor) -> str:
    parts: list[str] = []
    start = cursor.at - 1
    while not cursor.ended:
        char = cursor.peek()
        cursor.at += 1
        if char == "'":
            return "".join(parts)
        if char == "\\" and cursor.peek() in ("'", "\\") and not cursor.ended:
            char = cursor.peek()
            cursor.at += 1
        parts.append(char)
    raise cursor.fault("the name is not closed", start)


def _match(cursor: Cursor, what: re.Pattern[str], fault: str) -> str:
    found = what.match(cursor.text, cursor.at)
    if found is None:
        raise cursor.fault(fault)
    cursor.at = found.end()
    return found.group()


__all__ = ["NESTING_MAX", "parse_json", "parse_selector"]
