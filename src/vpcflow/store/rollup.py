"""The hourly rollup of a data file: a small table that answers sums without reading the file.

It is a pure function of one data file. A question may read it in place of the file where its range
covers whole hours, or all hours of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from vpcflow.store.arrow_views import Array, codes_column, numbers_column, one_chunk, with_values
from vpcflow.store.key_table import KeyTable
from vpcflow.store.rollup_kernels import (
    HOUR_RULES,
    HOUR_SUMS,
    LEAST_START,
    MOST_START,
    sum_hours,
)
from vpcflow.store.rollup_schema import HOUR_DIMENSIONS, HOUR_SCHEMA
from vpcflow.store.small_groups import SmallGroups, TextCodes, row_values

#: Rows of a rollup that are in memory at once; beyond it some dimensions get several rows.
HOUR_ROWS_MAX = 1 << 18

_TEXT_PAIRS = (("account_id", "interface_id"), ("action", "flow_direction"))
_HALF = 32
_LOW_HALF = 0xFFFFFFFF
#: Words of a key: hour; two words of two texts each; log_status and protocol; direction and what
#: of hour, protocol, direction and scope is there, and the scope itself.
_KEY_WORDS = 5
#: A scope's place above the bits of what is there.
_SCOPE_SHIFT = 4
_SUM_PLACES = {name: place for place, name in enumerate(HOUR_SUMS)}


class HourRollup:
    """The hourly rollup of one file, row group by row group or from the rollups of other files.

    Shape: ``write`` gets HOUR_SCHEMA; more than once where there are more than ``rows_max`` rows.
    """

    def __init__(self, write: Callable[[pa.Table], None], *, rows_max: int = HOUR_ROWS_MAX) -> None:
        self._write = write
        self._table = KeyTable(_KEY_WORDS, HOUR_RULES, rows_max)
        self._texts = {name: TextCodes() for name in HOUR_SCHEMA.names if _is_text(name)}

    def add(self, rows: pa.Table, groups: SmallGroups) -> None:
        """Take the rows of a stored table in."""
        sums = sums_of(rows, groups)
        if sums is None:
            groups = SmallGroups(rows, apart=True)
            sums = sums_of(rows, groups)
            assert sums is not None, "one record fits"
        hours, hours_known = groups.hours()
        self._add(groups, hours, hours_known, sums)

    def add_rollup(self, rollup: pa.Table) -> None:
        """Take the hourly rollup of another file in."""
        columns = {name: one_chunk(rollup.column(name)) for name in rollup.column_names}
        rows = rollup.num_rows
        sums = np.zeros((rows, len(HOUR_SUMS)), np.int64)
        for place, name in enumerate(HOUR_SUMS):
            if name == "ends":
                continue
            values, valid = row_values(columns, name, rows)
            empty = {"first_start": LEAST_START, "last_end": MOST_START}.get(name, np.int64(0))
            sums[:, place] = np.where(valid, values, empty) if len(valid) else values
        _, ended = row_values(columns, "last_end", rows)
        sums[:, _SUM_PLACES["ends"]] = ended if len(ended) else 1
        groups = SmallGroups(rollup, apart=True)
        hours, hours_known = groups.numbers("hour")
        self._add(groups, hours, hours_known, sums)

    def finish(self) -> None:
        """Write what is left."""
        self._flush()

    def _add(self, groups: SmallGroups, hours: Array, hours_known: Array, sums: Array) -> None:
        keys = np.zeros((len(groups), _KEY_WORDS), np.int64)
        keys[:, 0] = hours
        for word, (first, second) in enumerate(_TEXT_PAIRS, 1):
            high = groups.text(first, self._texts[first])
            keys[:, word] = high << _HALF | groups.text(second, self._texts[second]) & _LOW_HALF
        protocol, protocol_known = groups.numbers("protocol")
        direction, direction_known = groups.numbers("direction")
        scope, scope_known = groups.numbers("scope")
        status = groups.text("log_status", self._texts["log_status"])
        keys[:, 3] = status << _HALF | protocol & _LOW_HALF
        known = hours_known | protocol_known << 1 | direction_known << 2
        known |= scope_known << 3 | scope << _SCOPE_SHIFT
        keys[:, 4] = direction << _HALF | known
        numbers = np.empty(len(keys), np.int64)
        done = self._table.add(keys, sums, numbers)
        while done < len(keys):
            self._flush()
            done = self._table.add(keys, sums, numbers, done)

    def _flush(self) -> None:
        if self._table.count:
            self._write(self._rows())
            self._table.clear()

    def _rows(self) -> pa.Table:
        keys, sums = self._table.keys, self._table.sums
        columns = {"hour": _numbers(keys[:, 0], keys[:, 4] & 1)}
        for word, (first, second) in enumerate(_TEXT_PAIRS, 1):
            columns[first] = self._text(first, keys[:, word] >> _HALF)
            columns[second] = self._text(second, keys[:, word])
        columns["log_status"] = self._text("log_status", keys[:, 3] >> _HALF)
        columns["protocol"] = _numbers(keys[:, 3].astype(np.int32), keys[:, 4] >> 1 & 1)
        columns["direction"] = _numbers((keys[:, 4] >> _HALF).astype(np.int32), keys[:, 4] >> 2 & 1)
        scope = (keys[:, 4] & _LOW_HALF) >> _SCOPE_SHIFT
        columns["scope"] = _numbers(scope.astype(np.int32), keys[:, 4] >> 3 & 1)
        records = sums[:, 0]
        for place, name in enumerate(HOUR_SUMS[:-1]):
            columns[name] = _numbers(sums[:, place], np.ones(len(sums), np.uint8))
        for name in ("packets", "bytes"):
            some = sums[:, _SUM_PLACES[f"{name}_nulls"]] < records
            columns[name] = _numbers(sums[:, _SUM_PLACES[name]], some)
        columns["first_start"] = _numbers(sums[:, _SUM_PLACES["first_start"]], keys[:, 4] & 1)
        columns["last_end"] = _numbers(
            sums[:, _SUM_PLACES["last_end"]], sums[:, _SUM_PLACES["ends"]] > 0
        )
        return pa.table({name: columns[name] for name in HOUR_SCHEMA.names})

    def _text(self, name: str, numbers: Array) -> pa.Array:
        return codes_column(numbers.astype(np.int32), self._texts[name].values)


def rollup_of(tables: Sequence[pa.Table], *, rows_max: int = HOUR_ROWS_MAX) -> pa.Table:
    """The hourly rollup of the rows of stored tables, with or without dictionaries."""
    made: list[pa.Table] = []
    rollup = HourRollup(made.append, rows_max=rows_max)
    for table in tables:
        rollup.add(table, SmallGroups(table))
    rollup.finish()
    return plain_rollup(made, HOUR_SCHEMA)


def plain_rollup(made: Sequence[pa.Table], schema: pa.Schema) -> pa.Table:
    """The parts of a rollup as one table without dictionaries."""
    parts = [part.cast(schema) for part in made]
    return pa.concat_tables(parts) if parts else schema.empty_table()


def sums_of(rows: pa.Table, groups: SmallGroups) -> Array | None:
    """HOUR_SUMS of each group; None when a sum might not fit."""
    columns = {
        name: one_chunk(rows.column(name))
        for name in ("start", "duration", "packets", "bytes")
        if name in rows.column_names
    }
    sums = np.zeros((len(groups), len(HOUR_SUMS)), np.int64)
    sums[:, _SUM_PLACES["first_start"]] = LEAST_START
    sums[:, _SUM_PLACES["last_end"]] = MOST_START
    values = (row_values(columns, name, rows.num_rows) for name in _MEASURED)
    fits = sum_hours(groups.groups, *(part for pair in values for part in pair), sums)
    return sums if fits else None


_MEASURED = ("start", "duration", "packets", "bytes")


def _is_text(name: str) -> bool:
    return name in HOUR_DIMENSIONS and bool(pa.types.is_string(HOUR_SCHEMA.field(name).type))


def _numbers(values: Array, valid: Array) -> pa.Array:
    # A copy: the memory of a table is used again.
    return numbers_column(values.copy(), with_values(valid.astype(np.uint8)))
