"""One segment of the delivery journal: a batch of records, or the SKIPDATA of dropped ones.

The file is that of the table's spool: one Arrow IPC file with one batch, its digest in its name.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.base.errors import StoreError
from vpcflow.record.column_buffers import code_column, filled_numbers, number_column

_RECORDS = re.compile(r"^(\d{16})-([0-9a-f]{32})\.arrow$")
_SKIPPED = re.compile(r"^(\d{16})-(\d{16})-([0-9a-f]{32})\.skip\.arrow$")
#: What a record tells of its interface, not of its flow: filled in SKIPDATA too.
INTERFACE_COLUMNS = (
    "version",
    "account_id",
    "interface_id",
    "vpc_id",
    "subnet_id",
    "instance_id",
    "region",
    "az_id",
    "sublocation_type",
    "sublocation_id",
)
#: Of a skipped segment: records lost by action, beside the columns of its SKIPDATA lines.
LOST_ACCEPT, LOST_REJECT, LOST_OTHER = "lost_accept", "lost_reject", "lost_other"
_LOST = (LOST_ACCEPT, LOST_REJECT, LOST_OTHER)


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the journal; ``first`` to ``number`` are the segments that it stands for.

    Units: bytes on disk.
    """

    first: int
    number: int
    digest: str
    path: Path
    bytes: int
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class SegmentRecords:
    """A segment that was read.

    Shape: ``records`` of a skipped segment are SKIPDATA lines with ``LOST_*`` columns.
    Units: ``until_s`` is the epoch second behind its last ``start``, 0 without records.
    """

    segment: Segment
    records: pa.RecordBatch
    until_s: int


def parse_segment(path: Path) -> Segment | None:
    """The segment of a file, None when the file is none.

    Errors: OSError when the file is gone.
    """
    if match := _RECORDS.match(path.name):
        number = int(match[1])
        return Segment(number, number, match[2], path, path.stat().st_size)
    if match := _SKIPPED.match(path.name):
        size = path.stat().st_size
        return Segment(int(match[1]), int(match[2]), match[3], path, size, skipped=True)
    return None


def skipped_name(first: int, number: int, data: bytes) -> str:
    """The file name of a skipped segment."""
    return f"{first:016d}-{number:016d}-{digest_of(data)}.skip.arrow"


def digest_of(data: bytes) -> str:
    """The digest that stands in a file's name."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def read_segment(segment: Segment) -> SegmentRecords:
    """Read a segment.

    Errors: FileNotFoundError when it is gone by now; StoreError when it is damaged.
    """
    data = segment.path.read_bytes()
    if digest_of(data) != segment.digest:
        raise StoreError(
            "a batch that waits for delivery is damaged",
            where=str(segment.path),
            hint="check the disk; its records are in the table, but are not delivered",
        )
    with pa.ipc.open_file(pa.BufferReader(data)) as reader:
        records = reader.get_batch(0).replace_schema_metadata(None)
    last_s = None
    if "start" in records.schema.names:
        last_s = pc.max(records.column("start")).as_py()
    return SegmentRecords(segment, records, 0 if last_s is None else last_s + 1)


def encode_records(records: pa.RecordBatch) -> bytes:
    """The bytes of a segment's file."""
    out = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(out, records.schema, options=options) as writer:
        writer.write_batch(records)
    data: bytes = out.getvalue().to_pybytes()
    return data


def as_skipdata(records: pa.RecordBatch) -> pa.RecordBatch:
    """One SKIPDATA line for each interface, from its first ``start`` to its last ``end``.

    Shape: takes flow records, or SKIPDATA lines that this made, whose losses are added up.
    NODATA lines stand for no flows: they are not counted as lost.
    """
    rows = records.num_rows
    held = set(records.schema.names)
    group, first_rows = _interface_groups(records)
    count = len(first_rows)
    start = np.full(count, np.iinfo(np.int64).max)
    end = np.full(count, -1, np.int64)
    starts = _numbers(records, "start", held)
    ends = _numbers(records, "end", held)
    np.minimum.at(start, group, np.where(starts < 0, ends, starts))
    np.maximum.at(end, group, np.maximum(starts, ends))
    lost = _lost_of(records, held)
    taken = records.take(number_column(first_rows))
    columns = {name: taken.column(name) for name in INTERFACE_COLUMNS if name in held}
    columns["start"] = number_column(start)
    columns["end"] = number_column(end)
    columns["log_status"] = code_column(np.zeros(count, np.int32), ["SKIPDATA"])
    for name, values in zip(_LOST, lost, strict=True):
        summed = np.bincount(group, values, count) if rows else np.zeros(0)
        columns[name] = number_column(summed.astype(np.int64))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def merged_skipdata(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Several batches of SKIPDATA lines as one, one line for each interface."""
    names = list(dict.fromkeys(name for part in parts for name in part.schema.names))
    types = {field.name: field.type for part in parts for field in part.schema}
    whole = [
        pa.RecordBatch.from_arrays(
            [
                part.column(name)
                if name in part.schema.names
                else pa.nulls(part.num_rows, types[name])
                for name in names
            ],
            names=names,
        )
        for part in parts
    ]
    table = pa.Table.from_batches(whole).unify_dictionaries().combine_chunks()
    return as_skipdata(table.to_batches()[0])


def _interface_groups(records: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """The group of each row, and the first row of each group."""
    rows = records.num_rows
    if "interface_id" not in records.schema.names or not rows:
        return np.zeros(rows, np.int64), np.zeros(min(rows, 1), np.int64)
    column = records.column("interface_id").cast(pa.string()).dictionary_encode()
    codes = filled_numbers(column.indices, -1)
    _, first_rows, group = np.unique(codes, return_index=True, return_inverse=True)
    return group, first_rows


def _numbers(records: pa.RecordBatch, name: str, held: set[str]) -> np.ndarray:
    if name not in held:
        return np.full(records.num_rows, -1, np.int64)
    return filled_numbers(records.column(name), -1).astype(np.int64)


def _lost_of(records: pa.RecordBatch, held: set[str]) -> list[np.ndarray]:
    """For each row, how many records of ACCEPT, REJECT and neither are lost with it."""
    if LOST_OTHER in held:
        return [_numbers(records, name, held) for name in _LOST]
    accept = _is_text(records, "action", "ACCEPT", held)
    reject = _is_text(records, "action", "REJECT", held)
    silent = _is_text(records, "log_status", "NODATA", held)
    return [accept, reject, ~(accept | reject | silent)]


def _is_text(records: pa.RecordBatch, name: str, value: str, held: set[str]) -> np.ndarray:
    if name not in held:
        return np.zeros(records.num_rows, np.bool_)
    column = records.column(name)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    wanted = np.array([text == value for text in column.dictionary.to_pylist()] + [False])
    return np.asarray(wanted[filled_numbers(column.indices, len(wanted) - 1)])


def known_columns(records: pa.RecordBatch) -> pa.RecordBatch:
    """The records without the columns that only a skipped segment has."""
    names = [name for name in records.schema.names if name not in _LOST]
    return records.select(names) if len(names) < records.num_columns else records
