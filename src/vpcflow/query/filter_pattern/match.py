"""One message against a filter pattern, with the values that the pattern takes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vpcflow.base.errors import FilterError
from vpcflow.query.filter_pattern.fields import bind
from vpcflow.query.filter_pattern.json_events import (
    document_of,
    fits,
    selectors_of,
    text_of,
    values_at,
)
from vpcflow.query.filter_pattern.parse import parse_pattern
from vpcflow.query.filter_pattern.parse_json import parse_selector
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
from vpcflow.query.filter_pattern.values import fits_regex, fits_text


@dataclass(frozen=True, slots=True)
class Match:
    """A message that fits.

    Shape: ``values`` are what TestMetricFilter shows: ``$name`` or ``$3`` of a slot, ``$.path`` of
    an event. ``fields`` are the texts of the slots, ``document`` the JSON event.
    """

    values: Mapping[str, str]
    fields: tuple[str | None, ...] = ()
    document: Any = None

    def value(self, selector: str) -> str | None:
        """The text at ``$name``, ``$7`` or ``$.path``; None when there is none."""
        if selector in self.values:
            return self.values[selector]
        if selector.startswith(("$.", "$[")) and self.document is not None:
            found = _selected(self.document, selector)
            return None if found is None else text_of(found)
        at = selector[1:]
        if at.isascii() and at.isdigit() and 0 < int(at) <= len(self.fields):
            return self.fields[int(at) - 1]
        return None


@dataclass(frozen=True, slots=True)
class Matcher:
    """A pattern, ready for single messages."""

    pattern: Pattern

    def matches(self, message: str) -> Match | None:
        """The match of a message, or None."""
        match self.pattern:
            case Terms(terms):
                return Match({}) if _fits_terms(message, terms) else None
            case Slots(slots):
                return _match_slots(message, slots)
            case Json(condition):
                document = document_of(message)
                if document is None or not fits(document, condition):
                    return None
                values = {}
                for selector in selectors_of(condition):
                    found = values_at(document, selector)
                    if found:
                        values[str(selector)] = text_of(found[0])
                return Match(values, (), document)


def matcher(pattern: str | Pattern) -> Matcher:
    """Prepare a pattern.

    Errors: FilterError for a text that is none.
    """
    return Matcher(parse_pattern(pattern) if isinstance(pattern, str) else pattern)


def wanted_terms(terms: tuple[Term, ...]) -> tuple[tuple[Term, ...], bool]:
    """The terms that count, and whether one of them is enough: optional ones alone are alternatives."""
    if terms and all(term.sign is Sign.OPTIONAL for term in terms):
        return terms, True
    return tuple(term for term in terms if term.sign is not Sign.OPTIONAL), False


def slot_name(slot: Slot, index: int) -> str:
    """What the value of a slot is called."""
    return f"${slot.name or index + 1}"


def _fits_terms(message: str, terms: tuple[Term, ...]) -> bool:
    wanted, one_is_enough = wanted_terms(terms)
    found = (_holds(message, term) is (term.sign is not Sign.EXCLUDED) for term in wanted)
    return any(found) if one_is_enough else all(found)


def _holds(message: str, term: Term) -> bool:
    if isinstance(term.value, Text):
        return term.value.text in message
    return fits_regex(message, term.value.text)


def _match_slots(message: str, slots: tuple[Slot, ...]) -> Match | None:
    if not slots:
        return Match({})
    fields = bind(message, slots)
    if fields is None:
        return None
    values: dict[str, str] = {}
    for i, (slot, field) in enumerate(zip(slots, fields, strict=True)):
        if field is None:
            continue
        if slot.alternatives and not _fits_slot(field, slot.alternatives):
            return None
        values[slot_name(slot, i)] = field
    return Match(values, tuple(fields))


def _fits_slot(field: str, alternatives: tuple[tuple[Comparison, ...], ...]) -> bool:
    return any(all(fits_text(field, one) for one in together) for together in alternatives)


def _selected(document: Any, selector: str) -> Any:
    try:
        found = values_at(document, parse_selector(selector))
    except FilterError:
        return None
    return found[0] if found else None
