"""The meter: packets of any source become the flows of one aggregation interval after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.exclusions import Exclusion, address_words
from vpcflow.capture.flow_table import FlowTable
from vpcflow.capture.meter_kernels import (
    count_statuses,
    find_cut,
    find_unknown,
    own_place,
    place_packets,
    resolve_directions,
)
from vpcflow.capture.observation_point import SLOTS_MAX, PointBook
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX, LinkType, PacketBatch, PacketDirection
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.parsed_columns import (
    SLOT_SHIFT,
    STATUS_COUNT,
    STATUS_NAMES,
    TIME_NS,
    VERDICT_ACCEPT,
    VERDICT_SHIFT,
    VERDICT_UNKNOWN,
)
from vpcflow.capture.rtt import RttMeter
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.window import ActionSource, ClosedWindow, RttRows
from vpcflow.inventory.network_interface import Address

if TYPE_CHECKING:
    from vpcflow.capture.verdict import RuleNumbers, VerdictSet

_NS = 1_000_000_000
#: A packet that is older than its interval by less belongs to it all the same (several rings, a
#: merged file); one that is older by more means that the clock was set.
LATE_NS_MAX = 60 * _NS
#: Devices that were not known before and are asked for with one batch.
UNKNOWN_DEVICES_MAX = 256


@dataclass(slots=True)
class MeterCounts:
    """Every packet that the meter was given, by what became of it.

    Shape: arrays by status, in the order of ``STATUS_NAMES``; ``skipped`` are metered packets for
    which the flow table had no room.
    Units: packets; ``frame_bytes`` as on the link, ``ip_bytes`` of the IP packets.
    """

    packets: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(STATUS_COUNT, np.int64))
    frame_bytes: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(STATUS_COUNT, np.int64)
    )
    ip_bytes: npt.NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(STATUS_COUNT, np.int64)
    )
    skipped: int = 0

    def by_name(self) -> dict[str, int]:
        """Packets by status."""
        return dict(zip(STATUS_NAMES, self.packets.tolist(), strict=True))


class Feed:
    """One packet source as the meter sees it: its devices, and the batch that is being counted."""

    def __init__(self, namespace: str, counts: MeterCounts, *, drop_discovery: bool) -> None:
        self.namespace = namespace
        self.devices = DeviceMap()
        self.parsed = new_parsed_matrix(BATCH_PACKETS_MAX)
        self.rows = np.zeros(BATCH_PACKETS_MAX, np.int32)
        self.begin = 0
        self.end = 0
        self._counts = counts
        self._drop_discovery = drop_discovery
        self._fragments = FragmentCache()
        self._own: npt.NDArray[np.uint64] | None = None
        self._own_macs = np.zeros(1, np.uint64)
        self._unknown = np.zeros(UNKNOWN_DEVICES_MAX, np.int32)

    def own_addresses(self, interfaces: Sequence[tuple[Iterable[Address], str]]) -> None:
        """Whose packets these are: tells direction where the source does not.

        Shape: addresses and MAC (empty: learned) of each device, by its number; one entry is for
        all devices.
        """
        found = [
            (device, *address_words(address))
            for device, (addresses, _) in enumerate(interfaces)
            for address in addresses
        ]
        places = 16
        while places < 4 * len(found):
            places *= 2
        own = np.zeros((places, 3), np.uint64)
        for device, *words in found:
            first, second = np.uint64(words[0]), np.uint64(words[1])
            own[own_place(own, device, first, second)] = (device + 1, first, second)
        self._own = own
        self._own_macs = np.array(
            [int(mac.replace(":", "") or "0", 16) for _, mac in interfaces], np.uint64
        )

    def unknown_devices(self, batch: PacketBatch) -> list[int]:
        """Devices of a batch that the map does not have yet, at most ``UNKNOWN_DEVICES_MAX``."""
        count = find_unknown(self.devices.keys, self.devices.values, batch.device, self._unknown)
        return [int(device) for device in self._unknown[:count]]

    def load(self, batch: PacketBatch) -> None:
        """Parse a batch; the one before must have been counted to its end."""
        parse_packets(batch, self._fragments, self.parsed)
        count = len(batch)
        direction = batch.direction
        if count and self._own is not None and direction.max() == PacketDirection.UNKNOWN:
            direction = direction.copy()
            resolve_directions(
                self.parsed,
                batch.data,
                batch.offset,
                batch.captured_bytes,
                batch.device,
                batch.link_type is LinkType.ETHERNET,
                self._own,
                self._own_macs,
                direction,
            )
        place_packets(
            self.parsed,
            batch.device,
            direction,
            self.devices.keys,
            self.devices.values,
            self._drop_discovery,
        )
        counts = self._counts
        count_statuses(
            self.parsed,
            0,
            count,
            batch.wire_bytes,
            counts.packets,
            counts.frame_bytes,
            counts.ip_bytes,
        )
        self.begin, self.end = 0, count

    @property
    def fragment_counts(self) -> dict[str, int]:
        """Packets without ports: of a first fragment that was not seen, or cut by the capture."""
        return {
            "fragments-without-first": self._fragments.unmatched,
            "ports-cut": self._fragments.ports_cut,
        }

    @property
    def next_time_ns(self) -> int:
        """When the next packet to be counted was seen."""
        return int(self.parsed[TIME_NS, self.begin])


class Meter:
    """Counts packets into the flows of the open interval.

    Shape: ``feed`` for each source; ``load`` a batch into the feed; ``advance`` counts it up to the
    end of the interval; then ``close_window``, and on. For one thread.
    """

    def __init__(
        self,
        settings: CaptureSettings,
        book: PointBook,
        verdicts: VerdictSet | None = None,
        rules: RuleNumbers | None = None,
    ) -> None:
        self.counts = MeterCounts()
        self.book = book
        self.verdicts = verdicts
        self._rules = rules
        self._settings = settings
        self._interval_ns = settings.interval_s * _NS
        self._table = FlowTable(settings.flows_max, SLOTS_MAX + 1)
        self._rtt = (
            RttMeter(settings.rtt_connections_max, settings.rtt_samples_max)
            if settings.rtt
            else None
        )
        self._lost: set[str] = set()
        self._unsure: set[str] = set()
        self.window_start_ns = 0
        self.opened_ns = 0

    @property
    def late_packets(self) -> int:
        """Packets that were older than their interval, and count at its beginning."""
        return int(self._table.late_packets)

    @property
    def window_end_ns(self) -> int:
        """Where the open interval ends."""
        return self.window_start_ns + self._interval_ns

    def feed(self, namespace: str = "") -> Feed:
        """A feed for one more packet source."""
        drop = Exclusion.NEIGHBOUR_DISCOVERY in self._settings.never_logged
        return Feed(namespace, self.counts, drop_discovery=drop)

    def open_window(self, time_ns: int) -> None:
        """Open the interval that a moment lies in."""
        self.window_start_ns = time_ns // self._interval_ns * self._interval_ns
        self.opened_ns = max(time_ns, self.window_start_ns)

    def advance(self, feed: Feed) -> bool:
        """Count the feed's batch up to the end of the interval; True when all of it is counted."""
        cut = find_cut(
            feed.parsed,
            feed.begin,
            feed.end,
            self.window_start_ns - LATE_NS_MAX,
            self.window_end_ns,
        )
        if cut > feed.begin:
            if self.verdicts is not None:
                self.verdicts.apply(feed.parsed, feed.begin, cut)
            self.count(feed.parsed, feed.begin, cut, feed.rows)
            if self._rtt is not None:
                self._rtt.update(feed.parsed, feed.begin, cut, feed.rows)
        feed.begin = cut
        return bool(cut == feed.end)

    def count(
        self,
        parsed: npt.NDArray[np.uint64],
        begin: int,
        end: int,
        rows: npt.NDArray[np.int32],
    ) -> None:
        """Count parsed packets that have their slot, direction and verdict."""
        self._table.update(parsed, begin, end, self.window_start_ns, rows)

    def lost(self, namespace: str, *, verdicts: bool = False) -> None:
        """The kernel dropped packets, or verdicts, of a namespace in the open interval.

        Shape: where verdicts are missing, a packet that was not seen to be refused may have been:
        the action of what would be ACCEPT is unknown.
        """
        self._lost.add(namespace)
        if verdicts:
            self._unsure.add(namespace)

    def close_window(self, end_ns: int) -> ClosedWindow:
        """Take the flows of the open interval, which ends now; ``open_window`` must follow."""
        rtt = self._rtt.close_window() if self._rtt is not None else None
        window = self.snapshot(end_ns, rtt)
        self.counts.skipped += sum(window.skipped_packets.values())
        self._table.clear()
        self._lost.clear()
        self._unsure.clear()
        self.book.turn()
        return window

    def snapshot(self, end_ns: int, rtt: RttRows | None = None) -> ClosedWindow:
        """The flows of the open interval as they are; it stays open."""
        rows = np.array(self._table.rows)
        self._take_back_doubtful(rows)
        told = rows[:, 4] >> np.uint64(VERDICT_SHIFT) & np.uint64(3) != VERDICT_UNKNOWN
        skipped = np.flatnonzero(self._table.skipped_packets)
        packets = self._table.skipped_packets[skipped]
        return ClosedWindow(
            self.opened_ns,
            max(end_ns, self.opened_ns),
            self._settings.interval_s,
            rows,
            self.book.points(),
            rtt,
            dict(zip(skipped.tolist(), packets.tolist(), strict=True)),
            frozenset(self._lost),
            tuple(self._rules.texts[1:]) if self._rules else (),
            # Only the firewall's log has spoken so far.
            told.astype(np.uint8) * np.uint8(ActionSource.NFLOG),
        )

    def _take_back_doubtful(self, rows: npt.NDArray[np.uint64]) -> None:
        """Never guess ACCEPT: where the firewall's word is missing, only its refusals stand."""
        if not self._unsure:
            return
        slots = [point.slot for point in self.book.points() if point.namespace in self._unsure]
        word = rows[:, 4]
        accepted = word >> np.uint64(VERDICT_SHIFT) & np.uint64(3) == VERDICT_ACCEPT
        doubtful = accepted & np.isin(word >> np.uint64(SLOT_SHIFT), slots)
        rows[doubtful, 4] &= ~np.uint64(3 << VERDICT_SHIFT)
