"""What a closed interval's records are, and the count of them; without the store, which is slow to load."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from vpcflow.capture.aggregation import AggregatedWindow
from vpcflow.capture.exclusions import ExcludedCount, Exclusion
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.window import ClosedWindow
from vpcflow.enrich.network_interface import fill_interface_fields
from vpcflow.inventory.snapshot import Inventory
from vpcflow.record.batch import FlowBatch, Origin


@dataclass
class RecorderCounts:
    """What became of the intervals.

    Units: counts; ``skipped_windows`` are intervals whose records could not be kept, each told by
    SKIPDATA records; ``packets`` and ``bytes`` of the records.
    """

    windows: int = 0
    flows: int = 0
    packets: int = 0
    bytes: int = 0
    nodata: int = 0
    skipdata: int = 0
    skipped_windows: int = 0
    excluded: dict[Exclusion, ExcludedCount] = field(default_factory=dict)
    problem: str = ""

    def add(self, made: AggregatedWindow) -> None:
        """Count one interval."""
        self.windows += 1
        self.flows += made.flows
        self.packets += made.packets
        self.bytes += made.bytes
        self.nodata += made.nodata
        self.skipdata += made.skipdata
        for kind, count in made.excluded.items():
            before = self.excluded.get(kind, ExcludedCount(0, 0, 0))
            self.excluded[kind] = ExcludedCount(
                before.flows + count.flows,
                before.packets + count.packets,
                before.bytes + count.bytes,
            )


def inventory_of(points: Iterable[ObservationPoint]) -> Inventory:
    """What existed in an interval, as its points knew it: some of it may be gone by now."""
    points = tuple(points)
    return Inventory(
        vpcs={point.vpc.vpc_id: point.vpc for point in points if point.vpc},
        subnets={point.subnet.subnet_id: point.subnet for point in points if point.subnet},
        interfaces={point.interface.interface_id: point.interface for point in points},
    )


def flow_batches(window: ClosedWindow, made: AggregatedWindow) -> Iterator[FlowBatch]:
    """The records of an interval with the fields of their interfaces, one batch after the other."""
    inventory = inventory_of(window.points)
    origin = Origin("capture", "capture:packets")
    for records in made.batches:
        batch = FlowBatch(records, origin, None, window.interval_s)
        yield fill_interface_fields(batch, inventory)


def as_skipped(window: ClosedWindow, before: ClosedWindow | None = None) -> ClosedWindow:
    """An interval whose records are lost: only its SKIPDATA lines are left.

    Shape: with ``before`` the two become one, so that any number of lost intervals is bounded.
    """
    points = {point.slot: point for point in (*(before.points if before else ()), *window.points)}
    return replace(
        window,
        start_ns=min(window.start_ns, before.start_ns) if before else window.start_ns,
        end_ns=max(window.end_ns, before.end_ns) if before else window.end_ns,
        rows=np.zeros((0, 8), np.uint64),
        rtt=None,
        points=tuple(points.values()),
        lost_namespaces=frozenset(point.namespace for point in points.values()),
    )
