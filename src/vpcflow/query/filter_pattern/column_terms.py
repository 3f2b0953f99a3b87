"""Flow records against terms by their columns: a term without a blank lies within one field."""

from __future__ import annotations

import re
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.query.expression import Expression, TextMatch, all_of, any_of
from vpcflow.query.filter_pattern.mask import everything
from vpcflow.query.filter_pattern.match import wanted_terms
from vpcflow.query.filter_pattern.tree import Regex, Sign, Term
from vpcflow.record.field_spec import ADDRESS_TYPE, FieldKind
from vpcflow.record.log_format import LogFormat
from vpcflow.record.text import printable_column

_NULL = "-"
#: What an integer and an address are printed with, null included.
_INTEGER = re.compile(r"[0-9-]*")
_ADDRESS = re.compile(r"[0-9a-f.:-]*")
#: A term may begin within ``%0A``, as a byte that no line can hold is printed.
_ENCODED_END = re.compile(r"[0-9A-F]{1,2}")


def mask_terms(
    terms: tuple[Term, ...], log_format: LogFormat, records: pa.RecordBatch
) -> pa.BooleanArray | None:
    """For each record whether its line fits, or None where the line must be printed."""
    wanted, one_is_enough = wanted_terms(terms)
    if not wanted:
        return everything(records.num_rows, fits=True)
    found = []
    for term in wanted:
        if isinstance(term.value, Regex) or re.search(r"\s", term.value.text):
            return None
        holds = _lines_hold(term.value.text, log_format, records)
        found.append(pc.invert(holds) if term.sign is Sign.EXCLUDED else holds)
    return reduce(pc.or_ if one_is_enough else pc.and_, found)


def terms_expression(terms: tuple[Term, ...], log_format: LogFormat) -> Expression | None:
    """A condition that all records fulfil whose lines fit; None when it says nothing."""
    wanted, one_is_enough = wanted_terms(terms)
    parts = [_term_expression(term, log_format) for term in wanted]
    known = [part for part in parts if part is not None]
    if one_is_enough:
        return any_of(*known) if known and len(known) == len(parts) else None
    return all_of(*known)


def _term_expression(term: Term, log_format: LogFormat) -> Expression | None:
    if isinstance(term.value, Regex) or term.sign is Sign.EXCLUDED:
        return None
    text = term.value.text
    if log_format.unknown or re.search(r"[\s%*?]", text):
        return None
    if _INTEGER.fullmatch(text) or _ADDRESS.fullmatch(text):
        return None
    encoded = _ENCODED_END.match(text)
    part = text[encoded.end() :] if encoded else text
    names = [
        name
        for name, kind in zip(log_format.names, log_format.kinds, strict=True)
        if kind is FieldKind.TEXT
    ]
    if not part or not names:
        return None
    return any_of(*(TextMatch(name, f"*{part}*") for name in names))


def _lines_hold(text: str, log_format: LogFormat, records: pa.RecordBatch) -> pa.BooleanArray:
    count = records.num_rows
    held = set(records.schema.names)
    found = everything(count, fits=False)
    for name in log_format.columns:
        if name == "version":
            if text in str(log_format.version):
                return everything(count, fits=True)
            continue
        if name not in held or pa.types.is_null(records.column(name).type):
            if text in _NULL:
                return everything(count, fits=True)
            continue
        holds = _column_holds(text, printable_column(records.column(name)))
        if holds is not None:
            found = pc.or_(found, pc.fill_null(holds, text in _NULL))
    return found


def _column_holds(text: str, column: pa.Array) -> pa.BooleanArray | None:
    """Null where the column is; None when no value of its kind can hold the text."""
    if pa.types.is_dictionary(column.type):
        if not len(column.dictionary):
            return pa.nulls(len(column), pa.bool_())
        holds = pc.match_substring(pc.fill_null(column.dictionary, _NULL), text)
        return pc.take(holds, column.indices)
    if column.type == ADDRESS_TYPE:
        if not _ADDRESS.fullmatch(text):
            return None
        from vpcflow.record.address_columns import format_address_column  # loads Numba

        return pc.match_substring(format_address_column(column), text)
    if not _INTEGER.fullmatch(text):
        return None
    return pc.match_substring(column.cast(pa.string()), text)
