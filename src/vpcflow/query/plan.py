"""From a condition over AWS fields to predicates over the stored columns, and what they prune.

A *shape* is a predicate without its values: nested lists of texts and numbers, in which values
stand as their places in ``Plan.values``. Two questions with one shape share one compiled
statement, and no value of a user ever becomes part of a statement's text.

Records are stored from their interface's side, so a condition on one address would touch two
columns, and OR across columns defeats statistics and bloom filters. Such a question becomes
branches whose rows do not overlap and whose union is exact:

* srcaddr and dstaddr: one branch a direction, in which they are host and peer or peer and host;
* either end: host fits; and peer fits while host does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vpcflow.query.expression import (
    EITHER_ADDRESS,
    EITHER_FIELDS,
    AddressRange,
    And,
    Compare,
    Expression,
    In,
    InNetwork,
    IsNull,
    Not,
    Or,
    TextMatch,
    fields_of,
    is_narrow,
)
from vpcflow.query.time_range import TimeRange
from vpcflow.store.rollup_schema import CONVERSATION_PERIOD_S, TRAFFIC_PERIOD_S
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

Shape = list[Any]
StoredValue = int | str | bytes

TRUE: Shape = ["true"]
#: What makes a condition one of REJECT records alone.
REFUSED = Compare("action", "=", "REJECT")

#: How much time rows of rollups stand for.
WIDTHS_S = (SECONDS_AN_HOUR, CONVERSATION_PERIOD_S, TRAFFIC_PERIOD_S)

_HOST_IS_SOURCE = {"srcaddr": "host", "dstaddr": "peer"}
_HOST_IS_DESTINATION = {"srcaddr": "peer", "dstaddr": "host"}


@dataclass(frozen=True, slots=True)
class WholeBounds:
    """Bounds of rows that stand for whole hours or periods, where the asked range is made of others.

    Shape: for the start and the end of the range, where it has one: the bound that keeps the row
    which the range cuts, the bound that leaves it out, and the test of the records that are then
    left to read themselves.
    """

    starts: tuple[Shape, ...]
    ends: tuple[Shape, ...]

    def rows(self, *, cut_start: bool, cut_end: bool) -> tuple[Shape, ...]:
        """The bounds of rows; those that are cut are left out."""
        sides = ((self.starts, cut_start), (self.ends, cut_end))
        return tuple(shapes[cut] for shapes, cut in sides if shapes)

    def edges(self, *, cut_start: bool, cut_end: bool) -> tuple[Shape, ...]:
        """The tests of records in the rows that are left out, one an edge: OR would prune nothing."""
        sides = ((self.starts, cut_start), (self.ends, cut_end))
        return tuple(shapes[2] for shapes, cut in sides if shapes and cut)


@dataclass(frozen=True, slots=True)
class Plan:
    """A condition and a time range, ready for any engine.

    Shape: ``branches`` are shapes whose records do not overlap; ``bounds`` bound ``start`` as the
    caller asked, ``whole`` whole hours and periods, by their width;
    ``values`` fill the slots of all; ``time_range`` is what prunes files; ``fields`` are the AWS fields that the condition
    touches; ``refused`` says that it holds of REJECT records alone.
    """

    branches: tuple[Shape, ...]
    bounds: tuple[Shape, ...]
    whole: dict[int, WholeBounds]
    values: tuple[StoredValue, ...]
    time_range: TimeRange
    fields: frozenset[str]
    refused: bool


@dataclass(slots=True)
class _Slots:
    """Values on their way out of a statement's text, each with its kind."""

    values: list[StoredValue] = field(default_factory=list)

    def add(self, value: StoredValue) -> Shape:
        self.values.append(value)
        kind = {int: "int", str: "text", bytes: "address"}[type(value)]
        return [kind, len(self.values) - 1]


def plan(condition: Expression | None, time_range: TimeRange) -> Plan:
    """Lower a condition and a time range to stored columns.

    Shape: bounds of start that the condition itself sets narrow the plan's time range.
    """
    slots = _Slots()
    parts = (
        list(condition.parts) if isinstance(condition, And) else [condition] if condition else []
    )
    parts = [_as_either_end(part) for part in parts]
    # Only what the caller gave becomes a predicate of its own: the condition keeps its own bounds.
    bounds = _time_shapes(time_range, slots)
    whole = {width_s: _whole_bounds(time_range, width_s, slots) for width_s in WIDTHS_S}
    branches = tuple(_conjunction(shapes) for shapes in _branches(parts, slots))
    return Plan(
        branches,
        tuple(bounds),
        whole,
        tuple(slots.values),
        _narrowed(time_range, parts),
        frozenset(fields_of(condition)),
        REFUSED in parts,
    )


def _whole_bounds(time_range: TimeRange, width_s: int, slots: _Slots) -> WholeBounds:
    start_s, end_s = time_range.start_s, time_range.end_s
    starts: tuple[Shape, ...] = ()
    ends: tuple[Shape, ...] = ()
    if start_s is not None:
        outer, inner = (
            slots.add(start_s - start_s % width_s),
            slots.add(start_s + -start_s % width_s),
        )
        starts = (_from(outer), _from(inner), _before(inner))
    if end_s is not None:
        outer, inner = slots.add(end_s + -end_s % width_s), slots.add(end_s - end_s % width_s)
        ends = (_before(outer), _before(inner), _from(inner))
    return WholeBounds(starts, ends)


def _from(slot: Shape) -> Shape:
    return ["compare", "start", ">=", slot]


def _before(slot: Shape) -> Shape:
    return ["compare", "start", "<", slot]


def _branches(parts: list[Expression], slots: _Slots) -> list[list[Shape]]:
    narrow = [part for part in parts if isinstance(part, InNetwork) and is_narrow(part.ranges)]
    tested = {part.field for part in narrow}
    if tested & {"srcaddr", "dstaddr"}:
        return [
            [["direction", direction], *(_lower(part, slots, names) for part in parts)]
            for direction, names in enumerate((_HOST_IS_SOURCE, _HOST_IS_DESTINATION))
        ]
    for position, part in enumerate(parts):
        if part in narrow and isinstance(part, InNetwork) and part.field == EITHER_ADDRESS:
            rest = parts[:position] + parts[position + 1 :]
            host = _ranges_shape("host", part.ranges, slots)
            peer = _ranges_shape("peer", part.ranges, slots)
            return [
                [host, *(_lower(other, slots, {}) for other in rest)],
                [peer, ["untrue", host], *(_lower(other, slots, {}) for other in rest)],
            ]
    return [[_lower(part, slots, {}) for part in parts]]


def _as_either_end(part: Expression) -> Expression:
    """``srcaddr = X or dstaddr = X`` is the long way to say ``addr = X``."""
    match part:
        case Or((InNetwork(first, ranges), InNetwork(second, others))) if {first, second} == {
            "srcaddr",
            "dstaddr",
        } and ranges == others:
            return InNetwork(EITHER_ADDRESS, ranges)
    return part


def _lower(part: Expression, slots: _Slots, names: dict[str, str]) -> Shape:
    match part:
        case And(parts):
            return ["and", [_lower(each, slots, names) for each in parts]]
        case Or(parts):
            return ["or", [_lower(each, slots, names) for each in parts]]
        case Not(inner):
            return ["not", _lower(inner, slots, names)]
        case _ if part.field in EITHER_FIELDS:
            return [
                "or",
                [_lower_test(part, end, slots, names) for end in EITHER_FIELDS[part.field]],
            ]
    return _lower_test(part, part.field, slots, names)


def _lower_test(
    part: Compare | In | InNetwork | IsNull | TextMatch,
    name: str,
    slots: _Slots,
    names: dict[str, str],
) -> Shape:
    column = names.get(name, name.replace("-", "_"))
    match part:
        case Compare(_, operator, value):
            return ["compare", column, operator, slots.add(value)]
        case In(_, values):
            return ["in", column, [slots.add(value) for value in values]]
        case InNetwork(_, ranges):
            return _ranges_shape(column, ranges, slots)
        case IsNull():
            return ["null", column]
        case TextMatch(_, pattern):
            return ["like", column, slots.add(_pattern(pattern))]


def _ranges_shape(column: str, ranges: tuple[AddressRange, ...], slots: _Slots) -> Shape:
    single = [span.first for span in ranges if span.first == span.last]
    shapes: list[Shape] = []
    if len(single) == 1:
        shapes.append(["compare", column, "=", slots.add(single[0])])
    elif single:
        shapes.append(["in", column, [slots.add(address) for address in single]])
    shapes += [
        ["between", column, slots.add(span.first), slots.add(span.last)]
        for span in ranges
        if span.first != span.last
    ]
    return shapes[0] if len(shapes) == 1 else ["or", shapes]


def _pattern(pattern: str) -> str:
    """``*`` and ``?`` as a regular expression of the whole text, in the part all engines share."""
    parts = ({"*": ".*", "?": "."}.get(sign) or re.escape(sign) for sign in pattern)
    return f"(?s)^{''.join(parts)}$"


def _time_shapes(time_range: TimeRange, slots: _Slots) -> list[Shape]:
    shapes: list[Shape] = []
    if time_range.start_s is not None:
        shapes.append(_from(slots.add(time_range.start_s)))
    if time_range.end_s is not None:
        shapes.append(_before(slots.add(time_range.end_s)))
    return shapes


def _conjunction(shapes: list[Shape]) -> Shape:
    if not shapes:
        return TRUE
    return shapes[0] if len(shapes) == 1 else ["and", shapes]


_LOWER_BOUNDS: dict[str, Callable[[int], int]] = {">=": int, ">": lambda value: value + 1, "=": int}
_UPPER_BOUNDS: dict[str, Callable[[int], int]] = {
    "<": int,
    "<=": lambda value: value + 1,
    "=": lambda value: value + 1,
}


def _narrowed(time_range: TimeRange, parts: list[Expression]) -> TimeRange:
    starts = [] if time_range.start_s is None else [time_range.start_s]
    ends = [] if time_range.end_s is None else [time_range.end_s]
    for part in parts:
        if isinstance(part, Compare) and part.field == "start" and isinstance(part.value, int):
            if part.operator in _LOWER_BOUNDS:
                starts.append(_LOWER_BOUNDS[part.operator](part.value))
            if part.operator in _UPPER_BOUNDS:
                ends.append(_UPPER_BOUNDS[part.operator](part.value))
    start_s = max(starts, default=None)
    end_s = min(ends, default=None)
    if start_s is not None and end_s is not None and start_s >= end_s:
        # Nothing can match; one second keeps the range valid and prunes nearly all.
        end_s = start_s + 1
    return TimeRange(start_s, end_s)
