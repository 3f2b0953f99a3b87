"""kill -9 of the command itself, in ingest and in compaction, until it is done; then a count.

Rows are counted and summed over several fields, so that one record in place of another shows.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from machine import VPCFLOW, run
from workload import Workload

WORK = Workload(records=400_000, days=2, version=2)
SEED = 11
#: What must come out exactly, whatever was killed.
COUNT = (
    "SELECT count(*) AS n, sum(bytes) AS b, sum(srcport) AS s, sum(dstport) AS d, "
    'sum("start") AS t, sum("end" - "start") AS l FROM flow_records'
)


@dataclass
class Told:
    """How it went."""

    moments: int = 0
    in_ingest: int = 0
    in_compaction: int = 0
    unreadable: int = 0
    wrong_records: int = 0
    orphans: int = 0


def kill_at_random(folder: Path, *, moments: int) -> Told:
    """Ingest and compact under fire until ``moments`` processes were killed."""
    sample = WORK.sample()
    calm = folder / "calm"
    run([VPCFLOW, "--data", folder / "warm", "ingest", sample])
    begun = time.perf_counter()
    run([VPCFLOW, "--data", calm, "ingest", sample])
    ingest_s = time.perf_counter() - begun
    wanted = count(calm)
    begun = time.perf_counter()
    run([VPCFLOW, "--data", calm, "table", "maintain", "--full"])
    compact_s = time.perf_counter() - begun
    told, rng, number = Told(), random.Random(SEED), 0
    while told.moments < moments:
        data = folder / f"fire-{number}"
        number += 1
        for command, life_s in (
            (["ingest", sample], ingest_s),
            (["table", "maintain", "--full"], compact_s),
        ):
            arguments = [VPCFLOW, "--data", data, *command]
            for _ in _killed(arguments, rng, life_s, moments - told.moments):
                told.moments += 1
                told.in_ingest += command[0] == "ingest"
                told.in_compaction += command[0] == "table"
                told.unreadable += not readable(data, wanted)
            run(arguments)
            found = count(data)
            told.wrong_records += abs(int(found["n"]) - int(wanted["n"])) + (found != wanted)
        told.orphans += len(orphans(data))
        print(f"kill: {told}", file=sys.stderr, flush=True)
    return told


def _killed(
    arguments: list[object], rng: random.Random, life_s: float, killings_max: int
) -> Iterator[None]:
    """Start and kill; ends when a process came to its own end before its moment."""
    for _ in range(min(killings_max, 12)):
        child = subprocess.Popen(
            [str(word) for word in arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            child.wait(rng.uniform(0.1, life_s * 1.1))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            yield
        else:
            if child.returncode != 0:
                raise RuntimeError(f"{arguments} ended with {child.returncode}")
            return


def count(data: Path) -> dict[str, str]:
    """The sums over the whole table, as text so that no figure is rounded."""
    told = json.loads(
        run([VPCFLOW, "--data", data, "query", COUNT, "--json"]).output, parse_float=str
    )
    return {name: str(value) for name, value in told.items()}


def readable(data: Path, wanted: dict[str, str]) -> bool:
    """Whether a reader gets an answer right after the kill, with no more records than there are."""
    try:
        found = count(data)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return False
    return int(found["n"]) <= int(wanted["n"])


def orphans(data: Path) -> list[Path]:
    """Data files on disk that no kept snapshot names, after a clean-up without a grace period."""
    from vpcflow.base.data_folder import DataFolder
    from vpcflow.store.table import FlowTable

    for _ in range(2):
        run([VPCFLOW, "--data", data, "table", "maintain"], VPCFLOW_TABLE__GRACE_S="0")
    folder = DataFolder(data)
    with folder.writer_lock(), FlowTable.open(folder) as table:
        kept = table.iceberg_table.inspect.all_data_files()["file_path"].to_pylist()
        kept += [entry.rollup_path for entry in table.index.entries() if entry.rollup_path]
    names = {Path(path.removeprefix("file://")).name.split(".")[0] for path in kept}
    return [
        path for path in folder.warehouse.rglob("*.parquet") if path.name.split(".")[0] not in names
    ]
