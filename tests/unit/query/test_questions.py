"""Every built-in question against plain Python over the same records, on both engines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from engines_under_test import OpenEngine
from flow_rows import T0, FixedIndex, Row, holds, random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import LimitError, QueryError, ResourceError
from vpcflow.query.answer import Answer
from vpcflow.query.expression import to_bytes
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.questions import QUESTION_SUMMARIES, question_named
from vpcflow.query.service import ALL_TIME, FlowQueries, answered, tables_of
from vpcflow.query.statement_cache import StatementCache
from vpcflow.query.time_range import TimeRange

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [*random_rows(300, 11), *random_rows(300, 12, packet_addresses=True)]


@pytest.fixture(params=["records", "rollups", "both"])
def ask(
    rows: list[Row], tmp_path: Path, open_engine: OpenEngine, request: pytest.FixtureRequest
) -> Ask:
    """Asks the engine under test through the service's own steps, with and without rollups."""

    def ask_it(
        name: str,
        text: str = "",
        time_range: TimeRange = ALL_TIME,
        given: Any = rows,
        **values: Any,
    ) -> Answer:
        staged = [*stage(tmp_path, "one", given[:300]), *stage(tmp_path, "two", given[300:])]
        rolled = {"records": 0, "rollups": None, "both": 1}[request.param]
        queries = FlowQueries(DataFolder(tmp_path / "nothing"))
        queries._index = FixedIndex(staged).with_rollups(rolled)  # type: ignore[assignment]
        asked = queries.prepare(
            question_named(name), values, condition=parse_filter(text), time_range=time_range
        )
        engine = open_engine(tables_of(asked.choices))
        return answered(asked, engine, StatementCache(None, statements_max=0))

    return ask_it


def total(rows: list[Row], name: str) -> int | None:
    """A sum that ignores nulls, and is null when there is nothing else."""
    known = [row[name] for row in rows if row.get(name) is not None]
    return sum(known) if known else None


def sums(rows: list[Row]) -> dict[str, Any]:
    return {
        "bytes": total(rows, "bytes"),
        "packets": total(rows, "packets"),
        "records": len(rows),
        "records_without_bytes": sum(row.get("bytes") is None for row in rows),
    }


def rejected(rows: list[Row]) -> int:
    return sum(row.get("action") == "REJECT" for row in rows)


def grouped(rows: list[Row], *keys: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.get(key) for key in keys)].append(row)
    return groups


def by_key(answer: Answer, *keys: str) -> dict[Any, dict[str, Any]]:
    found = {tuple(row[key] for key in keys): row for row in answer.table.to_pylist()}
    assert len(found) == answer.table.num_rows
    return found


@pytest.mark.parametrize("text", ["", "action = REJECT", "addr in 10.0.0.0/30"])
def test_talkers(ask: Ask, rows: list[Row], text: str) -> None:
    rows = [row for row in rows if holds(parse_filter(text), row) is True]
    expected = {}
    for address in {row[end] for row in rows for end in ("srcaddr", "dstaddr") if end in row}:
        sent = [row for row in rows if row.get("srcaddr") == address]
        got = [row for row in rows if row.get("dstaddr") == address]
        others = {row["dstaddr"] for row in sent} | {row["srcaddr"] for row in got}
        expected[(address,)] = {
            "address": address,
            **sums(sent + got),
            "bytes_sent": total(sent, "bytes"),
            "bytes_received": total(got, "bytes"),
            "packets_sent": total(sent, "packets"),
            "packets_received": total(got, "packets"),
            "rejected": rejected(sent + got),
            "peers": len(others),
        }
    assert by_key(ask("talkers", text, limit=100, peers=True), "address") == expected


def test_talkers_come_largest_first_and_no_more_than_asked(ask: Ask) -> None:
    everything = ask("talkers", limit=100, sort="packets").table.to_pylist()
    packets = [row["packets"] for row in everything]
    assert packets == sorted(packets, reverse=True)
    assert ask("talkers", limit=3, sort="packets").table.to_pylist() == everything[:3]
    assert "peers" not in everything[0]


def test_talkers_of_one_side_count_every_record_once(ask: Ask, rows: list[Row]) -> None:
    flows = [row for row in rows if "srcaddr" in row]
    for side in ("host", "peer"):
        answer = ask("talkers", limit=100, side=side)
        assert sum(row["records"] for row in answer.table.to_pylist()) == len(flows)


def test_pairs(ask: Ask, rows: list[Row]) -> None:
    from ipaddress import ip_address

    from vpcflow.query.expression import to_bytes

    flows = [row for row in rows if "srcaddr" in row]
    pairs: dict[Any, list[Row]] = defaultdict(list)
    for row in flows:
        pair = sorted((row["srcaddr"], row["dstaddr"]), key=lambda a: to_bytes(ip_address(a)))
        pairs[tuple(pair)].append(row)
    expected = {
        (a, b): {
            "address_a": a,
            "address_b": b,
            **sums(found),
            "rejected": rejected(found),
        }
        for (a, b), found in pairs.items()
    }
    answer = by_key(ask("pairs", limit=1000), "address_a", "address_b")
    for (a, b), row in answer.items():
        there, back = row.pop("bytes_a_to_b"), row.pop("bytes_b_to_a")
        if a != b:
            assert there == total([one for one in pairs[a, b] if one["srcaddr"] == a], "bytes")
            assert back == total([one for one in pairs[a, b] if one["srcaddr"] == b], "bytes")
        else:
            assert (there or 0) + (back or 0) == (row["bytes"] or 0)
    assert answer == expected


def test_ports_take_the_lower_port(ask: Ask, rows: list[Row]) -> None:
    flows = [
        row | {"port": min(row["srcport"], row["dstport"])} for row in rows if "protocol" in row
    ]
    expected = {
        key: {"protocol": key[0], "port": key[1], **sums(found), "rejected": rejected(found)}
        for key, found in grouped(flows, "protocol", "port").items()
    }
    assert by_key(ask("ports", limit=1000), "protocol", "port") == expected


@pytest.mark.parametrize(
    ("by", "names", "keys", "other", "one", "many"),
    [
        ("port", ("protocol", "port"), ("protocol", "dstport"), "srcaddr", "source", "sources"),
        ("source", ("source",), ("srcaddr",), "dstaddr", "target", "targets"),
        ("target", ("target",), ("dstaddr",), "srcaddr", "source", "sources"),
        (
            "interface",
            ("account_id", "interface_id"),
            ("account-id", "interface-id"),
            "srcaddr",
            "source",
            "sources",
        ),
        ("rule", ("rule",), ("reject-rule",), "srcaddr", "source", "sources"),
    ],
)
def test_rejects(
    ask: Ask, rows: list[Row], by: str, names: Any, keys: Any, other: str, one: str, many: str
) -> None:
    refused = [row for row in rows if row.get("action") == "REJECT"]
    answer = by_key(ask("rejects", by=by, limit=1000), *names)
    groups = grouped(refused, *keys)
    assert set(answer) == set(groups)
    for key, found in groups.items():
        row = answer[key]
        counts = Counter(record[other] for record in found)
        assert counts[row[f"top_{one}"]] == max(counts.values())
        assert row[many] == len(counts)
        assert row["first_seen"] == min(record["start"] for record in found)
        assert row["last_seen"] == max(record["start"] for record in found)
        assert {name: row[name] for name in sums(found)} == sums(found)


def test_series_has_every_interval(ask: Ask, rows: list[Row]) -> None:
    answer = ask("series", interval="30m", time_range=TimeRange(T0 - 3_600, T0 + 7_200))
    expected = []
    for time_s in range(T0 - 3_600, T0 + 7_200, 1_800):
        found = [row for row in rows if time_s <= row["start"] < time_s + 1_800]
        expected.append({"time": time_s, **sums(found), "rejected": rejected(found)})
        if not found:
            expected[-1] |= {"bytes": 0, "packets": 0}
    assert answer.table.to_pylist() == [
        {column.name: row[column.name] for column in answer.columns} for row in expected
    ]


def test_series_splits_and_gathers_the_rest(ask: Ask, rows: list[Row]) -> None:
    answer = ask("series", interval="1d", split="interface-id", lines=2, sort="records")
    counts = Counter(row["interface-id"] for row in rows)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    expected = {name: counts[name] for name in ranked[:2]}
    expected["other"] = sum(counts[name] for name in ranked[2:])
    found = {row["interface_id"]: row["records"] for row in answer.table.to_pylist()}
    assert found == expected


def test_series_chooses_its_interval_and_refuses_too_many(ask: Ask) -> None:
    times = ask("series").table.column("time").to_pylist()
    assert times[1] - times[0] == 60
    with pytest.raises(LimitError, match="intervals"):
        ask("series", interval="1s", time_range=TimeRange(0, T0))


def first_couple(found: list[Row]) -> tuple[Any, ...]:
    """The rule of some refused records, its most frequent two ends, and how often each was."""
    rules = grouped(found, "reject-rule")
    (rule,), of_rule = min(
        rules.items(), key=lambda one: (one[0][0] is None, -len(one[1]), one[0][0] or "")
    )
    ends = grouped(of_rule, "interface-id", "srcaddr", "dstaddr")
    couple, both = min(
        ends.items(),
        key=lambda one: (-len(one[1]), one[0][0], *(stored_order(end) for end in one[0][1:])),
    )
    return (rule, *couple, len(of_rule), len(found), len(both))


def stored_order(address: str) -> bytes:
    return to_bytes(ip_address(address))


def test_the_first_two_ends_of_the_rule_that_refused_most(ask: Ask, rows: list[Row]) -> None:
    refused = [row for row in rows if row.get("action") == "REJECT"]
    ports = grouped(refused, "protocol", "dstport")
    # Large ports have one record each, the listed ones several rules and many ties.
    answer = ask("rejected_couples", limit=len(ports)).table.to_pylist()
    assert [row["port_records"] for row in answer] == sorted(map(len, ports.values()))[::-1]
    names = ("rule", "interface_id", "source", "target", "rule_records", "port_records", "records")
    assert {
        (row["protocol"], row["port"]): tuple(row[name] for name in names) for row in answer
    } == {key: first_couple(found) for key, found in ports.items()}
    few = ask("rejected_couples", limit=3).table.to_pylist()
    assert few == answer[:3]


def test_flows_are_the_records(ask: Ask, rows: list[Row]) -> None:
    text = "addr = 10.0.0.1 and port = 443"
    answer = ask("flows", limit=1000, address="10.0.0.1", port=443)
    expected = [row for row in rows if holds(parse_filter(text), row) is True]
    assert expected
    names = [column.name.replace("_", "-") for column in answer.columns]
    key = repr
    found = [dict(zip(names, row.values(), strict=True)) for row in answer.table.to_pylist()]
    assert sorted(found, key=key) == sorted(
        ({name: row.get(name) for name in names} for row in expected), key=key
    )
    starts = [row["start"] for row in found]
    assert starts == sorted(starts, reverse=True)


def test_all_fields_of_flows_come_back(ask: Ask, rows: list[Row]) -> None:
    answer = ask("flows", limit=1000, fields="all", interface="eni-01", order="oldest")
    names = {name for row in rows for name in row}
    shown = {column.name.replace("_", "-") for column in answer.columns}
    assert names <= shown
    expected = [
        {name: row.get(name) for name in names} for row in rows if row["interface-id"] == "eni-01"
    ]
    found = [
        {name: row[name.replace("-", "_")] for name in names} for row in answer.table.to_pylist()
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_interfaces(ask: Ask, rows: list[Row]) -> None:
    answer = by_key(ask("interfaces", limit=100), "account_id", "interface_id")
    groups = grouped(rows, "account-id", "interface-id")
    assert set(answer) == set(groups)
    for key, found in groups.items():
        row = answer[key]
        decided = sum("action" in record for record in found)
        assert {name: row[name] for name in sums(found)} == sums(found)
        assert row["rejected"] == rejected(found)
        assert row["reject_share"] == pytest.approx(rejected(found) / decided)
        assert (row["first"], row["last"]) == (
            min(record["start"] for record in found),
            max(record["start"] for record in found),
        )
        assert (row["bytes_in"] or 0) + (row["bytes_out"] or 0) == row["bytes"]


def covered_minutes(found: list[Row]) -> set[int]:
    return {
        minute
        for row in found
        for minute in range(row["start"] // 60, max(row["end"], row["start"]) // 60 + 1)
    }


def test_coverage_counts_the_minutes_that_records_cover(ask: Ask, rows: list[Row]) -> None:
    answer = by_key(ask("coverage", limit=100), "account_id", "interface_id")
    for key, found in grouped(rows, "account-id", "interface-id").items():
        seen = covered_minutes(found)
        expected = range(min(seen), max(seen) + 1)
        row = answer[key]
        assert row["minutes_seen"] == len(seen)
        assert row["minutes_expected"] == len(expected)
        assert row["coverage"] == pytest.approx(len(seen) / len(expected))
        gap = longest = 0
        for minute in expected:
            gap = 0 if minute in seen else gap + 1
            longest = max(longest, gap)
        assert row["longest_gap"] == longest * 60
        start = row["longest_gap_start"] // 60
        assert not seen & set(range(start, start + longest))
        assert row["records"] == len(found)
        for status in ("NODATA", "SKIPDATA"):
            count = sum(record["log-status"] == status for record in found)
            assert row[status.lower()] == count


def flow(start: int, end: int) -> Row:
    return {"interface-id": "eni-1", "start": start, "end": end, "log-status": "OK"}


def test_a_record_past_its_hour_covers_the_next(ask: Ask) -> None:
    given = [flow(T0 + 3_570, T0 + 3_630), flow(T0 + 3_840, T0 + 3_850)]
    (row,) = ask("coverage", given=given).table.to_pylist()
    assert (row["minutes_seen"], row["minutes_expected"], row["gaps"]) == (3, 6, 1)
    assert (row["longest_gap"], row["longest_gap_start"]) == (180, T0 + 3_660)


def test_coverage_of_the_range_counts_what_is_missing_at_its_ends(ask: Ask) -> None:
    given = [flow(T0 + 600, T0 + 610)]
    whole = TimeRange(T0, T0 + 1_200)
    (row,) = ask("coverage", time_range=whole, given=given, expected="range").table.to_pylist()
    assert (row["minutes_seen"], row["minutes_expected"], row["gaps"]) == (1, 20, 2)


def test_ten_minute_windows_are_seen_whole(ask: Ask) -> None:
    given = [flow(T0, T0 + 1), flow(T0 + 600, T0 + 601), flow(T0 + 3_000, T0 + 3_001)]
    (row,) = ask("coverage", given=given, interval="10m").table.to_pylist()
    assert row["gaps"] == 1
    assert row["longest_gap"] == (50 - 10 - 19) * 60


def test_overview_agrees_with_the_questions_it_gathers(ask: Ask, rows: list[Row]) -> None:
    answer = ask("overview", limit=3)
    parts = {section.name: section for section in answer.sections}
    (totals,) = parts["totals"].table.to_pylist()
    assert answer.table.to_pylist() == [totals]
    assert {name: totals[name] for name in sums(rows)} == sums(rows)
    assert totals["rejected"] == rejected(rows)
    assert totals["interfaces"] == 4
    for status in ("NODATA", "SKIPDATA"):
        assert totals[status.lower()] == sum(row["log-status"] == status for row in rows)
    actions = {row["action"]: row["records"] for row in parts["actions"].table.to_pylist()}
    assert actions == Counter(row.get("action") for row in rows)
    for name in ("talkers", "pairs", "rejects", "coverage", "series"):
        values = {} if name == "series" else {"limit": 3}
        assert parts[name].table.to_pylist() == ask(name, **values).table.to_pylist(), name
    interfaces = ask("interfaces", limit=3).table.to_pylist()
    for mine, theirs in zip(parts["interfaces"].table.to_pylist(), interfaces, strict=True):
        assert mine == {name: theirs[name] for name in mine}


def test_a_longer_overview_has_a_time_line_of_hours(ask: Ask) -> None:
    days = TimeRange(T0, T0 + 3 * 86_400)
    (series,) = [
        section for section in ask("overview", time_range=days).sections if section.name == "series"
    ]
    assert (
        series.table.to_pylist() == ask("series", time_range=days, interval="1h").table.to_pylist()
    )


@pytest.mark.parametrize("name", QUESTION_SUMMARIES)
def test_every_question_answers_about_nothing(ask: Ask, name: str) -> None:
    answer = ask(name, "dstport = 1")
    assert answer.table.column_names == [column.name for column in answer.columns]
    assert name in {"overview", "series", "traffic", "figures"} or answer.table.num_rows == 0


def test_what_was_lost_is_said(ask: Ask, rows: list[Row]) -> None:
    answer = ask("talkers")
    assert answer.coverage.lower_bound
    assert answer.coverage.skipdata_records == sum(row["log-status"] == "SKIPDATA" for row in rows)
    assert any("lower bounds" in note for note in answer.notes)
    assert any("say no bytes" in note for note in answer.notes)
    assert answer.scan.rows == len(rows)


def test_wrong_parameters_name_themselves(ask: Ask) -> None:
    with pytest.raises(QueryError, match="talkers limit"):
        ask("talkers", limit=0)
    with pytest.raises(QueryError) as caught:
        ask("talkers", colour="red")
    assert "limit, sort, side, peers" in caught.value.hint
    with pytest.raises(QueryError, match="flows address"):
        ask("flows", address='10.0.0.1" or port = 1')
    with pytest.raises(QueryError, match="flows fields"):
        ask("flows", fields="start,nothing")


def test_a_question_that_is_not_there() -> None:
    with pytest.raises(ResourceError, match="there is no question 'weather'"):
        question_named("weather")
