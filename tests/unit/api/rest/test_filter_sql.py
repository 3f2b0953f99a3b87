"""A filter written into SQL chooses the records that the filter itself chooses."""

from __future__ import annotations

import pytest

from vpcflow.app.settings import Settings
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.filter_sql import filter_sql
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings

_RANGES = ", ".join(f"10.{a}.{b}.0/25" for a in range(10) for b in range(110))


@pytest.fixture(scope="module")
def queries(rest_table: Settings) -> FlowQueries:
    return FlowQueries(rest_table.folder, QuerySettings(threads=1))


@pytest.mark.parametrize(
    "text",
    [
        "action = REJECT",
        "action != REJECT",
        "not action = REJECT",
        "action is null",
        "addr in 10.0.0.0/8 and port in (22, 443, 8000-8100)",
        "addr not in 10.0.8.0/24",
        "addr != 10.0.8.106",
        "srcaddr = 10.0.8.106 or dstaddr = 10.0.8.106",
        "srcaddr in (10.0.0.1-10.0.12.3, 203.0.113.0/24)",
        "srcaddr in ::1-10.0.255.255",
        f"srcaddr in ({_RANGES})",
        "interface-id like 'eni-*a?'",
        "interface-id not like '*_%'",
        'interface-id != "it\'s"',
        "bytes > 10kB and not (packets < 5 or protocol = udp)",
        "log-status in (SKIPDATA, NODATA)",
        "",
    ],
)
def test_the_same_records(queries: FlowQueries, text: str) -> None:
    condition = parse_filter(text)
    counted = queries.sql("SELECT count(*) FROM flow_records", condition=condition)
    written = queries.sql(f"SELECT count(*) FROM flow_records WHERE {filter_sql(condition)}")
    assert written.table.to_pylist() == counted.table.to_pylist()
    assert text in {"", "srcaddr in ::1-10.0.255.255"} or counted.table.to_pylist() != [
        {"count_star()": 20_000}
    ]
