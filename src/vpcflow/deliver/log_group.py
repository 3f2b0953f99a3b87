"""Records to log groups: who keeps the groups is told which streams have new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.deliver.counters import DELIVERED
from vpcflow.deliver.lane import Desk, Lane, by_plan, lost_records
from vpcflow.deliver.plan import DeliveryPlan
from vpcflow.deliver.plan_index import Apart, Cut
from vpcflow.deliver.segment import known_columns
from vpcflow.record.column_buffers import filled_numbers

#: The interface in the name of a stream whose records have none.
NO_INTERFACE = "-"


@dataclass(frozen=True, slots=True)
class StreamSpans:
    """The log streams that have new records.

    Units: ``first_start_s`` and ``last_start_s`` are epoch seconds, ``counts`` records.
    """

    names: tuple[str, ...]
    first_start_s: npt.NDArray[np.int64]
    last_start_s: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LogGroupDelivery:
    """New records of one flow log, interface by interface.

    Shape: ``batch_id`` is the same when the records come again after a kill.
    """

    plan: DeliveryPlan
    batch_id: str
    records: pa.RecordBatch
    streams: StreamSpans

    def by_stream(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """The records of each log stream, without a copy."""
        begin = 0
        for name, count in zip(self.streams.names, self.streams.counts.tolist(), strict=True):
            yield name, self.records.slice(begin, count)
            begin += count


class LogGroupReceiver(Protocol):
    """Whoever keeps the log groups; the records are in the table already."""

    def receive(
        self, deliveries: Sequence[LogGroupDelivery], ingested_ms: int
    ) -> Mapping[str, str]:
        """Take new records; flow logs that could not be served, with their status message."""


class LogGroupLane(Lane):
    """Every flow log with a log group; they are in this process, so they share one lane."""

    def __init__(self, desk: Desk, receiver: LogGroupReceiver) -> None:
        super().__init__(desk)
        self._receiver = receiver

    def run(self) -> bool:
        """Tell of the segments that wait."""
        progress = self.desk.progress
        moved = False
        for made, due, index in self.walk():
            lost: dict[str, int] = {}
            deliveries: list[LogGroupDelivery] = []
            batch_id = f"{made.segment.number:016d}-{made.segment.digest}"
            for cut in index.cut(made.records, Apart.INTERFACE):
                if made.segment.skipped:
                    lost |= lost_records(cut)
                deliveries += _deliveries(cut, batch_id)
            refused: Mapping[str, str] = {}
            if deliveries:
                try:
                    now_ms = int(self.desk.clock.now_s() * 1000)
                    refused = self._receiver.receive(deliveries, now_ms)
                except Exception as error:  # noqa: BLE001 - it becomes the flow logs' status
                    self.fail(due, error)
                    return moved
            self.backoff.succeeded()
            done = [p for p in due if p.flow_log_id not in refused] if refused else due
            DELIVERED.labels("log-group").inc(
                sum(
                    one.records.num_rows
                    for one in deliveries
                    if one.plan.flow_log_id not in refused
                )
            )
            progress.delivered(done, made.segment.number, made.until_s, lost)
            moved = moved or bool(done)
            for plan in due if refused else ():
                if plan.flow_log_id in refused:
                    progress.failed(plan, refused[plan.flow_log_id])
        return moved


def _deliveries(cut: Cut, batch_id: str) -> list[LogGroupDelivery]:
    records = known_columns(cut.records)
    starts = filled_numbers(records.column("start"), 0)
    begins = cut.begins[:-1]
    first_start_s = np.minimum.reduceat(starts, begins)
    last_start_s = np.maximum.reduceat(starts, begins)
    counts = np.diff(cut.begins)
    suffix = cut.of[0].selection.stream_suffix
    named = [f"{name or NO_INTERFACE}-{suffix}" for name in cut.names]
    streams = [named[part] for part in cut.parts.tolist()]
    rows = cut.begins.tolist()
    made = []
    for plan, first, end in by_plan(cut):
        begin, stop = rows[first], rows[end]
        spans = StreamSpans(
            tuple(streams[first:end]),
            first_start_s[first:end],
            last_start_s[first:end],
            counts[first:end],
        )
        made.append(LogGroupDelivery(plan, batch_id, records.slice(begin, stop - begin), spans))
    return made
