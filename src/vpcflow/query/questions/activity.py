"""Records by interface and hour, with a bit for every minute that a record covers.

One scan that several questions share. A record covers the minutes from its start to its end, so
a NODATA record, whose times are its window's, covers its window. ``minutes`` holds the minutes of
the hour, lowest bit first; what a record covers past its hour follows from ``covered_until``, for
a record that reaches past the hour covers all that lies between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.query.answer_arrays import numbers_of
from vpcflow.query.questions.question import measures
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

MINUTE_S = 60
MINUTES_AN_HOUR = SECONDS_AN_HOUR // MINUTE_S
#: Longer records than this are not believed to cover all their time: AWS's windows are 10 minutes.
COVER_S_MAX = SECONDS_AN_HOUR


def build_activity(records: Any, *, measured: bool = True) -> Any:
    """Groups by account, interface, hour, action and log status."""
    import ibis

    timed = records.filter(records.start.notnull())
    cover_s = ibis.greatest(ibis.least(timed.duration.fill_null(0), COVER_S_MAX), 0)
    second = timed.start % SECONDS_AN_HOUR
    first = (second // MINUTE_S).cast("int64")
    last = ibis.least(((second + cover_s) // MINUTE_S).cast("int64"), MINUTES_AN_HOUR - 1)
    one = ibis.literal(1, type="int64")
    # Bits first to last: all bits up to last without those below first.
    bits = (one << (last + 1)) - (one << first)
    keys = {
        "account_id": timed.account_id,
        "interface_id": timed.interface_id,
        "hour": timed.start - second,
        "log_status": timed.log_status,
    }
    if measured:
        keys["action"] = timed.action
    return timed.group_by(**keys).aggregate(
        **(measures(timed) if measured else {"records": timed.count()}),
        minutes=bits.bit_or(),
        first=timed.start.min(),
        last=timed.start.max(),
        covered_until=(timed.start + cover_s).max(),
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
    first_s: int
    last_s: int


def minutes_by_interface(table: pa.Table) -> Iterator[InterfaceMinutes]:
    """The rows of ``build_activity``, an interface at a time, in order of their names."""
    import numpy as np

    if table.num_rows == 0:
        return

    def numbers(name: str) -> npt.NDArray[np.int64]:
        return numbers_of(table, name)

    names, codes = _interface_codes(table)
    hours = numbers("hour") // SECONDS_AN_HOUR
    firsts, lasts, counts = numbers("first"), numbers("last"), numbers("records")
    statuses = np.array(table.column("log_status").to_pylist(), dtype=object)
    size = len(names)
    low = _by_code(np.minimum, codes, hours, size)
    # One hour more than the last, for what reaches past it.
    widths = _by_code(np.maximum, codes, hours, size) - low + 2
    offsets = np.concatenate(([0], np.cumsum(widths)))
    masks = np.zeros(int(offsets[-1]), dtype=np.int64)
    places = offsets[codes] + hours - low[codes]
    np.bitwise_or.at(masks, places, numbers("minutes"))
    past = (numbers("covered_until") - (hours + 1) * SECONDS_AN_HOUR) // MINUTE_S
    over = past >= 0
    reach = np.minimum(past[over] + 1, MINUTES_AN_HOUR)
    np.bitwise_or.at(masks, places[over] + 1, (np.int64(1) << reach) - 1)
    first_s = _by_code(np.minimum, codes, firsts, size)
    last_s = _by_code(np.maximum, codes, lasts, size)
    totals = {
        status: np.bincount(codes, np.where(kept, counts, 0), size).astype(np.int64)
        for status, kept in {
            "": np.ones(len(codes), dtype=np.bool_),
            "NODATA": statuses == "NODATA",
            "SKIPDATA": statuses == "SKIPDATA",
        }.items()
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
            records=int(totals[""][code]),
            nodata=int(totals["NODATA"][code]),
            skipdata=int(totals["SKIPDATA"][code]),
            first_s=int(first_s[code]),
            last_s=int(last_s[code]),
        )


def _interface_codes(
    table: pa.Table,
) -> tuple[list[tuple[str | None, str | None]], npt.NDArray[np.int64]]:
    """Interfaces in order of their names, and for every row which one it is of."""
    import numpy as np

    keys = list(
        zip(
            table.column("account_id").to_pylist(),
            table.column("interface_id").to_pylist(),
            strict=True,
        )
    )
    names = sorted(set(keys), key=lambda key: tuple((part is not None, part or "") for part in key))
    code_of = {key: code for code, key in enumerate(names)}
    return names, np.array([code_of[key] for key in keys], dtype=np.int64)


def _by_code(
    reduce: np.ufunc, codes: npt.NDArray[np.int64], values: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.int64]:
    """The least or greatest value of every code."""
    import numpy as np

    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(size))
    found: npt.NDArray[np.int64] = reduce.reduceat(values[order], starts)
    return found
