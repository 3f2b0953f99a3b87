"""The real ``vpcflow run`` beside namespaces of the benchmark: its start, CPU, counters, records."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from machine import VPCFLOW, run
from ring_rate import MAC, TARGET, namespace, run_in

#: Of a command that is never needed in vain: a package's name where it is not the command's.
PROGRAMS = {"ip": "iproute2", "nft": "nftables", "unshare": "util-linux", "nsenter": "util-linux"}
END_SECONDS_MAX = 120
#: The clock of another process's CPU time (linux/posix-timers.h).
_CPU_CLOCK_SCHED = 2


def require_kernel_tools() -> None:
    """Say plainly what the live measures miss.

    Errors: RuntimeError.
    """
    if os.geteuid() != 0:
        raise RuntimeError("it makes network namespaces and meters them: run it as root")
    missing = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)})
    if missing:
        raise RuntimeError(f"apt-get install {' '.join(missing)}")


@contextmanager
def veth() -> Iterator[tuple[str, str]]:
    """Two namespaces with a veth between them, ``near`` and ``far``; nothing answers ``TARGET``."""
    with namespace() as near, namespace() as far:
        for path in (near, far):
            run_in(path, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        pid = far.split("/")[2]
        run_in(near, f"ip link add near type veth peer name far address {MAC} netns {pid}")
        run_in(near, "ip address add 10.9.0.1/24 dev near; ip link set near up")
        run_in(far, "ip address add 10.9.0.2/24 dev far; ip link set far up")
        for address in (TARGET, "10.9.0.2"):
            run_in(near, f"ip neighbour replace {address} dev near lladdr {MAC} nud permanent")
        yield near, far


def received(far: str) -> int:
    """Packets that came to the far end, by its kernel."""
    listed = subprocess.run(
        ["nsenter", f"--net={far}", "ip", "-s", "-json", "link", "show", "dev", "far"],
        check=True,
        capture_output=True,
    ).stdout
    return int(json.loads(listed)[0]["stats64"]["rx"]["packets"])


def uncut_interval_s() -> int:
    """An interval that ends minutes from now, so that one run is one interval."""
    now = int(time.time())
    return max(range(300, 601), key=lambda interval: interval - now % interval)


class LiveProcess:
    """``vpcflow run`` of one namespace as a user runs it, until the block or ``stop`` ends it.

    Shape: ``options`` are more words of its command. ``ready_s`` and ``ready_cpu_s`` are what it
    took until it metered.
    """

    def __init__(self, data: Path, *options: str, **environment: str) -> None:
        self.data = data
        more = {"NO_COLOR": "1", "VPCFLOW_INVENTORY__OWN_NAMESPACE": "false", **environment}
        kept = {key: os.environ[key] for key in os.environ.keys() - {"PYTHONDONTWRITEBYTECODE"}}
        command = [str(VPCFLOW), "--data", str(data), "run", *options]
        command += ["--interval", str(uncut_interval_s())]
        self.begun = time.perf_counter()
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**kept, **more})
        self.lines: list[str] = []
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.decode())
            if line.startswith(b"metering"):
                break
        else:
            raise RuntimeError(f"vpcflow run ended: {''.join(self.lines)}")
        self.ready_s = time.perf_counter() - self.begun
        self.ready_cpu_s = self.cpu_s()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def cpu_s(self) -> float:
        """CPU seconds of all its threads until now."""
        return time.clock_gettime((~self._process.pid << 3) | _CPU_CLOCK_SCHED)

    def status(self) -> dict[str, Any]:
        """What ``vpcflow status`` tells."""
        told: dict[str, Any] = json.loads(
            run([VPCFLOW, "--data", self.data, "status", "--json"]).output
        )
        return told

    def stop(self) -> None:
        """End it as systemd does; everything must be kept.

        Errors: RuntimeError when it does not end well.
        """
        self._process.send_signal(signal.SIGTERM)
        _, rest = self._process.communicate(timeout=END_SECONDS_MAX)
        if self._process.returncode:
            raise RuntimeError(f"vpcflow run failed: {rest.decode()}")

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Ask the table."""
        output = run([VPCFLOW, "--data", self.data, "query", sql, "--json"]).output
        return [json.loads(line) for line in output.splitlines()]
