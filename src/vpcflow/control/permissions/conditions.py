"""Conditions of a policy statement: operators, sets, and what a missing key means."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from vpcflow.control.wildcards import whole

#: Patterns that are kept compiled; more are compiled anew.
PATTERNS_HELD_MAX = 8192
_SETS = ("forallvalues:", "foranyvalue:")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
#: What a wildcard that is meant literally becomes while a pattern is made.
_LITERAL = {"*": "\ue000", "?": "\ue001", "$": "\ue002"}
_BACK = {mark: letter for letter, mark in _LITERAL.items()}


@lru_cache(maxsize=PATTERNS_HELD_MAX)
def pattern(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """``*`` and ``?`` as a regular expression for a whole text."""
    parts = (
        "".join("." if letter == "?" else re.escape(_BACK.get(letter, letter)) for letter in part)
        for part in re.sub(r"\*+", "*", text).split("*")
    )
    return whole(parts, re.IGNORECASE if ignore_case else 0)


def like(text: str, wanted: str, *, ignore_case: bool = False) -> bool:
    """Whether a text is as a pattern with ``*`` and ``?`` wants it."""
    if wanted == "*":
        return True
    return pattern(wanted, ignore_case=ignore_case).fullmatch(text) is not None


def filled(text: str, context: Mapping[str, Sequence[str]]) -> str | None:
    """A text with its policy variables filled in; None when one has no value.

    Shape: a value's own wildcards are letters, not wildcards; ``${*}``, ``${?}`` and ``${$}`` too.
    """
    if "${" not in text:
        return text
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        name, comma, default = found[1].partition(",")
        if name in _LITERAL:
            return _LITERAL[name]
        values = context.get(name.strip().lower(), ())
        if len(values) == 1:
            value = values[0]
        elif comma:
            value = default.strip().strip("'")
        else:
            missing = True
            return ""
        return value.translate({ord(letter): mark for letter, mark in _LITERAL.items()})

    result = _VARIABLE.sub(fill, text)
    return None if missing else result


def known_operator(operator: str) -> bool:
    """Whether IAM has an operator of that name."""
    return _split(operator)[1] in {*_OPERATORS, "null"}


def holds(
    operator: str, key: str, wanted: Sequence[str], context: Mapping[str, Sequence[str]]
) -> bool:
    """Whether one condition holds; ``context`` has lower-case keys.

    Shape: an operator that does not exist never holds.
    """
    quantifier, name, if_exists = _split(operator)
    present = context.get(key.lower())
    if name == "null":
        return any((each.lower() == "true") == (not present) for each in wanted)
    test = _OPERATORS.get(name)
    if test is None:
        return False
    negated, compare = test
    if not present:
        # Without a value, a set of all and a negation hold; and so does whatever says IfExists.
        return if_exists or quantifier == "forallvalues:" or (negated and not quantifier)
    values = list(wanted)

    def one(value: str) -> bool:
        matched = any(compare(value, each) for each in values)
        return not matched if negated else matched

    if quantifier == "foranyvalue:":
        return any(one(value) for value in present)
    if quantifier == "forallvalues:" or negated:
        return all(one(value) for value in present)
    return any(one(value) for value in present)


def as_context(context: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    """Condition keys of a request in the form that conditions read: lower case, texts."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in (context or {}).items():
        if value is None:
            continue
        many = value if isinstance(value, list | tuple | set | frozenset) else (value,)
        found[key.lower()] = tuple(
            ("true" if each else "false") if isinstance(each, bool) else str(each) for each in many
        )
    return found


def _split(operator: str) -> tuple[str, str, bool]:
    name = operator.lower()
    quantifier = next((each for each in _SETS if name.startswith(each)), "")
    name = name[len(quantifier) :]
    if_exists = name.endswith("ifexists")
    return quantifier, name.removesuffix("ifexists"), if_exists


def _literal(text: str) -> str:
    """A text in which variables were filled, for operators without wildcards."""
    return text.translate({ord(mark): letter for mark, letter in _BACK.items()})


def _equal(value: str, wanted: str) -> bool:
    return value == _literal(wanted)


def _equal_ignore_case(value: str, wanted: str) -> bool:
    return value.lower() == _literal(wanted).lower()


def _arn_like(value: str, wanted: str) -> bool:
    parts, patterns = value.split(":", 5), wanted.split(":", 5)
    if wanted == "*":
        return True
    if len(parts) != 6 or len(patterns) != 6:
        return False
    return all(like(part, each) for part, each in zip(parts, patterns, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def test(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return test


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        read = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def test(value: str, wanted: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except (ValueError, OverflowError):
            return False

    return test


def _in_network(value: str, wanted: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address) in network


def _binary(value: str, wanted: str) -> bool:
    try:
        return base64.b64decode(value) == base64.b64decode(wanted)
    except (ValueError, binascii.Error):
        return False


def _same(left: float, right: float) -> bool:
    return left == right


def _less(left: float, right: float) -> bool:
    return left < right


def _at_most(left: float, right: float) -> bool:
    return left <= right


def _more(left: float, right: float) -> bool:
    return left > right


def _at_least(left: float, right: float) -> bool:
    return left >= right


#: By lower-case name: whether it is a negation, and how a value is compared with a wanted one.
_OPERATORS: dict[str, tuple[bool, Callable[[str, str], bool]]] = {
    "stringequals": (False, _equal),
    "stringnotequals": (True, _equal),
    "stringequalsignorecase": (False, _equal_ignore_case),
    "stringnotequalsignorecase": (True, _equal_ignore_case),
    "stringlike": (False, like),
    "stringnotlike": (True, like),
    "arnequals": (False, _arn_like),
    "arnnotequals": (True, _arn_like),
    "arnlike": (False, _arn_like),
    "arnnotlike": (True, _arn_like),
    "bool": (False, _equal_ignore_case),
    "ipaddress": (False, _in_network),
    "notipaddress": (True, _in_network),
    "binaryequals": (False, _binary),
    **{
        f"{kind}{name}": (negated, make(compare))
        for kind, make in (("numeric", _number), ("date", _date))
        for name, negated, compare in (
            ("equals", False, _same),
            ("notequals", True, _same),
            ("lessthan", False, _less),
            ("lessthanequals", False, _at_most),
            ("greaterthan", False, _more),
            ("greaterthanequals", False, _at_least),
        )
    },
}
