"""Where the records of a capture file go: lines on standard output, or the table."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from vpcflow.record.flow_log_selection import lines_of

if TYPE_CHECKING:
    from vpcflow.record.batch import FlowBatch
    from vpcflow.record.log_format import LogFormat
    from vpcflow.store.settings import StoreSettings
    from vpcflow.store.table import FlowTable

#: Bytes at both ends of a file that stand for its content.
EDGE_BYTES = 1 << 16


class RecordSink(Protocol):
    """Takes the records of a capture."""

    def write(self, batches: Iterable[FlowBatch]) -> None:
        """Take some records."""

    def finish(self) -> None:
        """All records were given: keep them."""

    def abort(self) -> None:
        """The capture did not come to its end."""


class LineSink:
    """Records as text lines in a log format, with AWS's header line first."""

    def __init__(self, out: BinaryIO, log_format: LogFormat) -> None:
        self._out = out
        self._format = log_format
        self._is_headed = False

    def write(self, batches: Iterable[FlowBatch]) -> None:
        """Print some records."""
        self._head()
        for batch in batches:
            self._out.write(lines_of(batch.records, self._format))

    def finish(self) -> None:
        """Hand everything to the reader."""
        self._head()
        self._out.flush()

    def abort(self) -> None:
        """Lines that were printed are printed."""

    def _head(self) -> None:
        """The header once it is known that there is a capture."""
        if not self._is_headed:
            self._out.write(self._format.header.encode() + b"\n")
            self._is_headed = True


class TableSink:
    """Records into the table, in one commit at the end: a killed run leaves nothing.

    Shape: the same ``commit_id`` counts once, as long as the table keeps its snapshot.
    """

    def __init__(self, table: FlowTable, settings: StoreSettings, commit_id: str) -> None:
        from vpcflow.store.writer import DataFileWriter  # slow to load, and lines need none

        self._table = table
        self._commit_id = commit_id
        self._writer = DataFileWriter(table.data_dir, settings, prefix=commit_id)

    def write(self, batches: Iterable[FlowBatch]) -> None:
        """Take some records."""
        for batch in batches:
            self._writer.append(batch)

    def finish(self) -> None:
        """Commit."""
        files = self._writer.finish()
        if files:
            self._table.commit(files, self._commit_id)

    def abort(self) -> None:
        """Remove what was written."""
        self._writer.abort()


def commit_id_of(path: str, choices: Iterable[str], beside: Iterable[str] = ()) -> str:
    """One id for one capture file metered in one way; a stream has a new one each time.

    Shape: ``beside`` are the other files that decide, by content: rules, a firewall's log. What cannot be opened has one too: its reader says what is wrong with it.
    """
    digest = hashlib.blake2b(digest_size=8)
    try:
        for name in (path, *beside):
            # A named pipe gives its bytes only once, and not for this.
            if name == "-" or not Path(name).is_file():
                return f"capture-{secrets.token_hex(8)}"
            with Path(name).open("rb") as file:
                size = file.seek(0, 2)
                digest.update(f"{size}".encode())
                for start in (0, max(0, size - EDGE_BYTES)):
                    file.seek(start)
                    digest.update(file.read(EDGE_BYTES))
    except OSError:
        return f"capture-{secrets.token_hex(8)}"
    for choice in choices:
        digest.update(b"\0" + choice.encode())
    return f"capture-{digest.hexdigest()}"
