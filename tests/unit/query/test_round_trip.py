"""Heat map and percentiles of round-trip times against plain counting over the same records."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from console_tables import table_of_rows, with_round_trips
from flow_rows import T0, Row, random_rows

from vpcflow.query.service import FlowQueries
from vpcflow.query.time_range import TimeRange

EDGES = [factor * 10**power for power in range(1, 8) for factor in (1, 2, 5)]
PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = with_round_trips(random_rows(900, 61))
    odd = [row for row in found if "rtt-us" in row]
    for row, value in zip(odd, (0, 9, 10, 49_999_999, 50_000_000, 10**12), strict=False):
        row["rtt-us"] = value
    for place, row in enumerate(found):
        row["subnet-id"] = f"subnet-{place % 3}" if place % 7 else None
    return found


@pytest.fixture(scope="module")
def queries(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> FlowQueries:
    return table_of_rows(tmp_path_factory.mktemp("round_trip") / "data", rows)


@pytest.mark.parametrize("span", [(0, 18_000), (1_234, 5_678)])
@pytest.mark.parametrize("intervals_max", [1, 7, 48])
def test_cells_hold_every_record_once(
    queries: FlowQueries, rows: list[Row], span: tuple[int, int], intervals_max: int
) -> None:
    answer = queries.ask(
        "round_trip",
        {"intervals_max": intervals_max},
        time_range=TimeRange(T0 + span[0], T0 + span[1]),
    )
    cells = answer.table.to_pylist()
    width_s = answer.interval_s
    assert width_s is not None
    assert len({cell["time"] for cell in cells}) <= intervals_max
    expected: Counter[Any] = Counter()
    for row in rows:
        if "rtt-us" in row and span[0] <= row["start"] - T0 < span[1]:
            low = max([edge for edge in EDGES if edge <= row["rtt-us"]], default=0)
            high = min([edge for edge in EDGES if edge > row["rtt-us"]], default=None)
            expected[row["start"] // width_s * width_s, low, high] += 1
    found = {(cell["time"], cell["low_us"], cell["high_us"]): cell["records"] for cell in cells}
    assert found == dict(expected)
    assert len(found) == len(cells)


def test_an_interval_may_be_asked_for(queries: FlowQueries) -> None:
    assert queries.ask("round_trip", {"interval": "20m"}).interval_s == 1_200
    # As narrow as asked for would be more intervals than any screen shows.
    narrow = queries.ask("round_trip", {"interval": "1s"})
    assert len(set(narrow.table.column("time").to_pylist())) <= 500


@pytest.mark.parametrize(
    ("by", "columns", "fields"),
    [
        ("interface-id", ("account_id", "interface_id"), ("account-id", "interface-id")),
        ("subnet-id", ("subnet_id",), ("subnet-id",)),
        ("service", ("protocol", "port"), ("protocol", "port")),
    ],
)
def test_percentiles_are_those_of_the_records(
    queries: FlowQueries,
    rows: list[Row],
    by: str,
    columns: tuple[str, ...],
    fields: tuple[str, ...],
) -> None:
    groups: dict[Any, list[int]] = defaultdict(list)
    for row in rows:
        if "rtt-us" in row:
            port = min(row["srcport"], row["dstport"])
            groups[tuple((row | {"port": port})[name] for name in fields)].append(row["rtt-us"])
    found = queries.ask("round_trip", {"by": by, "limit": 1_000}).table.to_pylist()
    assert len(found) == len(groups)
    for row in found:
        times = groups[tuple(row[name] for name in columns)]
        assert row["records"] == len(times)
        assert row["max"] == max(times)
        for name, percent in PERCENTILES.items():
            assert row[name] == pytest.approx(np.percentile(times, percent))
    order = [row["p95"] for row in found]
    assert order == sorted(order, reverse=True)


def test_peers_with_few_records_may_be_left_out(queries: FlowQueries, rows: list[Row]) -> None:
    every = queries.ask("round_trip", {"by": "peer", "limit": 1_000}).table.to_pylist()
    assert sum(row["records"] for row in every) == sum("rtt-us" in row for row in rows)
    least = max(row["records"] for row in every)
    some = queries.ask("round_trip", {"by": "peer", "limit": 1_000, "records_min": least}).table
    assert some.to_pylist() == [row for row in every if row["records"] == least]
    assert 0 < some.num_rows < len(every)


def test_without_round_trip_times_there_is_nothing(tmp_path: Path) -> None:
    queries = table_of_rows(tmp_path / "data", random_rows(50, 62))
    for by in ("time", "peer", "interface-id"):
        answer = queries.ask("round_trip", {"by": by})
        assert answer.table.num_rows == 0
        assert answer.table.column_names == [column.name for column in answer.columns]
        assert answer.scan.files == 0
