"""Both halves of a conversation against plain choosing over the same records."""

from __future__ import annotations

from typing import Any

import pytest
from console_tables import table_of_rows, total, with_round_trips
from flow_rows import T0, Row, random_rows

from vpcflow.base.errors import QueryError
from vpcflow.query.service import FlowQueries

FIVE = ("srcaddr", "dstaddr", "srcport", "dstport", "protocol")
TURNED = ("dstaddr", "srcaddr", "dstport", "srcport", "protocol")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = with_round_trips(random_rows(600, 51))
    # Answers of some flows, seen by the same interface and, once, by the other end's.
    for row in [row for row in found if row.get("protocol") == 6][:60]:
        ends = dict(zip(FIVE, (row[name] for name in TURNED), strict=True))
        answer = row | ends | {"packets": 3, "bytes": 300, "start": row["start"] + 2}
        found += [answer, answer | {"interface-id": "eni-77", "end": row["end"] + 5}]
    return found


@pytest.fixture(scope="module")
def queries(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> FlowQueries:
    return table_of_rows(tmp_path_factory.mktemp("conversation") / "data", rows)


def halves(rows: list[Row], one: Row) -> dict[str, list[Row]]:
    def like(names: tuple[str, ...]) -> list[Row]:
        wanted = [one[name] for name in FIVE]
        return [row for row in rows if "srcaddr" in row and [row[n] for n in names] == wanted]

    return {"forward": like(FIVE), "back": like(TURNED)}


def test_both_halves_are_found_and_summed(queries: FlowQueries, rows: list[Row]) -> None:
    for one in [row for row in rows if row.get("protocol") == 6][:20]:
        expected = halves(rows, one)
        answer = queries.ask("conversation", {name: one[name] for name in FIVE})
        found = answer.table.to_pylist()
        starts = [row["start"] for row in found]
        assert starts == sorted(starts)
        records, summary = answer.sections
        assert records.table == answer.table
        by_way = {row["way"]: row for row in summary.table.to_pylist()}
        for way, own in expected.items():
            listed = [row for row in found if row["way"] == way]
            assert sorted(row["start"] for row in listed) == sorted(row["start"] for row in own)
            if not own:
                assert way not in by_way
                continue
            sums = by_way[way]
            assert sums["bytes"] == total(own, "bytes")
            assert sums["packets"] == total(own, "packets")
            assert sums["records"] == len(own)
            assert sums["accepted"] + sums["rejected"] == len(own)
            assert sums["interfaces"] == len({row["interface-id"] for row in own})
            assert sums["first"] == min(row["start"] for row in own)
            assert sums["last"] == max(row["start"] for row in own)
            assert sums["srcaddr"] == own[0]["srcaddr"]


def test_a_moment_an_interface_and_a_limit_bound_it(queries: FlowQueries, rows: list[Row]) -> None:
    def asked(**values: Any) -> list[Row]:
        return queries.ask("conversation", values).table.to_pylist()

    around = asked(srcaddr="10.0.0.1", around_s=T0 + 7_000, window="30m", limit=5_000)
    expected = [
        row
        for row in rows
        if "10.0.0.1" in (row.get("srcaddr"), row.get("dstaddr"))
        and abs(row["start"] - T0 - 7_000) <= 1_800
    ]
    assert len(expected) > 3
    assert [row["start"] for row in around] == sorted(row["start"] for row in expected)
    seen = asked(srcaddr="10.0.0.1", interface="eni-77")
    assert seen
    assert {row["interface_id"] for row in seen} == {"eni-77"}
    whole = asked(srcaddr="10.0.0.1", limit=5_000)
    assert asked(srcaddr="10.0.0.1", limit=4) == whole[:4]


def test_further_columns_are_those_of_the_table(queries: FlowQueries) -> None:
    names = queries.ask("conversation", {"limit": 1}).table.column_names
    assert "rtt_us" in names
    assert "reject_rule" in names
    assert "tcp_flags" not in names


def test_an_address_must_be_one(queries: FlowQueries) -> None:
    with pytest.raises(QueryError, match="not one address"):
        queries.ask("conversation", {"srcaddr": "10.0.0.0/8"})
    with pytest.raises(QueryError, match="conversation dstaddr"):
        queries.ask("conversation", {"dstaddr": '10.0.0.1" or port = 1'})
