"""A filter as a condition of SQL over flow_records, in AWS's names."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import summarize_address_range

from vpcflow.query.expression import (
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
    Value,
    to_address,
)
from vpcflow.query.sql_view import sql_name, sql_text

#: Networks that one in_network takes.
NETWORKS_MAX = 1_000


def filter_sql(condition: Expression | None) -> str:
    """The condition in brackets; TRUE where there is none."""
    return "(TRUE)" if condition is None else f"({_sql(condition)})"


def _sql(condition: Expression) -> str:
    match condition:
        case And(parts):
            return " AND ".join(f"({_sql(part)})" for part in parts)
        case Or(parts):
            return " OR ".join(f"({_sql(part)})" for part in parts)
        case Not(part):
            return f"NOT ({_sql(part)})"
        case Compare(field, operator, value):
            sign = "<>" if operator == "!=" else operator
            return _either(field, lambda column: f"{column} {sign} {_value(value)}")
        case In(field, values):
            listed = ", ".join(map(_value, values))
            return _either(field, lambda column: f"{column} IN ({listed})")
        case InNetwork(field, ranges):
            return _either(field, lambda column: _in_ranges(column, ranges))
        case IsNull(field):
            return _either(field, lambda column: f"{column} IS NULL")
        case TextMatch(field, pattern):
            like = _like(pattern)
            return _either(field, lambda column: f"{column} LIKE {like} ESCAPE '\\'")


def _either(field: str, test: Callable[[str], str]) -> str:
    ends = EITHER_FIELDS.get(field, (field,))
    return " OR ".join(test(sql_name(end.replace("-", "_"))) for end in ends)


def _value(value: Value) -> str:
    return str(value) if isinstance(value, int) else sql_text(value)


def _in_ranges(column: str, ranges: tuple[AddressRange, ...]) -> str:
    networks: list[str] = []
    tests: list[str] = []
    for span in ranges:
        first, last = to_address(span.first), to_address(span.last)
        if first.version == last.version:
            blocks = [str(block) for block in summarize_address_range(first, last)]
            networks += blocks
        else:
            tests.append(f"{column} BETWEEN '{first}' AND '{last}'")
    for place in range(0, len(networks), NETWORKS_MAX):
        listed = ", ".join(map(sql_text, networks[place : place + NETWORKS_MAX]))
        tests.append(f"in_network({column}, {listed})")
    return " OR ".join(tests)


def _like(pattern: str) -> str:
    escaped = "".join(f"\\{one}" if one in "\\%_" else one for one in pattern)
    return sql_text(escaped.replace("*", "%").replace("?", "_"))
