"""Sorted rows to a data file, and several data files of one day to fewer and larger ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.base.errors import StoreError
from vpcflow.store.arrow_views import ADDRESS_BYTES, ALL_VALID, Array, numbers_of, validity_of
from vpcflow.store.data_file_output import DataFileOutput
from vpcflow.store.rollup_files import RollupFiles, joined_rollups
from vpcflow.store.rollup_paths import conversation_path, traffic_path
from vpcflow.store.row_groups import OrderedRows, RowBuffers
from vpcflow.store.settings import StoreSettings
from vpcflow.store.sort import sort_stored, with_address_codes
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_AN_HOUR, STORED_COLUMNS

#: Rows that a merge reads of one file at a time, at the least.
_READ_ROWS_MIN = 1_024


def write_data_file(
    table: pa.Table,
    path: Path,
    settings: StoreSettings,
    *,
    order: Array | None = None,
    buffers: RowBuffers | None = None,
    rollups: bool = False,
) -> StagedFile:
    """Write the rows of a stored table, which are sorted or get sorted by ``order``.

    Shape: all rows are of one day, or have no start. The file and its folder are fsynced.
    ``buffers`` is memory that may be used again after the call. With ``rollups`` the file's rollups
    are written to their places beside the folder of the data files.
    Errors: StoreError when the disk refuses; then nothing is left of the file.
    """
    rows = OrderedRows(with_address_codes(table), order, buffers)
    return write_rows(
        rows, 0, len(rows), path, settings, RollupFiles(path, settings) if rollups else None
    )


def write_rows(
    rows: OrderedRows,
    begin: int,
    end: int,
    path: Path,
    settings: StoreSettings,
    rollups: RollupFiles | None = None,
) -> StagedFile:
    """Write the rows at places ``begin`` to ``end``, as ``write_data_file`` does."""
    output = DataFileOutput(path, rows.columns, settings, rollups=rollups)
    try:
        for group in range(begin, end, settings.row_group_rows):
            output.add(rows.rows(group, min(group + settings.row_group_rows, end)))
        return output.finish()
    except BaseException:
        output.abort()
        raise


def merge_data_files(
    paths: Sequence[Path], data_dir: Path, settings: StoreSettings
) -> list[StagedFile]:
    """Merge sorted data files of one day into as few as ``target_file_bytes`` allows.

    Shape: memory is bounded by ``merge_rows_max``, over all files. The new files have names made
    from the old ones, so that a merge that is done again overwrites its own remains.
    Errors: StoreError when a file cannot be read or the disk refuses; no new file stays then.
    """
    folder = data_dir / paths[0].parent.name
    names = "\n".join(sorted(path.name for path in paths))
    prefix = f"merged-{hashlib.sha256(names.encode()).hexdigest()[:16]}"
    columns = _columns_of(paths)
    buffers = RowBuffers()
    # All rows become one file, whose rollups are the sums of theirs: far fewer rows to group.
    one_file = sum(path.stat().st_size for path in paths) <= settings.target_file_bytes
    staged: list[StagedFile] = []
    output: DataFileOutput | None = None
    try:
        for group in _row_groups(_merged(paths, settings), settings.row_group_rows):
            if output is None:
                path = folder / f"{prefix}-{len(staged):05d}.parquet"
                joined = joined_rollups(path, paths, settings, buffers) if one_file else None
                rollups = joined or RollupFiles(path, settings, buffers)
                output = DataFileOutput(
                    path, columns, settings, rollups=rollups, rollups_filled=joined is not None
                )
            output.add(group)
            if not one_file and output.bytes_written >= settings.target_file_bytes:
                staged.append(output.finish())
                output = None
        if output is not None:
            staged.append(output.finish())
    except BaseException:
        if output is not None:
            output.abort()
        remove_staged(staged)
        raise
    return staged


def write_rollups(path: Path, settings: StoreSettings) -> None:
    """Write the rollups of a data file that has none of this version.

    Errors: StoreError when the file cannot be read; OSError when the disk refuses. No part of them
    stays then.
    """
    rollups = RollupFiles(path, settings, RowBuffers())
    try:
        for rows in _row_groups(_merged([path], settings), settings.row_group_rows):
            rollups.add(rows)
        rollups.finish()
    except BaseException:
        rollups.abort()
        raise


def remove_staged(files: Sequence[StagedFile]) -> None:
    """Remove data files that are not going to be committed, and their rollups."""
    for file in files:
        file.path.unlink(missing_ok=True)
        if file.rollup_path is not None:
            file.rollup_path.unlink(missing_ok=True)
            traffic_path(file.path).unlink(missing_ok=True)
        if file.has_conversation:
            conversation_path(file.path).unlink(missing_ok=True)


def _columns_of(paths: Sequence[Path]) -> tuple[str, ...]:
    present: set[str] = set()
    for path in paths:
        with _opened(path) as file:
            present.update(file.schema_arrow.names)
    return tuple(column.name for column in STORED_COLUMNS if column.name in present)


def _opened(path: Path) -> pq.ParquetFile:
    text = {column.name for column in STORED_COLUMNS if pa.types.is_string(column.type)}
    try:
        metadata = pq.read_metadata(path)
        present = [name for name in metadata.schema.to_arrow_schema().names if name in text]
        return pq.ParquetFile(path, metadata=metadata, read_dictionary=present)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"a data file of the table cannot be read: {error}",
            where=str(path),
            hint="restore the file from a copy; nothing else of the table is touched",
        ) from error


def _merged(paths: Sequence[Path], settings: StoreSettings) -> Iterator[pa.Table]:
    """Sorted tables, each wholly before the next.

    Of every file some rows are in memory. All rows up to the smallest of the last rows can be
    sorted and let go: what is still unread comes after them.
    """
    read_rows = max(settings.merge_rows_max // len(paths), _READ_ROWS_MIN)
    with ExitStack() as stack:
        cursors = [_Cursor(stack.enter_context(_opened(path)), read_rows) for path in paths]
        while cursors := [cursor for cursor in cursors if cursor.has_rows()]:
            bound = min(cursor.last_key() for cursor in cursors)
            pieces = [cursor.take_to(bound) for cursor in cursors]
            joined = pa.concat_tables(
                [piece for piece in pieces if piece.num_rows], promote_options="default"
            )
            yield sort_stored(joined)


def _row_groups(tables: Iterator[pa.Table], group_rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of ``group_rows``, and one with the rest."""
    waiting: list[pa.Table] = []
    waiting_rows = 0
    for table in tables:
        waiting.append(table)
        waiting_rows += table.num_rows
        if waiting_rows < group_rows:
            continue
        rows = _joined_rows(waiting)
        whole = waiting_rows - waiting_rows % group_rows
        for begin in range(0, whole, group_rows):
            yield rows.rows(begin, begin + group_rows)
        waiting = [rows.rows(whole, waiting_rows)] if whole < waiting_rows else []
        waiting_rows -= whole
    if waiting:
        yield _joined_rows(waiting).rows(0, waiting_rows)


def _joined_rows(tables: list[pa.Table]) -> OrderedRows:
    joined = pa.concat_tables(tables, promote_options="default")
    return OrderedRows(with_address_codes(joined), None)


#: A sort key in parts that compare: presence and value of each column in turn.
_RowKey = tuple[int | bytes, ...]


class _Cursor:
    """A sorted data file that is read from its start, some rows at a time."""

    def __init__(self, file: pq.ParquetFile, read_rows: int) -> None:
        self._batches = file.iter_batches(batch_size=read_rows, use_threads=False)
        self._rows: pa.Table | None = None
        self._keys: list[Array] = []
        self._begin = 0

    def has_rows(self) -> bool:
        """Whether there are rows, after reading on where that is needed."""
        while self._rows is None or self._begin == self._rows.num_rows:
            batch = next(self._batches, None)
            if batch is None:
                self._rows = None
                return False
            self._rows = pa.Table.from_batches([batch])
            self._keys = _key_parts(self._rows)
            self._begin = 0
        return True

    def last_key(self) -> _RowKey:
        """The key of the last row in memory."""
        return tuple(part[-1].item() for part in self._keys)

    def take_to(self, bound: _RowKey) -> pa.Table:
        """The rows in memory up to ``bound``, and those that equal it."""
        assert self._rows is not None
        begin, end = self._begin, self._rows.num_rows
        until = begin
        for part, value in zip(self._keys, bound, strict=True):
            # Rows begin..end agree with the bound in all parts before this one.
            section = part[begin:end]
            wanted = np.asarray(value, part.dtype)
            until = begin + int(np.searchsorted(section, wanted, "left"))
            end = begin + int(np.searchsorted(section, wanted, "right"))
            begin = until
            if begin == end:
                break
        else:
            until = end
        taken = self._rows.slice(self._begin, until - self._begin)
        self._begin = until
        return taken


def _key_parts(table: pa.Table) -> list[Array]:
    """Presence and value of hour, host, lo_port, peer, hi_port and start."""
    parts: list[Array] = []
    start, start_valid = _numbers(table, "start")
    hours = start // SECONDS_AN_HOUR
    for values, valid in (
        (hours, start_valid),
        _addresses(table, "host"),
        _numbers(table, "lo_port"),
        _addresses(table, "peer"),
        _numbers(table, "hi_port"),
        (start, start_valid),
    ):
        parts += [valid, values]
    return parts


def _numbers(table: pa.Table, name: str) -> tuple[Array, Array]:
    rows = table.num_rows
    if name not in table.column_names:
        return np.zeros(rows, np.int64), np.zeros(rows, np.uint8)
    column = table.column(name).chunk(0)
    valid = _every_row(validity_of(column), rows)
    return np.where(valid, numbers_of(column), 0).astype(np.int64), valid


def _addresses(table: pa.Table, name: str) -> tuple[Array, Array]:
    rows = table.num_rows
    if name not in table.column_names:
        return np.zeros(rows, f"S{ADDRESS_BYTES}"), np.zeros(rows, np.uint8)
    column = table.column(name).chunk(0)
    valid = _every_row(validity_of(column), rows)
    filled = column if column.null_count == 0 else column.fill_null(bytes(ADDRESS_BYTES))
    values = np.frombuffer(filled.buffers()[1], f"S{ADDRESS_BYTES}", rows + filled.offset)
    return values[filled.offset :], valid


def _every_row(valid: Array, rows: int) -> Array:
    return np.ones(rows, np.uint8) if valid is ALL_VALID else valid
