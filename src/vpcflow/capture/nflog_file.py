"""A capture file of a firewall's log beside a capture file of an interface: who was refused.

The firewall may stand before the interface or behind it: a refused packet that the interface's file
holds too is refused there, one that it does not hold counts by itself. Every refusal is waited for
until its interval closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from vpcflow.base.errors import CaptureError
from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.meter import Meter
from vpcflow.capture.nflog_kernels import GROUP
from vpcflow.capture.observation_point import ObservationPoint
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX, LinkType
from vpcflow.capture.packet_sources.nflog import (
    NflogCounts,
    PrefixTable,
    parse_nflog_file_batch,
)
from vpcflow.capture.packet_sources.pcap_file import PcapFileSource
from vpcflow.capture.parse_kernels import FragmentCache, new_parsed_matrix, parse_packets
from vpcflow.capture.parsed_columns import FLOW_WORD, SLOT_SHIFT, TIME_NS, VERDICT_ACCEPT
from vpcflow.capture.verdict import Attribution, RuleNumbers, VerdictSet
from vpcflow.capture.verdict_feed import DirectPackets

Matrix = npt.NDArray[np.uint64]

#: Refusals of one interval that may wait for their packets; a power of two.
WAITING_MAX = 1 << 20
#: A packet is logged at most so long after it was captured.
LOG_DELAY_NS = 10_000_000
#: The group of a record is not looked at, the whole file is refusals: every one gets this.
_GROUP = 0


class NflogFile:
    """The refusals of a file, handed to the meter interval by interval.

    Shape: ``open_window`` after the meter opened one, ``settle`` before it closes it.
    ``next_time_ns`` is that of the first refusal beyond, None when there is none. Interfaces that
    are known but not captured are given as points too: their refusals belong to them.
    Errors: CaptureError when the file holds something else than NFLOG.
    """

    def __init__(self, path: str, verdicts: VerdictSet, rules: RuleNumbers) -> None:
        self._source = PcapFileSource(path)
        self._path = path
        self._verdicts = verdicts
        self._prefixes = PrefixTable()
        self._attribution = Attribution(
            "", DeviceMap(), self._prefixes, rules, reject_groups=(_GROUP,)
        )
        self._slots: npt.NDArray[np.uint64] = np.zeros(0, np.uint64)
        self._direct = DirectPackets()
        self._counts = NflogCounts()
        self._crowded = 0
        self._told = 0
        self._matrices = self._read()
        self._pending: Matrix | None = None

    def update(self, captured: ObservationPoint, others: Iterable[ObservationPoint]) -> None:
        """Whose packets are captured, and who else is known; all refusals are logged."""
        self._attribution.update([captured, *others])
        self._slots = np.array([captured.slot], np.uint64)
        self._verdicts.default_verdict[captured.slot] = VERDICT_ACCEPT

    @property
    def dropped(self) -> int:
        """Refusals for which there was no room: not counted, or accepted as well."""
        return self._direct.dropped + self._crowded

    @property
    def malformed(self) -> int:
        """Damaged places and records of the file."""
        return self._source.counts.malformed + self._counts.malformed

    @property
    def next_time_ns(self) -> int | None:
        """When the next refusal was that is not handed over yet."""
        return None if self._pending is None else int(self._pending[TIME_NS, 0])

    def open_window(self, end_ns: int) -> None:
        """Let the refusals of an interval wait for their packets."""
        while True:
            if self._pending is None:
                self._pending = next(self._matrices, None)
                if self._pending is None:
                    return
            self._hand_over(end_ns)
            self._hand_over(end_ns + LOG_DELAY_NS)
            if self._pending is not None:
                return

    def settle(self, meter: Meter, end_ns: int) -> None:
        """What waits has no packet in the file: it counts by itself."""
        while True:
            late = self._verdicts.expire(end_ns, 0)
            if not late.shape[1]:
                break
            self._direct.put(late)
        self._direct.advance(meter)
        if self.dropped > self._told:
            self._told = self.dropped
            meter.lost("")

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _hand_over(self, before_ns: int) -> None:
        if self._pending is None:
            return
        later = np.flatnonzero(self._pending[TIME_NS] >= np.uint64(max(before_ns, 0)))
        cut = int(later[0]) if len(later) else self._pending.shape[1]
        if cut:
            part = np.ascontiguousarray(self._pending[:, :cut])
            which = np.arange(cut, dtype=np.int64)
            crowded = self._verdicts.add(part, which, before_ns)
            self._crowded += crowded.shape[1]
            self._direct.put(crowded)
        rest = self._pending[:, cut:]
        self._pending = rest if rest.shape[1] else None

    def _read(self) -> Iterator[Matrix]:
        """Refusals of the captured interface, in the order of the file."""
        fragments = FragmentCache()
        parsed = new_parsed_matrix(BATCH_PACKETS_MAX)
        for batch in self._source.batches():
            if batch.link_type is not LinkType.NFLOG:
                raise CaptureError(
                    "not a capture of a firewall's log",
                    where=self._path,
                    hint="capture it with `tcpdump -i nflog:GROUP -w FILE`",
                )
            logged = parse_nflog_file_batch(batch, self._prefixes, self._counts)
            logged.fields[GROUP] = _GROUP
            parse_packets(logged.packets, fragments, parsed)
            found = self._attribution.attribute(logged, parsed, self._verdicts.default_verdict)
            seen = parsed[:, found.seen]
            both = np.concatenate([seen, found.direct], axis=1)
            slot = both[FLOW_WORD] >> np.uint64(SLOT_SHIFT)
            mine = both[:, np.isin(slot, self._slots)]
            if mine.shape[1]:
                yield np.ascontiguousarray(mine[:, np.argsort(mine[TIME_NS], kind="stable")])
