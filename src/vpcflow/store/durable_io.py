"""File access for PyIceberg that puts metadata on the disk before the catalog points to it."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from vpcflow.base.data_folder import fsync_folder

#: The last file of a commit; by then its manifests are in the same folder.
LAST_FILE_SUFFIX = ".metadata.json"


class _DurableStream:
    """A local file that is on the disk once it is closed."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
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


class _DurableFile(PyArrowFile):  # type: ignore[misc]
    def create(self, overwrite: bool = False) -> _DurableStream:
        return _DurableStream(Path(self._path), overwrite=overwrite)


class DurableFileIO(PyArrowFileIO):  # type: ignore[misc]
    """PyIceberg's local file access, with fsync.

    Shape: every file is fsynced when it is closed; the folder when the table's metadata file is,
    which a commit writes last, so one folder fsync covers the manifests too.
    """

    def new_output(self, location: str) -> _DurableFile:
        """A file to write at ``location``."""
        scheme, netloc, path = self.parse_location(location, self.properties)
        return _DurableFile(
            fs=self.fs_by_scheme(scheme, netloc), location=location, path=path, buffer_size=65_536
        )
