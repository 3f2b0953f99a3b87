"""The table of flow records, for the one process that writes it.

The caller holds ``DataFolder.writer_lock`` from ``FlowTable.open`` until the last change; readers
use ``FileIndex`` and hold nothing. A change is one Iceberg snapshot with its commit id in the
summary, so a process that died anywhere can ask ``has_commit`` and knows. Order on disk: data files
(by their writer), manifests, metadata file, folder; then the catalog's pointer; then the index,
which is a cache. Files that leave the table stay on disk until ``remove_orphans`` finds that they
left more than ``grace_s`` ago.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationError, ValidationException
from pyiceberg.table import Table, Transaction
from sqlalchemy.exc import SQLAlchemyError

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.data_folder import DataFolder
from vpcflow.base.errors import StoreError
from vpcflow.store import catalog as iceberg_catalog
from vpcflow.store import commit as commits
from vpcflow.store import index_db
from vpcflow.store.data_file_entry import DataFileEntry, TableSnapshot, paths_of
from vpcflow.store.file_index import FileIndex
from vpcflow.store.orphans import OrphanFiles, sweep
from vpcflow.store.rollup_paths import kept_rollups
from vpcflow.store.spool import pending_commit_ids
from vpcflow.store.staged_file import StagedFile
from vpcflow.store.table_settings import TableSettings


class FlowTable:
    """Commits, replaces and deletes whole data files; the only user of PyIceberg that writes.

    Errors: StoreError when the catalog, the table or the disk says no; after one, the table is as
    it was before the call, or has the commit, and ``has_commit`` says which.
    """

    def __init__(
        self,
        folder: DataFolder,
        settings: TableSettings,
        catalog: SqlCatalog,
        table: Table,
        clock: Clock,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.clock = clock
        self.index = FileIndex(folder, clock=clock)
        self._catalog = catalog
        self._table = table

    @classmethod
    def open(
        cls,
        folder: DataFolder,
        settings: TableSettings | None = None,
        *,
        clock: Clock | None = None,
    ) -> FlowTable:
        """Open the table, make it when it is missing, and repair the index of files."""
        settings = settings or TableSettings()
        folder.make()
        # A lost table in a catalog that is there must not be made anew over old files unnoticed.
        index_db.read_metadata_location(folder.catalog_db)
        with _store_errors(folder):
            catalog = iceberg_catalog.open_catalog(folder)
            table = iceberg_catalog.open_table(catalog, folder, settings)
        opened = cls(folder, settings, catalog, table, clock or SystemClock())
        opened.index.refresh()
        return opened

    def __enter__(self) -> FlowTable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the catalog go."""
        self._catalog.close()

    @property
    def data_dir(self) -> Path:
        """Where data files are written, in any folder below it."""
        return iceberg_catalog.table_folder(self.folder) / "data"

    @property
    def iceberg_table(self) -> Table:
        """The table as PyIceberg has it, to read."""
        return self._table

    def has_commit(self, commit_id: str) -> bool:
        """Whether a commit is in the table.

        Shape: looks at the snapshots that are kept: the newest ``snapshots_min`` at least, and
        those that expiry was told to keep. Recovery asks before anything else commits.
        """
        return commits.find_commit(self._table, commit_id) is not None

    def commit(
        self, files: Sequence[StagedFile], commit_id: str, *, keep_ids: Collection[str] = ()
    ) -> int:
        """Add staged files in one snapshot and return its id; a commit id counts once.

        Shape: ``files`` may be empty: the snapshot then only carries the commit id. Expires the
        oldest snapshots when there are ``snapshots_max``, except those of ``keep_ids``.
        """
        return self._change((), files, commit_id, keep_ids)

    def replace(
        self,
        old: Sequence[DataFileEntry],
        new: Sequence[StagedFile],
        commit_id: str,
        *,
        keep_ids: Collection[str] = (),
    ) -> int:
        """Put ``new`` in the place of ``old`` in one snapshot and return its id.

        Errors: StoreError when a file of ``old`` is not in the table.
        """
        return self._change(old, new, commit_id, keep_ids)

    def delete_files(self, old: Sequence[DataFileEntry], commit_id: str) -> int:
        """Take files out of the table in one snapshot and return its id."""
        return self._change(old, (), commit_id, ())

    def note_rollups(self, entry: DataFileEntry) -> None:
        """Rollups were written for a file of the table, or were found to be gone.

        Errors: StoreError when the index cannot be written; the next one made anew knows them.
        """
        hour, has_conversation = kept_rollups(Path(entry.path))
        found = replace(entry, rollup_path=hour, has_conversation=has_conversation)
        try:
            with index_db.writing(self.folder.files_db) as db:
                if index_db.read_entries(db, "path = ?", (entry.path,)):
                    index_db.write_entries(db, [found])
        except sqlite3.Error as error:
            raise StoreError(
                f"the index of data files cannot be written: {error}",
                where=str(self.folder.files_db),
                hint="free some space or check the permissions; the table is as it was",
            ) from error

    def expire_snapshots(self, keep_ids: Collection[str] = ()) -> int:
        """Forget all but the newest ``snapshots_min`` snapshots; how many were forgotten.

        Shape: call it after recovery, with the ids of commits still pending, if any.
        """
        with self._transaction() as change:
            return self._expire(change, keep_ids)

    def remove_orphans(self, keep_paths: Collection[Path] = ()) -> OrphanFiles:
        """Remove files that no kept snapshot has, ``grace_s`` after they were first seen so.

        Shape: ``keep_paths`` are files staged by this process that are not committed yet.
        """
        with _store_errors(self.folder):
            return sweep(
                self._table,
                self.folder,
                entries=self.index.entries(),
                keep_paths={str(path) for path in keep_paths},
                now_s=self.clock.now_s(),
                grace_s=self.settings.grace_s,
            )

    def _change(
        self,
        old: Sequence[DataFileEntry],
        new: Sequence[StagedFile],
        commit_id: str,
        keep_ids: Collection[str],
    ) -> int:
        done = commits.find_commit(self._table, commit_id)
        if done is not None:
            return int(done.snapshot_id)
        self._check_places(new)
        before = self._table.metadata_location
        with self._transaction() as change:
            if old:
                commits.exchange(change, old, new, commit_id)
            else:
                commits.append(change, new, commit_id)
            if len(self._table.metadata.snapshots) >= self.settings.snapshots_max:
                self._expire(change, keep_ids)
        made = commits.find_commit(self._table, commit_id)
        if made is None:
            raise StoreError(
                "the commit is not in the table after it was made",
                where=commit_id,
                hint="another process writes to the same table: stop it",
            )
        snapshot = TableSnapshot(
            made.snapshot_id, made.timestamp_ms / 1000, self._table.metadata_location
        )
        self._update_index(before, snapshot, old, new)
        return int(made.snapshot_id)

    def _expire(self, change: Transaction, keep_ids: Collection[str]) -> int:
        # A live run that was killed may have a commit that its spool does not know of yet.
        keep = {*keep_ids, *pending_commit_ids(self.folder.spool)}
        return commits.expire_oldest(change, self._table, self.settings.snapshots_min, keep)

    def _check_places(self, new: Sequence[StagedFile]) -> None:
        """Every new file is in its place, as it was staged."""
        data_dir = self.data_dir
        for staged in new:
            if not staged.path.is_relative_to(data_dir):
                raise StoreError(
                    "a data file lies outside the table's folder",
                    where=str(staged.path),
                    hint=f"write data files below {data_dir}",
                )
            with _store_errors(self.folder):
                size = staged.path.stat().st_size
            if size != staged.bytes:
                raise StoreError(
                    f"a data file has {size} bytes, {staged.bytes} were staged",
                    where=str(staged.path),
                    hint="run the same command again: the file is written anew",
                )

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with _store_errors(self.folder):
            try:
                with commits.OneCopyTransaction(self._table) as change:
                    yield change
            except BaseException:
                self._refresh_quietly()
                raise

    def _refresh_quietly(self) -> None:
        # The error that led here is the one to report; without this the next change would start
        # from metadata that may be out of date, which the catalog would refuse.
        with suppress(OSError, SQLAlchemyError):
            self._table.refresh()

    def _update_index(
        self,
        before: str,
        snapshot: TableSnapshot,
        old: Sequence[DataFileEntry],
        new: Sequence[StagedFile],
    ) -> None:
        """Bring the index along; when that fails, readers make it anew, so it is no error here."""
        try:
            with index_db.writing(self.folder.files_db) as db:
                known = index_db.read_snapshot(db)
                follows = known is not None and known.metadata_location == before
                if follows:
                    paths = [entry.path for entry in old]
                    index_db.delete_entries(db, paths)
                    index_db.write_dropped(
                        db,
                        [path for entry in old for path in paths_of(entry)],
                        self.clock.now_s(),
                    )
                    index_db.write_entries(db, map(commits.index_entry, new))
                    index_db.write_snapshot(db, snapshot)
        except sqlite3.Error:
            follows = False
        if not follows:
            self.index.refresh()


@contextmanager
def _store_errors(folder: DataFolder) -> Iterator[None]:
    """Turn what PyIceberg, SQLite and the disk say into a StoreError that says what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(
            f"the table's catalog said no: {getattr(error, 'orig', None) or error}",
            where=str(folder.catalog_db),
            hint="check the disk's free space and the folder's permissions; the table is as it was",
        ) from error
    except OSError as error:
        raise StoreError(
            f"the table cannot be written: {error.strerror or error}",
            where=str(error.filename or folder.warehouse),
            hint="free some space or check the permissions, then run the same command again",
        ) from error
    except (CommitFailedException, ValidationException, ValidationError, ValueError) as error:
        raise StoreError(
            f"the table refused the change: {error}",
            where=str(folder.warehouse),
            hint="another process may have changed the table: run the same command again",
        ) from error
