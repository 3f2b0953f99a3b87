"""Sockets made within another network namespace, while the process stays in its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vpcflow.base.errors import CaptureError
from vpcflow.inventory.sources.network_namespace import (
    OWN_NAMESPACE,
    namespace_path,
    run_inside,
)

_CAN = TypeVar("_CAN")


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
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _cannot_open(namespace, path, error) from error
    try:
        return run_inside(descriptor, make, namespace)
    finally:
        os.close(descriptor)


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
