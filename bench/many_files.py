"""A table of 10,000 files: how long a commit, a plan, and a new index take.

The files are hard links of a few small ones, so only the table's own work is measured. Figures are
medians and 95th percentiles; CPU time is given beside wall time, because a commit waits for fsync.
Run: ``python bench/many_files.py --files 10000``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from vpcflow.base.data_folder import DataFolder
from vpcflow.store import index_db
from vpcflow.store.data_file import write_data_file
from vpcflow.store.file_index import FileIndex
from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_A_DAY, SECONDS_AN_HOUR, STORED_COLUMNS_BY_NAME
from vpcflow.store.table import FlowTable

DAYS = 30
ROWS = 200
FILES_A_BULK_COMMIT = 120
HOURS = 24


class FileMaker:
    """Makes staged files by linking; file ``n`` has the records of one hour of one day."""

    def __init__(self, data_dir: Path) -> None:
        columns = ("host", "start", "duration")
        schema = pa.schema([STORED_COLUMNS_BY_NAME[name].arrow_field for name in columns])
        self._first = []
        for day in range(DAYS):
            start = day * SECONDS_A_DAY
            rows = {
                "host": [bytes(12) + number.to_bytes(4, "big") for number in range(ROWS)],
                "start": [start] * ROWS,
                "duration": [60] * ROWS,
            }
            path = data_dir / f"day={day}" / "first.parquet"
            table = pa.table(rows, schema=schema)
            self._first.append(write_data_file(table, path, StoreSettings()))
        self.made = 0

    def next(self) -> StagedFile:
        """Another file."""
        first = self._first[self.made % DAYS]
        assert first.day is not None
        start = first.day + self.made // DAYS % HOURS * SECONDS_AN_HOUR
        path = first.path.with_name(f"file-{self.made:06d}.parquet")
        os.link(first.path, path)
        self.made += 1
        return dataclasses.replace(
            first, path=path, start_min=start, start_max=start + 3599, end_max=start + 3659
        )


def measured(repeats: int, work: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of a piece of work."""
    wall, cpu = [], []
    for number in range(repeats):
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work(number)
        wall.append((time.perf_counter() - wall_s) * 1000)
        cpu.append((time.process_time() - cpu_s) * 1000)
    return {
        "median_ms": round(statistics.median(wall), 1),
        "p95_ms": round(sorted(wall)[int(len(wall) * 0.95)], 1),
        "cpu_median_ms": round(statistics.median(cpu), 1),
        "cpu_max_ms": round(max(cpu), 1),
    }


def main() -> None:
    """Print one JSON object a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--commits", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vpcflow-many-") as root:
        folder = DataFolder(root)
        with folder.writer_lock(), FlowTable.open(folder) as table:
            maker = FileMaker(table.data_dir)
            while maker.made < options.files:
                count = min(FILES_A_BULK_COMMIT, options.files - maker.made)
                table.commit([maker.next() for _ in range(count)], f"bulk {maker.made}")
            staged = [maker.next() for _ in range(options.commits)]
            figures = {
                "commit": measured(
                    options.commits, lambda number: table.commit([staged[number]], f"one {number}")
                )
            }
            hour = 5 * SECONDS_A_DAY + 7 * SECONDS_AN_HOUR
            plan = FileIndex(folder).select(start_s=hour, end_s=hour + SECONDS_AN_HOUR)
            figures["plan one hour"] = measured(
                20,
                lambda _: FileIndex(folder).select(start_s=hour, end_s=hour + SECONDS_AN_HOUR),
            )
            figures["plan everything"] = measured(5, lambda _: FileIndex(folder).select())
            figures["table info"] = measured(5, lambda _: FileIndex(folder).totals())

            def rebuild(_: int) -> None:
                index_db.remove(folder.files_db)
                FileIndex(folder).refresh()

            figures["make the index anew"] = measured(3, rebuild)
        for name, figure in figures.items():
            print(json.dumps({"what": name, **figure}))
        print(json.dumps({"what": "files", "all": plan.files_total, "planned": len(plan.files)}))


if __name__ == "__main__":
    main()
