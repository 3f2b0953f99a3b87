"""Whether texts fit a comparison: one text, or a whole column of them, with the same result."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.query.filter_pattern.tree import NUMBER, Comparison, Number, Regex, Text

_NUMBER_WHOLE = f"^(?:{NUMBER.pattern})$"
#: The spelling that nearly every number has.
_PLAIN_NUMBER = r"^-?[0-9]{1,18}(?:\.[0-9]{1,18})?$"
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARE_COLUMNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def number_of(text: str) -> float | None:
    """The number that a text is."""
    return float(text) if NUMBER.fullmatch(text) else None


def fits_glob(text: str, pattern: str) -> bool:
    """Whether a whole text fits a pattern in which ``*`` stands for any text; in linear steps."""
    if "*" not in pattern:
        return text == pattern
    first, *middle, last = pattern.split("*")
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False
    if not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def fits_regex(text: str, expression: str) -> bool:
    """Whether a regular expression is found in a text; RE2, in time linear in the text."""
    if not text.isascii():
        text = text.encode(errors="replace").decode()  # half a surrogate pair is no text to Arrow
    return bool(pc.match_substring_regex(pa.array([text], pa.string()), expression)[0].as_py())


def fits_text(text: str, comparison: Comparison) -> bool:
    """Whether one text fits; a text that is no number fits no comparison with a number."""
    value = comparison.value
    if isinstance(value, Number):
        number = number_of(text)
        return number is not None and fits_number(number, comparison)
    found = fits_glob(text, value.text) if isinstance(value, Text) else fits_regex(text, value.text)
    return found is (comparison.operator == "=")


def fits_number(number: float, comparison: Comparison) -> bool:
    """Whether a number fits a comparison with a number."""
    assert isinstance(comparison.value, Number)
    return _COMPARE[comparison.operator](number, comparison.value.value)


def numbers_of(texts: pa.StringArray) -> pa.DoubleArray:
    """The numbers that texts are; null for those that are none."""
    plain = pc.match_substring_regex(texts, _PLAIN_NUMBER)
    numbers = pc.if_else(plain, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    if pc.all(plain).as_py():
        return numbers
    # Arrow reads other spellings differently from Python, which decides.
    odd = pc.and_not(pc.match_substring_regex(texts, _NUMBER_WHOLE), plain)
    if not pc.any(odd).as_py():
        return numbers
    picked = [number_of(text) for text in texts.filter(odd).to_pylist()]
    return pc.replace_with_mask(numbers, odd, pa.array(picked, pa.float64()))


def fit_column(texts: pa.StringArray, comparison: Comparison) -> pa.BooleanArray:
    """For each text whether it fits; nothing is null when no text is."""
    value = comparison.value
    if isinstance(value, Number):
        return fit_numbers(numbers_of(texts), comparison)
    if isinstance(value, Regex):
        found = pc.match_substring_regex(texts, value.text)
    elif "*" not in value.text:
        found = pc.equal(texts, value.text)
    else:
        found = pc.match_like(texts, _like(value.text))
    return found if comparison.operator == "=" else pc.invert(found)


def fit_numbers(numbers: pa.Array, comparison: Comparison) -> pa.BooleanArray:
    """For each number whether it fits; null does not."""
    assert isinstance(comparison.value, Number)
    compare = _COMPARE_COLUMNS[comparison.operator]
    return pc.fill_null(compare(numbers, pa.scalar(comparison.value.value, pa.float64())), False)


def _like(pattern: str) -> str:
    for char in ("\\", "%", "_"):
        pattern = pattern.replace(char, "\\" + char)
    return pattern.replace("*", "%")
