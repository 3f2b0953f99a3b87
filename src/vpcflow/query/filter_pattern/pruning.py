"""A condition over flow records that all records which fit a pattern fulfil, for a scan to skip with."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from vpcflow.query.expression import (
    AddressRange,
    Compare,
    Expression,
    InNetwork,
    IsNull,
    all_of,
    any_of,
    to_bytes,
)
from vpcflow.query.filter_pattern.column_mask import bind_to_format
from vpcflow.query.filter_pattern.column_terms import terms_expression
from vpcflow.query.filter_pattern.parse import parse_pattern
from vpcflow.query.filter_pattern.tree import Comparison, Number, Pattern, Slots, Terms, Text
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.log_format import LogFormat

_IPV4_PREFIX = re.compile(r"((?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){0,2})\.\*")
_INTEGERS = (FieldKind.INT32, FieldKind.INT64)
_BITS = {FieldKind.INT32: 31, FieldKind.INT64: 63}


def to_expression(pattern: str | Pattern, log_format: LogFormat) -> Expression | None:
    """What a scan may skip by: never leaves out a record whose line fits; None when it says nothing.

    Errors: FilterError for a text that is no pattern.
    """
    tree = parse_pattern(pattern) if isinstance(pattern, str) else pattern
    if isinstance(tree, Terms):
        return terms_expression(tree.terms, log_format)
    if not isinstance(tree, Slots):
        return None
    parts: list[Expression | None] = []
    for slot, fields in bind_to_format(tree.slots, log_format) or ():
        if len(fields) != 1 or not slot.alternatives:
            continue
        name = log_format.names[fields[0]]
        # Unknown fields are not in the table; the version is that of the format.
        if log_format.specs[fields[0]] is None or name == "version":
            continue
        kind = log_format.kinds[fields[0]]
        ways = [_together(name, kind, together) for together in slot.alternatives]
        known = [way for way in ways if way is not None]
        if len(known) == len(ways):
            parts.append(any_of(*known))
    return all_of(*parts)


def _together(name: str, kind: FieldKind, parts: tuple[Comparison, ...]) -> Expression | None:
    return all_of(*(_one(name, kind, part) for part in parts))


def _one(name: str, kind: FieldKind, comparison: Comparison) -> Expression | None:
    value = comparison.value
    if isinstance(value, Number):
        if kind not in _INTEGERS or not value.value.is_integer():
            return None
        # A number beyond 2**53 stands for its neighbours too.
        if abs(value.value) >= 2.0 ** min(_BITS[kind], 53):
            return None
        return Compare(name, comparison.operator, int(value.value))
    if not isinstance(value, Text) or comparison.operator != "=":
        return None
    if value.text == "-":
        return None if kind is FieldKind.TEXT else IsNull(name)
    if kind is FieldKind.ADDRESS:
        return _address(name, value.text)
    if "*" in value.text:
        return None
    if kind is FieldKind.TEXT:
        # Text that no line can hold is printed in another spelling.
        return Compare(name, "=", value.text) if "%" not in value.text else None
    digits = value.text
    if digits.isascii() and digits.isdigit() and int(digits) < 2 ** _BITS[kind]:
        return Compare(name, "=", int(digits))
    return None


def _address(name: str, text: str) -> Expression | None:
    prefix = _IPV4_PREFIX.fullmatch(text)
    try:
        if prefix is None:
            stored = to_bytes(ip_address(text))
            return InNetwork(name, (AddressRange(stored, stored),))
        parts = prefix.group(1).split(".")
        network = ip_network(f"{'.'.join(parts + ['0'] * (4 - len(parts)))}/{8 * len(parts)}")
    except ValueError:
        return None
    return InNetwork(name, AddressRange.of_network(network))
