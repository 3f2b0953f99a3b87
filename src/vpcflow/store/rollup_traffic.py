"""The traffic rollup of a data file: sums by five minutes, without interfaces and addresses.

It is a pure function of one data file, and some hundred times smaller than the hourly one is a
part of it. A question may read it in place of the file where its range covers whole periods, or
the whole file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from vpcflow.store.arrow_views import (
    Array,
    codes_column,
    numbers_column,
    one_chunk,
    with_values,
)
from vpcflow.store.key_table import KeyTable
from vpcflow.store.rollup import plain_rollup, sums_of
from vpcflow.store.rollup_kernels import HOUR_RULES, HOUR_SUMS
from vpcflow.store.rollup_schema import TRAFFIC_DIMENSIONS, TRAFFIC_PERIOD_S, TRAFFIC_SCHEMA
from vpcflow.store.small_groups import SmallGroups, TextCodes, row_values

#: Rows of a rollup that are in memory at once; beyond it some dimensions get several rows.
TRAFFIC_ROWS_MAX = 1 << 17

_TEXTS = ("account_id", "action", "flow_direction", "log_status")
_HALF = 32
_LOW_HALF = 0xFFFFFFFF
#: Words of a key: start; two words of two texts each; protocol and direction; scope and what of
#: start, protocol, direction and scope is there.
_KEY_WORDS = 5
_NUMBERS = ("start", "protocol", "direction", "scope")
#: The first sums of an hour are all that there is here.
_SUMS = HOUR_SUMS[:5]


class TrafficRollup:
    """The traffic rollup of one file, row group by row group or from the rollups of other files.

    Shape: ``write`` gets TRAFFIC_SCHEMA; more than once where there are more than ``rows_max`` rows.
    """

    def __init__(
        self, write: Callable[[pa.Table], None], *, rows_max: int = TRAFFIC_ROWS_MAX
    ) -> None:
        self._write = write
        self._table = KeyTable(_KEY_WORDS, HOUR_RULES[: len(_SUMS)], rows_max)
        self._texts = {name: TextCodes() for name in _TEXTS}

    def add(self, rows: pa.Table) -> None:
        """Take the rows of a stored table in."""
        groups = traffic_groups(rows)
        sums = sums_of(rows, groups)
        if sums is None:
            groups = traffic_groups(rows, apart=True)
            sums = sums_of(rows, groups)
            assert sums is not None, "one record fits"
        self._add(groups, np.ascontiguousarray(sums[:, : len(_SUMS)]))

    def add_rollup(self, rollup: pa.Table) -> None:
        """Take the traffic rollup of another file in."""
        columns = {name: one_chunk(rollup.column(name)) for name in rollup.column_names}
        sums = np.zeros((rollup.num_rows, len(_SUMS)), np.int64)
        for place, name in enumerate(_SUMS):
            values, valid = row_values(columns, name, rollup.num_rows)
            sums[:, place] = np.where(valid, values, 0) if len(valid) else values
        self._add(traffic_groups(rollup, apart=True), sums)

    def finish(self) -> None:
        """Write what is left."""
        self._flush()

    def _add(self, groups: SmallGroups, sums: Array) -> None:
        keys = np.zeros((len(groups), _KEY_WORDS), np.int64)
        values, known = zip(*(groups.numbers(name) for name in _NUMBERS), strict=True)
        account, action, flow_direction, status = (
            groups.text(name, self._texts[name]) for name in _TEXTS
        )
        keys[:, 0] = values[0] // TRAFFIC_PERIOD_S * TRAFFIC_PERIOD_S
        keys[:, 1] = account << _HALF | action & _LOW_HALF
        keys[:, 2] = flow_direction << _HALF | status & _LOW_HALF
        keys[:, 3] = values[2] << _HALF | values[1] & _LOW_HALF
        keys[:, 4] = values[3] << _HALF
        for bit, there in enumerate(known):
            keys[:, 4] |= there << bit
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
        places = {name: place for place, name in enumerate(_SUMS)}
        columns = {
            "start": _numbers(keys[:, 0], keys[:, 4] & 1),
            "account_id": self._text("account_id", keys[:, 1] >> _HALF),
            "action": self._text("action", keys[:, 1]),
            "flow_direction": self._text("flow_direction", keys[:, 2] >> _HALF),
            "log_status": self._text("log_status", keys[:, 2]),
            "protocol": _numbers(keys[:, 3].astype(np.int32), keys[:, 4] >> 1 & 1),
            "direction": _numbers((keys[:, 3] >> _HALF).astype(np.int32), keys[:, 4] >> 2 & 1),
            "scope": _numbers((keys[:, 4] >> _HALF).astype(np.int32), keys[:, 4] >> 3 & 1),
            "records": numbers_column(sums[:, 0].copy()),
        }
        for name in ("packets", "bytes"):
            nulls = sums[:, places[f"{name}_nulls"]]
            columns[f"{name}_nulls"] = numbers_column(nulls.copy())
            columns[name] = _numbers(sums[:, places[name]], nulls < sums[:, 0])
        return pa.table({name: columns[name] for name in TRAFFIC_SCHEMA.names})

    def _text(self, name: str, numbers: Array) -> pa.Array:
        return codes_column(numbers.astype(np.int32), self._texts[name].values)


def traffic_groups(rows: pa.Table, *, apart: bool = False) -> SmallGroups:
    """The rows by their dimensions in a traffic rollup."""
    return SmallGroups(
        rows, apart=apart, dimensions=frozenset(TRAFFIC_DIMENSIONS), period_s=TRAFFIC_PERIOD_S
    )


def traffic_of(tables: Sequence[pa.Table], *, rows_max: int = TRAFFIC_ROWS_MAX) -> pa.Table:
    """The traffic rollup of the rows of stored tables, with or without dictionaries."""
    made: list[pa.Table] = []
    rollup = TrafficRollup(made.append, rows_max=rows_max)
    for table in tables:
        rollup.add(table)
    rollup.finish()
    return plain_rollup(made, TRAFFIC_SCHEMA)


def _numbers(values: Array, valid: Array) -> pa.Array:
    # A copy: the memory of a table is used again.
    return numbers_column(values.copy(), with_values(valid.astype(np.uint8)))
