"""Columns to lines: the part that plain text, CSV, JSON lines and the wrapped forms share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.base.errors import RecordError
from vpcflow.record import line_plan as of

_NUMBER_BYTES_MAX = 20
_ADDRESS_BYTES_MAX = 40
_BYTES_FIRST = 65_536
#: The most that one call writes; a batch of 65,536 records in every field stays far below.
ENCODED_BYTES_MAX = 2**31


@dataclass(frozen=True)
class ColumnStyle:
    """What stands around the values of one column.

    Shape: a value is written as ``before`` + value + ``after``; null is written as ``null`` alone.
    """

    before: bytes = b""
    after: bytes = b""
    null: bytes = b""


def encode_lines(
    columns: Sequence[pa.Array | None],
    styles: Sequence[ColumnStyle],
    rows: int,
    *,
    line_before: bytes = b"",
    line_after: bytes = b"\n",
) -> bytes:
    """Write ``rows`` lines, each with one value of every column in order.

    Shape: a column is int32, int64, 16-byte address, string or dictionary of strings, or None for
    null in every row. Text is written as it stands: whoever calls has escaped it (best in the
    dictionary, so once for each distinct value).
    Errors: RecordError for a column of another type or length, or more than ENCODED_BYTES_MAX.
    """
    if len(columns) != len(styles):
        raise RecordError(f"{len(columns)} columns, but {len(styles)} styles")
    from vpcflow.record.encode_kernels import encode_rows

    keep: list[Any] = []  # what the plan points into
    plan = np.zeros((len(columns) + 2, of.PLAN_LENGTH), dtype=np.int64)
    fixed = _plan_constant(plan[0], line_before, keep)
    for row, column, style in zip(plan[1:], columns, styles, strict=False):
        fixed += _plan_column(row, column, style, rows, keep)
    fixed += _plan_constant(plan[-1], line_after, keep) + 8

    size = max(_BYTES_FIRST, min(rows, 64) * fixed)
    parts: list[bytes] = []
    total = row_done = 0
    while row_done < rows:
        out = np.empty(size, dtype=np.uint8)
        start = out.ctypes.data
        before = row_done
        row_done, end = encode_rows(plan, before, rows, start, start + size, fixed)
        parts.append(out[: end - start].tobytes())
        total += len(parts[-1])
        if total > ENCODED_BYTES_MAX or (row_done == before and size > ENCODED_BYTES_MAX):
            raise RecordError(f"the text of one batch is longer than {ENCODED_BYTES_MAX} bytes")
        if row_done == before:  # one line is longer than all this room
            size *= 4
        else:
            mean = total / row_done
            size = max(4 * fixed, int(1.1 * mean * (rows - row_done)) + _BYTES_FIRST)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _point(row: npt.NDArray[np.int64], at: int, text: bytes, keep: list[Any]) -> int:
    buffer = pa.py_buffer(text)
    keep.append(buffer)
    row[at] = buffer.address if text else 0
    row[at + 1] = len(text)
    return len(text)


def _plan_constant(row: npt.NDArray[np.int64], text: bytes, keep: list[Any]) -> int:
    row[of.KIND] = of.KIND_NULL
    return _point(row, of.NULL_AT, text, keep)


def _plan_column(
    row: npt.NDArray[np.int64],
    column: pa.Array | None,
    style: ColumnStyle,
    rows: int,
    keep: list[Any],
) -> int:
    """Describe a column to the kernel; return the most that a value needs, without its text."""
    around = _point(row, of.BEFORE_AT, style.before, keep)
    around += _point(row, of.AFTER_AT, style.after, keep)
    null = _point(row, of.NULL_AT, style.null, keep)
    if column is None or pa.types.is_null(column.type):
        row[of.KIND] = of.KIND_NULL
        return null
    if len(column) != rows:
        raise RecordError(f"a column has {len(column)} values for {rows} lines")
    number = _plan_values(row, column, keep)
    return max(null, around + number)


def _plan_values(row: npt.NDArray[np.int64], column: pa.Array, keep: list[Any]) -> int:
    if pa.types.is_string(column.type):
        column = column.dictionary_encode()
    keep.append(column)
    kinds = {
        pa.int32(): (of.KIND_INT32, 4, _NUMBER_BYTES_MAX),
        pa.int64(): (of.KIND_INT64, 8, _NUMBER_BYTES_MAX),
        pa.binary(16): (of.KIND_ADDRESS, 16, _ADDRESS_BYTES_MAX),
    }
    if pa.types.is_dictionary(column.type):
        return _plan_text(row, column, keep)
    if column.type not in kinds:
        raise RecordError(f"a column of type {column.type} cannot be written as text")
    kind, width, length = kinds[column.type]
    valid, values = column.buffers()
    row[of.KIND] = kind
    _plan_validity(row, column, valid)
    row[of.VALUES_AT] = values.address + width * column.offset if values else 0
    return length


def _plan_validity(row: npt.NDArray[np.int64], column: pa.Array, valid: pa.Buffer | None) -> None:
    if valid is not None and column.null_count:
        row[of.VALID_AT] = valid.address
        row[of.VALID_OFFSET] = column.offset


def _plan_text(row: npt.NDArray[np.int64], column: pa.DictionaryArray, keep: list[Any]) -> int:
    if column.type.index_type != pa.int32() or column.type.value_type != pa.string():
        column = column.cast(pa.dictionary(pa.int32(), pa.string()))
    if column.dictionary.null_count:
        column = column.cast(pa.string()).dictionary_encode()
    keep.append(column)
    indices, dictionary = column.indices, column.dictionary
    if len(dictionary) == 0:
        row[of.KIND] = of.KIND_NULL
        return 0
    valid, values = indices.buffers()
    _, offsets, text = dictionary.buffers()
    keep.extend((indices, dictionary))
    row[of.KIND] = of.KIND_TEXT
    _plan_validity(row, indices, valid)
    row[of.VALUES_AT] = values.address + 4 * indices.offset
    row[of.OFFSETS_AT] = offsets.address + 4 * dictionary.offset
    row[of.TEXT_AT] = text.address if text is not None else 0
    return 0
