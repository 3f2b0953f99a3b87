"""Rollups answer what they can, with the same figures as the records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flow_rows import T0, FixedIndex, random_rows, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.query.answer import Answer
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.plan import plan
from vpcflow.query.questions import question_named
from vpcflow.query.rollup_choice import Grain, choose
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange

HOUR = 3_600


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> FixedIndex:
    folder = tmp_path_factory.mktemp("rollup")
    later = [
        row | {"start": row["start"] + 8 * HOUR, "end": row["end"] + 8 * HOUR}
        for row in random_rows(300, 32)
    ]
    return FixedIndex([*stage(folder, "a", random_rows(300, 31)), *stage(folder, "b", later)])


@pytest.fixture(scope="module")
def rolled(bare: FixedIndex) -> FixedIndex:
    return bare.with_rollups()


def asked(
    index: FixedIndex, tmp_path: Path, name: str, text: str, time_range: TimeRange, values: Any
) -> Answer:
    queries = FlowQueries(DataFolder(tmp_path / "none"), QuerySettings(threads=1))
    queries._index = index  # type: ignore[assignment]
    return queries.ask(name, values, condition=parse_filter(text), time_range=time_range)


ALL = TimeRange()
HOURS = TimeRange(T0 + HOUR, T0 + 3 * HOUR)
#: The first file is only touched, the second is within.
ODD = TimeRange(T0 + HOUR + 7, T0 + 20 * HOUR + 1)
#: Within an hour and a period of each file.
CUT = TimeRange(T0 + HOUR + 61, T0 + 12 * HOUR + 1_817)

SERIES: dict[str, Any] = {"interval": "1h"}
ROLLED: list[tuple[str, dict[str, Any], str, TimeRange]] = [
    ("series", SERIES, "", ALL),
    ("series", SERIES, "", HOURS),
    ("series", SERIES, "", ODD),
    ("series", SERIES | {"split": "action"}, "", ALL),
    ("series", SERIES | {"split": "protocol", "lines": 2}, "action = ACCEPT", ALL),
    (
        "series",
        SERIES | {"split": "interface-id"},
        "interface-id in (eni-01, eni-02) and log-status = OK",
        ALL,
    ),
    ("series", {"interval": "2h"}, "not protocol = tcp", ALL),
    ("series", SERIES, "interface-id like '*3' or action is null", HOURS),
    ("coverage", {}, "", ALL),
    ("coverage", {"expected": "range", "interval": "10m"}, "", HOURS),
    ("coverage", {}, "interface-id = eni-01", ODD),
    ("talkers", {"limit": 100, "peers": True}, "", ALL),
    ("talkers", {"limit": 100}, "addr in 10.0.0.0/30", ODD),
    ("talkers", {"side": "peer"}, "srcaddr = 10.0.0.1 and protocol = tcp", ALL),
    ("pairs", {"limit": 100}, "dstaddr in 10.0.0.0/8 or action = REJECT", ALL),
    ("pairs", {"limit": 100, "sort": "records"}, "", ODD),
    ("ports", {"limit": 1000}, "addr = 10.0.0.2", ODD),
    ("rejects", {"limit": 1000}, "", ALL),
    ("rejects", {"limit": 1000}, "dstport in (22, 443) and srcaddr in 10.0.0.0/24", ODD),
    ("rejects", {"limit": 1000, "by": "target"}, "not dstport = 22", ALL),
    ("rejects", {"limit": 3, "by": "rule", "sort": "bytes"}, "", CUT),
    ("rejected_couples", {"limit": 1000}, "", ALL),
    ("rejected_couples", {"limit": 3, "sort": "bytes"}, "addr in 10.0.0.0/24", CUT),
    ("countries", {}, "", CUT),
    ("interfaces", {"limit": 100}, "", ODD),
    ("interfaces", {"limit": 100}, "account-id = 012345678901", ALL),
    ("overview", {}, "", ALL),
    ("overview", {}, "protocol = 6", ODD),
    ("overview", {}, "log-status = OK", HOURS),
    ("pairs", {"limit": 100}, "", CUT),
    ("talkers", {"limit": 100, "peers": True}, "", CUT),
    ("rejects", {"limit": 1000}, "addr in 10.0.0.0/24", CUT),
    ("figures", {}, "", CUT),
    ("graph_edges", {}, "", CUT),
    ("graph_edges", {"by": "interface", "internal": "192.0.2.0/24, 192.0.2.0/25"}, "", CUT),
    ("traffic", {"interval": "5m"}, "", CUT),
    ("bursts", {"records_min": 1, "deviations": 1}, "", TimeRange(T0 + 7, T0 + 25 * HOUR + 9)),
    ("series", SERIES | {"split": "interface-id"}, "", CUT),
    ("coverage", {}, "", TimeRange(T0 + 60, T0 + 5 * HOUR - 1)),
]


@pytest.mark.parametrize(("name", "values", "text", "time_range"), ROLLED)
def test_a_rollup_says_what_the_records_say(
    bare: FixedIndex,
    rolled: FixedIndex,
    tmp_path: Path,
    name: str,
    values: dict[str, Any],
    text: str,
    time_range: TimeRange,
) -> None:
    short = asked(rolled, tmp_path, name, text, time_range, values)
    plain = asked(bare, tmp_path, name, text, time_range, values)
    assert (short.scan.rollup, plain.scan.rollup) == (True, False)
    assert short.scan.rows == plain.scan.rows
    assert short.table.num_rows > 0
    assert short.table == plain.table
    for mine, theirs in zip(short.sections, plain.sections, strict=True):
        assert mine.table == theirs.table, mine.name


NOT_ROLLED: list[tuple[str, dict[str, Any], str, TimeRange]] = [
    ("series", {"interval": "7m"}, "", ALL),
    ("series", {"interval": "30m", "split": "interface-id"}, "", ALL),
    ("series", SERIES | {"split": "vpc-id"}, "", ALL),
    ("series", SERIES, "addr = 10.0.0.1", ALL),
    ("series", SERIES, f"start >= {T0 + 1_800}", ALL),
    ("coverage", {}, "bytes > 100", ALL),
    ("coverage", {}, "", TimeRange(T0 + 60, T0 + HOUR + 60)),
    ("pairs", {}, "", TimeRange(T0 + 60, T0 + 3_000)),
    ("talkers", {}, "dstport = 22", ALL),
    ("talkers", {}, "port = 22", ALL),
    ("talkers", {}, "log-status = OK", ALL),
    ("pairs", {}, "", HOURS),
    ("rejects", {}, "srcport = 22", ALL),
    ("rejects", {}, "dstport = 22 or action = REJECT or port = 1", ALL),
]


@pytest.mark.parametrize(("name", "values", "text", "time_range"), NOT_ROLLED)
def test_what_a_rollup_does_not_know_needs_the_records(
    rolled: FixedIndex,
    tmp_path: Path,
    name: str,
    values: dict[str, Any],
    text: str,
    time_range: TimeRange,
) -> None:
    answer = asked(rolled, tmp_path, name, text, time_range, values)
    assert not answer.scan.rollup
    assert answer.scan.bytes == sum(entry.bytes for entry in rolled.entries[: answer.scan.files])


def _chosen(grain: Grain, time_range: TimeRange, index: FixedIndex) -> tuple[Any, ...]:
    made = choose(grain, plan(None, time_range), time_range, index.entries)
    return made.records, made.summed, made.edges, made.cut_start, made.cut_end


def test_records_are_read_only_where_the_range_cuts_an_hour_or_period(rolled: FixedIndex) -> None:
    first, second = rolled.entries
    for grain in (Grain.HOURS, Grain.TRAFFIC):
        # The end cuts nothing: the second file is over before.
        assert _chosen(grain, ODD, rolled) == ((), (first, second), (first,), True, False)
        assert _chosen(grain, HOURS, rolled) == ((), (first,), (), False, False)
        assert _chosen(grain, CUT, rolled) == ((), (first, second), (first, second), True, True)
        inside = TimeRange(T0 + 61, T0 + 122)
        assert _chosen(grain, inside, rolled) == ((first,), (), (), False, False)
    # The first file ends in the period of six hours that the range cuts.
    found = _chosen(Grain.CONVERSATIONS, CUT, rolled)
    assert found == ((), (second,), (first, second), True, True)
    assert _chosen(Grain.CONVERSATIONS, HOURS, rolled) == ((first,), (), (), False, False)


def test_a_file_without_rollups_is_read_whole_beside_edges_of_others(
    bare: FixedIndex, tmp_path: Path
) -> None:
    half = bare.with_rollups(1)
    first, second = half.entries
    found = _chosen(Grain.HOURS, CUT, half)
    assert found == ((second,), (first,), (first,), True, False)
    for name in ("talkers", "figures"):
        mixed = asked(half, tmp_path, name, "", CUT, {})
        assert mixed.table == asked(bare, tmp_path, name, "", CUT, {}).table


def test_a_rollup_that_went_away_costs_time_and_no_answer(rolled: FixedIndex) -> None:
    gone = [replace(entry, rollup_path=f"{entry.path}.gone") for entry in rolled.entries]
    choice = choose(Grain.HOURS, plan(None, ALL), ALL, gone)
    assert choice.records == tuple(gone)
    assert not choice.rollups


def test_the_port_of_a_destination_is_known_of_refused_records_alone(rolled: FixedIndex) -> None:
    for text, known in (
        ("dstport = 22 and action = REJECT", True),
        ("dstport = 22 and action = ACCEPT", False),
        ("dstport = 22 or action = REJECT", False),
        ("not (dstport = 22 and action = REJECT)", False),
    ):
        choice = choose(Grain.CONVERSATIONS, plan(parse_filter(text), ALL), ALL, rolled.entries)
        assert bool(choice.rollups) is known, text


def test_rejects_asks_refused_records_alone() -> None:
    question = question_named("rejects")
    assert plan(question.condition(question.parameters()), ALL).refused
