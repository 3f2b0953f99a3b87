"""Delivery lag against plain counting over the same records and the same notes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from console_tables import table_of_rows
from flow_rows import T0, Row, random_rows

from vpcflow.query.service import FlowQueries
from vpcflow.query.time_range import TimeRange
from vpcflow.store.ingestion_times import IngestionTimes

HOUR_S = 3_600
#: Starts of the rows reach over five hours; commits every ten minutes of the last four.
COMMITS = [(T0 + HOUR_S + at_s, at_s % 1_800) for at_s in range(600, 4 * HOUR_S + 1, 600)]
EDGES = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return random_rows(1_500, 81)


@pytest.fixture
def queries(rows: list[Row], tmp_path: Path) -> FlowQueries:
    queries = table_of_rows(tmp_path / "data", rows)
    ledger = IngestionTimes(tmp_path / "data")
    for reached_s, late_s in COMMITS:
        ledger.note(reached_s - 599, reached_s, (reached_s + 61 + late_s) * 1_000)
    return queries


def plain_lag(row: Row) -> int | None:
    if row["start"] < COMMITS[0][0] - 599:
        return None
    for reached_s, late_s in COMMITS:
        if row["start"] <= reached_s:
            return max(0, reached_s + 61 + late_s - row["end"])
    return None


def asked(queries: FlowQueries, time_range: TimeRange | None = None, **values: Any) -> Any:
    return queries.ask("lag", values, time_range=time_range or TimeRange())


def test_the_summary_is_of_the_records_whose_lag_is_known(
    queries: FlowQueries, rows: list[Row]
) -> None:
    lags = sorted(lag for lag in map(plain_lag, rows) if lag is not None)
    (found,) = asked(queries, show="summary").table.to_pylist()
    assert 0 < len(lags) < len(rows)
    assert (found["records"], found["records_known"]) == (len(rows), len(lags))
    assert found["known_share"] == pytest.approx(len(lags) / len(rows))
    assert found["last_end_s"] == max(row["end"] for row in rows)
    assert found["step_s"] == 1
    assert found["lag_s_max"] == lags[-1]
    for name, share in (("lag_s_p50", 0.5), ("lag_s_p95", 0.95)):
        below = sum(lag < found[name] for lag in lags)
        reached = sum(lag <= found[name] for lag in lags)
        assert below < share * len(lags) <= reached
    assert found["last_ingested_s"] == max(
        next(reached_s + 61 + late_s for reached_s, late_s in COMMITS if reached_s >= row["start"])
        for row in rows
        if plain_lag(row) is not None
    )


def test_the_map_holds_every_known_record_once(queries: FlowQueries, rows: list[Row]) -> None:
    span = TimeRange(T0 + 2 * HOUR_S, T0 + 4 * HOUR_S)
    answer = asked(queries, span, intervals_max=8)
    expected: Counter[Any] = Counter()
    for row in rows:
        lag = plain_lag(row)
        if lag is not None and T0 + 2 * HOUR_S <= row["start"] < T0 + 4 * HOUR_S:
            low = max([edge for edge in EDGES if edge <= lag], default=0)
            high = min([edge for edge in EDGES if edge > lag], default=None)
            expected[row["start"] // 900 * 900, low, high] += 1
    cells = answer.table.to_pylist()
    assert {(c["time"], c["low_s"], c["high_s"]): c["records"] for c in cells} == dict(expected)
    assert [section.name for section in answer.sections] == ["map", "summary"]


def test_what_was_imported_has_no_lag(rows: list[Row], tmp_path: Path) -> None:
    queries = table_of_rows(tmp_path / "data", rows)
    (found,) = asked(queries, show="summary").table.to_pylist()
    assert (found["records"], found["known_share"]) == (len(rows), 0.0)
    assert found["lag_s_p50"] is found["last_ingested_s"] is None
    assert asked(queries).table.num_rows == 0
    # Even noted, what came two days late came by an import.
    IngestionTimes(tmp_path / "data").note(T0, T0 + 5 * HOUR_S, (T0 + 2 * 86_400) * 1_000)
    (found,) = asked(FlowQueries(queries._folder), show="summary").table.to_pylist()
    assert found["known_share"] == 0.0


def test_a_filter_is_followed(queries: FlowQueries, rows: list[Row]) -> None:
    from vpcflow.query.filter_language import parse_filter

    answer = queries.ask("lag", {"show": "summary"}, condition=parse_filter("protocol = 17"))
    (found,) = answer.table.to_pylist()
    own = [row for row in rows if row.get("protocol") == 17]
    assert found["records"] == len(own)
    assert found["records_known"] == sum(plain_lag(row) is not None for row in own)
