"""Parts of the time that may hold enough records for a question that wants the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vpcflow.query.questions.question import Window
from vpcflow.query.time_range import TimeRange
from vpcflow.store.data_file_entry import DataFileEntry

#: The first part is no shorter than this: row groups hold about an hour of a busy day.
WINDOW_S_MIN = 3_600
#: Each next part is longer by this factor: an hour, a day, all.
WINDOW_GROWTH = 24


def windows(
    window: Window | None, time_range: TimeRange, files: Sequence[DataFileEntry]
) -> Iterator[TimeRange]:
    """Ever wider ranges that start, or end, where the records do; all the time is not among them.

    Shape: a range with enough records holds the very first of all, since order is by start. The
    first range is as wide as enough records take on average, without any condition.
    """
    spans = [
        (entry.start_min, entry.start_max, entry.rows)
        for entry in files
        if entry.start_min is not None and entry.start_max is not None
    ]
    if window is None or not spans:
        return
    first_s, end_s = min(span[0] for span in spans), max(span[1] for span in spans) + 1
    all_s = max(end_s - first_s, 1)
    if time_range.start_s is not None:
        first_s = max(first_s, time_range.start_s)
    if time_range.end_s is not None:
        end_s = min(end_s, time_range.end_s)
    rows = sum(span[2] for span in spans)
    width_s = max(WINDOW_S_MIN, 2 * window.rows * all_s // max(rows, 1))
    while 2 * width_s < end_s - first_s:
        if window.newest:
            yield TimeRange(end_s - width_s, time_range.end_s)
        else:
            yield TimeRange(time_range.start_s, first_s + width_s)
        width_s *= WINDOW_GROWTH
