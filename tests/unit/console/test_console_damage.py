"""Aim: a full disk, damaged files and a killed process are told, and the console goes on.

Method: a real console over a file system of a few megabytes, over files of garbage, and killed while
it writes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from console_server import ConsoleServer

from vpcflow.base.errors import StoreError
from vpcflow.inventory.country_ranges import COUNTRY_FILE

_GARBAGE = b"garbage" * 100
#: Serves a console, says its port, and waits to be killed.
_SERVE = """
import sys
from pathlib import Path
from console_server import ConsoleServer
with ConsoleServer(Path(sys.argv[1])) as server:
    browser = server.sign_in()
    print(server.port, browser.cookie, browser.csrf, flush=True)
    sys.stdin.read()
"""


def _dashboard(title: str) -> dict[str, Any]:
    return {"version": 1, "title": title, "description": "z" * 1_900, "panels": []}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(mount)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def _fill(folder: Path) -> Path:
    path = folder / "fill"
    filling = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(filling, bytes(4_096))
    except OSError:
        return path
    finally:
        os.close(filling)


def test_a_full_disk_is_told_and_reading_goes_on(small_disk: Path) -> None:
    with ConsoleServer(small_disk / "data") as server:
        browser = server.sign_in()
        filled = _fill(small_disk)
        refused = [
            server.ask("/api/v1/dashboards", "POST", browser.headers, _dashboard(f"d{number}"))
            for number in range(60)
        ]
        refused += [server.ask("/api/v1/session", "POST", body=server.key) for _ in range(3)]
        refused = [one for one in refused if one.status != 201]
        assert len(refused) > 3
        assert {one.status for one in refused} == {500}
        assert {one.json["error"]["code"] for one in refused} == {"StoreError"}
        assert all("full" in one.json["error"]["message"] for one in refused)
        link = server.console.link().removeprefix(server.origin)
        page = server.ask(link)
        assert (page.status, b"Nobody can sign in now" in page.body) == (503, True)
        for path in ("session", "dashboards", "health", "graph"):
            assert server.ask(f"/api/v1/{path}", headers=browser.headers).status == 200, path
        health = server.ask("/api/v1/health", headers=browser.headers).json
        assert health["status"] == "critical"
        assert server.control.failed is None
        assert server.console.failed is None
        filled.unlink()
        later = server.sign_in()
        made = server.ask("/api/v1/dashboards", "POST", later.headers, _dashboard("later"))
        assert made.status == 201


def test_what_can_be_done_without_is_done_without(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ConsoleServer(data) as server:
        browser = server.sign_in()
    (data / COUNTRY_FILE).parent.mkdir(exist_ok=True)
    recent = data / "recent"
    for path in (*recent.rglob("*"), recent / "0000000000000001.arrow", data / COUNTRY_FILE):
        if not path.is_dir():
            path.write_bytes(_GARBAGE)
    with ConsoleServer(data) as server:
        assert browser.session(server)["signed_in"]
        for path in ("health", "graph", "questions/talkers", "settings", "network"):
            reply = server.ask(f"/api/v1/{path}", headers={"Cookie": browser.cookie})
            assert reply.status == 200, (path, reply.body)


def test_a_damaged_control_database_is_told_at_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ConsoleServer(data):
        pass
    for path in data.glob("control.sqlite*"):
        path.unlink()
    (data / "control.sqlite").write_bytes(_GARBAGE)
    with pytest.raises(StoreError, match=r"control\.sqlite.*not a database"):
        ConsoleServer(data)


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    try:
        assert process.stdout is not None
        port, cookie, csrf = process.stdout.readline().split()
        kept = _written_until_killed(process, int(port), cookie, csrf)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    with ConsoleServer(data) as server:
        headers = {"Cookie": cookie}
        assert server.ask("/api/v1/session", headers=headers).json["signed_in"]
        listed = server.ask("/api/v1/dashboards", headers=headers).json
        titles = {one["title"] for one in listed["dashboards"]}
        assert kept <= titles
        assert server.sign_in()


def _written_until_killed(
    process: subprocess.Popen[str], port: int, cookie: str, csrf: str
) -> set[str]:
    """Dashboards that were acknowledged; the process is killed while another one is written."""
    headers = {
        "Cookie": cookie,
        "X-Vpcflow-Csrf": csrf,
        "Origin": f"http://127.0.0.1:{port}",
        "Content-Type": "application/json",
    }
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    kept: set[str] = set()
    for number in range(12):
        title = f"dashboard {number}"
        body = json.dumps({"version": 1, "title": title, "panels": []})
        connection.request("POST", "/api/v1/dashboards", body, headers)
        if number == 11:
            process.kill()
        try:
            reply = connection.getresponse()
            reply.read()
        except (OSError, HTTPException):
            break
        assert reply.status == 201
        kept.add(title)
    connection.close()
    assert len(kept) >= 11
    return kept
