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

    groups: dict[tuple[str | None, str | None], list[int]] = {}
    accounts = table.column("account_id").to_pylist()
    interfaces = table.column("interface_id").to_pylist()
    for place, key in enumerate(zip(accounts, interfaces, strict=True)):
        groups.setdefault(key, []).append(place)

    def numbers(name: str) -> npt.NDArray[np.int64]:
        return np.asarray(table.column(name).to_numpy(), dtype=np.int64)

    hours, minutes, untils = numbers("hour"), numbers("minutes"), numbers("covered_until")
    firsts, lasts, counts = numbers("first"), numbers("last"), numbers("records")
    statuses = np.array(table.column("log_status").to_pylist(), dtype=object)
    bit = np.arange(MINUTES_AN_HOUR, dtype=np.int64)
    for key in sorted(groups, key=lambda names: tuple(name or "" for name in names)):
        rows = np.array(groups[key])
        base = int(hours[rows].min()) // MINUTE_S
        end = max(int(untils[rows].max()) // MINUTE_S + 1, int(hours[rows].max()) // MINUTE_S + 60)
        seen = np.zeros(end - base, dtype=np.bool_)
        for row in rows:
            offset = int(hours[row]) // MINUTE_S - base
            seen[offset : offset + 60] |= ((minutes[row] >> bit) & 1).astype(np.bool_)
            seen[offset + 60 : int(untils[row]) // MINUTE_S - base + 1] = True
        places = np.flatnonzero(seen)
        seen = seen[places[0] : places[-1] + 1]
        yield InterfaceMinutes(
            *key,
            first_minute=base + int(places[0]),
            seen=seen,
            records=int(counts[rows].sum()),
            nodata=int(counts[rows][statuses[rows] == "NODATA"].sum()),
            skipdata=int(counts[rows][statuses[rows] == "SKIPDATA"].sum()),
            first_s=int(firsts[rows].min()),
            last_s=int(lasts[rows].max()),
        )
