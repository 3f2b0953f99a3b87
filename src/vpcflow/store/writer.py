"""Flow batches to sorted, durable data files, one a day and run."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from vpcflow.base.errors import StoreError
from vpcflow.record.batch import FlowBatch
from vpcflow.store.arrow_views import Array, numbers_of, one_chunk, validity_of
from vpcflow.store.data_file import remove_staged, write_rows
from vpcflow.store.layout import to_stored
from vpcflow.store.rollup_files import RollupFiles
from vpcflow.store.row_groups import OrderedRows, RowBuffers
from vpcflow.store.settings import StoreSettings
from vpcflow.store.sort import sort_order, with_address_codes
from vpcflow.store.sort_kernels import value_range
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_A_DAY

#: Folder of records that have no start.
UNKNOWN_DAY = "unknown"
#: Share of a run that records of small days may take while they wait for the next one.
_CARRIED_SHARE_MAX = 0.25


class DataFileWriter:
    """Collects records into runs; sorts each run and writes a data file for each of its days.

    Shape: files are ``<data_dir>/day=YYYY-MM-DD/<prefix>-<n>.parquet``, rollups beside ``data_dir``.
    A run has at most ``run_rows_max`` records or ``run_bytes_max`` bytes; with two threads one run
    is written while the next is collected, never more. Of a run that spreads over more than
    ``run_days_max`` days the smaller days wait for the next run, at most a quarter of a run, and
    ``finish`` writes them all: nothing is lost, and a hostile clock makes few files.
    Errors: StoreError when the disk refuses, from ``append`` or ``finish``; call ``abort`` then.
    """

    def __init__(self, data_dir: Path, settings: StoreSettings, *, prefix: str) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._prefix = prefix
        self._batches: list[FlowBatch] = []
        self._batches_bytes = 0
        self.rows_pending = 0
        self._carried: list[pa.Table] = []
        self._staged: list[StagedFile] = []
        self._files = 0
        self._buffers = RowBuffers()
        self._thread = (
            ThreadPoolExecutor(1, thread_name_prefix="vpcflow-store")
            if settings.threads > 1
            else None
        )
        self._writing: Future[None] | None = None
        self._closed = False

    def append(self, batch: FlowBatch) -> None:
        """Take records in; writes a run when it is full."""
        if self._closed:
            raise StoreError("the writer is closed", where=str(self._data_dir))
        size = batch.records.nbytes
        full = (
            self.rows_pending + batch.num_records > self._settings.run_rows_max
            or self._batches_bytes + size > self._settings.run_bytes_max
        )
        if full:
            self._write_run()
        if batch.num_records:
            self._batches.append(batch)
            self._batches_bytes += size
            self.rows_pending += batch.num_records

    def finish(self) -> list[StagedFile]:
        """Write what is left and close; every file is durable. Files in order of writing.

        Shape: the files are the caller's from here on: ``abort`` does not touch them, since only
        the table knows whether they were committed.
        """
        if not self._closed:
            self._write_run()
            self._wait()
            if self._carried:
                self._write_days(_joined(self._carried), days_max=None)
                self._carried = []
            self.close()
        staged, self._staged = self._staged, []
        return staged

    def close(self) -> None:
        """Free the thread and the memory; files that were written stay."""
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None
        self._batches = []
        self._carried = []
        self._buffers = RowBuffers()

    def abort(self) -> None:
        """Close, and remove every file that was written and not handed over by ``finish``."""
        self.close()
        remove_staged(self._staged)
        self._staged = []

    def _wait(self) -> None:
        """Until the run at hand is written; its fault, if it had one, comes out here."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _write_run(self) -> None:
        self._wait()
        if not self._batches:
            return
        batches, self._batches = self._batches, []
        self._batches_bytes = self.rows_pending = 0
        if self._thread is None:
            self._write(batches)
        else:
            self._writing = self._thread.submit(self._write, batches)

    def _write(self, batches: list[FlowBatch]) -> None:
        table = to_stored(batches)
        # The arrived records are not needed any more, and are as large as the table.
        batches.clear()
        if self._carried:
            table = _joined([table, *self._carried])
            self._carried = []
        self._write_days(table, days_max=self._settings.run_days_max)

    def _write_days(self, table: pa.Table, *, days_max: int | None) -> None:
        table = with_address_codes(table)
        order = sort_order(table)
        days = _days(table, order)
        rows = OrderedRows(table, order, self._buffers)
        if days_max is not None and len(days) > days_max:
            days = self._without_small_days(days, rows, days_max)
        for day, begin, end in days:
            path = self._data_dir / f"day={day}" / f"{self._prefix}-{self._files:05d}.parquet"
            self._files += 1
            rollups = RollupFiles(path, self._settings, self._buffers)
            self._staged.append(write_rows(rows, begin, end, path, self._settings, rollups))

    def _without_small_days(self, days: list[_Day], rows: OrderedRows, days_max: int) -> list[_Day]:
        """The days to write now; the others are carried to the next run, as far as there is room."""
        room = int(self._settings.run_rows_max * _CARRIED_SHARE_MAX)
        by_size = sorted(days, key=lambda day: day[1] - day[2])
        small = by_size[days_max:]
        if sum(end - begin for _, begin, end in small) > room:
            return days
        carried = set(small)
        for _, begin, end in small:
            self._carried.append(rows.copied_rows(begin, end))
        return [day for day in days if day not in carried]


#: A day as text, and the places in sorted order where its rows begin and end.
_Day = tuple[str, int, int]


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables, promote_options="default")


def _days(table: pa.Table, order: Array) -> list[_Day]:
    """The days of the sorted rows; those without a start come first."""
    rows = table.num_rows
    if "start" not in table.column_names:
        return [(UNKNOWN_DAY, 0, rows)]
    start = one_chunk(table.column("start"))
    values = numbers_of(start)
    valid = validity_of(start)
    low, high, seen = value_range(values, valid)
    unknown = rows - int(seen)
    if low // SECONDS_A_DAY == high // SECONDS_A_DAY:
        bounds = [unknown, rows]
        day_numbers = [int(low) // SECONDS_A_DAY]
    else:
        in_order = values[order[unknown:]] // SECONDS_A_DAY
        changes = np.flatnonzero(np.diff(in_order)) + 1
        bounds = [unknown, *(unknown + changes).tolist(), rows]
        day_numbers = in_order[[0, *changes.tolist()]].tolist()
    days = [(UNKNOWN_DAY, 0, unknown)] if unknown else []
    for number, begin, end in zip(day_numbers, bounds[:-1], bounds[1:], strict=True):
        days.append((str(np.datetime64(number, "D")), begin, end))
    return days
