"""How soon ``vpcflow run`` meters: from its start to the first packet, kernels compiled or not. Root.

A packet a millisecond arrives all the while. The ring keeps all that come once it is open, so the
packets that are missing in the records came before the first that was metered.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from live_process import LiveProcess, require_kernel_tools, veth
from live_rate import SETTLE_S
from machine import median
from results import Result
from ring_rate import TARGET
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace

TICK_S = 0.001
COLD_RUNS = 1
START_S_MAX = 2


class Trickle:
    """Sends a packet a millisecond in a thread and notes when."""

    def __init__(self, near: str) -> None:
        self.times: list[float] = []
        self._socket = open_in_namespace(
            near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        )
        self._socket.connect((TARGET, 9))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(TICK_S):
            self.times.append(time.perf_counter())
            self._socket.send(b"x")

    def end(self) -> None:
        """Send no more."""
        self._stop.set()
        self._thread.join()
        self._socket.close()


def measure(folder: Path, **environment: str) -> dict[str, Any]:
    """One start. Units: seconds."""
    with veth() as (near, far):
        trickle = Trickle(near)
        try:
            with LiveProcess(folder, "--netns", far, **environment) as service:
                time.sleep(SETTLE_S)
                trickle.end()
                time.sleep(SETTLE_S)
                service.stop()
                kept = service.query("SELECT coalesce(sum(packets), 0) AS n FROM flow_records")
        finally:
            trickle.end()
    metered = kept[0]["n"]
    if not metered:
        raise RuntimeError("no packet was metered")
    return {
        "first_packet_s": trickle.times[-metered] - service.begun,
        "ready_s": service.ready_s,
        "ready_cpu_s": service.ready_cpu_s,
    }


def start_times(runs: int) -> list[Result]:
    """Warm and cold starts of ``vpcflow run``."""
    require_kernel_tools()
    found = {}
    for name, count in (("kernels cached", runs + 1), ("kernels not compiled", COLD_RUNS)):
        done = []
        for _ in range(count):
            with tempfile.TemporaryDirectory() as folder:
                cold = {} if name == "kernels cached" else {"NUMBA_CACHE_DIR": f"{folder}/kernels"}
                done.append(measure(Path(folder) / "data", **cold))
        # The first of the warm ones may have had to compile.
        found[name] = done[1:] or done
    return [
        Result(
            f"vpcflow run, {name}: start to metering",
            median([one["ready_s"] for one in done]),
            "s",
            "lower",
            bar=START_S_MAX if name == "kernels cached" else None,
            note=f"first packet that is in a record after "
            f"{median([one['first_packet_s'] for one in done]):.2f} s, "
            f"{median([one['ready_cpu_s'] for one in done]):.2f} s of CPU",
            runs=done,
        )
        for name, done in found.items()
    ]
