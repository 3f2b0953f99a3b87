"""The table is a standard Iceberg table: other readers find the same rows under our field ids."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.expressions import GreaterThanOrEqual
from pyiceberg.schema import Schema
from small_files import DAY, address, row, stage

from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.store import catalog as iceberg_catalog
from vpcflow.store import stored_schema
from vpcflow.store.iceberg_schema import grown_schema, iceberg_schema
from vpcflow.store.stored_schema import STORED_COLUMNS, StoredColumn
from vpcflow.store.table import FlowTable


def test_every_column_has_its_own_id(flow_table: FlowTable) -> None:
    found = {field.name: field.field_id for field in flow_table.iceberg_table.schema().fields}
    assert found == {column.name: column.field_id for column in STORED_COLUMNS}
    unknown = flow_table.iceberg_table.schema().find_field("unknown_fields").field_type
    assert (unknown.key_id, unknown.value_id) == (
        stored_schema.UNKNOWN_FIELDS_KEY_ID,
        stored_schema.UNKNOWN_FIELDS_VALUE_ID,
    )


def _fill(table: FlowTable) -> None:
    first = stage(
        table.data_dir,
        [
            row(10, 1, lo_port=22, vpc_id="vpc-1", unknown_fields=[("new-field", "x")]),
            row(20, 2, lo_port=53),
        ],
    )
    second = stage(table.data_dir, [row(DAY + 5, 3, tcp_flags=2)])
    no_start = stage(
        table.data_dir, [{"start": None, "interface_id": "eni-1", "log_status": "NODATA"}]
    )
    table.commit([first, second, no_start], "one")


def test_iceberg_scan_reads_the_rows_with_missing_columns_null(flow_table: FlowTable) -> None:
    _fill(flow_table)
    rows = flow_table.iceberg_table.scan().to_arrow().to_pylist()
    assert len(rows) == 4
    by_start = {found["start"]: found for found in rows}
    assert by_start[10]["vpc_id"] == "vpc-1"
    assert by_start[10]["host"] == address(1)
    assert by_start[10]["unknown_fields"] == [("new-field", "x")]
    assert by_start[10]["tcp_flags"] is None
    assert by_start[DAY + 5]["tcp_flags"] == 2
    assert by_start[None]["interface_id"] == "eni-1"
    assert set(rows[0]) == {column.name for column in STORED_COLUMNS}


def test_iceberg_prunes_files_by_day_and_bounds(flow_table: FlowTable) -> None:
    _fill(flow_table)
    scan = flow_table.iceberg_table.scan(GreaterThanOrEqual("start", DAY))
    assert [Path(task.file.file_path).parent.name for task in scan.plan_files()] == [
        f"start_day={DAY}"
    ]
    assert scan.to_arrow().column("start").to_pylist() == [DAY + 5]


def test_duckdb_reads_the_same_rows_by_field_id(flow_table: FlowTable) -> None:
    _fill(flow_table)
    paths = [entry.path for entry in flow_table.index.entries()]
    columns = ", ".join(
        f"{column.field_id}: {{name: '{column.name}', type: '{kind}', default_value: NULL}}"
        for column in STORED_COLUMNS
        if (
            kind := {pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.string(): "VARCHAR"}.get(
                column.type
            )
        )
    )
    found = duckdb.sql(
        f"SELECT start, vpc_id, tcp_flags FROM read_parquet({paths}, schema=MAP {{{columns}}})"
    ).fetchall()
    theirs = flow_table.iceberg_table.scan().to_arrow().select(["start", "vpc_id", "tcp_flags"])
    assert sorted(found, key=repr) == sorted(
        (tuple(one.values()) for one in theirs.to_pylist()), key=repr
    )


def test_an_opened_table_is_the_same_table(flow_table: FlowTable, folder: DataFolder) -> None:
    _fill(flow_table)
    with FlowTable.open(folder) as again:
        assert again.has_commit("one")
        assert (
            again.iceberg_table.metadata.table_uuid == flow_table.iceberg_table.metadata.table_uuid
        )
        assert again.index.totals().rows == 4


def test_columns_of_a_later_registry_are_added_with_their_ids(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tuple(column for column in STORED_COLUMNS if column.name != "reject_reason")
    monkeypatch.setattr(iceberg_catalog, "iceberg_schema", lambda: iceberg_schema(older))
    monkeypatch.setattr(iceberg_catalog, "grown_schema", lambda schema: grown_schema(schema, older))
    with FlowTable.open(folder) as table:
        table.commit([stage(table.data_dir, [row(10)])], "one")
        assert "reject_reason" not in table.iceberg_table.schema().column_names
    monkeypatch.undo()
    with FlowTable.open(folder) as table:
        wanted = stored_schema.STORED_COLUMNS_BY_NAME["reject_reason"].field_id
        assert table.iceberg_table.schema().find_field("reject_reason").field_id == wanted
        table.commit([stage(table.data_dir, [row(20, reject_reason="BPA")])], "two")
        rows = table.iceberg_table.scan().to_arrow().to_pylist()
        assert {found["start"]: found["reject_reason"] for found in rows} == {10: None, 20: "BPA"}


def test_a_column_under_another_id_is_refused() -> None:
    host = STORED_COLUMNS[0]
    moved = (StoredColumn("host", 77, host.type), *STORED_COLUMNS[1:])
    with pytest.raises(StoreError, match="id 77"):
        grown_schema(iceberg_schema(), moved)


def test_a_column_of_a_newer_version_is_kept() -> None:
    future = (*STORED_COLUMNS, StoredColumn("later", 199, pa.int32()))
    assert grown_schema(iceberg_schema(future)) is None
    grown = grown_schema(iceberg_schema(), future)
    assert isinstance(grown, Schema)
    assert grown.find_field("later").field_id == 199


def test_an_unreadable_catalog_says_what_and_where(folder: DataFolder) -> None:
    folder.make()
    folder.catalog_db.write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError) as caught:
        FlowTable.open(folder)
    assert caught.value.where == str(folder.catalog_db)
    assert "restore" in caught.value.hint


def test_a_catalog_pointer_to_nothing_is_an_error(
    flow_table: FlowTable, folder: DataFolder
) -> None:
    os.rename(folder.warehouse, folder.root / "elsewhere")
    with pytest.raises(StoreError):
        FlowTable.open(folder)


def test_a_path_that_no_file_address_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="#"):
        FlowTable.open(DataFolder(tmp_path / "a#b"))


@pytest.mark.parametrize("name", ["with space", "prozent%20", "ünïcode"])
def test_odd_folder_names_work(tmp_path: Path, name: str) -> None:
    with FlowTable.open(DataFolder(tmp_path / name)) as table:
        table.commit([stage(table.data_dir, [row(10)])], "one")
        assert len(table.iceberg_table.scan().to_arrow()) == 1
        assert table.index.totals().rows == 1


def test_the_catalog_is_durable(flow_table: FlowTable, folder: DataFolder) -> None:
    with sqlite3.connect(folder.catalog_db) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with flow_table._catalog.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").fetchone() == (2,)
