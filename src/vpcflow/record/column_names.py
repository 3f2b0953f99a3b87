"""Which field a column of somebody's file is, however its name is written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vpcflow.record.fields import FIELDS

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
#: Names that CloudWatch Logs Insights gives, beside its way of writing ``srcAddr``.
_OTHER_NAMES = {"starttime": "start", "endtime": "end"}
#: A longer name of an unknown column is cut.
COLUMN_NAME_CHARACTERS_MAX = 128


def _squeezed(name: str) -> str:
    return _NOT_PLAIN.sub("", name.lower())


_NAMES = {_squeezed(spec.name): spec.name for spec in FIELDS} | _OTHER_NAMES


def known_name(column: str) -> str | None:
    """The registry's name of a column: ``account_id``, ``account-id``, ``accountId``, ``${srcaddr}``."""
    return _NAMES.get(_squeezed(column))


def field_name(column: str) -> str:
    """The name as a log format may hold it; an unknown one becomes lower case with ``-`` between."""
    known = known_name(column)
    if known:
        return known
    name = _NOT_PLAIN.sub("-", column.lower()[:COLUMN_NAME_CHARACTERS_MAX]).strip("-")
    return name if name and name[0].isalpha() else f"column-{name}".rstrip("-")


def field_names(columns: Iterable[str]) -> tuple[str, ...]:
    """The names of all columns of a file; a second column of one name gets another one."""
    names: list[str] = []
    seen: set[str] = set()
    for column in columns:
        base = name = field_name(column)
        count = 1
        while name in seen:
            count += 1
            name = f"{base}-again-{count}"
        seen.add(name)
        names.append(name)
    return tuple(names)


def is_tag(name: str) -> bool:
    """Whether a field holds what a person wrote, so that any word is a value."""
    return name.removesuffix("-2").endswith("-tag")


def is_account(name: str) -> bool:
    """Whether a field is an account: twelve digits, also where a program made a number of it."""
    return name.endswith("account-id")
