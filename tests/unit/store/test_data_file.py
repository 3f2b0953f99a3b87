"""Data files: what is in them, what other engines see, merging, and a disk that says no."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.io.pyarrow import pyarrow_to_schema
from stored_rows import ADDRESSES, START, Row, batch, ipv4, sort_key

from vpcflow.base.errors import StoreError
from vpcflow.store.data_file import merge_data_files, write_data_file
from vpcflow.store.file_facts import read_facts
from vpcflow.store.layout import to_stored
from vpcflow.store.settings import StoreSettings
from vpcflow.store.sort import sort_order, sort_stored
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME

SETTINGS = StoreSettings(row_group_rows=1_024, merge_rows_max=1_024)
HOUR_ROWS = 700
COLUMNS = [
    *("interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "packets", "bytes"),
    *("start", "end", "action", "log_status", "vendor_field"),
]


def _row(number: int) -> Row:
    return {
        "interface_id": f"eni-{number % 5}",
        "srcaddr": ipv4(f"10.0.0.{number % 5}"),
        "dstaddr": ipv4(f"8.{number % 7}.{number % 250}.9"),
        "srcport": number * 31 % 60_000,
        "dstport": 443,
        "packets": number % 9 or None,
        "bytes": number,
        "start": START + number // HOUR_ROWS * 3_600 + number % 60,
        "end": START + number // HOUR_ROWS * 3_600 + 60,
        "action": "REJECT" if number % 13 == 0 else "ACCEPT",
        "log_status": "SKIPDATA" if number % 500 == 1 else "OK",
        "vendor_field": "seen" if number % 4 == 0 else None,
    }


def _table(numbers: range, without: tuple[str, ...] = ()) -> pa.Table:
    columns = [name for name in COLUMNS if name not in without]
    return to_stored([batch([_row(number) for number in numbers], columns)])


def _staged(data_dir: Path, name: str, table: pa.Table) -> StagedFile:
    path = data_dir / "day=2025-10-09" / name
    return write_data_file(sort_stored(table), path, SETTINGS, rollups=True)


def _rows(path: Path) -> list[Row]:
    table = pq.read_table(path, partitioning=None)
    rows: list[Row] = table.to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_a_file_holds_the_rows_in_order_and_says_so(tmp_path: Path) -> None:
    table = _table(range(3_000))
    staged = _staged(tmp_path / "data", "a.parquet", table)
    rows = _rows(staged.path)
    assert rows == [
        {name: value for name, value in row.items() if value is not None}
        for row in sorted(table.to_pylist(), key=sort_key)
    ]
    assert (staged.rows, staged.bytes) == (3_000, staged.path.stat().st_size)
    assert staged.day == START // 86_400 * 86_400
    assert staged.start_min == min(row["start"] for row in rows)
    assert staged.start_max == max(row["start"] for row in rows)
    assert staged.end_max == max(row["start"] + row["duration"] for row in rows)
    assert staged.host_min == min(row["host"] for row in rows)
    assert staged.host_max == max(row["host"] for row in rows)
    assert staged.skipdata_records == sum(row["log_status"] == "SKIPDATA" for row in rows) > 0
    assert staged.nodata_records == 0
    assert staged.metadata.num_row_groups == 3
    assert set(staged.columns) == set(table.column_names)


def test_the_footer_tells_the_same_facts(tmp_path: Path) -> None:
    staged = _staged(tmp_path / "data", "a.parquet", _table(range(100)))
    facts = read_facts(staged.path)
    assert facts.end_max == staged.end_max
    assert facts.skipdata_records == staged.skipdata_records
    assert facts.columns == staged.columns


def test_every_column_has_its_field_id_and_plain_type(tmp_path: Path) -> None:
    staged = _staged(tmp_path / "data", "a.parquet", _table(range(50)))
    schema = pq.ParquetFile(staged.path).schema_arrow
    for field in schema:
        column = STORED_COLUMNS_BY_NAME[field.name]
        assert field.type == column.type
        assert field.metadata[b"PARQUET:field_id"] == str(column.field_id).encode()
    ids = {field.name: field.field_id for field in pyarrow_to_schema(schema).fields}
    assert ids == {name: STORED_COLUMNS_BY_NAME[name].field_id for name in schema.names}


def test_filters_skip_row_groups_without_an_address(tmp_path: Path) -> None:
    staged = _staged(tmp_path / "data", "a.parquet", _table(range(4_000)))
    present = _rows(staged.path)[10]["peer"]
    groups = _kept_groups(staged.path, "peer", present)
    assert groups
    absent = [_kept_groups(staged.path, "peer", ipv4(f"8.3.200.{n}")) for n in range(40)]
    assert sum(not kept for kept in absent) > 20
    assert not _kept_groups(staged.path, "host", ipv4("10.0.0.77"))


def _kept_groups(path: Path, column: str, address: bytes) -> list[int]:
    """Row groups that DuckDB's reading of the filters keeps."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT row_group_id FROM parquet_bloom_probe(?, ?, ?) WHERE NOT bloom_filter_excludes",
            [str(path), column, address],
        ).fetchall()
    return [group for (group,) in found]


def test_duckdb_reads_the_same_rows(tmp_path: Path) -> None:
    staged = _staged(tmp_path / "data", "a.parquet", _table(range(2_000)))
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT count(*), sum(bytes), min(start), max(hi_port) FROM '{staged.path}'"
            " WHERE host = ?",
            [ipv4("10.0.0.3")],
        ).fetchone()
    rows = [row for row in _rows(staged.path) if row["host"] == ipv4("10.0.0.3")]
    assert found == (
        len(rows),
        sum(row["bytes"] for row in rows),
        min(row["start"] for row in rows),
        max(row["hi_port"] for row in rows),
    )


def test_a_table_in_any_order_is_written_by_its_order(tmp_path: Path) -> None:
    table = _table(range(500, 0, -1))
    path = tmp_path / "data" / "day=x" / "a.parquet"
    write_data_file(table, path, SETTINGS, order=sort_order(table))
    assert [sort_key(row) for row in _rows(path)] == sorted(
        sort_key(row) for row in table.to_pylist()
    )


def test_merging_gives_all_rows_in_order_within_its_bounds(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    parts = [
        _table(range(0, 3_000, 3)),
        _table(range(1, 3_000, 3), without=("vendor_field", "dstport")),
        _table(range(2, 3_000, 3), without=("srcaddr", "log_status")),
        _table(range(50), without=("start",)).drop_columns(["packets"]),
    ]
    staged = [_staged(data_dir, f"{n}.parquet", part) for n, part in enumerate(parts[:3])]
    merged = merge_data_files([file.path for file in staged], data_dir, SETTINGS)
    (file,) = merged
    before = [row for one in staged for row in _rows(one.path)]
    after = _rows(file.path)
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    assert [sort_key(row) for row in after] == sorted(sort_key(row) for row in before)
    assert file.skipdata_records == sum(one.skipdata_records for one in staged)
    assert file.metadata.num_row_groups == 3
    assert file.path.parent == staged[0].path.parent


_merge_rows = st.lists(
    st.fixed_dictionaries(
        {
            "srcaddr": st.none() | st.sampled_from(ADDRESSES),
            "dstaddr": st.sampled_from(ADDRESSES),
            "srcport": st.none() | st.sampled_from([0, 80]),
            "start": st.sampled_from([START, START + 1, START + 3_600]),
        }
    ),
    min_size=1,
    max_size=40,
)


@given(st.lists(_merge_rows, min_size=1, max_size=4))
@settings(max_examples=12, deadline=None)
def test_merging_equals_sorting_all_rows(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Row]]
) -> None:
    data_dir = tmp_path_factory.mktemp("merge") / "data"
    names = ["srcaddr", "dstaddr", "srcport", "start"]
    staged = [
        _staged(data_dir, f"{n}.parquet", to_stored([batch(rows, names)]))
        for n, rows in enumerate(parts)
    ]
    before = [row for one in staged for row in _rows(one.path)]
    (file,) = merge_data_files([one.path for one in staged], data_dir, SETTINGS)
    after = _rows(file.path)
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    assert [sort_key(row) for row in after] == sorted(sort_key(row) for row in before)


def test_a_merge_starts_another_file_at_its_target_size(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    small = SETTINGS.model_copy(update={"target_file_bytes": 1})
    staged = [_staged(data_dir, f"{n}.parquet", _table(range(n, 4_000, 2))) for n in range(2)]
    merged = merge_data_files([file.path for file in staged], data_dir, small)
    assert [file.rows for file in merged] == [1_024, 1_024, 1_024, 928]
    assert merged[0].start_max <= merged[1].start_min + 3_600
    again = merge_data_files([file.path for file in staged], data_dir, small)
    assert [file.path for file in again] == [file.path for file in merged]


def test_a_merge_that_cannot_read_leaves_nothing_new(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    staged = [_staged(data_dir, f"{n}.parquet", _table(range(n, 2_000, 2))) for n in range(2)]
    staged[1].path.write_bytes(staged[1].path.read_bytes()[:-200])
    before = _files_below(tmp_path)
    with pytest.raises(StoreError, match=r"1\.parquet"):
        merge_data_files([file.path for file in staged], data_dir, SETTINGS)
    assert _files_below(tmp_path) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data" / "day=x" / "a.parquet"
    path.parent.mkdir(parents=True)
    (path.parent / ".a.parquet.tmp").symlink_to("/dev/full")
    with pytest.raises(StoreError) as told:
        write_data_file(sort_stored(_table(range(3_000))), path, SETTINGS)
    assert "No space left" in told.value.what
    assert told.value.where == str(path)
    assert "free space" in told.value.hint
    assert _files_below(tmp_path) == []


def _files_below(folder: Path) -> list[Any]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
