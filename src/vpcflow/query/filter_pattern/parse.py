"""From the text of a filter pattern to its tree.

The first character that is no blank decides: none fits everything, ``{`` begins a pattern over
JSON events, ``[`` one over fields with blanks between them, everything else is terms. A term that
holds symbols may stand without quotes, which AWS does not always take.

Source: CloudWatch Logs user guide, filter pattern syntax.
"""

from __future__ import annotations

from functools import lru_cache

from vpcflow.query.filter_pattern.cursor import BLANKS, Cursor
from vpcflow.query.filter_pattern.parse_json import parse_json
from vpcflow.query.filter_pattern.tree import (
    Comparison,
    Json,
    Pattern,
    Sign,
    Slot,
    Slots,
    Term,
    Terms,
    Text,
)

#: Patterns that stay parsed.
PATTERNS_KEPT_MAX = 1024


@lru_cache(PATTERNS_KEPT_MAX)
def parse_pattern(text: str) -> Pattern:
    """Read a filter pattern.

    Errors: FilterError with the position of the fault.
    """
    cursor = Cursor(text)
    cursor.skip_blanks()
    found: Pattern
    if cursor.peek() == "{":
        found = Json(parse_json(cursor))
    elif cursor.peek() == "[":
        found = _slots(cursor)
    else:
        return Terms(_terms(cursor))
    cursor.skip_blanks()
    if not cursor.ended:
        raise cursor.fault("nothing may follow the closing bracket")
    return found


def _terms(cursor: Cursor) -> tuple[Term, ...]:
    terms: list[Term] = []
    while not cursor.ended:
        sign = Sign.REQUIRED
        start = cursor.at
        if cursor.peek() in ("?", "-"):
            sign = Sign(cursor.peek())
            cursor.at += 1
        if cursor.peek() == '"':
            terms.append(Term(sign, cursor.quotation()))
        elif cursor.peek() == "%":
            terms.append(Term(sign, cursor.regex()))
        else:
            terms.append(Term(sign, _word(cursor, start)))
        cursor.skip_blanks()
    # One quoted blank is the documented way to write a pattern that fits everything.
    if len(terms) == 1 and isinstance(terms[0].value, Text) and not terms[0].value.text.strip():
        return () if terms[0].sign is not Sign.EXCLUDED else tuple(terms)
    return tuple(terms)


def _word(cursor: Cursor, start: int) -> Text:
    at = cursor.at
    while not cursor.ended and cursor.peek() not in BLANKS:
        if cursor.peek() == '"':
            raise cursor.fault("a quotation begins within a word", hint="quote the whole term")
        cursor.at += 1
    if at == cursor.at:
        raise cursor.fault("expected a term", start)
    return Text(cursor.text[at : cursor.at], at)


def _slots(cursor: Cursor) -> Slots:
    opened = cursor.at
    cursor.at += 1
    cursor.skip_blanks()
    if cursor.take("]"):
        return Slots(())
    slots: list[Slot] = []
    names: set[str] = set()
    while True:
        slot = _slot(cursor)
        if slot.rest and any(other.rest for other in slots):
            raise cursor.fault("... may stand only once", slot.position)
        if slot.name and slot.name in names:
            raise cursor.fault(f"the name {slot.name} stands twice", slot.position)
        names.add(slot.name)
        slots.append(slot)
        cursor.skip_blanks()
        if cursor.take("]"):
            break
        if cursor.ended:
            raise cursor.fault("the bracket is not closed", opened)
        if not cursor.take(","):
            raise cursor.fault("expected , or ]")
    return Slots(tuple(slots))


def _slot(cursor: Cursor) -> Slot:
    cursor.skip_blanks()
    start = cursor.at
    if cursor.take("..."):
        return Slot(rest=True, position=start)
    if cursor.peek() in (",", "]", ""):
        return Slot(position=start)
    name = _name(cursor)
    first = cursor.comparison()
    if first is None:
        return Slot(name, position=start)
    alternatives: list[list[Comparison]] = [[first]]
    while True:
        cursor.skip_blanks()
        if cursor.take("&&"):
            alternatives[-1].append(_again(cursor, name))
        elif cursor.take("||"):
            alternatives.append([_again(cursor, name)])
        else:
            return Slot(name, tuple(map(tuple, alternatives)), position=start)


def _again(cursor: Cursor, name: str) -> Comparison:
    cursor.skip_blanks()
    start = cursor.at
    other = _name(cursor)
    if other != name:
        raise cursor.fault(f"the conditions of {name} name it again, not {other}", start)
    comparison = cursor.comparison()
    if comparison is None:
        raise cursor.fault("expected an operator")
    return comparison


def _name(cursor: Cursor) -> str:
    start = cursor.at
    while cursor.peek().isascii() and (cursor.peek().isalnum() or cursor.peek() == "_"):
        cursor.at += 1
    name = cursor.text[start : cursor.at]
    if not name or not name[0].isalpha():
        raise cursor.fault("a name of letters, digits and _ begins with a letter", start)
    return name
