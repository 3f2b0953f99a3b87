"""Records that are piped in without end: acknowledged in the spool, committed every few seconds."""

from __future__ import annotations

import os
import secrets
import select
import sys
import threading
from typing import TYPE_CHECKING

from vpcflow.app.ingest import LINES_ALONE_PREFIX, recover
from vpcflow.app.progress import Progress
from vpcflow.app.signals import stop_on_signals
from vpcflow.app.spool_drain import drain_left_over, drain_spool
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import CollectError
from vpcflow.collect.intake import Intake
from vpcflow.collect.source_object import SourceObject
from vpcflow.collect.state_db import StateDb
from vpcflow.record.batch import Origin
from vpcflow.record.codec import make_decoder
from vpcflow.record.sniff import sniff
from vpcflow.store.maintenance import maintain
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.record.log_format import LogFormat
    from vpcflow.record.text import Decoded
    from vpcflow.record.unwrap import Decoder

READ_BYTES = 1 << 20
#: Bytes that must have come before the encoding is decided without a whole line.
HEAD_BYTES_MAX = 65_536
#: Commits between two rounds of upkeep.
COMMITS_A_MAINTENANCE = 32
_ORIGIN = Origin("stdin", "stdin:live")


class LiveInput:
    """Decodes a stream that never ends, and keeps what it decodes.

    Shape: records are on disk in the spool when ``take`` returns; bad lines are in quarantine.
    """

    def __init__(
        self, settings: Settings, log_format: LogFormat | None, table: FlowTable, db: StateDb
    ) -> None:
        self._settings = settings
        self._log_format = log_format
        self._table = table
        self._intake = Intake(db, settings.collect)
        self._spool = Spool(settings.folder, settings.table)
        self._decoder: Decoder | None = None
        self._head = b""
        self._commits = 0
        self.records = 0
        self.bad_lines = 0

    def recover(self) -> None:
        """Settle what a killed run left."""
        recover(self._table, self._intake)
        drain_left_over(self._table, self._spool, self._settings)

    def take(self, data: bytes) -> None:
        """Decode a piece of the stream and acknowledge what it holds."""
        if self._decoder is None:
            self._head += data
            if b"\n" not in self._head and len(self._head) < HEAD_BYTES_MAX:
                return
            data, self._head = self._head, b""
            self._decoder = self._make_decoder(data)
        self._keep(self._decoder.feed(data))

    def end(self) -> None:
        """The stream is over: take its last line, commit everything."""
        if self._head:
            self._head += b"\n"
            self.take(b"")
        if self._decoder is not None:
            self._keep(self._decoder.finish())
        self.commit()

    def commit(self) -> None:
        """Put what waits in the spool into the table."""
        if drain_spool(self._table, self._spool, self._settings.store):
            self._commits += 1
            if self._commits % COMMITS_A_MAINTENANCE == 0:
                maintain(
                    self._table,
                    self._settings.store,
                    steps_max=self._settings.ingest.maintenance_steps_max,
                    keep_ids=[*self._intake.pending(), *self._spool.pending()],
                )

    def _make_decoder(self, head: bytes) -> Decoder:
        encoding = sniff(head)
        if encoding is None:
            raise CollectError(
                "not flow log records: neither text, JSON nor CSV",
                where="standard input",
                hint="decompress it first; --follow reads plain lines",
            )
        return make_decoder(encoding, _ORIGIN, self._log_format)

    def _keep(self, decoded: Decoded) -> None:
        for batch in decoded.batches:
            self._spool.append(batch)
            self.records += batch.num_records
        if any(len(bad) for bad in decoded.bad):
            commit_id = f"{LINES_ALONE_PREFIX}{secrets.token_hex(8)}"
            obj = SourceObject(_ORIGIN.uri, 0, commit_id, _ORIGIN)
            for bad in decoded.bad:
                self._intake.quarantine.add(commit_id, obj, bad)
                self.bad_lines += len(bad)
            self._intake.prepare(commit_id)
            # No records hang on these lines, so the table has no say in them.
            self._intake.confirm(commit_id)


def follow_standard_input(
    settings: Settings, log_format: LogFormat | None, *, wait_s: float, clock: Clock | None = None
) -> None:
    """Read standard input until it ends or Ctrl-C; commit every ``ingest.live_batch_s``."""
    clock = clock or SystemClock()
    with (
        settings.folder.writer_lock(wait_s=wait_s),
        stop_on_signals() as stop,
        Progress("live") as progress,
    ):
        table = FlowTable.open(settings.folder, settings.table)
        db = StateDb(settings.folder)
        try:
            live = LiveInput(settings, log_format, table, db)
            live.recover()
            _read_until_end(live, sys.stdin.fileno(), settings, stop, progress, clock)
            live.end()
            progress.say(f"{live.records:,} records, {live.bad_lines:,} lines quarantined")
        finally:
            db.close()
            table.close()


def _read_until_end(
    live: LiveInput,
    handle: int,
    settings: Settings,
    stop: threading.Event,
    progress: Progress,
    clock: Clock,
) -> None:
    interval_s = settings.ingest.live_batch_s
    committed_s = clock.monotonic_s()
    while not stop.is_set():
        waited_s = clock.monotonic_s() - committed_s
        if waited_s >= interval_s:
            live.commit()
            committed_s = clock.monotonic_s()
            waited_s = 0.0
        ready, _, _ = select.select([handle], [], [], interval_s - waited_s)
        if ready:
            data = os.read(handle, READ_BYTES)
            if not data:
                return
            live.take(data)
            progress.update(records=live.records)
