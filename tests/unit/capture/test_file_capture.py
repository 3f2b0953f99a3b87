"""Aim: a file's packets land in the intervals of their times, however wrong some times are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from flow_row_builder import point_of
from packet_builder import UDP, Captured, ethernet, ipv4, packet_batch, udp

from vpcflow.capture.file_capture import GAP_WINDOWS_MAX, FileCapture
from vpcflow.capture.meter import UNKNOWN_DEVICES_MAX, Meter
from vpcflow.capture.observation_point import PointBook
from vpcflow.capture.packet_batch import PacketBatch, SourceCounts
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.network_interface import AttachmentSide
from vpcflow.inventory.snapshot import Inventory

NS = 1_000_000_000
START = 1_700_000_040
YEAR_2100 = 4_102_444_800 - START


class Batches:
    """A packet source of given batches."""

    def __init__(self, *batches: PacketBatch) -> None:
        self.counts = SourceCounts()
        self._batches = batches

    def batches(self) -> Iterator[PacketBatch]:
        yield from self._batches

    def close(self) -> None:
        """There is nothing to give back."""


def packet(after_s: float, device: int = 0) -> Captured:
    data = ethernet(ipv4(udp(5000, 9, b"x"), "198.51.100.7", "10.0.1.10", UDP))
    return Captured(data, START * NS + round(after_s * NS), device=device)


def run(*batches: Sequence[Captured], interval_s: int = 60) -> list[ClosedWindow]:
    book = PointBook()
    meter = Meter(CaptureSettings(interval_s=interval_s), book)
    feed = meter.feed()
    interface = point_of(0).interface
    inventory = Inventory(interfaces={interface.interface_id: interface})

    def place(devices: list[int], time_ns: int) -> None:
        point = book.bind(
            interface.interface_id,
            inventory,
            side=AttachmentSide.INTERFACE,
            namespace="",
            at_s=time_ns / NS,
        )
        for device in devices:
            feed.devices.put(device, point.slot, AttachmentSide.INTERFACE)

    capture = FileCapture(meter, feed, place)
    return list(capture.windows(Batches(*(packet_batch(batch) for batch in batches))))


def told(windows: Sequence[ClosedWindow]) -> list[tuple[float, float, int]]:
    """Begin and end after ``START``, and packets, of each interval."""
    return [
        (
            window.start_ns / NS - START,
            window.end_ns / NS - START,
            int((window.rows[:, 5] & np.uint64((1 << 40) - 1)).sum()),
        )
        for window in windows
    ]


def test_no_packets_no_interval() -> None:
    assert run() == []
    assert run([]) == []


def test_first_and_last_interval_are_what_the_file_has_of_them() -> None:
    assert told(run([packet(10), packet(60)], [packet(70)])) == [(10, 60, 1), (60, 70, 2)]


def test_silent_intervals_are_told_one_by_one() -> None:
    windows = run([packet(10), packet(250)])
    assert told(windows) == [
        (10, 60, 1),
        (60, 120, 0),
        (120, 180, 0),
        (180, 240, 0),
        (240, 250, 1),
    ]


def test_interval_after_a_silent_one_is_not_longer() -> None:
    """Gaps follow each other; every interval keeps its length."""
    windows = run([packet(10), packet(130), packet(250), packet(260)])
    assert told(windows) == [
        (10, 60, 1),
        (60, 120, 0),
        (120, 180, 1),
        (180, 240, 0),
        (240, 260, 2),
    ]


def test_long_gap_is_bounded() -> None:
    """So many lines, then one for all the rest."""
    windows = told(run([packet(0), packet(1_000_000)], interval_s=1))
    assert len(windows) == GAP_WINDOWS_MAX + 3
    assert windows[-2] == (GAP_WINDOWS_MAX + 1, 1_000_000, 0)
    assert windows[-1] == (1_000_000, 1_000_000, 1)


def test_one_packet_of_a_wrong_future_costs_that_packet_only() -> None:
    """The rest lands where it belongs, and nothing says that there was silence."""
    windows = told(run([packet(10), packet(YEAR_2100), packet(11)], [packet(70), packet(190)]))
    assert [(begin, packets) for begin, _, packets in windows] == [
        (10, 1),
        (YEAR_2100 // 60 * 60, 1),
        (11, 1),
        (60, 1),
        (120, 0),
        (180, 1),
    ]


def test_one_packet_of_a_wrong_past_costs_that_packet_only() -> None:
    windows = told(run([packet(10), packet(-START), packet(11), packet(70)]))
    assert [(begin, packets) for begin, _, packets in windows] == [
        (10, 1),
        (-START, 1),
        (0, 1),
        (60, 1),
    ]


def test_clock_that_was_set_back_goes_on_from_there() -> None:
    windows = told(run([packet(10), packet(-3600), packet(-3590), packet(-3470)]))
    assert [(begin, packets) for begin, _, packets in windows] == [
        (10, 1),
        (-3600, 2),
        (-3480, 1),
    ]


def test_many_wrong_times_stay_bounded() -> None:
    """Every second packet has a time of its own somewhere: no more lines than packets and gaps."""
    packets = []
    for number in range(2000):
        packets += [packet(number / 1000), packet(YEAR_2100 + number * 86_400)]
    windows = told(run(packets))
    assert sum(packets for _, _, packets in windows) == 4000
    assert len(windows) <= 4000 + GAP_WINDOWS_MAX + 1
    assert all(begin <= end for begin, end, _ in windows)


def test_every_device_of_a_batch_is_placed() -> None:
    """More than can be asked for at once."""
    count = UNKNOWN_DEVICES_MAX * 2 + 7
    assert told(run([packet(1, device) for device in range(count)])) == [(1, 1, count)]
