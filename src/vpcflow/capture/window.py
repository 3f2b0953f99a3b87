"""One aggregation interval that is over: what the meter hands to aggregation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from vpcflow.capture.observation_point import ObservationPoint


class ActionSource(IntEnum):
    """Who told the action of a flow; the number stands in ``action_source``."""

    NOBODY = 0
    NFLOG = 1
    POLICY = 2


@dataclass(frozen=True, slots=True)
class RttRows:
    """Round-trip times of flow rows that have some. Units: microseconds."""

    row: npt.NDArray[np.int64]
    minimum: npt.NDArray[np.int64]
    median: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """The flows of one aggregation interval.

    Shape: ``rows`` as in the flow table, 8 words each; ``skipped_packets`` by slot, of points whose
    packets could not all be counted; ``lost_namespaces`` are those where the kernel dropped packets
    or verdicts, so that every point in them may lack some; ``rule_texts`` by rule number.
    Units: ``start_ns`` and ``end_ns`` nanoseconds since the epoch: the part of the interval in
    which the meter ran.
    """

    start_ns: int
    end_ns: int
    interval_s: int
    rows: npt.NDArray[np.uint64]
    points: tuple[ObservationPoint, ...]
    rtt: RttRows | None = None
    skipped_packets: Mapping[int, int] = field(default_factory=dict)
    lost_namespaces: frozenset[str] = frozenset()
    rule_texts: tuple[str, ...] = ()
    #: By row, as ``ActionSource``; none: nobody told any.
    action_source: npt.NDArray[np.uint8] | None = None

    @property
    def origin_ns(self) -> int:
        """Where the interval begins: the times of the rows count from here.

        The meter may have started within it, so that ``start_ns`` is later.
        """
        interval_ns = self.interval_s * 1_000_000_000
        return self.start_ns // interval_ns * interval_ns
