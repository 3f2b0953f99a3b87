"""What a running capture shows to `vpcflow top` and `vpcflow status`, over a socket in its folder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vpcflow.app.window_records import inventory_of
from vpcflow.base.errors import CaptureError
from vpcflow.capture.aggregation import aggregate
from vpcflow.capture.exclusions import Exclusions
from vpcflow.capture.window import ClosedWindow
from vpcflow.enrich.network_interface import fill_interface_fields
from vpcflow.record.batch import FlowBatch, Origin

#: Flows of the open interval that one answer holds: those with the most bytes.
FLOWS_SHOWN_MAX = 5_000
#: How long the meter may take to answer; it looks several times a second.
ANSWER_S_MAX = 5.0
_REQUEST_BYTES_MAX = 64
_SOCKET_NAME = "capture.sock"


class LiveView:
    """Answers questions about the open interval, from a thread of its own.

    Shape: ``serve`` is called by the meter's thread and fulfils what is asked; each answer is one
    connection. Only the folder's owner may connect.
    """

    def __init__(
        self,
        folder: Path,
        snapshot: Callable[[], ClosedWindow],
        status: Callable[[], dict[str, Any]],
        exclusions: Exclusions,
    ) -> None:
        self._path = folder / _SOCKET_NAME
        self._snapshot = snapshot
        self._status = status
        self._exclusions = exclusions
        self._asked = threading.Event()
        self._answered = threading.Event()
        self._window: ClosedWindow | None = None
        self._facts: dict[str, Any] = {}
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _short_path(self._path) as path:
            before = os.umask(0o177)
            try:
                self._listener.bind(path)
            finally:
                os.umask(before)
        self._listener.listen(8)
        self._thread = threading.Thread(target=self._run, name="vpcflow-live", daemon=True)
        self._thread.start()

    def serve(self) -> None:
        """Take the snapshot that somebody waits for; for the meter's thread."""
        if self._asked.is_set():
            self._asked.clear()
            self._window = self._snapshot()
            self._facts = self._status()
            self._answered.set()

    def close(self) -> None:
        """Stop answering."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(ANSWER_S_MAX)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(ANSWER_S_MAX)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = connection.recv(_REQUEST_BYTES_MAX).strip()
        self._answered.clear()
        self._asked.set()
        if not self._answered.wait(ANSWER_S_MAX) or self._window is None:
            return
        if request == b"status":
            connection.sendall(json.dumps(self._facts).encode())
        elif request == b"flows":
            connection.sendall(_flows(self._window, self._exclusions))


def _flows(window: ClosedWindow, exclusions: Exclusions) -> bytes:
    """The largest flows of a window as an Arrow IPC stream."""
    if len(window.rows) > FLOWS_SHOWN_MAX:
        largest = np.argpartition(window.rows[:, 6], -FLOWS_SHOWN_MAX)[-FLOWS_SHOWN_MAX:]
        source = window.action_source
        window = replace(
            window,
            rows=window.rows[largest],
            rtt=None,
            action_source=None if source is None else source[largest],
        )
    made = aggregate(window, exclusions, nodata=False)
    inventory = inventory_of(window.points)
    out = pa.BufferOutputStream()
    tables = [
        fill_interface_fields(FlowBatch(batch, Origin("capture")), inventory).records
        for batch in made.batches
    ]
    if not tables:
        return b""
    table = pa.Table.from_batches(tables).unify_dictionaries()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    data: bytes = out.getvalue().to_pybytes()
    return data


def ask_live(folder: Path, request: str) -> bytes:
    """Ask the capture that runs on a data folder: ``status`` (JSON) or ``flows`` (Arrow, or empty).

    Errors: CaptureError when none runs, or it does not answer.
    """
    path = folder / _SOCKET_NAME
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2 * ANSWER_S_MAX)
            with _short_path(path) as short:
                connection.connect(short)
            connection.sendall(request.encode() + b"\n")
            parts = []
            while part := connection.recv(1 << 20):
                parts.append(part)
            return b"".join(parts)
    except TimeoutError as error:
        raise CaptureError("the running capture does not answer", where=str(folder)) from error
    except OSError as error:
        raise CaptureError(
            "no capture runs on this data folder",
            where=str(folder),
            hint="start one with `sudo vpcflow run`, or name its folder with --data DIR",
        ) from error


@contextlib.contextmanager
def _short_path(path: Path) -> Any:
    """A name of the socket that fits the kernel's 108 bytes, however deep the folder lies."""
    handle = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)
