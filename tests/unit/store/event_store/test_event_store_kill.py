"""Aim: kill -9 loses nothing that was acknowledged. Method: a process that puts, killed while it does."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from vpcflow.store.event_store import EventStore

KILLS = 5
FAR_MS = 10**13


def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    random_acks = random.Random(4)
    first = 0
    for _ in range(KILLS):
        program = str(Path(__file__).with_name("putting_process.py"))
        with subprocess.Popen(
            [sys.executable, program, str(tmp_path), str(first)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(random_acks.randint(1, 200)):
                acknowledged = int(process.stdout.readline())
            process.kill()
            left = [int(line) for line in process.stdout.read().split("\n")[:-1] if line]
        acknowledged = max([acknowledged, *left])
        store = EventStore(tmp_path)
        found = store.read("k", store.spans("k", 0, FAR_MS, None), 0, FAR_MS, None)
        times = found.times_ms.tolist()
        # Whole puts, each once, and every acknowledged one; the one after it may be there too.
        whole = [number for number in range(max(times) + 1) for _ in range(20)]
        assert sorted(times) == whole
        assert max(times) in (acknowledged, acknowledged + 1)
        first = max(times) + 1
        store.close()
