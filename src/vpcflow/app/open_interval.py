"""The mark of an open interval: after a kill it says which records are missing, and of whom."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vpcflow.base.errors import StoreError
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface

_NS = 1_000_000_000
_NAME = "open-interval.json"


class OpenInterval:
    """A file that stands while packets are counted that are not on the disk yet.

    Shape: ``write`` says from when on records are missing if the process dies now, ``beat`` that it
    still lives (the file's time), ``remove`` that nothing is missing. ``read`` after a start gives
    the interval of a process that was killed, with nothing in it but its SKIPDATA lines. ``write``
    and ``beat`` may be called from two threads.
    Errors: StoreError when the data folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._lock = threading.Lock()
        self._since: tuple[int, int] | None = None
        self._interfaces: dict[str, NetworkInterface] = {}

    def write(self, since_ns: int, interval_s: int, points: Iterable[ObservationPoint]) -> None:
        """Records from ``since_ns`` on are not kept yet."""
        with self._lock:
            self._since = since_ns, interval_s
            self._interfaces = _present(points)
            self._write()

    def beat(self, now_s: float, points: Iterable[ObservationPoint]) -> None:
        """The process lives, and counts up to now; it has these points by now."""
        with self._lock:
            if self._since is None:
                return
            present = _present(points)
            if present.keys() - self._interfaces.keys():
                # What a vanished one had in the open interval is missing as well.
                self._interfaces |= present
                self._write()
            with contextlib.suppress(OSError):
                os.utime(self._path, (now_s, now_s))

    def remove(self) -> None:
        """Everything that was counted is kept."""
        with self._lock:
            self._since = None
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        assert self._since is not None
        since_ns, interval_s = self._since
        interfaces = [_named(interface) for interface in self._interfaces.values()]
        text = json.dumps(
            {"since_ns": since_ns, "interval_s": interval_s, "interfaces": interfaces}
        )
        part = self._path.with_suffix(".part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self._path)
        except OSError as error:
            raise StoreError(
                f"cannot note the open interval: {error.strerror}",
                where=str(self._path),
                hint="free some space on the disk of the data folder",
            ) from error

    def read(self) -> ClosedWindow | None:
        """What a killed process lost: an interval with SKIPDATA lines only; None after a clean end."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            end_ns = int(self._path.stat().st_mtime * _NS)
            points = [_point(slot, interface) for slot, interface in enumerate(told["interfaces"])]
            since_ns, interval_s = int(told["since_ns"]), int(told["interval_s"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            # A mark that cannot be read was being written when the machine went down.
            self.remove()
            return None
        end_ns = max(end_ns, since_ns)
        window = ClosedWindow(
            since_ns, end_ns, interval_s, np.zeros((0, 8), np.uint64), tuple(points)
        )
        return replace(window, lost_namespaces=frozenset({""}))


def _present(points: Iterable[ObservationPoint]) -> dict[str, NetworkInterface]:
    return {
        point.interface.interface_id: point.interface for point in points if point.until_s is None
    }


def _named(interface: NetworkInterface) -> dict[str, str]:
    return {
        "interface_id": interface.interface_id,
        "subnet_id": interface.subnet_id,
        "vpc_id": interface.vpc_id,
        "account_id": interface.account_id,
        "instance_id": interface.instance_id or "",
    }


def _point(slot: int, told: dict[str, Any]) -> ObservationPoint:
    interface = NetworkInterface(
        told["interface_id"],
        told["subnet_id"],
        told["vpc_id"],
        told["account_id"],
        instance_id=told["instance_id"] or None,
    )
    return ObservationPoint(slot, interface, AttachmentSide.INTERFACE)
