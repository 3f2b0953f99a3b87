"""Writes a sample as the tree of objects that AWS would deliver to S3."""

from __future__ import annotations

import errno
import hashlib
import shutil
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from vpcflow.base.errors import FlowLogError, SettingsError, StoreError
from vpcflow.lab.sample.arrow import ArrowRecords
from vpcflow.lab.sample.connections import Rows
from vpcflow.lab.sample.incidents import plan_incidents, plan_skipped
from vpcflow.lab.sample.network import make_network
from vpcflow.lab.sample.report import MARKER, Counter, SampleReport
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.slots import Slots
from vpcflow.record.log_format import LogFormat
from vpcflow.record.text import encode_text

#: AWS delivers several objects a slot when there are many records.
FILE_RECORDS_MAX = 20_000
#: The level that gzip itself takes; a harder one would flatter no one.
GZIP_LEVEL = 6
GZIP_THREADS = 2
#: Files that wait to be compressed; the drawing waits for them beyond that.
FILES_WAITING_MAX = 4
README = "README.txt"
AWS_FOLDER = "AWSLogs"


def write_sample(
    folder: Path | str,
    settings: SampleSettings,
    *,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> SampleReport:
    """Write a sample below ``folder``; the same settings give the same bytes.

    Shape: ``README.txt`` says what it is; ``AWSLogs/`` holds the objects. ``on_progress`` gets
    records and bytes of files written so far.
    Errors: SettingsError when the folder holds anything else, or an older sample without ``force``;
    StoreError when the disk is full or says no.
    """
    root = Path(folder).expanduser().absolute()
    network = make_network(settings)
    incidents, skipped = plan_incidents(network, settings), plan_skipped(network, settings)
    counter = Counter(network, settings, incidents, skipped)
    arrow = ArrowRecords(network, settings)
    try:
        _make_room(root, force=force)
        (root / README).write_text(counter.readme(), encoding="utf-8")
        with ObjectWriter(root, settings, arrow) as writer:
            for slot_s, records in Slots(network, settings, incidents, skipped):
                counter.add(records)
                writer.write_slot(slot_s, records)
                if on_progress:
                    on_progress(counter.records, writer.bytes)
        return counter.report(writer.files, writer.bytes, writer.text_bytes)
    except OSError as error:
        raise _refused(error, root) from error


class ObjectWriter:
    """Encodes, compresses and names the objects of a sample.

    Shape: at most FILES_WAITING_MAX files are held in memory; compression runs beside the drawing.
    """

    def __init__(self, root: Path, settings: SampleSettings, arrow: ArrowRecords) -> None:
        self._root, self._settings, self._arrow = root, settings, arrow
        self._pool = ThreadPoolExecutor(GZIP_THREADS, thread_name_prefix="sample-gzip")
        self._waiting: deque[Future[int]] = deque()
        self.files = 0
        self.bytes = 0
        self.text_bytes = 0

    def __enter__(self) -> ObjectWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            while self._waiting and kind is None:
                self._settle()
        finally:
            self._pool.shutdown(cancel_futures=True)

    def write_slot(self, slot_s: int, records: Rows) -> None:
        """The objects of one slot: none when it has no records."""
        parts = -(-len(records) // FILE_RECORDS_MAX)
        if not parts:
            return
        day = self._day_folder(slot_s)
        day.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(np.array_split(records, parts)):
            text = encode_text(self._arrow.batch(part), self._arrow.log_format, header=True)
            self.files += 1
            self.text_bytes += len(text)
            path = day / self._name(slot_s, number)
            self._waiting.append(self._pool.submit(_write_gzip, path, text))
            if len(self._waiting) > FILES_WAITING_MAX:
                self._settle()

    @property
    def log_format(self) -> LogFormat:
        """The fields of every record."""
        return self._arrow.log_format

    def _settle(self) -> None:
        self.bytes += self._waiting.popleft().result()

    def _day_folder(self, slot_s: int) -> Path:
        settings = self._settings
        day = datetime.fromtimestamp(slot_s, UTC).strftime("%Y/%m/%d")
        return self._root / AWS_FOLDER / settings.account_id / "vpcflowlogs" / settings.region / day

    def _name(self, slot_s: int, number: int) -> str:
        settings = self._settings
        at = datetime.fromtimestamp(slot_s, UTC).strftime("%Y%m%dT%H%MZ")
        unique = hashlib.sha256(f"{settings.seed} {slot_s} {number}".encode()).hexdigest()[:8]
        return (
            f"{settings.account_id}_vpcflowlogs_{settings.region}_{settings.flow_log_id}_{at}_"
            f"{unique}.log.gz"
        )


def _write_gzip(path: Path, text: bytes) -> int:
    """One member, without a name or a time, so that the same records give the same bytes."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    data = packer.compress(text) + packer.flush()
    return path.write_bytes(data)


def _make_room(root: Path, *, force: bool) -> None:
    root.mkdir(parents=True, exist_ok=True)
    names = {entry.name for entry in root.iterdir()}
    if not names:
        return
    if not _is_sample(root) or names - {README, AWS_FOLDER}:
        raise SettingsError(
            "the folder is not empty and holds something else than a sample",
            where=str(root),
            hint="choose a new folder for the sample",
        )
    if not force:
        raise SettingsError(
            "the folder already holds a sample",
            where=str(root),
            hint="give --force to replace it, or choose a new folder",
        )
    if (root / AWS_FOLDER).exists():
        shutil.rmtree(root / AWS_FOLDER)


def _is_sample(root: Path) -> bool:
    try:
        return (root / README).read_text(encoding="utf-8").startswith(MARKER)
    except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
        return False


def _refused(error: OSError, root: Path) -> FlowLogError:
    where = str(error.filename or root)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            "the disk is full; the sample is not complete",
            where=where,
            hint="free some space or ask for fewer records; --force replaces what is there",
        )
    return StoreError(
        f"cannot write the sample: {error.strerror or error}",
        where=where,
        hint="choose a folder that you may write to",
    )
