"""The delivery thread: every flow log's records to its destination, each at its own pace."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import structlog

from vpcflow.base.clock import Clock
from vpcflow.base.errors import StoreError
from vpcflow.deliver.counters import FLOW_LOGS_BEHIND, JOURNAL_BYTES
from vpcflow.deliver.firehose_lane import FirehoseLane, FirehoseReceiver
from vpcflow.deliver.journal import open_journal
from vpcflow.deliver.lane import Desk, Lane
from vpcflow.deliver.log_group import LogGroupLane, LogGroupReceiver
from vpcflow.deliver.plan import DeliveryPlan, FirehoseDestination, S3Destination
from vpcflow.deliver.progress import DeliveryProgress, Gate, OnStatus
from vpcflow.deliver.s3 import BucketLane, ObjectDestination
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.deliver.state import DeliveryState
from vpcflow.deliver.workers import Workers

_LOG = structlog.get_logger(__name__)
#: How long the end waits for destinations that are just given something.
CLOSE_S = 3.0
#: Of plans, the destination that is shared: kind and bucket or stream.
_LaneKey = tuple[str, str]
_LOG_GROUPS: _LaneKey = ("log-groups", "")


class DeliveryService:
    """Delivers what the journal holds, at least once, in order for each flow log.

    Shape: ``folder`` is delivery's own (journal, cursors, temporary files). ``plans`` hands out
    one plan a flow log, also of deleted ones (with ``until_s``) for as long as they may get records;
    a flow log that is not handed out any more is forgotten. ``gate`` is called from several threads,
    ``on_status`` by ``step`` alone. ``take`` may be called from any thread.
    Errors: StoreError when the disk says no.
    """

    def __init__(
        self,
        folder: Path,
        settings: DeliverySettings,
        clock: Clock,
        *,
        plans: Callable[[], Sequence[DeliveryPlan]],
        gate: Gate,
        on_status: OnStatus,
        log_groups: LogGroupReceiver,
        objects: ObjectDestination,
        firehose: FirehoseReceiver,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._plans = plans
        self._log_groups, self._objects, self._firehose = log_groups, objects, firehose
        self.journal = open_journal(folder, settings)
        self._tmp = folder / "tmp"
        try:
            self._tmp.mkdir(exist_ok=True)
            for path in self._tmp.iterdir():
                path.unlink()
        except OSError as error:
            raise StoreError(f"delivery cannot start: {error}", where=str(folder)) from error
        self.progress = DeliveryProgress(
            DeliveryState(folder / "state.sqlite"), settings, clock, gate, on_status
        )
        # What is taken before the first step must not join what flow logs have with what they lack.
        self.journal.cursors = frozenset(one.done for one in self.progress.state.all().values())
        self._stop: threading.Event | None = None
        self._is_closed = False
        self._desk = Desk(self.journal, self.progress, settings, clock, self._is_ending)
        self._lanes: dict[_LaneKey, Lane] = {}
        self._busy: dict[_LaneKey, Future[bool]] = {}
        self._asked_s: float | None = None
        self._workers: Workers | None = None
        if settings.workers_max:
            self._workers = Workers(settings.workers_max, "vpcflow-deliver")
        #: What went wrong in delivery itself, not at a destination; empty when nothing.
        self.problem = ""

    def take(self, paths: Sequence[Path]) -> None:
        """Take batches that are in the table, before its spool gives them up."""
        self.journal.take(paths)

    def lost(self) -> dict[str, int]:
        """How many records of each flow log became SKIPDATA because the journal was full."""
        held = self.progress.state.all()
        return {flow_log_id: one.lost for flow_log_id, one in held.items() if one.lost}

    def step(self) -> float:
        """Do what is due now; seconds until it is worth to come again."""
        progress = self.progress
        # Before the plans: what comes later may belong to a flow log that is made just now.
        last = self.journal.last
        changed = progress.refresh(self._plans(), self.journal.first, last)
        if progress.settle_deleted(last) or changed:
            self._assign_lanes()
        self._ask_gates()
        self._run_elsewhere()
        log_groups = self._lanes.get(_LOG_GROUPS)
        again = log_groups is not None and log_groups.is_due() and self._run_lane(log_groups)
        if self.journal.first <= self.journal.last:
            self.journal.cursors = progress.cursors()
            self.journal.remove_through(progress.floor(last))
            self.journal.enforce()
        JOURNAL_BYTES.set(self.journal.bytes_waiting)
        FLOW_LOGS_BEHIND.set(progress.behind(last))
        progress.tell()
        return 0.0 if again else self._settings.poll_s

    def run(self, stop: threading.Event) -> None:
        """Deliver until ``stop`` is set; a fault is told in ``problem`` and tried again."""
        self._stop = stop
        wait_s = 0.0
        while not self._clock.wait(stop, wait_s):
            try:
                wait_s = self.step()
                self.problem = ""
            except Exception as error:  # noqa: BLE001
                # Without this thread nothing is delivered any more, so it goes on.
                if str(error) != self.problem:
                    _LOG.exception("delivery failed")
                self.problem = str(error) or type(error).__name__
                wait_s = max(self._settings.poll_s, self._settings.retry_first_s)
        self.close()

    def close(self) -> None:
        """Wait for what is under way, but not for ever, and close the state; once is enough.

        Shape: what a destination that hangs has taken after all is sent again by the next process.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._workers is not None and not self._workers.close(CLOSE_S, self._clock):
            _LOG.warning("a destination hangs; what it was given is sent again at the next start")
        self.progress.state.close()

    def _run_elsewhere(self) -> None:
        """Start what is due at buckets and streams; failing ones leave a worker to the others."""
        lanes = [(key, lane) for key, lane in self._lanes.items() if key != _LOG_GROUPS]
        free = {key for key, _ in lanes if self._is_free(key)}
        failing = sum(lane.backoff.is_failing for key, lane in lanes if key not in free)
        for key, lane in sorted(lanes, key=lambda one: one[1].backoff.is_failing):
            if key not in free or not lane.is_due():
                continue
            if self._workers is None:
                self._run_lane(lane)
                continue
            if lane.backoff.is_failing:
                if failing >= max(1, self._settings.workers_max - 1):
                    continue
                failing += 1
            self._busy[key] = self._workers.submit(partial(self._run_lane, lane))

    def _run_lane(self, lane: Lane) -> bool:
        try:
            return lane.run()
        except Exception as error:  # noqa: BLE001 - it becomes the flow logs' status
            if not self._is_closed:
                _LOG.exception("destination failed")
                lane.fail(lane.plans, error)
            return False

    def _is_ending(self) -> bool:
        return self._is_closed or (self._stop is not None and self._stop.is_set())

    def _is_free(self, key: _LaneKey) -> bool:
        running = self._busy.get(key)
        if running is None:
            return True
        if not running.done():
            return False
        del self._busy[key]
        running.result()
        return True

    def _ask_gates(self) -> None:
        """A permission that is missing shows in the status before there are records."""
        now_s = self._clock.monotonic_s()
        if self._asked_s is None or now_s - self._asked_s >= self._settings.gate_interval_s:
            self._asked_s = now_s
            self.progress.ready(self.progress.active)

    def _assign_lanes(self) -> None:
        grouped: dict[_LaneKey, list[DeliveryPlan]] = {}
        for plan in self.progress.active:
            grouped.setdefault(_lane_key(plan), []).append(plan)
        for key in [key for key in self._lanes if key not in grouped]:
            if self._is_free(key):
                del self._lanes[key]
            else:
                self._lanes[key].plans = ()
        for key, plans in grouped.items():
            if key not in self._lanes:
                self._lanes[key] = self._make_lane(key)
            self._lanes[key].plans = tuple(plans)

    def _make_lane(self, key: _LaneKey) -> Lane:
        kind, name = key
        if kind == "s3":
            return BucketLane(self._desk, self._objects, self._tmp)
        if kind == "firehose":
            return FirehoseLane(self._desk, self._firehose, name)
        return LogGroupLane(self._desk, self._log_groups)


def _lane_key(plan: DeliveryPlan) -> _LaneKey:
    to = plan.destination
    if isinstance(to, S3Destination):
        return ("s3", to.bucket)
    if isinstance(to, FirehoseDestination):
        return ("firehose", to.stream_arn)
    return _LOG_GROUPS
