"""Content of objects: files that are whole and on the disk by the time they are named."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from vpcflow.base.data_folder import fsync_folder
from vpcflow.base.errors import StoreError

_TEMPORARY = ".tmp"
#: Folders below a bucket's, so that none of them grows without end.
_SPREAD = 2
COPY_BYTES = 1 << 20


class ContentFiles:
    """Files of content below one folder, each with a random name; an object's key names none.

    Errors: StoreError when the disk says no; then nothing is left behind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: set[Path] = set()
        self._lock = threading.Lock()

    def write(self, bucket: str, parts: Iterable[bytes | memoryview]) -> tuple[str, int, str]:
        """Write new content: its name, its size and its MD5 in hexadecimal."""
        digest = hashlib.md5(usedforsecurity=False)
        size = 0

        def fill(file: BinaryIO) -> None:
            nonlocal size
            for part in parts:
                file.write(part)
                digest.update(part)
                size += len(part)

        name = self._make(bucket, fill)
        return name, size, digest.hexdigest()

    def join(self, bucket: str, names: Iterable[str]) -> str:
        """Write new content made of that of others, one after the other: its name."""

        def fill(file: BinaryIO) -> None:
            for name in names:
                with self.path(name).open("rb") as part:
                    shutil.copyfileobj(part, file, COPY_BYTES)

        return self._make(bucket, fill)

    def open(self, name: str) -> BinaryIO:
        """Content, to read: what is opened stays readable when it is removed meanwhile.

        Errors: FileNotFoundError when it is gone.
        """
        return self.path(name).open("rb")

    def remove(self, names: Iterable[str]) -> None:
        """Remove content that no row speaks of any more."""
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Where content is."""
        return self.folder / name

    def names_older_than(self, moment_s: float) -> Iterable[str]:
        """All content that was there before a moment, temporary files too."""
        for bucket in _folders(self.folder):
            for spread in _folders(Path(bucket.path)):
                for entry in os.scandir(spread.path):
                    try:
                        modified_s = entry.stat(follow_symlinks=False).st_mtime
                    except FileNotFoundError:
                        # Deleted while this went through the folder.
                        continue
                    if modified_s < moment_s:
                        yield f"{bucket.name}/{spread.name}/{entry.name}"

    def _make(self, bucket: str, fill: Callable[[BinaryIO], None]) -> str:
        identity = secrets.token_hex(16)
        folder = self.folder / bucket / identity[:_SPREAD]
        temporary = folder / f"{identity}{_TEMPORARY}"
        try:
            self._make_folder(folder)
            with temporary.open("xb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(folder / identity)
            fsync_folder(folder)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StoreError(
                f"an object cannot be written: {error.strerror}",
                where=str(folder),
                hint="check the disk's free space and the permissions",
            ) from error
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return f"{bucket}/{identity[:_SPREAD]}/{identity}"

    def _make_folder(self, folder: Path) -> None:
        with self._lock:
            if folder not in self._known:
                folder.mkdir(parents=True, exist_ok=True)
                fsync_folder(folder.parent)
                fsync_folder(self.folder)
                self._known.add(folder)


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    return [entry for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
