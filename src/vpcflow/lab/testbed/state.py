"""What a running lab leaves in its state folder, and whether that lab still runs."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vpcflow.lab.testbed.namespaces import process_start_time

STATE_FILE = "state.json"
LOCK_FILE = "lock"
LOG_FILE = "lab.log"
INVENTORY_FILE = "inventory.toml"
RESOLV_FILE = "resolv.conf"
CONTROL_SOCKET = "control.sock"


@dataclass(frozen=True)
class LabState:
    """The supervisor and the processes that hold the namespaces.

    Shape: ``start_time`` tells the process from a later one with the same id;
    ``pid_namespace`` is the inode number of the lab's PID namespace; ``pids`` go by host.
    Units: ``started_s`` seconds since the epoch, ``start_time`` clock ticks since boot.
    """

    pid: int
    start_time: int
    pid_namespace: int
    started_s: float
    pids: dict[str, int] = field(default_factory=dict)

    def is_running(self) -> bool:
        """Whether the supervisor is alive."""
        return process_start_time(self.pid) == self.start_time

    def write(self, folder: Path) -> None:
        """Put it into the folder, whole or not at all."""
        new = folder / f"{STATE_FILE}.new"
        new.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        new.replace(folder / STATE_FILE)


def running_state(folder: Path) -> LabState | None:
    """The state of the lab that runs from this folder; None when none does."""
    try:
        state = LabState(**json.loads((folder / STATE_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return state if state.is_running() else None


def remove_state(folder: Path) -> None:
    """Remove what a lab left; its log stays."""
    for name in (STATE_FILE, INVENTORY_FILE, RESOLV_FILE, CONTROL_SOCKET):
        (folder / name).unlink(missing_ok=True)


def socket_path(folder_handle: int) -> str:
    """The control socket's path through an open folder, short enough for any folder's name."""
    return f"/proc/{os.getpid()}/fd/{folder_handle}/{CONTROL_SOCKET}"
