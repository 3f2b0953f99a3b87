"""Aim: no query makes one value that takes all memory.

Method: queries that would, and those that people write, through the one door for SQL.
"""

from __future__ import annotations

import pytest

from vpcflow.base.errors import FilterError
from vpcflow.query.sql import prepare_sql

_HUGE = (
    "SELECT repeat('a', 2000000000)",
    "SELECT repeat(repeat('a', 1000), 1000)",
    "SELECT repeat(action, bytes) FROM flow_records",
    "WITH a AS (SELECT repeat('a', 9000) AS x) SELECT repeat(x, 9000) FROM a",
    "SELECT lpad('a', 2000000000, 'b')",
    "SELECT rpad(action, bytes, 'b') FROM flow_records",
    "SELECT printf('%999999999d', 1)",
    "SELECT printf('%*d', 999999999, 1)",
    "SELECT format('{:>2000000000}', 'a')",
    "SELECT format('{:{}}', 'a', 2000000000)",
    "SELECT replace(replace('aaa', 'a', action), 'a', action) FROM flow_records",
    f"SELECT replace('aaaa', 'a', '{'b' * 20_000}')",
    "SELECT regexp_replace(regexp_replace(action, '.', type), '.', type, 'g') FROM flow_records",
    "SELECT length(repeat(string_agg(action), 1000)) FROM flow_records",
    "SELECT unnest(range(1000000000))",
    "SELECT range(bytes) FROM flow_records",
    "SELECT generate_series(-1000000000, 5)",
    "WITH " + ", ".join(
        f"c{n} AS (SELECT x || x AS x FROM c{n - 1})" if n else "c0 AS (SELECT 'aaaaaaaa' AS x)"
        for n in range(31)
    ) + " SELECT length(x) FROM c30",
)  # fmt: skip

_PLAIN = (
    "SELECT srcaddr || ':' || srcport || ' -> ' || dstaddr || ':' || dstport FROM flow_records",
    "SELECT lpad(action, 10, ' '), repeat('-', 40), rpad(type, 8, '.') FROM flow_records",
    "SELECT string_agg(srcaddr || ':' || srcport, ', ') FROM flow_records",
    "SELECT replace(interface_id, 'eni-', 'interface ') FROM flow_records",
    "SELECT format('{:>20} {}', action, type) FROM flow_records",
    "SELECT i FROM range(100000000) r(i) LIMIT 5",
    "SELECT unnest(range(0, 3600, 60))",
)


@pytest.mark.parametrize("text", _HUGE, ids=lambda text: text[:48])
def test_what_might_grow_without_bound_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        prepare_sql(text, now_s=1_780_000_000.0)


@pytest.mark.parametrize("text", _PLAIN, ids=lambda text: text[:48])
def test_what_people_write_is_not(text: str) -> None:
    prepare_sql(text, now_s=1_780_000_000.0)
