"""ACCEPT or REJECT with the firewall as witness: from what it logs to the packets of the ring.

A ring sees what a device receives before the firewall and what it sends after it. So a refused
packet that was received waits in a ``VerdictSet`` for its twin of the ring; one that would have
been sent never reaches the ring and counts by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vpcflow.capture.attribution_kernels import (
    ATTRIBUTED_ACCEPT,
    ATTRIBUTED_REJECT,
    ATTRIBUTION_COUNTS,
    NO_FLOW,
    PREFIX_COLUMNS,
    UNATTRIBUTED,
    WITHOUT_VERDICT,
    attribute,
)
from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.exclusions import address_words
from vpcflow.capture.observation_point import SLOTS_MAX, ObservationPoint
from vpcflow.capture.packet_batch import BATCH_PACKETS_MAX
from vpcflow.capture.packet_sources.nflog import NflogBatch, PrefixTable
from vpcflow.capture.parsed_columns import COLUMN_COUNT, VERDICT_ACCEPT, VERDICT_REJECT
from vpcflow.capture.verdict_kernels import (
    ENTRY_WORDS,
    FREE,
    KEY_NEXT,
    LATE,
    LINKS,
    LIVE,
    MATCHED,
    NEWEST,
    NO_ROOM,
    OLDEST,
    STATE_WORDS,
    add_verdicts,
    apply_verdicts,
    expire_verdicts,
)
from vpcflow.inventory.network_interface import AttachmentSide
from vpcflow.policy.log_prefix import LoggedVerdict, LogPrefix
from vpcflow.policy.security_group import Direction

#: Rules that have a number; those beyond it are not named in records.
RULES_MAX = 65_535
#: Refused packets that may wait for their twins; a power of two.
VERDICTS_MAX = 65_536

Matrix = npt.NDArray[np.uint64]


class RuleNumbers:
    """Rules by a number of 16 bits, 0 for none.

    Shape: a number keeps its meaning while the process lives. ``refused`` counts rules for which
    there was no number left.
    """

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        self.refused = 0
        self._numbers: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        """The number of a rule, a new one when it is new; 0 when there is none left."""
        found = self._numbers.get(text)
        if found is not None:
            return found
        if len(self.texts) > RULES_MAX:
            self.refused += 1
            return 0
        self.texts.append(text)
        self._numbers[text] = len(self.texts) - 1
        return len(self.texts) - 1

    def rule_text(self, number: int) -> str:
        """The rule of a number; empty for 0."""
        return self.texts[number]


@dataclass(slots=True)
class AttributionCounts:
    """What became of logged packets. Units: packets."""

    rejected: int = 0
    accepted: int = 0
    #: At no interface under metering.
    unattributed: int = 0
    #: Of a group that the settings name neither for refused nor for accepted packets.
    without_verdict: int = 0
    #: ARP, damaged packets, neighbour discovery.
    no_flow: int = 0


@dataclass(frozen=True, slots=True)
class Attributed:
    """Logged packets that have an interface.

    Shape: ``seen`` are the numbers of those that the ring sees too, for ``VerdictSet.add``;
    ``direct`` are the columns of refused ones that no ring saw, to be counted as they are.
    """

    seen: npt.NDArray[np.int64]
    direct: Matrix


class Attribution:
    """Whose a logged packet is, in one network namespace.

    Shape: ``devices`` is the map of the namespace's ring and may change at any time; ``update``
    must follow a change of the points. A prefix of ours names interface, direction, verdict and
    rule. Of a foreign ruleset the group is the verdict, the prefix the rule, and the addresses,
    else the devices, say at which interface: where the target's interface is known the packet did
    not enter it, else it did not leave the sender's.
    """

    def __init__(
        self,
        namespace: str,
        devices: DeviceMap,
        prefixes: PrefixTable,
        rules: RuleNumbers,
        *,
        reject_groups: Sequence[int] = (),
        accept_groups: Sequence[int] = (),
        drop_discovery: bool = True,
    ) -> None:
        self.counts = AttributionCounts()
        self._namespace = namespace
        self._devices = devices
        self._prefixes = prefixes
        self._rules = rules
        self._drop_discovery = drop_discovery
        self._groups = np.array([*reject_groups, *accept_groups], np.int64)
        self._group_verdicts = np.array(
            [VERDICT_REJECT] * len(reject_groups) + [VERDICT_ACCEPT] * len(accept_groups), np.int64
        )
        self._interfaces: dict[str, int] = {}
        self._addresses = np.zeros((0, 2), np.uint64)
        self._address_slots = np.zeros(0, np.int64)
        self._sides = np.zeros(SLOTS_MAX + 1, np.uint8)
        self._prefix_rows = np.zeros((0, PREFIX_COLUMNS), np.int64)
        self._seen = np.zeros(BATCH_PACKETS_MAX, np.int64)
        self._direct = np.zeros(BATCH_PACKETS_MAX, np.int64)
        self._counted = np.zeros(ATTRIBUTION_COUNTS, np.int64)

    def update(self, points: Iterable[ObservationPoint]) -> None:
        """Take the points that exist now; those of other namespaces are passed over."""
        owner: dict[tuple[int, int], int] = {}
        self._interfaces.clear()
        for point in points:
            if point.namespace != self._namespace or point.until_s is not None:
                continue
            self._interfaces[point.interface.interface_id] = point.slot
            self._sides[point.slot] = point.side is AttachmentSide.PORT
            for address in point.interface.addresses:
                owner[address_words(address)] = point.slot
        ordered = sorted(owner)
        self._addresses = np.array(ordered, np.uint64).reshape(-1, 2)
        self._address_slots = np.array([owner[words] for words in ordered], np.int64)
        self._prefix_rows = np.zeros((0, PREFIX_COLUMNS), np.int64)

    def attribute(
        self, batch: NflogBatch, parsed: Matrix, default_verdict: npt.NDArray[np.uint8]
    ) -> Attributed:
        """Write slot, direction, verdict and rule of a batch that was parsed into ``parsed``."""
        self._learn_prefixes()
        seen, direct = attribute(
            parsed,
            batch.fields,
            len(batch),
            self._prefix_rows,
            self._groups,
            self._group_verdicts,
            self._devices.keys,
            self._devices.values,
            self._addresses,
            self._address_slots,
            self._sides,
            default_verdict,
            self._drop_discovery,
            self._seen,
            self._direct,
            self._counted,
        )
        found = self._counted.tolist()
        self._counted[:] = 0
        counts = self.counts
        counts.rejected += found[ATTRIBUTED_REJECT]
        counts.accepted += found[ATTRIBUTED_ACCEPT]
        counts.unattributed += found[UNATTRIBUTED]
        counts.without_verdict += found[WITHOUT_VERDICT]
        counts.no_flow += found[NO_FLOW]
        return Attributed(self._seen[:seen], _take(parsed, self._direct[:direct]))

    def _learn_prefixes(self) -> None:
        known = len(self._prefix_rows)
        texts = self._prefixes.texts[known:]
        if texts:
            rows = np.array([self._prefix_row(text) for text in texts], np.int64)
            self._prefix_rows = np.concatenate([self._prefix_rows, rows])

    def _prefix_row(self, text: str) -> tuple[int, int, int, int, int]:
        prefix = LogPrefix.parse(text)
        if prefix is None:
            return 0, -1, 0, 0, self._rules.number(text.strip())
        return (
            1,
            self._interfaces.get(prefix.interface_id, -1),
            int(prefix.direction is Direction.EGRESS),
            VERDICT_REJECT if prefix.verdict is LoggedVerdict.REJECT else VERDICT_ACCEPT,
            self._rules.number(prefix.rule),
        )


class VerdictSet:
    """Verdicts that wait for the packets of the ring.

    Shape: bounded by ``verdicts_max``. ``default_verdict`` has an entry for each slot: what a
    packet without an entry gets. ACCEPT where the firewall logs every refusal, unknown elsewhere.
    Units: counts are packets since the start.
    """

    def __init__(self, verdicts_max: int = VERDICTS_MAX) -> None:
        self.default_verdict = np.zeros(SLOTS_MAX + 1, np.uint8)
        self._seed = np.uint64(int.from_bytes(os.urandom(8), "little"))
        self._rows = np.empty((verdicts_max, ENTRY_WORDS), np.uint64)
        self._links = np.full((verdicts_max, LINKS), -1, np.int32)
        self._links[:-1, KEY_NEXT] = np.arange(1, verdicts_max)
        places = 1 << (2 * verdicts_max - 1).bit_length()
        self._key_heads = np.full(places, -1, np.int32)
        self._source_heads = np.full(places, -1, np.int32)
        self._live_at = np.zeros(2 * (SLOTS_MAX + 1), np.int32)
        self._state = np.zeros(STATE_WORDS, np.int64)
        self._state[FREE], self._state[OLDEST], self._state[NEWEST] = 0, -1, -1
        self._refused = np.zeros(BATCH_PACKETS_MAX, np.int64)
        self._late = np.zeros((COLUMN_COUNT, BATCH_PACKETS_MAX), np.uint64)

    def __len__(self) -> int:
        return int(self._state[LIVE])

    @property
    def matched(self) -> int:
        """Packets of the ring whose verdict was found."""
        return int(self._state[MATCHED])

    @property
    def late(self) -> int:
        """Refusals whose packet was not found in time."""
        return int(self._state[LATE])

    @property
    def no_room(self) -> int:
        """Refusals for which the set was full."""
        return int(self._state[NO_ROOM])

    def add(self, parsed: Matrix, which: npt.NDArray[np.int64], now_ns: int) -> Matrix:
        """Let verdicts wait; the columns of refused packets without room, to be counted directly.

        Shape: as ``Attribution.attribute`` left them. ``now_ns`` is of the clock of ``expire``.
        """
        refused = add_verdicts(
            parsed,
            which,
            now_ns,
            self._seed,
            self._rows,
            self._links,
            self._key_heads,
            self._source_heads,
            self._live_at,
            self._state,
            self._refused,
        )
        return _take(parsed, self._refused[:refused])

    def apply(self, parsed: Matrix, begin: int, end: int) -> None:
        """Write the verdicts of ring packets that have their slot and direction."""
        apply_verdicts(
            parsed,
            begin,
            end,
            self.default_verdict,
            self._seed,
            self._rows,
            self._links,
            self._key_heads,
            self._source_heads,
            self._live_at,
            self._state,
        )

    def expire(self, now_ns: int, age_ns: int) -> Matrix:
        """Take out what has waited for ``age_ns``; the columns of refusals that were never met.

        Shape: at most ``BATCH_PACKETS_MAX``, the rest comes with the next call.
        Whole packets whose fragments were met, and acceptances, just end.
        """
        count = expire_verdicts(
            now_ns,
            age_ns,
            self._rows,
            self._links,
            self._key_heads,
            self._source_heads,
            self._live_at,
            self._state,
            self._late,
        )
        return self._late[:, :count].copy()


def _take(parsed: Matrix, which: npt.NDArray[np.int64]) -> Matrix:
    """The columns as a matrix of their own."""
    return np.take(parsed, which, axis=1)
