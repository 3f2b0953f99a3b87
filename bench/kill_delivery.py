"""kill -9 at random moments of delivery; then every record must have arrived everywhere.

A process appends batches to a spool, hands them to the delivery journal and delivers them to a log
group, a bucket and a delivery stream, all folders here. It is killed at random moments; after each
one every object must be whole. At the end it delivers what is left, and every acknowledged record
must be in all three, in no object twice, and no object may have come again with other bytes.
Run: ``python bench/kill_delivery.py --moments 50``.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vpcflow.base.clock import SystemClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.deliver.log_group import LogGroupDelivery
from vpcflow.deliver.plan import (
    DeliveryPlan,
    Destination,
    FirehoseDestination,
    LogGroupDestination,
    S3Destination,
)
from vpcflow.deliver.service import DeliveryService
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.column_buffers import code_column, number_column
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    ScopeColumn,
    TrafficType,
    lines_of,
)
from vpcflow.record.log_format import LogFormat
from vpcflow.store.spool import Spool

ROWS_A_BATCH = 50
LIFE_S_MAX = 2.0
START_S_MAX = 60.0
FINISH_S_MAX = 60.0
FORMAT = LogFormat(("interface-id", "bytes", "start", "end"))
SETTINGS = DeliverySettings(publish_interval_s=1, publish_lateness_s=0, workers_max=2, poll_s=0.01)


def _plans() -> tuple[DeliveryPlan, ...]:
    selection = FlowLogSelection(ScopeColumn.VPC, "vpc-1", TrafficType.ALL, FORMAT, 0)
    to: tuple[Destination, ...] = (
        LogGroupDestination("g"),
        S3Destination("b"),
        FirehoseDestination("a:b:c:d:e:f/s"),
    )
    return tuple(
        DeliveryPlan(f"fl-{number}", "123456789012", "eu-central-1", selection, one)
        for number, one in enumerate(to)
    )


def _records(number: int) -> pa.RecordBatch:
    """The records of a batch: each is one number, kept in ``bytes``."""
    first, now_s = number * ROWS_A_BATCH, int(time.time())
    zeros = np.zeros(ROWS_A_BATCH, np.int32)
    columns = {
        "interface_id": code_column(zeros, ["eni-1"]),
        "vpc_id": code_column(zeros, ["vpc-1"]),
        "bytes": number_column(np.arange(first, first + ROWS_A_BATCH, dtype=np.int64)),
        "start": number_column(np.full(ROWS_A_BATCH, now_s - 1, np.int64)),
        "end": number_column(np.full(ROWS_A_BATCH, now_s, np.int64)),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


class Folders:
    """The three destinations; a file gets its name when it is whole."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def receive(self, deliveries: Sequence[LogGroupDelivery], ingested_ms: int) -> dict[str, str]:
        for one in deliveries:
            self._write("log", one.batch_id, lines_of(one.records, FORMAT))
        return {}

    def put(self, *told: Any) -> None:
        if len(told) == 4:
            _, _, key, data = told
            self._write("bucket", key.rpartition("/")[2], data)
        else:
            lines = b"".join(told[1])
            self._write("stream", hashlib.sha256(lines).hexdigest(), lines)

    def _write(self, kind: str, name: str, data: bytes) -> None:
        folder = self._root / kind
        folder.mkdir(exist_ok=True)
        part = self._root / f"{kind}.part"
        part.write_bytes(data)
        if (folder / name).exists() and (folder / name).read_bytes() != data:
            (self._root / "conflict").write_text(f"{kind} {name}")
        part.rename(folder / name)


def deliver(root: str, started: Any, *, finishing: bool) -> None:
    """The process that is killed."""
    started.set()
    data = DataFolder(Path(root) / "data")
    data.make()
    spool, to, plans = Spool(data), Folders(Path(root)), _plans()
    service = DeliveryService(
        data.root / "delivery",
        SETTINGS,
        SystemClock(),
        plans=lambda: plans,
        gate=lambda plan: None,
        on_status=lambda *told: None,
        log_groups=to,
        objects=to,
        firehose=to,
    )
    deadline_s = time.monotonic() + FINISH_S_MAX
    while True:
        if not finishing:
            number = spool._last_number + 1
            spool.append(FlowBatch(_records(number), Origin("capture"), None, 1))
        segments = spool.segments()
        service.take([segment.path for segment in segments])
        spool.drop(segment.batch_id for segment in segments)
        service.step()
        if finishing:
            if service.journal.first > service.journal.last:
                break
            if time.monotonic() > deadline_s:
                raise SystemExit("delivery does not end")
            time.sleep(0.01)
    service.close()
    (Path(root) / "last").write_text(str(service.journal.last))


def check_objects(root: Path) -> int:
    """Every object is whole and holds no record twice; how many there are."""
    paths = list((root / "bucket").glob("*")) if (root / "bucket").exists() else []
    for path in paths:
        lines = gzip.decompress(path.read_bytes()).splitlines()
        assert lines[0] == FORMAT.header.encode(), path
        assert max(Counter(lines).values()) == 1, f"a record twice in {path}"
    assert not (root / "conflict").exists(), (root / "conflict").read_text()
    return len(paths)


def check_all(root: Path) -> dict[str, int]:
    """Every record is everywhere; how often one came twice."""
    last = int((root / "last").read_text())
    wanted = set(range(ROWS_A_BATCH, (last + 1) * ROWS_A_BATCH))
    lines: dict[str, list[bytes]] = {}
    lines["log"] = [line for p in (root / "log").glob("*") for line in p.read_bytes().splitlines()]
    lines["bucket"] = [
        line
        for path in (root / "bucket").glob("*")
        for line in gzip.decompress(path.read_bytes()).splitlines()[1:]
    ]
    lines["stream"] = [
        json.loads(line)["message"].encode()
        for path in (root / "stream").glob("*")
        for line in path.read_bytes().splitlines()
    ]
    told = {"records": len(wanted)}
    for kind, got in lines.items():
        counts = Counter(int(line.split()[1]) for line in got)
        lost = sorted(wanted - counts.keys())
        assert not lost, f"{kind} lost {len(lost)}: {lost[:5]}"
        told[f"{kind}_twice"] = sum(count - 1 for count in counts.values())
    return told


def run(root: Path, moments: int, seed: int) -> Iterator[dict[str, Any]]:
    """Deliver, kill, check; once for each moment, then to the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vpcflow.deliver.service", "vpcflow.store.spool"])
    rng = random.Random(seed)
    for moment in range(moments + 1):
        started = context.Event()
        process = context.Process(
            target=deliver,
            args=(str(root), started),
            kwargs={"finishing": moment == moments},
            daemon=True,
        )
        process.start()
        started.wait(START_S_MAX)
        if moment == moments:
            process.join(FINISH_S_MAX)
            assert process.exitcode == 0, f"the last run ended with {process.exitcode}"
            yield {"objects": check_objects(root), **check_all(root)}
            return
        life_s = rng.uniform(0, LIFE_S_MAX)
        process.join(life_s)
        if process.exitcode is not None:
            raise SystemExit(f"delivery ended by itself with {process.exitcode}")
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        yield {
            "moment": moment,
            "killed_after_s": round(life_s, 3),
            "objects": check_objects(root),
        }


def main() -> None:
    """Print one JSON line a moment; exit 1 when a record is lost or an object is not whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", default=None)
    options = parser.parse_args()
    root = Path(options.folder or tempfile.mkdtemp(prefix="vpcflow-kill-"))
    root.mkdir(parents=True, exist_ok=True)
    print(json.dumps({"seed": options.seed, "folder": str(root)}), file=sys.stderr)
    for result in run(root, options.moments, options.seed):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
