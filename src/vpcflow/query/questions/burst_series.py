"""Where rejected records stand out from what an interface usually refuses, or a source is refused.

Usual is the median of the own series; how far it strays is the median of the distances
from it (MAD), as a standard deviation. Neither is moved by the few intervals that stand out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vpcflow.query.row_tables import Row

#: What makes a MAD comparable with a standard deviation.
MAD_SCALE = 1.4826

#: A burst is at least so many times the usual.
FACTOR_MIN = 3.0

#: Account and interface, or the address of a source alone.
Key = tuple[Any, ...]
INTERFACE_KEY = ("account_id", "interface_id")
SOURCE_KEY = ("source",)


@dataclass(frozen=True, slots=True)
class Spell:
    """Intervals in a row in which far more than usual was rejected, by an interface or of a source.

    Shape: ``key`` is an interface or a source; ``baseline`` is what as many usual intervals would have had.
    Units: seconds, records; ``end_s`` is exclusive.
    """

    key: Key
    start_s: int
    end_s: int
    rejected: int
    baseline: float

    @property
    def excess(self) -> float:
        """How many records more than usual."""
        return self.rejected - self.baseline

    @property
    def is_of_source(self) -> bool:
        """Whether a source was refused, by whichever interfaces."""
        return len(self.key) == len(SOURCE_KEY)


def spells(
    rows: list[Row],
    names: tuple[str, ...],
    *,
    start_s: int,
    end_s: int,
    width_s: int,
    deviations: float,
    least: int,
) -> list[Spell]:
    """All spells of all keys, by what they have above the usual.

    Shape: ``rows`` have the columns of the key, time and rejected; intervals without a row had
    nothing rejected. One quiet interval between two does not part them.
    """
    import numpy as np

    size = max(1, -(-(end_s - start_s) // width_s))
    series: dict[Key, Any] = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        place = (row["time"] - start_s) // width_s
        if 0 <= place < size:
            series.setdefault(key, np.zeros(size, np.int64))[place] += row["rejected"]
    found: list[Spell] = []
    for key, values in series.items():
        usual = float(np.median(values))
        strays = MAD_SCALE * float(np.median(np.abs(values - usual)))
        # A count strays by its square root even where the series happens to be level.
        strays = max(strays, usual**0.5, 1.0)
        enough = max(usual + deviations * strays, FACTOR_MIN * usual)
        marked = np.flatnonzero((values >= least) & (values > enough))
        for first, last in _runs([int(place) for place in marked]):
            found.append(
                Spell(
                    key,
                    start_s + first * width_s,
                    start_s + (last + 1) * width_s,
                    int(values[first : last + 1].sum()),
                    usual * (last + 1 - first),
                )
            )
    return sorted(found, key=lambda one: (-one.excess, one.start_s, repr(one.key)))


def _runs(places: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of places that follow each other, a single missing one between them or not."""
    first = last = None
    for place in places:
        if first is None or last is None or place > last + 2:
            if first is not None and last is not None:
                yield first, last
            first = place
        last = place
    if first is not None and last is not None:
        yield first, last
