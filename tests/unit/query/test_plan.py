"""Plans against plain Python: the same records, whatever shape the condition takes."""

from __future__ import annotations

import random

import ibis
import pytest
from engines_under_test import OpenEngine, WriteRows, as_records
from flow_rows import HOSTS, T0, Row, holds, random_rows

from vpcflow.query.expression import Expression
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.plan import plan
from vpcflow.query.statement import Statement
from vpcflow.query.stored_table import filtered, reads_of
from vpcflow.query.time_range import TimeRange


def kept_ids(engine: object, condition: Expression | None, time_range: TimeRange) -> list[str]:
    """The ids of the records that a plan keeps."""
    made = plan(condition, time_range)
    records = filtered(made)
    expression = records.select(records.instance_id)
    dialect = engine.dialect  # type: ignore[attr-defined]
    statement = Statement(dialect, ibis.to_sql(expression, dialect=dialect), *reads_of(expression))
    found = engine.run(statement, made.values)  # type: ignore[attr-defined]
    return sorted(found.table.column("instance_id").to_pylist())


def marked(rows: list[Row]) -> list[Row]:
    """Rows with an id each, in a field that nothing else uses."""
    return [row | {"instance-id": f"i-{number:04}"} for number, row in enumerate(rows)]


FILTERS = [
    "addr = 10.0.0.1",
    "addr != 10.0.0.1",
    "srcaddr = 10.0.0.2",
    "srcaddr != 10.0.0.2",
    "dstaddr in 10.0.0.0/30 and action = REJECT",
    "srcaddr = 10.0.0.1 and dstaddr = 192.0.2.7",
    "srcaddr = 10.0.0.1 or dstaddr = 10.0.0.1",
    "srcaddr = 10.0.0.1 or dstaddr = 10.0.0.2",
    "addr in (10.0.0.1, 10.0.0.3, 192.0.2.0/24) and addr in fd00::/8",
    "addr in 10.0.0.0/8",
    "addr in ::/0",
    "srcaddr in 0.0.0.0/0",
    "srcaddr in fd00::/8 or port = 53",
    "addr = 10.0.0.1 and not (addr = 10.0.0.2)",
    "addr = 10.0.0.1 and addr = 10.0.0.2",
    "srcaddr in 10.0.0.0/29 and addr = 203.0.113.9",
    "addr is null",
    "srcaddr is not null",
    "port = 22",
    "port != 22",
    "dstport in (22, 53, 1024-30000)",
    "srcport = 443 and protocol = tcp",
    "srcport < 1024",
    "action != REJECT",
    "action != REJECT or action = -",
    "not (action = REJECT and dstport = 22)",
    "bytes is null and action = REJECT",
    "bytes > 10kB and packets <= 50",
    "end < 2025-11-23T02:30Z",
    "start >= 2025-11-23T01:00Z and start < 2025-11-23T02:00Z",
    "interface-id like 'eni-0?'",
    "interface-id like *2",
    "interface-id not like *2",
    'interface-id in (eni-01, "it\'s")',
    "log-status = NODATA or protocol = icmp",
    "pkt-srcaddr = 198.18.0.1",
    "pkt-srcaddr in 10.0.0.0/8",
    "pkt-dstaddr is null and log-status = OK",
    "pkt-dstaddr != 198.18.0.2 and addr in 10.0.0.1",
    "tcp-flags = 2",
    "tcp-flags is null and vpc-id = -",
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    plain = random_rows(250, 1)
    return marked([*plain, *random_rows(250, 2, packet_addresses=True)])


@pytest.mark.parametrize("text", FILTERS)
def test_a_plan_keeps_what_the_condition_says(
    text: str, rows: list[Row], open_engine: OpenEngine, write: WriteRows
) -> None:
    condition = parse_filter(text)
    # The first file has no packet addresses, so it lacks columns that the second has.
    engine = open_engine(as_records(write(rows[:250], rows[250:])))
    expected = sorted(row["instance-id"] for row in rows if holds(condition, row) is True)
    assert kept_ids(engine, condition, TimeRange()) == expected


def test_random_conjunctions_keep_what_they_say(
    rows: list[Row], open_engine: OpenEngine, write: WriteRows
) -> None:
    pick = random.Random(5)
    engine = open_engine(as_records(write(rows[:250], rows[250:])))
    for _ in range(12):
        text = " and ".join(f"({part})" for part in pick.sample(FILTERS, 2))
        condition = parse_filter(
            f"{text} or addr = {pick.choice(HOSTS)}" if pick.random() < 0.3 else text
        )
        expected = sorted(row["instance-id"] for row in rows if holds(condition, row) is True)
        assert kept_ids(engine, condition, TimeRange()) == expected, text


def test_a_time_range_takes_records_by_their_start(
    rows: list[Row], open_engine: OpenEngine, write: WriteRows
) -> None:
    chosen = TimeRange(T0 + 3_600, T0 + 7_200)
    expected = sorted(row["instance-id"] for row in rows if T0 + 3_600 <= row["start"] < T0 + 7_200)
    assert expected
    assert kept_ids(open_engine(as_records(write(rows))), None, chosen) == expected


def test_one_address_becomes_a_branch_for_each_end() -> None:
    made = plan(parse_filter("addr = 10.0.0.1"), TimeRange())
    host, peer = made.branches
    assert host[1] == "host"
    assert peer[0] == "and"
    assert peer[1][0][1] == "peer"
    assert peer[1][1] == ["untrue", host]


def test_a_wide_network_stays_one_scan() -> None:
    assert len(plan(parse_filter("addr in 10.0.0.0/8"), TimeRange()).branches) == 1
    assert len(plan(parse_filter("addr in 10.0.0.0/16"), TimeRange()).branches) == 2


def test_values_are_no_part_of_the_shape() -> None:
    one = plan(parse_filter("srcaddr = 10.0.0.1 and dstport = 22"), TimeRange(5, 9))
    two = plan(parse_filter("srcaddr = 192.0.2.1 and dstport = 443"), TimeRange(6, 8))
    assert one.branches == two.branches
    assert one.values != two.values


def test_bounds_of_start_in_a_condition_prune_files() -> None:
    made = plan(parse_filter("start >= 100000 and start <= 200000"), TimeRange(150_000, None))
    assert made.time_range == TimeRange(150_000, 200_001)
    never = plan(parse_filter("start > 200000"), TimeRange(None, 150_000))
    assert never.time_range.seconds == 1
