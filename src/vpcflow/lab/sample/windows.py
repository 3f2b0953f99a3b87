"""From what an interface sees to records: one an aggregation interval, delivered by their end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.connections import VIEW, Rng, Rows
from vpcflow.lab.sample.network import Network
from vpcflow.lab.sample.settings import SLOT_S, SampleSettings

OK, NODATA, SKIPDATA = 0, 1, 2
#: An interface's record may say an end some seconds after its last packet.
END_LATE_S = 4.0

RECORD = np.dtype(
    [
        ("interface", "i4"),
        ("src", "u8", 2),
        ("dst", "u8", 2),
        ("pkt_src", "u8", 2),
        ("pkt_dst", "u8", 2),
        ("sport", "i4"),
        ("dport", "i4"),
        ("proto", "i4"),
        ("packets", "i8"),
        ("bytes", "i8"),
        ("start", "i8"),
        ("end", "i8"),
        ("flags", "i4"),
        ("direction", "i1"),
        ("action", "i1"),
        ("src_service", "i1"),
        ("dst_service", "i1"),
        ("path", "i1"),
        ("story", "i1"),
        ("status", "i1"),
    ]
)
_COPIED = tuple(
    name
    for name in RECORD.names or ()
    if name in (VIEW.names or ()) and name not in {"packets", "bytes"}
)


class Windows:
    """Cuts views into records at the aggregation intervals of their interfaces.

    Shape: interfaces have intervals of their own, not aligned to minutes. Views and records that
    reach beyond a slot are held until theirs comes: at most one interval of records.
    """

    def __init__(self, network: Network, settings: SampleSettings) -> None:
        self._interval_s = settings.interval_s
        self._begin_s = settings.start_s
        self._base_s = settings.start_s + network.phase_s - settings.interval_s
        self._running = np.zeros(0, VIEW)
        self._later = np.zeros(0, RECORD)
        ring = 2 * max(1, SLOT_S // settings.interval_s) + 4
        self._seen = np.zeros((len(network), ring), dtype=bool)

    def records(self, new: Rows, slot_s: int, rng: Rng) -> Rows:
        """The records that end in the slot, of views that run and of ``new`` ones."""
        views = np.concatenate([self._running, new]) if len(self._running) else new
        made, self._running = self._cut(views, slot_s + SLOT_S, rng)
        if len(self._later):
            made = np.concatenate([self._later, made])
        now = made["end"] < slot_s + SLOT_S
        self._later = made[~now]
        return made[now]

    def mark(self, records: Rows) -> None:
        """Note that the interfaces had traffic in the intervals of these records."""
        interfaces = records["interface"]
        number = self._number(interfaces, records["start"].astype(np.float64))
        self._seen[interfaces, number % self._seen.shape[1]] = True

    def closing(self, slot_s: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The (interface, start) of every interval that ends in the slot, and whether it had traffic."""
        first = np.floor((slot_s - self._base_s) / self._interval_s).astype(np.int64)
        last = np.floor((slot_s + SLOT_S - self._base_s) / self._interval_s).astype(np.int64) - 1
        counts = np.maximum(last - first + 1, 0)
        interfaces = np.repeat(np.arange(len(counts)), counts)
        number = first[interfaces] + _within(counts)
        start = self._base_s[interfaces] + number * self._interval_s
        inside = start >= self._begin_s
        interfaces, number, start = interfaces[inside], number[inside], start[inside]
        place = number % self._seen.shape[1]
        seen = self._seen[interfaces, place]
        self._seen[interfaces, place] = False
        return interfaces, start.astype(np.int64), seen

    def _number(self, interfaces: NDArray[Any], at_s: NDArray[Any]) -> NDArray[np.int64]:
        number: NDArray[np.int64] = np.floor(
            (at_s - self._base_s[interfaces]) / self._interval_s
        ).astype(np.int64)
        return number

    def _cut(self, views: Rows, until_s: int, rng: Rng) -> tuple[Rows, Rows]:
        interfaces = views["interface"]
        t0, t1 = views["t0"], views["t1"]
        final = self._number(interfaces, t1)
        begins = self._number(interfaces, t0)
        first = np.maximum(
            views["next_window"], self._number(interfaces, np.maximum(t0, self._begin_s))
        )
        last = np.minimum(final, self._number(interfaces, np.full(len(views), until_s - 0.001)))
        counts = np.maximum(last - first + 1, 0)
        row = np.repeat(np.arange(len(views)), counts)
        number = first[row] + _within(counts)
        views["next_window"] = np.maximum(last + 1, views["next_window"])
        opened = self._base_s[interfaces[row]] + number * self._interval_s
        records = self._fill(views[row], opened, number == begins[row], number == final[row], rng)
        self.mark(records)
        return records, views[final > last]

    def _fill(
        self,
        views: Rows,
        opened: NDArray[Any],
        is_first: NDArray[Any],
        is_last: NDArray[Any],
        rng: Rng,
    ) -> Rows:
        count = len(views)
        closed = opened + self._interval_s
        a = np.maximum(np.maximum(views["t0"], opened), self._begin_s)
        b = np.minimum(views["t1"], closed)
        share = np.maximum(b - a, 0) / np.maximum(views["t1"] - views["t0"], 1e-6)
        packets, volume = _split(views, share, is_first, is_last, rng)
        records = np.zeros(count, RECORD)
        for name in _COPIED:
            records[name] = views[name]
        records["packets"], records["bytes"] = packets, volume
        start = np.floor(a + np.where(is_first, 0.0, rng.exponential(2.0, count)))
        end = b - np.where(is_last, 0.0, rng.exponential(2.0, count))
        end = np.floor(end + rng.exponential(END_LATE_S, count))
        # closed may be the next slot's first second; an interval's records end within it
        records["end"] = np.clip(
            np.maximum(end, start), start, np.maximum(np.floor(closed) - 1, start)
        )
        records["start"] = start
        records["flags"] = views["flags_first"] * is_first | views["flags_last"] * is_last
        return records[packets > 0]


def _split(
    views: Rows, share: NDArray[Any], is_first: NDArray[Any], is_last: NDArray[Any], rng: Rng
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Packets and bytes of each interval: even shares of the connection, with bursts."""
    whole = is_first & is_last
    burst = rng.gamma(2.0, 0.5, len(views))
    packets = np.where(whole, views["packets"], rng.poisson(views["packets"] * share * burst))
    # The first and the last packet are where they are; nothing has more packets than there were.
    sure = np.where(whole, 0, is_first + (is_last & (views["packets"] > 1)))
    packets = np.minimum(np.maximum(packets, sure), views["packets"])
    size = views["bytes"] / np.maximum(views["packets"], 1)
    size = size * np.where(whole, 1.0, np.exp(rng.normal(0, 0.15, len(views))))
    volume = np.clip(np.rint(packets * size), packets * 40, packets * 9_001)
    return packets.astype(np.int64), np.where(whole, views["bytes"], volume).astype(np.int64)


def _within(counts: NDArray[Any]) -> NDArray[np.int64]:
    """0, 1, .. count - 1 for each count, one after another."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    within: NDArray[np.int64] = np.arange(total) - np.repeat(ends - counts, counts)
    return within
