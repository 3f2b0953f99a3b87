"""A table of many small files: ``our_files.py FOLDER FILES RUNS``.

Prints the median milliseconds of one more commit, and of planning a one-hour question with a fresh
index, and what PyIceberg alone takes for the same plan.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import pyarrow as pa

from vpcflow.base.data_folder import DataFolder
from vpcflow.store.data_file import write_data_file
from vpcflow.store.file_index import FileIndex
from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_A_DAY, STORED_COLUMNS_BY_NAME
from vpcflow.store.table import FlowTable

FIRST_DAY_S = 20_605 * SECONDS_A_DAY
DAYS = 35
ROWS = 4
FILES_A_COMMIT = 200


def stage(table: FlowTable, number: int, files: int) -> StagedFile:
    """One small file: five minutes of one day."""
    start = FIRST_DAY_S + number * (DAYS * SECONDS_A_DAY) // files
    day = start - start % SECONDS_A_DAY
    columns = {
        "host": [
            bytes(10) + b"\xff\xff\x0a\x00" + (number + row & 0xFFFF).to_bytes(2, "big")
            for row in range(ROWS)
        ],
        "start": [min(start + row, day + SECONDS_A_DAY - 1) for row in range(ROWS)],
        "duration": [number] * ROWS,
    }
    schema = pa.schema([STORED_COLUMNS_BY_NAME[name].arrow_field for name in columns])
    path = table.data_dir / f"start_day={day}" / f"bench-{number}.parquet"
    return write_data_file(pa.table(columns, schema=schema), path, StoreSettings())


def milliseconds(begun: float) -> float:
    """Since ``begun``."""
    return (time.perf_counter() - begun) * 1000


def main(root: str, files: str, runs: str) -> None:
    """Fill, then measure."""
    folder, wanted = DataFolder(root), int(files)
    with folder.writer_lock(), FlowTable.open(folder) as table:
        for first in range(0, wanted, FILES_A_COMMIT):
            numbers = range(first, min(first + FILES_A_COMMIT, wanted))
            table.commit([stage(table, number, wanted) for number in numbers], f"fill {first}")
        commits, plans = [], []
        for extra in range(int(runs)):
            staged = stage(table, wanted + extra, wanted)
            begun = time.perf_counter()
            table.commit([staged], f"one more {extra}")
            commits.append(milliseconds(begun))
            begun = time.perf_counter()
            start_s = FIRST_DAY_S + 17 * SECONDS_A_DAY + 7 * 3600
            chosen = FileIndex(folder).select(start_s=start_s, end_s=start_s + 3600)
            plans.append(milliseconds(begun))
            assert 0 < len(chosen.files) < 100
        begun = time.perf_counter()
        tasks = list(
            table.iceberg_table.scan(
                row_filter=f"start >= {start_s} and start < {start_s + 3600}"
            ).plan_files()
        )
        told = {
            "files": len(FileIndex(folder).entries()),
            "commit_ms": statistics.median(commits),
            "plan_ms": statistics.median(plans),
            "pyiceberg_plan_ms": milliseconds(begun),
            "files_chosen": len(chosen.files),
            "files_chosen_by_pyiceberg": len(tasks),
        }
    assert told["files"] == wanted + int(runs)
    print(json.dumps(told))


if __name__ == "__main__":
    if not Path(sys.argv[1]).exists():
        raise SystemExit(f"no folder {sys.argv[1]}")
    main(*sys.argv[1:])
