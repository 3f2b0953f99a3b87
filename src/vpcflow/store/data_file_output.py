"""A data file while it is written: sorted rows of one day to Parquet, durable, then named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.base.errors import StoreError
from vpcflow.store.durable_file import make_durable, temporary_path
from vpcflow.store.file_facts import FACTS_KEY
from vpcflow.store.rollup_files import RollupFiles
from vpcflow.store.row_facts import FactsOfRows
from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import STORED_COLUMNS, STORED_COLUMNS_BY_NAME

#: Columns whose values differ from row to row: deltas are written and read faster than a dictionary.
_DELTA_COLUMNS = frozenset({"start", "bytes", "rtt_us"})
#: Ports repeat in runs and patterns that zstd finds by itself, and a dictionary hides.
_PLAIN_COLUMNS = frozenset({"lo_port", "hi_port"})
#: Text that differs between the hosts of a file; bounds of other text prune nothing.
_BOUNDED_TEXT = frozenset({"account_id", "interface_id", "vpc_id", "subnet_id", "instance_id"})
#: A dictionary that grows beyond this ends; a row group's addresses fit.
_DICTIONARY_BYTES_MAX = 8 << 20
#: Values that the Parquet writer takes at a time; many, because it looks at a dictionary each time.
_WRITE_BATCH_ROWS = 131_072
#: Room in the filters for row groups with more addresses than the first.
_BLOOM_HEADROOM = 1.25
_BLOOM_VALUES_MIN = 64


class DataFileOutput:
    """A data file while it is written, a row group at a time, in sorted order.

    Shape: every row group has host and peer as dictionaries; it may lack columns of ``columns``.
    ``rollups`` are written along; with ``rollups_filled`` they do not count the rows themselves.
    Errors: StoreError when the disk refuses; call ``abort`` then.
    """

    def __init__(
        self,
        path: Path,
        columns: tuple[str, ...],
        settings: StoreSettings,
        *,
        rollups: RollupFiles | None = None,
        rollups_filled: bool = False,
    ) -> None:
        self._path = path
        self._rollups = rollups
        self._rollups_filled = rollups_filled
        self._settings = settings
        self._columns = tuple(column for column in STORED_COLUMNS if column.name in columns)
        self._writer: pq.ParquetWriter | None = None
        self._schema = pa.schema([])
        self._facts = FactsOfRows()
        self.rows = 0

    @property
    def bytes_written(self) -> int:
        """Bytes on the disk so far, without the row group at hand."""
        temporary = temporary_path(self._path)
        return temporary.stat().st_size if temporary.exists() else 0

    def add(self, rows: pa.Table) -> None:
        """Write the next row group."""
        self.rows += rows.num_rows
        self._facts.add(rows)
        with disk_errors(self._path):
            if self._rollups is not None and not self._rollups_filled:
                self._rollups.add(rows)
            if self._writer is None:
                self._open(rows)
            assert self._writer is not None
            self._writer.write_table(
                _shaped(rows, self._schema), row_group_size=max(rows.num_rows, 1)
            )

    def _open(self, first_rows: pa.Table) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._schema = pa.schema(
            [
                column.arrow_field.with_type(_written_type(column.name, column.type))
                for column in self._columns
            ]
        )
        self._writer = pq.ParquetWriter(
            temporary_path(self._path),
            self._schema,
            store_schema=False,
            **_writer_options(self._schema, first_rows, self._settings),
        )

    def finish(self) -> StagedFile:
        """Close the file, make it durable and give it its name."""
        assert self._writer is not None, "a data file has rows"
        with disk_errors(self._path):
            self._writer.add_key_value_metadata({FACTS_KEY: self._facts.as_json()})
            self._writer.close()
            if self._rollups is not None:
                self._rollups.finish()
            make_durable(temporary_path(self._path), self._path)
            with pq.ParquetFile(self._path) as file:
                metadata = file.metadata
            size = self._path.stat().st_size
        return self._facts.staged(self._path, size, self._schema.names, self._rollups, metadata)

    def abort(self) -> None:
        """Leave nothing on the disk."""
        if self._writer is not None:
            # The disk may be full; the file goes anyway.
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
        if self._rollups is not None:
            self._rollups.abort()
        for path in (temporary_path(self._path), self._path):
            # What cannot be removed was never made: its folder is no folder.
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _written_type(name: str, plain: pa.DataType) -> pa.DataType:
    """Addresses and text go to the writer as dictionaries, which it need not make again."""
    if name in {"host", "peer"} or pa.types.is_string(plain):
        return pa.dictionary(pa.int32(), plain)
    return plain


def _shaped(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = []
    for field in schema:
        if field.name not in rows.column_names:
            columns.append(pa.nulls(rows.num_rows, field.type))
            continue
        column = rows.column(field.name)
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        columns.append(column.cast(field.type) if column.type != field.type else column)
    return pa.table(columns, schema=schema)


def _writer_options(
    schema: pa.Schema, first_rows: pa.Table, settings: StoreSettings
) -> dict[str, Any]:
    delta = [name for name in schema.names if name in _DELTA_COLUMNS]
    return {
        "compression": "zstd",
        "compression_level": settings.zstd_level,
        "use_dictionary": [
            name
            for name in _leaf_paths(schema)
            if name not in _DELTA_COLUMNS and name not in _PLAIN_COLUMNS
        ],
        "column_encoding": dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
        "write_statistics": [
            field.name for field in schema if field.name in _BOUNDED_TEXT or _is_plain(field.name)
        ],
        "dictionary_pagesize_limit": _DICTIONARY_BYTES_MAX,
        "write_batch_size": _WRITE_BATCH_ROWS,
        "bloom_filter_options": {
            name: {
                "ndv": _bloom_values(first_rows.column(name).chunk(0)),
                "fpp": settings.bloom_false_positive_ratio,
            }
            for name in ("host", "peer")
            if name in schema.names
        },
    }


def _is_plain(name: str) -> bool:
    return not pa.types.is_string(STORED_COLUMNS_BY_NAME[name].type)


def _leaf_paths(schema: pa.Schema) -> Iterator[str]:
    for field in schema:
        if pa.types.is_map(field.type):
            yield f"{field.name}.key_value.key"
            yield f"{field.name}.key_value.value"
        else:
            yield field.name


def _bloom_values(column: pa.DictionaryArray) -> int:
    return max(int(len(column.dictionary) * _BLOOM_HEADROOM), _BLOOM_VALUES_MIN)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk says into a StoreError with the file and what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"cannot write a data file: {reason}",
            where=str(path),
            hint="free space on the disk of the data folder, then run the same command again",
        ) from error
