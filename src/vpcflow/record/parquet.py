"""Parquet as AWS delivers it, and what users have made of it, both ways.

AWS writes INT_32, INT_64 and STRING columns named like the fields with ``_``, null for ``-``, the
columns compressed with gzip. Columns are found by name; those of another type are cast, and a row
that cannot be cast is a bad line whose number is that of the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.base.errors import RecordError
from vpcflow.record.batch import BATCH_RECORDS_MAX, FlowBatch, Origin
from vpcflow.record.column_names import field_names
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.record.log_format import FORMAT_FIELDS_MAX, LogFormat
from vpcflow.record.parquet_columns import Cast, ColumnCaster
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX, BadLineReason, BadLines
from vpcflow.record.text import Decoded
from vpcflow.record.values import addresses_to_text

#: Bounds of what a footer may claim, so that a made-up one cannot ask for all memory.
FOOTER_STRING_BYTES_MAX = 64 * 1024 * 1024
FOOTER_PARTS_MAX = 1_000_000
#: How much of a column is read from the file at a time.
COLUMN_BUFFER_BYTES = 1024 * 1024
#: Records of one row group that is written.
ROW_GROUP_RECORDS_MAX = 262_144
#: How many characters of one value a bad row shows.
_VALUE_CHARACTERS_MAX = 256

_FAULTS = (pa.ArrowException, OSError, MemoryError, ValueError)
_HINT = "check that the file is whole, and fetch or write it again"


def decode_parquet(
    path: Path | str,
    origin: Origin,
    *,
    skip_rows: int = 0,
    flow_log_id: str | None = None,
) -> Iterator[Decoded]:
    """Read a Parquet file batch by batch.

    Shape: rows stand for lines: ``lines_done`` counts them from the start of the file, rows
    skipped included; ``bytes_done`` is their share of the file. Nested columns of no known field
    are kept as JSON text.
    Errors: RecordError when the file is cut, broken, or holds no field that is known; what was
    good before the fault has been handed out.
    """
    where = origin.uri or str(path)
    file = _open(path, where)
    try:
        log_format = _format_of(file, where)
        reader = _BatchReader(log_format, origin, flow_log_id)
        yield from _read(file, reader, where, skip_rows, Path(path).stat().st_size)
    finally:
        file.close()


def _open(path: Path | str, where: str) -> pq.ParquetFile:
    limits: dict[str, Any] = {
        "thrift_string_size_limit": FOOTER_STRING_BYTES_MAX,
        "thrift_container_size_limit": FOOTER_PARTS_MAX,
    }
    try:
        with pq.ParquetFile(path, **limits) as first:
            metadata, schema = first.metadata, first.schema_arrow
        texts = [field.name for field in schema if _read_as_dictionary(field.type)]
        return pq.ParquetFile(
            path,
            metadata=metadata,
            read_dictionary=texts,
            buffer_size=COLUMN_BUFFER_BYTES,
            pre_buffer=False,
            **limits,
        )
    except _FAULTS as error:
        raise _broken(error, where) from error


def _read_as_dictionary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _broken(error: BaseException, where: str) -> RecordError:
    what = str(error).splitlines()[0] if str(error) else type(error).__name__
    return RecordError(f"the Parquet file cannot be read: {what}", where=where, hint=_HINT)


def _format_of(file: pq.ParquetFile, where: str) -> LogFormat:
    """The fields of the file's columns, in the file's order."""
    columns = file.schema_arrow.names
    if not columns or len(columns) > FORMAT_FIELDS_MAX:
        raise RecordError(
            f"the Parquet file has {len(columns)} columns; flow records have 1 to {FORMAT_FIELDS_MAX}",
            where=where,
        )
    names = field_names(columns)
    if not any(name in FIELDS_BY_NAME for name in names):
        shown = ", ".join(columns[:5]) + (", ..." if len(columns) > 5 else "")
        raise RecordError(
            f"the Parquet file has no column of a flow record, only {shown}",
            where=where,
            hint="columns are found by name: srcaddr, dstaddr, account_id, ...",
        )
    return LogFormat(names)


def _read(
    file: pq.ParquetFile, reader: _BatchReader, where: str, skip_rows: int, size_bytes: int
) -> Iterator[Decoded]:
    metadata = file.metadata
    rows, groups = 0, list(range(metadata.num_row_groups))
    while groups and rows + metadata.row_group(groups[0]).num_rows <= skip_rows:
        rows += max(metadata.row_group(groups.pop(0)).num_rows, 0)
    batches = iter(file.iter_batches(BATCH_RECORDS_MAX, row_groups=groups) if groups else ())
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                break
            rows_before, rows = rows, rows + batch.num_rows
            if rows <= skip_rows:
                continue
            done = int(size_bytes * min(rows / max(metadata.num_rows, 1), 1.0))
            skipped = max(skip_rows - rows_before, 0)
            decoded = reader.read(batch.slice(skipped), rows_before + skipped, done, rows)
        except _FAULTS as error:
            raise _broken(error, where) from error
        yield decoded
    if rows != metadata.num_rows:
        raise RecordError(
            f"the Parquet file's footer says {metadata.num_rows} rows, {rows} are there",
            where=where,
            hint=_HINT,
        )
    yield Decoded([], [], size_bytes, max(rows, skip_rows))


class _BatchReader:
    """Turns the file's batches into flow batches and bad rows."""

    def __init__(self, log_format: LogFormat, origin: Origin, flow_log_id: str | None) -> None:
        self._log_format = log_format
        self._origin = origin
        self._flow_log_id = flow_log_id
        specs = zip(log_format.names, log_format.specs, strict=True)
        self._casters = [ColumnCaster(name, spec) for name, spec in specs]

    def read(self, raw: pa.RecordBatch, row: int, bytes_done: int, rows_done: int) -> Decoded:
        """One batch; ``row`` is the number of rows before it."""
        casts = [
            caster.cast(column) for caster, column in zip(self._casters, raw.columns, strict=True)
        ]
        records = pa.RecordBatch.from_arrays(
            [cast.array for cast in casts], names=list(self._log_format.columns)
        )
        faults, fields = _first_faults(casts, raw.num_rows)
        bad: list[BadLines] = []
        if faults is not None:
            bad = [self._bad_rows(raw, row, faults, fields)]
            records = records.filter(pa.array(faults == 0))
        batch = FlowBatch(records, self._origin, self._flow_log_id)
        return Decoded([batch] if records.num_rows else [], bad, bytes_done, rows_done)

    def _bad_rows(
        self,
        raw: pa.RecordBatch,
        row: int,
        faults: npt.NDArray[np.int16],
        fields: npt.NDArray[np.int16],
    ) -> BadLines:
        """The rows with faults, each as a line of its values."""
        places = np.flatnonzero(faults)
        taken = raw.take(pa.array(places))
        columns = [[_shown(scalar) for scalar in column] for column in taken.columns]
        lines = [
            " ".join(values).encode("utf-8", "replace") for values in zip(*columns, strict=True)
        ]
        kept = [line[:BAD_LINE_BYTES_MAX] for line in lines]
        offsets = np.zeros(len(kept) + 1, np.int64)
        np.cumsum([len(line) for line in kept], out=offsets[1:])
        return BadLines(
            line_numbers=places.astype(np.int64) + row + 1,
            reasons=faults[places],
            fields=fields[places],
            offsets=offsets,
            data=b"".join(kept),
            lengths=np.array([len(line) for line in lines], np.int64),
            log_format=self._log_format,
        )


def _shown(scalar: pa.Scalar) -> str:
    """A value as one word of a bad row's line."""
    try:
        value = scalar.as_py()
    except (ValueError, OverflowError, pa.ArrowException):  # not UTF-8, or a time out of range
        value = scalar.cast(pa.binary()).as_py() if isinstance(scalar, pa.StringScalar) else "?"
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if value is None or value == "":
        return "-"
    return "%20".join(str(value)[:_VALUE_CHARACTERS_MAX].split()) or "%20"


def _first_faults(
    casts: list[Cast], rows: int
) -> tuple[npt.NDArray[np.int16] | None, npt.NDArray[np.int16]]:
    """Each row's first fault and the column it is in; None when there are none."""
    faults = np.zeros(rows, np.int16)
    fields = np.full(rows, -1, np.int16)
    for index, cast in enumerate(casts):
        if cast.faults is not None:
            new = (faults == 0) & (cast.faults != 0)
            faults[new] = cast.faults[new]
            fields[new] = index
    # A whole line that is too long has no field to name.
    fields[faults == BadLineReason.TOO_LONG] = -1
    return (faults, fields) if faults.any() else (None, fields)


def parquet_schema(log_format: LogFormat) -> pa.Schema:
    """The columns as AWS writes them."""
    columns = zip(log_format.columns, log_format.kinds, strict=True)
    return pa.schema([pa.field(column, kind.aws_parquet_type) for column, kind in columns])


def open_parquet(to: Path | str | IO[bytes], log_format: LogFormat) -> pq.ParquetWriter:
    """A writer with the options of AWS's files, for records that come as ``as_aws_columns``."""
    return pq.ParquetWriter(
        to,
        parquet_schema(log_format),
        version="1.0",
        compression="gzip",
        compression_level=6,
        store_schema=False,
    )


def write_parquet(
    batches: Iterable[FlowBatch | pa.RecordBatch], to: Path | str | IO[bytes], log_format: LogFormat
) -> int:
    """Write records as AWS does and hand back how many they were.

    Shape: the format's columns in its order, all optional, gzip as the columns' codec; a column
    that a batch lacks is null.
    """
    schema = parquet_schema(log_format)
    rows = 0
    with open_parquet(to, log_format) as writer:
        waiting: list[pa.RecordBatch] = []
        for batch in batches:
            records = batch.records if isinstance(batch, FlowBatch) else batch
            waiting.append(as_aws_columns(records, log_format))
            rows += records.num_rows
            if sum(part.num_rows for part in waiting) >= ROW_GROUP_RECORDS_MAX:
                writer.write_table(pa.Table.from_batches(waiting, schema))
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema))
    return rows


def as_aws_columns(records: pa.RecordBatch, log_format: LogFormat) -> pa.RecordBatch:
    """The records in the columns and types that AWS writes."""
    schema = parquet_schema(log_format)
    held = set(records.schema.names)
    arrays = []
    for column, kind, field in zip(log_format.columns, log_format.kinds, schema, strict=True):
        if column not in held:
            arrays.append(pa.nulls(records.num_rows, field.type))
        elif kind is FieldKind.ADDRESS:
            arrays.append(addresses_to_text(records.column(column)))
        else:
            arrays.append(records.column(column).cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
