"""Conditions that narrow the scan, in every form that the planner knows, against plain SQL."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sql_oracle import (
    ADDRESSES,
    Oracle,
    among,
    in_networks,
    make_records,
    open_oracle,
)

from vpcflow.query.expression import NARROW_ADDRESSES_MAX
from vpcflow.query.time_range import TimeRange

RECORDS = make_records(600, seed=11)
NETWORKS = ("10.0.0.0/24", "10.0.1.4/31", "10.0.0.0/8", "2001:db8::/32", "::/0", "8.8.8.8/32")
FORMS = (
    "{a}",
    "{a} AND {b}",
    "{a} OR {b}",
    "({a} OR {b}) AND {c}",
    "({a} AND {b}) OR ({c} AND {d})",
    "({a} AND {t}) OR ({b})",
    "{a} AND ({b} OR {c}) AND {t}",
    "NOT ({a} OR {b}) AND {t}",
    "({a} OR {t}) AND {c}",
    "{a} OR {b} OR {c} OR {d}",
)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with open_oracle(RECORDS, seed=5) as both:
        yield both


def _address_test(chance: random.Random, forms: str = "=il<n") -> tuple[str, str]:
    end = chance.choice(["srcaddr", "dstaddr"])
    match chance.choice(forms):
        case "=":
            one = chance.choice(ADDRESSES)
            return f"{end} = '{one}'", among(end, [one])
        case "i":
            several = chance.sample(ADDRESSES, 3)
            return f"{end} IN ({', '.join(map(repr, several))})", among(end, several)
        case "l":
            pattern = chance.choice(["10.%", "10.0.%", "10.0.1.%", "010.%", "10.0.1%", "8.8.8.%"])
            return (f"{end} LIKE '{pattern}'",) * 2
        case "<":
            network = chance.choice(NETWORKS)
            return f"{end} << '{network}'", among(end, in_networks(network))
    networks = chance.sample(NETWORKS, 2)
    listed = ", ".join(map(repr, networks))
    return f"in_network({end}, {listed})", among(end, in_networks(*networks))


def _time_test(chance: random.Random) -> tuple[str, str]:
    starts = [record["start"] for record in RECORDS if record["start"] is not None]
    low, high = sorted(chance.sample(starts, 2))
    test = chance.choice(
        [
            f"start BETWEEN {low} AND {high}",
            f"start >= {low} AND start <= {high}",
            f"start > {low} AND start < {high}",
            f"{low} <= start AND {high} >= start",
            f"{low} < start AND {high} > start",
            f"start = {low}",
        ]
    )
    return (f"({test})",) * 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(12))
def test_narrowed_scans_give_each_record_once(oracle: Oracle, form: str, seed: int) -> None:
    chance = random.Random(f"{form}{seed}")
    tests = {name: _address_test(chance) for name in "abcd"} | {"t": _time_test(chance)}
    sql = "SELECT srcaddr, dstaddr, start, bytes, dstport FROM flow_records WHERE "
    ours = sql + form.format(**{name: pair[0] for name, pair in tests.items()})
    naive = sql + form.format(**{name: pair[1] for name, pair in tests.items()})
    assert sorted(oracle.answer(ours), key=repr) == sorted(oracle.expected(naive), key=repr)


@pytest.mark.parametrize("seed", range(20))
def test_file_pruning_loses_nothing(oracle: Oracle, seed: int) -> None:
    chance = random.Random(seed)
    left, right = _address_test(chance, "=i<n"), _address_test(chance, "=i<n")
    time = _time_test(chance)
    left_sql = left[0].replace("dstaddr", "srcaddr")
    right_sql = right[0].replace("srcaddr", "dstaddr")
    prepared = oracle.prepare(
        f"SELECT count(*) FROM flow_records WHERE {left_sql} AND {right_sql} AND {time[0]}"
    )
    assert prepared.time_range is not None
    assert prepared.host_ranges is not None
    hosts = " OR ".join(
        f"host BETWEEN from_hex('{r.first.hex()}') AND from_hex('{r.last.hex()}')"
        for r in prepared.host_ranges
    )
    oracle.ours.execute(
        "CREATE OR REPLACE TEMP VIEW kept AS SELECT * FROM flow_records_stored "
        f"WHERE ({hosts}) AND start >= {prepared.time_range.start_s} "
        f"AND start < {prepared.time_range.end_s}"
    )
    kept = oracle.ours.execute(prepared.sql.replace("flow_records_stored", "kept")).fetchall()
    assert kept == oracle.ours.execute(prepared.sql).fetchall()


def _scans(oracle: Oracle, condition: str) -> int:
    sql = oracle.prepare(f"SELECT bytes FROM flow_records WHERE {condition}").sql
    return sql.count("FROM flow_records_stored")


def test_narrow_addresses_are_looked_for_at_each_end(oracle: Oracle) -> None:
    assert _scans(oracle, "srcaddr = '10.0.0.4'") == 2
    assert _scans(oracle, "srcaddr = '10.0.0.4' OR dstaddr = '10.0.0.4'") == 2
    assert _scans(oracle, "dstaddr << '10.0.0.0/16' AND dstport = 22") == 2
    assert _scans(oracle, "dstaddr << '10.0.0.0/8'") == 1
    assert _scans(oracle, "dstaddr LIKE '10.0.1.%'") == 2
    assert _scans(oracle, "dstaddr LIKE '10.0.01.%' OR dstaddr LIKE '10.0.1%'") == 1
    assert _scans(oracle, "srcaddr = '10.0.0.4' OR dstport = 22") == 1
    assert _scans(oracle, "NOT srcaddr = '10.0.0.4'") == 1
    assert _scans(oracle, "srcaddr <> '10.0.0.4'") == 1
    assert NARROW_ADDRESSES_MAX == 2 ** (32 - 12)


def test_a_condition_on_the_query_around_narrows_nothing(oracle: Oracle) -> None:
    sql = (
        "SELECT count(*) FROM flow_records f WHERE EXISTS (SELECT 1 FROM flow_records g "
        "WHERE f.srcaddr = '10.0.0.4' AND g.dstport = 22) OR f.dstport = 53"
    )
    assert oracle.prepare(sql).sql.count("FROM flow_records_stored") == 2
    assert oracle.answer(sql) == oracle.expected(sql)


def test_outer_joins_keep_their_unmatched_records(oracle: Oracle) -> None:
    for side in ("LEFT", "RIGHT", "FULL"):
        for condition in ("b.dstaddr = '10.0.0.4'", "a.srcaddr = '10.0.0.4'", "b.bytes IS NULL"):
            sql = (
                f"SELECT count(*), count(a.bytes), count(b.bytes) FROM flow_records a {side} JOIN "
                f"flow_records b ON a.srcaddr = b.dstaddr AND a.dstport = b.srcport WHERE {condition}"
            )
            assert oracle.answer(sql) == oracle.expected(sql)


def test_a_nearest_join_sees_all_of_its_right_side(oracle: Oracle) -> None:
    sql = (
        "SELECT count(*), sum(b.bytes) FROM flow_records a ASOF JOIN flow_records b "
        "ON a.interface_id = b.interface_id AND a.start > b.start "
        "WHERE b.srcaddr = '10.0.0.4' AND b.start > 1795221000"
    )
    ((count, _),) = oracle.answer(sql)
    # Among records of one second any may be the nearest, so the narrowed answer is told by size.
    ((low,),) = oracle.expected(
        "SELECT count(*) FROM flow_records a JOIN (SELECT DISTINCT ON (interface_id, start) * FROM "
        "flow_records WHERE srcaddr = '10.0.0.4') b USING (interface_id) WHERE a.start > b.start"
    )
    assert oracle.prepare(sql).sql.count("UNION ALL") == 0
    assert 0 < count < low


def test_a_range_of_time_from_outside_bounds_every_scan(oracle: Oracle) -> None:
    sql = "SELECT count(*) FROM flow_records WHERE dstaddr IN (SELECT srcaddr FROM flow_records)"
    prepared = oracle.prepare(sql, within=TimeRange(1795220000, 1795223000))
    assert prepared.time_range == TimeRange(1795220000, 1795223000)
    assert oracle.ours.execute(prepared.sql).fetchall() == oracle.expected(
        "WITH x AS (SELECT * FROM flow_records WHERE start >= 1795220000 AND start < 1795223000) "
        "SELECT count(*) FROM x WHERE dstaddr IN (SELECT srcaddr FROM x)"
    )
