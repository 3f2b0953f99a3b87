"""kill -9 at random moments of commit, compaction and clean-up; then count every record.

A writer process commits small files, each under a commit id that it writes down before and after,
compacts, expires and removes dead files without a grace period. It is killed at a random moment,
and what it left is read: every confirmed record must be there once, a commit that was under way
wholly or not at all, the index must say the same as the Iceberg table, and every file must exist.
Run: ``python bench/kill_store.py --moments 50``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.base.data_folder import DataFolder
from vpcflow.store.data_file import write_data_file
from vpcflow.store.file_index import FileIndex
from vpcflow.store.maintenance import maintain
from vpcflow.store.settings import StoreSettings
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import SECONDS_A_DAY, STORED_COLUMNS_BY_NAME
from vpcflow.store.table import FlowTable
from vpcflow.store.table_settings import TableSettings

ROWS_A_COMMIT = 40
DAYS = 2
COMMITS_BETWEEN_MAINTENANCE = 3
LIFE_S_MAX = 1.0
WARM_SHARE = 0.8
START_S_MAX = 60.0
STORE = StoreSettings()
TABLE = TableSettings(
    grace_s=0, snapshots_min=3, snapshots_max=8, compaction_files_min=3, manifest_merge_count=4
)


def _numbers(commit: int) -> list[int]:
    """The records of a commit: each is one number, kept in ``duration``."""
    return list(range(commit * ROWS_A_COMMIT, (commit + 1) * ROWS_A_COMMIT))


def _stage(table: FlowTable, commit: int) -> list[StagedFile]:
    files = []
    for day in range(DAYS):
        numbers = _numbers(commit)[day::DAYS]
        columns = {
            "host": [bytes(12) + number.to_bytes(4, "big") for number in numbers],
            "start": [day * SECONDS_A_DAY + number % SECONDS_A_DAY for number in numbers],
            "duration": numbers,
        }
        schema = pa.schema([STORED_COLUMNS_BY_NAME[name].arrow_field for name in columns])
        path = table.data_dir / f"start_day={day}" / f"c{commit}-{os.getpid()}.parquet"
        files.append(write_data_file(pa.table(columns, schema=schema), path, STORE, rollups=True))
    return files


def write(root: str, started: Any, warm: Any) -> None:
    """The process that is killed."""
    started.set()
    folder = DataFolder(root)
    with (
        folder.writer_lock(wait_s=10),
        FlowTable.open(folder, TABLE) as table,
        Journal(folder.root / "journal").open() as journal,
    ):
        confirmed, pending = Journal(folder.root / "journal").read()
        for commit in sorted(pending):
            if table.has_commit(f"commit {commit}"):
                journal.note(commit, "confirmed")
        commit = max(confirmed | pending, default=-1)
        while True:
            commit += 1
            files = _stage(table, commit)
            journal.note(commit, "prepared")
            table.commit(files, f"commit {commit}")
            journal.note(commit, "confirmed")
            warm.set()
            if commit % COMMITS_BETWEEN_MAINTENANCE == 0:
                problems = maintain(table, STORE, full=commit % 2 == 0).problems
                if problems:
                    raise problems[0]


class Journal:
    """Which commits were prepared and which confirmed, one durable line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def open(self) -> Journal:
        self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        return self

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def note(self, commit: int, state: str) -> None:
        os.write(self._handle, f"{json.dumps([commit, state])}\n".encode())
        os.fsync(self._handle)

    def read(self) -> tuple[set[int], set[int]]:
        """Confirmed commits, and those prepared only."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        notes = [json.loads(line) for line in lines]
        confirmed = {commit for commit, state in notes if state == "confirmed"}
        return confirmed, {commit for commit, _ in notes} - confirmed


def check(root: str) -> dict[str, Any]:
    """Count every record as a reader finds it, and as another Iceberg engine would."""
    folder = DataFolder(root)
    confirmed, pending = Journal(folder.root / "journal").read()
    entries = FileIndex(folder).entries()
    counts: Counter[int] = Counter()
    for entry in entries:
        counts.update(
            pq.read_table(entry.path, columns=["duration"], partitioning=None)[0].to_pylist()
        )
    wanted = {number for commit in confirmed for number in _numbers(commit)}
    lost = sorted(wanted - counts.keys())
    doubled = sorted(number for number, count in counts.items() if count > 1)
    half = [
        commit
        for commit in pending
        if len(counts.keys() & set(_numbers(commit))) not in (0, ROWS_A_COMMIT)
    ]
    stray = counts.keys() - wanted - {n for commit in pending for n in _numbers(commit)}
    assert not (lost or doubled or half or stray), (lost[:5], doubled[:5], half, sorted(stray)[:5])
    table = FlowTable.open(folder, TABLE) if folder.exists() else None
    if table is not None:
        scanned = table.iceberg_table.scan(selected_fields=("duration",)).to_arrow()
        assert sorted(scanned["duration"].to_pylist()) == sorted(counts), "index and table differ"
        table.close()
    return {"commits": len(confirmed), "pending": len(pending), "files": len(entries)}


def run(root: str, moments: int, seed: int) -> Iterator[dict[str, Any]]:
    """Start a writer, kill it, check what it left; once for each moment."""
    # The server process only imports, so a writer starts in milliseconds and inherits no thread.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vpcflow.store.table", "vpcflow.store.data_file"])
    rng = random.Random(seed)
    for moment in range(moments):
        started, warm = context.Event(), context.Event()
        process = context.Process(target=write, args=(root, started, warm), daemon=True)
        process.start()
        # Mostly while it commits and compacts, sometimes while it opens the table and recovers.
        (warm if rng.random() < WARM_SHARE else started).wait(START_S_MAX)
        life_s = rng.uniform(0, LIFE_S_MAX)
        process.join(life_s)
        if process.exitcode is not None:
            raise SystemExit(f"the writer ended by itself with {process.exitcode}")
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        yield {"moment": moment, "killed_after_s": round(life_s, 3), **check(root)}


def main() -> None:
    """Print one JSON line a moment; exit 1 at the first record lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    root = options.folder or tempfile.mkdtemp(prefix="vpcflow-kill-")
    print(json.dumps({"seed": options.seed, "folder": root}), file=sys.stderr)
    for result in run(root, options.moments, options.seed):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
