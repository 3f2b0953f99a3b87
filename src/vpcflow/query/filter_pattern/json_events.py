"""Conditions over one JSON event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any as Anything

import orjson

from vpcflow.query.filter_pattern import tree
from vpcflow.query.filter_pattern.tree import Comparison, Number, Selector
from vpcflow.query.filter_pattern.values import fits_number, fits_text


def document_of(message: str) -> Anything:
    """The object or array of a JSON event; None for anything else."""
    if message.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return orjson.loads(message)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None


def values_at(document: Anything, selector: Selector) -> list[Anything]:
    """What stands at a selector: nothing, one value, or several for a wildcard."""
    found = [document]
    for step in selector.steps:
        found = [inner for value in found for inner in _step(value, step, members=selector.members)]
    return found


def _step(value: Anything, step: tree.Step, *, members: bool) -> list[Anything]:
    if step is None:
        if members and isinstance(value, Mapping):
            return list(value.values())
        return list(value) if not members and isinstance(value, list) else []
    if isinstance(step, int):
        return [value[step]] if isinstance(value, list) and step < len(value) else []
    return [value[step]] if isinstance(value, Mapping) and step in value else []


def fits(document: Anything, condition: tree.Condition) -> bool:
    """Whether an event fits a condition."""
    match condition:
        case tree.All(parts):
            return all(fits(document, part) for part in parts)
        case tree.Any(parts):
            return any(fits(document, part) for part in parts)
        case tree.NotExists(selector):
            return not values_at(document, selector)
        case tree.Is(selector, word):
            wanted = {"NULL": None, "TRUE": True, "FALSE": False}[word]
            return any(value is wanted for value in values_at(document, selector))
        case tree.Member(selector, comparison):
            return any(_fits(value, comparison) for value in values_at(document, selector))


def _fits(value: Anything, comparison: Comparison) -> bool:
    if value is None or isinstance(value, Mapping | list):
        return False
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(comparison.value, Number):
        if number:
            return fits_number(float(value), comparison)
        if comparison.operator not in ("=", "!="):
            return False
        same = value == comparison.value.text
        return same is (comparison.operator == "=")
    return fits_text(text_of(value), comparison)


def text_of(value: Anything) -> str:
    """A value of an event as text."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def selectors_of(condition: tree.Condition) -> list[Selector]:
    """The selectors of a condition, from left to right."""
    if isinstance(condition, tree.All | tree.Any):
        return [selector for part in condition.parts for selector in selectors_of(part)]
    return [condition.selector]
