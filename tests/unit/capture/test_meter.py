"""Aim: every packet is counted in the interval of its time, at its interface, or told as lost."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

import numpy as np
import pytest
from flow_row_builder import point_of
from packet_builder import ICMPV6, UDP, Captured, ethernet, icmp, ipv4, ipv6, packet_batch, udp

from vpcflow.capture.meter import LATE_NS_MAX, UNKNOWN_DEVICES_MAX, Feed, Meter
from vpcflow.capture.observation_point import PointBook
from vpcflow.capture.packet_batch import PacketDirection
from vpcflow.capture.parsed_columns import (
    DIRECTION_SHIFT,
    SLOT_SHIFT,
    VERDICT_ACCEPT,
    VERDICT_SHIFT,
)
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.verdict import VerdictSet
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.network_interface import AttachmentSide
from vpcflow.inventory.snapshot import Inventory

NS = 1_000_000_000
#: A full minute.
START = 1_700_000_040
HOST, PEER = "10.0.1.10", "198.51.100.7"
RECEIVED, SENT, UNKNOWN = PacketDirection.RECEIVED, PacketDirection.SENT, PacketDirection.UNKNOWN


def packet(
    after_s: float,
    port: int = 5000,
    *,
    device: int = 3,
    direction: PacketDirection = RECEIVED,
    size: int = 10,
) -> Captured:
    data = ethernet(ipv4(udp(port, 9, bytes(size)), PEER, HOST, UDP))
    time_ns = START * NS + round(after_s * NS)
    return Captured(data, time_ns, device=device, direction=direction)


def made_meter(**settings: object) -> tuple[Meter, Feed]:
    """A meter of one interface at device 3, in the minute that begins at ``START``."""
    book = PointBook()
    meter = Meter(CaptureSettings(**settings), book)  # type: ignore[arg-type]
    interface = point_of(0).interface
    book.bind(
        interface.interface_id,
        Inventory(interfaces={interface.interface_id: interface}),
        side=AttachmentSide.INTERFACE,
        namespace="",
        at_s=START,
    )
    feed = meter.feed()
    feed.devices.put(3, 0, AttachmentSide.INTERFACE)
    meter.open_window(START * NS)
    return meter, feed


def packets_of(window: ClosedWindow) -> int:
    return int((window.rows[:, 5] & np.uint64((1 << 40) - 1)).sum())


def count_all(meter: Meter, feed: Feed, packets: Sequence[Captured]) -> list[ClosedWindow]:
    """Counts a batch; an interval is closed wherever the meter stops, and at the end."""
    feed.load(packet_batch(packets))
    found = []
    while not meter.advance(feed):
        found.append(meter.close_window(meter.window_end_ns))
        meter.open_window(feed.next_time_ns)
    return [*found, meter.close_window(meter.window_end_ns)]


@pytest.mark.parametrize("interval_s", [1, 60, 600])
def test_intervals_begin_at_their_multiples(interval_s: int) -> None:
    meter, _ = made_meter(interval_s=interval_s)
    meter.open_window(START * NS + 61 * NS + 5)
    assert meter.window_start_ns == (START + 61) // interval_s * interval_s * NS
    assert meter.opened_ns == START * NS + 61 * NS + 5
    assert meter.window_end_ns - meter.window_start_ns == interval_s * NS


def test_batch_is_cut_where_the_interval_ends() -> None:
    """The last nanosecond belongs to the interval, the next one does not."""
    meter, feed = made_meter()
    edge = packet(60)
    before = Captured(edge.data, edge.time_ns - 1, device=3)
    windows = count_all(meter, feed, [packet(0), before, edge, packet(119)])
    assert [packets_of(window) for window in windows] == [2, 2]
    assert [window.origin_ns for window in windows] == [START * NS, (START + 60) * NS]
    assert meter.counts.by_name()["metered"] == 4


def test_late_packet_counts_in_the_open_interval() -> None:
    """Up to the bound it is late and counts at the interval's start; beyond, the clock was set."""
    meter, feed = made_meter()
    late_s = -LATE_NS_MAX / NS
    windows = count_all(meter, feed, [packet(5), packet(late_s), packet(late_s - 0.001)])
    assert [packets_of(window) for window in windows] == [2, 1]
    first_and_last = int(windows[0].rows[0, 7])
    assert (first_and_last & 0xFFFFFFFF, first_and_last >> 32) == (0, 5_000_000)


def test_clock_that_goes_back_an_hour_loses_nothing() -> None:
    meter, feed = made_meter()
    times = [1, 2, -3599, -3598, -3530, 3]
    windows = count_all(meter, feed, [packet(at) for at in times])
    assert [packets_of(window) for window in windows] == [2, 2, 1, 1]
    assert [window.origin_ns // NS - START for window in windows] == [0, -3600, -3540, 0]


def test_full_table_counts_what_it_skips_at_the_interface() -> None:
    meter, feed = made_meter(flows_max=16)
    [window] = count_all(meter, feed, [packet(1, 5000 + number) for number in range(20)])
    assert (packets_of(window), dict(window.skipped_packets)) == (16, {0: 4})
    assert meter.counts.skipped == 4
    meter.open_window((START + 60) * NS)
    [window] = count_all(meter, feed, [packet(61)])
    assert (packets_of(window), dict(window.skipped_packets)) == (1, {})


def test_kernel_losses_belong_to_one_interval() -> None:
    meter, _ = made_meter()
    meter.lost("blue")
    assert meter.close_window(meter.window_end_ns).lost_namespaces == {"blue"}
    meter.open_window((START + 60) * NS)
    assert meter.close_window(meter.window_end_ns).lost_namespaces == frozenset()


def test_snapshot_leaves_the_interval_open() -> None:
    meter, feed = made_meter()
    feed.load(packet_batch([packet(1), packet(2, 5001)]))
    assert meter.advance(feed)
    seen = meter.snapshot((START + 3) * NS)
    assert packets_of(seen) == 2
    assert packets_of(meter.close_window(meter.window_end_ns)) == 2
    assert packets_of(seen) == 2, "a snapshot does not change afterwards"


def test_far_end_of_the_wire_turns_directions() -> None:
    meter, feed = made_meter()
    feed.devices.put(4, 0, AttachmentSide.PORT)
    packets = [packet(1, 1, direction=RECEIVED), packet(1, 2, direction=SENT)]
    packets += [packet(1, 3, device=4, direction=RECEIVED), packet(1, 4, device=4, direction=SENT)]
    [window] = count_all(meter, feed, packets)
    egress = window.rows[:, 4] >> np.uint64(DIRECTION_SHIFT) & np.uint64(1)
    assert egress.tolist() == [0, 1, 1, 0]


def test_devices_that_nobody_meters() -> None:
    meter, feed = made_meter()
    feed.devices.ignore(8)
    [window] = count_all(meter, feed, [packet(1), packet(1, device=8), packet(1, device=9)])
    assert packets_of(window) == 1
    assert meter.counts.by_name()["not-metered"] == 2
    assert feed.unknown_devices(packet_batch([packet(1, device=8), packet(1, device=9)])) == [9]


def test_unknown_devices_are_told_once_and_in_pieces() -> None:
    _, feed = made_meter()
    devices = [*range(100, 100 + UNKNOWN_DEVICES_MAX + 5), 100, 3]
    batch = packet_batch([packet(1, device=device) for device in devices])
    told = feed.unknown_devices(batch)
    assert told == devices[:UNKNOWN_DEVICES_MAX]
    for device in told:
        feed.devices.ignore(device)
    assert feed.unknown_devices(batch) == devices[UNKNOWN_DEVICES_MAX:-2]


def test_thousands_of_devices_keep_their_slots() -> None:
    """The map doubles many times; numbers that collide and those that were given up go right."""
    meter, feed = made_meter()
    devices = [number * 64 for number in range(1, 3001)]
    for slot, device in enumerate(devices):
        feed.devices.put(device, slot, AttachmentSide.INTERFACE)
    for device in devices[::2]:
        feed.devices.forget(device)
    [window] = count_all(meter, feed, [packet(1, device=device) for device in devices])
    slots = (window.rows[:, 4] >> np.uint64(SLOT_SHIFT)).tolist()
    assert slots == list(range(1, 3000, 2))
    assert meter.counts.by_name()["not-metered"] == 1500
    assert feed.devices.slot(devices[1]) == 1
    assert feed.devices.slot(devices[0]) is None


@pytest.mark.parametrize("dropped", [True, False])
def test_neighbour_discovery_is_left_out_unless_it_is_asked_for(dropped: bool) -> None:
    meter, feed = made_meter(**({} if dropped else {"never_logged": ()}))
    kinds = (133, 135, 136, 143, 128, 1)
    frames = [
        ethernet(ipv6(icmp(kind, 0, bytes(20)), "fe80::1", "fe80::2", ICMPV6)) for kind in kinds
    ]
    times = START * NS + 1
    [window] = count_all(meter, feed, [Captured(frame, times, device=3) for frame in frames])
    assert packets_of(window) == (2 if dropped else 6)
    assert meter.counts.by_name()["neighbour-discovery"] == (4 if dropped else 0)


def test_direction_by_the_addresses_of_the_interface() -> None:
    """A file does not tell it: what comes from an own address is sent, and shows the MAC."""
    meter, feed = made_meter()
    feed.own_addresses([((ip_address(HOST),), "")])
    mine, other, third = "020000000001", "020000000002", "020000000003"

    def frame(macs: str, source: str, target: str) -> Captured:
        data = bytes.fromhex(macs) + ethernet(ipv4(udp(1, 2), source, target, UDP))[12:]
        return Captured(data, START * NS + 1, device=3, direction=UNKNOWN)

    packets = [
        frame(other + mine, HOST, PEER),
        frame(mine + other, PEER, HOST),
        frame(other + mine, "10.9.0.5", PEER),
        frame(mine + other, PEER, "10.9.0.5"),
        frame(third + other, "10.9.0.6", "10.9.0.7"),
    ]
    [window] = count_all(meter, feed, packets)
    egress = window.rows[:, 4] >> np.uint64(DIRECTION_SHIFT) & np.uint64(1)
    assert egress.tolist() == [1, 0, 1, 0]
    assert meter.counts.by_name()["other-host"] == 1


@pytest.mark.parametrize(
    ("lost", "verdicts", "expected"), [("", False, [1]), ("", True, [0]), ("elsewhere", True, [1])]
)
def test_accept_is_not_guessed_where_verdicts_are_missing(
    lost: str, verdicts: bool, expected: list[int]
) -> None:
    """Of this interval alone: the next one is sure again."""
    meter, feed = made_meter()
    meter.verdicts = VerdictSet(16)
    meter.verdicts.default_verdict[0] = VERDICT_ACCEPT
    meter.lost(lost, verdicts=verdicts)
    windows = count_all(meter, feed, [packet(1), packet(61)])
    told = [
        (window.rows[:, 4] >> np.uint64(VERDICT_SHIFT) & np.uint64(3)).tolist()
        for window in windows
    ]
    assert told == [expected, [1]]
