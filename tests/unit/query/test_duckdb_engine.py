"""The embedded engine keeps to its files and its bounds."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flow_rows import T0, random_rows, write_rows

from vpcflow.base.errors import LimitError, QueryError, StoreError
from vpcflow.query.engines import FileTable
from vpcflow.query.engines.duckdb import DuckDbEngine
from vpcflow.query.settings import QuerySettings

ENDLESS = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDbEngine]:
    paths = write_rows(tmp_path, [random_rows(50, 1), random_rows(50, 2, packet_addresses=True)])
    tables = [FileTable("flow_records_stored", tuple(map(str, paths)))]
    settings = QuerySettings(rows_max=20, threads=1)
    with DuckDbEngine(settings, tables, folders=[tmp_path / "data"]) as opened:
        yield opened


def test_a_column_that_a_file_lacks_is_null(engine: DuckDbEngine) -> None:
    sql = "SELECT count(*) AS n, count(pkt_same) AS known FROM flow_records_stored"
    (row,) = engine.run_sql(sql, columns=("pkt_same",)).table.to_pylist()
    assert row["n"] == 100
    assert 0 < row["known"] <= 50


def test_an_unknown_fields_map_reads_as_null(engine: DuckDbEngine) -> None:
    sql = "SELECT count(unknown_fields) AS n FROM flow_records_stored"
    assert engine.run_sql(sql, columns=("unknown_fields",)).table.to_pylist() == [{"n": 0}]


def test_counting_needs_no_column(engine: DuckDbEngine) -> None:
    sql = "SELECT count(*) AS n FROM flow_records_stored"
    assert engine.run_sql(sql, columns=()).table.to_pylist() == [{"n": 100}]


def test_an_answer_is_cut_at_its_rows(engine: DuckDbEngine) -> None:
    cut = engine.run_sql("SELECT start FROM flow_records_stored", columns=("start",))
    assert (cut.table.num_rows, cut.truncated) == (20, True)
    whole = engine.run_sql("SELECT start FROM flow_records_stored LIMIT 20", columns=("start",))
    assert (whole.table.num_rows, whole.truncated) == (20, False)


def test_no_files_are_an_empty_table(tmp_path: Path) -> None:
    tables = [FileTable("flow_records_stored", ())]
    with DuckDbEngine(QuerySettings(), tables, folders=[tmp_path]) as engine:
        found = engine.run_sql(
            "SELECT host, start FROM flow_records_stored", columns=("host", "start")
        )
    assert found.table.num_rows == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '/tmp/vpcflow-test.csv'",
        "ATTACH '/tmp/vpcflow-test.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 8",
        "SET enable_external_access = true",
        "RESET memory_limit",
    ],
)
def test_nothing_but_the_table_can_be_reached(engine: DuckDbEngine, sql: str) -> None:
    with pytest.raises((QueryError, StoreError)):
        engine.run_sql(sql, columns=("start",))


def test_a_python_variable_is_no_table(engine: DuckDbEngine) -> None:
    import pyarrow as pa

    secret = pa.table({"a": [1]})
    with pytest.raises(QueryError, match="secret"):
        engine.run_sql("SELECT * FROM secret", columns=("start",))
    assert secret.num_rows == 1


def test_too_much_time_is_stopped(tmp_path: Path) -> None:
    settings = QuerySettings(time_s_max=0.05, threads=1)
    with (
        DuckDbEngine(settings, [], folders=[tmp_path]) as engine,
        pytest.raises(LimitError, match=r"longer than 0\.05 s"),
    ):
        engine.run_sql(ENDLESS, columns=())


def test_ctrl_c_stops_a_question(tmp_path: Path) -> None:
    settings = QuerySettings(threads=1, time_s_max=60)
    with DuckDbEngine(settings, [], folders=[tmp_path]) as engine:
        press = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        press.start()
        with pytest.raises(KeyboardInterrupt):
            engine.run_sql(ENDLESS, columns=())
        press.join()


def test_too_much_memory_is_refused(tmp_path: Path) -> None:
    settings = QuerySettings(memory_bytes_max=64 * 2**20, threads=1, time_s_max=60)
    sql = "SELECT list(a.range::VARCHAR || repeat('x', 200)) FROM range(5000000) a"
    with (
        DuckDbEngine(settings, [], folders=[tmp_path]) as engine,
        pytest.raises(LimitError, match="memory"),
    ):
        engine.run_sql(sql, columns=())


def test_a_file_that_went_away_is_the_stores_matter(tmp_path: Path) -> None:
    gone = FileTable("flow_records_stored", (str(tmp_path / "data" / "gone.parquet"),))
    with (
        DuckDbEngine(QuerySettings(), [gone], folders=[tmp_path]) as engine,
        pytest.raises(StoreError),
    ):
        engine.run_sql("SELECT start FROM flow_records_stored", columns=("start",))


def test_a_damaged_file_is_the_stores_matter(tmp_path: Path) -> None:
    (path,) = write_rows(tmp_path, [random_rows(50, 1)])
    path.write_bytes(path.read_bytes()[:-40])
    table = FileTable("flow_records_stored", (str(path),))
    with (
        DuckDbEngine(QuerySettings(), [table], folders=[tmp_path]) as engine,
        pytest.raises(StoreError),
    ):
        engine.run_sql(
            f"SELECT start FROM flow_records_stored WHERE start > {T0}", columns=("start",)
        )


def test_a_path_with_quotes_is_only_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "it's [odd]"
    odd.mkdir()
    paths = write_rows(odd, [random_rows(20, 3)])
    tables = [FileTable("flow_records_stored", tuple(map(str, paths)))]
    with DuckDbEngine(QuerySettings(), tables, folders=[odd]) as engine:
        found = engine.run_sql("SELECT count(*) AS n FROM flow_records_stored", columns=("start",))
    assert found.table.to_pylist() == [{"n": 20}]
