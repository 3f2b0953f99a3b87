"""What the index knows of a data file beyond its manifest entry, read from the file itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vpcflow.base.errors import StoreError
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME

#: Key of the JSON object in a data file's footer: end_max, nodata_records, skipdata_records.
FACTS_KEY = b"vpcflow.facts"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Facts that no Iceberg manifest holds."""

    columns: tuple[str, ...]
    end_max: int | None
    nodata_records: int
    skipdata_records: int


def read_facts(path: Path) -> FileFacts:
    """The facts of a data file: from its footer, or counted when another engine wrote the file.

    Errors: StoreError when the file is missing or damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            columns = tuple(
                name for name in file.schema_arrow.names if name in STORED_COLUMNS_BY_NAME
            )
            written = (file.metadata.metadata or {}).get(FACTS_KEY)
            if written is not None:
                facts = json.loads(written)
                return FileFacts(
                    columns,
                    facts["end_max"],
                    facts["nodata_records"],
                    facts["skipdata_records"],
                )
            return _counted(file, columns)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise StoreError(
            f"a data file of the table cannot be read: {error}",
            where=str(path),
            hint="restore the file from a copy; nothing else of the table is touched",
        ) from error


def _counted(file: pq.ParquetFile, columns: tuple[str, ...]) -> FileFacts:
    needed = [name for name in ("start", "duration", "log_status") if name in columns]
    end_max: int | None = None
    statuses = {"NODATA": 0, "SKIPDATA": 0}
    for batch in file.iter_batches(columns=needed) if needed else ():
        if "duration" in needed:
            ends = batch.column("duration")
            if "start" in needed:
                ends = pc.add(ends, pc.fill_null(batch.column("start"), 0))
            last = pc.max(ends).as_py()
            if last is not None:
                end_max = last if end_max is None else max(end_max, last)
        if "log_status" in needed:
            for status in statuses:
                found = pc.sum(pc.equal(batch.column("log_status"), status)).as_py()
                statuses[status] += found or 0
    return FileFacts(columns, end_max, statuses["NODATA"], statuses["SKIPDATA"])
