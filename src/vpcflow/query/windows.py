"""Parts of the time that may hold enough records for a question that wants the first of them."""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow.query.questions.question import Window
from vpcflow.query.time_range import TimeRange
from vpcflow.store.data_file_entry import DataFileEntry

#: The first part is no shorter than this: row groups hold about an hour of a busy day.
WINDOW_S_MIN = 3_600
#: A next part is longer by no more than this factor: an hour, a day, all.
WINDOW_GROWTH_MAX = 24
#: Twice the time that should be enough, since records do not come evenly.
_SPARE = 2


class Windows:
    """Ever wider ranges that start, or end, where the records do; None when only all will do.

    Shape: a range with enough records holds the very first of all, since order is by start. The
    first range is as wide as enough records take on average, without any condition; how many it
    gave says how wide the next one must be.
    """

    def __init__(
        self, window: Window | None, time_range: TimeRange, files: Sequence[DataFileEntry]
    ) -> None:
        self._window = window
        self._time_range = time_range
        spans = [
            (entry.start_min, entry.start_max, entry.rows)
            for entry in files
            if entry.start_min is not None and entry.start_max is not None
        ]
        first_s = min((span[0] for span in spans), default=0)
        end_s = max((span[1] for span in spans), default=-1) + 1
        rows = sum(span[2] for span in spans)
        wanted = window.rows if window is not None else 0
        self._width_s = max(WINDOW_S_MIN, _SPARE * wanted * (end_s - first_s) // max(rows, 1))
        start_s, stop_s = time_range.start_s, time_range.end_s
        self._first_s = first_s if start_s is None else max(first_s, start_s)
        self._end_s = end_s if stop_s is None else min(end_s, stop_s)

    def part(self) -> TimeRange | None:
        """The range to try next."""
        # Half of the time is hardly cheaper than all of it.
        if self._window is None or 2 * self._width_s >= self._end_s - self._first_s:
            return None
        if self._window.newest:
            return TimeRange(self._end_s - self._width_s, self._time_range.end_s)
        return TimeRange(self._time_range.start_s, self._first_s + self._width_s)

    def widen(self, rows: int) -> None:
        """The last range gave only so many rows."""
        assert self._window is not None
        enough = _SPARE * self._window.rows // max(rows, 1) + 1
        self._width_s *= min(enough, WINDOW_GROWTH_MAX)
