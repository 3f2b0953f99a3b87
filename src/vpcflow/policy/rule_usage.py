"""Which rules of security groups let flows through, and how much: from what was recorded.

AWS does not order the rules of groups: a flow counts for every rule of its interface's groups that
allows it. A reply counts for the rules that allow its request. What needs no rule, the provider's
own services, counts for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.policy.bindings import Bindings
from vpcflow.policy.match_kernels import SERVICE_LAST
from vpcflow.policy.not_filtered import reserved_addresses
from vpcflow.policy.resolve import Range, address_words, network_ranges, service_of
from vpcflow.policy.rule_usage_kernels import SURE, find_rules
from vpcflow.policy.security_group import Direction, SecurityGroupRule

Array = npt.NDArray[Any]

#: Pairs of a flow and a rule that are held at once, 24 bytes each.
PAIRS_MAX = 4_000_000
_DIRECTIONS = {Direction.INGRESS: 0, Direction.EGRESS: 1}


@dataclass(frozen=True, slots=True)
class AcceptedFlows:
    """Flows that were accepted, one entry a flow in every column.

    Shape: ``interface`` is the place among the ids given to ``RuleUsage``, below 0 for none;
    ``direction`` 0 ingress, 1 egress, of the record; ``peer`` two words of 64 bits a row, IPv4
    mapped into IPv6; ``port`` is the service's, -1 where it is not known; ``other_port`` the other
    end's where it may be the service's as well, else -1; ``leg`` 0 request, 1 reply, 2 not known.
    """

    interface: Array
    direction: Array
    peer: Array
    protocol: Array
    port: Array
    other_port: Array
    leg: Array


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs of flows and rules.

    Shape: ``flow`` is the row, ``rule`` the place in ``RuleUsage.rules``; ``sure`` is False where
    the record does not say enough and the rule may not have been asked. ``without_rule`` are the
    rows that no rule allows; ``complete`` is False where there were more pairs than are held.
    """

    flow: Array
    rule: Array
    sure: Array
    without_rule: Array
    complete: bool


class RuleUsage:
    """The rules of all groups, made ready to be counted.

    Shape: ``rules`` are pairs of a group's id and a rule; ``interface_ids`` in the order of the
    numbers that flows name.
    """

    def __init__(self, bindings: Bindings, interface_ids: Sequence[str]) -> None:
        self._bindings = bindings
        self._ranges: list[tuple[int, ...]] = []
        self._spans: dict[tuple[Range, ...], tuple[int, int]] = {}
        self.rules: list[tuple[str, SecurityGroupRule]] = []
        rule_set = bindings.rule_set
        numbers = {group_id: place for place, group_id in enumerate(rule_set.security_groups)}
        self._rule_rows: list[tuple[int, ...]] = []
        self._group_spans = np.zeros((max(len(numbers), 1), 2, 2), np.int32)
        for group_id, place in numbers.items():
            self._add_group(group_id, place)
        groups: list[int] = []
        self._interface_spans = np.zeros((len(interface_ids), 2), np.int32)
        self._reserved_spans = np.zeros((len(interface_ids), 2), np.int32)
        for row, interface_id in enumerate(interface_ids):
            interface = rule_set.inventory.interfaces.get(interface_id)
            if interface is None:
                continue
            begin = len(groups)
            ids = dict.fromkeys(interface.security_group_ids)
            groups += [numbers[group_id] for group_id in ids if group_id in numbers]
            self._interface_spans[row] = begin, len(groups)
            reserved = reserved_addresses(bindings, bindings.binding(interface))
            networks = tuple(ip_network(address) for address in reserved)
            self._reserved_spans[row] = self._span(network_ranges(networks))
        self._groups = np.array(groups or [0], np.int32)

    def find(self, flows: AcceptedFlows) -> Hits:
        """The rules behind every flow."""
        rows = len(flows.interface)
        found = np.zeros(rows, np.uint8)
        room = min(max(4 * rows, 1_024), PAIRS_MAX)
        while True:
            pairs = np.empty((room, 3), np.int64)
            count = find_rules(
                np.array(self._rule_rows, np.int32).reshape(-1, 5),
                np.array(self._ranges, np.uint64).reshape(-1, 4),
                self._group_spans,
                self._groups,
                self._interface_spans,
                self._reserved_spans,
                np.ascontiguousarray(flows.interface, np.int32),
                np.ascontiguousarray(flows.direction, np.int32),
                np.ascontiguousarray(flows.peer, np.uint64),
                np.ascontiguousarray(flows.protocol, np.int32),
                np.ascontiguousarray(flows.port, np.int32),
                np.ascontiguousarray(flows.other_port, np.int32),
                np.ascontiguousarray(flows.leg, np.int32),
                pairs,
                found,
            )
            if count <= room or room == PAIRS_MAX:
                break
            room = min(int(count), PAIRS_MAX)
        held = pairs[: min(int(count), room)]
        return Hits(
            held[:, 0],
            held[:, 1],
            held[:, 2] == SURE,
            np.flatnonzero((found == 0) & (flows.interface >= 0)),
            count <= room,
        )

    def _add_group(self, group_id: str, place: int) -> None:
        group = self._bindings.rule_set.security_groups[group_id]
        for direction, number in _DIRECTIONS.items():
            begin = len(self.rules)
            for rule in group.rules:
                if rule.direction != direction:
                    continue
                span = self._span(network_ranges(self._bindings.rule_networks(rule)))
                protocol, first, last = service_of(rule)
                self._rule_rows.append((protocol, first, min(last, SERVICE_LAST), *span))
                self.rules.append((group_id, rule))
            self._group_spans[place, number] = begin, len(self.rules)

    def _span(self, ranges: tuple[Range, ...]) -> tuple[int, int]:
        span = self._spans.get(ranges)
        if span is None:
            begin = len(self._ranges)
            self._ranges.extend((*address_words(low), *address_words(high)) for low, high in ranges)
            span = self._spans[ranges] = (begin, len(self._ranges))
        return span
