"""What a breakdown may be by: the fields of records, and what follows from them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from vpcflow.query.answer import ColumnKind, ColumnMeta
from vpcflow.query.rollup_choice import ROLLUP_FIELDS, Grain
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME

FIELDS_MAX = 3

ADDRESS = "address"
CLASS = "class"
#: Derived fields: their columns, and the words for people.
DERIVED: dict[str, tuple[ColumnMeta, ...]] = {
    CLASS: (ColumnMeta("class", "text", "Class"),),
    "scope": (ColumnMeta("scope", "text", "Scope"),),
    "host": (ColumnMeta("host", "address", "Host"),),
    "peer": (ColumnMeta("peer", "address", "Peer"),),
    ADDRESS: (ColumnMeta("address", "address", "Address"),),
    "service": (
        ColumnMeta("protocol", "protocol", "Protocol"),
        ColumnMeta("port", "port", "Port"),
    ),
}
_ENDS = frozenset({"host", "peer", ADDRESS, "service", "scope"})
#: What rows of each rollup can be told apart by.
_KNOWN = {
    Grain.TRAFFIC: ROLLUP_FIELDS[Grain.TRAFFIC] | {"scope", CLASS},
    Grain.HOURS: ROLLUP_FIELDS[Grain.HOURS] | {"scope", CLASS},
    Grain.CONVERSATIONS: ROLLUP_FIELDS[Grain.CONVERSATIONS] | _ENDS,
}
_KINDS: dict[str, ColumnKind] = {
    "start": "time",
    "end": "time",
    "bytes": "bytes",
    "packets": "packets",
    "protocol": "protocol",
    "srcport": "port",
    "dstport": "port",
    "reject-rule": "rule",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One column that groups are told apart by."""

    column: ColumnMeta
    field: str

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


def fields_named(text: str) -> tuple[str, ...]:
    """The fields of a list with commas, in AWS's spelling.

    Errors: ValueError for a name that is no field, and for none or too many.
    """
    names = tuple(dict.fromkeys(_field(part) for part in text.split(",") if part.strip()))
    if not 1 <= len(names) <= FIELDS_MAX:
        raise ValueError(f"name 1 to {FIELDS_MAX} fields, with commas between")
    return names


def _field(text: str) -> str:
    name = text.strip().lower().replace("_", "-")
    if name in DERIVED or name in FIELDS_BY_NAME:
        return name
    close = difflib.get_close_matches(name, [*FIELDS_BY_NAME, *DERIVED], n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(close)}" if close else ""
    raise ValueError(f"there is no field '{text.strip()}'{hint}")


def keys_of(fields: tuple[str, ...]) -> tuple[Key, ...]:
    """The columns of the fields; one that two of them share stands once."""
    keys: dict[str, Key] = {}
    for field in fields:
        for column in DERIVED.get(field) or (_column(field),):
            keys.setdefault(column.name, Key(column, field))
    return tuple(keys.values())


def _column(field: str) -> ColumnMeta:
    spec = FIELDS_BY_NAME[field]
    kind: ColumnKind = "text" if spec.kind is FieldKind.TEXT else "count"
    if spec.kind is FieldKind.ADDRESS:
        kind = "address"
    return ColumnMeta(spec.column, _KINDS.get(field, kind), field.replace("-", " ").capitalize())


def knows(grain: Grain, fields: tuple[str, ...], condition: frozenset[str], refused: bool) -> bool:
    """Whether rows of a rollup know these fields, and those of a condition."""
    known = _KNOWN[grain]
    if grain is Grain.CONVERSATIONS and refused:
        known |= {"dstport"}
    return known >= set(fields) and ROLLUP_FIELDS[grain] | (known & {"dstport"}) >= condition


def value_of(rows: Any, key: Key, end: str) -> Any:
    """The value of a key in each row; ``end`` is the address that stands for either."""
    from vpcflow.query.questions.traffic import class_of
    from vpcflow.query.stored_table import column, scope_of

    match key.field, key.name:
        case "class", _:
            return class_of(rows)
        case "scope", _:
            return scope_of(rows).cases((0, "internal"), (1, "internet"))
        case "address", _:
            return rows[end]
        case "service", "port":
            return rows.lo_port
    return column(rows, key.name)
