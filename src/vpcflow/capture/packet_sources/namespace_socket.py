"""Sockets made within another network namespace, while the process stays in its own."""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vpcflow.base.errors import CaptureError

NAMESPACE_FOLDER = Path("/run/netns")
#: The namespace in which the process itself is.
OWN_NAMESPACE = ""
_CLONE_NEWNET = 0x4000_0000
_CAN = TypeVar("_CAN")


def namespace_path(namespace: str) -> Path:
    """The file of a namespace: a name stands for one below /run/netns, a path for itself."""
    if namespace == OWN_NAMESPACE:
        return Path("/proc/self/ns/net")
    return Path(namespace) if "/" in namespace else NAMESPACE_FOLDER / namespace


def namespace_identity(namespace: str) -> tuple[int, int] | None:
    """Device and inode of a namespace; None when it does not exist.

    A name that is deleted and made anew gets another identity, and an open socket keeps the old
    namespace alive until it is closed.
    """
    try:
        status = namespace_path(namespace).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def open_in_namespace(namespace: str, make: Callable[[], _CAN]) -> _CAN:
    """What ``make`` returns, called in a thread that has moved to the namespace.

    A socket stays in the namespace in which it was made; the thread ends with this call.
    Errors: CaptureError when the namespace cannot be entered; what ``make`` raises.
    """
    if namespace == OWN_NAMESPACE:
        return make()
    path = namespace_path(namespace)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot_open(namespace, path, error) from error
    made: list[_CAN] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            _enter(descriptor, namespace)
            made.append(make())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failed.append(error)

    try:
        thread = threading.Thread(target=run, name="enter-namespace", daemon=True)
        thread.start()
        thread.join()
    finally:
        os.close(descriptor)
    if failed:
        raise failed[0]
    return made[0]


def _enter(descriptor: int, namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) == 0:
        return
    code = ctypes.get_errno()
    where = f"network namespace {namespace}"
    if code == errno.EPERM:
        raise CaptureError(
            "no permission to enter it",
            where=where,
            hint="run with sudo: entering a namespace needs CAP_SYS_ADMIN",
        )
    if code == errno.EINVAL:
        raise CaptureError(
            f"{namespace_path(namespace)} is not a network namespace",
            where=where,
            hint="`ip netns list` names those of this host",
        )
    raise CaptureError(f"cannot be entered: {os.strerror(code)}", where=where)


def _cannot_open(namespace: str, path: Path, error: OSError) -> CaptureError:
    where = f"network namespace {namespace}"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return CaptureError(
            f"does not exist: there is no {path}",
            where=where,
            hint="`ip netns list` names those of this host; a path, such as /proc/PID/ns/net, "
            "is good too",
        )
    if isinstance(error, PermissionError):
        return CaptureError(f"no permission to open {path}", where=where, hint="run with sudo")
    return CaptureError(f"{path} cannot be opened: {error.strerror}", where=where)
