"""An object while it is filled: gzip text with a header, or Parquet, never above a size.

The same records in the same order make the same bytes.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.record.log_format import LogFormat
from vpcflow.record.parquet import ROW_GROUP_RECORDS_MAX, open_parquet

#: What one open object holds in memory before it goes to a temporary file or is compressed.
OPEN_BYTES_MAX = 1 << 20
#: What a compressor may still hold back, and what a Parquet footer may take.
_SLACK_BYTES = 1 << 16
#: Pieces that one open object holds before they become one: thousands of objects are open at once.
_PIECES_MAX = 8
_GZIP = 16 + zlib.MAX_WBITS
_GZIP_LEVEL = 6


class TextObject:
    """Lines as one gzip file whose header holds no time.

    Units: ``bytes_bound`` is the most that the object can take when it ends now.
    """

    def __init__(self, log_format: LogFormat, tmp: Path) -> None:
        self._tmp = tmp
        self._waiting: list[bytes | memoryview] = [log_format.header.encode() + b"\n"]
        self._waiting_bytes = len(self._waiting[0])
        self._zip: zlib._Compress | None = None
        self._file: IO[bytes] | None = None
        self.rows = 0

    @property
    def bytes_bound(self) -> int:
        written = self._file.tell() + _SLACK_BYTES if self._file is not None else 0
        return written + self._waiting_bytes

    def append(self, lines: memoryview, rows: int) -> None:
        """Add whole lines."""
        self.rows += rows
        self._waiting.append(lines)
        self._waiting_bytes += len(lines)
        if self._waiting_bytes >= OPEN_BYTES_MAX:
            self._compress()
        elif len(self._waiting) >= _PIECES_MAX:
            self._waiting = [b"".join(self._waiting)]

    def finish(self) -> bytes:
        """The object's bytes."""
        if self._zip is None or self._file is None:
            made = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
            return b"".join([*map(made.compress, self._waiting), made.flush()])
        self._compress()
        self._file.write(self._zip.flush())
        self._file.seek(0)
        with self._file as file:
            return file.read()

    def _compress(self) -> None:
        # A compressor takes a quarter of a MiB: thousands of small objects do without until the end.
        if self._zip is None or self._file is None:
            self._zip = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP)
            self._file = tempfile.SpooledTemporaryFile(OPEN_BYTES_MAX, dir=str(self._tmp))  # noqa: SIM115
        for lines in self._waiting:
            self._file.write(self._zip.compress(lines))
        self._waiting, self._waiting_bytes = [], 0


class ParquetObject:
    """Records as one Parquet file, as AWS writes it.

    Shape: takes records in AWS's columns and types.
    Units: ``bytes_bound`` is the most that the object takes when it ends now, to all experience:
    values are larger in memory than in the file.
    """

    def __init__(self, log_format: LogFormat, tmp: Path) -> None:
        self._format = log_format
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by finish
            OPEN_BYTES_MAX, dir=str(tmp)
        )
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0
        self.rows = 0

    @property
    def bytes_bound(self) -> int:
        return self._file.tell() + self._waiting_bytes

    def append(self, records: pa.RecordBatch, records_bytes: int) -> None:
        """Add records, whose size in memory the caller knows."""
        self.rows += records.num_rows
        self._waiting.append(records)
        self._waiting_rows += records.num_rows
        self._waiting_bytes += records_bytes
        if self._waiting_rows >= ROW_GROUP_RECORDS_MAX:
            self._write()
        elif len(self._waiting) >= _PIECES_MAX:
            self._waiting = pa.Table.from_batches(self._waiting).combine_chunks().to_batches()

    def finish(self) -> bytes:
        """The object's bytes."""
        self._write()
        if self._writer is not None:
            self._writer.close()
        self._file.seek(0)
        with self._file as file:
            return file.read()

    def _write(self) -> None:
        if self._writer is None:
            self._writer = open_parquet(self._file, self._format)
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting))
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0


def halves(records: pa.RecordBatch, bytes_max: int) -> Iterator[tuple[pa.RecordBatch, int]]:
    """The records in parts of at most ``bytes_max`` in memory, each with its size; one at least."""
    size = records.nbytes
    if size <= bytes_max or records.num_rows == 1:
        yield records, size
        return
    middle = records.num_rows // 2
    yield from halves(records.slice(0, middle), bytes_max)
    yield from halves(records.slice(middle), bytes_max)
