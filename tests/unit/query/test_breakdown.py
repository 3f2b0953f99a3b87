"""Breakdowns and traffic against plain Python over the same rows, from records and from rollups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from flow_rows import T0, FixedIndex, Row, holds, random_rows, stage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_rollups import is_inside

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import LimitError, QueryError
from vpcflow.query.answer import Answer
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange

Ask = Callable[..., Answer]
#: Whole periods and hours, a part of an hour, and odd seconds.
RANGES = (
    TimeRange(),
    TimeRange(T0 + 3_600, T0 + 4 * 3_600),
    TimeRange(T0 + 900, T0 + 7_500),
    TimeRange(T0 + 901, T0 + 7_517),
)
FILTERS = ("", "action = REJECT", "addr = 10.0.0.2", "interface-id = eni-01", "port = 22")
SUMS = ("bytes", "packets", "records", "rejected", "records_without_bytes")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    pick = random_rows(500, 77)
    for place, row in enumerate(pick):
        if "srcaddr" in row and place % 3:
            row["flow-direction"] = "egress" if row["srcaddr"] == host_of(row) else "ingress"
    return pick


@pytest.fixture(scope="module")
def asks(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Ask]]:
    """The same rows from records, from rollups, and from both."""
    folder = tmp_path_factory.mktemp("breakdown")
    index = FixedIndex([*stage(folder, "one", rows[:300]), *stage(folder, "two", rows[300:])])
    made: list[Ask] = []
    for rolled in (0, None, 1):
        # Statements are kept, and asked again with other values.
        data = DataFolder(Path(folder / f"data{len(made)}"))
        data.root.mkdir()
        queries = FlowQueries(data, QuerySettings(threads=1))
        queries._index = index.with_rollups(rolled)  # type: ignore[assignment]
        made.append(queries.ask)
    yield made


def chosen(rows: Sequence[Row], text: str, time_range: TimeRange) -> list[Row]:
    condition = parse_filter(text)
    start_s, end_s = time_range.start_s or 0, time_range.end_s or 2**62
    return [row for row in rows if holds(condition, row) and start_s <= row["start"] < end_s]


def host_of(row: Row) -> str | None:
    """The interface's own address: these rows are made so that it is known."""
    ends = {row.get("srcaddr"), row.get("dstaddr")} - {None}
    own = f"10.0.0.{int(row['interface-id'][-2:]) + 1}"
    return own if own in ends else None


def leaves(row: Row) -> bool:
    return (
        row["flow-direction"] == "egress"
        if "flow-direction" in row
        else row["srcaddr"] == host_of(row)
    )


def class_of(row: Row) -> str | None:
    if row["log-status"] != "OK":
        return None
    if row.get("action") == "REJECT":
        return "rejected"
    if is_inside(row["srcaddr"]) and is_inside(row["dstaddr"]):
        return "internal"
    return "egress" if leaves(row) else "ingress"


def values_of(row: Row, by: str) -> list[tuple[Any, ...]]:
    """The keys that a row counts for."""
    keys: list[tuple[Any, ...]] = [()]
    for field in by.split(","):
        if field == "address":
            found = [(end,) for end in (row.get("srcaddr"), row.get("dstaddr")) if end]
        elif field == "class":
            kind = class_of(row)
            found = [] if kind is None else [(kind,)]
        elif field == "scope":
            ends = [row.get("srcaddr"), row.get("dstaddr")]
            inside = all(end is not None and is_inside(end) for end in ends)
            found = [(None if None in ends else "internal" if inside else "internet",)]
        elif field == "service":
            ports = [row.get("srcport"), row.get("dstport")]
            found = [(row.get("protocol"), None if None in ports else min(ports))]
        else:
            found = [(row.get(field),)]
        keys = [(*key, *more) for key in keys for more in found]
    return keys


def sums_of(rows: Sequence[Row]) -> Row:
    def total(name: str) -> int | None:
        known = [row[name] for row in rows if row.get(name) is not None]
        return sum(known) if known or not rows else None

    return {
        "bytes": total("bytes"),
        "packets": total("packets"),
        "records": len(rows),
        "rejected": sum(row.get("action") == "REJECT" for row in rows),
        "records_without_bytes": sum(row.get("bytes") is None for row in rows),
    }


def grouped(rows: Sequence[Row], by: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        for key in values_of(row, by):
            groups[key].append(row)
    return groups


FIELDS = (
    *("address", "class", "scope", "service", "srcaddr", "dstaddr", "action", "interface-id"),
    *("protocol", "dstport", "log-status", "reject-rule", "class,action", "srcaddr,dstaddr"),
    *("interface-id,class", "service,action", "flow-direction,protocol,scope"),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    by=st.sampled_from(FIELDS),
    text=st.sampled_from(FILTERS),
    time_range=st.sampled_from(RANGES),
    limit=st.sampled_from([1, 3, 1_000]),
    sort=st.sampled_from(["bytes", "packets", "records", "rejected"]),
)
def test_a_breakdown_is_what_plain_python_counts(
    rows: list[Row],
    asks: list[Ask],
    by: str,
    text: str,
    time_range: TimeRange,
    limit: int,
    sort: str,
) -> None:
    groups = grouped(chosen(rows, text, time_range), by)
    expected = {key: sums_of(found) for key, found in groups.items()}
    largest = sorted(-(value[sort] or 0) for value in expected.values())[:limit]
    values = {"by": by, "limit": limit, "sort": sort, "other": True}
    answers = [
        ask("breakdown", values, condition=parse_filter(text), time_range=time_range)
        for ask in asks
    ]
    assert answers[0].table == answers[1].table == answers[2].table
    names = [column.name for column in answers[0].columns]
    keys = names[: names.index("bytes")]
    found = answers[0].table.to_pylist()
    listed = [row for row in found if not row["is_other"]]
    assert [-(row[sort] or 0) for row in listed] == largest
    for row in listed:
        key = tuple(row[name] for name in keys)
        assert {name: row[name] for name in SUMS} == expected.pop(key)
    # All that is not listed is in the last row.
    rest = [row for row in found if row["is_other"]]
    assert sum(row["records"] for row in rest) == sum(sums["records"] for sums in expected.values())
    assert sum(row["bytes"] or 0 for row in rest) == sum(
        sums["bytes"] or 0 for sums in expected.values()
    )


@pytest.mark.parametrize("by", ["class", "action", "service", "srcaddr", "interface-id"])
@pytest.mark.parametrize("interval", ["5m", "1h", "7m"])
@pytest.mark.parametrize("time_range", RANGES[:2])
def test_over_time_every_group_has_every_interval(
    rows: list[Row], asks: list[Ask], by: str, interval: str, time_range: TimeRange
) -> None:
    width_s = {"5m": 300, "1h": 3_600, "7m": 420}[interval]
    values = {"by": by, "limit": 2, "interval": interval, "other": True}
    answers = [ask("breakdown", values, time_range=time_range) for ask in asks]
    assert answers[0].table == answers[1].table == answers[2].table
    assert answers[0].interval_s == width_s
    found = answers[0].table.to_pylist()
    kept = [row for row in chosen(rows, "", time_range) if values_of(row, by)]
    times = sorted({row["time"] for row in found})
    assert times == list(range(times[0], times[-1] + 1, width_s))
    lines = len([row for row in found if row["time"] == times[0]])
    assert len(found) == lines * len(times)
    for time_s in times:
        here = [row for row in kept if row["start"] - row["start"] % width_s == time_s]
        assert sum(row["records"] for row in found if row["time"] == time_s) == len(here)


@pytest.mark.parametrize("text", FILTERS)
@pytest.mark.parametrize("time_range", RANGES)
@pytest.mark.parametrize("interval", ["5m", "1h", "auto"])
def test_traffic_is_what_plain_python_counts(
    rows: list[Row], asks: list[Ask], text: str, time_range: TimeRange, interval: str
) -> None:
    answers = [
        ask(
            "traffic",
            {"interval": interval},
            condition=parse_filter(text),
            time_range=time_range,
        )
        for ask in asks
    ]
    assert answers[0].table == answers[1].table == answers[2].table
    width_s = answers[0].interval_s
    assert width_s is not None
    groups: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in chosen(rows, text, time_range):
        kind = class_of(row)
        if kind is not None:
            groups[row["start"] - row["start"] % width_s, kind].append(row)
    found = answers[0].table.to_pylist()
    assert [row["class"] for row in found[:4]] == ["internal", "ingress", "egress", "rejected"]
    for row in found:
        expected = sums_of(groups.pop((row["time"], row["class"]), []))
        assert row["records"] == expected["records"]
        assert (row["bytes"], row["packets"]) == (expected["bytes"], expected["packets"])
    assert not groups


def test_rollups_answer_where_they_can(asks: list[Ask]) -> None:
    for by in ("class", "interface-id,scope", "srcaddr", "service", "reject-rule"):
        assert asks[1]("breakdown", {"by": by}).scan.rollup, by
    hour = TimeRange(T0 + 300, T0 + 3_600)
    assert asks[1]("traffic", {"interval": "5m"}, time_range=hour).scan.rollup
    assert not asks[1]("breakdown", {"by": "dstport"}).scan.rollup
    refused = parse_filter("action = REJECT")
    assert asks[1]("breakdown", {"by": "dstport"}, condition=refused).scan.rollup


def test_distinct_hosts_and_peers(rows: list[Row], asks: list[Ask]) -> None:
    answers = [ask("breakdown", {"by": "protocol", "distinct": True}) for ask in asks]
    assert answers[0].table == answers[1].table == answers[2].table
    for row in answers[0].table.to_pylist():
        own = [one for one in rows if one.get("protocol") == row["protocol"]]
        ends = {end for one in own for end in (one.get("srcaddr"), one.get("dstaddr")) if end}
        assert 0 <= row["hosts"] <= len(ends)
        assert row["hosts"] + row["peers"] >= len(ends)


def test_what_cannot_be_asked_says_why(asks: list[Ask]) -> None:
    with pytest.raises(QueryError, match="no field 'srcadr'; did you mean srcaddr"):
        asks[0]("breakdown", {"by": "srcadr"})
    with pytest.raises(QueryError, match="1 to 3 fields"):
        asks[0]("breakdown", {"by": "action,protocol,class,host"})
    with pytest.raises(LimitError, match="more than 10 intervals"):
        asks[0]("traffic", {"interval": "1m", "intervals_max": 10})
