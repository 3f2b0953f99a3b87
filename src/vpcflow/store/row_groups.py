"""Rows of a stored table in a given order, a row group at a time, with small dictionaries."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.store.arrow_views import (
    ALL_VALID,
    Array,
    booleans_column,
    booleans_of,
    codes_of,
    numbers_column,
    numbers_of,
    validity_of,
    with_values,
)
from vpcflow.store.sort_kernels import small_codes, take_values, value_range


class RowBuffers:
    """Memory for sorted columns that is used again by the next run.

    Fresh memory costs more than the sort itself: the kernel clears it page by page.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Array] = {}

    def take(self, name: str, dtype: np.dtype[np.generic], rows: int) -> Array:
        """An array of ``rows`` values; what it held before is lost."""
        kept = self._kept.get(name)
        if kept is None or kept.dtype != dtype or len(kept) < rows:
            kept = np.empty(rows, dtype)
            self._kept[name] = kept
        return kept[:rows]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A column in order: its numbers or codes and their validity, or an Arrow column as it is."""

    column: pa.Array
    constant: bool = False
    values: Array | None = None
    valid: Array = field(default_factory=lambda: ALL_VALID)


class OrderedRows:
    """The rows of ``table`` (one chunk a column) in ``order``; None when they are in order.

    Shape: dictionaries of the rows taken hold only what occurs, in the order they had. With
    ``buffers`` they are valid until the buffers are used for another table.
    """

    def __init__(
        self, table: pa.Table, order: Array | None, buffers: RowBuffers | None = None
    ) -> None:
        self._rows = table.num_rows
        self._order = order
        self._buffers = buffers or RowBuffers()
        self._sorted = {
            name: self._sort(name, table.column(name).chunk(0)) for name in table.column_names
        }

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._sorted)

    def __len__(self) -> int:
        return int(self._rows)

    def _sort(self, name: str, column: pa.Array) -> _Sorted:
        if pa.types.is_dictionary(column.type):
            constant = column.null_count == 0 and len(column.dictionary) == 1
            values, valid = codes_of(column), ALL_VALID
        elif pa.types.is_boolean(column.type):
            constant, values, valid = False, booleans_of(column), validity_of(column)
        elif pa.types.is_integer(column.type):
            values, valid = numbers_of(column), validity_of(column)
            low, high, seen = value_range(values, valid)
            constant = seen == len(column) and low == high
        elif self._order is None:
            return _Sorted(column)
        else:
            return _Sorted(pc.take(column, numbers_column(self._order), boundscheck=False))
        if constant or self._order is None:
            return _Sorted(column, constant, values, valid)
        taken = self._buffers.take(name, values.dtype, self._rows)
        take_values(values, self._order, taken)
        if len(valid):
            taken_valid = self._buffers.take(f"{name} valid", valid.dtype, self._rows)
            take_values(valid, self._order, taken_valid)
            valid = taken_valid
        return _Sorted(column, False, taken, valid)

    def rows(self, begin: int, end: int) -> pa.Table:
        """The rows at places ``begin`` to ``end`` of the order."""
        return pa.table(
            {name: _rows_of(column, begin, end) for name, column in self._sorted.items()}
        )

    def copied_rows(self, begin: int, end: int) -> pa.Table:
        """The same rows in memory of their own."""
        copy = pa.BufferOutputStream()
        table = self.rows(begin, end)
        with pa.ipc.new_stream(copy, table.schema) as stream:
            stream.write_table(table)
        return pa.ipc.open_stream(copy.getvalue()).read_all()


def _rows_of(source: _Sorted, begin: int, end: int) -> pa.Array:
    column = source.column
    if source.constant:
        return column.slice(0, end - begin)
    if source.values is None:
        return column.slice(begin, end - begin)
    values = source.values[begin:end]
    if pa.types.is_dictionary(column.type):
        return _with_small_dictionary(values, column.dictionary)
    valid = with_values(source.valid[begin:end])
    if pa.types.is_boolean(column.type):
        return booleans_column(values, valid)
    return numbers_column(values, valid)


def _with_small_dictionary(codes: Array, dictionary: pa.Array) -> pa.DictionaryArray:
    small = np.empty(len(codes), np.int32)
    ranks = np.empty(len(dictionary), np.int32)
    occurring, nulls = small_codes(codes, small, ranks)
    if occurring < len(ranks):
        dictionary = dictionary.take(numbers_column(np.flatnonzero(ranks >= 0)))
    valid = (small >= 0).view(np.uint8) if nulls else ALL_VALID
    return pa.DictionaryArray.from_arrays(numbers_column(small, valid), dictionary)
