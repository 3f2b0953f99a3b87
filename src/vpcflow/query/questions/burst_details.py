"""Who and what is behind spells of rejected records, and what they look like together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from vpcflow.query.questions.burst_series import INTERFACE_KEY, SOURCE_KEY, Key, Spell

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.query.row_tables import Row

#: A source with this share of the rejected records is who did it.
SOURCE_SHARE = 0.5
#: So many ports of one source are a scan, so many targets a sweep.
MANY = 10
#: Guessing passwords is at few ports.
FEW_PORTS = 3


class BurstShape(StrEnum):
    """What a burst looks like."""

    PORT_SCAN = "port scan"
    HOST_SWEEP = "host sweep"
    BRUTE_FORCE = "brute force"
    MIXED = "mixed"


@dataclass(slots=True)
class Detail:
    """Counts of one spell's or incident's rejected records."""

    interfaces: Counter[Any] = field(default_factory=Counter)
    sources: Counter[Any] = field(default_factory=Counter)
    targets: Counter[Any] = field(default_factory=Counter)
    ports: Counter[Any] = field(default_factory=Counter)
    #: For each source: its targets, its ports, its first and last start.
    of_source: dict[Any, tuple[set[Any], set[Any], int, int]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one group of records."""
        source, target, records = row["source"], row["target"], row["records"]
        port = (row["protocol"], row["port"])
        self.interfaces[row["account_id"], row["interface_id"]] += records
        self.sources[source] += records
        self.targets[target] += records
        self.ports[port] += records
        targets, ports, first, last = self.of_source.get(
            source, (set(), set(), row["first"], row["last"])
        )
        targets.add(target)
        ports.add(port)
        self.of_source[source] = (
            targets,
            ports,
            min(first, row["first"]),
            max(last, row["last"]),
        )

    def merge(self, other: Detail) -> None:
        """Count what another has counted."""
        self.interfaces.update(other.interfaces)
        self.sources.update(other.sources)
        self.targets.update(other.targets)
        self.ports.update(other.ports)
        for source, (targets, ports, first, last) in other.of_source.items():
            own = self.of_source.get(source, (set(), set(), first, last))
            self.of_source[source] = (
                own[0] | targets,
                own[1] | ports,
                min(own[2], first),
                max(own[3], last),
            )

    @property
    def dominating(self) -> Any:
        """The source of most of it; None when there is none."""
        source, records = _top(self.sources)
        total = sum(self.sources.values())
        return source if records >= SOURCE_SHARE * total and total else None

    def shape(self) -> BurstShape:
        """What it looks like, judged by the source that did most of it."""
        source = self.dominating
        if source is None:
            return BurstShape.MIXED
        targets, ports, *_ = self.of_source[source]
        if len(ports) >= MANY:
            return BurstShape.PORT_SCAN
        if len(targets) >= MANY:
            return BurstShape.HOST_SWEEP
        return BurstShape.BRUTE_FORCE if len(ports) <= FEW_PORTS else BurstShape.MIXED

    @staticmethod
    def by_spell(table: pa.Table, spells: Sequence[Spell]) -> list[Detail]:
        """The details of every spell, in their order; what is in none is left out."""
        details = [Detail() for _ in spells]
        places: dict[Key, list[int]] = {}
        for place, one in enumerate(spells):
            places.setdefault(one.key, []).append(place)
        for row in table.to_pylist():
            for names in (INTERFACE_KEY, SOURCE_KEY):
                for place in places.get(tuple(row[name] for name in names), ()):
                    if spells[place].start_s <= row["time"] < spells[place].end_s:
                        details[place].add(row)
        return details


def _top(counts: Counter[Any]) -> tuple[Any, int]:
    """The largest count; of several the smallest key, so that an answer is always the same."""
    if not counts:
        return None, 0
    return min(counts.items(), key=lambda item: (-item[1], repr(item[0])))


def incidents(spells: Sequence[Spell], details: Sequence[Detail], *, merged: bool) -> list[Row]:
    """Rows of bursts, those with most above the usual first.

    Shape: ``merged`` joins spells of one dominating source that overlap in time; where the source's
    own spells are among them they tell it all.
    """
    groups: list[list[int]] = []
    for place, one in enumerate(spells):
        source = details[place].dominating
        near = None
        if merged and source is not None:
            near = next(
                (
                    group
                    for group in groups
                    if details[group[0]].dominating == source
                    and any(_overlap(spells[other], one) for other in group)
                ),
                None,
            )
        if near is None:
            groups.append([place])
        else:
            near.append(place)
    rows = []
    for group in groups:
        own = [place for place in group if spells[place].is_of_source] or group
        rows.append(_row([spells[place] for place in own], [details[place] for place in own]))
    return sorted(
        rows,
        key=lambda row: (
            row["baseline"] - row["rejected"],
            row["start"],
            row["interface_id"] or "",
            row["account_id"] or "",
        ),
    )


def _overlap(one: Spell, other: Spell) -> bool:
    return one.start_s <= other.end_s and other.start_s <= one.end_s


def _row(spells: Sequence[Spell], details: Sequence[Detail]) -> Row:
    whole = Detail()
    for detail in details:
        whole.merge(detail)
    source, records = _top(whole.sources)
    target, _ = _top(whole.targets)
    (protocol, port), _ = _top(whole.ports) if whole.ports else ((None, None), 0)
    start_s, end_s = min(one.start_s for one in spells), max(one.end_s for one in spells)
    if whole.dominating is not None:
        _, _, first, last = whole.of_source[source]
        start_s, end_s = max(start_s, first), min(end_s, last + 1)
    rejected = sum(whole.sources.values())
    baseline = sum(one.baseline for one in spells)
    interfaces = set(whole.interfaces)
    accounts = {account_id for account_id, _ in interfaces}
    names = {interface_id for _, interface_id in interfaces}
    return {
        "start": start_s,
        "end": end_s,
        "shape": whole.shape().value,
        "account_id": next(iter(accounts)) if len(accounts) == 1 else None,
        "interface_id": next(iter(names)) if len(names) == 1 else None,
        "interfaces": len(interfaces),
        "rejected": rejected,
        "baseline": round(baseline),
        "factor": round(rejected / max(baseline, 1.0)),
        "top_source": source,
        "source_share": records / max(1, sum(whole.sources.values())),
        "sources": len(whole.sources),
        "top_target": target,
        "targets": len(whole.targets),
        "top_protocol": protocol,
        "top_port": port,
        "ports": len(whole.ports),
    }
