"""The table's data files read from its Iceberg manifests: the slow, certain way."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pyiceberg.exceptions import ValidationError
from pyiceberg.manifest import DataFile, ManifestFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.table.metadata import TableMetadata

from vpcflow.base.errors import StoreError
from vpcflow.store.data_file_entry import DataFileEntry, TableSnapshot
from vpcflow.store.durable_io import DurableFileIO, local_path
from vpcflow.store.file_facts import read_facts
from vpcflow.store.rollup_paths import kept_rollups
from vpcflow.store.stored_schema import STORED_COLUMNS_BY_NAME

START_ID = STORED_COLUMNS_BY_NAME["start"].field_id
HOST_ID = STORED_COLUMNS_BY_NAME["host"].field_id
#: Footers read at once.
FOOTER_THREADS = 4


def read_manifests(
    metadata_location: str, known: Mapping[str, DataFileEntry]
) -> tuple[TableSnapshot, list[DataFileEntry]]:
    """The current snapshot of a metadata file and its data files.

    Shape: files in ``known`` are not opened again.
    Errors: FileNotFoundError when the metadata is gone; StoreError when it or a file is damaged.
    """
    io = DurableFileIO()
    try:
        metadata = FromInputFile.table_metadata(io.new_input(metadata_location))
        files = list(current_data_files(metadata, io))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, ValidationError, EOFError) as error:
        raise StoreError(
            f"the table's metadata cannot be read: {error}",
            where=metadata_location,
            hint="restore the file from a copy; the data files are untouched",
        ) from error
    current = metadata.current_snapshot()
    snapshot = TableSnapshot(
        current.snapshot_id if current else None,
        current.timestamp_ms / 1000 if current else None,
        metadata_location,
    )
    new = [file for file in files if local_path(file.file_path) not in known]
    with ThreadPoolExecutor(FOOTER_THREADS) as threads:
        made = {entry.path: entry for entry in threads.map(entry_of, new)}
    paths = [local_path(file.file_path) for file in files]
    return snapshot, [known[path] if path in known else made[path] for path in paths]


def current_data_files(metadata: TableMetadata, io: DurableFileIO) -> list[DataFile]:
    """Every data file of the current snapshot."""
    current = metadata.current_snapshot()
    return [] if current is None else manifests_data_files(current.manifests(io), io)


def manifests_data_files(manifests: list[ManifestFile], io: DurableFileIO) -> list[DataFile]:
    """Every live data file of some manifests."""
    return [
        entry.data_file
        for manifest in manifests
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=True)
    ]


def entry_of(file: DataFile) -> DataFileEntry:
    """The index entry of a file of the table; opens the file's footer."""
    path = local_path(file.file_path)
    facts = read_facts(Path(path))
    hour, has_conversation = kept_rollups(Path(path))
    lower: Mapping[int, Any] = file.lower_bounds or {}
    upper: Mapping[int, Any] = file.upper_bounds or {}
    return DataFileEntry(
        path=path,
        day=file.partition[0],
        rows=file.record_count,
        bytes=file.file_size_in_bytes,
        start_min=_long(lower.get(START_ID)),
        start_max=_long(upper.get(START_ID)),
        end_max=facts.end_max,
        host_min=lower.get(HOST_ID),
        host_max=upper.get(HOST_ID),
        columns=facts.columns,
        nodata_records=facts.nodata_records,
        skipdata_records=facts.skipdata_records,
        rollup_path=hour,
        has_conversation=has_conversation,
    )


def _long(value: bytes | None) -> int | None:
    return None if value is None else int.from_bytes(value, "little", signed=True)
