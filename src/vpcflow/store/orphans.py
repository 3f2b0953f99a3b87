"""Removal of files that the table does not have: replaced, deleted, or left by a killed writer."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyiceberg.table import Table

from vpcflow.base.data_folder import DataFolder
from vpcflow.store import index_db
from vpcflow.store.data_file_entry import DataFileEntry, paths_of
from vpcflow.store.durable_io import local_path
from vpcflow.store.manifest_reader import manifests_data_files


@dataclass(frozen=True, slots=True)
class OrphanFiles:
    """What a sweep removed, and what it leaves until its grace period is over.

    Units: bytes.
    """

    files: int
    bytes: int
    files_waiting: int
    bytes_waiting: int


def sweep(
    table: Table,
    folder: DataFolder,
    *,
    entries: Sequence[DataFileEntry],
    keep_paths: Collection[str],
    now_s: float,
    grace_s: float,
) -> OrphanFiles:
    """Remove files below the table's folder that no kept snapshot needs.

    Shape: the grace period of a file starts when a commit of this program drops it, or when a
    sweep first sees it; so a lost index only makes files stay longer.
    """
    current = set(keep_paths)
    for entry in entries:
        current.update(paths_of(entry))
    live = live_paths(table) | current
    location = Path(local_path(table.metadata.location))
    present = dict(_files_below(location))
    found = {path: size for path, size in present.items() if path not in live}
    with index_db.writing(folder.files_db) as db:
        index_db.write_dropped(db, found, now_s)
        dropped = index_db.read_dropped(db)
        ripe = [path for path in found if now_s - dropped[path] >= grace_s]
        for path in ripe:
            Path(path).unlink(missing_ok=True)
        settled = [path for path in dropped if path not in present or path in current]
        index_db.forget_dropped(db, [*ripe, *settled])
    _remove_empty_folders(location / "data", {Path(path).parent for path in ripe})
    removed = sum(found[path] for path in ripe)
    return OrphanFiles(len(ripe), removed, len(found) - len(ripe), sum(found.values()) - removed)


def live_paths(table: Table) -> set[str]:
    """Every data, manifest and metadata file that the kept snapshots need."""
    locations = {table.metadata_location}
    locations.update(entry.metadata_file for entry in table.metadata.metadata_log)
    manifests = {}
    for snapshot in table.metadata.snapshots:
        locations.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            manifests[manifest.manifest_path] = manifest
    locations.update(manifests)
    files = manifests_data_files(list(manifests.values()), table.io)
    locations.update(file.file_path for file in files)
    return {local_path(location) for location in locations}


def _files_below(folder: Path) -> Iterator[tuple[str, int]]:
    for parent, _folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118  strings: there may be 100,000
            try:
                yield path, os.stat(path).st_size  # noqa: PTH116
            except FileNotFoundError:
                continue


def _remove_empty_folders(data_dir: Path, folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder != data_dir:
            try:
                folder.rmdir()
            except OSError:
                continue  # Not empty: other files of the day are there.
