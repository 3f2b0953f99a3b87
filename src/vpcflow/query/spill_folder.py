"""A folder for what a question cannot keep in memory, gone when the question is over.

Each question has a folder of its own below the data folder's ``spill`` and holds a lock on it, which
the kernel frees when the process dies: a folder without its lock is a leftover, whatever process
ids mean here and in another container.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
from pathlib import Path

_NUMBERS = itertools.count()


class SpillFolder:
    """One question's folder for temporary files."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle

    @classmethod
    def make(cls, parent: Path) -> SpillFolder | None:
        """A new folder; None where none can be made, which only means that nothing may spill."""
        try:
            parent.mkdir(exist_ok=True)
            parent_handle = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            # Held for a moment, so that nobody takes a folder for a leftover before it is locked.
            fcntl.flock(parent_handle, fcntl.LOCK_EX)
            _remove_leftovers(parent)
            path = parent / f"{os.getpid()}-{next(_NUMBERS)}"
            path.mkdir()
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            return None
        finally:
            os.close(parent_handle)
        return cls(path, handle)

    def close(self) -> None:
        """Remove the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def _remove_leftovers(parent: Path) -> None:
    for path in parent.iterdir():
        try:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(handle)
