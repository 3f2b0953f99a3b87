"""A console at which records arrive: ``live_tail_server.py DATA PORT RECORDS_A_SECOND BATCH_MS``.

Batches come as they do from capture, by way of the spool; a record's bytes are its number, which a
restart on the same folder goes on counting. Prints a link that signs in.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from vpcflow.app.console_service import ConsoleService
from vpcflow.app.control_plane import control_plane
from vpcflow.app.settings import Settings
from vpcflow.base.clock import SystemClock
from vpcflow.control.identity import seed_root_key
from vpcflow.control.logs.service import LogGroupService
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.store.event_store import EventStore
from vpcflow.store.event_store_settings import EventStoreSettings
from vpcflow.store.recent_segments import RecentSegments
from vpcflow.store.spool import Spool

HOSTS = 500
REJECTED_SHARE = 0.08


def batch(first: int, size: int, random: np.random.Generator) -> FlowBatch:
    """Records of the last second, numbered from ``first``."""
    now_s = int(time.time())
    hosts = [bytes(10) + b"\xff\xff\x0a\x00" + n.to_bytes(2, "big") for n in range(HOSTS)]
    values = {
        "start": np.full(size, now_s - 1),
        "end": np.full(size, now_s),
        "interface-id": [f"eni-{number:017x}" for number in random.integers(1, 40, size)],
        "srcaddr": [hosts[place] for place in random.integers(0, HOSTS, size)],
        "dstaddr": [hosts[place] for place in random.integers(0, HOSTS, size)],
        "srcport": random.integers(1024, 65_536, size),
        "dstport": random.choice([443, 22, 5432, 53], size),
        "protocol": np.full(size, 6),
        "packets": random.integers(1, 400, size),
        "bytes": np.arange(first, first + size),
        "action": np.where(random.random(size) < REJECTED_SHARE, "REJECT", "ACCEPT"),
        "log-status": ["OK"] * size,
    }
    fields, arrays = [], []
    for name, column in values.items():
        field = FIELDS_BY_NAME[name].arrow_field
        arrays.append(pa.array(column).cast(field.type))
        fields.append(field)
    return FlowBatch(
        pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), Origin("capture")
    )


def main(data: str, port: str, rate: str, batch_ms: str) -> None:
    """Serves and feeds until it is ended."""
    os.environ["VPCFLOW_CONSOLE__PORT"] = port
    settings = Settings(data=Path(data))
    clock = SystemClock()
    plane = control_plane(settings, clock)
    root = seed_root_key(plane.state, settings.inventory.account_id, None, None)
    events = EventStore(settings.folder.root, EventStoreSettings())
    recent = RecentSegments(settings.folder.root / "recent")
    console = ConsoleService(
        settings,
        plane,
        LogGroupService(plane.state, events),
        clock,
        recent=recent,
        root_key_id=root.access_key_id,
        status=dict,
    )
    console.start()
    print(console.link(), flush=True)
    spool = Spool(settings.folder)
    size = int(rate) * int(batch_ms) // 1_000
    random = np.random.default_rng(1)
    number, due_s = recent.last, time.monotonic()
    while True:
        # What a kill left in the spool is handed on first, as the writer does.
        waiting = spool.segments()
        recent.take([one.path for one in waiting])
        spool.drop([one.batch_id for one in waiting])
        number = max(number, *(int(one.batch_id.split("-")[0]) for one in waiting), 0)
        due_s += int(batch_ms) / 1_000
        time.sleep(max(0.0, due_s - time.monotonic()))
        spool.append(batch(number * size, size, random))


if __name__ == "__main__":
    main(*sys.argv[1:])
