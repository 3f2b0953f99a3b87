"""A file that is on the disk, whole, by the time it has its name."""

from __future__ import annotations

import os
from pathlib import Path

from vpcflow.base.data_folder import fsync_folder

_TEMPORARY_SUFFIX = ".tmp"


def temporary_path(path: Path) -> Path:
    """The name of a file while it is written."""
    return path.with_name(f".{path.name}{_TEMPORARY_SUFFIX}")


def make_durable(temporary: Path, path: Path) -> None:
    """Put a closed file on the disk, then give it its name, then put the name on the disk."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    temporary.rename(path)
    fsync_folder(path.parent)
    fsync_folder(path.parent.parent)
