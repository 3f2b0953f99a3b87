"""Closed intervals become durable records: aggregated, filled, in the spool, then in the table."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from vpcflow.app.live import COMMITS_A_MAINTENANCE
from vpcflow.app.spool_drain import OnCommitted, drain_spool
from vpcflow.app.window_records import RecorderCounts, as_skipped, flow_batches
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import StoreError
from vpcflow.capture.aggregation import AggregatedWindow, aggregate
from vpcflow.capture.exclusions import Exclusions
from vpcflow.capture.window import ClosedWindow
from vpcflow.store.maintenance import maintain

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.record.batch import FlowBatch
    from vpcflow.store.ingestion_times import IngestionTimes
    from vpcflow.store.spool import Spool
    from vpcflow.store.table import FlowTable

Judge = Callable[[ClosedWindow], ClosedWindow]


class Recorder:
    """Keeps the records of closed intervals, in a thread of its own.

    Shape: ``offer`` never waits: when ``windows_waiting_max`` intervals wait already, the new one
    is lost, counted, and told by SKIPDATA records. ``close`` keeps what was offered, then ends.
    """

    def __init__(
        self,
        settings: Settings,
        table: FlowTable,
        spool: Spool,
        *,
        judge: Judge | None = None,
        on_kept: Callable[[ClosedWindow, AggregatedWindow], None] | None = None,
        on_committed: OnCommitted | None = None,
        ingestion: IngestionTimes | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.counts = RecorderCounts()
        self._settings = settings
        self._table = table
        self._spool = spool
        self._judge = judge
        self._on_kept = on_kept
        self._on_committed = on_committed
        self._ingestion = ingestion
        self._clock = clock or SystemClock()
        self._exclusions = Exclusions(settings.capture.never_logged)
        self._waiting: queue.Queue[ClosedWindow | None] = queue.Queue(
            settings.capture.windows_waiting_max
        )
        self._skipped: ClosedWindow | None = None
        self._skipped_lock = threading.Lock()
        self._commits = 0
        self.failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="vpcflow-recorder", daemon=True)

    def start(self) -> None:
        """Begin to keep records."""
        self._thread.start()

    def offer(self, window: ClosedWindow) -> None:
        """Hand over an interval; never waits."""
        try:
            self._waiting.put_nowait(window)
        except queue.Full:
            self.counts.skipped_windows += 1
            self._skip(window)

    @property
    def has_skipped(self) -> bool:
        """Whether intervals were lost of which the records do not tell yet."""
        with self._skipped_lock:
            return self._skipped is not None

    def close(self) -> None:
        """Keep everything that was offered, then end.

        Errors: what the thread died of, if it did.
        """
        self._waiting.put(None)
        self._thread.join()
        if self.failed is not None:
            raise self.failed

    def _skip(self, window: ClosedWindow) -> None:
        with self._skipped_lock:
            self._skipped = as_skipped(window, self._skipped)

    def _run(self) -> None:
        try:
            while (window := self._waiting.get()) is not None:
                self._keep_skipped()
                if not self._keep(window):
                    self.counts.skipped_windows += 1
                    self._skip(window)
                self._drain()
            self._keep_skipped()
            self._drain()
        except BaseException as error:  # noqa: BLE001 - handed to the meter, which raises it
            # The meter must learn of it: without a recorder everything would be lost silently.
            self.failed = error
            while self._waiting.get() is not None:
                pass

    def _keep_skipped(self) -> None:
        with self._skipped_lock:
            window, self._skipped = self._skipped, None
        if window is not None and not self._keep(window):
            self._skip(window)

    def _keep(self, window: ClosedWindow) -> bool:
        if self._judge is not None:
            window = self._judge(window)
        made = aggregate(window, self._exclusions, nodata=self._settings.capture.nodata)
        try:
            for batch in flow_batches(window, made):
                self._note_times(batch)
                self._spool.append(batch)
        except StoreError as error:
            self.counts.problem = str(error)
            return False
        self.counts.add(made)
        if self._on_kept is not None:
            try:
                self._on_kept(window, made)
            except StoreError as error:
                # The records are kept; only what is noted about them could not be written.
                self.counts.problem = str(error)
        return True

    def _note_times(self, batch: FlowBatch) -> None:
        """Log groups tell when a record came; the ledger must know before the record is there."""
        if self._ingestion is None or "start" not in batch.records.schema.names:
            return
        found = pc.min_max(batch.records.column("start")).as_py()
        if found["min"] is not None:
            at_ms = int(self._clock.now_s() * 1000)
            self._ingestion.note(found["min"], found["max"], at_ms)

    def _drain(self) -> None:
        """Into the table; what cannot be committed now waits in the spool for the next time."""
        try:
            done = drain_spool(self._table, self._spool, self._settings.store, self._on_committed)
            if done:
                self._commits += 1
                self.counts.problem = ""
                if self._commits % COMMITS_A_MAINTENANCE == 0:
                    maintain(
                        self._table,
                        self._settings.store,
                        steps_max=self._settings.ingest.maintenance_steps_max,
                        keep_ids=self._spool.pending(),
                    )
        except StoreError as error:
            self.counts.problem = str(error)
