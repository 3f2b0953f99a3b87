"""``vpcflow run``: live capture with everything around it, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.app.control_service import ControlService
from vpcflow.app.firewall_coverage import covered_interfaces
from vpcflow.app.live_view import LiveView
from vpcflow.app.network_following import NetworkFollowing
from vpcflow.app.open_interval import OpenInterval
from vpcflow.app.privileges import (
    Capability,
    acting_as,
    acting_user,
    give_back,
    give_back_in_thread,
    held,
    require,
)
from vpcflow.app.recorder import Recorder
from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import StoreError
from vpcflow.capture.aggregation import AggregatedWindow
from vpcflow.capture.exclusions import Exclusions
from vpcflow.capture.live_capture import LiveCapture
from vpcflow.capture.live_counts import firewall_log_counts, mirror_counts, parser_counts
from vpcflow.capture.warm_up import load_kernels
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.settings import ALL_NAMESPACES
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.linux_netlink import LinuxInventory
from vpcflow.policy.file import read_rule_set
from vpcflow.store.spool import Spool
from vpcflow.store.table import FlowTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vpcflow.app.settings import Settings
    from vpcflow.policy.rule_set import RuleSet

#: How often the open interval's mark says that the process lives.
BEAT_S = 1.0
#: Interfaces that the status tells by name.
INTERFACES_TOLD_MAX = 1_000


@dataclass(frozen=True)
class ServiceEvents:
    """What the service tells as it runs: for the command line, in words."""

    serving: Callable[[ControlService], None]
    started: Callable[[LiveCapture], None]
    kept: Callable[[ClosedWindow, AggregatedWindow], None]
    lost: Callable[[ClosedWindow], None]
    problem: Callable[[str], None]


class CaptureService:
    """Meters the host into the table of a data folder.

    Shape: ``run`` returns when ``stop`` is set and everything that was counted is kept.
    Errors: CaptureError for a missing permission, BusyError when another process writes there.
    """

    def __init__(
        self, settings: Settings, events: ServiceEvents, *, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._events = events
        self._clock = clock or SystemClock()
        self._beat_s = 0.0
        self._told = 0
        self._is_refused = False

    def run(self, stop: threading.Event) -> None:
        """Meter until ``stop`` is set."""
        settings = self._settings
        with ExitStack() as stack:
            rules = None
            if settings.inventory.file:
                rules = read_rule_set(settings.inventory.file, settings.inventory)
            declared = rules.inventory if rules else Inventory()
            needed = needed_capabilities(settings, declared)
            require(needed)
            user = acting_user(settings.folder.root)
            with acting_as(user):
                stack.enter_context(settings.folder.writer_lock())
            self._mark = OpenInterval(settings.folder.root)
            inventory = LinuxInventory(
                settings.inventory,
                declared,
                settings.folder.root,
                self._clock,
            )
            stack.callback(inventory.close)
            self._live = LiveCapture(
                settings.capture,
                settings.ring,
                inventory,
                self._clock,
                on_window=self._take_window,
                on_round=self._round,
            )
            stack.callback(self._live.close)
            load_kernels(settings.capture)
            self._live.open()
            give_back(kept_capabilities(needed, settings, held()), user)
            self._rulesets = self._live.ruleset_generations()
            self._live.cover(covered_interfaces(self._live.namespaces))
            self._serve(stack, inventory, rules)
            table = stack.enter_context(FlowTable.open(settings.folder, settings.table))
            self._recorder = Recorder(
                settings,
                table,
                Spool(settings.folder, settings.table),
                judge=self._following.judge,
                on_kept=self._kept,
                on_committed=self._control.take,
                ingestion=self._control.ingestion,
                clock=self._clock,
            )
            self._recover()
            self._recorder.start()
            self._checks = stack.enter_context(ThreadPoolExecutor(1, "vpcflow-firewall"))
            self._check: Future[Mapping[str, frozenset[str]]] | None = None
            self._view = LiveView(
                settings.folder.root,
                self._snapshot,
                self.status,
                Exclusions(settings.capture.never_logged),
                console_link=self._control.console_link,
            )
            stack.callback(self._view.close)
            self._control.tell_status(self._view.status)
            self._events.started(self._live)
            for name in self._absent_namespaces():
                self._events.problem(
                    f"network namespace {name} is not there yet: it is metered when it comes"
                )
            with self._ending():
                self._live.run(stop)

    def _serve(self, stack: ExitStack, inventory: LinuxInventory, rules: RuleSet | None) -> None:
        """Answer AWS's clients, once the host is among what they can ask for."""
        self._control = ControlService(
            self._settings,
            clock=self._clock,
            on_thread=give_back_in_thread,
            must_serve=False,
        )
        stack.callback(self._control.stop)
        self._following = NetworkFollowing(
            self._settings,
            self._control.plane.network,
            inventory,
            self._live,
            rules,
            clock=self._clock,
            problem=self._events.problem,
        )
        stack.callback(self._following.close)
        self._following.begin()
        self._control.start()
        self._events.serving(self._control)

    def status(self) -> dict[str, Any]:
        """Counters of the running capture, by name."""
        live, recorded = self._live, self._recorder.counts
        points = [point for point in live.book.points() if point.until_s is None]
        return {
            "interfaces": len(points),
            "namespaces": len(live.namespaces),
            "interval_s": self._settings.capture.interval_s,
            "interval_opened": live.meter.opened_ns // 1_000_000_000,
            "packets": dict(live.meter.counts.by_name()),
            "lost": {
                "ring-dropped": live.counts["ring-dropped"],
                "verdicts-lost": live.counts["verdicts-lost"],
                "flow-table-full": live.meter.counts.skipped,
                "intervals-skipped": recorded.skipped_windows,
            },
            "records": recorded.flows,
            "nodata": recorded.nodata,
            "skipdata": recorded.skipdata,
            # A copy: the recorder's thread may add a kind meanwhile.
            "excluded": {
                str(kind): count.packets for kind, count in dict(recorded.excluded).items()
            },
            "firewall_log": firewall_log_counts(live),
            "mirror": mirror_counts(live),
            "parser": parser_counts(live),
            "problem": recorded.problem,
            **self._control.status(),
            **self._following.status(points),
            "interface": {
                point.interface.name or point.interface.interface_id: point.interface.interface_id
                for point in points[:INTERFACES_TOLD_MAX]
            },
        }

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Keep what was counted, whatever ended the run; the mark stands for what was not.

        Errors: StoreError when the last intervals could not be kept.
        """
        try:
            yield
        except BaseException:
            self._recorder.close()
            raise
        self._recorder.close()
        if self._recorder.has_skipped:
            raise StoreError(
                f"the last records could not be kept: {self._recorder.counts.problem}",
                where=str(self._settings.folder.root),
                hint="the next `vpcflow run` on this folder tells by SKIPDATA what is missing",
            )
        self._mark.remove()

    def _recover(self) -> None:
        """A run that was killed lost its open interval: say so in the records.

        Until that is kept, its mark stands; then, or at once, there is one of this run.
        """
        self._opened_ns = self._live.meter.opened_ns
        lost = self._mark.read()
        if lost is not None:
            self._events.lost(lost)
            self._recorder.offer(lost)
        else:
            interval_s = self._settings.capture.interval_s
            self._mark.write(self._opened_ns, interval_s, self._live.book.points())

    def _take_window(self, window: ClosedWindow) -> None:
        self._recorder.offer(window)

    def _kept(self, window: ClosedWindow, made: AggregatedWindow) -> None:
        """In the recorder's thread: a kill loses what comes after this interval."""
        self._events.kept(window, made)
        interval_s = self._settings.capture.interval_s
        self._mark.write(max(window.end_ns, self._opened_ns), interval_s, window.points)

    def _round(self) -> None:
        if self._recorder.failed is not None:
            raise self._recorder.failed
        self._view.serve()
        self._following.round()
        now_s = self._clock.monotonic_s()
        if now_s - self._beat_s < BEAT_S:
            return
        self._beat_s = now_s
        self._follow_firewall()
        self._beat()
        for problem in self._live.problems[self._told :]:
            self._events.problem(problem)
        self._told = len(self._live.problems)

    def _beat(self) -> None:
        """Note that the process lives; tell of what begins to fail, not each time."""
        problem = self._recorder.counts.problem or self._control.problem
        try:
            self._mark.beat(self._clock.now_s(), self._live.book.points())
        except StoreError as error:
            problem = problem or str(error)
        if problem and not self._is_refused:
            self._events.problem(problem)
        self._is_refused = bool(problem)

    def _follow_firewall(self) -> None:
        """Whose refusals are logged is read anew when rules have changed.

        In a thread of its own: large rulesets take a second.
        """
        if self._check is not None:
            if not self._check.done():
                return
            self._live.cover(self._check.result())
            self._check = None
        rulesets = self._live.ruleset_generations()
        if rulesets != self._rulesets:
            self._rulesets = rulesets
            self._check = self._checks.submit(covered_interfaces, self._live.namespaces)

    def _absent_namespaces(self) -> list[str]:
        named = set(self._settings.inventory.namespaces) - {ALL_NAMESPACES}
        return sorted(named - set(self._live.namespaces))

    def _snapshot(self) -> ClosedWindow:
        return self._live.meter.snapshot(int(self._clock.now_s() * 1e9))


def needed_capabilities(settings: Settings, inventory: Inventory) -> frozenset[Capability]:
    """What the kernel must allow for what the settings and the inventory file ask."""
    attached = (one.attachment for one in inventory.interfaces.values())
    others = {*settings.inventory.namespaces, *(one.namespace for one in attached if one)} - {""}
    needed = {Capability.NET_RAW, Capability.NET_ADMIN}
    if others:
        needed.add(Capability.SYS_ADMIN)
    if any("/" in name for name in others):
        needed.add(Capability.SYS_PTRACE)
    return frozenset(needed)


def kept_capabilities(
    needed: frozenset[Capability], settings: Settings, held: frozenset[Capability]
) -> frozenset[Capability]:
    """What is needed after the start: the firewall's rules are read, later namespaces entered.

    Shape: what later namespaces need is kept where it is held; nobody has to grant it.
    """
    later = {Capability.NET_RAW, Capability.NET_ADMIN, Capability.SYS_ADMIN}
    if settings.inventory.later_namespaces and Capability.SYS_ADMIN in held:
        return needed | later
    return needed if Capability.SYS_ADMIN in needed else frozenset({Capability.NET_ADMIN})
