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
from vpcflow.capture.parsed_columns import TCP_FLAGS_SHIFT, VERDICT_REJECT, VERDICT_SHIFT
from vpcflow.capture.window import ClosedWindow
from vpcflow.enrich.network_interface import fill_interface_fields
from vpcflow.record.batch import FlowBatch, Origin

#: Flows of the open interval that one answer holds: those with the most bytes.
FLOWS_SHOWN_MAX = 5_000
#: How long the meter may take to answer; it looks several times a second.
ANSWER_S_MAX = 5.0
#: Who is answered at the same time, and who waits for a place.
CLIENTS_MAX = 32
CLIENTS_WAITING_MAX = 128
#: Key of the stream's metadata that holds ``window_facts`` as JSON.
WINDOW_FACTS_KEY = b"vpcflow.window"
#: The request for an address that signs in to the console.
CONSOLE_LINK = "console-link"
_REQUEST_BYTES_MAX = 64
_SOCKET_NAME = "capture.sock"


class LiveView:
    """Answers questions about the open interval, from threads of its own.

    Shape: ``serve`` is called by the meter's thread and fulfils what is asked; each answer is one
    connection, and at most ``CLIENTS_MAX`` at a time. Only the folder's owner may connect. A
    ``snapshot`` of None is that of nothing metered.
    """

    def __init__(
        self,
        folder: Path,
        snapshot: Callable[[], ClosedWindow | None],
        status: Callable[[], dict[str, Any]],
        exclusions: Exclusions,
        *,
        console_link: Callable[[], str] = lambda: "",
    ) -> None:
        self._path = folder / _SOCKET_NAME
        self._console_link = console_link
        self._snapshot = snapshot
        self._status = status
        self._exclusions = exclusions
        self._asked = threading.Event()
        self._wants_flows = False
        self._served = threading.Condition()
        self._answers = 0
        self._is_closed = False
        self._clients: set[socket.socket] = set()
        self._places = threading.Semaphore(CLIENTS_MAX)
        self._window: ClosedWindow | None = None
        self._facts: dict[str, Any] = {}
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Not by umask, which would also be that of files that other threads make meanwhile.
        os.fchmod(self._listener.fileno(), 0o600)
        with _short_path(self._path) as path:
            self._listener.bind(path)
        self._listener.listen(CLIENTS_WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name="vpcflow-live", daemon=True)
        self._thread.start()

    def serve(self) -> None:
        """Take the snapshot that somebody waits for; for the meter's thread."""
        if not self._asked.is_set():
            return
        with self._served:
            self._asked.clear()
            if self._wants_flows:
                self._wants_flows = False
                self._window = self._snapshot()
            self._facts = self._status()
            self._answers += 1
            self._served.notify_all()

    def status(self) -> dict[str, Any]:
        """The status as the meter's thread tells it; empty when it does not answer in time."""
        answer = self._answer(b"status")
        return dict(json.loads(answer)) if answer else {}

    def close(self) -> None:
        """Stop answering; who still waits gets nothing."""
        self._path.unlink(missing_ok=True)
        with self._served:
            self._is_closed = True
            for client in (self._listener, *self._clients):
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            self._served.notify_all()
        self._thread.join(ANSWER_S_MAX)
        self._listener.close()

    def _run(self) -> None:
        while True:
            self._places.acquire()
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._served:
                if self._is_closed:
                    client.close()
                    return
                self._clients.add(client)
            # A thread for each, so that one who does not read keeps nobody waiting.
            threading.Thread(
                target=self._attend, args=(client,), name="vpcflow-live-client", daemon=True
            ).start()

    def _attend(self, client: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):
                client.settimeout(ANSWER_S_MAX)
                request = client.recv(_REQUEST_BYTES_MAX).strip()
                if request in (b"status", b"flows"):
                    client.sendall(self._answer(request))
                elif request == CONSOLE_LINK.encode():
                    client.sendall(self._console_link().encode())
        finally:
            with self._served:
                self._clients.discard(client)
                if not self._clients:
                    self._window = None
            client.close()
            self._places.release()

    def _answer(self, request: bytes) -> bytes:
        with self._served:
            wanted = self._answers + 1
            self._wants_flows |= request == b"flows"
            self._asked.set()
            self._served.wait_for(
                lambda: self._answers >= wanted or self._is_closed, timeout=ANSWER_S_MAX
            )
            if self._answers < wanted:
                return b""
            facts, window = self._facts, self._window
        if request == b"status":
            return json.dumps(facts).encode()
        return _flows(window, self._exclusions) if window is not None else b""


def _flows(window: ClosedWindow, exclusions: Exclusions) -> bytes:
    """The largest flows of a window as an Arrow IPC stream."""
    facts = window_facts(window)
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
        pa.Table.from_batches(
            [fill_interface_fields(FlowBatch(batch, Origin("capture")), inventory).records]
        )
        for batch in made.batches
    ]
    if not tables:
        return b""
    # SKIPDATA lines have few of the columns of flows.
    table = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
    table = table.replace_schema_metadata({WINDOW_FACTS_KEY: json.dumps(facts)})
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    data: bytes = out.getvalue().to_pybytes()
    return data


def window_facts(window: ClosedWindow) -> dict[str, Any]:
    """What an open interval holds in all, also of the flows that an answer leaves out.

    Units: ``at`` and ``opened`` seconds since the epoch; ``rejected`` is packets.
    """
    packets = window.rows[:, 5] & np.uint64((1 << TCP_FLAGS_SHIFT) - 1)
    verdict = window.rows[:, 4] >> np.uint64(VERDICT_SHIFT) & np.uint64(3)
    return {
        "at": window.end_ns / 1e9,
        "opened": window.start_ns / 1e9,
        "interval_s": window.interval_s,
        "flows": len(window.rows),
        "packets": int(packets.sum()),
        "bytes": int(window.rows[:, 6].sum()),
        "rejected": int(packets[verdict == np.uint64(VERDICT_REJECT)].sum()),
        "interfaces": {
            point.interface.interface_id: point.interface.name for point in window.points
        },
    }


def ask_live(folder: Path, request: str) -> bytes:
    """Ask what runs on a data folder: ``status`` (JSON), ``flows`` (Arrow, or empty), CONSOLE_LINK.

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
            answer = b"".join(parts)
    except (TimeoutError, BlockingIOError) as error:
        raise CaptureError("the running capture does not answer", where=str(folder)) from error
    except PermissionError as error:
        raise CaptureError(
            "the running capture answers only its owner",
            where=str(folder),
            hint="ask with sudo",
        ) from error
    except OSError as error:
        raise CaptureError(
            "no capture runs on this data folder",
            where=str(folder),
            hint="start one with `sudo vpcflow run`, or name its folder with --data DIR",
        ) from error
    if request == "status" and not answer:
        raise CaptureError("the running capture ended, or does not answer", where=str(folder))
    return answer


@contextlib.contextmanager
def _short_path(path: Path) -> Any:
    """A name of the socket that fits the kernel's 108 bytes, however deep the folder lies."""
    handle = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)
