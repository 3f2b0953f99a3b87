"""What a WHERE says of the records that a scan must give: address ranges and bounds of start.

Every finding is a condition that each kept record meets; the query's own WHERE still decides, so
a finding may be too wide but never too narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from vpcflow.query.expression import AddressRange
from vpcflow.query.sql_address import read_address
from vpcflow.query.sql_calls import network_ranges, prefix_network, shift_is_network_test
from vpcflow.query.sql_scope import Scope, Source
from vpcflow.query.sql_time import call_name, constant, macro_bounds, macro_column, macro_of
from vpcflow.query.sql_values import ValueRewriter
from vpcflow.query.sql_view import AddressTest, merge_ranges

_ENDS = frozenset({"srcaddr", "dstaddr"})
_FLIPPED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}

_Test = tuple[Source, dict[str, tuple[AddressRange, ...]]]
_Reader = Callable[[str], tuple[AddressRange, ...]]


def bound_scans(where: Any, scope: Scope, now_s: float) -> None:
    """Tell the scans of a scope what the parts of an AND mean for them."""
    parts = list(where.flatten(unnest=False)) if isinstance(where, exp.And) else [where]
    for part in parts:
        inner = part.unnest()
        if isinstance(inner, exp.And):
            bound_scans(inner, scope, now_s)
            continue
        _bound_time(inner, scope, now_s)
        test = _address_test(inner, scope)
        if test is not None and test[0].scan is not None:
            test[0].scan.tests.append(AddressTest(test[1]))


def _own_column(node: Any, scope: Scope) -> tuple[Source, str] | None:
    """The source and AWS column of a column of this scope's own scans."""
    node = node.unnest()
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return None
    found = scope.resolve(node)
    if found.source is None or found.source.scan is None or found.is_bare:
        return None
    # A column of the query around is its scan's matter, and not bounded by what is in here.
    return (found.source, found.column.field) if found.source in scope.sources else None


def _bound_time(node: Any, scope: Scope, now_s: float) -> None:
    text = scope.text
    if macro_of(node) and macro_of(node) != "time_bin":
        _bound(macro_column(node, text), scope, *macro_bounds(node, text, now_s))
        return
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        if not _is_start(node.this, scope):
            return
        low = constant(node.args["low"], text, now_s)
        high = constant(node.args["high"], text, now_s)
        _bound(node.this, scope, low, None if high is None else high + 1)
        return
    operator = type(node)
    if operator not in _FLIPPED:
        return
    column, other = node.this, node.expression
    if not isinstance(column.unnest(), exp.Column):
        column, other, operator = other, column, _FLIPPED[operator]
    if not _is_start(column, scope):
        return
    moment_s = constant(other, text, now_s)
    if moment_s is None:
        return
    low = {exp.GT: moment_s + 1, exp.GTE: moment_s, exp.EQ: moment_s}.get(operator)
    high = {exp.LT: moment_s, exp.LTE: moment_s + 1, exp.EQ: moment_s + 1}.get(operator)
    _bound(column, scope, low, high)


def _is_start(node: Any, scope: Scope) -> bool:
    own = _own_column(node, scope)
    return own is not None and own[1] == "start"


def _bound(column: Any, scope: Scope, start_s: int | None, end_s: int | None) -> None:
    own = _own_column(column, scope)
    if own is not None and own[1] == "start" and own[0].scan is not None:
        own[0].scan.bound(start_s, end_s)


def _address_test(node: Any, scope: Scope) -> _Test | None:
    node = node.unnest()
    if isinstance(node, exp.Or):
        return _any_of([_address_test(part, scope) for part in node.flatten(unnest=False)])
    if isinstance(node, exp.And):
        tests = [_address_test(part, scope) for part in node.flatten(unnest=False)]
        known = [test for test in tests if test is not None]
        # Each part holds for every record, so any one of them will do: one field is best.
        return min(known, key=lambda test: len(test[1])) if known else None
    column, read = _column_and_ranges(node)
    own = _own_column(column, scope) if column is not None else None
    if own is None or own[1] not in _ENDS or read is None:
        return None
    return own[0], {own[1]: read(scope.text)}


def _any_of(tests: list[_Test | None]) -> _Test | None:
    """One of several tests holds: known only when all are of one source."""
    whole: dict[str, list[AddressRange]] = {}
    source: Source | None = None
    for test in tests:
        if test is None or (source is not None and test[0] is not source):
            return None
        source = test[0]
        for name, ranges in test[1].items():
            whole.setdefault(name, []).extend(ranges)
    if source is None:
        return None
    return source, {name: merge_ranges(ranges) for name, ranges in whole.items()}


def _column_and_ranges(node: Any) -> tuple[Any, _Reader | None]:
    """The column of a test of one address against constants, and what reads the constants."""
    is_literal = ValueRewriter.is_text_literal
    if isinstance(node, exp.EQ):
        sides = [node.this, node.expression]
        for column, other in (sides, sides[::-1]):
            if is_literal(other):
                return column, lambda text, literal=other: _single([literal], text)
    elif isinstance(node, exp.In) and node.expressions:
        if all(map(is_literal, node.expressions)):
            return node.this, lambda text: _single(node.expressions, text)
    elif isinstance(node, exp.Like) and prefix_network(node):
        network = exp.Literal.string(prefix_network(node))
        return node.this, lambda text: network_ranges(text, [network])
    elif isinstance(node, exp.BitwiseLeftShift) and shift_is_network_test(node):
        return node.this, lambda text: network_ranges(text, [node.expression])
    elif call_name(node) == "in_network" and len(node.expressions) > 1:
        networks = node.expressions[1:]
        if all(map(is_literal, networks)):
            return node.expressions[0], lambda text: network_ranges(text, networks)
    return None, None


def _single(literals: list[Any], text: str) -> tuple[AddressRange, ...]:
    addresses = {read_address(literal.unnest(), text) for literal in literals}
    return merge_ranges(AddressRange(address, address) for address in addresses)
