"""How each flow log fares: where its cursor is, whether it may deliver now, what its status is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from vpcflow.base.clock import Clock
from vpcflow.deliver.counters import FAILURES
from vpcflow.deliver.plan import DeliveryPlan, LogGroupDestination
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.deliver.state import DeliveryState
from vpcflow.deliver.status import Backoff, DeliveryStatus, FailureMessage

#: None: the flow log may deliver; else what its status says instead.
Gate = Callable[[DeliveryPlan], str | None]
#: Flow log, status, message of a failure, and the epoch second before which records start that it
#: has; None when it has none.
OnStatus = Callable[[DeliveryPlan, DeliveryStatus, str | None, int | None], None]

_LOG = structlog.get_logger(__name__)
#: How long one step may tell statuses.
TELLING_S = 0.5


@dataclass(slots=True)
class _Health:
    """What is known of one flow log; times are of the monotonic clock."""

    backoff: Backoff | None = None
    told: tuple[DeliveryStatus, str | None] | None = None
    told_s: float = 0.0
    refused: str | None = None
    asked_s: float | None = None
    deleted_s: float | None = None
    last_number: int | None = None


class DeliveryProgress:
    """The active plans with their cursors and health; safe to use from several threads.

    Shape: a new flow log begins with the oldest segment there is: its selection says from when on.
    """

    def __init__(
        self,
        state: DeliveryState,
        settings: DeliverySettings,
        clock: Clock,
        gate: Gate,
        on_status: OnStatus,
    ) -> None:
        self.state = state
        self._settings = settings
        self._clock = clock
        self._gate = gate
        self._on_status = on_status
        self._health: dict[str, _Health] = {}
        self._lock = threading.RLock()
        self.active: tuple[DeliveryPlan, ...] = ()
        self._seen: Sequence[DeliveryPlan] | None = None
        self._untold: dict[str, tuple[DeliveryPlan, DeliveryStatus, str | None]] = {}

    def refresh(self, plans: Sequence[DeliveryPlan], first_number: int, last_number: int) -> bool:
        """Take over the plans of now; whether there were others before."""
        plans = tuple(plans)
        if plans == self._seen:
            return False
        ids = {plan.flow_log_id for plan in plans}
        held = self.state.all()
        gone = {one: cursor for one, cursor in held.items() if one not in ids}
        for one, cursor in gone.items():
            if not cursor.finished and cursor.done < last_number:
                _LOG.warning(
                    "a flow log is gone before it had everything",
                    flow_log=one,
                    batches=last_number - cursor.done,
                )
        self.state.remove(gone)
        self.state.add((one for one in ids if one not in held), first_number - 1)
        with self._lock:
            self._health = {
                one: self._health[one] if one in self._health else _Health() for one in ids
            }
        self._seen = plans
        self._choose_active()
        return True

    def settle_deleted(self, last_number: int) -> bool:
        """Finish the flow logs that were deleted and have all of theirs; whether any was."""
        finished = []
        now_s = self._clock.monotonic_s()
        for plan in self.active:
            if plan.selection.until_s is None:
                continue
            health = self._health[plan.flow_log_id]
            if health.deleted_s is None:
                health.deleted_s = now_s
            if not self._is_drained(plan, health):
                continue
            if health.last_number is None:
                health.last_number = last_number
            if self.cursor(plan) >= health.last_number:
                finished.append(plan.flow_log_id)
        self.state.finish(finished)
        if finished:
            self._choose_active()
        return bool(finished)

    def is_last_call(self, plan: DeliveryPlan) -> bool:
        """Whether a deleted flow log gets its last records now, without waiting for a slot."""
        health = self._health.get(plan.flow_log_id)
        return health is not None and health.last_number is not None

    def cursor(self, plan: DeliveryPlan) -> int:
        """The number of the last segment that the flow log has."""
        found = self.state.get(plan.flow_log_id)
        return found.done if found is not None else 0

    def publishing(self, plan: DeliveryPlan) -> int | None:
        """The last segment of objects that are perhaps partly in the bucket."""
        found = self.state.get(plan.flow_log_id)
        return found.publishing if found is not None else None

    def ready(self, plans: Iterable[DeliveryPlan]) -> list[DeliveryPlan]:
        """Those that may deliver now."""
        now_s = self._clock.monotonic_s()
        return [plan for plan in plans if self._is_ready(plan, now_s)]

    def delivered(
        self, plans: Sequence[DeliveryPlan], number: int, until_s: int, lost: Mapping[str, int]
    ) -> None:
        """These have everything up to segment ``number``."""
        self.state.advance((plan.flow_log_id for plan in plans), number, until_s, lost)
        now_s = self._clock.monotonic_s()
        for plan in plans:
            health = self._health.get(plan.flow_log_id)
            if health is not None:
                health.backoff = None
                self._tell(plan, health, DeliveryStatus.SUCCESS, None, now_s)

    def failed(self, plan: DeliveryPlan, message: str, *, waits: bool = True) -> None:
        """A destination did not take its records; with ``waits`` the flow log itself backs off."""
        health = self._health.get(plan.flow_log_id)
        if health is None:
            return
        now_s = self._clock.monotonic_s()
        is_known = message in FailureMessage.__members__.values()
        FAILURES.labels(message if is_known else "other").inc()
        if waits:
            if health.backoff is None:
                health.backoff = self.make_backoff()
            health.backoff.failed(now_s)
        self._tell(plan, health, DeliveryStatus.FAILED, message, now_s)

    def tell(self) -> None:
        """Tell the statuses that are news, as many as a step has time for; the others wait.

        Shape: each may cost a transaction, and a role may be that of thousands of flow logs.
        """
        until_s = self._clock.monotonic_s() + TELLING_S
        for flow_log_id in list(self._untold):
            plan, status, message = self._untold.pop(flow_log_id)
            held = self.state.get(flow_log_id)
            self._on_status(plan, status, message, (held.until_s if held else 0) or None)
            if self._clock.monotonic_s() >= until_s:
                return

    def make_backoff(self) -> Backoff:
        """A backoff with the waits of the settings."""
        return Backoff(self._settings.retry_first_s, self._settings.retry_max_s)

    def floor(self, last_number: int) -> int:
        """The last segment that nobody needs any more."""
        return min((self.cursor(plan) for plan in self.active), default=last_number)

    def behind(self, last_number: int) -> int:
        """How many flow logs do not have everything up to a segment."""
        return sum(self.cursor(plan) < last_number for plan in self.active)

    def cursors(self) -> frozenset[int]:
        """Every place up to which something is delivered, or is about to be."""
        found = {self.cursor(plan) for plan in self.active}
        to = {self.publishing(plan) for plan in self.active}
        return frozenset(found | {number for number in to if number is not None})

    # -- gate and status

    def _choose_active(self) -> None:
        rows = self.state.all()
        self.active = tuple(
            plan for plan in self._seen or () if not rows[plan.flow_log_id].finished
        )

    def _is_drained(self, plan: DeliveryPlan, health: _Health) -> bool:
        # By both clocks: one that jumps ahead must not cut the last records off.
        drain_s, until_s = self._settings.deleted_drain_s, plan.selection.until_s or 0
        waited_s = self._clock.monotonic_s() - (health.deleted_s or 0.0)
        return waited_s >= drain_s and self._clock.now_s() >= until_s + drain_s

    def _is_ready(self, plan: DeliveryPlan, now_s: float) -> bool:
        health = self._health.get(plan.flow_log_id)
        if health is None:
            return False
        if health.asked_s is None or now_s - health.asked_s >= self._settings.gate_interval_s:
            refused = self._ask(plan)
            was, health.refused, health.asked_s = health.refused, refused, now_s
            if refused is not None:
                self._tell(plan, health, DeliveryStatus.FAILED, refused, now_s)
            elif was is not None or self._may_be_mended(plan, health):
                self._tell(plan, health, DeliveryStatus.SUCCESS, None, now_s)
        if health.refused is not None:
            return False
        return health.backoff is None or now_s >= health.backoff.until_s

    @staticmethod
    def _may_be_mended(plan: DeliveryPlan, health: _Health) -> bool:
        """Nothing was told yet: a role may have been mended since the flow log was made with it."""
        return health.told is None and isinstance(plan.destination, LogGroupDestination)

    def _ask(self, plan: DeliveryPlan) -> str | None:
        try:
            return self._gate(plan)
        except Exception:  # noqa: BLE001 - whatever fails there, records must not be let through
            return FailureMessage.UNKNOWN_ERROR

    def _tell(
        self,
        plan: DeliveryPlan,
        health: _Health,
        status: DeliveryStatus,
        message: str | None,
        now_s: float,
    ) -> None:
        is_news = health.told != (status, message)
        if is_news or now_s - health.told_s >= self._settings.status_interval_s:
            health.told, health.told_s = (status, message), now_s
            self._untold[plan.flow_log_id] = (plan, status, message)
