"""A capture file becomes flow records: the meter run by the packets' own time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vpcflow.capture.meter import UNKNOWN_DEVICES_MAX, Feed, Meter
from vpcflow.capture.packet_batch import PacketBatch, PacketSource
from vpcflow.capture.window import ClosedWindow

if TYPE_CHECKING:
    from vpcflow.capture.nflog_file import NflogFile

#: Intervals without any packet of a file that get NODATA lines one by one; the rest get one line.
GAP_WINDOWS_MAX = 1_440


class FileCapture:
    """Meters the packets of a file.

    Shape: ``windows`` yields each interval as it ends. ``place`` is asked for the observation
    points of devices that are met for the first time, with the time of the first packet. Intervals
    without packets are yielded when the packets go on after them: one packet with a wrong time
    makes no line that says there was nothing where there was something.
    """

    def __init__(
        self,
        meter: Meter,
        feed: Feed,
        place: Callable[[list[int], int], None],
        log: NflogFile | None = None,
    ) -> None:
        self._meter = meter
        self._log = log
        self._feed = feed
        self._place = place
        self._gaps_left = GAP_WINDOWS_MAX
        self._last_ns = 0
        self._is_open = False
        #: Up to where intervals were metered, and what lies between there and the open one.
        self._reached_ns = 0
        self._gap = range(0)

    def windows(self, source: PacketSource) -> Iterator[ClosedWindow]:
        """Every closed interval, in the order of the packets."""
        for batch in source.batches():
            if len(batch):
                yield from self.take(batch)
        yield from self.end()

    def end(self) -> Iterator[ClosedWindow]:
        """The file is over: close the last interval."""
        if not self._is_open:
            return
        while self._log is not None and (refused_ns := self._log.next_time_ns) is not None:
            # The interface saw nothing more, but its firewall still refused.
            yield from self._turn(refused_ns)
            self._last_ns = max(self._last_ns, refused_ns)
        yield from self._close(self._last_ns)

    def take(self, batch: PacketBatch) -> Iterator[ClosedWindow]:
        """Count one batch; yields the intervals that ended within it."""
        first_ns = int(batch.time_ns[0])
        # They come in pieces; a file is not read again, so all of them are placed now.
        for _ in range(len(batch) // UNKNOWN_DEVICES_MAX + 1):
            unknown = self._feed.unknown_devices(batch)
            if not unknown:
                break
            self._place(unknown, first_ns)
        if not self._is_open:
            self._open(first_ns)
            self._is_open = True
        self._feed.load(batch)
        while not self._meter.advance(self._feed):
            yield from self._turn(self._feed.next_time_ns)
        self._last_ns = max(self._meter.opened_ns, int(batch.time_ns.max()))

    def _turn(self, next_ns: int) -> Iterator[ClosedWindow]:
        """Close the interval and open that of the next packet."""
        meter = self._meter
        end_ns = meter.window_end_ns
        interval_ns = end_ns - meter.window_start_ns
        refused_ns = self._log.next_time_ns if self._log is not None else None
        if refused_ns is not None and end_ns <= refused_ns < next_ns:
            next_ns = refused_ns
        if next_ns < end_ns:
            if self._gap:
                # Packets jumped here and back: what lies between was not silent for that.
                self._gap = range(0)
                yield self._take_window(min(self._last_ns, end_ns))
            else:
                yield from self._close(self._last_ns)
            self._open(next_ns)
            return
        yield from self._close(end_ns)
        start_ns = next_ns // interval_ns * interval_ns
        self._gap = range(self._reached_ns, start_ns, interval_ns)
        self._open(start_ns)

    def _close(self, last_ns: int) -> Iterator[ClosedWindow]:
        """Close the open interval; what lies empty before it comes first."""
        meter = self._meter
        end_ns = meter.window_end_ns
        window = self._take_window(min(last_ns, end_ns))
        self._reached_ns = max(self._reached_ns, end_ns)
        gap, self._gap = self._gap, range(0)
        for start_ns in gap:
            meter.open_window(start_ns)
            if self._gaps_left:
                self._gaps_left -= 1
                yield meter.close_window(start_ns + gap.step)
            else:
                yield meter.close_window(gap.stop)
                break
        yield window

    def _open(self, time_ns: int) -> None:
        self._meter.open_window(time_ns)
        if self._log is not None:
            self._log.open_window(self._meter.window_end_ns)

    def _take_window(self, end_ns: int) -> ClosedWindow:
        if self._log is not None:
            self._log.settle(self._meter, self._meter.window_end_ns)
        return self._meter.close_window(end_ns)
