"""The rows of a row group by the few values of their small dimensions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.store.address_scope import SCOPE_INTERNAL, SCOPE_INTERNET, is_internal
from vpcflow.store.arrow_views import (
    ALL_VALID,
    Array,
    codes_of,
    numbers_column,
    numbers_of,
    one_chunk,
    validity_of,
    with_values,
    words_of,
)
from vpcflow.store.rollup_kernels import add_dimension, add_hours, group_rows, group_small_keys
from vpcflow.store.rollup_schema import HOUR_DIMENSIONS
from vpcflow.store.sort_kernels import value_range
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

_KEY_MAX = 2**62
#: What both the hourly rollup and the conversations are grouped by, as far as values are few.
ROW_DIMENSIONS = frozenset({*HOUR_DIMENSIONS, "reject_rule"})
#: In place of a truth where an address is not known.
_UNKNOWN = 2
#: Keys up to this are looked up, larger ones are hashed.
_PLACES_MAX = 1 << 20


class TextCodes:
    """Numbers for the texts of a column over all row groups of a file, -1 for null."""

    def __init__(self) -> None:
        self.values: pa.Array = pa.array([], pa.string())

    def numbers_of(self, dictionary: pa.Array) -> Array:
        """The number of each value of a dictionary."""
        found = pc.index_in(dictionary, value_set=self.values)
        if found.null_count:
            new = pc.unique(dictionary.filter(found.is_null())).drop_null()
            self.values = pa.concat_arrays([self.values, new])
            found = pc.index_in(dictionary, value_set=self.values)
        return np.asarray(pc.fill_null(found, -1), np.int64)


class SmallGroups:
    """Which rows agree in all of ``dimensions`` that they have, and in the period of their start.

    Shape: ``groups`` is the group of each row, ``first_rows`` the first row of each group. The
    scope follows from host and peer where it is no column. ``apart`` leaves every row alone.
    """

    def __init__(
        self,
        rows: pa.Table,
        *,
        apart: bool = False,
        dimensions: frozenset[str] = ROW_DIMENSIONS,
        period_s: int = SECONDS_AN_HOUR,
    ) -> None:
        self._dimensions = sorted(dimensions - {"start"})
        self._period_s = period_s
        self._columns = {
            name: _as_codes(one_chunk(rows.column(name)))
            for name in rows.column_names
            if name in dimensions or name == "start"
        }
        if "scope" in dimensions and {"host", "peer"} <= set(rows.column_names):
            self._columns["scope"] = _scopes(rows)
        self._values = {
            name: (codes_of(column), ALL_VALID)
            if pa.types.is_dictionary(column.type)
            else (numbers_of(column), validity_of(column))
            for name, column in self._columns.items()
        }
        count = rows.num_rows
        if apart:
            self.groups: Array = np.arange(count, dtype=np.int32)
            self.first_rows: Array = np.arange(count, dtype=np.int64)
        else:
            self.groups, self.first_rows = _numbered(*self._keys(count))

    def __len__(self) -> int:
        return len(self.first_rows)

    def text(self, name: str, codes: TextCodes) -> Array:
        """The number of each group's text, -1 for null."""
        column = self._columns.get(name)
        if column is None:
            return np.full(len(self), -1, np.int64)
        numbers = np.append(codes.numbers_of(column.dictionary), -1)
        return numbers[self._values[name][0][self.first_rows]]

    def numbers(self, name: str) -> tuple[Array, Array]:
        """The value of each group, 0 for null, and whether there is one."""
        if name not in self._values:
            return np.zeros(len(self), np.int64), np.zeros(len(self), np.int64)
        values, valid = self._values[name]
        known = valid[self.first_rows] if len(valid) else np.ones(len(self), np.uint8)
        wide = values[self.first_rows].astype(np.int64)
        return np.where(known, wide, 0), known.astype(np.int64)

    def hours(self) -> tuple[Array, Array]:
        """The hour of each group in seconds, 0 without a start, and whether there is one."""
        start, known = self.numbers("start")
        return start // SECONDS_AN_HOUR * SECONDS_AN_HOUR, known

    def _keys(self, rows: int) -> tuple[Array, int]:
        keys = np.zeros(rows, np.int64)
        size = 1
        for name in ("start", *self._dimensions):
            column = self._columns.get(name)
            if column is None:
                continue
            values, valid = self._values[name]
            add = add_dimension
            if name == "start":
                if self._period_s == SECONDS_AN_HOUR:
                    add = add_hours
                else:
                    values = values // self._period_s
            low, radix = _places(add is add_hours, column, values, valid)
            if radix == 1:
                continue
            if size * radix > _KEY_MAX:
                # Hostile values: renumber what is there so far, then go on.
                groups, first_rows = _numbered(keys, size)
                keys, size = groups.astype(np.int64), len(first_rows) + 1
                if size * radix > _KEY_MAX:
                    values, radix = _ranks(add is add_hours, values)
                    low, add = 0, add_dimension
            size *= radix
            add(keys, values, valid, np.int64(low), np.int64(radix))
        return keys, size


def _as_codes(column: pa.Array) -> pa.Array:
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def _scopes(rows: pa.Table) -> pa.Array:
    """The scope of each row."""
    host, peer = (_internal(one_chunk(rows.column(name))) for name in ("host", "peer"))
    known = (host != _UNKNOWN) & (peer != _UNKNOWN)
    inside = (host & peer) == 1
    scopes = np.where(inside, np.int32(SCOPE_INTERNAL), np.int32(SCOPE_INTERNET))
    return numbers_column(scopes, with_values(known.view(np.uint8)))


def _internal(column: pa.Array) -> Array:
    """Whether each address is internal: 0, 1 or _UNKNOWN."""
    if pa.types.is_dictionary(column.type):
        found = np.append(is_internal(words_of(column.dictionary)), _UNKNOWN).astype(np.int8)
        return found[codes_of(column)]
    found = is_internal(words_of(column)).astype(np.int8)
    valid = validity_of(column)
    return np.where(valid, found, np.int8(_UNKNOWN)) if len(valid) else found


def _places(hourly: bool, column: pa.Array, values: Array, valid: Array) -> tuple[int, int]:
    """The lowest value, and how many places the values take with null; 1 when all are equal."""
    if pa.types.is_dictionary(column.type):
        constant = len(column.dictionary) == 1 and column.null_count == 0
        return 0, 1 if constant else len(column.dictionary) + 1
    lowest, highest, seen = value_range(values, valid)
    low, high = int(lowest), int(highest)
    if hourly:
        low, high = low // SECONDS_AN_HOUR, high // SECONDS_AN_HOUR
    constant = seen == 0 or (low == high and seen == len(column))
    return low, 1 if constant else high - low + 2


def _ranks(hourly: bool, values: Array) -> tuple[Array, int]:
    if hourly:
        values = values // SECONDS_AN_HOUR
    distinct, ranks = np.unique(values, return_inverse=True)
    return ranks, len(distinct) + 1


def _numbered(keys: Array, size: int) -> tuple[Array, Array]:
    """The group of each row, and the first row of each group."""
    rows = len(keys)
    groups = np.empty(rows, np.int32)
    if size <= _PLACES_MAX:
        first_rows = np.empty(min(rows, size), np.int64)
        count = group_small_keys(keys, groups, first_rows, np.empty(size, np.int32))
    else:
        first_rows = np.empty(rows, np.int64)
        slots = np.full(1 << (2 * rows + 1).bit_length(), -1, np.int32)
        count = group_rows(keys, groups, first_rows, slots)
    return groups, first_rows[:count]


def row_values(
    columns: dict[str, pa.Array], name: str, rows: int, dtype: type[np.generic] = np.int64
) -> tuple[Array, Array]:
    """Values and validity of a column of numbers, every row null where it is missing."""
    column = columns.get(name)
    if column is None:
        return np.zeros(rows, dtype), np.zeros(rows, np.uint8)
    return numbers_of(column), validity_of(column)
