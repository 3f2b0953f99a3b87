"""What a manifest needs to know of a data file, counted while its row groups go by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vpcflow.store.arrow_views import numbers_column, numbers_of, validity_of
from vpcflow.store.rollup_files import RollupFiles
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_A_DAY


class FactsOfRows:
    """What is counted while the row groups of a file go by."""

    def __init__(self) -> None:
        self._rows = 0
        self._start_min: int | None = None
        self._start_max: int | None = None
        self._end_max: int | None = None
        self._host_min: bytes | None = None
        self._host_max: bytes | None = None
        self._statuses = {"NODATA": 0, "SKIPDATA": 0}

    def add(self, rows: pa.Table) -> None:
        columns = {name: rows.column(name).chunk(0) for name in rows.column_names}
        self._rows += rows.num_rows
        start = columns.get("start")
        if start is not None:
            bounds = pc.min_max(start)
            self._start_min = _least(self._start_min, bounds["min"].as_py())
            self._start_max = _most(self._start_max, bounds["max"].as_py())
        ends = _ends_of(start, columns.get("duration"))
        if ends is not None:
            self._end_max = _most(self._end_max, pc.max(ends).as_py())
        if "host" in columns and len(columns["host"].dictionary):
            hosts = columns["host"].dictionary
            self._host_min = _least(self._host_min, hosts[0].as_py())
            self._host_max = _most(self._host_max, hosts[-1].as_py())
        if "log_status" in columns:
            self._count_statuses(columns["log_status"])

    def _count_statuses(self, column: pa.Array) -> None:
        if pa.types.is_dictionary(column.type):
            names = column.dictionary.to_pylist()
            wanted = [place for place, name in enumerate(names) if name in self._statuses]
            codes = numbers_of(column.indices)
            for place in wanted:
                found = codes == place
                if column.null_count:
                    found &= column.is_valid().to_numpy(zero_copy_only=False)
                self._statuses[names[place]] += int(np.count_nonzero(found))
        else:
            for name in self._statuses:
                self._statuses[name] += pc.sum(pc.equal(column, name)).as_py() or 0

    def as_json(self) -> bytes:
        facts = {
            "end_max": self._end_max,
            "nodata_records": self._statuses["NODATA"],
            "skipdata_records": self._statuses["SKIPDATA"],
        }
        return json.dumps(facts).encode()

    def staged(
        self,
        path: Path,
        size: int,
        names: list[str],
        rollups: RollupFiles | None,
        metadata: pq.FileMetaData,
    ) -> StagedFile:
        day = None
        if self._start_min is not None:
            assert self._start_max is not None
            day = self._start_min // SECONDS_A_DAY * SECONDS_A_DAY
            assert self._start_max // SECONDS_A_DAY * SECONDS_A_DAY == day, "rows of one day"
        return StagedFile(
            path=path,
            day=day,
            rows=self._rows,
            bytes=size,
            start_min=self._start_min,
            start_max=self._start_max,
            end_max=self._end_max,
            host_min=self._host_min,
            host_max=self._host_max,
            columns=tuple(names),
            nodata_records=self._statuses["NODATA"],
            skipdata_records=self._statuses["SKIPDATA"],
            rollup_path=None if rollups is None else rollups.hour_path,
            metadata=metadata,
            has_conversation=rollups is not None,
        )


def _least(so_far: Any, value: Any) -> Any:
    return value if so_far is None or (value is not None and value < so_far) else so_far


def _most(so_far: Any, value: Any) -> Any:
    return value if so_far is None or (value is not None and value > so_far) else so_far


def _ends_of(start: pa.Array | None, duration: pa.Array | None) -> pa.Array | None:
    """The ends of records from their starts and durations."""
    if duration is None or start is None:
        return duration
    values = numbers_of(start)
    valid = validity_of(start)
    if len(valid):
        values = np.where(valid, values, np.int64(0))
    return numbers_column(numbers_of(duration) + values, validity_of(duration))
