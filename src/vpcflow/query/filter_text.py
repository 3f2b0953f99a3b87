"""A condition as the text of a filter: parsed again, it is the same condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vpcflow.query.expression import (
    EITHER_FIELDS,
    And,
    Compare,
    Expression,
    In,
    InNetwork,
    IsNull,
    Not,
    Or,
    TextMatch,
)


@dataclass(frozen=True, slots=True)
class FieldTest:
    """A test of one field, in the words that it is written with."""

    field: str
    op: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        return f"{self.field} {self.op} {self.value}".rstrip()


def top_terms(condition: Expression | None) -> list[Expression]:
    """The conditions that a filter joins with ``and``.

    Shape: the two bounds of one range of numbers stay together, as one And.
    """
    if condition is None:
        return []
    if not isinstance(condition, And):
        return [condition]
    terms: list[Expression] = []
    for part in condition.parts:
        if terms and isinstance(terms[-1], Compare) and _span([terms[-1], part]):
            terms[-1] = And((terms[-1], part))
        else:
            terms.append(part)
    return terms


def filter_text(condition: Expression | None, *, inner: bool = False) -> str:
    """The one spelling of a condition; empty where there is none.

    Shape: ``inner`` brackets what other conditions could not stand beside with ``and``.
    """
    terms = top_terms(condition)
    if len(terms) > 1:
        return " and ".join(filter_text(term, inner=True) for term in terms)
    if not terms:
        return ""
    (term,) = terms
    test = field_test(term)
    if test is not None:
        return str(test)
    return f"({term})" if inner and isinstance(term, Or) else str(term)


def field_test(condition: Expression) -> FieldTest | None:
    """The words of a condition that tests one field, None for any other."""
    match condition:
        case Not(IsNull(field)):
            return FieldTest(field, "is not null", "", negated=True)
        case Not(Compare(field, "=", _) as equal) if field in EITHER_FIELDS:
            return FieldTest(field, "!=", _after(equal, " = "), negated=True)
        case Not(InNetwork(field, (only,))) if only.first == only.last:
            return FieldTest(field, "!=", str(only), negated=True)
        case Not((In() | InNetwork() | TextMatch() | Or() | And()) as inside):
            test = field_test(inside)
            if test is None or test.op not in {"in", "like", "="}:
                return None
            op = "in" if test.op == "=" else test.op
            return FieldTest(test.field, f"not {op}", test.value, negated=True)
        case Compare(field, operator, _):
            return FieldTest(
                field, operator, _after(condition, f" {operator} "), negated=operator == "!="
            )
        case In(field, _):
            return FieldTest(field, "in", _after(condition, " in "))
        case InNetwork(field, _):
            written = str(condition)
            op = "in" if written.startswith(f"{field} in ") else "="
            return FieldTest(field, op, written[len(f"{field} {op} ") :])
        case IsNull(field):
            return FieldTest(field, "is null", "")
        case TextMatch(field, _):
            return FieldTest(field, "like", _after(condition, " like "))
        case Or(parts):
            return _list_text(parts)
        case And(parts):
            return _list_text([condition]) if _span(parts) else None
    return None


def _after(condition: Expression, sign: str) -> str:
    return str(condition).partition(sign)[2]


def _list_text(parts: Sequence[Expression]) -> FieldTest | None:
    """Numbers and ranges of one field as one list, where that is what the parts come from."""
    fields: list[str] = []
    values: list[str] = []
    place = 0
    if isinstance(parts[0], In):
        fields.append(parts[0].field)
        values.append(_after(parts[0], " in ")[1:-1])
        place = 1
    while place < len(parts):
        span = _either_span(parts[place : place + 2]) or _one_span(parts[place])
        if span is None:
            return None
        field, written = span
        fields.append(field)
        values.append(written)
        place += 2 if field in EITHER_FIELDS else 1
    if len(set(fields)) != 1 or not any(values):
        return None
    return FieldTest(fields[0], "in", f"({', '.join(values)})")


def _one_span(part: Expression) -> tuple[str, str] | None:
    return _span(part.parts) if isinstance(part, And) else None


def _either_span(parts: Sequence[Expression]) -> tuple[str, str] | None:
    found = [_one_span(part) for part in parts]
    if len(found) != 2 or found[0] is None or found[1] is None or found[0][1] != found[1][1]:
        return None
    for name, ends in EITHER_FIELDS.items():
        if (found[0][0], found[1][0]) == ends:
            return name, found[0][1]
    return None


def _span(parts: Sequence[Expression]) -> tuple[str, str] | None:
    """The field and the words of two bounds that are one range of numbers."""
    match parts:
        case [Compare(field, ">=", int(low)), Compare(again, "<=", int(high))] if (
            field == again and low <= high
        ):
            return field, f"{low}-{high}"
    return None
