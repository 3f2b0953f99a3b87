"""The sample's records, five minutes after five minutes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.connections import Rng, Rows, Story, make_views
from vpcflow.lab.sample.incidents import Incident, SkippedWindow
from vpcflow.lab.sample.network import Network, Role
from vpcflow.lab.sample.noise import noise_records
from vpcflow.lab.sample.settings import SLOT_S, SampleSettings
from vpcflow.lab.sample.traffic import KINDS, Traffic
from vpcflow.lab.sample.windows import NODATA, RECORD, SKIPDATA, Windows

#: The noise of the internet does not sleep; the rest follows the day and the week.
NOISE_SHARE = 0.12
#: AWS writes one NODATA line for each silent interval of an interface. No more than this of a slot
#: are such lines: a sample of few records would hold little else.
NODATA_SHARE_MAX = 0.4
#: How fast the room for NODATA lines follows what the slots before needed.
SILENT_MEMORY = 0.7
#: AWS skipped this share of the records where it says SKIPDATA.
SKIPPED_SHARE = 0.6
#: A slot may run ahead of its quota by this share; the next ones have less noise in exchange.
DEBT_SHARE_MAX = 0.4
#: The last slots of a sample may not: there is nobody to pay.
PAYBACK_SLOTS = 24
#: How fast the draw follows what the slots before really held.
MEMORY, CORRECTION = 0.97, 0.15


def seasons(settings: SampleSettings) -> NDArray[np.float64]:
    """Weight of each slot: afternoons are busy, nights and week-ends are not; they sum to one."""
    rng = np.random.default_rng([settings.seed, 0x5EA])
    at_s = settings.start_s + np.arange(settings.slots) * SLOT_S
    hour = at_s % 86_400 / 3_600
    by_day = 0.30 + 0.70 * np.exp(-(((hour - 14.5 + 12) % 24 - 12) ** 2) / (2 * 3.6**2))
    by_day += 0.12 * np.exp(-(((hour - 9.7 + 12) % 24 - 12) ** 2) / (2 * 1.0**2))
    weekday = (at_s // 86_400 + 3) % 7
    by_week = np.where(weekday >= 5, 0.55, 1.0 - 0.04 * np.abs(weekday - 2))
    weights = by_day * by_week * np.exp(rng.normal(0, 0.04, settings.slots))
    return np.asarray(weights / weights.sum())


class Slots:
    """Draws a sample slot by slot; holds what crosses into the next ones and nothing else."""

    def __init__(
        self,
        network: Network,
        settings: SampleSettings,
        incidents: tuple[Incident, ...],
        skipped: SkippedWindow,
    ) -> None:
        self._network, self._settings = network, settings
        self._skipped = skipped
        self._traffic = Traffic(network, settings.seed, settings.interval_s)
        self._windows = Windows(network, settings)
        planted = np.concatenate([incident.connections for incident in incidents])
        self._planted = planted[np.argsort(planted["t0"], kind="stable")]
        self._running_in = True
        self._wanted = 0.0
        self._given = 0
        self._gain = 1.0
        self._drawn, self._asked = 1e-9, 1e-9
        self._silent_before = 0.0
        idle = np.isin(network.role, [Role.IDLE])
        self._quietest_first = np.argsort(~idle, kind="stable")

    def __iter__(self) -> Iterator[tuple[int, Rows]]:
        """Each slot's first second and its records, mixed as AWS mixes them."""
        settings = self._settings
        weights = seasons(settings)
        ordinary_all = settings.records * (1 - NOISE_SHARE)
        flat = settings.records * NOISE_SHARE / settings.slots
        for number, weight in enumerate(weights):
            slot_s = settings.start_s + number * SLOT_S
            rng = np.random.default_rng([settings.seed, number, 0x510])
            self._wanted += ordinary_all * weight + flat
            last = number == settings.slots - 1
            ahead = DEBT_SHARE_MAX if number < settings.slots - PAYBACK_SLOTS else 0.0
            quota = (settings.records if last else round(self._wanted)) - self._given
            self._running_in = number == 0
            room = max(0, quota + int(ordinary_all * weight * ahead))
            records = self._slot(slot_s, ordinary_all * weight, quota, room, rng, last=last)
            if last:
                records = _cut(records, quota, rng)
            self._given += len(records)
            yield slot_s, records[rng.permutation(len(records))]

    def _slot(
        self, slot_s: int, ordinary: float, quota: int, room: int, rng: Rng, *, last: bool
    ) -> Rows:
        """Records of one slot: noise up to the ``quota``, others up to ``room``."""
        # what stays free of it in one slot comes as noise of the next; the last one has no next
        reserved = 0.0 if last else min(self._silent_before, quota * NODATA_SHARE_MAX)
        ordinary = max(ordinary * 0.25, ordinary - reserved)
        connections = self._connections(slot_s, ordinary, rng)
        views = make_views(connections, self._network, rng)
        records = self._windows.records(views, slot_s, rng)
        self._learn(records, ordinary)
        records, skipped = self._skip(records, slot_s, rng)
        records = _cut(records, room - len(skipped), rng)
        left = max(0, quota - len(records) - len(skipped))
        noise = noise_records(
            self._network, self._traffic, max(0, left - int(reserved)), slot_s, rng
        )
        self._windows.mark(noise)
        silent_max = min(left, max(1, int(quota * NODATA_SHARE_MAX)))
        silent = self._silent(slot_s, silent_max, rng)
        # the lines without data take the place of noise, so that the slot keeps its size
        noise = noise[: max(0, left - len(silent))]
        return np.concatenate([records, skipped, noise, silent])

    def _connections(self, slot_s: int, ordinary: float, rng: Rng) -> Rows:
        drawn = []
        for kind in KINDS:
            records = ordinary * kind.share * self._gain
            drawn.append(self._traffic.draw(kind, records, slot_s, rng))
            if self._running_in:
                drawn.append(self._traffic.draw_running(kind, records, slot_s, rng))
        begin, end = np.searchsorted(self._planted["t0"], [slot_s, slot_s + SLOT_S])
        drawn.append(self._planted[begin:end])
        return np.concatenate(drawn)

    def _learn(self, records: Rows, ordinary: float) -> None:
        """Steer the draw, since long connections make more or fewer records than expected."""
        count = int((records["story"] == Story.ORDINARY).sum())
        self._drawn = self._drawn * MEMORY + count
        self._asked = self._asked * MEMORY + ordinary
        error = self._asked / max(self._drawn, 1.0)
        self._gain = float(np.clip(self._gain * error ** (CORRECTION * (1 - MEMORY)), 0.25, 4.0))

    def _skip(self, records: Rows, slot_s: int, rng: Rng) -> tuple[Rows, Rows]:
        skipped = self._skipped
        if slot_s + SLOT_S <= skipped.start_s or slot_s >= skipped.end_s:
            return records, np.zeros(0, RECORD)
        at_issue = np.isin(records["interface"], skipped.interfaces)
        at_issue &= (records["start"] >= skipped.start_s) & (records["story"] == Story.ORDINARY)
        kept = ~at_issue | (rng.random(len(records)) >= SKIPPED_SHARE)
        every_s = self._settings.interval_s
        starts = np.arange(slot_s, slot_s + SLOT_S, every_s) if every_s < SLOT_S else [slot_s]
        lines = np.zeros(len(skipped.interfaces) * len(starts), RECORD)
        lines["interface"] = np.repeat(skipped.interfaces, len(starts))
        lines["start"] = np.tile(starts, len(skipped.interfaces)) + lines["interface"] % 7
        lines["end"] = lines["start"] + min(every_s, SLOT_S) - 9
        lines["status"] = SKIPDATA
        return records[kept], lines

    def _silent(self, slot_s: int, lines_max: int, rng: Rng) -> Rows:
        interfaces, starts, seen = self._windows.closing(slot_s)
        interfaces, starts = interfaces[~seen], starts[~seen]
        self._silent_before = SILENT_MEMORY * self._silent_before + (1 - SILENT_MEMORY) * len(
            starts
        )
        order = np.argsort(np.argsort(self._quietest_first)[interfaces], kind="stable")[:lines_max]
        lines = np.zeros(len(order), RECORD)
        lines["interface"], lines["start"] = interfaces[order], starts[order]
        ends = starts[order] + self._settings.interval_s - rng.integers(1, 9, len(order))
        lines["end"] = np.clip(ends, slot_s, slot_s + SLOT_S - 1)
        lines["status"] = NODATA
        return lines


def _cut(records: Rows, count: int, rng: Rng) -> Rows:
    """Leave out ordinary records beyond ``count``: small samples hold more incidents than planned."""
    excess = len(records) - max(0, count)
    if excess <= 0:
        return records
    ordinary = np.flatnonzero(records["story"] == Story.ORDINARY)
    left_out = rng.permutation(ordinary)[:excess]
    kept: Rows = np.delete(records, left_out)
    return kept
