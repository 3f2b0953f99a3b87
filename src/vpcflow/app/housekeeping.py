"""What a running control plane does now and then: writes, removes, and counts for the status."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from vpcflow.control.flow_logs.flow_log import FLOW_LOGS

if TYPE_CHECKING:
    from vpcflow.base.clock import Clock
    from vpcflow.control.logs.service import LogGroupService
    from vpcflow.control.metrics.metric_store import MetricStore
    from vpcflow.control.state import State
    from vpcflow.deliver.service import DeliveryService
    from vpcflow.store.objects import ObjectStore

_LOG = structlog.get_logger(__name__)
#: How often metrics that wait are written, and the status is counted.
ROUND_S = 5.0
EXPIRY_EVERY_S = 3_600.0
ORPHANS_EVERY_S = 86_400.0
#: Flow logs and streams that the status tells by name.
NAMED_MAX = 20


class Housekeeping:
    """Keeps house in a thread of its own, until it is told to stop; nothing that fails ends it.

    Shape: ``problem`` is what failed last, empty when nothing did in the last round.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        metrics: MetricStore,
        log_groups: LogGroupService,
        objects: ObjectStore,
        count: Callable[[], None],
    ) -> None:
        self._clock = clock
        self.problem = ""
        self._tasks: list[tuple[float, Callable[[], object]]] = [
            (0.0, metrics.flush),
            (0.0, count),
            (EXPIRY_EVERY_S, lambda: log_groups.keep_house(int(clock.now_s() * 1000))),
            (ORPHANS_EVERY_S, objects.remove_orphans),
        ]
        self._due_s = [0.0] * len(self._tasks)

    def run(self, stop: threading.Event) -> None:
        """Keep house until ``stop`` is set."""
        while not self._clock.wait(stop, ROUND_S):
            self.round()

    def round(self) -> None:
        """Do what is due; one task that fails does not keep the others from their turn."""
        now_s = self._clock.monotonic_s()
        problem = ""
        for place, (every_s, task) in enumerate(self._tasks):
            if now_s < self._due_s[place]:
                continue
            self._due_s[place] = now_s + every_s
            try:
                task()
            except Exception as error:  # noqa: BLE001 - the next round tries again
                problem = str(error) or type(error).__name__
                if problem != self.problem:
                    _LOG.exception("housekeeping failed")
        self.problem = problem


class ControlCounts:
    """How flow logs and deliveries fare, counted by the housekeeping: who asks waits for no disk."""

    def __init__(self, state: State, delivery: DeliveryService, clock: Clock) -> None:
        self._state = state
        self._delivery = delivery
        self._clock = clock
        self._flow_logs: dict[str, int] = {}
        self._behind_s = 0

    def count(self) -> None:
        """Count anew."""
        self._flow_logs = dict(
            Counter(
                flow_log.status.value
                for place in self._state.places(FLOW_LOGS)
                for flow_log in self._state.all(FLOW_LOGS, place).values()
            )
        )
        oldest_s = self._delivery.journal.oldest_s()
        self._behind_s = 0 if oldest_s is None else max(0, int(self._clock.now_s() - oldest_s))

    def facts(self) -> dict[str, Any]:
        """By name, no more than two deep.

        Units: ``oldest_waits_s`` are the seconds since the oldest batch came that not everybody has;
        buckets get theirs every few minutes.
        """
        delivery = self._delivery
        journal = delivery.journal
        lost = delivery.lost()
        most = sorted(lost, key=lambda one: -lost[one])[:NAMED_MAX]
        return {
            "flow_logs": self._flow_logs,
            "delivery": {
                "journal_bytes": journal.bytes_waiting,
                "oldest_waits_s": self._behind_s,
                "flow_logs_behind": delivery.progress.behind(journal.last),
                "lost_batches": journal.segments_lost,
                "lost_records": sum(lost.values()),
            },
            "lost_records_of": {one: lost[one] for one in most},
        }


def most_held(held: dict[str, int]) -> dict[str, int]:
    """Of the bytes that streams hold, those of the fullest, and of all together."""
    named = sorted((arn for arn in held if held[arn]), key=lambda arn: -held[arn])[:NAMED_MAX]
    return {"all": sum(held.values()), **{arn: held[arn] for arn in named}}
