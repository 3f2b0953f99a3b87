"""The order of a data file's rows: hour, host, lo_port, peer, hi_port, start, nulls first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from vpcflow.store.address_codes import AddressCodes, address_order
from vpcflow.store.arrow_views import (
    ALL_VALID,
    Array,
    codes_column,
    codes_of,
    numbers_of,
    one_chunk,
    validity_of,
    words_of,
)
from vpcflow.store.row_groups import OrderedRows
from vpcflow.store.sort_kernels import (
    pack_key,
    pack_wide_key,
    radix_order,
    recode_to,
    value_range,
)
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

_WORD_BITS = 64
#: A key wider than this takes a word of its own.
_PACKED_BITS_MAX = 62


@dataclass(frozen=True, slots=True)
class SortKey:
    """One part of the sort key: numbers in the order of the values, and which are null."""

    values: Array
    valid: Array = field(default_factory=lambda: ALL_VALID)


def sort_stored(table: pa.Table) -> pa.Table:
    """The rows of a stored table in the order of a data file.

    Shape: one chunk a column; equal rows keep their order. Host and peer become dictionaries.
    """
    table = with_address_codes(table)
    order = sort_order(table)
    return OrderedRows(table, order).rows(0, len(order))


def sort_order(table: pa.Table) -> Array:
    """Places of the rows in sorted order, uint32; stable."""
    table = with_address_codes(table)
    return order_by(_keys(table), table.num_rows)


def order_by(keys: Sequence[SortKey], rows: int) -> Array:
    """Places of rows in the order of keys, which come from the last to the first; stable."""
    order = np.arange(rows, dtype=np.uint32)
    spare_order = np.empty(rows, np.uint32)
    spare_words = np.empty(rows, np.uint64)
    for words, bits in _packed(keys, rows):
        # Words come from the least significant up; each pass keeps the order of the one before.
        in_order = words[order]
        radix_order(in_order, order, bits, spare_words, spare_order)
    return order


def with_address_codes(table: pa.Table) -> pa.Table:
    """The table in one chunk a column, host and peer as dictionaries in ascending order."""
    columns = {name: one_chunk(table.column(name)) for name in table.column_names}
    for name in ("host", "peer"):
        if name in columns:
            columns[name] = _ranked(columns[name])
    return pa.table(columns) if columns else table


def _ranked(column: pa.Array) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(column.type):
        addresses = AddressCodes()
        given = addresses.add(words_of(column), validity_of(column))
        return codes_column(given, addresses.finish())
    words = words_of(column.dictionary)
    order = address_order(words)
    if (order == np.arange(len(order))).all():
        return column
    ranks = np.empty(len(order), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    codes = codes_of(column)
    ranked = np.empty(len(codes), np.int32)
    recode_to(codes, ranks, ranked)
    return codes_column(ranked, column.dictionary.take(pa.array(order)))


def _keys(table: pa.Table) -> list[SortKey]:
    """The parts of the key from the last to the first."""
    keys = []
    start = _key(table, "start")
    if start is not None:
        keys.append(SortKey(start.values % SECONDS_AN_HOUR, start.valid))
    for name in ("hi_port", "peer", "lo_port", "host"):
        key = _key(table, name)
        if key is not None:
            keys.append(key)
    if start is not None:
        keys.append(SortKey(start.values // SECONDS_AN_HOUR, start.valid))
    return keys


def _key(table: pa.Table, name: str) -> SortKey | None:
    if name not in table.column_names:
        return None
    column = table.column(name).chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.indices
    return SortKey(numbers_of(column), validity_of(column))


def _packed(keys: Sequence[SortKey], rows: int) -> list[tuple[Array, int]]:
    """The keys in as few words as hold them, least significant first, with the bits in use."""
    packed: list[tuple[Array, int]] = []
    words = np.zeros(rows, np.uint64)
    used = 0
    for key in keys:
        low, high, seen = value_range(key.values, key.valid)
        if seen == 0 or (low == high and seen == rows):
            continue
        bits = (int(high) - int(low) + 1).bit_length()
        if bits > _PACKED_BITS_MAX:
            wide = np.empty(rows, np.uint64)
            presence = np.empty(rows, np.uint64)
            pack_wide_key(key.values, key.valid, wide, presence)
            packed += [(words, used), (wide, _WORD_BITS), (presence, 1)]
            words, used = np.zeros(rows, np.uint64), 0
            continue
        if used + bits > _WORD_BITS:
            packed.append((words, used))
            words, used = np.zeros(rows, np.uint64), 0
        pack_key(key.values, key.valid, low, used, words)
        used += bits
    packed.append((words, used))
    return [(words, used) for words, used in packed if used]
