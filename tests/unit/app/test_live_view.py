"""Aim: the running capture answers everybody who asks well, whatever others do with its socket."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from vpcflow.app.live_view import CLIENTS_MAX, LiveView, ask_live
from vpcflow.base.errors import CaptureError
from vpcflow.capture.exclusions import Exclusions
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface

_NS = 1_000_000_000
_FACTS = {"interfaces": 1, "packets": {"metered": 3}}
_INTERFACE = NetworkInterface("eni-0a0a0a0a0a0a0a0a0", "subnet-1", "vpc-1", "0" * 12)


def _window() -> ClosedWindow:
    return ClosedWindow(
        0,
        60 * _NS,
        60,
        np.zeros((0, 8), np.uint64),
        (ObservationPoint(0, _INTERFACE, AttachmentSide.INTERFACE),),
        lost_namespaces=frozenset({""}),
    )


@contextmanager
def _view(folder: Path, *, serving: bool = True) -> Iterator[LiveView]:
    """A view and a meter that looks at it again and again."""
    end = threading.Event()

    def status() -> dict[str, Any]:
        return _FACTS

    view = LiveView(folder, _window, status, Exclusions(()))

    def meter() -> None:
        while not end.wait(0.001):
            view.serve()

    thread = threading.Thread(target=meter)
    if serving:
        thread.start()
    try:
        yield view
    finally:
        view.close()
        end.set()
        if serving:
            thread.join()


def _connect(folder: Path) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.connect(str(folder / "capture.sock"))
    return opened


def test_status_and_flows_are_told(tmp_path: Path) -> None:
    with _view(tmp_path):
        assert json.loads(ask_live(tmp_path, "status")) == _FACTS
        table = pa.ipc.open_stream(ask_live(tmp_path, "flows")).read_all()
    # Records that were lost already are told while the interval is open.
    assert table.column("log_status").to_pylist() == ["SKIPDATA"]


def test_only_the_owner_may_connect(tmp_path: Path) -> None:
    with _view(tmp_path):
        assert stat.S_IMODE((tmp_path / "capture.sock").stat().st_mode) == 0o600


def test_a_hundred_ask_at_once(tmp_path: Path) -> None:
    with _view(tmp_path), ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda _: ask_live(tmp_path, "status"), range(100)))
    assert [json.loads(answer) for answer in answers] == [_FACTS] * 100


def test_silent_and_deaf_clients_keep_nobody_waiting(tmp_path: Path) -> None:
    with _view(tmp_path):
        silent = [_connect(tmp_path) for _ in range(CLIENTS_MAX - 1)]
        silent[0].sendall(b"flows\n")  # and never reads
        try:
            assert json.loads(ask_live(tmp_path, "status")) == _FACTS
        finally:
            for client in silent:
                client.close()


def test_garbage_is_not_answered(tmp_path: Path) -> None:
    with _view(tmp_path), closing(_connect(tmp_path)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert client.recv(1) == b""
        assert json.loads(ask_live(tmp_path, "status")) == _FACTS


def test_a_deep_folder_has_a_socket_too(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    with _view(folder):
        assert json.loads(ask_live(folder, "status")) == _FACTS
    assert not (folder / "capture.sock").exists()


def test_the_end_lets_waiting_clients_go(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, _view(tmp_path, serving=False) as view:
        asked = pool.submit(ask_live, tmp_path, "status")
        while not view._asked.is_set():
            pass
        view.close()
        with pytest.raises(CaptureError, match="ended"):
            asked.result()


def test_nobody_runs(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="no capture runs") as raised:
        ask_live(tmp_path, "status")
    assert "vpcflow run" in raised.value.hint
