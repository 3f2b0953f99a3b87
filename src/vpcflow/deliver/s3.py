"""Records to buckets: every few minutes objects with the records that end in a slot.

A publication takes the segments behind a flow log's cursor up to some segment. That is written down
before the first object is sent, so a repeat after a kill makes the same objects with the same
names; the cursor moves when all of them are in the bucket.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from vpcflow.deliver.counters import DELIVERED, OBJECTS
from vpcflow.deliver.delivered_object import ParquetObject, TextObject, halves
from vpcflow.deliver.lane import Desk, Lane, by_plan, lost_records
from vpcflow.deliver.object_key import SLOT_S, name_hash, object_key
from vpcflow.deliver.plan import DeliveryPlan, S3Destination
from vpcflow.deliver.plan_index import Apart, Cut
from vpcflow.deliver.segment import known_columns
from vpcflow.deliver.status import FailureMessage, failure_message
from vpcflow.record.flow_log_selection import lines_of, with_format_version
from vpcflow.record.parquet import as_aws_columns

#: No bound on how many segments one publication has: its bytes are bounded.
_SEGMENTS_MAX = 1_000_000


class _EndingError(Exception):
    """The process ends in the midst of a publication: the next one makes it again."""


class ObjectDestination(Protocol):
    """Where buckets are reached."""

    def put(self, plan: DeliveryPlan, bucket: str, key: str, data: bytes) -> None:
        """Put a whole object, which nobody sees before all of it is there.

        Errors: DestinationError with the status message; anything else is an unknown error.
        """


class BucketLane(Lane):
    """The flow logs of one bucket.

    Shape: refused access is one flow log's matter (its prefix, its account); whatever else fails is
    the bucket's, and the others do not try before it has backed off.
    """

    def __init__(self, desk: Desk, objects: ObjectDestination, tmp: Path) -> None:
        super().__init__(desk)
        self._objects = objects
        self._tmp = tmp
        self._due_s = desk.clock.monotonic_s() + self._until_next_s()
        #: Names that are in the bucket already, of publications that are not done.
        self.in_bucket: dict[str, set[str]] = {}

    def is_due(self) -> bool:
        """Whether objects are to be written now, or were to be when the last attempt failed."""
        now_s = self.desk.clock.monotonic_s()
        if now_s < self.backoff.until_s:
            return False
        if self._wanted():
            return True
        if now_s >= self._due_s:
            self._due_s = now_s + self._until_next_s()
        return False

    def run(self) -> bool:
        """Publish what is due, the backlog in parts."""
        moved = False
        progress, journal = self.desk.progress, self.desk.journal
        now_s = self.desk.clock.monotonic_s()
        is_time = now_s >= self._due_s
        last = journal.last
        for group in _alike(progress.ready(self._wanted()), self.desk):
            plans = group
            after, to = progress.cursor(plans[0]), progress.publishing(plans[0])
            while after < last and not self.desk.is_ending():
                if to is None:
                    to = self._up_to(after, last)
                    progress.state.publish((plan.flow_log_id for plan in plans), to)
                plans = _Publication(self, plans, after, to).run()
                if not plans:
                    break
                moved = True
                after, to = to, None
            if self.desk.clock.monotonic_s() < self.backoff.until_s or self.desk.is_ending():
                break
        if is_time and self.desk.clock.monotonic_s() >= self.backoff.until_s:
            self._due_s = now_s + self._until_next_s()
        return moved

    def put(self, plan: DeliveryPlan, key: str, data: bytes, records: int) -> bool:
        """Send an object with so many records; False when the flow log has to wait.

        Errors: whatever is wrong with the bucket as a whole.
        """
        done = self.in_bucket.setdefault(plan.flow_log_id, set())
        if key in done:
            return True
        assert isinstance(plan.destination, S3Destination)
        try:
            self._objects.put(plan, plan.destination.bucket, key, data)
        except Exception as error:
            message = failure_message(error)
            if message != FailureMessage.ACCESS_ERROR:
                raise
            self.desk.progress.failed(plan, message)
            return False
        done.add(key)
        OBJECTS.inc()
        DELIVERED.labels("s3").inc(records)
        return True

    @property
    def tmp(self) -> Path:
        """Where objects wait that are too large for memory."""
        return self._tmp

    def _wanted(self) -> list[DeliveryPlan]:
        """The flow logs with something to publish now."""
        progress = self.desk.progress
        last = self.desk.journal.last
        is_time = self.desk.clock.monotonic_s() >= self._due_s
        return [
            plan
            for plan in self.plans
            if progress.cursor(plan) < last
            and (is_time or progress.publishing(plan) is not None or progress.is_last_call(plan))
        ]

    def _up_to(self, after: int, last: int) -> int:
        """The last segment of a publication that reads no more than its bound."""
        to, size = after, 0
        for segment in self.desk.journal.after(after, _SEGMENTS_MAX):
            size += segment.bytes
            if to > after and size > self.desk.settings.publish_bytes_max:
                return to
            to = segment.number
        return max(to, last) if size <= self.desk.settings.publish_bytes_max else to

    def _until_next_s(self) -> float:
        """Seconds to the next end of an interval with its lateness, by the wall clock of now."""
        settings = self.desk.settings
        over = self.desk.clock.now_s() - settings.publish_lateness_s
        return settings.publish_interval_s - over % settings.publish_interval_s


class _Publication:
    """The objects of some flow logs from the segments after ``after`` up to ``to``."""

    def __init__(
        self, lane: BucketLane, plans: Sequence[DeliveryPlan], after: int, to: int
    ) -> None:
        self._lane = lane
        self._plans = plans
        self._after = after
        self._to = to
        self._refused: set[str] = set()
        self._skipped: set[int] = set()
        self._open: dict[tuple[str, int], TextObject | ParquetObject] = {}
        self._parts: dict[tuple[str, int], int] = {}
        self._plan_of = {plan.flow_log_id: plan for plan in plans}
        self._bytes_max = lane.desk.settings.object_bytes_max

    def run(self) -> list[DeliveryPlan]:
        """Send the objects; the flow logs that have all of theirs."""
        desk = self._lane.desk
        lost: dict[str, int] = {}
        until_s = 0
        index = self._lane.index_of(list(self._plans))
        try:
            for segment in desk.journal.after(self._after, _SEGMENTS_MAX):
                if segment.number > self._to:
                    break
                made = desk.journal.load(segment)
                if made is None:
                    continue
                until_s = max(until_s, made.until_s)
                if made.segment.skipped:
                    self._skipped.add(made.segment.number)
                for cut in index.cut(made.records, Apart.SLOT, SLOT_S):
                    if made.segment.skipped:
                        for flow_log_id, records in lost_records(cut).items():
                            lost[flow_log_id] = lost.get(flow_log_id, 0) + records
                    self._add(cut)
            for place in sorted(self._open):
                self._close(place)
        except _EndingError:
            return []
        except Exception as error:  # noqa: BLE001 - it becomes the flow logs' status
            waiting = [p for p in self._plans if p.flow_log_id not in self._refused]
            self._lane.fail(waiting, error)
            return []
        self._lane.backoff.succeeded()
        done = [plan for plan in self._plans if plan.flow_log_id not in self._refused]
        desk.progress.delivered(done, self._to, until_s, lost)
        for plan in done:
            self._lane.in_bucket.pop(plan.flow_log_id, None)
        return done

    def _add(self, cut: Cut) -> None:
        to = cut.of[0].destination
        assert isinstance(to, S3Destination)
        if to.parquet:
            self._add_columns(cut)
        else:
            self._add_lines(cut)

    def _add_lines(self, cut: Cut) -> None:
        lines = lines_of(known_columns(cut.records), cut.log_format)
        view = memoryview(lines)
        ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n")) + 1
        at = np.concatenate([[0], ends])
        for plan, first, end in by_plan(cut):
            if plan.flow_log_id in self._refused:
                continue
            for piece in range(first, end):
                place = (plan.flow_log_id, int(cut.parts[piece]) * SLOT_S)
                row, stop = int(cut.begins[piece]), int(cut.begins[piece + 1])
                while row < stop:
                    made = self._opened(place, cut)
                    assert isinstance(made, TextObject)
                    room = self._bytes_max - made.bytes_bound
                    fits = int(np.searchsorted(at, at[row] + room, "right")) - 1
                    if fits <= row and made.rows:
                        self._close(place)
                        continue
                    fits = max(row + 1, min(fits, stop))
                    made.append(view[at[row] : at[fits]], fits - row)
                    row = fits

    def _add_columns(self, cut: Cut) -> None:
        rows = with_format_version(known_columns(cut.records), cut.log_format)
        columns = as_aws_columns(rows, cut.log_format)
        for plan, first, end in by_plan(cut):
            if plan.flow_log_id in self._refused:
                continue
            for piece in range(first, end):
                place = (plan.flow_log_id, int(cut.parts[piece]) * SLOT_S)
                begin, stop = int(cut.begins[piece]), int(cut.begins[piece + 1])
                for part, size in halves(columns.slice(begin, stop - begin), self._bytes_max // 4):
                    made = self._opened(place, cut)
                    if made.rows and made.bytes_bound + size > self._bytes_max:
                        self._close(place)
                        made = self._opened(place, cut)
                    assert isinstance(made, ParquetObject)
                    made.append(part, size)

    def _opened(self, place: tuple[str, int], cut: Cut) -> TextObject | ParquetObject:
        made = self._open.get(place)
        if made is None:
            to = cut.of[0].destination
            kind = ParquetObject if isinstance(to, S3Destination) and to.parquet else TextObject
            made = self._open[place] = kind(cut.log_format, self._lane.tmp)
        return made

    def _close(self, place: tuple[str, int]) -> None:
        """Send a finished object."""
        flow_log_id, slot_start_s = place
        made = self._open.pop(place)
        records, data = made.rows, made.finish()
        if flow_log_id in self._refused:
            return
        if self._lane.desk.is_ending():
            raise _EndingError
        part = self._parts.get(place, 0)
        self._parts[place] = part + 1
        plan = self._plan_of[flow_log_id]
        assert isinstance(plan.destination, S3Destination)
        named = name_hash(flow_log_id, slot_start_s, self._after, self._to, part, self._skipped)
        key = object_key(plan, plan.destination, slot_start_s, named)
        if not self._lane.put(plan, key, data, records):
            self._refused.add(flow_log_id)


def _alike(plans: Sequence[DeliveryPlan], desk: Desk) -> list[list[DeliveryPlan]]:
    """Flow logs that are equally far, those with an unfinished publication first."""
    groups: dict[tuple[int, int | None], list[DeliveryPlan]] = {}
    for plan in plans:
        place = (desk.progress.cursor(plan), desk.progress.publishing(plan))
        groups.setdefault(place, []).append(plan)
    return sorted(groups.values(), key=lambda group: desk.progress.publishing(group[0]) is None)
