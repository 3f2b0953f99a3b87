"""The rollups of a data file while it is written: to Parquet, durable, then named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vpcflow.base.errors import StoreError
from vpcflow.store.conversation import ConversationRollup
from vpcflow.store.durable_file import make_durable, temporary_path
from vpcflow.store.rollup import HourRollup
from vpcflow.store.rollup_paths import conversation_path, rollup_hour_path, traffic_path
from vpcflow.store.rollup_schema import (
    CONVERSATION_DIMENSIONS,
    CONVERSATION_SCHEMA,
    HOUR_DIMENSIONS,
    HOUR_SCHEMA,
    TRAFFIC_DIMENSIONS,
    TRAFFIC_SCHEMA,
)
from vpcflow.store.rollup_traffic import TrafficRollup
from vpcflow.store.row_groups import RowBuffers
from vpcflow.store.settings import StoreSettings
from vpcflow.store.small_groups import SmallGroups

#: Columns that differ from row to row: bytes of the same weight together are smaller.
_SPLIT_COLUMNS = frozenset({"records", "packets", "bytes"})
_DELTA_COLUMNS = frozenset({"hour", "first_start", "last_start", "last_end"})
#: Most peers come once or twice in a row group; beside their neighbours they are smaller in order
#: than as places in a dictionary.
_PLAIN_COLUMNS = frozenset({"peer", "lo_port", "dst_port", "minutes_seen", "minutes_next"})
_BOUNDED_COLUMNS = ["hour", "start", "host"]
_WRITE_BATCH_ROWS = 131_072


class RollupFiles:
    """The hourly rollup, the traffic and the conversations of one data file.

    Shape: fill them with ``add``, row group by row group, or with ``add_rollups`` from the rollups
    of the data files that become this one.
    Errors: OSError when the disk refuses; call ``abort`` then.
    """

    def __init__(
        self, data_path: Path, settings: StoreSettings, buffers: RowBuffers | None = None
    ) -> None:
        self.hour_path = rollup_hour_path(data_path)
        self.conversation_path = conversation_path(data_path)
        self._outputs = (
            _Output(self.hour_path, HOUR_SCHEMA, HOUR_DIMENSIONS, settings),
            _Output(self.conversation_path, CONVERSATION_SCHEMA, CONVERSATION_DIMENSIONS, settings),
            _Output(traffic_path(data_path), TRAFFIC_SCHEMA, TRAFFIC_DIMENSIONS, settings),
        )
        hour, conversation, traffic = self._outputs
        self._hour = HourRollup(hour.write)
        self._traffic = TrafficRollup(traffic.write)
        self._conversation = ConversationRollup(conversation.write, buffers=buffers)

    def add(self, rows: pa.Table) -> None:
        """Take the sorted rows of a row group in; host and peer are dictionaries."""
        groups = SmallGroups(rows)
        self._hour.add(rows, groups)
        self._conversation.add(rows, groups)
        self._traffic.add(rows)

    def add_rollups(self, data_path: Path) -> tuple[int, ...]:
        """Take the rollups of another data file in; the records that each stands for.

        Errors: OSError or pa.ArrowException when one cannot be read.
        """
        counts = []
        for path, rollup in (
            (rollup_hour_path(data_path), self._hour),
            (conversation_path(data_path), self._conversation),
            (traffic_path(data_path), self._traffic),
        ):
            records = 0
            for rows in _row_groups(path):
                rollup.add_rollup(rows)
                records += pc.sum(rows.column("records")).as_py() or 0
            counts.append(records)
        return tuple(counts)

    def finish(self) -> None:
        """Write what is left; all files are durable then."""
        self._hour.finish()
        self._traffic.finish()
        self._conversation.finish()
        for output in self._outputs:
            output.finish()

    def abort(self) -> None:
        """Leave nothing on the disk."""
        for output in self._outputs:
            output.abort()


class _Output:
    """One rollup's file."""

    def __init__(
        self, path: Path, schema: pa.Schema, dimensions: Sequence[str], settings: StoreSettings
    ) -> None:
        self._path = path
        self._schema = schema
        self._dimensions = dimensions
        self._settings = settings
        self._writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Write rows; text and addresses may be dictionaries."""
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(
                temporary_path(self._path), _written(self._schema), **self._options()
            )
        self._writer.write_table(
            rows.cast(self._writer.schema), row_group_size=self._settings.row_group_rows
        )

    def _options(self) -> dict[str, object]:
        split = [name for name in self._schema.names if name in _SPLIT_COLUMNS]
        delta = [name for name in self._schema.names if name in _DELTA_COLUMNS]
        return {
            "compression": "zstd",
            "compression_level": self._settings.zstd_level,
            "use_dictionary": [
                name
                for name in self._schema.names
                if name not in _SPLIT_COLUMNS | _DELTA_COLUMNS | _PLAIN_COLUMNS
            ],
            "column_encoding": {
                **dict.fromkeys(split, "BYTE_STREAM_SPLIT"),
                **dict.fromkeys(delta, "DELTA_BINARY_PACKED"),
            },
            "write_statistics": _BOUNDED_COLUMNS,
            "write_batch_size": _WRITE_BATCH_ROWS,
            "store_schema": False,
        }

    def finish(self) -> None:
        if self._writer is None:
            self.write(_written(self._schema).empty_table())
        assert self._writer is not None
        self._writer.close()
        make_durable(temporary_path(self._path), self._path)

    def abort(self) -> None:
        if self._writer is not None:
            # The disk may be full; the file goes anyway.
            with suppress(OSError, pa.ArrowException):
                self._writer.close()
        for path in (temporary_path(self._path), self._path):
            # What cannot be removed was never made: its folder is no folder.
            with suppress(OSError):
                path.unlink(missing_ok=True)


def joined_rollups(
    path: Path, parts: Sequence[Path], settings: StoreSettings, buffers: RowBuffers
) -> RollupFiles | None:
    """The rollups of a data file that has all records of other files, from the rollups of those.

    Shape: None when one of them is missing, damaged, or does not stand for all records of its file.
    Errors: StoreError when a data file cannot be read.
    """
    rollups = RollupFiles(path, settings, buffers)
    for part in parts:
        rows = _rows_of(part)
        try:
            if set(rollups.add_rollups(part)) != {rows}:
                break
        except (OSError, pa.ArrowException, KeyError):
            break
    else:
        return rollups
    rollups.abort()
    return None


def _rows_of(data_path: Path) -> int:
    try:
        return int(pq.read_metadata(data_path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"a data file of the table cannot be read: {error}",
            where=str(data_path),
            hint="restore the file from a copy; nothing else of the table is touched",
        ) from error


def _written(schema: pa.Schema) -> pa.Schema:
    """Addresses and text go to the writer as dictionaries, which it need not make again."""
    return pa.schema(
        [
            field.with_type(pa.dictionary(pa.int32(), field.type))
            if field.name not in _PLAIN_COLUMNS and not pa.types.is_integer(field.type)
            else field
            for field in schema
        ]
    )


def _row_groups(path: Path) -> Iterator[pa.Table]:
    text = [
        field.name
        for field in (*HOUR_SCHEMA, *CONVERSATION_SCHEMA, *TRAFFIC_SCHEMA)
        if pa.types.is_string(field.type)
    ]
    with pq.ParquetFile(path) as file:
        known = [name for name in text if name in file.schema_arrow.names]
    with pq.ParquetFile(path, read_dictionary=known) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, use_threads=False)
