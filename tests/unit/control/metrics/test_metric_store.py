"""Aim: minutes of metrics add up in the database as they do in memory, on both databases.

Method: Hypothesis makes points; a plain sum over all of them is the measure, with writes between.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import StoreError
from vpcflow.control.metrics.metric_store import (
    NOTHING,
    WAITING_MAX,
    WAITING_S,
    MetricStore,
    Point,
    Series,
    Statistic,
)
from vpcflow.control.state import Database, Place

NOW_S = 1_700_000_040
SERIES = [Series("n", "a"), Series("n", "a", (("x", "1"),)), Series("n", "b", (), "Bytes")]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return Database.in_folder(tmp_path)
    return Database(request.getfixturevalue("postgres_url"))


def sample(value: int) -> Statistic:
    return Statistic(1.0, value, value, value)


points = st.builds(
    Point,
    st.sampled_from(SERIES),
    st.sampled_from([NOW_S - 60, NOW_S]),
    st.just(NOTHING) | st.integers(-9, 9).map(sample),
    st.none() | st.integers(0, 3).map(float),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(points, max_size=4), max_size=5))
def test_points_add_up(database: Database, batches: list[list[Point]]) -> None:
    place = Place(uuid.uuid4().hex[:12], "r")
    store = MetricStore(database, ManualClock(NOW_S))
    expected: dict[tuple[Series, int], Statistic] = defaultdict(lambda: NOTHING)
    defaults: dict[tuple[Series, int], float] = {}
    for batch in batches:
        store.add(place, batch)
        store.flush()
        for point in batch:
            key = (point.series, point.minute_s)
            expected[key] = expected[key].joined(point.statistic)
            if point.default is not None:
                defaults[key] = point.default
    for series in SERIES:
        wanted = {}
        for (other, minute_s), statistic in expected.items():
            default = defaults.get((other, minute_s))
            if other == series and statistic.samples:
                wanted[minute_s] = statistic
            elif other == series and default is not None:
                wanted[minute_s] = Statistic(1.0, default, default, default)
        found = store.statistics(place, series, NOW_S - 3600, NOW_S + 60, 60)
        assert found == wanted
    assert store.series(place) == sorted({series for series, _ in expected})


def test_what_waits_is_written_after_a_while(tmp_path: Path) -> None:
    clock, place = ManualClock(NOW_S), Place("1", "r")
    database = Database.in_folder(tmp_path)
    store = MetricStore(database, clock)
    store.add(place, [Point(SERIES[0], NOW_S, sample(1))])
    clock.advance(WAITING_S)
    store.add(place, [Point(SERIES[0], NOW_S, sample(1))])
    assert MetricStore(database, clock).series(place) == [SERIES[0]]


def test_samples_wait_while_the_database_says_no_and_are_counted_beyond_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, place = ManualClock(NOW_S), Place("1", "r")
    database = Database.in_folder(tmp_path)
    store = MetricStore(database, clock)

    def refuse() -> None:
        raise StoreError("no")

    with monkeypatch.context() as patch:
        patch.setattr(database, "writing", refuse)
        many = [Series("n", str(i)) for i in range(WAITING_MAX + 3)]
        store.add(place, [Point(series, NOW_S, sample(1)) for series in many])
        clock.advance(WAITING_S)
        store.add(place, [Point(many[0], NOW_S, sample(1))])
        with pytest.raises(StoreError):
            store.flush()
    assert store.lost_points == 3
    assert len(store.series(place)) == WAITING_MAX
    found = store.statistics(place, many[0], NOW_S - 60, NOW_S + 60, 60)
    assert found == {NOW_S: Statistic(2.0, 2.0, 1.0, 1.0)}
