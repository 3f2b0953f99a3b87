"""Minutes that records cover, by interface and hour, lowest bit first.

A record covers the minutes from its start to its end, so a NODATA record, whose times are its
window's, covers its window. What it covers past its hour is bits of the hour after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.query.answer_arrays import numbers_of
from vpcflow.query.questions.question import count
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

MINUTE_S = 60
MINUTES_AN_HOUR = SECONDS_AN_HOUR // MINUTE_S


def build_activity(hours: Any) -> Any:
    """Groups by account, interface and hour, over rows of hours."""
    timed = hours.filter(hours.start.notnull())
    return timed.group_by(
        account_id=timed.account_id,
        interface_id=timed.interface_id,
        hour=timed.start - timed.start % SECONDS_AN_HOUR,
    ).aggregate(
        records=count(timed),
        nodata=count(timed, timed.log_status == "NODATA"),
        skipdata=count(timed, timed.log_status == "SKIPDATA"),
        minutes_seen=timed.minutes_seen.bit_or(),
        minutes_next=timed.minutes_next.bit_or(),
    )


@dataclass(frozen=True, slots=True)
class InterfaceMinutes:
    """The minutes of one interface that some record covers.

    Shape: ``seen[i]`` is the minute ``first_minute + i``; minutes count from the epoch.
    """

    account_id: str | None
    interface_id: str | None
    first_minute: int
    seen: npt.NDArray[np.bool_]
    records: int
    nodata: int
    skipdata: int


def minutes_by_interface(table: pa.Table) -> Iterator[InterfaceMinutes]:
    """The rows of ``build_activity``, an interface at a time, in order of their names."""
    import numpy as np

    if table.num_rows == 0:
        return

    def numbers(name: str) -> npt.NDArray[np.int64]:
        return numbers_of(table, name)

    names, codes = _interface_codes(table)
    hours = numbers("hour") // SECONDS_AN_HOUR
    size = len(names)
    low = _by_code(np.minimum, codes, hours, size)
    # One hour more than the last, for what reaches past it.
    widths = _by_code(np.maximum, codes, hours, size) - low + 2
    offsets = np.concatenate(([0], np.cumsum(widths)))
    masks = np.zeros(int(offsets[-1]), dtype=np.int64)
    places = offsets[codes] + hours - low[codes]
    # An interface's hour is one row, so that its place occurs once.
    masks[places] = numbers("minutes_seen")
    masks[places + 1] |= numbers("minutes_next")
    totals = {
        name: _by_code(np.add, codes, numbers(name), size)
        for name in ("records", "nodata", "skipdata")
    }
    bit = np.arange(MINUTES_AN_HOUR, dtype=np.int64)
    for code, (account_id, interface_id) in enumerate(names):
        own = masks[offsets[code] : offsets[code + 1]]
        seen = ((own[:, None] >> bit) & 1).astype(np.bool_).ravel()
        marked = np.flatnonzero(seen)
        yield InterfaceMinutes(
            account_id,
            interface_id,
            first_minute=int(low[code]) * MINUTES_AN_HOUR + int(marked[0]),
            seen=seen[marked[0] : marked[-1] + 1],
            records=int(totals["records"][code]),
            nodata=int(totals["nodata"][code]),
            skipdata=int(totals["skipdata"][code]),
        )


def _interface_codes(
    table: pa.Table,
) -> tuple[list[tuple[str | None, str | None]], npt.NDArray[np.int64]]:
    """Interfaces in order of their names, and for every row which one it is of."""
    import numpy as np

    accounts, interfaces = (_text_codes(table, name) for name in ("account_id", "interface_id"))
    width = len(interfaces[0])
    found, codes = np.unique(accounts[1] * width + interfaces[1], return_inverse=True)
    names = [(accounts[0][pair // width], interfaces[0][pair % width]) for pair in found.tolist()]
    return names, codes


def _text_codes(table: pa.Table, name: str) -> tuple[list[str | None], npt.NDArray[np.int64]]:
    """The texts of a column in order, null first, and for every row which one it has."""
    import numpy as np

    column = table.column(name).combine_chunks().dictionary_encode()
    texts = column.dictionary.to_pylist()
    order = sorted(range(len(texts)), key=texts.__getitem__)
    rank = np.empty(len(texts) + 1, np.int64)
    rank[order] = np.arange(1, len(texts) + 1)
    rank[-1] = 0
    codes = np.frombuffer(column.indices.buffers()[1], dtype=np.int32, count=len(column))
    if column.null_count:
        codes = np.where(column.indices.is_valid().to_numpy(zero_copy_only=False), codes, -1)
    return [None, *(texts[place] for place in order)], rank[codes]


def _by_code(
    reduce: np.ufunc, codes: npt.NDArray[np.int64], values: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.int64]:
    """The least, greatest or sum of the values of every code."""
    import numpy as np

    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(size))
    found: npt.NDArray[np.int64] = reduce.reduceat(values[order], starts)
    return found
