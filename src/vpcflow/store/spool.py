"""A durable queue of flow batches: what is acknowledged is on the disk.

One Arrow IPC file a batch. A file gets its name only after it is on the disk, so a torn file was
never acknowledged and has a temporary name. A batch id is the file's number in the queue and the
digest of its bytes; numbers never come back, and a restart finds the same ids. Into the table
exactly once: ``prepare`` writes down which batches a commit takes, the Iceberg commit carries the
commit id, ``confirm`` removes them; after a restart ``pending`` names what was prepared, and the
table's ``has_commit`` says whether to ``confirm`` or to ``discard``.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from vpcflow.base.data_folder import PART_SUFFIX, DataFolder, fsync_folder, write_durably
from vpcflow.base.errors import StoreError
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.store.table_settings import TableSettings

_BATCH_KEY = b"vpcflow.batch"
_SEGMENT = re.compile(r"^(\d{16})-([0-9a-f]{32})\.arrow$")
_COMMIT = re.compile(r"^commit-([0-9a-f]{32})\.json$")
_NUMBER_FILE = "number"


@dataclass(frozen=True, slots=True)
class SpoolSegment:
    """One acknowledged batch that waits in the spool.

    Units: bytes on disk.
    """

    batch_id: str
    path: Path
    bytes: int

    def load(self) -> FlowBatch:
        """Read the batch back.

        Errors: StoreError when the file is not what was acknowledged.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise _cannot(error, self.path, "read") from error
        if _digest(data) != self.batch_id.split("-")[1]:
            raise StoreError(
                "a batch in the spool is damaged",
                where=str(self.path),
                hint="check the disk; move the file away to go on without its records",
            )
        with pa.ipc.open_file(pa.BufferReader(data)) as reader:
            records = reader.get_batch(0)
            about = json.loads(reader.schema.metadata[_BATCH_KEY])
        return FlowBatch(
            records.replace_schema_metadata(None),
            Origin(**about["origin"]),
            about["flow_log_id"],
            about["interval_s"],
        )


class Spool:
    """The batches that were acknowledged and are not in the table yet, oldest first.

    Shape: for one process, which holds the data folder's writer lock.
    Errors: StoreError when the spool is full, or the disk says no; then nothing was acknowledged.
    """

    def __init__(self, folder: DataFolder, settings: TableSettings | None = None) -> None:
        self._folder = folder.spool
        self._bytes_max = (settings or TableSettings()).spool_bytes_max
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in self._folder.glob(f"*{PART_SUFFIX}"):
                path.unlink()
            self._segments = self._read_segments()
            self._last_number = self._read_last_number()
        except OSError as error:
            raise _cannot(error, self._folder, "read") from error

    @property
    def bytes_waiting(self) -> int:
        """Bytes of all waiting batches."""
        return sum(segment.bytes for segment in self._segments.values())

    def append(self, batch: FlowBatch) -> str:
        """Put a batch on the disk and return its id; when this returns, it is acknowledged."""
        data = _encode(batch)
        if self.bytes_waiting + len(data) > self._bytes_max:
            raise StoreError(
                f"the spool is full: {self.bytes_waiting} bytes wait, spool_bytes_max is "
                f"{self._bytes_max}",
                where=str(self._folder),
                hint="commit what waits, or raise store.spool_bytes_max",
            )
        number = self._last_number + 1
        batch_id = f"{number:016d}-{_digest(data)}"
        path = self._folder / f"{batch_id}.arrow"
        try:
            self._write(path, data)
        except StoreError:
            path.unlink(missing_ok=True)  # Not acknowledged, so a restart must not find it.
            raise
        self._last_number = number
        self._segments[batch_id] = SpoolSegment(batch_id, path, len(data))
        return batch_id

    def segments(self) -> list[SpoolSegment]:
        """Every waiting batch, oldest first; those of a prepared commit too."""
        return list(self._segments.values())

    def prepare(self, batch_ids: Sequence[str]) -> str:
        """Write down that one commit will take these batches, and return its commit id.

        Errors: StoreError for a batch that does not wait.
        """
        self._check_waiting(batch_ids)
        commit_id = _digest("\n".join(sorted(batch_ids)).encode())
        self._write(
            self._folder / f"commit-{commit_id}.json", json.dumps(sorted(batch_ids)).encode()
        )
        return commit_id

    def pending(self) -> list[str]:
        """Commit ids that were prepared and neither confirmed nor discarded."""
        return pending_commit_ids(self._folder)

    def segments_of(self, commit_id: str) -> list[SpoolSegment]:
        """The batches of a prepared commit that still wait, oldest first."""
        path = self._commit_path(commit_id)
        try:
            batch_ids = json.loads(path.read_bytes())
        except OSError as error:
            raise _cannot(error, path, "read") from error
        return [self._segments[one] for one in batch_ids if one in self._segments]

    def confirm(self, commit_id: str) -> None:
        """The commit is in the table: remove its batches."""
        self.drop(segment.batch_id for segment in self.segments_of(commit_id))
        self._remove(self._commit_path(commit_id))

    def discard(self, commit_id: str) -> None:
        """The commit did not happen: its batches wait again."""
        self._remove(self._commit_path(commit_id))

    def drop(self, batch_ids: Iterable[str]) -> None:
        """Remove batches for good.

        Errors: StoreError for a batch that does not wait.
        """
        ids = list(batch_ids)
        self._check_waiting(ids)
        if not ids:
            return
        # Without this a restart with an empty spool would give the same numbers again, and a
        # commit of the same bytes would look as if it were in the table already.
        self._write(self._folder / _NUMBER_FILE, str(self._last_number).encode())
        for batch_id in ids:
            self._remove(self._segments[batch_id].path)
            del self._segments[batch_id]

    def _check_waiting(self, batch_ids: Sequence[str]) -> None:
        for batch_id in batch_ids:
            if batch_id not in self._segments:
                raise StoreError(
                    "this batch does not wait in the spool",
                    where=batch_id,
                    hint="it was dropped before, or belongs to another data folder",
                )

    def _commit_path(self, commit_id: str) -> Path:
        return self._folder / f"commit-{commit_id}.json"

    def _read_segments(self) -> dict[str, SpoolSegment]:
        segments = {}
        for path in sorted(self._folder.iterdir()):
            match = _SEGMENT.match(path.name)
            if match:
                segments[path.stem] = SpoolSegment(path.stem, path, path.stat().st_size)
        return segments

    def _read_last_number(self) -> int:
        numbers = [int(batch_id.split("-")[0]) for batch_id in self._segments]
        path = self._folder / _NUMBER_FILE
        if path.exists():
            numbers.append(int(path.read_text()))
        return max(numbers, default=0)

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_durably(path, data)
        except OSError as error:
            raise _cannot(error, path, "written") from error

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
            fsync_folder(self._folder)
        except OSError as error:
            raise _cannot(error, path, "removed") from error


def pending_commit_ids(spool_folder: Path) -> list[str]:
    """Commit ids that a spool prepared and has not settled; their snapshots must not expire."""
    if not spool_folder.exists():
        return []
    found = (_COMMIT.match(path.name) for path in sorted(spool_folder.iterdir()))
    return [match.group(1) for match in found if match]


def _encode(batch: FlowBatch) -> bytes:
    about = {
        "origin": asdict(batch.origin),
        "flow_log_id": batch.flow_log_id,
        "interval_s": batch.interval_s,
    }
    records = batch.records.replace_schema_metadata({_BATCH_KEY: json.dumps(about).encode()})
    out = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(out, records.schema, options=options) as writer:
        writer.write_batch(records)
    data: bytes = out.getvalue().to_pybytes()
    return data


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _cannot(error: OSError, path: Path, done: str) -> StoreError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreError(
        f"the spool cannot be {done}: {error.strerror or error}",
        where=str(path),
        hint="free some space on the disk of the data folder"
        if full
        else "check the disk and the permissions of the data folder",
    )
