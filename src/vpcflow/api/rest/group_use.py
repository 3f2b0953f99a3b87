"""What came through the rules of security groups, from the records that were accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.api.asked import Steps
from vpcflow.api.rest.known_network import KnownNetwork
from vpcflow.api.rest.records_in_scope import Scope, ask
from vpcflow.inventory.address_ranges import address_number
from vpcflow.policy.resolve import address_words
from vpcflow.policy.rule_usage import AcceptedFlows, Hits, RuleUsage
from vpcflow.query.expression import In

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer

Array = npt.NDArray[Any]

#: Kinds of flows that are matched with rules, those of most records first.
FLOWS_MAX: Final = 200_000
#: More interfaces than these are asked about among all others.
INTERFACES_ASKED_MAX: Final = 1_000
#: Peers that are listed of a rule.
TOP_PEERS: Final = 5

_CUT = (
    f"More than {FLOWS_MAX:,} kinds of flows: only those with most records were matched, so that "
    "sums are lower bounds and unused rules cannot be told. Ask for less time."
)
_APPROXIMATE = (
    "Which end is the service follows from TCP's SYN, else from the lower port; records hold no ICMP "
    "type. Rules that may have been meant are counted and marked as approximate."
)
_HOW = (
    "A record counts for every rule of its interface's groups that allows it, as the rules are now; "
    "replies count for the rules that allowed their requests."
)


@dataclass(frozen=True)
class GroupUses:
    """What came through every rule.

    Shape: ``rules`` gives the place of a rule by its group's and its own id; ``answer`` is the
    question's. Sums have one entry a rule, ``last_s`` is 0 without records.
    """

    answer: Answer
    rules: Mapping[tuple[str, str], int]
    records: Array
    bytes: Array
    packets: Array
    last_s: Array
    unsure: Array
    peers: Sequence[str]
    hits: Hits
    peer_of: Array
    sizes: Array

    @property
    def complete(self) -> bool:
        """Whether all records were matched, so that a rule without any was not used."""
        return not self.answer.truncated and self.hits.complete and not self._was_cut

    @property
    def _was_cut(self) -> bool:
        return len(self.peer_of) >= FLOWS_MAX

    @property
    def notes(self) -> list[str]:
        """What to know of these sums."""
        return [_HOW, _APPROXIMATE, *([] if self.complete else [_CUT])]

    @property
    def unmatched(self) -> int:
        """Records that were accepted although no rule allows them now."""
        return int(self.sizes[self.hits.without_rule, 0].sum())

    @cached_property
    def _by_rule(self) -> tuple[Array, Array]:
        order = np.argsort(self.hits.rule, kind="stable")
        return order, self.hits.rule[order]

    def top_peers(self, place: int) -> list[tuple[str, int, int]]:
        """The peers with most records of a rule: address, records, bytes."""
        order, rules = self._by_rule
        begin, end = np.searchsorted(rules, [place, place + 1])
        flows = self.hits.flow[order[begin:end]]
        if not len(flows):
            return []
        peers, places = np.unique(self.peer_of[flows], return_inverse=True)
        records, size = (
            np.bincount(places, self.sizes[flows, column]).astype(np.int64) for column in (0, 1)
        )
        largest = np.lexsort((peers, -records))[:TOP_PEERS]
        return [(self.peers[int(peers[one])], int(records[one]), int(size[one])) for one in largest]


def group_uses(
    services: RestServices, known: KnownNetwork, asked: Scope, group_id: str | None = None
) -> Steps[GroupUses]:
    """What came through the rules, of all groups or at the interfaces of one."""
    if group_id is None:
        inventory = known.rules.inventory.interfaces
        ids = tuple(key for key, one in inventory.items() if one.security_group_ids)
    else:
        ids = tuple(one.interface_id for one in known.members.get(group_id, ()))
    if not ids:
        return counted(known, _nothing())
    also = In("interface-id", ids) if len(ids) <= INTERFACES_ASKED_MAX else None
    answer = yield from ask(services, asked, "rule_flows", {"limit": FLOWS_MAX}, also)
    return counted(known, answer)


def _nothing() -> Answer:
    """The answer where no interface is in a group: no record need be read."""
    from vpcflow.query.answer import Answer
    from vpcflow.query.answer_arrays import table_of

    names = ("direction", "protocol", "port", "other_port", "leg")
    sums = ("records", "bytes", "packets", "last_seen")
    texts = dict.fromkeys(("interface_id", "host", "peer"), pa.string())
    return Answer(table_of({name: [] for name in (*texts, *names, *sums)}, texts), ())


def counted(known: KnownNetwork, answer: Answer) -> GroupUses:
    """The rules behind the rows of an answer, with their sums."""
    table = answer.table
    interface_ids, interface = _coded(table, "interface_id")
    peers, peer_of, direction = _oriented(known, table, interface_ids, interface)
    words = np.array(
        [address_words(address_number(ip_address(text))) for text in peers], np.uint64
    ).reshape(-1, 2)
    usage = RuleUsage(known.bindings, interface_ids)
    there = np.array([one in known.rules.inventory.interfaces for one in interface_ids], np.bool_)
    flows = AcceptedFlows(
        interface=np.where(there[interface], interface, -1) if len(there) else interface,
        direction=direction,
        peer=words[peer_of] if len(words) else np.zeros((0, 2), np.uint64),
        protocol=_numbers(table, "protocol"),
        port=_numbers(table, "port"),
        other_port=_numbers(table, "other_port"),
        leg=_numbers(table, "leg"),
    )
    hits = usage.find(flows)
    sizes = np.stack([_numbers(table, name, 0) for name in ("records", "bytes", "packets")], 1)
    last_seen = _numbers(table, "last_seen", 0)
    sums = np.zeros((len(usage.rules), 3), np.int64)
    np.add.at(sums, hits.rule, sizes[hits.flow])
    last_s = np.zeros(len(usage.rules), np.int64)
    np.maximum.at(last_s, hits.rule, last_seen[hits.flow])
    unsure = np.zeros(len(usage.rules), np.bool_)
    unsure[hits.rule[~hits.sure]] = True
    places = {(group_id, rule.rule_id): place for place, (group_id, rule) in enumerate(usage.rules)}
    return GroupUses(
        answer,
        places,
        sums[:, 0],
        sums[:, 1],
        sums[:, 2],
        last_s,
        unsure,
        peers,
        hits,
        peer_of,
        sizes,
    )


def _oriented(
    known: KnownNetwork, table: pa.Table, interface_ids: Sequence[str], interface: Array
) -> tuple[list[str], Array, Array]:
    """Addresses, the place of every row's peer among them, and its direction: 0 ingress, 1 egress.

    Shape: what was stored as the interface's own end may be the other one; its addresses tell.
    """
    places: dict[str, int] = {}
    ends = [
        np.array(
            [places.setdefault(text, len(places)) for text in table.column(name).to_pylist()],
            np.int64,
        )
        for name in ("host", "peer")
    ]
    addresses = list(places)
    inventory = known.rules.inventory.interfaces
    own = {
        (row, places[text])
        for row, key in enumerate(interface_ids)
        if key in inventory
        for text in map(str, inventory[key].addresses)
        if text in places
    }
    width = max(len(addresses), 1)
    codes = np.array(sorted(row * width + place for row, place in own), np.int64)
    is_own = [np.isin(interface * width + end, codes) for end in ends]
    turned = ~is_own[0] & is_own[1]
    # Stored: 0 where the interface's own end is the source, so that the record is egress.
    egress = (_numbers(table, "direction") == 0) != turned
    return addresses, np.where(turned, ends[0], ends[1]), egress.astype(np.int64)


def _coded(table: pa.Table, name: str) -> tuple[list[str], Array]:
    """The values of a text column, each once, and the place of every row's among them."""
    places: dict[str, int] = {}
    codes = [places.setdefault(text, len(places)) for text in table.column(name).to_pylist()]
    return list(places), np.array(codes, np.int64)


def _numbers(table: pa.Table, name: str, missing: int = -1) -> Array:
    values = table.column(name).to_pylist()
    return np.array([missing if value is None else value for value in values], np.int64)
