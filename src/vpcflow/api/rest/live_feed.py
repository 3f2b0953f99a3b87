"""What one watcher of arriving records gets: pages in order, each with the position behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.query.batch_filter import truth
from vpcflow.record.fields import FIELDS_BY_COLUMN
from vpcflow.record.values import format_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vpcflow.query.expression import Expression
    from vpcflow.store.recent_segments import RecentSegment, RecentSegments

#: Records of one page.
PAGE_RECORDS_MAX = 1_000
#: Batches that one look goes through at most when the filter keeps little of them.
BATCHES_A_LOOK = 8
#: Records from before that a watcher may ask for at the beginning.
BACKLOG_MAX = 2_000
_POSITION = re.compile(r"^([0-9a-f]{1,16})-(\d{1,16}):(\d{1,9})$")


@dataclass(frozen=True, slots=True)
class Position:
    """Behind ``row`` records of batch ``number`` of a series."""

    series: str
    number: int
    row: int

    def __str__(self) -> str:
        return f"{self.series}-{self.number}:{self.row}"


def parse_position(text: str) -> Position | None:
    """A position as ``str`` prints it; None when it is none."""
    match = _POSITION.match(text)
    return Position(match[1], int(match[2]), int(match[3])) if match else None


@dataclass(frozen=True, slots=True)
class Page:
    """Records that arrived.

    Shape: ``position`` is behind them, and behind those that the filter left out. ``missed`` are
    batches that came and were gone before the watcher looked. ``more`` says that others wait.
    """

    position: Position
    records: pa.RecordBatch | None
    seen: int
    missed: int
    more: bool


class LiveFeed:
    """Reads on from a position; for one watcher, from one thread at a time."""

    def __init__(
        self,
        recent: RecentSegments,
        condition: Expression | None,
        columns: Sequence[str],
        position: Position | None,
        backlog: int,
    ) -> None:
        self._recent = recent
        self._condition = condition
        self._columns = columns
        #: The fitting records' places in the batch that was read last, since pages end within one.
        self._places: tuple[int, npt.NDArray[np.int64]] | None = None
        self._position = position if position is not None else self._begin(backlog)

    def read(self, records_max: int) -> Page:
        """What came since, at most ``records_max`` records of it."""
        missed = self._check_series()
        seen = 0
        for _ in range(BATCHES_A_LOOK):
            segment = self._segment()
            if segment is None:
                return Page(self._position, None, seen, missed, more=False)
            if segment.number > self._position.number:
                missed += self._step_to(segment.number)
            records = self._recent.load(segment)
            if records is None:
                # Gone, or damaged: the next look goes on behind it.
                self._position = Position(self._position.series, segment.number + 1, 0)
                missed += 1
                continue
            begin = self._position.row
            places, end = self._page(segment.number, records, records_max)
            seen += max(0, end - begin)
            is_over = end >= records.num_rows
            self._position = Position(
                self._position.series,
                segment.number + 1 if is_over else segment.number,
                0 if is_over else end,
            )
            if len(places):
                found = records.take(pa.array(places))
                return Page(self._position, found, seen, missed, more=self._segment() is not None)
        return Page(self._position, None, seen, missed, more=True)

    @property
    def position(self) -> Position:
        """Behind everything that was read."""
        return self._position

    def waiting(self) -> int:
        """Batches that came and were not read yet."""
        return max(0, self._recent.last + 1 - self._position.number)

    def _segment(self) -> RecentSegment | None:
        return self._recent.after(self._position.number - 1)

    def _begin(self, backlog: int) -> Position:
        """Where the last ``backlog`` fitting records begin; behind all when none are wanted."""
        position = Position(self._recent.series, self._recent.last + 1, 0)
        for segment in self._recent.newest_first():
            if backlog <= 0:
                break
            records = self._recent.load(segment)
            if records is None:
                break
            kept = _positions(records, self._condition)
            first = int(kept[-backlog]) if len(kept) >= backlog else 0
            position = Position(self._recent.series, segment.number, first)
            backlog -= len(kept)
        return position

    def _check_series(self) -> int:
        """Begin at the oldest batch when the position is of another run of numbers."""
        if self._position.series == self._recent.series:
            return 0
        self._position = Position(self._recent.series, max(1, self._recent.first), 0)
        return 1

    def _step_to(self, number: int) -> int:
        missed = number - self._position.number
        self._position = Position(self._position.series, number, 0)
        return missed

    def _page(
        self, number: int, records: pa.RecordBatch, records_max: int
    ) -> tuple[npt.NDArray[np.int64], int]:
        """Places of the next fitting records, and the place behind what was looked through."""
        if self._places is None or self._places[0] != number:
            self._places = number, _positions(records, self._condition)
        places = self._places[1]
        first = int(np.searchsorted(places, self._position.row))
        page = places[first : first + records_max]
        if first + records_max < len(places):
            return page, int(page[-1]) + 1
        return page, records.num_rows


def _positions(records: pa.RecordBatch, condition: Expression | None) -> npt.NDArray[np.int64]:
    """Places of the records that fit, ascending."""
    if condition is None:
        return np.arange(records.num_rows)
    fits = pc.fill_null(truth(records, condition), False)
    return np.flatnonzero(fits.to_numpy(zero_copy_only=False))


def page_json(page: Page, columns: Sequence[str], waiting: int) -> bytes:
    """A page for the browser: columns by name, addresses as text."""
    records = page.records
    data = {} if records is None else {name: _values(records, name) for name in columns}
    return orjson.dumps(
        {
            "rows": 0 if records is None else records.num_rows,
            "data": data,
            "seen": page.seen,
            "waiting": waiting,
        }
    )


def _values(records: pa.RecordBatch, name: str) -> list[Any]:
    at = records.schema.get_field_index(name)
    if at < 0:
        return [None] * records.num_rows
    values = records.column(at)
    if not pa.types.is_fixed_size_binary(values.type):
        listed: list[Any] = values.to_pylist()
        return listed
    coded = values.dictionary_encode()
    texts = [format_address(one) for one in coded.dictionary.to_pylist()]
    return [None if code is None else texts[code] for code in coded.indices.to_pylist()]


def live_columns(fields: str) -> tuple[str, ...]:
    """Columns of a comma-separated list of fields; the unknown ones are left out."""
    names = (name.strip().replace("-", "_") for name in fields.split(","))
    return tuple(dict.fromkeys(name for name in names if name in FIELDS_BY_COLUMN))
