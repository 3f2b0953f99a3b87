"""How a change of the table becomes one Iceberg snapshot that carries its commit id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow.parquet as pq
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.table.update import TableUpdate
from pyiceberg.table.update.snapshot import ExpireSnapshots
from pyiceberg.typedef import Record

from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.manifest_reader import HOST_ID, START_ID
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME

#: Where a snapshot's summary says which commit made it.
COMMIT_ID_KEY = "vpcflow.commit-id"


class OneCopyTransaction(Transaction):  # type: ignore[misc]
    """A transaction that copies the table's metadata once a change and not once a look.

    Shape: PyIceberg makes a deep copy of all columns and snapshots each time one of its parts
    asks for the metadata, fifteen times a commit; nothing changes what was copied.
    """

    _copy: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with the changes so far."""
        base, updates = self._table.metadata, self._updates
        if self._copy is None or self._copy[0] is not base or self._copy[1] is not updates:
            self._copy = (base, updates, super().table_metadata)
        return self._copy[2]


def data_file(staged: StagedFile) -> DataFile:
    """The manifest entry of a staged file.

    Shape: counts and bounds of ``start`` and ``host`` only. In a sorted day file the bounds of
    the other columns are as wide as their types, and every byte here is rewritten by each merge
    of manifests.
    """
    lower: dict[int, bytes] = {}
    upper: dict[int, bytes] = {}
    if staged.start_min is not None and staged.start_max is not None:
        lower[START_ID] = staged.start_min.to_bytes(8, "little", signed=True)
        upper[START_ID] = staged.start_max.to_bytes(8, "little", signed=True)
    if staged.host_min is not None and staged.host_max is not None:
        lower[HOST_ID] = staged.host_min
        upper[HOST_ID] = staged.host_max
    nulls = {
        STORED_COLUMNS_BY_NAME[name].field_id: count
        for name in ("start", "host")
        if (count := _null_count(staged, name)) is not None
    }
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=f"file://{staged.path}",
        file_format=FileFormat.PARQUET,
        partition=Record(staged.day),
        record_count=staged.rows,
        file_size_in_bytes=staged.bytes,
        value_counts=dict.fromkeys((START_ID, HOST_ID), staged.rows),
        null_value_counts=nulls,
        lower_bounds=lower,
        upper_bounds=upper,
        sort_order_id=None,
    )
    file.spec_id = 0
    return file


def _null_count(staged: StagedFile, column: str) -> int | None:
    if column not in staged.columns:
        return staged.rows
    metadata: pq.FileMetaData = staged.metadata
    position = metadata.schema.names.index(column)
    total = 0
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(position).statistics
        if statistics is None or not statistics.has_null_count:
            return None
        total += statistics.null_count
    return total


def index_entry(staged: StagedFile) -> DataFileEntry:
    """The same file as the index keeps it."""
    return DataFileEntry(
        path=str(staged.path),
        day=staged.day,
        rows=staged.rows,
        bytes=staged.bytes,
        start_min=staged.start_min,
        start_max=staged.start_max,
        end_max=staged.end_max,
        host_min=staged.host_min,
        host_max=staged.host_max,
        columns=staged.columns,
        nodata_records=staged.nodata_records,
        skipdata_records=staged.skipdata_records,
        rollup_path=None if staged.rollup_path is None else str(staged.rollup_path),
        has_conversation=staged.has_conversation,
    )


def dropped_file(entry: DataFileEntry) -> DataFile:
    """Names a file of the table that a snapshot takes out."""
    file = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=f"file://{entry.path}",
        file_format=FileFormat.PARQUET,
        partition=Record(entry.day),
        record_count=entry.rows,
        file_size_in_bytes=entry.bytes,
    )
    file.spec_id = 0
    return file


def append(change: Transaction, files: Sequence[StagedFile], commit_id: str) -> None:
    """Add files; PyIceberg merges the newest manifests within the bounds of the table's properties."""
    update = change.update_snapshot(snapshot_properties={COMMIT_ID_KEY: commit_id})
    with update.merge_append() as producer:
        for staged in files:
            producer.append_data_file(data_file(staged))


def exchange(
    change: Transaction,
    old: Sequence[DataFileEntry],
    new: Sequence[StagedFile],
    commit_id: str,
) -> None:
    """Take ``old`` out and put ``new`` in, as one snapshot."""
    update = change.update_snapshot(snapshot_properties={COMMIT_ID_KEY: commit_id})
    with update.overwrite() as producer:
        for entry in old:
            producer.delete_data_file(dropped_file(entry))
        for staged in new:
            producer.append_data_file(data_file(staged))


def commit_id_of(snapshot: Snapshot) -> str | None:
    """Which commit made a snapshot; None for another engine's."""
    summary: Any = snapshot.summary
    return None if summary is None else summary.additional_properties.get(COMMIT_ID_KEY)


def find_commit(table: Table, commit_id: str) -> Snapshot | None:
    """The snapshot that a commit made, newest first."""
    for snapshot in reversed(table.metadata.snapshots):
        if commit_id_of(snapshot) == commit_id:
            return snapshot
    return None


def expire_oldest(change: Transaction, table: Table, keep: int, keep_ids: Collection[str]) -> int:
    """Expire all but the newest ``keep`` snapshots and those of ``keep_ids``; how many went."""
    snapshots = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number)
    current = table.metadata.current_snapshot_id
    old = [
        snapshot.snapshot_id
        for snapshot in snapshots[: max(0, len(snapshots) - keep)]
        if snapshot.snapshot_id != current and commit_id_of(snapshot) not in keep_ids
    ]
    if old:
        ExpireSnapshots(change).by_ids(old).commit()
    return len(old)
