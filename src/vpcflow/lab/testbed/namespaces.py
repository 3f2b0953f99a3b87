"""The system calls for namespaces that Python 3.11 lacks."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWNS = 0x0002_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x4_0000
_PR_SET_NAME = 15
#: A process that has ended and that nobody has asked about yet.
_DEAD_STATES = ("Z", "X")
_LIBC = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Give this process new namespaces; a new PID namespace is for its next child.

    Errors: OSError.
    """
    if _LIBC.unshare(flags):
        raise _last_error()


def enter_network(pid: int) -> None:
    """Move this thread into the network namespace of a process.

    Errors: OSError.
    """
    handle = os.open(network_namespace(pid), os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.setns(handle, CLONE_NEWNET):
            raise _last_error()
    finally:
        os.close(handle)


def bind_file(source: str, target: str) -> None:
    """Show ``source`` at ``target``, to this process and its children alone.

    Errors: OSError.
    """
    unshare(CLONE_NEWNS)
    for arguments in (
        (None, b"/", None, _MS_REC | _MS_PRIVATE, None),
        (source.encode(), target.encode(), None, _MS_BIND, None),
    ):
        if _LIBC.mount(*arguments):
            raise _last_error()


def set_process_name(name: str) -> None:
    """Set the name that ``ps`` and ``top`` show, at most 15 bytes."""
    _LIBC.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def network_namespace(pid: int) -> str:
    """The path by which the network namespace of a process is opened."""
    return f"/proc/{pid}/ns/net"


def process_start_time(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None when there is none, or a dead one.

    A process id alone may be another process by now; with this it is not.
    """
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="utf-8", errors="replace") as file:
            # The name, in parentheses, may hold anything; the 22nd field is the 20th behind it.
            fields = file.read().rpartition(")")[2].split()
            return None if fields[0] in _DEAD_STATES else int(fields[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def _last_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
