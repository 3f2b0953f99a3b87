"""The models' regular expressions, which are Java's, as Python's.

Limits: a pattern with a Unicode class that Python's module cannot say is not enforced;
``untranslated`` names those of a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from vpcflow.api.aws.protocol.models import model_of

_SEPARATORS = "\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]")
_PROPERTY = re.compile(r"\\[pP]\{")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as the model writes it, and whether a whole text fits it."""

    model: str
    fits: Callable[[str], object]


@lru_cache(maxsize=1024)
def translated(pattern: str) -> Pattern | None:
    """A pattern of a model, None for one that Python cannot say."""
    # Java's \w, \d and \s are ASCII; only the classes below are wider.
    flags = re.ASCII
    text = pattern
    if _PROPERTY.search(pattern):
        text = _CLASS.sub(_letters_and_numbers, pattern)
        if _PROPERTY.search(text) or "\\d" in text or "\\s" in text:
            return None
        flags = re.UNICODE
    # A class within a range stands for itself in Java: [\w-_].
    text = re.sub(r"(\[\\w)-(?=[^\]])", r"\1\\-", text)
    try:
        return Pattern(pattern, re.compile(text, flags).fullmatch)
    except re.error:
        return None


def _letters_and_numbers(match: re.Match[str]) -> str:
    r"""A class with ``\p{L}``, ``\p{N}`` and ``_``, which together are Python's ``\w``."""
    text = match[0]
    if r"\p{L}" in text and r"\p{N}" in text and "_" in text:
        text = text.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace("_", "", 1)
        text = text.replace(r"\p{Z}", _SEPARATORS)
    return text


def untranslated(service: str) -> list[str]:
    """The patterns of a model that are not enforced."""
    model = model_of(service)
    patterns = {
        shape.metadata["pattern"]
        for shape in map(model.shape_for, model.shape_names)
        if "pattern" in shape.metadata
    }
    return sorted(pattern for pattern in patterns if translated(pattern) is None)
