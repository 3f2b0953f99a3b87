"""Edges against plain sums over the same records, through the service."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from console_tables import table_of_rows, total
from flow_rows import HOSTS, T0, Row, holds, random_rows

from vpcflow.base.errors import QueryError
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.time_range import TimeRange

PRIVATE = [ip_network(name) for name in ("10.0.0.0/8", "fc00::/7")]
SUMS = ("bytes", "packets", "records", "rejected", "edges", "records_without_bytes")


def is_internal(address: str) -> bool:
    return any(ip_address(address) in network for network in PRIVATE)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return random_rows(2_000, 41)


@pytest.fixture(scope="module")
def queries(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> FlowQueries:
    return table_of_rows(tmp_path_factory.mktemp("edges") / "data", rows)


def plain_sums(rows: list[Row]) -> dict[str, Any]:
    return {
        "bytes": total(rows, "bytes"),
        "packets": total(rows, "packets"),
        "records": len(rows),
        "rejected": sum(row["action"] == "REJECT" for row in rows),
        "rejected_bytes": total([row for row in rows if row["action"] == "REJECT"], "bytes"),
        "records_without_bytes": sum(row["bytes"] is None for row in rows),
    }


def added(rows: list[Row], name: str) -> int:
    return sum(row[name] or 0 for row in rows)


@pytest.mark.parametrize("text", ["", "action = REJECT", "dstport = 22"])
@pytest.mark.parametrize("time_range", [TimeRange(), TimeRange(T0 + 500, T0 + 12_345)])
def test_every_edge_has_its_plain_sums(
    queries: FlowQueries, rows: list[Row], text: str, time_range: TimeRange
) -> None:
    start_s, end_s = time_range.start_s or 0, time_range.end_s or 2**40
    condition = parse_filter(text) if text else None
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        if "srcaddr" in row and start_s <= row["start"] < end_s and (holds(condition, row) is True):
            ends = frozenset((row["srcaddr"], row["dstaddr"]))
            groups[row["interface-id"], ends].append(row)
    found = queries.ask(
        "graph_edges", {"limit": 5_000}, condition=condition, time_range=time_range
    ).table.to_pylist()
    # A pair of ends is one edge where an interface's own address is always the same end.
    merged: dict[Any, list[Row]] = defaultdict(list)
    for row in found:
        assert row["scope"] == ("internal" if is_internal(row["peer"]) else "internet")
        assert row["edges"] == 1
        merged[row["interface_id"], frozenset((row["host"], row["peer"]))].append(row)
    assert merged.keys() == groups.keys()
    for key, edges in merged.items():
        expected = plain_sums(groups[key])
        for name, value in expected.items():
            assert added(edges, name) == (value or 0), (key, name)
        assert added(edges, "bytes_out") + added(edges, "bytes_in") == (expected["bytes"] or 0)


def test_bytes_out_are_what_the_host_sent(tmp_path: Path) -> None:
    flow = {"version": 2, "account-id": "1", "interface-id": "eni-1", "log-status": "OK"}
    flow |= {"protocol": 6, "action": "ACCEPT", "start": T0, "end": T0, "packets": 1}
    rows: list[Row] = []
    for place in range(1, 9):
        peer = f"192.0.2.{place}"
        there = {"srcaddr": "10.0.0.1", "dstaddr": peer, "srcport": 443, "dstport": 50_000}
        back = {"srcaddr": peer, "dstaddr": "10.0.0.1", "srcport": 50_000, "dstport": 443}
        rows += [flow | there | {"bytes": 1_000}, flow | back | {"bytes": 10}]
    for row in table_of_rows(tmp_path / "data", rows).ask("graph_edges").table.to_pylist():
        assert (row["host"], row["bytes_out"], row["bytes_in"]) == ("10.0.0.1", 1_000, 10)


def test_a_cut_answer_adds_up_to_the_whole(queries: FlowQueries) -> None:
    everything = queries.ask("graph_edges", {"limit": 5_000}).table.to_pylist()
    cut = queries.ask("graph_edges", {"limit": 8}).table.to_pylist()
    *edges, other = cut
    assert other["scope"] == "other"
    assert other["interface_id"] is other["host"] is other["peer"] is None
    assert [row for row in cut if row["scope"] == "other"] == [other]
    for name in (*SUMS, "bytes_out", "bytes_in", "rejected_bytes"):
        assert added(cut, name) == added(everything, name), name
    assert other["edges"] == len(everything) - len(edges)
    assert edges[:8] == everything[:8] or {row["bytes"] for row in edges} >= {
        row["bytes"] for row in everything[:8]
    }


def test_the_most_rejected_edges_are_always_there(queries: FlowQueries) -> None:
    everything = queries.ask("graph_edges", {"limit": 5_000}).table.to_pylist()
    most = sorted(everything, key=lambda row: -row["rejected"])[0]
    listed = queries.ask("graph_edges", {"limit": 1}).table.to_pylist()
    assert most["rejected"] in {row["rejected"] for row in listed if row["scope"] != "other"}
    assert listed[0] == everything[0]


def test_by_interface_the_internet_is_one_edge(queries: FlowQueries) -> None:
    plain = queries.ask("graph_edges", {"limit": 5_000}).table.to_pylist()
    merged = queries.ask("graph_edges", {"limit": 5_000, "by": "interface"}).table.to_pylist()
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in plain:
        peer = row["peer"] if row["scope"] == "internal" else None
        groups[row["interface_id"], peer].append(row)
    assert len(merged) == len(groups)
    for row in merged:
        own = groups[row["interface_id"], row["peer"]]
        assert row["scope"] == ("internet" if row["peer"] is None else "internal")
        for name in ("bytes", "packets", "records", "rejected", "bytes_out", "bytes_in"):
            assert (row[name] or 0) == added(own, name)


def test_peers_may_be_internal_or_of_the_internet_alone(queries: FlowQueries) -> None:
    def asked(**values: Any) -> list[Row]:
        return queries.ask("graph_edges", {"limit": 5_000, **values}).table.to_pylist()

    inside, outside = asked(peers="internal"), asked(peers="internet")
    assert {row["scope"] for row in inside} == {"internal"}
    assert {row["scope"] for row in outside} == {"internet"}
    assert len(inside) + len(outside) == len(asked())
    own = asked(peers="internal", internal="192.0.2.0/24, 203.0.113.9")
    assert {"192.0.2.7", "203.0.113.9"} <= {row["peer"] for row in own}
    assert "198.51.100.200" not in {row["peer"] for row in own}
    assert {row["peer"] for row in inside} <= set(HOSTS)


def test_a_network_that_is_none_is_refused(queries: FlowQueries) -> None:
    with pytest.raises(QueryError, match="not a network"):
        queries.ask("graph_edges", {"internal": "10.0.0.0/8, here"})
