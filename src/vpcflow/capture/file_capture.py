"""A capture file becomes flow records: the meter run by the packets' own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vpcflow.capture.meter import Feed, Meter
from vpcflow.capture.packet_batch import PacketBatch, PacketSource
from vpcflow.capture.window import ClosedWindow

#: Intervals without any packet of a file that get NODATA lines one by one; the rest get one line.
GAP_WINDOWS_MAX = 1_440


class FileCapture:
    """Meters the packets of a file.

    Shape: ``windows`` yields each interval as it ends. ``place`` is asked for the observation
    points of devices that are met for the first time, with the time of the first packet.
    """

    def __init__(
        self,
        meter: Meter,
        feed: Feed,
        place: Callable[[list[int], int], None],
    ) -> None:
        self._meter = meter
        self._feed = feed
        self._place = place
        self._gaps_left = GAP_WINDOWS_MAX
        self._last_ns = 0
        self._is_open = False

    def windows(self, source: PacketSource) -> Iterator[ClosedWindow]:
        """Every closed interval, in the order of the packets."""
        for batch in source.batches():
            if len(batch):
                yield from self.take(batch)
        if self._is_open:
            # A record's last second belongs to the capture, so NODATA reaches past it.
            yield self._meter.close_window(self._last_ns)

    def take(self, batch: PacketBatch) -> Iterator[ClosedWindow]:
        """Count one batch; yields the intervals that ended within it."""
        first_ns = int(batch.time_ns[0])
        unknown = self._feed.unknown_devices(batch)
        if unknown:
            self._place(unknown, first_ns)
        if not self._is_open:
            self._meter.open_window(first_ns)
            self._is_open = True
        self._feed.load(batch)
        while not self._meter.advance(self._feed):
            yield from self._turn(self._feed.next_time_ns)
        self._last_ns = max(self._meter.opened_ns, int(batch.time_ns.max()))

    def _turn(self, next_ns: int) -> Iterator[ClosedWindow]:
        """Close the interval and open that of the next packet, with what lies between."""
        meter = self._meter
        end_ns = meter.window_end_ns
        interval_ns = end_ns - meter.window_start_ns
        went_back = next_ns < end_ns
        yield meter.close_window(self._last_ns if went_back else end_ns)
        while not went_back and end_ns + interval_ns <= next_ns:
            meter.open_window(end_ns)
            if self._gaps_left:
                self._gaps_left -= 1
                end_ns += interval_ns
            else:
                end_ns = next_ns // interval_ns * interval_ns
            yield meter.close_window(end_ns)
        meter.open_window(next_ns if went_back else end_ns)
