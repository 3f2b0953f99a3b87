"""Live capture: the rings and firewall logs of every namespace, one interval after the other."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterable, Mapping

from vpcflow.base.clock import Clock
from vpcflow.base.errors import CaptureError
from vpcflow.capture.meter import LATE_NS_MAX, Feed, Meter
from vpcflow.capture.namespace_capture import NamespaceCapture
from vpcflow.capture.observation_point import ObservationPoint, PointBook
from vpcflow.capture.packet_batch import PacketBatch
from vpcflow.capture.packet_sources.af_packet import AfPacketSource
from vpcflow.capture.packet_sources.nflog import NflogSource, PrefixTable
from vpcflow.capture.packet_sources.ring_settings import RingSettings
from vpcflow.capture.packet_sources.vxlan_mirror import Decapsulator
from vpcflow.capture.parsed_columns import VERDICT_ACCEPT, VERDICT_UNKNOWN
from vpcflow.capture.ruleset_generation import RulesetGeneration
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.verdict import RuleNumbers, VerdictSet
from vpcflow.capture.verdict_feed import VerdictFeed
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.network_interface import AttachmentSide
from vpcflow.inventory.sources.linux_netlink import LinuxInventory

_NS = 1_000_000_000
#: The longest wait between two looks at everything.
WAIT_S_MAX = 0.25
#: The wait while blocks are held back for the firewall's word, and while these are few.
HELD_WAIT_S = 0.01
FEW_HELD_WAIT_S = 0.03
#: Few is less than this part of the ring.
FEW_HELD_PART = 8
#: Reads of one firewall log in one round; the rest waits for the next.
LOG_READS_MAX = 64
#: Problems that are kept to be told.
PROBLEMS_MAX = 100
#: After how long a namespace that could not be entered is tried again.
ENTER_AGAIN_S = 5.0


class LiveCapture:
    """Meters the interfaces of the host until it is told to stop.

    Shape: ``open`` everything that needs a permission, then ``run``; every closed interval goes to
    ``on_window``, which must not wait; ``on_round`` is called some times a second. For one thread.
    Errors: CaptureError from ``open``.
    """

    def __init__(
        self,
        settings: CaptureSettings,
        ring: RingSettings,
        inventory: LinuxInventory,
        clock: Clock,
        *,
        on_window: Callable[[ClosedWindow], None],
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._ring_settings = ring
        self._inventory = inventory
        self._clock = clock
        self._on_window = on_window
        self._on_round = on_round
        self._rules = RuleNumbers()
        self._prefixes = PrefixTable()
        self._verdicts = VerdictSet()
        self.book = PointBook()
        self.meter = Meter(settings, self.book, self._verdicts, self._rules)
        self._open: dict[str, NamespaceCapture] = {}
        self._has_started = False
        self._refused: dict[str, tuple[int, float]] = {}
        self._verdict_clock_ns = 0
        self._ticked_s = clock.monotonic_s()
        self._covered: Mapping[str, frozenset[str]] = {}
        self.problems: list[str] = []
        self.counts: dict[str, int] = {"packets": 0, "ring-dropped": 0, "verdicts-lost": 0}

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that are metered."""
        return tuple(self._open)

    @property
    def captures(self) -> tuple[NamespaceCapture, ...]:
        """What is open, namespace by namespace."""
        return tuple(self._open.values())

    def ruleset_generations(self) -> dict[str, int]:
        """By namespace a number that every change of its firewall's rules raises."""
        return {name: capture.ruleset.read() for name, capture in self._open.items()}

    def open(self) -> None:
        """Open rings and logs, and the first interval; kernels are to be loaded by now.

        Shape: where there is nothing to meter yet, it waits for what the inventory is told.
        """
        self.meter.open_window(self._now_ns())
        self.follow_inventory()
        self._has_started = True

    def cover(self, covered: Mapping[str, frozenset[str]]) -> None:
        """By namespace the interfaces whose every refusal is logged: what is not refused is ACCEPT."""
        self._covered = covered
        self._write_defaults(self.book.points())

    def run(self, stop: threading.Event) -> None:
        """Meter until ``stop`` is set, then close the open interval with all that waits."""
        hold_ms = self._settings.hold_ms
        while not stop.is_set():
            self.round(hold_ms * 1_000_000)
            self._wait(stop)
        # What was seen until now comes out of the kernel when its timers have run, and the word of
        # the firewall on it. What comes in the meantime is after the end.
        self._clock.wait(threading.Event(), (3 * self._ring_settings.retire_ms + hold_ms) / 1000)
        self.round(hold_ms * 1_000_000)
        self._turn(self._now_ns(), is_last=True)

    def close(self) -> None:
        """Give rings and logs back."""
        for capture in self._open.values():
            capture.close()
        self._open.clear()

    def round(self, hold_ns: int) -> None:
        """Take in what waits everywhere; closes the interval when it is over."""
        self.follow_inventory()
        now_ns = self._now_ns()
        self._tick()
        for capture in self._open.values():
            self._read_log(capture)
        limit_ns = now_ns - hold_ns
        while self._take_all(hold_ns, now_ns) or self._is_over(limit_ns):
            self._turn(limit_ns)
        for capture in self._open.values():
            self._count_losses(capture)
            for slot in capture.verdicts.expire(self._verdict_clock_ns):
                # Its packet was counted without the verdict, or dropped by the ring.
                point = self.book.point(slot)
                self.meter.lost(point.namespace if point else capture.name, verdicts=True)
        self._on_round()

    def _is_over(self, limit_ns: int) -> bool:
        """Whether the interval has passed, or the clock was set back behind it."""
        meter = self.meter
        return limit_ns >= meter.window_end_ns or limit_ns < meter.window_start_ns - LATE_NS_MAX

    def _take_all(self, hold_ns: int, now_ns: int) -> bool:
        """Count what every ring has; whether any reaches beyond the open interval."""
        reaches = False
        for capture in self._open.values():
            reaches |= self._take_ring(capture, hold_ns, now_ns)
            capture.verdicts.advance(self.meter)
        return reaches

    def _take_ring(self, capture: NamespaceCapture, hold_ns: int, now_ns: int) -> bool:
        # One turn of the ring at most, so that a flood in one namespace does not starve others.
        for _ in range(capture.ring.settings.block_count + 1):
            while capture.waiting:
                feed, _ = capture.waiting[0]
                if not self.meter.advance(feed):
                    return True
                capture.waiting.pop(0)
                if capture.waiting:
                    self._load(capture, *capture.waiting[0])
            capture.ring.release()
            if 2 * capture.ring.waiting_blocks() > capture.ring.settings.block_count:
                # Packets are not held now: what the firewall said of them has to be known.
                self._read_log(capture)
            batch = capture.ring.peek(hold_ns, now_ns)
            if batch is None:
                return False
            self.counts["packets"] += len(batch)
            capture.waiting.append((capture.feed, batch))
            if capture.decapsulator is not None and capture.mirror is not None:
                inner = capture.decapsulator.decapsulate(batch)
                capture.waiting.extend((capture.mirror, part) for part in inner)
            self._load(capture, *capture.waiting[0])
        return False

    def _load(self, capture: NamespaceCapture, feed: Feed, batch: PacketBatch) -> None:
        if feed is capture.feed and feed.unknown_devices(batch):
            # A device is announced before its first packet: its message waits by now.
            self._inventory.read_events()
            self._follow_devices()
            while unknown := feed.unknown_devices(batch):
                for device in unknown:
                    if not self._bind(capture, device):
                        feed.devices.ignore(device)
        feed.load(batch)

    def _turn(self, limit_ns: int, *, is_last: bool = False) -> None:
        """Close the interval, open the one of now or of the next packet."""
        meter = self.meter
        next_ns = min(
            (c.waiting[0][0].next_time_ns for c in self._open.values() if c.waiting),
            default=limit_ns,
        )
        went_back = next_ns < meter.window_start_ns - LATE_NS_MAX
        end_ns = meter.window_end_ns
        if is_last or went_back:
            end_ns = min(end_ns, max(limit_ns, meter.opened_ns))
        self._on_window(meter.close_window(end_ns))
        for capture in self._open.values():
            for device in capture.leaving:
                capture.feed.devices.forget(device)
            capture.leaving.clear()
        if not is_last:
            self._open_next(next_ns, None if went_back else end_ns)

    def _open_next(self, next_ns: int, end_ns: int | None) -> None:
        """Open the interval of the next packet; one that follows without a gap begins at once."""
        meter = self.meter
        if end_ns is None:
            meter.open_window(next_ns)
            return
        meter.open_window(max(next_ns, end_ns))
        if meter.window_start_ns == end_ns:
            meter.open_window(end_ns)

    def follow_inventory(self) -> None:
        """Namespaces and devices that came, changed or went."""
        self._inventory.read_events()
        wanted = self._inventory.namespaces
        for name in list(self._open):
            if wanted.get(name) != self._open[name].generation:
                self._leave(name)
        for name in self._refused.keys() - wanted.keys():
            del self._refused[name]
        for name, generation in wanted.items():
            if name not in self._open:
                self._try_to_enter(name, generation)
        self._follow_devices()

    def _follow_devices(self) -> None:
        changed = self._inventory.take_changed_devices()
        if changed is not None and not changed:
            return
        touched = set()
        for capture in self._open.values():
            present = self._inventory.bindings(capture.name)
            if changed is None:
                devices = {*present, *capture.feed.devices.numbers()}
            else:
                devices = {device for name, device in changed if name == capture.name}
            for device in devices:
                self._refresh(capture, device, is_present=device in present)
            if devices:
                touched.add(capture.name)
        if touched:
            self._points_changed(touched)

    def _refresh(self, capture: NamespaceCapture, device: int, *, is_present: bool) -> None:
        if is_present and self._bind(capture, device):
            return
        slot = capture.feed.devices.slot(device)
        if slot is None:
            capture.feed.devices.forget(device)
            return
        self._give_up(capture, slot)
        # Its last packets may still be in the ring.
        capture.leaving.append(device)

    def _bind(self, capture: NamespaceCapture, device: int) -> bool:
        binding = self._inventory.binding(capture.name, device)
        inventory = self._inventory.remembered
        if binding is None or binding.interface_id not in inventory.interfaces:
            return False
        try:
            point = self.book.bind(
                binding.interface_id,
                inventory,
                side=binding.side,
                namespace=capture.name,
                at_s=self._clock.now_s(),
            )
        except CaptureError as error:
            # Its packets count as not metered; those of all others go on.
            self._note(str(error))
            return False
        before = capture.feed.devices.slot(device)
        if before is not None and before != point.slot:
            self._give_up(capture, before)
        capture.feed.devices.put(device, point.slot, binding.side)
        self._write_defaults([point])
        return True

    def _give_up(self, capture: NamespaceCapture, slot: int) -> None:
        """A device is this point no longer: the point is gone, unless another device here is it."""
        point = self.book.point(slot)
        if point is None:
            return
        holder = self._inventory.holder(point.interface.interface_id)
        if holder is None or holder[0] != capture.name:
            self.book.gone(point.interface.interface_id, capture.name, at_s=self._clock.now_s())

    def _points_changed(self, namespaces: Iterable[str]) -> None:
        points = self.book.points()
        for name in namespaces:
            self._open[name].verdicts.update(points)

    def _write_defaults(self, points: Iterable[ObservationPoint]) -> None:
        """What a packet gets of which the firewall's log says nothing."""
        everywhere = bool(self._settings.reject_groups)
        for point in points:
            covered = self._covered.get(point.namespace, frozenset())
            told = everywhere or point.interface.interface_id in covered
            capture = self._open.get(point.namespace)
            if capture is None or capture.log is None or point.slot in capture.mirrored_slots:
                # Nobody reads what the firewall logs, or it is another host's packet.
                told = False
            self._verdicts.default_verdict[point.slot] = VERDICT_ACCEPT if told else VERDICT_UNKNOWN

    def _try_to_enter(self, name: str, generation: int) -> None:
        refused, tried_s = self._refused.get(name, (-1, 0.0))
        now_s = self._clock.monotonic_s()
        if refused == generation and now_s - tried_s < ENTER_AGAIN_S:
            return
        try:
            self._enter(name, generation)
        except CaptureError as error:
            groups = (*self._settings.reject_groups, *self._settings.accept_groups)
            if not self._has_started and (not name or groups):
                raise
            self._note(str(error))
            self._refused[name] = generation, now_s

    def _enter(self, name: str, generation: int) -> None:
        used = sum(capture.ring.settings.ring_bytes for capture in self._open.values())
        ring = AfPacketSource(name, self._ring_settings.beside(used))
        try:
            log = self._open_log(name)
        except CaptureError:
            ring.close()
            raise
        feed = self.meter.feed(name)
        verdicts = VerdictFeed(
            name, feed.devices, self._verdicts, self._rules, self._prefixes, self._settings
        )
        capture = NamespaceCapture(
            name, generation, ring, feed, verdicts, log, RulesetGeneration(name)
        )
        self._open[name] = capture
        self._open_mirror(capture)
        for device in self._inventory.bindings(name):
            self._bind(capture, device)
        self._points_changed([name])

    def _open_log(self, name: str) -> NflogSource | None:
        settings = self._settings
        groups = {settings.firewall_group, *settings.reject_groups, *settings.accept_groups}
        try:
            return NflogSource(name, sorted(groups), prefixes=self._prefixes)
        except CaptureError as error:
            if settings.reject_groups or settings.accept_groups:
                raise
            # Nobody asked for it by name: records are made, and their action is not known.
            self._note(str(error))
            return None

    def _open_mirror(self, capture: NamespaceCapture) -> None:
        """Mirrored traffic arrives where vpcflow runs: each VNI is an interface of its own."""
        inventory = self._inventory.inventory
        sessions = inventory.mirror_sessions
        if not sessions or capture.name:
            return
        feed = self.meter.feed(capture.name)
        interfaces = [inventory.interfaces[session.interface_id] for session in sessions]
        feed.own_addresses([(interface.addresses, interface.mac) for interface in interfaces])
        slots = set()
        for device, session in enumerate(sessions):
            point = self.book.bind(
                session.interface_id,
                inventory,
                side=AttachmentSide.INTERFACE,
                namespace=capture.name,
                at_s=self._clock.now_s(),
            )
            feed.devices.put(device, point.slot, AttachmentSide.INTERFACE)
            slots.add(point.slot)
        capture.mirror, capture.mirrored_slots = feed, frozenset(slots)
        capture.decapsulator = Decapsulator(
            {session.vni: device for device, session in enumerate(sessions)}
        )

    def _leave(self, name: str) -> None:
        """A namespace is gone: count what its ring still has, then let it go."""
        capture = self._open[name]
        self._read_log(capture)
        # Its last refusals may be of the interval that begins now: nobody counts them later.
        while self._take_ring(capture, 0, 0) or self._is_over(self._now_ns()):
            self._turn(self._now_ns())
        capture.verdicts.advance(self.meter)
        self._count_losses(capture)
        capture.close()
        del self._open[name]
        for point in self.book.points():
            if point.namespace == name and point.until_s is None:
                self.book.gone(point.interface.interface_id, name, at_s=self._clock.now_s())

    def _read_log(self, capture: NamespaceCapture) -> None:
        if capture.log is None:
            return
        counts = capture.log.counts
        before = counts.dropped + counts.prefixes_refused
        try:
            for _ in range(LOG_READS_MAX):
                batch = capture.log.read()
                if not len(batch):
                    break
                capture.verdicts.take(batch, self._verdict_clock_ns)
        except CaptureError as error:
            # Records go on without the firewall's word, and with it in all other namespaces.
            self._note(str(error))
            capture.log.close()
            capture.log = None
            self._write_defaults(self.book.points())
            self.meter.lost(capture.name, verdicts=True)
            return
        # A prefix of ours for which there was no number says no verdict either.
        lost = counts.dropped + counts.prefixes_refused - before
        if lost:
            self.counts["verdicts-lost"] += lost
            self.meter.lost(capture.name, verdicts=True)

    def _count_losses(self, capture: NamespaceCapture) -> None:
        capture.ring.refresh_counts()
        dropped = {
            "ring-dropped": capture.ring.counts.dropped,
            "verdicts-lost": capture.verdicts.dropped,
        }
        for reason, packets in dropped.items():
            new = packets - capture.dropped.get(reason, 0)
            if new:
                self.counts[reason] += new
                self.meter.lost(capture.name, verdicts=reason == "verdicts-lost")
        capture.dropped = dropped

    def _note(self, problem: str) -> None:
        if len(self.problems) < PROBLEMS_MAX and problem not in self.problems:
            self.problems.append(problem)

    def _wait(self, stop: threading.Event) -> None:
        """Until something comes, or held blocks are due, or the interval ends."""
        poll = select.poll()
        wait_s = WAIT_S_MAX
        for fileno in self._inventory.filenos():
            poll.register(fileno, select.POLLIN)
        for capture in self._open.values():
            blocks = capture.ring.waiting_blocks()
            if blocks:
                few = blocks * FEW_HELD_PART < capture.ring.settings.block_count
                wait_s = min(wait_s, FEW_HELD_WAIT_S if few else HELD_WAIT_S)
            else:
                poll.register(capture.ring.fileno(), select.POLLIN)
            if capture.log is not None:
                poll.register(capture.log.fileno(), select.POLLIN)
        left_s = (self.meter.window_end_ns - self._now_ns()) / _NS
        left_s += self._settings.hold_ms / 1000
        if not stop.is_set():
            poll.poll(1000 * max(0.001, min(wait_s, left_s)))

    def _now_ns(self) -> int:
        return int(self._clock.now_s() * _NS)

    def _tick(self) -> None:
        """Let the verdicts' clock go on, by a usual round at most.

        A round that takes long (kernels are compiled, the machine is busy) makes no verdict too old
        for a packet that waits in the ring all the while.
        """
        now_s = self._clock.monotonic_s()
        self._verdict_clock_ns += int(min(now_s - self._ticked_s, WAIT_S_MAX) * _NS)
        self._ticked_s = now_s
