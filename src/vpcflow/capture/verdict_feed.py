"""The firewall's log as the meter sees it: verdicts for the ring's packets, and packets of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.exclusions import Exclusion
from vpcflow.capture.meter_kernels import find_cut
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX
from vpcflow.capture.packet_sources.nflog import NflogBatch, PrefixTable
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.parsed_columns import FLOW_WORD, SLOT_SHIFT
from vpcflow.capture.verdict import Attribution, RuleNumbers, VerdictSet

if TYPE_CHECKING:
    from vpcflow.capture.meter import Meter
    from vpcflow.capture.settings import CaptureSettings

Matrix = npt.NDArray[np.uint64]

#: How long a refusal waits for its packet before it counts by itself.
VERDICT_AGE_NS = 2_000_000_000
#: Refused packets that wait for the next interval; more are lost, and counted.
DIRECT_PACKETS_MAX = 1_048_576


class DirectPackets:
    """Refused packets that no ring saw, until their interval counts them.

    Shape: bounded by ``DIRECT_PACKETS_MAX``; ``dropped`` are those for which there was no room.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._matrices: deque[tuple[Matrix, int]] = deque()
        self._packets = 0
        self._rows = np.zeros(BATCH_PACKETS_MAX, np.int32)

    def put(self, matrix: Matrix) -> None:
        """Take columns that have slot, direction and verdict."""
        packets = matrix.shape[1]
        if not packets:
            return
        if self._packets + packets > DIRECT_PACKETS_MAX:
            self.dropped += packets
            return
        self._matrices.append((matrix, 0))
        self._packets += packets

    def advance(self, meter: Meter) -> None:
        """Count what lies before the end of the open interval."""
        for _ in range(len(self._matrices)):
            matrix, begin = self._matrices.popleft()
            end = matrix.shape[1]
            cut = find_cut(matrix, begin, end, 0, meter.window_end_ns)
            meter.count(matrix, begin, cut, self._rows)
            self._packets -= cut - begin
            if cut < end:
                self._matrices.append((matrix, cut))


class VerdictFeed:
    """Logged packets of one network namespace on their way to the flow table.

    Shape: ``take`` a batch as it was logged; ``advance`` counts refused packets that no ring saw
    up to the end of the interval.
    """

    def __init__(
        self,
        namespace: str,
        devices: DeviceMap,
        verdicts: VerdictSet,
        rules: RuleNumbers,
        prefixes: PrefixTable,
        settings: CaptureSettings,
    ) -> None:
        self.namespace = namespace
        self._attribution = Attribution(
            namespace,
            devices,
            prefixes,
            rules,
            reject_groups=settings.reject_groups,
            accept_groups=settings.accept_groups,
            drop_discovery=Exclusion.NEIGHBOUR_DISCOVERY in settings.never_logged,
        )
        self._verdicts = verdicts
        self._fragments = FragmentCache()
        self._parsed = new_parsed_matrix(BATCH_PACKETS_MAX)
        self._direct = DirectPackets()
        self._crowded = 0

    @property
    def dropped(self) -> int:
        """Refused packets for which there was no room: not counted, or accepted as well."""
        return self._direct.dropped + self._crowded

    @property
    def counts(self) -> dict[str, int]:
        """What became of logged packets."""
        counts = self._attribution.counts
        return {
            "rejected": counts.rejected,
            "accepted": counts.accepted,
            "unattributed": counts.unattributed,
            "without-verdict": counts.without_verdict,
            "no-flow": counts.no_flow,
        }

    def update(self, points: Iterable[ObservationPoint]) -> None:
        """The points have changed."""
        self._attribution.update(points)

    def take(self, batch: NflogBatch, now_ns: int) -> None:
        """Take in what the firewall logged."""
        if not len(batch):
            return
        parse_packets(batch.packets, self._fragments, self._parsed)
        found = self._attribution.attribute(batch, self._parsed, self._verdicts.default_verdict)
        self._direct.put(found.direct)
        crowded = self._verdicts.add(self._parsed, found.seen, now_ns)
        self._crowded += crowded.shape[1]
        self._direct.put(crowded)

    def expire(self, now_ns: int) -> list[int]:
        """Count refusals whose packet never came; the slots that they are of, of any namespace."""
        late = self._verdicts.expire(now_ns, VERDICT_AGE_NS)
        self._direct.put(late)
        slots: list[int] = np.unique(late[FLOW_WORD] >> np.uint64(SLOT_SHIFT)).tolist()
        return slots

    def advance(self, meter: Meter) -> None:
        """Count refused packets that no ring saw, up to the end of the open interval."""
        self._direct.advance(meter)
