"""Which records of a flow batch a condition keeps: the filter of what just arrived.

The same condition over the table is the engine's; both follow SQL's three-valued logic.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
)
from vpcflow.record.fields import FIELDS_BY_NAME

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_Test = Compare | In | InNetwork | IsNull | TextMatch


def truth(records: pa.RecordBatch, condition: Expression) -> pa.Array:
    """True, false or null for each record.

    Shape: columns and types are those of a FlowBatch; a missing column is null everywhere.
    """
    match condition:
        case And(parts):
            return reduce(pc.and_kleene, (truth(records, part) for part in parts))
        case Or(parts):
            return reduce(pc.or_kleene, (truth(records, part) for part in parts))
        case Not(part):
            return pc.invert(truth(records, part))
        case _ if condition.field in EITHER_FIELDS:
            ends = EITHER_FIELDS[condition.field]
            return reduce(pc.or_kleene, (_test(records, condition, end) for end in ends))
    return _test(records, condition, condition.field)


def _test(records: pa.RecordBatch, test: _Test, field: str) -> pa.Array:
    values = _column(records, field)
    match test:
        case Compare(_, sign, value):
            return _COMPARE[sign](values, pa.scalar(value, values.type))
        case In(_, wanted):
            found = pc.is_in(values, value_set=pa.array(wanted, values.type))
            return pc.if_else(pc.is_null(values), pa.scalar(None, pa.bool_()), found)
        case InNetwork(_, ranges):
            return _within(values, ranges)
        case IsNull():
            return pc.is_null(values)
        case TextMatch(_, pattern):
            return pc.match_substring_regex(values, _regex(pattern))


def _column(records: pa.RecordBatch, field: str) -> pa.Array:
    spec = FIELDS_BY_NAME[field]
    at = records.schema.get_field_index(spec.column)
    if at < 0:
        return pa.nulls(records.num_rows, _plain_type(spec.kind.arrow_type))
    return records.column(at).cast(_plain_type(records.schema.field(at).type))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    # Wide enough for every number that somebody may compare with.
    return pa.int64() if pa.types.is_integer(kind) else kind


def _within(values: pa.Array, ranges: tuple[AddressRange, ...]) -> pa.Array:
    """Whether addresses lie in one of the ranges; compared as two big-endian numbers each."""
    rows = len(values)
    data = values.buffers()[1]
    if rows == 0 or data is None:
        return pa.nulls(rows, pa.bool_())
    halves = np.frombuffer(data, ">u8", 2 * rows, 16 * values.offset).reshape(rows, 2)
    high, low = halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64)
    found = reduce(
        operator.or_,
        (
            _at_least(high, low, span.first) & _at_least(*_parts(span.last), (high, low))
            for span in ranges
        ),
    )
    return pa.array(found, mask=np.asarray(values.is_null()))


def _at_least(high: Any, low: Any, than: Any) -> Any:
    than_high, than_low = _parts(than) if isinstance(than, bytes) else than
    return (high > than_high) | ((high == than_high) & (low >= than_low))


def _parts(address: bytes) -> tuple[np.uint64, np.uint64]:
    return (
        np.uint64(int.from_bytes(address[:8], "big")),
        np.uint64(int.from_bytes(address[8:], "big")),
    )


def _regex(pattern: str) -> str:
    """``*`` and ``?`` as a regular expression of the whole text."""
    parts = ({"*": ".*", "?": "."}.get(sign) or re.escape(sign) for sign in pattern)
    return f"(?s)^{''.join(parts)}$"
