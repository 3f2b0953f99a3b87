"""Aim: whoever breaks into what serves browsers has no capability of the capture.

Method: ``vpcflow run`` as root over a veth pair; its console is opened and asked for everything that
makes threads, then the kernel is asked for the capabilities of every thread.
"""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from firewall_router import anonymous_namespace, needs_root, run_in
from live_harness import Service, vpcflow

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root() or "can run")

#: As the kernel has them: it keeps 15 characters of "vpcflow-console-load".
_SERVING = ("vpcflow-console", "vpcflow-http")


class Run(Service):
    """``vpcflow run`` whose process can be looked at."""

    @property
    def pid(self) -> int:
        return self._process.pid


def _masks(pid: int) -> dict[str, set[int]]:
    """Effective and permitted capabilities of all threads, by the thread's name."""
    found: dict[str, set[int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        for line in (task / "status").read_text().splitlines():
            if line.startswith(("CapEff:", "CapPrm:")):
                found.setdefault(name, set()).add(int(line.split()[1], 16))
    return found


def _threads(pid: int, name: str) -> int:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum((task / "comm").read_text().strip() == name for task in tasks)


def _use(link: str) -> None:
    """Sign in, and ask for what makes threads: pages, requests, questions, files."""
    parts = urlsplit(link)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("GET", parts.path)
        reply = connection.getresponse()
        reply.read()
        cookie = (reply.getheader("set-cookie") or "").partition(";")[0]
        assert cookie, reply.status
        for path in ("session", "graph", "questions/talkers", "export?question=flows", "health"):
            connection.request("GET", f"/api/v1/{path}", headers={"Cookie": cookie})
            reply = connection.getresponse()
            reply.read()
            assert reply.status == 200, path
        connection.request("GET", "/manual/", headers={"Cookie": cookie})
        connection.getresponse().read()
    finally:
        connection.close()


def test_what_serves_browsers_holds_no_capability(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with anonymous_namespace() as near:
        run_in(near, "ip link add near type veth peer name far; ip link set near up")
        ports = {"VPCFLOW_CONSOLE__PORT": "0", "VPCFLOW_API__PORT": "0"}
        options = ("--netns", near, "--device", "near*", "--interval", "600")
        with Run(data, *options, environment=ports) as service:
            before = _threads(service.pid, "vpcflow-console")
            _use(vpcflow(data, "console").strip())
            masks = _masks(service.pid)
            # Threads of requests and questions came while it was used: they were started by those
            # that had given everything back.
            assert _threads(service.pid, "vpcflow-console") > max(before, 3)
            for name in _SERVING:
                assert masks[name] == {0}, name
            assert any(mask for found in masks.values() for mask in found), "nobody captures"
            service.stop()
