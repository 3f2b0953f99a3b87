"""The conversations of a data file: who talked to whom, by six hours, in few rows and with the sums.

They are a pure function of one data file; see rollup_schema for the columns. A question may read
them in place of the file where its range covers whole periods, or all of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from vpcflow.store.address_codes import AddressCodes
from vpcflow.store.arrow_views import (
    ALL_VALID,
    Array,
    booleans_of,
    codes_column,
    codes_of,
    numbers_column,
    one_chunk,
    validity_of,
    with_values,
    words_of,
)
from vpcflow.store.key_table import KeyTable
from vpcflow.store.rollup import plain_rollup
from vpcflow.store.rollup_kernels import (
    CONVERSATION_RULES,
    CONVERSATION_SUMS,
    LEAST_START,
    MOST_START,
    collect_records,
    join_sorted,
)
from vpcflow.store.rollup_schema import CONVERSATION_PERIOD_S, CONVERSATION_SCHEMA
from vpcflow.store.row_groups import RowBuffers
from vpcflow.store.small_groups import SmallGroups, TextCodes, row_values
from vpcflow.store.sort import SortKey, order_by

#: Conversations that are in memory at once, 180 bytes each; beyond it some get several rows.
CONVERSATIONS_MAX = 1 << 20

_ROWS_FIRST = 1 << 16
#: Kinds have numbers of 31 bits. There are as many as conversations, or as one row group has.
_KINDS_MAX = 1 << 31
#: Rows that still fill more than this when they are joined are written, to make room for long.
_KEPT_SHARE_MAX = 0.5

_TEXTS = ("account_id", "interface_id", "action", "reject_rule")
_HALF = 32
_LOW_HALF = 0xFFFFFFFF
#: Words of a kind: account and interface, action and protocol, direction and what is there, rule,
#: start of the period and whether there is one.
_KIND_WORDS = 5
#: Words of a conversation: host and peer, both ports, kind and what ports are there.
_KEY_WORDS = 3
_LOW_PORT_KNOWN, _DST_PORT_KNOWN, _KIND_SHIFT = 1, 2, 2
_SUMS = len(CONVERSATION_SUMS)
_SUM_PLACES = {name: place for place, name in enumerate(CONVERSATION_SUMS)}


class ConversationRollup:
    """The conversations of one file, row group by row group or from those of other files.

    Shape: ``write`` gets CONVERSATION_SCHEMA with dictionaries, in order of start, host, lo_port and peer;
    more than once where there are more than ``rows_max`` rows. ``buffers`` is memory that may be
    used again after ``finish``.
    """

    def __init__(
        self,
        write: Callable[[pa.Table], None],
        *,
        buffers: RowBuffers | None = None,
        rows_max: int = CONVERSATIONS_MAX,
    ) -> None:
        self._write = write
        self._rows_max = rows_max
        self._buffers = buffers or RowBuffers()
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._keys, self._sums = self._memory("rows", min(_ROWS_FIRST, self._rows_max))
        self._kinds = KeyTable(_KIND_WORDS, np.zeros(0, np.int64), _KINDS_MAX)
        self._texts = {name: TextCodes() for name in _TEXTS}
        self._addresses = AddressCodes()

    def _memory(self, name: str, rows: int) -> tuple[Array, Array]:
        words = np.dtype(np.int64)
        keys = self._buffers.take(f"conversation keys of {name}", words, rows * _KEY_WORDS)
        sums = self._buffers.take(f"conversation sums of {name}", words, rows * _SUMS)
        return keys.reshape(rows, _KEY_WORDS), sums.reshape(rows, _SUMS)

    def add(self, rows: pa.Table, groups: SmallGroups) -> None:
        """Take the sorted rows of a stored table in; host and peer are dictionaries."""
        columns = {name: one_chunk(rows.column(name)) for name in rows.column_names}
        ports = [
            part
            for name in ("lo_port", "hi_port")
            for part in row_values(columns, name, len(rows), np.int32)
        ]
        measures = [
            part
            for name in ("start", "packets", "bytes")
            for part in row_values(columns, name, len(rows))
        ]
        swapped = _flags(columns.get("swapped"), len(rows))
        done = 0
        while done < len(rows):
            room = self._room(len(rows) - done, len(groups))
            kinds, refused = self._kinds_of(groups)
            self._count += collect_records(
                done,
                done + room,
                groups.groups,
                kinds,
                refused,
                *(part for name in ("host", "peer") for part in self._codes(columns, name, rows)),
                *ports,
                swapped,
                *measures,
                self._keys[self._count :],
                self._sums[self._count :],
            )
            done += room

    def add_rollup(self, rollup: pa.Table) -> None:
        """Take the conversations of another file in."""
        done = 0
        while done < len(rollup):
            room = self._room(len(rollup) - done, min(len(rollup) - done, self._rows_max))
            self._add_conversations(rollup.slice(done, room))
            done += room

    def _add_conversations(self, rollup: pa.Table) -> None:
        columns = {name: one_chunk(rollup.column(name)) for name in rollup.column_names}
        rows = len(rollup)
        kinds, _ = self._kinds_of(SmallGroups(rollup, apart=True))
        begin, end = self._count, self._count + rows
        keys, sums = self._keys[begin:end], self._sums[begin:end]
        host, peer = (
            self._addresses.add(words_of(columns[name]), validity_of(columns[name]))
            for name in ("host", "peer")
        )
        low, low_valid = row_values(columns, "lo_port", rows, np.int32)
        target, target_valid = row_values(columns, "dst_port", rows, np.int32)
        low_known, target_known = _known(low_valid, rows), _known(target_valid, rows)
        keys[:, 0] = host.astype(np.int64) << _HALF | peer & np.int64(_LOW_HALF)
        keys[:, 1] = np.where(low_known, low, 0).astype(np.int64) << _HALF
        keys[:, 1] |= np.where(target_known, target, 0) & np.int64(_LOW_HALF)
        known = low_known * _LOW_PORT_KNOWN | target_known * _DST_PORT_KNOWN
        keys[:, 2] = kinds << _KIND_SHIFT | known
        _fill_sums(sums, columns, rows)
        self._count = end

    def finish(self) -> None:
        """Write what is left."""
        self._flush()

    def _room(self, rows: int, kinds: int) -> int:
        """How many of so many rows, of so many kinds, there is room for now; at least one."""
        if self._kinds.count and self._kinds.count + kinds > self._rows_max:
            self._flush()
        if self._count + rows > len(self._keys):
            size = min(max(len(self._keys) * 2, self._count + rows), self._rows_max)
            if size > len(self._keys):
                keys, sums = self._keys[: self._count], self._sums[: self._count]
                self._keys, self._sums = self._memory("rows", size)
                self._keys[: self._count] = keys
                self._sums[: self._count] = sums
        if self._count == len(self._keys):
            self._join()
            if self._count > len(self._keys) * _KEPT_SHARE_MAX:
                self._flush()
        return min(rows, len(self._keys) - self._count)

    def _join(self) -> None:
        """Rows of the same conversation become one, in order."""
        _, ranks = self._addresses.ranked()
        ranks = np.append(ranks, np.int32(-1))
        keys, sums = self._keys[: self._count], self._sums[: self._count]
        order = order_by(self._sort_keys(keys, ranks), self._count)
        joined = self._memory("joined rows", self._count)
        self._count = join_sorted(order, keys, sums, CONVERSATION_RULES, *joined)
        self._keys[: self._count] = joined[0][: self._count]
        self._sums[: self._count] = joined[1][: self._count]

    def _sort_keys(self, keys: Array, ranks: Array) -> list[SortKey]:
        """Start, host, lo_port, peer, then what else a key has, from the last to the first."""
        return [
            SortKey(keys[:, 1].astype(np.int32)),
            SortKey(keys[:, 2]),
            SortKey(ranks[keys[:, 0].astype(np.int32)]),
            SortKey(keys[:, 1] >> _HALF),
            SortKey(ranks[keys[:, 0] >> _HALF]),
            SortKey(self._kinds.keys[:, 4][keys[:, 2] >> _KIND_SHIFT]),
        ]

    def _kinds_of(self, groups: SmallGroups) -> tuple[Array, Array]:
        """The kind of each group, and whether it was rejected."""
        account, interface, action, rule = (groups.text(name, self._texts[name]) for name in _TEXTS)
        protocol, protocol_known = groups.numbers("protocol")
        direction, direction_known = groups.numbers("direction")
        keys = np.empty((len(groups), _KIND_WORDS), np.int64)
        keys[:, 0] = account << _HALF | interface & _LOW_HALF
        keys[:, 1] = action << _HALF | protocol & _LOW_HALF
        keys[:, 2] = direction << _HALF | protocol_known | direction_known << 1
        keys[:, 3] = rule
        start, start_known = groups.numbers("start")
        # There is room for one more bit: periods begin at even seconds.
        keys[:, 4] = start // CONVERSATION_PERIOD_S * CONVERSATION_PERIOD_S | start_known
        numbers = np.empty(len(groups), np.int64)
        self._kinds.add(keys, np.zeros((len(groups), 0), np.int64), numbers)
        texts = self._texts["action"].values.to_pylist()
        reject = texts.index("REJECT") if "REJECT" in texts else len(texts)
        return numbers, (action == reject).view(np.uint8)

    def _codes(
        self, columns: dict[str, pa.Array], name: str, rows: pa.Table
    ) -> tuple[Array, Array]:
        """The codes of an address column, and the number that each code has in this file."""
        column = columns.get(name)
        if column is None:
            return np.full(len(rows), -1, np.int32), np.zeros(0, np.int32)
        return codes_of(column), self._addresses.add(words_of(column.dictionary), ALL_VALID)

    def _flush(self) -> None:
        if self._count:
            self._join()
            self._write(self._rows())
        self._begin()

    def _rows(self) -> pa.Table:
        keys, sums = self._keys[: self._count], self._sums[: self._count]
        addresses, ranks = self._addresses.ranked()
        ranks = np.append(ranks, np.int32(-1))
        kinds = self._kinds.keys[keys[:, 2] >> _KIND_SHIFT]
        columns = {
            "start": _numbers(kinds[:, 4] & ~np.int64(1), kinds[:, 4] & 1),
            "host": codes_column(ranks[keys[:, 0] >> _HALF], addresses),
            "peer": codes_column(ranks[keys[:, 0].astype(np.int32)], addresses),
            "direction": _numbers((kinds[:, 2] >> _HALF).astype(np.int32), kinds[:, 2] & 2),
            "lo_port": _low_ports(keys),
            "dst_port": _numbers(keys[:, 1].astype(np.int32), keys[:, 2] & _DST_PORT_KNOWN),
            "protocol": _numbers(kinds[:, 1].astype(np.int32), kinds[:, 2] & 1),
            "action": self._text("action", kinds[:, 1] >> _HALF),
            "account_id": self._text("account_id", kinds[:, 0] >> _HALF),
            "interface_id": self._text("interface_id", kinds[:, 0]),
            "reject_rule": self._text("reject_rule", kinds[:, 3]),
        }
        columns |= _measures(sums)
        return pa.table({name: columns[name] for name in CONVERSATION_SCHEMA.names})

    def _text(self, name: str, numbers: Array) -> pa.Array:
        return codes_column(numbers.astype(np.int32), self._texts[name].values)


def conversations_of(tables: Sequence[pa.Table], *, rows_max: int = CONVERSATIONS_MAX) -> pa.Table:
    """The conversations of the rows of stored tables whose host and peer are dictionaries."""
    made: list[pa.Table] = []
    rollup = ConversationRollup(made.append, rows_max=rows_max)
    for table in tables:
        rollup.add(table, SmallGroups(table))
    rollup.finish()
    return plain_rollup(made, CONVERSATION_SCHEMA)


def _low_ports(keys: Array) -> pa.Array:
    return _numbers((keys[:, 1] >> _HALF).astype(np.int32), keys[:, 2] & _LOW_PORT_KNOWN)


def _measures(sums: Array) -> dict[str, pa.Array]:
    started = sums[:, _SUM_PLACES["starts"]] > 0
    first, last = (sums[:, _SUM_PLACES[name]] for name in ("first_start", "last_start"))
    columns = {
        "first_start": _numbers(first, started),
        "last_start": _numbers(last, started & (last != first)),
        "records": numbers_column(sums[:, 0].copy()),
    }
    for name in ("bytes", "packets"):
        nulls = sums[:, _SUM_PLACES[f"{name}_nulls"]]
        columns[f"{name}_nulls"] = numbers_column(nulls.copy())
        columns[name] = _numbers(sums[:, _SUM_PLACES[name]], nulls < sums[:, 0])
    return columns


def _fill_sums(sums: Array, columns: dict[str, pa.Array], rows: int) -> None:
    for place, name in enumerate(CONVERSATION_SUMS[:-1]):
        values, valid = row_values(columns, name, rows)
        empty = {"first_start": LEAST_START, "last_start": MOST_START}.get(name, np.int64(0))
        sums[:, place] = np.where(valid, values, empty) if len(valid) else values
    first, last = _SUM_PLACES["first_start"], _SUM_PLACES["last_start"]
    _, known = row_values(columns, "last_start", rows)
    if len(known):
        _, begun = row_values(columns, "first_start", rows)
        same = (known == 0) & (begun != 0) if len(begun) else known == 0
        sums[:, last] = np.where(same, sums[:, first], sums[:, last])
    _, started = row_values(columns, "first_start", rows)
    sums[:, _SUM_PLACES["starts"]] = _known(started, rows)


def _flags(column: pa.Array | None, rows: int) -> Array:
    """One byte a row; null is no."""
    if column is None:
        return np.zeros(rows, np.uint8)
    values, valid = booleans_of(column), validity_of(column)
    return values & valid if len(valid) else values


def _known(valid: Array, rows: int) -> Array:
    return valid.astype(np.int64) if len(valid) else np.ones(rows, np.int64)


def _numbers(values: Array, valid: Array) -> pa.Array:
    # A copy: the memory of a table is used again.
    return numbers_column(values.copy(), with_values((valid != 0).view(np.uint8)))
