"""Answers of rewritten SQL against plain DuckDB over text, and against ipaddress."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sql_oracle import (
    ADDRESSES,
    BASE_S,
    Oracle,
    among,
    compared,
    in_networks,
    make_records,
    open_oracle,
)

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with open_oracle(make_records(400, seed=3)) as both:
        yield both


_ENDS = st.sampled_from(["srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr", "f.srcaddr"])
_NETWORKS = st.sampled_from(
    [
        *("10.0.0.0/8", "10.0.1.0/24", "10.0.0.4/30", "0.0.0.0/0", "8.8.8.8/32", "172.16.0.0/12"),
        *("2001:db8::/32", "::/0", "fe80::/10", "::1/128", "2001:db8::1", "10.0.2.5", "9.0.0.0/8"),
    ]
)
_PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *("169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
)
_ADDRESS = st.sampled_from([*ADDRESSES, "10.9.9.9", "2001:DB8:0:0::1"])


@st.composite
def address_tests(draw: st.DrawFn) -> Pair:
    """One test of an address: ours, and the same in plain SQL over text."""
    end, form = draw(_ENDS), draw(st.integers(0, 10))
    if form == 0:
        sign, literal = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="])), draw(_ADDRESS)
        return f"{end} {sign} '{literal}'", among(end, compared(sign, literal))
    if form == 1:
        networks = draw(st.lists(_NETWORKS, min_size=1, max_size=3))
        listed = ", ".join(f"'{network}'" for network in networks)
        return f"in_network({end}, {listed})", among(end, in_networks(*networks))
    if form in {2, 3}:
        network = draw(_NETWORKS)
        sign = "<<" if form == 2 else "<<="
        return f"{end} {sign} '{network}'", among(end, in_networks(network))
    if form == 4:
        several = draw(st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=4))
        return f"{end} IN ({', '.join(map(repr, several))})", among(end, several)
    if form == 5:
        low, high = draw(_ADDRESS), draw(_ADDRESS)
        both = [a for a in compared(">=", low) if a in compared("<=", high)]
        return f"{end} BETWEEN '{low}' AND '{high}'", among(end, both)
    if form == 6:
        return f"is_private({end})", among(end, in_networks(*_PRIVATE))
    if form == 7:
        return f"is_ipv6({end})", among(end, in_networks("::/0"))
    other = draw(_ENDS)
    if form == 8:
        sign = draw(st.sampled_from(["=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]))
        return (f"{end} {sign} {other}",) * 2
    if form == 9:
        return (f"{end} {draw(st.sampled_from(['IS NULL', 'IS NOT NULL']))}",) * 2
    return (
        f"{end} LIKE '{draw(st.sampled_from(['10.%', '10.0.%', '%:%', '%.4', '2001:%']))}'",
    ) * 2


_PLAIN_TESTS = st.sampled_from(
    [
        *("dstport = 22", "srcport IN (22, 443)", "action = 'REJECT'", "log_status <> 'OK'"),
        *("bytes > 1000", "end - start > 30", '"end" IS NULL', "f.end < 1795222800"),
        *("dstport IS NULL", "srcport < dstport", "interface_id = 'eni-0001'"),
        *(f"start >= {BASE_S + 3600}", f"start BETWEEN {BASE_S} AND {BASE_S + 600}"),
        *(f"{BASE_S + 900} > start", f"start = {BASE_S + 7}", "start IS NULL"),
    ]
).map(lambda test: (test, test.replace("end - start", '"end" - start').replace("f.end", 'f."end"')))
_TIME_TESTS = st.sampled_from(
    [
        ("last('15m')", f"start >= {BASE_S + 6300}"),
        ("since('2026-11-21T01:00Z')", f"start >= {BASE_S + 3600}"),
        ("before('2026-11-21T00:30')", f"start < {BASE_S + 1800}"),
        (
            "between_times('2026-11-21T00:10Z', '2026-11-21T00:20Z', f.start)",
            f"start >= {BASE_S + 600} AND start < {BASE_S + 1200}",
        ),
        ("start >= '2026-11-21T01:30Z'", f"start >= {BASE_S + 5400}"),
        ("start > now_s() - 2 * 1800", f"start > {BASE_S + 3600}"),
    ]
).map(lambda pair: (pair[0], f"({pair[1]})"))

_LEAVES = st.one_of(address_tests(), address_tests(), _PLAIN_TESTS, _TIME_TESTS)


def _combine(parts: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    def joined(word: str) -> st.SearchStrategy[Pair]:
        return st.lists(parts, min_size=2, max_size=3).map(
            lambda pairs: tuple(
                "(" + f" {word} ".join(pair[side] for pair in pairs) + ")" for side in (0, 1)
            )
        )

    negated = parts.map(lambda pair: (f"NOT ({pair[0]})", f"NOT ({pair[1]})"))
    return st.one_of(joined("AND"), joined("OR"), negated)


_CONDITIONS = st.recursive(_LEAVES, _combine, max_leaves=6)
_SELECTS = st.sampled_from(
    [
        "SELECT srcaddr, dstaddr, srcport, dstport, start, pkt_srcaddr FROM flow_records f WHERE {}",
        "SELECT srcaddr, count(*), sum(bytes) FROM flow_records f WHERE {} GROUP BY srcaddr",
        "SELECT count(DISTINCT srcaddr), count(dstaddr) FROM flow_records f WHERE {}",
        "SELECT DISTINCT dstaddr FROM flow_records f WHERE {}",
        "SELECT upper(srcaddr) u, srcport || '-' || dstaddr FROM flow_records f WHERE {}",
        "SELECT coalesce(pkt_srcaddr, srcaddr) a, action FROM flow_records f WHERE {}",
        "SELECT srcaddr FROM flow_records f WHERE {} UNION SELECT dstaddr FROM flow_records",
        "WITH t AS (SELECT dstaddr a, max(bytes) b FROM flow_records f WHERE {} GROUP BY ALL) "
        "SELECT a, b FROM t WHERE a LIKE '10.%'",
        "SELECT count(*) FROM flow_records WHERE srcaddr IN "
        "(SELECT dstaddr FROM flow_records f WHERE {})",
        "SELECT * FROM flow_records f WHERE {}",
    ]
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(select=_SELECTS, condition=_CONDITIONS)
def test_answers_equal_plain_sql_over_text(oracle: Oracle, select: str, condition: Pair) -> None:
    ours = oracle.answer(select.format(condition[0]))
    expected = oracle.expected(select.format(condition[1]))
    assert sorted(ours, key=repr) == sorted(expected, key=repr)


@settings(max_examples=60, deadline=None)
@given(condition=_CONDITIONS)
def test_files_are_pruned_only_where_no_record_can_match(oracle: Oracle, condition: Pair) -> None:
    prepared = oracle.prepare(f"SELECT start FROM flow_records f WHERE {condition[0]}")
    starts = [row[0] for row in oracle.ours.execute(prepared.sql).fetchall()]
    if prepared.time_range is not None:
        low, high = prepared.time_range.start_s, prepared.time_range.end_s
        assert all(low is None or low <= start for start in starts)
        assert all(high is None or start < high for start in starts)
    if prepared.host_ranges is not None:
        test = " OR ".join(
            f"host BETWEEN from_hex('{r.first.hex()}') AND from_hex('{r.last.hex()}')"
            for r in prepared.host_ranges
        )
        oracle.ours.execute(
            f"CREATE OR REPLACE TEMP VIEW kept AS SELECT * FROM flow_records_stored WHERE {test}"
        )
        kept = oracle.ours.execute(prepared.sql.replace("flow_records_stored", "kept"))
        assert sorted((row[0] for row in kept.fetchall()), key=repr) == sorted(starts, key=repr)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a.srcaddr, count(*) FROM flow_records a JOIN flow_records b "
        "ON a.srcaddr = b.dstaddr AND a.dstaddr = b.srcaddr GROUP BY a.srcaddr",
        "SELECT count(*) FROM flow_records a JOIN flow_records b USING (srcaddr, dstaddr)",
        "SELECT srcaddr, count(*) FROM flow_records a SEMI JOIN "
        "(SELECT dstaddr srcaddr FROM flow_records WHERE dstport = 22) b USING (srcaddr) GROUP BY 1",
        "SELECT a.dstaddr, b.bytes FROM flow_records a LEFT JOIN flow_records b "
        "ON a.dstaddr = b.srcaddr AND b.dstport = 53 WHERE b.srcaddr = '10.0.0.4'",
        "SELECT srcaddr, bytes, row_number() OVER (PARTITION BY srcaddr ORDER BY bytes, start, "
        "dstport, packets) n FROM flow_records QUALIFY n <= 2",
        "SELECT dstaddr, lag(bytes) OVER w FROM flow_records WINDOW w AS "
        "(PARTITION BY dstaddr ORDER BY start, bytes, packets)",
        "SELECT case dstaddr when '8.8.8.8' then 'dns' else dstaddr end d, count(*) "
        "FROM flow_records GROUP BY d",
        "SELECT case when dstport = 22 then srcaddr else dstaddr end d, count(*) "
        "FROM flow_records GROUP BY ALL HAVING count(*) > 3",
        "SELECT nullif(srcaddr, '10.0.0.4') FROM flow_records",
        "SELECT srcaddr, dstaddr, count(*) FROM flow_records "
        "GROUP BY GROUPING SETS ((srcaddr, dstaddr), (srcaddr), ())",
        "SELECT x.a FROM (SELECT srcaddr FROM flow_records) x(a) WHERE x.a = '10.0.0.5'",
        "SELECT f.srcaddr FROM flow_records f WHERE EXISTS "
        "(SELECT 1 FROM flow_records g WHERE g.dstaddr = f.srcaddr AND f.dstaddr = '8.8.8.8')",
        "SELECT dstaddr FROM flow_records WHERE dstaddr = ANY (SELECT srcaddr FROM flow_records)",
        "SELECT (SELECT any_value(srcaddr) FROM flow_records WHERE srcaddr = '::1') = '::1'",
        "SELECT a, srcaddr FROM flow_records, unnest([srcaddr, dstaddr]) u(a) WHERE a = '10.0.0.4'",
        "SELECT srcaddr FROM flow_records UNION ALL SELECT 'all' UNION ALL SELECT NULL",
        "SELECT srcaddr FROM flow_records WHERE dstport = 443 EXCEPT "
        "SELECT dstaddr FROM flow_records WHERE action = 'REJECT' AND dstport = 22",
        "WITH bad(a, why) AS (VALUES ('10.0.0.4', 'x'), ('8.8.8.8', 'y')) "
        "SELECT why, count(*) FROM flow_records JOIN bad ON srcaddr = a GROUP BY why",
        "SELECT count(*) FILTER (WHERE srcaddr = '10.0.0.4'), count(DISTINCT dstaddr) "
        "FROM flow_records",
        "SELECT list_sort(list(DISTINCT srcaddr)) FROM flow_records WHERE dstport = 22",
        "SELECT string_agg(DISTINCT dstaddr, ',' ORDER BY dstaddr) FROM flow_records",
        "SELECT srcaddr::varchar, length(dstaddr), srcaddr || '!' FROM flow_records",
        "SELECT * EXCLUDE (srcaddr) REPLACE (bytes * 8 AS bytes) FROM flow_records",
        "SELECT * FROM (SELECT srcaddr, bytes FROM flow_records) WHERE srcaddr LIKE '%:%'",
        "SELECT * FROM flow_records a JOIN flow_records b USING (srcaddr, dstaddr, start)",
        "SELECT (srcaddr, dstport) IN (('10.0.0.4', 22), ('8.8.8.8', 53)) x FROM flow_records",
        "SELECT i, count(bytes) FROM range(3) r(i) LEFT JOIN flow_records ON protocol = i GROUP BY i",
        "SELECT srcaddr a, a || '' b FROM flow_records WHERE a = '10.0.0.4'",
        "FROM flow_records SELECT srcaddr WHERE dstport = 22",
        "SELECT approx_count_distinct(dstport), median(bytes), quantile_cont(bytes, 0.9), "
        "arg_max(srcaddr, bytes * 1000000 + start) FROM flow_records WHERE srcaddr IS NOT NULL",
        "SELECT dstaddr FROM flow_records WHERE srcaddr = ANY (['10.0.0.4', '8.8.8.8'])",
        'SELECT case when "end" > 5 then "end" else 0 end FROM flow_records',
        "SELECT srcaddr IN ('10.0.0.4', upper('::1')) FROM flow_records",
    ],
)
def test_shapes_of_queries(oracle: Oracle, sql: str) -> None:
    ours, expected = oracle.answer(sql), oracle.expected(sql)
    assert sorted(ours, key=repr) == sorted(expected, key=repr)
    assert ours, "a query without rows proves nothing"


def test_order_by_an_address_is_the_order_of_addresses(oracle: Oracle) -> None:
    rows = oracle.answer(
        "SELECT DISTINCT srcaddr FROM flow_records WHERE is_ipv4(srcaddr) ORDER BY srcaddr DESC"
    )
    shown = [row[0] for row in rows]
    assert shown == sorted(shown, key=lambda a: tuple(map(int, a.split("."))), reverse=True)
    assert shown.index("100.64.3.4") < shown.index("10.0.0.4")


def test_networks_group_and_compare(oracle: Oracle) -> None:
    rows = oracle.answer(
        "SELECT network(srcaddr, 24, 32) AS net, count(*) AS n FROM flow_records "
        "WHERE srcaddr IS NOT NULL GROUP BY net"
    )
    counted: dict[str, int] = {}
    for address, count in oracle.expected(
        "SELECT srcaddr, count(*) FROM flow_records WHERE srcaddr IS NOT NULL GROUP BY 1"
    ):
        net = str(ip_network(f"{address}/{32 if ':' in address else 24}", strict=False))
        counted[net] = counted.get(net, 0) + count
    assert dict(rows) == counted
    same = oracle.answer(
        "SELECT count(*) FROM flow_records WHERE network(srcaddr, 24) IN ('10.0.1.0/24')"
    )
    assert same == [(counted["10.0.1.0/24"],)]


@pytest.mark.parametrize("prefix", [0, 1, 7, 8, 15, 23, 31, 32])
def test_networks_of_any_length(oracle: Oracle, prefix: int) -> None:
    rows = oracle.answer(
        f"SELECT DISTINCT srcaddr, network(srcaddr, {prefix}, {prefix * 4}) FROM flow_records "
        "WHERE srcaddr IS NOT NULL"
    )
    for address, net in rows:
        length = prefix * 4 if ":" in address else prefix
        assert net == str(ip_network(f"{address}/{length}", strict=False))


def test_time_macros(oracle: Oracle) -> None:
    rows = oracle.answer(
        "SELECT time_bin('5m') AS t, to_time(t) AS at, count(*) FROM flow_records "
        "WHERE start IS NOT NULL GROUP BY ALL ORDER BY t"
    )
    expected = oracle.expected(
        "SELECT start // 300 * 300 AS t, make_timestamp(t * 1000000), count(*) FROM flow_records "
        "WHERE start IS NOT NULL GROUP BY ALL ORDER BY t"
    )
    assert rows == expected
    assert len(rows) == 24


def test_the_moment_of_asking_is_the_clocks(oracle: Oracle) -> None:
    ((now_s, now, today, last),) = oracle.answer("SELECT now_s(), now(), today(), to_time(now_s())")
    assert now_s == BASE_S + 7_200
    assert now == last
    assert str(now) == "2026-11-21 02:00:00"
    assert str(today) == "2026-11-21"


def test_unknown_fields_are_text_columns(oracle: Oracle) -> None:
    oracle.ours.execute(
        "CREATE OR REPLACE TEMP VIEW with_unknown AS SELECT * REPLACE "
        "(MAP {'new-field': interface_id} AS unknown_fields) FROM flow_records_stored"
    )
    prepared = oracle.prepare(
        "SELECT new_field, unknown_fields['new-field'] FROM flow_records WHERE new_field = 'eni-0001'",
        unknown_fields=["new-field", "srcaddr"],
    )
    rows = oracle.ours.execute(
        prepared.sql.replace("flow_records_stored", "with_unknown")
    ).fetchall()
    assert set(rows) == {("eni-0001", "eni-0001")}
    assert prepared.stored_columns == ("unknown_fields",)
