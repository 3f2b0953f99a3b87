"""Closed intervals become durable records: aggregated, filled, in the spool, then in the table."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from vpcflow.app.live import COMMITS_A_MAINTENANCE
from vpcflow.app.spool_drain import drain_spool
from vpcflow.base.errors import StoreError
from vpcflow.capture.aggregation import AggregatedWindow, aggregate
from vpcflow.capture.exclusions import ExcludedCount, Exclusion, Exclusions
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.window import ClosedWindow
from vpcflow.enrich.network_interface import fill_interface_fields
from vpcflow.inventory.snapshot import Inventory
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.store.maintenance import maintain

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.store.spool import Spool
    from vpcflow.store.table import FlowTable

Judge = Callable[[ClosedWindow], ClosedWindow]


@dataclass
class RecorderCounts:
    """What became of the intervals.

    Units: counts; ``skipped_windows`` are intervals whose records could not be kept, each told by
    SKIPDATA records; ``packets`` and ``bytes`` of the records.
    """

    windows: int = 0
    flows: int = 0
    packets: int = 0
    bytes: int = 0
    nodata: int = 0
    skipdata: int = 0
    skipped_windows: int = 0
    excluded: dict[Exclusion, ExcludedCount] = field(default_factory=dict)
    problem: str = ""

    def add(self, made: AggregatedWindow) -> None:
        """Count one interval."""
        self.windows += 1
        self.flows += made.flows
        self.packets += made.packets
        self.bytes += made.bytes
        self.nodata += made.nodata
        self.skipdata += made.skipdata
        for kind, count in made.excluded.items():
            before = self.excluded.get(kind, ExcludedCount(0, 0, 0))
            self.excluded[kind] = ExcludedCount(
                before.flows + count.flows,
                before.packets + count.packets,
                before.bytes + count.bytes,
            )


def inventory_of(points: Iterable[ObservationPoint]) -> Inventory:
    """What existed in an interval, as its points knew it: some of it may be gone by now."""
    points = tuple(points)
    return Inventory(
        vpcs={point.vpc.vpc_id: point.vpc for point in points if point.vpc},
        subnets={point.subnet.subnet_id: point.subnet for point in points if point.subnet},
        interfaces={point.interface.interface_id: point.interface for point in points},
    )


def flow_batches(window: ClosedWindow, made: AggregatedWindow) -> list[FlowBatch]:
    """The records of an interval with the fields of their interfaces."""
    inventory = inventory_of(window.points)
    origin = Origin("capture", "capture:packets")
    return [
        fill_interface_fields(FlowBatch(records, origin, None, window.interval_s), inventory)
        for records in made.batches
    ]


def as_skipped(window: ClosedWindow, before: ClosedWindow | None = None) -> ClosedWindow:
    """An interval whose records are lost: only its SKIPDATA lines are left.

    Shape: with ``before`` the two become one, so that any number of lost intervals is bounded.
    """
    points = {point.slot: point for point in (*(before.points if before else ()), *window.points)}
    return replace(
        window,
        start_ns=min(window.start_ns, before.start_ns) if before else window.start_ns,
        rows=np.zeros((0, 8), np.uint64),
        rtt=None,
        points=tuple(points.values()),
        lost_namespaces=frozenset(point.namespace for point in points.values()),
    )


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
    ) -> None:
        self.counts = RecorderCounts()
        self._settings = settings
        self._table = table
        self._spool = spool
        self._judge = judge
        self._on_kept = on_kept
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
                self._spool.append(batch)
        except StoreError as error:
            self.counts.problem = str(error)
            return False
        self.counts.add(made)
        if self._on_kept is not None:
            self._on_kept(window, made)
        return True

    def _drain(self) -> None:
        """Into the table; what cannot be committed now waits in the spool for the next time."""
        try:
            if drain_spool(self._table, self._spool, self._settings.store):
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
