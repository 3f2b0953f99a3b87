"""Bursts: planted ones are found and told rightly, calm traffic has none."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from console_tables import table_of_rows
from flow_rows import T0, Row

from vpcflow.app.ingest import Ingest
from vpcflow.app.settings import Settings
from vpcflow.collect.files import FileSource
from vpcflow.lab.sample.connections import Story
from vpcflow.lab.sample.incidents import plan_incidents
from vpcflow.lab.sample.network import make_network
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.write import write_sample
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.time_range import TimeRange

HOUR_S, DAY_S = 3_600, 86_400
BURST_AT_S = T0 + 30 * HOUR_S + 900


def refused(start_s: int, interface: int, source: str, port: int, target: str = "") -> Row:
    return {
        "version": 2,
        "account-id": "012345678901",
        "interface-id": f"eni-{interface:02}",
        "srcaddr": source,
        "dstaddr": target or f"10.0.0.{interface + 1}",
        "srcport": 40_000 + start_s % 20_000,
        "dstport": port,
        "protocol": 6,
        "packets": 1,
        "bytes": 60,
        "start": start_s,
        "end": start_s + 1,
        "action": "REJECT",
        "log-status": "OK",
    }


def calm_rows() -> list[Row]:
    """Two days of what every public address is asked for, more by day than by night."""
    pick = random.Random(71)
    rows = []
    for hour in range(48):
        for interface in range(4):
            for _ in range(pick.randrange(30, 60 if hour % 24 < 12 else 90)):
                source = f"198.51.{pick.randrange(100, 104)}.{pick.randrange(256)}"
                at_s = T0 + hour * HOUR_S + pick.randrange(HOUR_S)
                rows.append(refused(at_s, interface, source, pick.choice([22, 23, 443])))
    return rows


SHAPES: dict[str, list[Row]] = {
    "port scan": [refused(BURST_AT_S + i, 1, "203.0.113.5", 1_000 + i) for i in range(300)],
    "brute force": [refused(BURST_AT_S + i, 1, "203.0.113.5", 22) for i in range(300)],
    "host sweep": [
        refused(BURST_AT_S + i, 1, "203.0.113.5", 445, f"10.0.9.{i % 40}") for i in range(300)
    ],
    "mixed": [refused(BURST_AT_S + i, 1, f"203.0.113.{i % 200}", 22 + i % 50) for i in range(300)],
}


@pytest.fixture(scope="module")
def calm() -> list[Row]:
    return calm_rows()


def asked(queries: FlowQueries, time_range: TimeRange | None = None, **values: Any) -> list[Row]:
    answer = queries.ask("bursts", values, time_range=time_range or TimeRange())
    assert answer.table.column_names == [column.name for column in answer.columns]
    return answer.table.to_pylist()


def test_calm_traffic_has_no_bursts(calm: list[Row], tmp_path: Path) -> None:
    queries = table_of_rows(tmp_path / "data", calm)
    for by in ("incident", "interface"):
        assert asked(queries, by=by) == []
        for hours in (2, 12):
            assert asked(queries, TimeRange(T0, T0 + hours * HOUR_S), by=by) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_burst_is_told_rightly(calm: list[Row], tmp_path: Path, shape: str) -> None:
    planted = SHAPES[shape]
    queries = table_of_rows(tmp_path / "data", [*calm, *planted])
    (found,) = asked(queries, by="interface")
    hour_s = BURST_AT_S - BURST_AT_S % HOUR_S
    own = [
        row
        for row in [*calm, *planted]
        if row["interface-id"] == "eni-01" and row["start"] // HOUR_S == hour_s // HOUR_S
    ]
    assert found["shape"] == shape
    assert (found["interface_id"], found["interfaces"]) == ("eni-01", 1)
    assert found["rejected"] == len(own)
    assert found["sources"] == len({row["srcaddr"] for row in own})
    assert found["targets"] == len({row["dstaddr"] for row in own})
    assert found["ports"] == len({row["dstport"] for row in own})
    assert found["baseline"] in range(30, 90)
    (incident,) = asked(queries)
    assert incident["shape"] == shape
    if shape != "mixed":
        assert (incident["start"], incident["end"]) == (BURST_AT_S, BURST_AT_S + 300)
        assert (incident["rejected"], incident["top_source"]) == (300, "203.0.113.5")
        assert (incident["source_share"], incident["sources"]) == (1.0, 1)


def test_one_source_at_many_interfaces_is_one_incident(calm: list[Row], tmp_path: Path) -> None:
    # So few at each interface that only the source stands out.
    spread = [refused(BURST_AT_S + i, i % 20, "203.0.113.5", 20 + i) for i in range(200)]
    queries = table_of_rows(tmp_path / "data", [*calm, *spread])
    (found,) = asked(queries)
    assert (found["interfaces"], found["interface_id"]) == (20, None)
    assert (found["shape"], found["rejected"], found["ports"]) == ("port scan", 200, 200)
    assert asked(queries, by="interface") == []
    assert asked(queries, since_s=BURST_AT_S + 2 * HOUR_S) == []
    assert asked(queries, since_s=BURST_AT_S) == [found]
    assert asked(queries, records_min=1_000) == []


def test_a_burst_within_hours_is_found_by_the_minute(calm: list[Row], tmp_path: Path) -> None:
    queries = table_of_rows(tmp_path / "data", [*calm, *SHAPES["port scan"]])
    (found,) = asked(queries, TimeRange(BURST_AT_S - 2 * HOUR_S, BURST_AT_S + HOUR_S))
    assert (found["shape"], found["rejected"]) == ("port scan", 300)


def test_the_scan_of_a_generated_sample_is_found(tmp_path: Path) -> None:
    sample = SampleSettings(records=20_000, days=2, start_date=date(2026, 6, 1), hosts=40)
    write_sample(tmp_path / "sample", sample)
    settings = Settings(data=tmp_path / "data")
    with settings.folder.writer_lock(wait_s=0), Ingest(settings) as run:
        run.run([FileSource([str(tmp_path / "sample" / "AWSLogs")], settings.collect)])
        run.maintain()
    scan = next(
        incident
        for incident in plan_incidents(make_network(sample), sample)
        if incident.story is Story.PORT_SCAN
    )
    queries = FlowQueries(settings.folder)
    # The first day is calm, and so is the second without the one who scans.
    assert asked(queries, TimeRange(sample.start_s, sample.start_s + DAY_S)) == []
    (found,) = asked(queries)
    # So small a sample tries only a few ports of each of its targets.
    assert found["shape"] == "host sweep"
    assert scan.start_s <= found["start"] < found["end"] <= scan.end_s + 60
    source = found["top_source"]
    without = parse_filter(f"not srcaddr = {source}")
    assert queries.ask("bursts", condition=without).table.num_rows == 0
    assert found["interfaces"] == len(set(scan.connections["server"][:, 1].tolist()))
