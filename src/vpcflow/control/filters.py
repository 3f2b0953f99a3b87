"""EC2's filters: values of one filter are alternatives, all filters must hold, ``*`` and ``?`` match."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from vpcflow.base.errors import ServiceError
from vpcflow.control.wildcards import whole

T = TypeVar("T")
#: Values of all filters of a request together, as at AWS.
VALUES_MAX = 200
#: Letters of one value; no value of a resource is longer.
VALUE_LENGTH_MAX = 1_024
#: Patterns that are kept compiled.
PATTERNS_HELD_MAX = 1024
#: What a resource answers for a filter's name.
Values = Callable[[T], Iterable[str]]


def select(
    items: Iterable[T],
    filters: Sequence[Mapping[str, Any]] | None,
    known: Mapping[str, Values[T]],
    tags_of: Callable[[T], Mapping[str, str]] | None = None,
    *,
    wildcards: bool = True,
) -> list[T]:
    """The items that all filters let through; ``filters`` as ``[{"Name": ..., "Values": [...]}]``.

    Errors: ServiceError ``InvalidParameterValue`` for a filter that is not known, or a value that is too long,
    ``FilterLimitExceeded`` for too many values.
    """
    if sum(len(one.get("Values") or ()) for one in filters or ()) > VALUES_MAX:
        raise ServiceError(
            "FilterLimitExceeded",
            f"The maximum number of filter values specified on a single call is {VALUES_MAX}",
        )
    kept = list(items)
    for one in filters or ():
        name, wanted = one.get("Name", ""), [str(value) for value in one.get("Values") or ()]
        if any(len(value) > VALUE_LENGTH_MAX for value in wanted):
            raise ServiceError(
                "InvalidParameterValue",
                f"A value of the filter '{name}' is longer than {VALUE_LENGTH_MAX} characters",
            )
        values = _values_of(name, known, tags_of)
        plain = {value for value in wanted if not (wildcards and _is_wild(value))}
        patterns = [_pattern(value) for value in wanted if wildcards and _is_wild(value)]
        kept = [
            item
            for item in kept
            if any(
                value in plain or any(pattern.fullmatch(value) for pattern in patterns)
                for value in values(item)
            )
        ]
    return kept


def _values_of(
    name: str,
    known: Mapping[str, Values[Any]],
    tags_of: Callable[[Any], Mapping[str, str]] | None,
) -> Values[Any]:
    if name in known:
        return known[name]
    if tags_of is not None:
        if name == "tag-key":
            return lambda item: tags_of(item).keys()
        if name == "tag-value":
            return lambda item: tags_of(item).values()
        if name.startswith("tag:"):
            key = name.removeprefix("tag:")
            return lambda item: [tags_of(item)[key]] if key in tags_of(item) else []
    raise ServiceError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _is_wild(value: str) -> bool:
    return "*" in value or "?" in value


@lru_cache(PATTERNS_HELD_MAX)
def _pattern(value: str) -> re.Pattern[str]:
    r"""``\*`` and ``\?`` are the characters themselves."""
    parts = [""]
    for piece in re.split(r"(\\[\s\S]|[*?])", value):
        if piece == "*":
            parts.append("")
        elif piece == "?":
            parts[-1] += "."
        else:
            literal = piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece
            parts[-1] += re.escape(literal)
    # Stars beside each other are one.
    return whole([parts[0], *filter(None, parts[1:-1]), *parts[-1:]] if len(parts) > 1 else parts)
