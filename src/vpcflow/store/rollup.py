"""The hourly rollup of a data file: a small table that answers sums without reading the file.

It is a pure function of one data file. A question may read it in place of the file where its range
covers whole hours, or all hours of the file.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.store.arrow_views import (
    ALL_VALID,
    Array,
    codes_of,
    numbers_column,
    numbers_of,
    one_chunk,
    validity_of,
    with_values,
)
from vpcflow.store.rollup_kernels import (
    add_dimension,
    bound_groups,
    count_groups,
    group_rows,
    sum_groups,
)
from vpcflow.store.rollup_paths import rollup_hour_path
from vpcflow.store.rollup_schema import HOUR_DIMENSIONS, HOUR_SCHEMA
from vpcflow.store.sort_kernels import value_range
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

Columns = dict[str, pa.Array]

#: The names that readers knew before the schema had a module of its own.
ROLLUP_DIMENSIONS = HOUR_DIMENSIONS
ROLLUP_SCHEMA = pa.schema([field for field in HOUR_SCHEMA if not field.name.startswith("minutes")])
_KEY_MAX = 2**62
#: Beyond it, sums of 64 bits are not added up any further.
_SUM_SURE_MAX = 2.0**62

rollup_path_of = rollup_hour_path


def rollup_of(table: pa.Table) -> pa.Table:
    """The rollup of the rows of a stored table, with or without dictionaries.

    Shape: ROLLUP_SCHEMA. Sums that might not fit in 64 bits are left as several rows.
    """
    rows = table.num_rows
    columns = {name: _grouping_column(table, name) for name in table.column_names if _needed(name)}
    start = columns.get("start")
    if start is not None:
        hours = numbers_of(start) // SECONDS_AN_HOUR * SECONDS_AN_HOUR
        columns["hour"] = numbers_column(hours, validity_of(start))
    groups, first_rows = _grouped(columns, rows)
    measures = _measures(columns, groups, len(first_rows))
    if measures is None:
        first_rows = np.arange(rows, dtype=np.int64)
        measures = _measures(columns, first_rows.astype(np.int32), rows)
        assert measures is not None
    places = numbers_column(first_rows)
    result = {name: _dimension(columns.get(name), name, places) for name in ROLLUP_DIMENSIONS}
    return pa.table({**result, **measures}, schema=ROLLUP_SCHEMA)


def _needed(name: str) -> bool:
    return name in ROLLUP_DIMENSIONS or name in {"packets", "bytes", "start", "duration"}


def _grouping_column(table: pa.Table, name: str) -> pa.Array:
    column = one_chunk(table.column(name))
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def _grouped(columns: Columns, rows: int) -> tuple[Array, Array]:
    """The group of each row, and the first row of each group."""
    keys = np.zeros(rows, np.int64)
    size = 1
    for name in ROLLUP_DIMENSIONS:
        column = columns.get(name)
        if column is None:
            continue
        valid = ALL_VALID
        if pa.types.is_dictionary(column.type):
            values = codes_of(column)
            low, radix = 0, len(column.dictionary) + 1
        else:
            values, valid = numbers_of(column), validity_of(column)
            lowest, highest, seen = value_range(values, valid)
            low, radix = int(lowest), int(highest) - int(lowest) + 2
            if name == "hour" and seen:
                low, radix = low // SECONDS_AN_HOUR, (radix - 2) // SECONDS_AN_HOUR + 2
                values = values // SECONDS_AN_HOUR
        if size * radix > _KEY_MAX:
            # Hostile values: renumber what is there so far, then go on.
            keys, size = _renumbered(keys)
            if size * radix > _KEY_MAX:
                values, valid, low, radix = _dense(values, valid)
        size *= radix
        add_dimension(keys, values, valid, np.int64(low), np.int64(radix))
    return _numbered(keys)


def _numbered(keys: Array) -> tuple[Array, Array]:
    rows = len(keys)
    groups = np.empty(rows, np.int32)
    first_rows = np.empty(rows, np.int64)
    slots = np.full(1 << (2 * rows + 1).bit_length(), -1, np.int32)
    count = group_rows(keys, groups, first_rows, slots)
    return groups, first_rows[:count]


def _renumbered(keys: Array) -> tuple[Array, int]:
    groups, first_rows = _numbered(keys)
    return groups.astype(np.int64), len(first_rows) + 1


def _dense(values: Array, valid: Array) -> tuple[Array, Array, int, int]:
    distinct, places = np.unique(values, return_inverse=True)
    return places, valid, 0, len(distinct) + 1


def _dimension(column: pa.Array | None, name: str, places: pa.Array) -> pa.Array:
    field_type = ROLLUP_SCHEMA.field(name).type
    if column is None:
        return pa.nulls(len(places), field_type)
    return column.take(places).cast(field_type)


def _measures(columns: Columns, groups: Array, count: int) -> Columns | None:
    """Counts, sums and bounds of each group; None when a sum might not fit."""
    records = np.zeros(count, np.int64)
    count_groups(groups, records)
    measures = {"records": numbers_column(records)}
    for name in ("packets", "bytes"):
        sums = np.zeros(count, np.int64)
        nulls = np.zeros(count, np.int64)
        column = columns.get(name)
        if column is None:
            nulls = records
        else:
            too_large = sum_groups(groups, numbers_of(column), validity_of(column), sums, nulls)
            if too_large and count < len(groups):
                return None
        measures[name] = numbers_column(sums, with_values((nulls < records).astype(np.uint8)))
        measures[f"{name}_nulls"] = numbers_column(nulls)
    start, duration = columns.get("start"), columns.get("duration")
    measures["first_start"] = _bound(groups, count, start, lowest=True)
    measures["last_end"] = _bound(groups, count, ends_of(start, duration), lowest=False)
    return measures


def _bound(groups: Array, count: int, column: pa.Array | None, *, lowest: bool) -> pa.Array:
    if column is None:
        return pa.nulls(count, pa.int64())
    low, high = np.zeros(count, np.int64), np.zeros(count, np.int64)
    seen = np.zeros(count, np.uint8)
    bound_groups(groups, numbers_of(column), validity_of(column), low, high, seen)
    return numbers_column(low if lowest else high, with_values(seen))


def ends_of(start: pa.Array | None, duration: pa.Array | None) -> pa.Array | None:
    """The ends of records from their starts and durations."""
    if duration is None or start is None:
        return duration
    values = numbers_of(start)
    valid = validity_of(start)
    if len(valid):
        values = np.where(valid, values, np.int64(0))
    return numbers_column(numbers_of(duration) + values, validity_of(duration))


def join_rollups(rollups: Sequence[pa.Table]) -> pa.Table:
    """One rollup of several, equal dimensions added up where the sums surely fit."""
    joined = pa.concat_tables(rollups)
    if len(rollups) < 2 or not _sums_fit(joined):
        return joined
    grouped = joined.group_by(list(ROLLUP_DIMENSIONS), use_threads=False).aggregate(
        [
            *((name, "sum") for name in ("records", "packets", "packets_nulls")),
            *((name, "sum") for name in ("bytes", "bytes_nulls")),
            ("first_start", "min"),
            ("last_end", "max"),
        ]
    )
    return pa.table(grouped.columns, names=ROLLUP_SCHEMA.names).cast(ROLLUP_SCHEMA)


def _sums_fit(joined: pa.Table) -> bool:
    totals = (
        pc.sum(pc.abs(pc.cast(joined.column(name), pa.float64(), safe=False))).as_py() or 0.0
        for name in ("packets", "bytes")
    )
    return all(total < _SUM_SURE_MAX for total in totals)
