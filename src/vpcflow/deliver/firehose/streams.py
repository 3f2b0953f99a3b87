"""All delivery streams: records in, batches out."""

from __future__ import annotations

import random
import shutil
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

import structlog
from prometheus_client import Counter

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.deliver.firehose.batch_sender import BatchSender, ObjectDestination
from vpcflow.deliver.firehose.buffer import BufferFullError, StreamBuffer
from vpcflow.deliver.firehose.http_endpoint import Sender, send
from vpcflow.deliver.firehose.stream_plan import StreamPlan
from vpcflow.deliver.firehose_settings import FirehoseSettings
from vpcflow.deliver.status import DestinationError, FailureMessage

_LOG = structlog.get_logger(__name__)
RECORDS = Counter("vpcflow_deliver_firehose_records", "Records that delivery streams took")
#: What ``step`` says when nothing waits.
IDLE_S = 60.0
#: How often the sending thread looks whether it is to stop.
POLL_S = 0.5
#: Batches of one stream that are sent before others have a turn.
BATCHES_PER_STEP_MAX = 8


class PlanOf(Protocol):
    """Whoever keeps the streams."""

    def __call__(self, stream_arn: str, /) -> StreamPlan | None:
        """What a stream does; None when there is none."""


class _Stream:
    """One stream's buffer and what is under way."""

    def __init__(self, buffer: StreamBuffer) -> None:
        self.buffer = buffer
        self.sender: BatchSender | None = None
        self.next_try_s = 0.0
        self.is_busy = False

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.sender is not None and self.sender.failures > 0


class FirehoseStreams:
    """Takes records for delivery streams and delivers them at least once.

    Shape: ``put`` may be called by any number of threads; ``step`` or ``run`` belong to one, which
    hands batches to workers, so that an endpoint that hangs holds up its own stream alone.
    Records of a stream arrive in the order in which they were put.
    """

    def __init__(
        self,
        folder: Path,
        plan_of: PlanOf,
        objects: ObjectDestination,
        settings: FirehoseSettings | None = None,
        clock: Clock | None = None,
        sender: Sender = send,
    ) -> None:
        self._folder = folder
        self._plan_of = plan_of
        self._objects = objects
        self._settings = settings or FirehoseSettings()
        self._clock = clock or SystemClock()
        self._send = sender
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._working = self._failing = 0
        self._streams: dict[str, _Stream] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for found in sorted(folder.iterdir()):
            if found.name.startswith("."):
                shutil.rmtree(found, ignore_errors=True)
            elif found.is_dir():
                self._streams[unquote(found.name)] = _Stream(self._buffer(found))

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        """Take records: they are on the disk when this returns.

        Errors: DestinationError when there is no such stream or its buffer is full; then none of
        them was taken.
        """
        plan = self._plan_of(stream_arn)
        if plan is None:
            raise DestinationError(
                FailureMessage.UNKNOWN_ERROR, "there is no such delivery stream", where=stream_arn
            )
        if not records:
            return
        stream = self._stream(stream_arn)
        try:
            stream.buffer.put(records, int(self._clock.now_s() * 1000), plan.buffer_bytes)
        except BufferFullError:
            raise DestinationError(
                FailureMessage.RATE_LIMITED,
                f"the stream's buffer holds {stream.buffer.held_bytes} bytes that wait for its"
                " destination",
                where=stream_arn,
                hint="mend the destination, or raise firehose.buffer_bytes_max",
            ) from None
        RECORDS.inc(len(records))
        self._wake.set()

    def forget(self, stream_arn: str) -> None:
        """Drop what waits for a stream that was deleted."""
        with self._lock:
            stream = self._streams.pop(stream_arn, None)
            if stream is None:
                return
            stream.buffer.close()
            gone = self._folder / f".gone-{uuid.uuid4()}"
            self._path(stream_arn).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def held_bytes(self) -> dict[str, int]:
        """Bytes that wait, by stream."""
        with self._lock:
            return {arn: stream.buffer.held_bytes for arn, stream in self._streams.items()}

    def step(self) -> float:
        """Send what is due; in how many seconds something is due again."""
        with self._lock:
            streams = list(self._streams.items())
        wait_s = IDLE_S
        for arn, stream in streams:
            plan = self._plan_of(arn)
            if plan is None:
                self.forget(arn)
                continue
            wait_s = min(wait_s, self._step(stream, plan))
        return max(wait_s, 0.0)

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set; what waits then stays on the disk."""
        while not stop.is_set():
            try:
                wait_s = self.step()
            except Exception:  # noqa: BLE001 - one fault must not end all deliveries
                _LOG.exception("delivery streams: a step failed")
                wait_s = self._settings.retry_first_s
            self._clock.wait(self._wake, min(wait_s, POLL_S))
            self._wake.clear()

    def close(self) -> None:
        """Close the buffers."""
        with self._lock:
            for stream in self._streams.values():
                stream.buffer.close()

    def _step(self, stream: _Stream, plan: StreamPlan) -> float:
        """Send what a stream has, or let a worker do it; when to look again."""
        if stream.is_busy:
            return IDLE_S
        wait_s = self._due_in_s(stream, plan)
        if wait_s > 0:
            return wait_s
        if not self._settings.workers_max:
            self._deliver(stream, plan)
            return self._due_in_s(stream, plan)
        failing = stream.is_failing
        with self._lock:
            if self._working >= self._settings.workers_max:
                return IDLE_S
            # One worker is left to those that do not fail.
            if failing and self._failing >= max(1, self._settings.workers_max - 1):
                return IDLE_S
            self._working += 1
            self._failing += failing
        stream.is_busy = True
        # Daemons: an endpoint that hangs must not keep the process, what it has stays on the disk.
        threading.Thread(
            target=self._work, args=(stream, plan, failing), name="vpcflow-stream", daemon=True
        ).start()
        return IDLE_S

    def _work(self, stream: _Stream, plan: StreamPlan, failing: bool) -> None:
        try:
            self._deliver(stream, plan)
        except Exception:  # noqa: BLE001 - one fault must not end the stream's deliveries
            _LOG.exception("delivery streams: a batch failed", stream=plan.arn)
            stream.next_try_s = self._clock.monotonic_s() + self._settings.retry_max_s
        finally:
            with self._lock:
                self._working -= 1
                self._failing -= failing
            stream.is_busy = False
            self._wake.set()

    def _due_in_s(self, stream: _Stream, plan: StreamPlan) -> float:
        """When something of a stream may be sent; closes the open batch when it is its time."""
        interval_s = max(float(plan.interval_s), self._settings.interval_min_s)
        due_s = stream.buffer.due_in_s(int(self._clock.now_s() * 1000), interval_s)
        waiting = bool(stream.buffer.batches())
        if due_s is not None and due_s <= 0 and not waiting:
            # While a destination fails, what comes joins the open batch and not a heap of small ones.
            stream.buffer.close_batch()
            waiting = True
        if waiting:
            return max(stream.next_try_s - self._clock.monotonic_s(), 0.0)
        return IDLE_S if due_s is None else max(due_s, 0.0)

    def _deliver(self, stream: _Stream, plan: StreamPlan) -> None:
        """Send some batches, in order, until one fails."""
        for batch in stream.buffer.batches()[:BATCHES_PER_STEP_MAX]:
            if stream.sender is None or stream.sender.batch != batch:
                stream.sender = BatchSender(
                    batch, self._objects, self._send, self._settings.request_timeout_s, self._clock
                )
            if not stream.sender.attempt(plan):
                wait_s = self._backoff_s(stream.sender.failures)
                stream.next_try_s = self._clock.monotonic_s() + wait_s
                return
            stream.buffer.delivered(batch)
            stream.sender, stream.next_try_s = None, 0.0

    def _backoff_s(self, failures: int) -> float:
        settings = self._settings
        exponent = min(failures - 1, 32)
        wait_s = min(settings.retry_first_s * 2.0**exponent, settings.retry_max_s)
        spread = settings.retry_jitter
        return wait_s * random.uniform(1 - spread, 1 + spread)  # noqa: S311 - jitter

    def _stream(self, arn: str) -> _Stream:
        with self._lock:
            stream = self._streams.get(arn)
            if stream is None:
                stream = self._streams[arn] = _Stream(self._buffer(self._path(arn)))
            return stream

    def _buffer(self, folder: Path) -> StreamBuffer:
        return StreamBuffer(folder, self._settings.buffer_bytes_max)

    def _path(self, arn: str) -> Path:
        return self._folder / quote(arn, safe="")
