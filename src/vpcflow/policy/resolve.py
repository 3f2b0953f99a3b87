"""A rule set compiled once to flat arrays, for the kernel that judges flows.

Interfaces with the same groups share rules, subnets with the same ACL share entries, rules about
the same addresses share ranges. Group rules about the same service are joined to one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

import numpy as np
import numpy.typing as npt

from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.vpc import Network
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.match_kernels import (
    BOUND_COLUMNS,
    BOUND_EGRESS,
    BOUND_INGRESS,
    HAS_ACL,
    HAS_GROUPS,
    IS_JUDGED,
    RESERVED_BEGIN,
    RESERVED_END,
    RULE_COLUMNS,
    SERVICE_LAST,
    SUBNET_BEGIN,
    SUBNET_END,
)
from vpcflow.policy.matching import ANY_PORT, ICMP_VALUE_MAX
from vpcflow.policy.network_acl import RULE_NUMBER_LAST, NetworkAcl, NetworkAclEntry
from vpcflow.policy.not_filtered import reserved_addresses
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.rule_text import acl_entry_text, groups_text
from vpcflow.policy.security_group import PROTOCOL_ALL, Direction, SecurityGroup, SecurityGroupRule

#: Numbers of rules have 16 bits in the flow table; 0 means none.
RULE_NUMBERS_MAX = 65_535

_MAPPED_BEGIN = 0xFFFF << 32
_MAPPED_END = _MAPPED_BEGIN + 2**32 - 1
_LOW_WORD = 2**64 - 1

Range = tuple[int, int]
Span = tuple[int, int]


@dataclass(frozen=True)
class CompiledRules:
    """Rules of every interface as flat arrays; hold it as long as the rule set does not change.

    Shape: ``interface_ids`` in the order of the numbers that ``evaluate`` takes; ``rule_texts`` by
    the numbers that it gives, the first is empty. ``bound`` has one row an interface, ``rules`` one
    a rule or entry (columns in match_kernels), ``ranges`` one a range of addresses: first and last,
    each as high and low word. ``unresolved`` says why interfaces cannot be judged.
    """

    interface_ids: tuple[str, ...]
    rule_texts: tuple[str, ...]
    bound: npt.NDArray[np.int32]
    rules: npt.NDArray[np.int32]
    ranges: npt.NDArray[np.uint64]
    unresolved: tuple[str, ...]

    @cached_property
    def interface_numbers(self) -> Mapping[str, int]:
        """The number of each interface."""
        return {name: number for number, name in enumerate(self.interface_ids)}


def compile_rules(rule_set: RuleSet) -> CompiledRules:
    """Compile a rule set.

    Errors: none; an interface whose rules name what is not there gets the verdict unknown, and
    ``unresolved`` says so.
    """
    return _Compiler(Bindings(rule_set)).compile()


def address_words(value: int) -> Span:
    """The high and the low word of a 16-byte address."""
    return value >> 64, value & _LOW_WORD


def network_ranges(networks: Iterable[Network]) -> tuple[Range, ...]:
    """Sorted ranges, none touching another, of 16-byte addresses with IPv4 mapped into IPv6.

    Shape: IPv4 lies inside ``::/0`` only as bytes, so that networks of IPv6 leave it out.
    """
    ranges: list[Range] = []
    for network in networks:
        first, last = int(network.network_address), int(network.broadcast_address)
        if network.version == 4:
            ranges.append((first + _MAPPED_BEGIN, last + _MAPPED_BEGIN))
            continue
        if last < _MAPPED_BEGIN or first > _MAPPED_END:
            ranges.append((first, last))
            continue
        if first < _MAPPED_BEGIN:
            ranges.append((first, _MAPPED_BEGIN - 1))
        if last > _MAPPED_END:
            ranges.append((_MAPPED_END + 1, last))
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def service_of(rule: SecurityGroupRule | NetworkAclEntry) -> tuple[int, int, int]:
    """Protocol, and the range of ports, or of type * 256 + code, that the rule is about."""
    first, last = rule.from_port, rule.to_port
    if rule.protocol in {TCP, UDP}:
        whole = first <= 0 and last == ANY_PORT
        return rule.protocol, max(first, 0), SERVICE_LAST if whole else last
    if rule.protocol in {ICMP, ICMPV6} and 0 <= first <= ICMP_VALUE_MAX:
        if 0 <= last <= ICMP_VALUE_MAX:
            return rule.protocol, first * 256 + last, first * 256 + last
        return rule.protocol, first * 256, first * 256 + ICMP_VALUE_MAX
    return rule.protocol, 0, SERVICE_LAST


class _Compiler:
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._texts: dict[str, int] = {"": 0}
        self._rules: list[tuple[int, ...]] = []
        self._ranges: list[tuple[int, ...]] = []
        self._range_spans: dict[tuple[Range, ...], Span] = {}
        self._group_spans: dict[tuple[str, ...], tuple[Span, Span]] = {}
        self._acl_spans: dict[str, tuple[Span, Span]] = {}
        self._subnet_spans: dict[str, Span] = {}

    def compile(self) -> CompiledRules:
        interfaces = self._bindings.rule_set.inventory.interfaces
        bound = np.zeros((len(interfaces), BOUND_COLUMNS), np.int32)
        unresolved: dict[str, None] = {}
        for row, interface in zip(bound, interfaces.values(), strict=True):
            binding = self._bindings.binding(interface)
            unresolved.update(dict.fromkeys(binding.missing))
            if binding.is_judged:
                self._bind(row, interface, binding)
        return CompiledRules(
            interface_ids=tuple(interfaces),
            rule_texts=tuple(self._texts),
            bound=bound,
            rules=np.array(self._rules, np.int32).reshape(-1, RULE_COLUMNS),
            ranges=np.array(self._ranges, np.uint64).reshape(-1, 4),
            unresolved=tuple(unresolved),
        )

    def _bind(
        self, row: npt.NDArray[np.int32], interface: NetworkInterface, binding: Binding
    ) -> None:
        row[IS_JUDGED] = 1
        row[SUBNET_BEGIN], row[SUBNET_END] = self._subnet(interface.subnet_id, binding)
        reserved = map(ip_network, reserved_addresses(self._bindings, binding))
        row[RESERVED_BEGIN], row[RESERVED_END] = self._range_span(network_ranges(reserved))
        number = 0
        spans: list[Span] = [(0, 0)] * 4
        if binding.groups:
            row[HAS_GROUPS] = 1
            spans[0], spans[2] = self._groups(binding.groups)
            number = self._number(groups_text([group.group_id for group in binding.groups]))
        if binding.acl:
            row[HAS_ACL] = 1
            spans[1], spans[3] = self._acl(binding.acl)
        for first, (groups, acl) in zip(
            (BOUND_INGRESS, BOUND_EGRESS), (spans[:2], spans[2:]), strict=True
        ):
            row[first : first + 5] = (*groups, *acl, number)

    def _subnet(self, subnet_id: str, binding: Binding) -> Span:
        span = self._subnet_spans.get(subnet_id)
        if span is None:
            span = self._range_span(network_ranges(binding.subnet_networks))
            self._subnet_spans[subnet_id] = span
        return span

    def _groups(self, groups: tuple[SecurityGroup, ...]) -> tuple[Span, Span]:
        key = tuple(group.group_id for group in groups)
        if key not in self._group_spans:
            ingress, egress = (self._group_rules(groups, direction) for direction in Direction)
            self._group_spans[key] = (ingress, egress)
        return self._group_spans[key]

    def _group_rules(self, groups: tuple[SecurityGroup, ...], direction: Direction) -> Span:
        services: dict[tuple[int, int, int], list[Network]] = defaultdict(list)
        for group in groups:
            for rule in group.rules:
                if rule.direction == direction:
                    services[service_of(rule)].extend(self._bindings.rule_networks(rule))
        begin = len(self._rules)
        for service, networks in services.items():
            ranges = network_ranges(networks)
            if ranges:
                self._rules.append((*service, *self._range_span(ranges), 1, 0))
        return begin, len(self._rules)

    def _acl(self, acl: NetworkAcl) -> tuple[Span, Span]:
        if acl.network_acl_id not in self._acl_spans:
            ingress, egress = (self._acl_entries(acl, direction) for direction in Direction)
            self._acl_spans[acl.network_acl_id] = (ingress, egress)
        return self._acl_spans[acl.network_acl_id]

    def _acl_entries(self, acl: NetworkAcl, direction: Direction) -> Span:
        """The entries of one direction, the last one that denies everything included."""
        begin = len(self._rules)
        for entry in sorted(acl.entries, key=lambda entry: entry.rule_number):
            ranges = network_ranges((entry.cidr,))
            if entry.direction != direction or not ranges:
                continue
            number = 0
            if not entry.allow:
                number = self._number(acl_entry_text(acl.network_acl_id, entry.rule_number))
            span = self._range_span(ranges)
            self._rules.append((*service_of(entry), *span, int(entry.allow), number))
        everyone = self._range_span(((0, 2**128 - 1),))
        number = self._number(acl_entry_text(acl.network_acl_id, RULE_NUMBER_LAST))
        self._rules.append((PROTOCOL_ALL, 0, SERVICE_LAST, *everyone, 0, number))
        return begin, len(self._rules)

    def _range_span(self, ranges: tuple[Range, ...]) -> Span:
        span = self._range_spans.get(ranges)
        if span is None:
            begin = len(self._ranges)
            self._ranges.extend((*address_words(low), *address_words(high)) for low, high in ranges)
            span = self._range_spans[ranges] = (begin, len(self._ranges))
        return span

    def _number(self, text: str) -> int:
        """The number of a rule that may refuse; 0 when there are more than a record can name."""
        if text not in self._texts and len(self._texts) > RULE_NUMBERS_MAX:
            return 0
        return self._texts.setdefault(text, len(self._texts))
