"""Flow records of the table as events: found by their start, printed in the flow log's format."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.base.errors import StoreError
from vpcflow.query.filter_pattern import Pattern, column_mask, lines_array, mask
from vpcflow.query.log_events.events import (
    Events,
    Longs,
    joined,
    line_hashes,
    ordinals_of,
    stream_hashes,
)
from vpcflow.query.log_events.source_classes import SourceClass, classes_of, texts_of
from vpcflow.query.log_events.streams import StreamChoice
from vpcflow.query.sql_view import RecordScan, stored_columns
from vpcflow.record.column_buffers import number_column
from vpcflow.record.flow_log_selection import LogGroupSource, lines_of
from vpcflow.record.log_format import LogFormat
from vpcflow.store.arrow_views import numbers_of, one_chunk
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.ingestion_times import IngestionTimes
from vpcflow.store.stored_schema import STORED_COLUMNS

#: Footers of data files that are kept; a file never changes.
FOOTERS_MAX = 512
_TEXTS = tuple(column.name for column in STORED_COLUMNS if column.type == pa.string())
_ROW = "row"


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A part of a data file; its records start from ``first_s`` to ``last_s``."""

    path: str
    number: int
    rows: int
    first_s: int
    last_s: int


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Records of sources with one format in a row group: their places, starts, and streams."""

    group: RowGroup
    log_format: LogFormat
    rows: Longs
    starts_s: Longs
    streams: npt.NDArray[np.int32]
    names: list[str]

    def take(self, kept: npt.NDArray[np.bool_]) -> FoundRows:
        """Those of a mask."""
        return FoundRows(
            self.group,
            self.log_format,
            self.rows[kept],
            self.starts_s[kept],
            self.streams[kept],
            self.names,
        )


def stream_name(interface_id: str | None, suffix: str) -> str:
    """The stream of a record, as delivery names it."""
    return f"{interface_id or '-'}-{suffix}"


class FlowRecords:
    """Reads row groups of the table's data files.

    Errors: StoreError when a file is gone or damaged.
    """

    def __init__(self, ingestion: IngestionTimes) -> None:
        self._ingestion = ingestion
        self._footers: OrderedDict[str, pq.FileMetaData] = OrderedDict()
        self._lock = threading.Lock()
        self._classes: tuple[Sequence[LogGroupSource], list[SourceClass]] | None = None

    def groups(self, files: Sequence[DataFileEntry], start_s: int, end_s: int) -> list[RowGroup]:
        """The row groups that may hold records which start in the range."""
        found = []
        for entry in files:
            footer = self._footer(entry.path)
            column = footer.schema.names.index("start") if "start" in footer.schema.names else -1
            if column < 0:
                continue
            # A map has several leaves, but comes last; the leaves before it are the columns.
            for number in range(footer.num_row_groups):
                part = footer.row_group(number)
                known = part.column(column).statistics
                first, last = (
                    (known.min, known.max)
                    if known is not None and known.has_min_max
                    else (entry.start_min, entry.start_max)
                )
                if first is None or last is None:
                    continue
                if first < end_s and last >= start_s:
                    found.append(RowGroup(entry.path, number, part.num_rows, first, last))
        return found

    def find(
        self,
        group: RowGroup,
        sources: Sequence[LogGroupSource],
        streams: StreamChoice,
        start_s: int,
        end_s: int,
    ) -> list[FoundRows]:
        """The records of a row group that start in the range and belong to a source."""
        wanted = {"start", "interface_id", "action"} | {
            one.selection.scope.value for one in sources
        }
        table = self._read(group, sorted(wanted))
        starts = one_chunk(table.column("start"))
        values = numbers_of(starts)
        inside = (values >= start_s) & (values < end_s)
        if starts.null_count:
            inside &= np.asarray(starts.is_valid())
        rows = np.flatnonzero(inside)
        if not len(rows):
            return []
        columns = {
            name: one_chunk(table.column(name)).take(number_column(rows))
            for name in table.column_names
        }
        batch = pa.record_batch({**columns, _ROW: number_column(rows)})
        found = (_of_class(group, one, batch, streams) for one in self._classes_of(sources))
        return [one for one in found if one is not None]

    def _classes_of(self, sources: Sequence[LogGroupSource]) -> list[SourceClass]:
        """The classes of a group's sources, which are asked for row group by row group."""
        held = self._classes
        if held is None or held[0] is not sources:
            held = self._classes = (sources, classes_of(sources))
        return held[1]

    def events(self, found: Sequence[FoundRows], pattern: Pattern | None) -> Events:
        """The records as events; with a pattern, those that fit it."""
        by_group: OrderedDict[tuple[str, int], list[FoundRows]] = OrderedDict()
        for one in found:
            by_group.setdefault((one.group.path, one.group.number), []).append(one)
        parts: list[Events] = []
        for those in by_group.values():
            parts.extend(self._printed(those, pattern))
        events = joined(parts)
        ordinals = ordinals_of(events.times_ms, events.ingested_ms, events.keys)
        if not ordinals.any():
            return events
        return Events(
            events.times_ms,
            events.ingested_ms,
            events.keys,
            ordinals,
            events.marks,
            events.streams,
            events.names,
            events.messages,
        )

    def _printed(self, found: Sequence[FoundRows], pattern: Pattern | None) -> list[Events]:
        from vpcflow.store.layout import from_stored  # with its kernels; the server starts without

        formats = {name for one in found for name in one.log_format.columns}
        scan = RecordScan(columns={*formats, "start", "end"})
        table = self._read(found[0].group, stored_columns([scan]))
        parts = []
        for one in found:
            taken = from_stored(table.take(number_column(one.rows)))
            records = pa.record_batch(
                {name: one_chunk(taken.column(name)) for name in taken.column_names}
            )
            parts.append(self._events_of(one, records, pattern))
        return parts

    def _events_of(
        self, found: FoundRows, records: pa.RecordBatch, pattern: Pattern | None
    ) -> Events:
        log_format = found.log_format
        fits = None if pattern is None else column_mask(pattern, log_format, records)
        if fits is not None:
            found, records = found.take(np.asarray(fits)), records.filter(fits)
        lines = lines_array(lines_of(records, log_format), records.num_rows)
        if pattern is not None and fits is None:
            fits = mask(pattern, lines)
            found, records = found.take(np.asarray(fits)), records.filter(fits)
            lines = lines.filter(fits)
        ends = found.starts_s
        if "end" in records.schema.names:
            column = records.column("end")
            ends = numbers_of(column.fill_null(0) if column.null_count else column)
        keys, marks = line_hashes(lines, stream_hashes(found.names)[found.streams])
        return Events(
            found.starts_s * 1000,
            self._ingestion.of(found.starts_s, ends),
            keys,
            np.zeros(len(keys), np.int64),
            marks,
            found.streams,
            found.names,
            lines,
        )

    def _footer(self, path: str) -> pq.FileMetaData:
        with self._lock:
            footer = self._footers.get(path)
            if footer is not None:
                self._footers.move_to_end(path)
                return footer
        footer = _explained(path, lambda: pq.read_metadata(path))
        with self._lock:
            self._footers[path] = footer
            while len(self._footers) > FOOTERS_MAX:
                self._footers.popitem(last=False)
        return footer

    def _read(self, group: RowGroup, columns: Sequence[str]) -> pa.Table:
        footer = self._footer(group.path)

        def read() -> pa.Table:
            leaves = set(footer.schema.names)
            dictionaries = [name for name in _TEXTS if name in leaves]
            file = pq.ParquetFile(
                group.path, metadata=footer, read_dictionary=dictionaries, pre_buffer=False
            )
            with file:
                held = set(file.schema_arrow.names)
                return file.read_row_group(
                    group.number, columns=[name for name in columns if name in held]
                )

        return _explained(group.path, read)


def _of_class(
    group: RowGroup, sources: SourceClass, batch: pa.RecordBatch, streams: StreamChoice
) -> FoundRows | None:
    rows = sources.rows(batch)
    if not len(rows):
        return None
    starts = numbers_of(batch.column("start"))[rows]
    if "interface_id" in batch.schema.names:
        codes, texts = texts_of(batch.column("interface_id"))
        codes = codes[rows]
    else:
        codes, texts = np.zeros(len(rows), np.int32), [None]
    names = [stream_name(text, sources.stream_suffix) for text in texts]
    places = numbers_of(batch.column(_ROW))[rows]
    found = FoundRows(group, sources.log_format, places, starts, codes, names)
    kept = streams.rows(codes, names, starts)
    return found if kept.all() else found.take(kept) if kept.any() else None


def _explained(path: str, read: Any) -> Any:
    try:
        return read()
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            "a data file is gone or damaged", where=path, hint="ask again; else run table check"
        ) from error


__all__ = ["FlowRecords", "FoundRows", "RowGroup", "stream_name"]
