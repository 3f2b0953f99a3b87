"""Metric data by minute, kept for as long as CloudWatch keeps minutes.

What is added waits in memory for a few seconds, so that busy log groups cost one transaction for
many batches; every question writes it out first. A process that is killed loses those seconds.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from vpcflow.base.clock import Clock
from vpcflow.base.errors import StoreError
from vpcflow.control.state import Database, Place
from vpcflow.control.state.tables import METRIC_MINUTES, METRIC_SERIES

MINUTE_S = 60
DAY_S = 86_400
#: How long minutes are kept; CloudWatch keeps them as long.
RETENTION_S = 15 * DAY_S
#: Minutes of series that wait in memory.
WAITING_MAX = 10_000
WAITING_S = 5.0
#: How often what is too old is removed.
CLEANING_EVERY_S = 3_600.0

_M = METRIC_MINUTES.c
_S = METRIC_SERIES.c


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """What is measured; the same metric in another unit is another series.

    Shape: ``dimensions`` are sorted by name.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()
    unit: str = "None"


class Statistic(NamedTuple):
    """What is known of some samples."""

    samples: float
    total: float
    low: float
    high: float

    def joined(self, other: Statistic) -> Statistic:
        """Of both together."""
        if not self.samples or not other.samples:
            return self if self.samples else other
        return Statistic(
            self.samples + other.samples,
            self.total + other.total,
            min(self.low, other.low),
            max(self.high, other.high),
        )


NOTHING = Statistic(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Point:
    """Samples of a series in one minute.

    Shape: ``default`` is the value of that minute if it turns out to have no sample at all.
    Units: ``minute_s`` in seconds since the epoch, a multiple of 60.
    """

    series: Series
    minute_s: int
    statistic: Statistic = NOTHING
    default: float | None = None


class _Waiting(NamedTuple):
    statistic: Statistic
    default: float | None


class MetricStore:
    """All metrics.

    Shape: safe for any number of threads.
    Errors: StoreError when the database says no.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[tuple[Place, Series, int], _Waiting] = {}
        self._since_s = clock.monotonic_s()
        self._cleaned_s: float | None = None
        #: Samples that found no room while the database said no.
        self.lost_points = 0

    def add(self, place: Place, points: Iterable[Point]) -> None:
        """Add samples; those of minutes that are no longer kept are left out.

        Shape: never raises for the database's sake: while it says no, samples wait up to the bound,
        and beyond it they are lost and counted.
        """
        oldest_s = self._clock.now_s() - RETENTION_S
        with self._lock:
            if not self._waiting:
                self._since_s = self._clock.monotonic_s()
            for point in points:
                if point.minute_s < oldest_s:
                    continue
                key = (place, point.series, point.minute_s)
                before = self._waiting.get(key)
                if before is None and len(self._waiting) >= WAITING_MAX:
                    self._try_to_write()
                if before is None and len(self._waiting) >= WAITING_MAX:
                    self.lost_points += 1
                    continue
                self._waiting[key] = _Waiting(
                    point.statistic.joined(before.statistic) if before else point.statistic,
                    before.default if before and point.default is None else point.default,
                )
            if self._clock.monotonic_s() - self._since_s >= WAITING_S:
                self._try_to_write()

    def flush(self) -> None:
        """Write out what waits; to be called now and then, and at the end."""
        with self._lock:
            self._write()

    def series(self, place: Place, *, since_s: float = 0) -> list[Series]:
        """The series of a place that have data, in order; ``since_s``: with data from there on."""
        self.flush()
        statement = select(METRIC_SERIES).where(
            _S.account_id == place.account_id, _S.region == place.region, _S.last_s >= since_s
        )
        with self._database.reading() as connection:
            return sorted(_series(row) for row in connection.execute(statement))

    def statistics(
        self, place: Place, series: Series, start_s: float, end_s: float, period_s: int
    ) -> Mapping[int, Statistic]:
        """The samples from ``start_s`` (inclusive) to ``end_s`` (exclusive) by start of period."""
        self.flush()
        statement = select(METRIC_MINUTES).where(
            _M.series_id == _series_id(place, series), _M.minute_s >= start_s, _M.minute_s < end_s
        )
        found: dict[int, Statistic] = defaultdict(lambda: NOTHING)
        with self._database.reading() as connection:
            for row in connection.execute(statement):
                one = Statistic(row.samples, row.total, row.low, row.high)
                if not one.samples:
                    if row.default_value is None:
                        continue
                    one = Statistic(1.0, row.default_value, row.default_value, row.default_value)
                period = row.minute_s - row.minute_s % period_s
                found[period] = found[period].joined(one)
        return dict(sorted(found.items()))

    def _try_to_write(self) -> None:
        try:
            self._write()
        except StoreError:
            self._since_s = self._clock.monotonic_s()

    def _write(self) -> None:
        """Under the lock."""
        now_s = self._clock.monotonic_s()
        if not self._waiting:
            return
        minutes = [
            {
                "series_id": _series_id(place, series),
                "minute_s": minute_s,
                "samples": statistic.samples,
                "total": statistic.total,
                "low": statistic.low,
                "high": statistic.high,
                "default_value": default,
            }
            for (place, series, minute_s), (statistic, default) in self._waiting.items()
        ]
        with self._database.writing() as connection:
            connection.execute(self._upsert_series(), self._series_rows())
            connection.execute(self._upsert_minutes(), minutes)
            if self._cleaned_s is None or now_s - self._cleaned_s >= CLEANING_EVERY_S:
                oldest_s = int(self._clock.now_s()) - RETENTION_S
                connection.execute(delete(METRIC_MINUTES).where(_M.minute_s < oldest_s))
                connection.execute(delete(METRIC_SERIES).where(_S.last_s < oldest_s))
                self._cleaned_s = now_s
        self._waiting.clear()
        self._since_s = now_s

    def _series_rows(self) -> list[dict[str, Any]]:
        last: dict[tuple[Place, Series], int] = {}
        for place, series, minute_s in self._waiting:
            last[place, series] = max(minute_s, last.get((place, series), 0))
        return [
            {
                "id": _series_id(place, series),
                "account_id": place.account_id,
                "region": place.region,
                "namespace": series.namespace,
                "name": series.name,
                "dimensions": json.dumps(series.dimensions),
                "unit": series.unit,
                "last_s": last_s,
            }
            for (place, series), last_s in last.items()
        ]

    def _upsert_series(self) -> Any:
        dialect = sqlite if self._database.is_sqlite else postgresql
        statement = dialect.insert(METRIC_SERIES)
        new = statement.excluded.last_s
        return statement.on_conflict_do_update(
            index_elements=["id"], set_={"last_s": case((new > _S.last_s, new), else_=_S.last_s)}
        )

    def _upsert_minutes(self) -> Any:
        dialect = sqlite if self._database.is_sqlite else postgresql
        statement = dialect.insert(METRIC_MINUTES)
        new = statement.excluded
        fresh, kept = _M.samples == 0, new.samples == 0
        return statement.on_conflict_do_update(
            index_elements=["series_id", "minute_s"],
            set_={
                "samples": _M.samples + new.samples,
                "total": _M.total + new.total,
                "low": case(
                    (kept, _M.low), (fresh, new.low), (new.low < _M.low, new.low), else_=_M.low
                ),
                "high": case(
                    (kept, _M.high),
                    (fresh, new.high),
                    (new.high > _M.high, new.high),
                    else_=_M.high,
                ),
                "default_value": func.coalesce(new.default_value, _M.default_value),
            },
        )


def _series_id(place: Place, series: Series) -> str:
    whole = json.dumps([*place, series.namespace, series.name, series.dimensions, series.unit])
    return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()


def _series(row: Any) -> Series:
    dimensions = tuple((name, value) for name, value in json.loads(row.dimensions))
    return Series(row.namespace, row.name, dimensions, row.unit)
