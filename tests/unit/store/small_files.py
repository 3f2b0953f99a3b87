"""Data files of a few rows, written without the real writer, for tests of the table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_A_DAY, STORED_COLUMNS_BY_NAME

DAY = SECONDS_A_DAY
_names = itertools.count()


def address(number: int) -> bytes:
    """An IPv4 address as it is stored."""
    return bytes(10) + b"\xff\xff" + number.to_bytes(4, "big")


def row(start: int | None, host: int = 1, **columns: Any) -> dict[str, Any]:
    """One stored row."""
    return {"start": start, "duration": 60, "host": address(host), "log_status": "OK", **columns}


def stage(data_dir: Path, rows: Sequence[dict[str, Any]], name: str | None = None) -> StagedFile:
    """Write rows of one day; columns that are null in every row are left out."""
    names = [
        name for name in STORED_COLUMNS_BY_NAME if any(row.get(name) is not None for row in rows)
    ]
    schema = pa.schema([STORED_COLUMNS_BY_NAME[name].arrow_field for name in names])
    table = pa.Table.from_pylist([{n: r.get(n) for n in names} for r in rows], schema=schema)
    starts = [row["start"] for row in rows if row.get("start") is not None]
    hosts = [row["host"] for row in rows if row.get("host") is not None]
    ends = [(r.get("start") or 0) + r["duration"] for r in rows if r.get("duration") is not None]
    statuses = [row.get("log_status") for row in rows]
    day = min(starts) // DAY * DAY if starts else None
    path = data_dir / f"start_day={day}" / f"{name or f'small-{next(_names)}'}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return StagedFile(
        path=path,
        day=day,
        rows=len(rows),
        bytes=path.stat().st_size,
        start_min=min(starts, default=None),
        start_max=max(starts, default=None),
        end_max=max(ends, default=None),
        host_min=min(hosts, default=None),
        host_max=max(hosts, default=None),
        columns=tuple(names),
        nodata_records=statuses.count("NODATA"),
        skipdata_records=statuses.count("SKIPDATA"),
        rollup_path=None,
        metadata=pq.read_metadata(path),
    )


def merge(paths: Sequence[Path], data_dir: Path, _settings: StoreSettings) -> list[StagedFile]:
    """Put the rows of some files of one day into one file."""
    rows = [row for path in paths for row in pq.read_table(path, partitioning=None).to_pylist()]
    return [
        stage(
            data_dir, sorted(rows, key=lambda row: row.get("start") or 0), f"merged-{next(_names)}"
        )
    ]
