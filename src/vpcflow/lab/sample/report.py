"""What a sample holds, counted while it was written: the answers that questions should find."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vpcflow.lab.sample.connections import EGRESS, REJECT, Rows, Story
from vpcflow.lab.sample.incidents import Incident, SkippedWindow
from vpcflow.lab.sample.network import MAPPED, OUTSIDE, VPC_PREFIX, Network
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.windows import NODATA, OK, SKIPDATA

_STORY_NAMES = {
    Story.PORT_SCAN: "port scan",
    Story.BRUTE_FORCE: "brute force",
    Story.BEACON: "beacon",
    Story.EXFILTRATION: "exfiltration",
    Story.TOP_TALKER: "top talker",
}
#: Every IPv4 range of a sample: first address, how many.
_RANGES = (
    (VPC_PREFIX, 1 << 16),
    (OUTSIDE.internet_first, OUTSIDE.internet_count),
    (OUTSIDE.s3_first, 256),
    (OUTSIDE.hostile_first, 256),
    (OUTSIDE.partner_first, 256),
)


@dataclass(frozen=True)
class Fact:
    """One planted incident as it stands in the records.

    Units: ``bytes`` over all records of the incident; ``sent_bytes`` those that left the source,
    counted once, at the source's own interface or, for an outside source, at its target's.
    """

    name: str
    source: str
    target: str | None
    port: int | None
    start_s: int
    end_s: int
    records: int
    rejected_records: int
    bytes: int
    sent_bytes: int
    detail: str


@dataclass(frozen=True)
class SampleReport:
    """What was written.

    Units: ``bytes`` of the files, ``text_bytes`` before gzip. Shape: ``top_source`` is the IPv4
    ``srcaddr`` with the most bytes over all records, both observation points counted.
    """

    records: int
    files: int
    bytes: int
    text_bytes: int
    ok_records: int
    rejected_records: int
    nodata_records: int
    skipdata_records: int
    start_min: int
    end_max: int
    interfaces: int
    skipdata_interfaces: tuple[str, ...]
    skipdata_start_s: int
    skipdata_end_s: int
    top_source: str
    top_source_bytes: int
    facts: tuple[Fact, ...]

    def fact(self, name: str) -> Fact:
        """The planted incident of that name."""
        return next(fact for fact in self.facts if fact.name == name)


@dataclass
class Counter:
    """Counts records as they are written."""

    network: Network
    settings: SampleSettings
    incidents: tuple[Incident, ...]
    skipped: SkippedWindow
    records: int = 0
    statuses: NDArray[np.int64] = field(default_factory=lambda: np.zeros(3, np.int64))
    rejected: int = 0
    start_min: int = 2**62
    end_max: int = 0
    _stories: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(Story), 4), np.int64))
    _sources: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(sum(count for _, count in _RANGES), np.int64)
    )

    def add(self, records: Rows) -> None:
        """Count one slot."""
        if not len(records):
            return
        self.records += len(records)
        self.statuses += np.bincount(records["status"], minlength=3)
        self.rejected += int((records["action"] == REJECT).sum())
        self.start_min = min(self.start_min, int(records["start"].min()))
        self.end_max = max(self.end_max, int(records["end"].max()))
        flows = records[records["status"] == OK]
        np.add.at(self._sources, *_source_bins(flows))
        self._count_stories(flows[flows["story"] != Story.ORDINARY])

    def _count_stories(self, told: Rows) -> None:
        for incident in self.incidents:
            part = told[told["story"] == incident.story]
            from_source = part["src"][:, 1] == incident.source
            at_source = self.network.address[part["interface"]] == incident.source
            inside = incident.source in self.network.address
            sent = part["bytes"][
                from_source & ((part["direction"] == EGRESS) & at_source | (not inside))
            ]
            self._stories[incident.story] += (
                len(part),
                int((part["action"] == REJECT).sum()),
                int(part["bytes"].sum()),
                int(sent.sum()),
            )

    def report(self, files: int, file_bytes: int, text_bytes: int) -> SampleReport:
        """Everything counted so far."""
        top = int(self._sources.argmax())
        return SampleReport(
            records=self.records,
            files=files,
            bytes=file_bytes,
            text_bytes=text_bytes,
            ok_records=int(self.statuses[OK]),
            rejected_records=self.rejected,
            nodata_records=int(self.statuses[NODATA]),
            skipdata_records=int(self.statuses[SKIPDATA]),
            start_min=self.start_min,
            end_max=self.end_max,
            interfaces=len(self.network),
            skipdata_interfaces=tuple(
                self.network.interface_ids[number] for number in self.skipped.interfaces
            ),
            skipdata_start_s=self.skipped.start_s,
            skipdata_end_s=self.skipped.end_s,
            top_source=str(IPv4Address(_address_of_bin(top))),
            top_source_bytes=int(self._sources[top]),
            facts=tuple(self._fact(incident) for incident in self.incidents),
        )

    def _fact(self, incident: Incident) -> Fact:
        counts = [int(value) for value in self._stories[incident.story]]
        return Fact(
            name=_STORY_NAMES[incident.story],
            source=_as_text(incident.source),
            target=None if incident.target is None else _as_text(incident.target),
            port=incident.port,
            start_s=incident.start_s,
            end_s=incident.end_s,
            records=counts[0],
            rejected_records=counts[1],
            bytes=counts[2],
            sent_bytes=counts[3],
            detail=incident.detail,
        )

    def readme(self) -> str:
        """The text that marks the folder as a sample."""
        settings = self.settings
        return (
            f"{MARKER}\n\n"
            f"{settings.records} flow log records of a made-up VPC, version {settings.version}, "
            f"{settings.days} days from {settings.start_date}, seed {settings.seed}.\n"
            "Nothing here was ever on a network. The account, the interfaces and the flow log "
            f"({settings.flow_log_id})\ndo not exist; addresses outside the VPC are from the ranges "
            "kept for documentation and benchmarks\n(192.0.2.0/24, 198.18.0.0/15, 198.51.100.0/24, "
            "203.0.113.0/24, 2001:db8::/32).\n\n"
            "Planted, to be found:\n"
            + "".join(f"  {self._told(incident)}\n" for incident in self.incidents)
            + f"  SKIPDATA from {_utc(self.skipped.start_s)} to {_utc(self.skipped.end_s)} on "
            + ", ".join(self.network.interface_ids[number] for number in self.skipped.interfaces)
            + "\n"
        )

    def _told(self, incident: Incident) -> str:
        target = _as_text(incident.target) if incident.target is not None else "many"
        port = f":{incident.port}" if incident.port else ""
        return (
            f"{_STORY_NAMES[incident.story]}: {_as_text(incident.source)} to {target}{port}, "
            f"{_utc(incident.start_s)} to {_utc(incident.end_s)} ({incident.detail})"
        )


#: The first line of README.txt in every folder that holds a sample.
MARKER = "Generated by vpcflow sample, not real traffic."


def _source_bins(flows: Rows) -> tuple[NDArray[Any], NDArray[Any]]:
    low = flows["src"][:, 1].astype(np.int64) - MAPPED
    is_v4 = flows["src"][:, 0] == 0
    bins = np.full(len(flows), -1)
    offset = 0
    for first, count in _RANGES:
        inside = is_v4 & (low >= first) & (low < first + count)
        bins[inside] = low[inside] - first + offset
        offset += count
    return bins[bins >= 0], flows["bytes"][bins >= 0]


def _address_of_bin(index: int) -> int:
    for first, count in _RANGES:
        if index < count:
            return first + index
        index -= count
    raise AssertionError("a bin that belongs to no range")


def _as_text(low_half: int) -> str:
    return str(IPv4Address(low_half - MAPPED))


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%MZ")
