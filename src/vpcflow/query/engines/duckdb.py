"""The embedded engine: DuckDB over a list of Parquet files, shut off from all else.

A connection serves one question at a time. Before it reads anything it gives up what it does not
need: it reads only files in the folders that it was given, loads no extension, sees no Python
variable, and its configuration is locked. A watchdog interrupts it when its time is over.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from vpcflow.base.errors import LimitError, QueryError, StoreError
from vpcflow.query.engines import EngineResult, FileTable
from vpcflow.query.engines.connection_pool import ConnectionPool, Opened
from vpcflow.query.plan import StoredValue
from vpcflow.query.settings import QuerySettings
from vpcflow.query.spill_folder import SpillFolder
from vpcflow.query.statement import Statement
from vpcflow.query.stop_token import StopToken, stopped
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME, StoredColumn

#: Rows that the engine hands over at a time.
BATCH_ROWS = 65_536


class DuckDbEngine:
    """DuckDB over tables of files.

    Shape: ``folders`` are the only places it may read; below ``spill_folder`` goes what
    does not fit into memory, None when nothing may; ``stop`` ends what runs; ``pool`` lends the
    connection, and gets it back unless a statement failed.
    Errors: LimitError for time and memory, QueryError for what DuckDB refuses, StoppedError when
    ``stop`` was used, StoreError for files that are gone or damaged.
    """

    dialect = "duckdb"

    def __init__(
        self,
        settings: QuerySettings,
        tables: Sequence[FileTable],
        *,
        folders: Sequence[Path],
        spill_folder: Path | None = None,
        stop: StopToken | None = None,
        pool: ConnectionPool | None = None,
    ) -> None:
        self._settings = settings
        self._stop = stop or StopToken()
        self._stop.check()
        self._pool = pool or ConnectionPool(idle_max=0)
        self._is_sound = True
        self._tables: dict[str, FileTable] = {}
        self._views: dict[str, tuple[str, ...]] = {}
        self.provide(tables)
        self._opened = self._pool.take(settings, folders, spill_folder, _open)
        self._connection = self._opened.connection

    def __enter__(self) -> DuckDbEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._is_sound:
            self._pool.give_back(self._opened)
        else:
            self._opened.close()

    def provide(self, tables: Sequence[FileTable]) -> None:
        """Statements read these tables from now on."""
        self._tables = {table.name: table for table in tables}
        self._views.clear()

    def run(self, statement: Statement, values: Sequence[StoredValue]) -> EngineResult:
        used = {f"p{slot}": values[slot] for slot in statement.slots()}
        return self.run_sql(
            statement.with_values(lambda slot: f"$p{slot}"),
            used,
            columns=statement.columns,
            tables=statement.tables,
        )

    def run_sql(
        self,
        sql: str,
        values: dict[str, StoredValue] | None = None,
        *,
        columns: tuple[str, ...],
        tables: Sequence[str] | None = None,
    ) -> EngineResult:
        """The rows of DuckDB's own SQL.

        Shape: ``columns`` are the stored columns that it may read, ``tables`` the tables that it
        names, None when it may name any.
        """
        with self._guarded():
            for name in self._tables if tables is None else tables:
                self._make_view(self._tables[name], columns)
            relation = self._connection.sql(sql, params=values or {})
            if relation is None:
                raise QueryError("this statement gives no rows", where=sql[:80])
            return _read(relation.to_arrow_reader(BATCH_ROWS), self._settings.rows_max)

    def execute(self, sql: str) -> None:
        """A statement without rows, such as the definition of a view or a macro."""
        with self._guarded():
            self._connection.execute(sql)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection, for registering functions."""
        return self._connection

    def _make_view(self, table: FileTable, columns: tuple[str, ...]) -> None:
        wanted = columns if table.stored else ()
        if self._views.get(table.name) == wanted:
            return
        body = _view_body(table, [STORED_COLUMNS_BY_NAME[name] for name in wanted])
        self._connection.execute(f'CREATE OR REPLACE TEMP VIEW "{table.name}" AS {body}')
        self._views[table.name] = wanted

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._connection.interrupt()

        watchdog = threading.Timer(self._settings.time_s_max, stop)
        watchdog.daemon = True
        watchdog.start()
        try:
            with self._stop.interrupting(self._connection.interrupt):
                yield
        except KeyboardInterrupt:
            self._is_sound = False
            self._connection.interrupt()
            raise
        except (duckdb.Error, pa.ArrowException, RuntimeError) as error:
            self._is_sound = False
            if self._stop.is_stopped:
                raise stopped() from error
            # DuckDB swallows the person's Ctrl-C and raises this in its place.
            if type(error) is RuntimeError and "interrupted" in str(error) and not late.is_set():
                raise KeyboardInterrupt from error
            raise _explained(error, self._settings, late=late.is_set()) from error
        finally:
            watchdog.cancel()


def _open(
    settings: QuerySettings,
    folders: Sequence[Path],
    spill_folder: Path | None,
    key: tuple[object, ...],
) -> Opened:
    spill = None
    if spill_folder is not None and settings.spill_bytes_max > 0:
        spill = SpillFolder.make(spill_folder)
    try:
        return Opened(key, _connect(settings, folders, spill), spill)
    except BaseException:
        if spill is not None:
            spill.close()
        raise


def _connect(
    settings: QuerySettings, folders: Sequence[Path], spill: SpillFolder | None
) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {
        "threads": settings.threads or os.cpu_count() or 1,
        "memory_limit": f"{settings.memory_bytes_max}B",
        "temp_directory": str(spill.path) if spill else "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        # Order comes from ORDER BY alone; keeping the files' order costs memory and threads.
        "preserve_insertion_order": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        if spill:
            connection.execute(f"SET max_temp_directory_size = '{settings.spill_bytes_max}B'")
        connection.execute("SET TimeZone = 'UTC'")
        # Footers stay with the connection; data files never change.
        connection.execute("SET parquet_metadata_cache = true")
        # Blocks of files are in the system's memory already.
        connection.execute("SET enable_external_file_cache = false")
        listed = ", ".join(_text(f"{folder}/") for folder in folders)
        connection.execute(f"SET allowed_directories = [{listed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _view_body(table: FileTable, columns: Sequence[StoredColumn]) -> str:
    if not table.stored:
        # Paths are quoted; a folder's day is no column.
        source = f"{_path_list(table.paths)}, hive_partitioning = false"
        return f"SELECT * FROM read_parquet({source})"  # noqa: S608
    # A statement that counts rows reads no column, but a view needs one.
    columns = columns or [STORED_COLUMNS_BY_NAME["start"]]
    if not table.paths:
        nulls = ", ".join(f'NULL::{_type_name(column)} AS "{column.name}"' for column in columns)
        return f"SELECT {nulls} WHERE false"
    schema = ", ".join(
        f"{column.field_id}: {{name: '{column.name}', type: '{_type_name(column)}', "
        "default_value: NULL}"
        for column in columns
    )
    names = ", ".join(f'"{column.name}"' for column in columns)
    # Names and types are ours, paths are quoted.
    source = f"{_path_list(table.paths)}, schema = MAP {{{schema}}}, hive_partitioning = false"
    return f"SELECT {names} FROM read_parquet({source})"  # noqa: S608


def _type_name(column: StoredColumn) -> str:
    if pa.types.is_fixed_size_binary(column.type):
        return "BLOB"
    if pa.types.is_map(column.type):
        return "MAP(VARCHAR, VARCHAR)"
    return _TYPE_NAMES[column.type]


_TYPE_NAMES = {
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
}


def _path_list(paths: Sequence[str]) -> str:
    return f"[{', '.join(_text(path) for path in paths)}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _read(reader: pa.RecordBatchReader, rows_max: int) -> EngineResult:
    batches: list[pa.RecordBatch] = []
    rows = 0
    truncated = False
    for batch in reader:
        kept = batch.slice(0, rows_max - rows)
        batches.append(kept)
        rows += kept.num_rows
        if kept.num_rows < batch.num_rows:
            truncated = True
            break
    return EngineResult(pa.Table.from_batches(batches, schema=reader.schema), truncated)


def _explained(error: Exception, settings: QuerySettings, *, late: bool) -> Exception:
    what = str(error).strip().split("\n\n")[0]
    if late:
        return LimitError(
            f"the question took longer than {settings.time_s_max:g} s and was stopped",
            hint="ask for less time or fewer columns, or raise query.time_s_max",
        )
    if isinstance(error, duckdb.OutOfMemoryException) or "Out of Memory" in what:
        return LimitError(
            f"the question needs more than {settings.memory_bytes_max} bytes of memory",
            hint="ask for less time or fewer groups, or raise query.memory_bytes_max",
        )
    if isinstance(error, duckdb.InterruptException):
        return QueryError("the question was stopped")
    if isinstance(error, duckdb.PermissionException):
        return QueryError(
            f"a question may only read the table: {what}",
            hint="files, settings and extensions are out of reach on purpose",
        )
    damaged = isinstance(error, duckdb.InvalidInputException) and ".parquet'" in what
    if isinstance(error, duckdb.IOException) or damaged:
        return StoreError(
            f"a data file cannot be read: {what}",
            hint="ask again; the writer may have replaced it meanwhile",
        )
    return QueryError(what)
