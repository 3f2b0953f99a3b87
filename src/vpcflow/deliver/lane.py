"""One destination's share of the work: it goes through the journal at its own pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vpcflow.base.clock import Clock
from vpcflow.deliver.journal import Journal
from vpcflow.deliver.plan import DeliveryPlan
from vpcflow.deliver.plan_index import Cut, PlanIndex
from vpcflow.deliver.progress import DeliveryProgress
from vpcflow.deliver.segment import LOST_ACCEPT, LOST_OTHER, LOST_REJECT, SegmentRecords
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.deliver.status import failure_message
from vpcflow.record.flow_log_selection import TrafficType

_LOST_OF = {
    TrafficType.ALL: (LOST_ACCEPT, LOST_REJECT, LOST_OTHER),
    TrafficType.ACCEPT: (LOST_ACCEPT, LOST_OTHER),
    TrafficType.REJECT: (LOST_REJECT, LOST_OTHER),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What every destination's share of the work needs."""

    journal: Journal
    progress: DeliveryProgress
    settings: DeliverySettings
    clock: Clock
    #: Whether the process ends: what has not begun waits for the next one.
    is_ending: Callable[[], bool]


class Lane:
    """The flow logs of one destination; ``run`` is never in two threads at a time.

    Shape: a destination that fails as a whole backs off as a whole.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.plans: Sequence[DeliveryPlan] = ()
        self.backoff = desk.progress.make_backoff()
        self._index: tuple[list[DeliveryPlan], PlanIndex] | None = None

    def is_due(self) -> bool:
        """Whether there is something to do now."""
        if self.desk.clock.monotonic_s() < self.backoff.until_s:
            return False
        last = self.desk.journal.last
        return any(self.desk.progress.cursor(plan) < last for plan in self.plans)

    def run(self) -> bool:
        """Deliver what waits, within the bounds of one step; whether anything went on."""
        raise NotImplementedError

    def fail(self, plans: Sequence[DeliveryPlan], error: BaseException) -> None:
        """The destination as a whole did not take records of these flow logs."""
        self.backoff.failed(self.desk.clock.monotonic_s())
        message = failure_message(error)
        for plan in plans:
            self.desk.progress.failed(plan, message, waits=False)

    def walk(self) -> Iterator[tuple[SegmentRecords, list[DeliveryPlan], PlanIndex]]:
        """The segments that flow logs of the lane need next, and who needs each.

        Shape: those that are ahead go first, so that one with a backlog does not hold them up. A
        flow log that does not have a segment when the next one comes is left out from there on,
        so that none is passed over.
        """
        progress = self.desk.progress
        ready = progress.ready(self.plans)
        ahead = max((progress.cursor(plan) for plan in ready), default=0)
        yield from self._walk([plan for plan in ready if progress.cursor(plan) == ahead])
        yield from self._walk([plan for plan in ready if progress.cursor(plan) < ahead])

    def _walk(
        self, walking: list[DeliveryPlan]
    ) -> Iterator[tuple[SegmentRecords, list[DeliveryPlan], PlanIndex]]:
        progress, journal = self.desk.progress, self.desk.journal
        if not walking:
            return
        low = min(progress.cursor(plan) for plan in walking)
        for segment in journal.after(low, self.desk.settings.segments_per_step_max):
            if segment.number <= low:
                continue
            if self.desk.is_ending():
                return
            made = journal.load(segment)
            if made is None:
                continue
            low = made.segment.number
            due = [plan for plan in walking if progress.cursor(plan) < low]
            if not due:
                continue
            yield made, due, self.index_of(due)
            left = {plan.flow_log_id for plan in due if progress.cursor(plan) < low}
            if left:
                walking = [plan for plan in walking if plan.flow_log_id not in left]
            if not walking:
                return

    def index_of(self, plans: list[DeliveryPlan]) -> PlanIndex:
        """An index of these plans; the last one is kept."""
        if self._index is None or self._index[0] != plans:
            self._index = (plans, PlanIndex(plans))
        return self._index[1]


def by_plan(cut: Cut) -> Iterator[tuple[DeliveryPlan, int, int]]:
    """Each flow log of a cut with the first of its pieces and that behind its last."""
    changes = np.flatnonzero(np.diff(cut.plans)) + 1
    firsts = [0, *changes.tolist()]
    numbers = cut.plans[firsts].tolist()
    for number, first, end in zip(numbers, firsts, [*firsts[1:], len(cut.plans)], strict=True):
        yield cut.of[number], first, end


def lost_records(cut: Cut) -> dict[str, int]:
    """How many records of each flow log the SKIPDATA lines of a skipped segment stand for."""
    traffic = cut.of[0].selection.traffic_type
    columns = [cut.records.column(name).to_numpy() for name in _LOST_OF[traffic]]
    lost: npt.NDArray[np.int64] = np.sum(columns, axis=0)
    total = np.concatenate([[0], np.cumsum(lost)])
    return {
        plan.flow_log_id: int(total[cut.begins[end]] - total[cut.begins[first]])
        for plan, first, end in by_plan(cut)
    }
