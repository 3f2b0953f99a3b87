"""Small files of a day become one sorted file, in bounded steps, each one snapshot.

A step is three parts: choose files (a pure function of the index), merge them into new files (long;
reads only the chosen files and writes new ones, so it may run in a thread or in another process),
and put the new in the place of the old in one snapshot (short; by the writer). Commits between
these parts only add files, so they do not disturb. A process that dies leaves either the old files
or the new ones in the table, and the others to ``FlowTable.remove_orphans``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from vpcflow.base.errors import StoreError
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.retention import deletion_id
from vpcflow.store.settings import StoreSettings
from vpcflow.store.table_settings import TableSettings

if TYPE_CHECKING:
    from vpcflow.store.staged_file import StagedFile
    from vpcflow.store.table import FlowTable

#: Files up to this size are of one size class; each further class is four times as large.
SMALLEST_CLASS_BYTES = 256 * 1024
SIZE_CLASS_RATIO = 4
#: Files with this share of the target size are as large as they should be.
FULL_SHARE = 0.75

#: Merges data files of one day into sorted files: (paths, folder for the new files, settings).
MergeFiles = Callable[[Sequence[Path], Path, StoreSettings], "list[StagedFile]"]


@dataclass(frozen=True, slots=True)
class CompactionGroup:
    """Files of one day that one step merges.

    Units: bytes, rows.
    """

    day: int | None
    files: tuple[DataFileEntry, ...]

    @property
    def rows(self) -> int:
        """Rows to merge."""
        return sum(entry.rows for entry in self.files)

    @property
    def bytes(self) -> int:
        """Bytes to read."""
        return sum(entry.bytes for entry in self.files)

    @property
    def commit_id(self) -> str:
        """The id of the snapshot that replaces exactly these files."""
        return deletion_id("compaction", {entry.path for entry in self.files})


@dataclass(frozen=True, slots=True)
class CompactionStep:
    """What one step did.

    Units: bytes, rows.
    """

    day: int | None
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    rows: int


def plan_compaction(
    entries: Sequence[DataFileEntry],
    settings: TableSettings,
    store_settings: StoreSettings,
    *,
    full: bool = False,
) -> list[CompactionGroup]:
    """The groups of files that are worth merging, the one with the most files first.

    Shape: files of one day and size class, at least ``compaction_files_min``, so that a record is
    rewritten once a class and not once a commit; ``full`` merges whatever a day has, from two files
    on. A group keeps the bounds ``compaction_files_max`` and ``compaction_step_bytes_max``.
    """
    target = store_settings.target_file_bytes
    classes: dict[tuple[int | None, int], list[DataFileEntry]] = {}
    for entry in entries:
        if entry.bytes < target * FULL_SHARE:
            size_class = 0 if full else _size_class(entry.bytes)
            classes.setdefault((entry.day, size_class), []).append(entry)
    groups = []
    for (day, _), files in classes.items():
        if len(files) >= (2 if full else settings.compaction_files_min):
            group = CompactionGroup(day, _bounded(files, settings))
            if len(group.files) > math.ceil(group.bytes / target):
                groups.append(group)
    return sorted(groups, key=lambda group: -len(group.files))


def merge_group(
    group: CompactionGroup,
    data_dir: Path,
    store_settings: StoreSettings,
    merge: MergeFiles | None = None,
) -> list[StagedFile]:
    """Write the group's rows as new files; changes nothing in the table.

    Errors: StoreError when the new files do not hold exactly the rows of the old ones.
    """
    staged = (merge or _default_merge)(
        [Path(entry.path) for entry in group.files], data_dir, store_settings
    )
    rows = sum(file.rows for file in staged)
    if rows != group.rows:
        raise StoreError(
            f"merging {len(group.files)} files made {rows} rows of {group.rows}",
            where=group.files[0].path,
            hint="the files stay as they are; report this with the version of vpcflow",
        )
    return staged


def compact_step(
    table: FlowTable,
    store_settings: StoreSettings,
    *,
    full: bool = False,
    merge: MergeFiles | None = None,
    keep_ids: Collection[str] = (),
) -> CompactionStep | None:
    """Merge one group and commit it; None when there is nothing worth merging.

    Errors: StoreError when a file cannot be read or written; the table is as it was.
    """
    groups = plan_compaction(table.index.entries(), table.settings, store_settings, full=full)
    if not groups:
        return None
    return compact_group(table, groups[0], store_settings, merge=merge, keep_ids=keep_ids)


def compact_group(
    table: FlowTable,
    group: CompactionGroup,
    store_settings: StoreSettings,
    *,
    merge: MergeFiles | None = None,
    keep_ids: Collection[str] = (),
) -> CompactionStep:
    """Merge the files of a group and put the new ones in their place.

    Errors: StoreError when a file cannot be read or written; the table is as it was.
    """
    try:
        staged = merge_group(group, table.data_dir, store_settings, merge)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"data files cannot be merged: {error}",
            where=group.files[0].path,
            hint="free some space or check the disk; the files stay as they are",
        ) from error
    table.replace(group.files, staged, group.commit_id, keep_ids=keep_ids)
    return CompactionStep(
        group.day,
        len(group.files),
        len(staged),
        group.bytes,
        sum(file.bytes for file in staged),
        group.rows,
    )


def _size_class(size: int) -> int:
    if size <= SMALLEST_CLASS_BYTES:
        return 0
    return math.ceil(math.log(size / SMALLEST_CLASS_BYTES, SIZE_CLASS_RATIO))


def _bounded(files: list[DataFileEntry], settings: TableSettings) -> tuple[DataFileEntry, ...]:
    """The smallest files that keep the bounds of one step."""
    chosen: list[DataFileEntry] = []
    size = 0
    for entry in sorted(files, key=lambda entry: (entry.bytes, entry.path)):
        if len(chosen) == settings.compaction_files_max:
            break
        if size + entry.bytes > settings.compaction_step_bytes_max:
            break
        chosen.append(entry)
        size += entry.bytes
    return tuple(chosen)


def _default_merge(
    paths: Sequence[Path], data_dir: Path, settings: StoreSettings
) -> list[StagedFile]:
    from vpcflow.store.data_file import merge_data_files

    return merge_data_files(paths, data_dir, settings)
