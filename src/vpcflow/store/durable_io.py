"""File access for PyIceberg that puts metadata on the disk before the catalog points to it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from pyiceberg.io import FileIO, InputFile, OutputFile

from vpcflow.base.data_folder import fsync_folder

#: The last file of a commit; by then its manifests are in the same folder.
LAST_FILE_SUFFIX = ".metadata.json"


def local_path(location: str) -> str:
    """The path behind a file address as this package writes it."""
    return location.removeprefix("file://")


class _DurableStream:
    """A local file that is on the disk once it is closed."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb" if overwrite else "xb")

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        if self._path.name.endswith(LAST_FILE_SUFFIX):
            fsync_folder(self._path.parent)

    def __enter__(self) -> _DurableStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _DurableFile(InputFile, OutputFile):  # type: ignore[misc]
    """One local file, to read or to write."""

    def __len__(self) -> int:
        return self._path.stat().st_size

    @property
    def _path(self) -> Path:
        return Path(local_path(self.location))

    def exists(self) -> bool:
        return self._path.exists()

    def open(self, seekable: bool = True) -> BinaryIO:
        return self._path.open("rb")

    def create(self, overwrite: bool = False) -> _DurableStream:
        return _DurableStream(self._path, overwrite=overwrite)

    def to_input_file(self) -> _DurableFile:
        return self


class DurableFileIO(FileIO):  # type: ignore[misc]
    """PyIceberg's file access for the local disk, with fsync.

    Shape: every file is fsynced when it is closed; the folder when the table's metadata file is,
    which a commit writes last, so one folder fsync covers the manifests too. PyIceberg's own
    access does not fsync, and imports pandas.
    """

    def new_input(self, location: str) -> _DurableFile:
        """The file at ``location``, to read."""
        return _DurableFile(location)

    def new_output(self, location: str) -> _DurableFile:
        """A file to write at ``location``."""
        return _DurableFile(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Remove a file; one that is not there is no fault."""
        text = location if isinstance(location, str) else location.location
        Path(local_path(text)).unlink(missing_ok=True)
