"""All rollups: equal to a slow count of the same rows, however they were put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollup_reference import (
    added_up,
    expected_conversations,
    expected_hours,
    expected_traffic,
)
from stored_rows import ADDRESSES, INT64_MAX, START, Row, batch, batches

from vpcflow.record.batch import FlowBatch
from vpcflow.store import data_file as data_files
from vpcflow.store.conversation import ConversationRollup, conversations_of
from vpcflow.store.data_file import merge_data_files, remove_staged, write_data_file
from vpcflow.store.layout import to_stored
from vpcflow.store.rollup import HourRollup, plain_rollup, rollup_of
from vpcflow.store.rollup_paths import (
    CONVERSATION_FOLDER,
    HOUR_FOLDER,
    conversation_path,
    rollup_hour_path,
    traffic_path,
)
from vpcflow.store.rollup_schema import (
    CONVERSATION_DIMENSIONS,
    CONVERSATION_SCHEMA,
    HOUR_DIMENSIONS,
    HOUR_SCHEMA,
    TRAFFIC_DIMENSIONS,
    TRAFFIC_SCHEMA,
)
from vpcflow.store.rollup_traffic import TrafficRollup, traffic_of
from vpcflow.store.settings import StoreSettings
from vpcflow.store.sort import sort_stored
from vpcflow.store.staged_file import StagedFile

SETTINGS = StoreSettings(row_group_rows=1_024)


def _hours(rollup: pa.Table) -> dict[tuple[Any, ...], Row]:
    assert rollup.schema == HOUR_SCHEMA
    return added_up(rollup.to_pylist(), HOUR_DIMENSIONS)


def _traffic(rollup: pa.Table) -> dict[tuple[Any, ...], Row]:
    assert rollup.schema == TRAFFIC_SCHEMA
    return added_up(rollup.to_pylist(), TRAFFIC_DIMENSIONS)


def _conversations(rollup: pa.Table) -> dict[tuple[Any, ...], Row]:
    assert rollup.schema == CONVERSATION_SCHEMA
    rows = rollup.to_pylist()
    for row in rows:
        # Written only where it says more than first_start.
        assert row["last_start"] is None or row["last_start"] != row["first_start"]
        if row["last_start"] is None:
            row["last_start"] = row["first_start"]
    return added_up(rows, CONVERSATION_DIMENSIONS)


@given(st.lists(batches(), min_size=1, max_size=3), st.sampled_from([1, 2, 7, 1_000]))
@settings(max_examples=60, deadline=None)
def test_rollups_equal_the_reference(made: list[list[FlowBatch]], rows_max: int) -> None:
    tables = [sort_stored(to_stored(part)) for part in made]
    rows = [row for table in tables for row in table.to_pylist()]
    assert _hours(rollup_of(tables, rows_max=rows_max)) == expected_hours(rows)
    assert _traffic(traffic_of(tables, rows_max=rows_max)) == expected_traffic(rows)
    found = conversations_of(tables, rows_max=rows_max)
    assert _conversations(found) == expected_conversations(rows)


@given(st.lists(batches(), min_size=1, max_size=3), st.sampled_from([1, 2, 1_000]))
@settings(max_examples=60, deadline=None)
def test_rollups_of_rollups_are_those_of_all_rows(
    made: list[list[FlowBatch]], rows_max: int
) -> None:
    tables = [sort_stored(to_stored(part)) for part in made]
    hours: list[pa.Table] = []
    conversations: list[pa.Table] = []
    periods: list[pa.Table] = []
    traffic = TrafficRollup(periods.append, rows_max=rows_max)
    hour = HourRollup(hours.append, rows_max=rows_max)
    conversation = ConversationRollup(conversations.append, rows_max=rows_max)
    for table in tables:
        hour.add_rollup(rollup_of([table]))
        conversation.add_rollup(conversations_of([table]))
        traffic.add_rollup(traffic_of([table]))
    hour.finish()
    conversation.finish()
    traffic.finish()
    rows = [row for table in tables for row in table.to_pylist()]
    assert _hours(plain_rollup(hours, HOUR_SCHEMA)) == expected_hours(rows)
    assert _traffic(plain_rollup(periods, TRAFFIC_SCHEMA)) == expected_traffic(rows)
    found = plain_rollup(conversations, CONVERSATION_SCHEMA)
    assert _conversations(found) == expected_conversations(rows)


@pytest.mark.parametrize("value", [INT64_MAX, -(2**63), 2**62])
def test_sums_beyond_64_bits_stay_exact(value: int) -> None:
    rows = [{"bytes": value, "packets": value, "start": START} for _ in range(5)]
    table = sort_stored(to_stored([batch(rows, list(rows[0]))]))
    tables = [table, table]
    for rollup in (rollup_of(tables), conversations_of(tables), traffic_of(tables)):
        for name in ("bytes", "packets"):
            assert sum(rollup[name].to_pylist()) == 10 * value
        assert sum(rollup["records"].to_pylist()) == 10


def test_far_apart_values_still_make_groups() -> None:
    starts = [0, 2**62, -(2**62), START]
    rows = [
        {"start": start, "protocol": protocol, "interface_id": f"eni-{n}", "packets": 1}
        for n in range(50)
        for start in starts
        for protocol in (0, 2**31 - 1, -(2**31))
    ]
    table = sort_stored(to_stored([batch(rows, list(rows[0]))]))
    assert _hours(rollup_of([table])) == expected_hours(table.to_pylist())
    assert _traffic(traffic_of([table])) == expected_traffic(table.to_pylist())
    found = _conversations(conversations_of([table]))
    assert found == expected_conversations(table.to_pylist())


@pytest.mark.parametrize(
    ("second", "duration", "seen", "following"),
    [
        (0, 0, 1, 0),
        (59, 1, 0b11, 0),
        (3_599, 0, 1 << 59, 0),
        (3_540, 60, 1 << 59, 1),
        (0, 3_600, 2**60 - 1, 1),
        (3_599, 3_600, 1 << 59, 2**60 - 1),
        (0, 10**9, 2**60 - 1, 1),
        (120, -50, 1 << 2, 0),
        (120, None, 1 << 2, 0),
    ],
)
def test_minutes(second: int, duration: int | None, seen: int, following: int) -> None:
    start = START // 3_600 * 3_600 + second
    end = None if duration is None else start + duration
    table = to_stored([batch([{"start": start, "end": end}], ["start", "end"])])
    (row,) = rollup_of([table]).to_pylist()
    assert (row["minutes_seen"], row["minutes_next"]) == (seen, following)


def _rows(count: int, hour: int = 0) -> list[Row]:
    return [
        {
            "start": START + hour * 3_600 + n % 7_000,
            "end": START + hour * 3_600 + n % 7_000 + 30,
            "bytes": n,
            "packets": n % 3 or None,
            "srcaddr": ADDRESSES[n % 3],
            "dstaddr": ADDRESSES[3 + n % 4],
            "srcport": 443,
            "dstport": 50_000 + n % 5,
            "action": "REJECT" if n % 4 else "ACCEPT",
            "interface_id": f"eni-{n % 3}",
        }
        for n in range(count)
    ]


def _staged(folder: Path, name: str, rows: list[Row]) -> tuple[StagedFile, pa.Table]:
    table = sort_stored(to_stored([batch(rows, list(rows[0]))]))
    path = folder / "t" / "data" / "day=2025-10-09" / f"{name}.parquet"
    return write_data_file(table, path, SETTINGS, rollups=True), table


def _read(path: Path) -> pa.Table:
    return pq.read_table(path, partitioning=None)


def test_rollups_of_a_file_lie_beside_the_data_and_span_its_row_groups(tmp_path: Path) -> None:
    staged, table = _staged(tmp_path, "a", _rows(3_000))
    hour = tmp_path / "t" / HOUR_FOLDER / "day=2025-10-09" / "a.parquet"
    conversation = tmp_path / "t" / CONVERSATION_FOLDER / "day=2025-10-09" / "a.parquet"
    assert (staged.rollup_path, staged.has_conversation) == (hour, True)
    assert (rollup_hour_path(staged.path), conversation_path(staged.path)) == (hour, conversation)
    rows = table.to_pylist()
    assert _hours(_read(hour)) == expected_hours(rows)
    assert _traffic(_read(traffic_path(staged.path))) == expected_traffic(rows)
    assert _conversations(_read(conversation)) == expected_conversations(rows)
    assert len(_read(conversation)) == len(expected_conversations(rows))
    order = [(row["start"], row["host"]) for row in _read(conversation).to_pylist()]
    assert order == sorted(order)


def test_what_is_given_up_leaves_no_rollup(tmp_path: Path) -> None:
    staged, _ = _staged(tmp_path, "a", _rows(10))
    remove_staged([staged])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("fault", ["none", "missing", "damaged", "of other records", "split"])
def test_a_merge_has_exact_rollups(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [_staged(tmp_path, f"part{n}", _rows(2_000 + n, hour=n)) for n in range(3)]
    paths = [staged.path for staged, _ in parts]
    first = conversation_path(paths[0])
    if fault == "missing":
        first.unlink()
    elif fault == "damaged":
        first.write_bytes(b"PAR1 not a table")
    elif fault == "of other records":
        pq.write_table(_read(first).slice(1), first)
    counted: list[int] = []
    add = data_files.RollupFiles.add
    monkeypatch.setattr(
        data_files.RollupFiles,
        "add",
        lambda rollups, rows: (counted.append(len(rows)), add(rollups, rows))[1],
    )
    size = 64 * 1024 if fault == "split" else 1 << 30
    merge_settings = SETTINGS.model_copy(update={"target_file_bytes": size})
    if fault == "split":
        merge_settings = merge_settings.model_copy(update={"target_file_bytes": 1})
    merged = merge_data_files(paths, tmp_path / "t" / "data", merge_settings)
    assert (len(merged) > 1) == (fault == "split")
    assert sum(counted) == (0 if fault == "none" else sum(len(table) for _, table in parts))
    for staged in merged:
        rows = pq.read_table(staged.path, partitioning=None).to_pylist()
        assert staged.rollup_path is not None
        assert _hours(_read(staged.rollup_path)) == expected_hours(rows)
        assert _traffic(_read(traffic_path(staged.path))) == expected_traffic(rows)
        found = _read(conversation_path(staged.path))
        assert _conversations(found) == expected_conversations(rows)
