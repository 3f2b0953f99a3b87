"""The figures of the console against plain sums over the same records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from console_tables import table_of_rows, total, with_round_trips
from flow_rows import T0, Row, holds, random_rows

from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.time_range import TimeRange

HOSTS_OF = {f"eni-{place:02}": f"10.0.0.{place + 1}" for place in range(4)}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return with_round_trips(random_rows(900, 31))


@pytest.fixture(scope="module")
def queries(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> FlowQueries:
    return table_of_rows(tmp_path_factory.mktemp("figures") / "data", rows)


def plain(rows: list[Row]) -> dict[str, Any]:
    rejected = sum(row.get("action") == "REJECT" for row in rows)
    decided = sum(row.get("action") is not None for row in rows)
    times = [row["rtt-us"] for row in rows if "rtt-us" in row]
    return {
        "bytes": total(rows, "bytes"),
        "packets": total(rows, "packets"),
        "records": len(rows),
        "rejected": rejected,
        "reject_share": rejected / decided if decided else None,
        "interfaces": len({row["interface-id"] for row in rows}),
        "nodata": sum(row["log-status"] == "NODATA" for row in rows),
        "skipdata": sum(row["log-status"] == "SKIPDATA" for row in rows),
        "rtt_us_p50": pytest.approx(np.percentile(times, 50)) if times else None,
        "rtt_us_p95": pytest.approx(np.percentile(times, 95)) if times else None,
        "first": min((row["start"] for row in rows), default=None),
        "last": max((row["start"] for row in rows), default=None),
        "records_without_bytes": sum(row.get("bytes") is None for row in rows),
    }


@pytest.mark.parametrize("text", ["", "action = REJECT", "protocol = 17", "port = 22", "port = 1"])
@pytest.mark.parametrize("span", [(0, 18_000), (3_600, 7_200), (1_000, 9_999)])
def test_figures_are_the_plain_sums(
    queries: FlowQueries, rows: list[Row], text: str, span: tuple[int, int]
) -> None:
    kept = [
        row
        for row in rows
        if span[0] <= row["start"] - T0 < span[1]
        and (not text or holds(parse_filter(text), row) is True)
    ]
    answer = queries.ask(
        "figures",
        condition=parse_filter(text) if text else None,
        time_range=TimeRange(T0 + span[0], T0 + span[1]),
    )
    (found,) = answer.table.to_pylist()
    hosts, peers = found.pop("hosts"), found.pop("peers")
    assert found == plain(kept)
    ends = {row[end] for row in kept for end in ("srcaddr", "dstaddr") if end in row}
    assert hosts + peers >= len(ends)
    assert max(hosts, peers) <= len(ends)


def test_hosts_are_the_interfaces_own_addresses(tmp_path: Path) -> None:
    own = {"interface-id": "eni-1", "account-id": "1", "version": 2, "log-status": "OK"}
    flow = {"protocol": 6, "bytes": 1, "packets": 1, "action": "ACCEPT", "start": T0, "end": T0}
    rows: list[Row] = []
    for place in range(1, 8):
        ends = ["10.0.0.1", f"192.0.2.{place}"]
        ports = [443, 50_000 + place]
        for one, other in ((0, 1), (1, 0)):
            rows.append(
                own
                | flow
                | {"srcaddr": ends[one], "dstaddr": ends[other]}
                | {"srcport": ports[one], "dstport": ports[other]}
            )
    nodata = own | {"interface-id": "eni-2", "start": T0, "end": T0 + 60, "log-status": "NODATA"}
    (found,) = table_of_rows(tmp_path / "data", [*rows, nodata]).ask("figures").table.to_pylist()
    assert (found["hosts"], found["peers"], found["interfaces"]) == (1, 7, 2)
