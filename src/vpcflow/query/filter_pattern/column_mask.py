"""Flow records against a pattern by their columns, without printing them."""

from __future__ import annotations

from functools import reduce
from ipaddress import ip_address

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.query.expression import to_bytes
from vpcflow.query.filter_pattern.column_terms import mask_terms
from vpcflow.query.filter_pattern.mask import everything, fit_alternatives
from vpcflow.query.filter_pattern.parse import parse_pattern
from vpcflow.query.filter_pattern.tree import Comparison, Number, Pattern, Slot, Slots, Terms, Text
from vpcflow.query.filter_pattern.values import (
    fit_column,
    fit_numbers,
    fits_text,
)
from vpcflow.record.field_spec import ADDRESS_TYPE
from vpcflow.record.flow_log_selection import with_format_version
from vpcflow.record.log_format import LogFormat
from vpcflow.record.text import encode_text, printable_column

#: What null is printed as.
_NULL = "-"
#: With such a text a line has other fields than its format.
_DELIMITERS = r'["\[]'


def column_mask(
    pattern: str | Pattern, log_format: LogFormat, records: pa.RecordBatch
) -> pa.BooleanArray | None:
    """For each record whether its line in the format fits, or None where the line must be printed.

    Errors: FilterError for a text that is no pattern.
    """
    tree = parse_pattern(pattern) if isinstance(pattern, str) else pattern
    count = records.num_rows
    if isinstance(tree, Terms):
        return mask_terms(tree.terms, log_format, records)
    if not isinstance(tree, Slots):
        return None
    if not tree.slots:
        return everything(count, fits=True)
    if _holds_delimiters(records, log_format):
        return None
    bound = bind_to_format(tree.slots, log_format)
    if bound is None:
        return everything(count, fits=False)
    conditions = [
        _fit_slot(slot, fields, log_format, records) for slot, fields in bound if slot.alternatives
    ]
    return reduce(pc.and_, conditions) if conditions else everything(count, fits=True)


def bind_to_format(
    slots: tuple[Slot, ...], log_format: LogFormat
) -> list[tuple[Slot, tuple[int, ...]]] | None:
    """The fields of each slot, several for the last one that takes the rest; None when too few."""
    count = len(log_format.names)
    rest = next((i for i, slot in enumerate(slots) if slot.rest), None)
    if count < len(slots) - (rest is not None):
        return None
    bound: list[tuple[Slot, tuple[int, ...]]] = []
    for i, slot in enumerate(slots):
        if i == rest:
            continue
        first = count - len(slots) + i if rest is not None and i > rest else i
        is_last = rest is None and i == len(slots) - 1
        bound.append((slot, tuple(range(first, count)) if is_last else (first,)))
    return bound


def _holds_delimiters(records: pa.RecordBatch, log_format: LogFormat) -> bool:
    held = set(records.schema.names)
    for name in log_format.columns:
        if name not in held:
            continue
        column = records.column(name)
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        if not pa.types.is_string(texts.type):
            continue
        if pc.any(pc.match_substring_regex(texts, _DELIMITERS)).as_py():
            return True
    return False


def _fit_slot(
    slot: Slot, fields: tuple[int, ...], log_format: LogFormat, records: pa.RecordBatch
) -> pa.BooleanArray:
    if len(fields) > 1:
        texts = _rest_of_lines(fields, log_format, records)
        return fit_alternatives(slot.alternatives, lambda one: fit_column(texts, one))
    name = log_format.columns[fields[0]]
    count = records.num_rows
    column: pa.Array | None = None
    if name == "version":
        constant = str(log_format.version)
    else:
        constant = _NULL
        column = records.column(name) if name in records.schema.names else None
    if column is None or pa.types.is_null(column.type):
        return fit_alternatives(
            slot.alternatives, lambda one: everything(count, fits=fits_text(constant, one))
        )
    printable = printable_column(column)
    return fit_alternatives(slot.alternatives, lambda one: _fit_column(printable, one))


def _fit_column(column: pa.Array, comparison: Comparison) -> pa.BooleanArray:
    """Like the texts of a column, null printed as ``-``."""
    if pa.types.is_dictionary(column.type):
        texts = column.dictionary
        if not len(texts):
            found = pa.nulls(len(column), pa.bool_())
        else:
            found = pc.take(fit_column(pc.fill_null(texts, _NULL), comparison), column.indices)
    elif column.type == ADDRESS_TYPE:
        found = _fit_addresses(column, comparison)
    else:
        found = _fit_integers(column, comparison)
    return pc.fill_null(found, fits_text(_NULL, comparison)) if found.null_count else found


def _fit_addresses(column: pa.Array, comparison: Comparison) -> pa.BooleanArray:
    value = comparison.value
    if isinstance(value, Text) and "*" not in value.text:
        stored = _address(value.text)
        same = (
            pc.equal(column, pa.scalar(stored, ADDRESS_TYPE))
            if stored is not None
            else _known(column, answer=False)
        )
        return same if comparison.operator == "=" else pc.invert(same)
    if isinstance(value, Number):  # an address is never a number
        return _known(column, answer=False)
    from vpcflow.record.address_columns import format_address_column  # loads Numba

    return _fit_printed(format_address_column(column), comparison)


def _address(text: str) -> bytes | None:
    """The bytes of an address in the spelling in which it is printed."""
    try:
        stored = to_bytes(ip_address(text))
    except ValueError:
        return None
    from vpcflow.record.address_columns import format_address_column  # loads Numba

    printed = format_address_column(pa.array([stored], ADDRESS_TYPE))[0].as_py()
    return stored if printed == text else None


def _fit_integers(column: pa.Array, comparison: Comparison) -> pa.BooleanArray:
    value = comparison.value
    if isinstance(value, Number):
        found = fit_numbers(column.cast(pa.float64(), safe=False), comparison)
        return pc.if_else(column.is_valid(), found, pa.scalar(None, pa.bool_()))
    if isinstance(value, Text) and "*" not in value.text:
        number = _integer(value.text, column.type.bit_width)
        if number is None:
            same = _known(column, answer=False)
        else:
            same = pc.equal(column, pa.scalar(number, column.type))
        return same if comparison.operator == "=" else pc.invert(same)
    return _fit_printed(column.cast(pa.string()), comparison)


def _integer(text: str, bits: int) -> int | None:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        return None
    number = int(text)
    return (
        number if str(number) == text and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None
    )


def _known(column: pa.Array, *, answer: bool) -> pa.BooleanArray:
    """One answer for all that is not null."""
    return pc.if_else(column.is_valid(), answer, pa.scalar(None, pa.bool_()))


def _fit_printed(texts: pa.StringArray, comparison: Comparison) -> pa.BooleanArray:
    found = fit_column(texts.fill_null(_NULL), comparison)
    return pc.if_else(texts.is_valid(), found, pa.scalar(None, pa.bool_()))


def _rest_of_lines(
    fields: tuple[int, ...], log_format: LogFormat, records: pa.RecordBatch
) -> pa.StringArray:
    part = LogFormat(tuple(log_format.names[i] for i in fields))
    lines = encode_text(with_format_version(records, log_format), part)
    return lines_array(lines, records.num_rows)


def lines_array(lines: bytes, count: int) -> pa.StringArray:
    """Lines, each with its newline, as an array over the same bytes."""

    data = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(data == ord("\n"))
    assert len(ends) == count
    # A text of an array ends where the next begins: the newlines are cut out.
    offsets = np.zeros(count + 1, np.int32)
    offsets[1:] = ends - np.arange(count)
    text = data[data != ord("\n")]
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
