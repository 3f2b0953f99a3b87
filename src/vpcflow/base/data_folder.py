"""The one folder that holds everything vpcflow keeps, and the lock of its writer."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import BusyError, StoreError

#: How often a waiting writer looks at the lock again.
LOCK_POLL_S = 0.2
#: Ends the name of a file that is not whole yet.
PART_SUFFIX = ".part"


class DataFolder:
    """Names of the files in the data folder; makes the folder when a writer needs it.

    Shape: ``catalog.sqlite`` (Iceberg catalog), ``state.sqlite`` (progress, commits, quarantine),
    ``files.sqlite`` (cached manifest), ``warehouse/`` (data files), ``spool/``, ``tmp/``.
    Errors: StoreError when it cannot be made or written.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().absolute()

    @property
    def catalog_db(self) -> Path:
        """The Iceberg catalog."""
        return self.root / "catalog.sqlite"

    @property
    def state_db(self) -> Path:
        """What was collected, what is being committed, what is in quarantine."""
        return self.root / "state.sqlite"

    @property
    def files_db(self) -> Path:
        """The cached manifest; may be deleted at any time, it is made anew."""
        return self.root / "files.sqlite"

    @property
    def warehouse(self) -> Path:
        """Data files and table metadata."""
        return self.root / "warehouse"

    @property
    def spool(self) -> Path:
        """Acknowledged batches that are not in the table yet."""
        return self.root / "spool"

    @property
    def spill(self) -> Path:
        """Temporary files of questions; each process has a folder of its own below it."""
        return self.root / "spill"

    @property
    def tmp(self) -> Path:
        """Files of the running writer; emptied when the next one starts."""
        return self.root / "tmp"

    def exists(self) -> bool:
        """Whether a table was ever written here."""
        return self.catalog_db.exists()

    def make(self) -> None:
        """Create the folder and its parts."""
        try:
            for folder in (self.root, self.warehouse, self.spool, self.tmp):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the data folder: {error.strerror}",
                where=str(self.root),
                hint="choose another folder with --data DIR or VPCFLOW_DATA",
            ) from error

    def clear_tmp(self) -> None:
        """Remove what a killed writer left in ``tmp``; only for the holder of the writer lock."""
        for path in self.tmp.iterdir() if self.tmp.is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def writer_lock(self, *, wait_s: float = 0.0, clock: Clock | None = None) -> Iterator[None]:
        """Hold the folder's one writer lock; the kernel frees it when the process dies.

        Errors: BusyError when another process holds it for longer than ``wait_s``.
        """
        self.make()
        clock = clock or SystemClock()
        deadline_s = clock.monotonic_s() + wait_s
        try:
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot open the writer's lock: {error.strerror}",
                where=str(self.root / "lock"),
                hint="check the permissions of the data folder",
            ) from error
        try:
            while not _try_lock(handle):
                if clock.monotonic_s() >= deadline_s:
                    raise BusyError(
                        "another vpcflow process is writing to this data folder",
                        where=str(self.root),
                        hint="wait for it to end, or give --wait SECONDS",
                    )
                clock.wait(threading.Event(), LOCK_POLL_S)
            yield
        finally:
            os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def fsync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes) -> None:
    """Write a whole file: after a crash it is there with all of ``data``, or as it was before.

    Errors: OSError; then nothing is left behind.
    """
    part = path.with_name(f"{path.name}{PART_SUFFIX}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        fsync_folder(path.parent)
    except OSError:
        part.unlink(missing_ok=True)
        raise
