"""What live capture has open in one network namespace."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from vpcflow.capture.meter import Feed
from vpcflow.capture.packet_batch import PacketBatch
from vpcflow.capture.packet_sources.af_packet import AfPacketSource
from vpcflow.capture.packet_sources.nflog import NflogSource
from vpcflow.capture.packet_sources.vxlan_mirror import Decapsulator
from vpcflow.capture.ruleset_generation import RulesetGeneration
from vpcflow.capture.verdict_feed import VerdictFeed


@dataclass
class NamespaceCapture:
    """What is open in one network namespace."""

    name: str
    generation: int
    ring: AfPacketSource
    feed: Feed
    verdicts: VerdictFeed
    log: NflogSource | None
    ruleset: RulesetGeneration
    mirror: Feed | None = None
    decapsulator: Decapsulator | None = None
    mirrored_slots: frozenset[int] = frozenset()
    dropped: dict[str, int] = field(default_factory=dict)
    #: Batches of the block at hand that are not counted to their end.
    waiting: list[tuple[Feed, PacketBatch]] = field(default_factory=list)
    leaving: list[int] = field(default_factory=list)

    def close(self) -> None:
        """Give ring, log and numbers back."""
        self.waiting.clear()
        self.ring.close()
        self.ruleset.close()
        if self.log is not None:
            with contextlib.suppress(OSError):
                self.log.close()
