"""Standard input as a source of one object."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from vpcflow.base.errors import CollectError
from vpcflow.collect.fingerprint import read_content
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import Fetched, ProblemList, SourceObject
from vpcflow.record.batch import Origin

_PENDING_VERSION = "unread"


class StdinSource:
    """What is piped in, kept in a temporary file while it is read.

    Shape: the object is named by its content (``stdin:<fingerprint>``), so that a run that was
    killed goes on when the same bytes are piped in again, and the same bytes count once.
    Errors: CollectError when it is larger than ``object_bytes_max`` or cannot be kept.
    """

    def __init__(
        self, stream: BinaryIO, tmp: Path, settings: CollectSettings | None = None
    ) -> None:
        self._stream = stream
        self._tmp = tmp
        self._settings = settings or CollectSettings()
        self._problems = ProblemList(self._settings.problems_max)
        self._read = False

    @property
    def problems(self) -> ProblemList:
        """Always empty: what goes wrong here is raised."""
        return self._problems

    def objects(self) -> Iterator[SourceObject]:
        """One object, the first time."""
        if not self._read:
            yield SourceObject("stdin:", 0, _PENDING_VERSION, Origin("stdin", "stdin"))

    @contextmanager
    def fetch(self, obj: SourceObject) -> Iterator[Fetched]:
        """Read the stream to its end and hand over the temporary file."""
        self._read = True
        with tempfile.NamedTemporaryFile(dir=self._tmp, prefix="stdin-") as file:
            size = self._spool(file)
            content = read_content(file)
            uri = f"stdin:{content.fingerprint}"
            now = SourceObject(uri, size, str(content.fingerprint), Origin("stdin", uri))
            yield Fetched(Path(file.name), now)

    def _spool(self, file: IO[bytes]) -> int:
        size = 0
        try:
            while chunk := self._stream.read(self._settings.read_bytes):
                size += len(chunk)
                if size > self._settings.object_bytes_max:
                    raise CollectError(
                        f"more than {self._settings.object_bytes_max} bytes",
                        where="standard input",
                        hint="see collect.object_bytes_max",
                    )
                file.write(chunk)
            file.flush()
        except OSError as error:
            raise CollectError(
                f"cannot keep it for reading: {os.strerror(error.errno or 0).lower()}",
                where="standard input",
                hint=f"free space in {self._tmp}",
            ) from error
        return size
