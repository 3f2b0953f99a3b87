"""A filter of the console as a condition on every reading of flow_records in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vpcflow.query.expression import Expression
from vpcflow.query.plan import TRUE, Shape, StoredValue, plan
from vpcflow.query.time_range import TimeRange


@dataclass(frozen=True, slots=True)
class ScanCondition:
    """What holds of every record that a query may see.

    Shape: ``branches`` are shapes over AWS columns, ``host``, ``peer`` and ``direction`` whose
    records do not overlap, with places in ``values``; ``time_range`` bounds start.
    """

    branches: tuple[Shape, ...]
    values: tuple[StoredValue, ...]
    time_range: TimeRange

    @property
    def columns(self) -> set[str]:
        """The columns that the branches read."""
        return {name for branch in self.branches for name in _names_of(branch)}


def condition_of_scans(condition: Expression | None, within: TimeRange) -> ScanCondition:
    """A filter and a time range as one condition."""
    made = plan(condition, within)
    return ScanCondition(made.branches, made.values, made.time_range)


def shape_sql(
    shape: Shape, values: tuple[StoredValue, ...], column: Callable[[str], str]
) -> str | None:
    """A shape as SQL in brackets, its values as literals; None when it is always true."""
    return None if shape == TRUE else _shape_sql(shape, values, column)


def _shape_sql(shape: Shape, values: tuple[StoredValue, ...], column: Callable[[str], str]) -> str:
    def of(part: Shape) -> str:
        return _shape_sql(part, values, column)

    def value(slot: Shape) -> str:
        return _literal(values[slot[1]])

    match shape:
        case ["and" | "or" as word, parts]:
            return f"({f' {word.upper()} '.join(map(of, parts))})"
        case ["not", part]:
            return f"(NOT {of(part)})"
        case ["untrue", part]:
            return f"({of(part)} IS NOT TRUE)"
        case ["direction", wanted]:
            return f"({column('direction')} = {int(wanted)})"
        case ["compare", name, sign, slot]:
            return f"({column(name)} {'<>' if sign == '!=' else sign} {value(slot)})"
        case ["between", name, low, high]:
            return f"({column(name)} BETWEEN {value(low)} AND {value(high)})"
        case ["in", name, slots]:
            return f"({column(name)} IN ({', '.join(map(value, slots))}))"
        case ["null", name]:
            return f"({column(name)} IS NULL)"
        case ["like", name, slot]:
            return f"regexp_matches({column(name)}, {value(slot)})"
    raise AssertionError(f"no such shape: {shape[0]}")


def _literal(value: StoredValue) -> str:
    if isinstance(value, bytes):
        return f"from_hex('{value.hex()}')"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(int(value))


def _names_of(shape: Shape) -> Iterator[str]:
    match shape:
        case ["and" | "or", parts]:
            for part in parts:
                yield from _names_of(part)
        case ["not" | "untrue", part]:
            yield from _names_of(part)
        case ["direction", _]:
            yield "direction"
        case ["compare" | "between" | "in" | "null" | "like", name, *_]:
            yield name
