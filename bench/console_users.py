"""Users who refresh the console's overview over HTTP, each with a session of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from endpoint_process import ACCOUNT
from machine import ROOT, VPCFLOW
from results import Result
from signed_load import KEY_ID, REGION, SECRET
from vpcflow.base.data_folder import DataFolder
from vpcflow.store.file_index import FileIndex

USERS = 20
#: The page asks so many things at a time (console/src/api/queue.ts).
CONNECTIONS_A_USER = 4
DASHBOARD = "src/vpcflow/api/rest/dashboards/overview.json"
BASE = "/api/v1"
MIB = 1 << 20
DAY_S = 86_400
_CONSOLE = re.compile(rb"http://(127\.0\.0\.1:[0-9]+)/")
_ANSWER_S_MAX = 120
_PATHS = {"findings": "/findings", "graph": "/graph", "rejected_ports": "/rejected-ports"}


class Console:
    """A running console: where it is, and how much memory it holds."""

    def __init__(self, process: subprocess.Popen[bytes], place: str) -> None:
        self._process = process
        self.place = place

    def most_bytes(self) -> int:
        """The most memory that it has held."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        return (
            int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1])
            * 1024
        )


@contextmanager
def console(data: Path) -> Iterator[Console]:
    """`vpcflow run` of a data folder until the block ends."""
    environment = {
        **os.environ,
        "VPCFLOW_ROOT_ACCESS_KEY_ID": KEY_ID,
        "VPCFLOW_ROOT_SECRET_ACCESS_KEY": SECRET,
        "VPCFLOW_ACCOUNT_ID": ACCOUNT,
        "AWS_REGION": REGION,
    }
    ports = ["--port", "0", "--console-port", "0"]
    process = subprocess.Popen(
        [str(VPCFLOW), "--data", str(data), "run", "--no-capture", *ports],
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stderr is not None
    try:
        place = next(
            (found[1].decode() for line in process.stderr if (found := _CONSOLE.search(line))), ""
        )
        if not place:
            raise RuntimeError("vpcflow run ended without a console")
        # Nobody else reads what it says, and a full pipe would stop it.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Console(process, place)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


class User:
    """Somebody who is signed in, and asks what the page asks."""

    def __init__(self, place: str, text: str) -> None:
        self._place = place
        self._text = text
        body = json.dumps({"access_key_id": KEY_ID, "secret_access_key": SECRET})
        headers = {"content-type": "application/json", "origin": f"http://{place}"}
        answer, _ = self._sent("POST", f"{BASE}/session", body, headers)
        self._cookie = (answer.getheader("set-cookie") or "").partition(";")[0]

    def _sent(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self._place, timeout=_ANSWER_S_MAX)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        if answer.status not in {200, 201}:
            raise RuntimeError(f"{method} {path}: {answer.status} {read[:200]!r}")
        return answer, read

    def refresh(self, start_s: int, end_s: int) -> float:
        """Ask everything on the page; the seconds until the last answer."""
        begun = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS_A_USER) as connections:
            list(connections.map(self._get, _addresses(start_s, end_s, self._text)))
        return time.perf_counter() - begun

    def _get(self, path: str) -> None:
        self._sent("GET", path, None, {"cookie": self._cookie})


def _addresses(start_s: int, end_s: int, text: str) -> list[str]:
    found = []
    for panel in json.loads((ROOT / DASHBOARD).read_text())["panels"]:
        query = panel.get("query") or {}
        name = query.get("question")
        if name:
            both = " and ".join(f"({part})" for part in (text, query.get("filter")) if part)
            asked = {
                **(query.get("parameters") or {}),
                "start": start_s,
                "end": end_s,
                "filter": both,
            }
            found.append(f"{BASE}{_PATHS.get(name, f'/questions/{name}')}?{urlencode(asked)}")
    return found


def refresh(table: Path, rounds: int) -> list[Result]:
    """All users at once, round by round, each round five minutes on; the same page, then 20 filters."""
    newest_s = (FileIndex(DataFolder(table)).totals().start_max or 0) + 1
    end_s = newest_s - newest_s % 300
    results = []
    filters: dict[str, Callable[[int], str]] = {
        "the same page": lambda _: "",
        "20 different filters": lambda user: f"addr in 10.0.{user * 8}.0/21",
    }
    for what, text_of in filters.items():
        with console(table) as served:
            users = [User(served.place, text_of(number)) for number in range(USERS)]
            taken: list[float] = []
            for step in range(rounds):
                # A range that nobody has asked for yet, as when time goes on.
                end = end_s - (rounds - step) * 300
                with ThreadPoolExecutor(USERS) as threads:
                    asked = [threads.submit(user.refresh, end - DAY_S, end) for user in users]
                    taken += [one.result() for one in asked]
            most = served.most_bytes()
        taken.sort()
        p95 = taken[int(0.95 * (len(taken) - 1))]
        note = f"median {taken[len(taken) // 2]:.2f} s, load {os.getloadavg()[0]:.1f}"
        name = f"{USERS} users refresh the overview, {what}"
        results += [
            Result(f"{name}: p95", p95, "s", "lower", bar=3, note=note, runs=taken),
            Result(f"{name}: memory", most / MIB, "MiB", "lower", note="of the server, the most"),
        ]
    return results
