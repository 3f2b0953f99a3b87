"""The chains of groups, ACLs and interfaces, with the sets and counters that they name.

Rules that allow are written once for each group and each ACL, in chains that interfaces share; only
refusals, whose log names the interface, are written for each interface.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.log_prefix import LoggedVerdict, LogPrefix
from vpcflow.policy.network_acl import RULE_NUMBER_LAST, NetworkAcl, NetworkAclEntry
from vpcflow.policy.nftables_match import (
    Element,
    network_match,
    peer_field,
    service_match,
    set_lines,
)
from vpcflow.policy.not_filtered import DHCP_PORTS, NEIGHBOUR_TYPES, reserved_addresses
from vpcflow.policy.rule_text import acl_entry_text, groups_text
from vpcflow.policy.security_group import Direction, SecurityGroup, SecurityGroupRule

#: The rule in the log of a packet that belongs to no connection any more.
INVALID_RULE = "invalid"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")
_NOT_FILTERED = "not_filtered"
_CONNECTIONS = "ct state established,related accept"


class Check(StrEnum):
    """One of the two that may refuse a packet at an interface."""

    GROUPS = "groups"
    ACL = "acl"


#: The order of the checks: the ACL stands at the subnet's border, further out than the groups.
CHECKS = {
    Direction.EGRESS: (Check.GROUPS, Check.ACL),
    Direction.INGRESS: (Check.ACL, Check.GROUPS),
}


@dataclass(frozen=True, slots=True)
class LogTarget:
    """Where refused packets are reported: a group of NFLOG.

    Units: ``snaplen`` bytes of a packet; ``queue_threshold`` packets of one message.
    """

    group: int = 64
    snaplen: int = 128
    queue_threshold: int = 64

    def __post_init__(self) -> None:
        for name, value, largest in (
            ("group", self.group, 65_535),
            ("snaplen", self.snaplen, 65_535),
            ("queue threshold", self.queue_threshold, 65_535),
        ):
            if not 0 <= value <= largest:
                raise SettingsError(
                    f"the {name} of the firewall's log is a number from 0 to {largest}",
                    where=str(value),
                )


def name_of(text: str) -> str:
    """An id as a part of nft's names.

    Errors: SettingsError for an id that nft would not take as a name.
    """
    if not _NAME.fullmatch(text):
        raise SettingsError(
            "an id in a firewall begins with a letter and has letters, digits, '.', '_' and '-'",
            where=repr(text),
        )
    return text


def check_chain(interface: NetworkInterface, direction: Direction, check: Check) -> str:
    """The chain of one check at one interface."""
    return f"{name_of(interface.interface_id)}_{direction}_{check}"


class ChainWriter:
    """Collects what the interfaces of one namespace need, each shared part once."""

    def __init__(self, bindings: Bindings, log: LogTarget, has_counters: bool) -> None:
        self._bindings = bindings
        self._log = log
        self._has_counters = has_counters
        self._counters: dict[str, None] = {}
        self._sets: dict[str, list[str]] = {}
        self._shared: dict[str, list[str]] = {}
        self._own: list[str] = []

    def add_interface(self, binding: Binding) -> None:
        """Write the chains of one interface."""
        for direction in Direction:
            if binding.groups:
                self._add_groups(binding, direction)
            if binding.acl is not None:
                self._add_acl(binding, binding.acl, direction)

    def declarations(self) -> Iterator[str]:
        """Counters and sets, which stand before what names them."""
        for name in self._counters:
            yield f"counter {name} {{ }}"
        for lines in self._sets.values():
            yield from lines

    def chains(self) -> Iterator[str]:
        """All chains that are jumped to; a chain stands before those that name it."""
        if not self._own:
            return
        yield from _chain(_NOT_FILTERED, _not_filtered())
        # Never jumped to. It is here so that connection tracking, and with it the putting together
        # of fragments, is on even where there are ACLs alone: a later fragment has no ports.
        yield from _chain("defragment", ["ct state invalid return"])
        for name, lines in self._shared.items():
            yield from _chain(name, lines)
        yield from self._own

    def _add_groups(self, binding: Binding, direction: Direction) -> None:
        chain = check_chain(binding.interface, direction, Check.GROUPS)
        exempt = f"jump {self._exempt(binding, direction)}"
        closed = f"{chain}_{INVALID_RULE}"
        self._own += _chain(
            closed, [exempt, self._refuse(binding, direction, INVALID_RULE, INVALID_RULE)]
        )
        rule = groups_text([group.group_id for group in binding.groups])
        self._own += _chain(
            chain,
            [
                _CONNECTIONS,
                # Of TCP alone: an answer or error of ICMP that asked nobody is for the rules.
                f"meta l4proto tcp ct state invalid goto {closed}",
                *(f"jump {self._group_chain(group, direction)}" for group in binding.groups),
                exempt,
                self._refuse(binding, direction, rule, "groups"),
            ],
        )

    def _group_chain(self, group: SecurityGroup, direction: Direction) -> str:
        chain = f"{name_of(group.group_id)}_{direction}"
        if chain not in self._shared:
            self._shared[chain] = [
                " ".join([match, *self._count(f"{group.group_id}/{_rule_name(rule, n)}"), "accept"])
                for n, rule in enumerate(group.rules, 1)
                if rule.direction == direction
                for match in self._group_matches(rule, direction)
            ]
        return chain

    def _group_matches(self, rule: SecurityGroupRule, direction: Direction) -> Iterator[str]:
        service = service_match(rule)
        if service is None:
            return
        if rule.cidr is not None:
            yield _joined(network_match(rule.cidr, direction), service)
            return
        name = name_of(rule.prefix_list_id or rule.group_id or "")
        networks = self._bindings.rule_networks(rule)
        for version in (4, 6):
            if any(network.version == version for network in networks):
                set_name = self._set(f"{name}_v{version}", version, networks)
                yield _joined(f"{peer_field(version, direction)} @{set_name}", service)

    def _add_acl(self, binding: Binding, acl: NetworkAcl, direction: Direction) -> None:
        lines = list(self._same_subnet(binding, direction))
        exempt = f"jump {self._exempt(binding, direction)}"
        refuses = False
        for number, entries in enumerate(_runs(acl, direction), 1):
            if entries[0].allow:
                lines.append(f"jump {self._allow_chain(acl, direction, number, entries)}")
                continue
            if not refuses:
                lines.append(exempt)
                refuses = True
            for entry in entries:
                service = service_match(entry)
                if service is not None:
                    match = _joined(network_match(entry.cidr, direction), service)
                    refusal = self._refuse_entry(binding, acl, direction, entry.rule_number)
                    lines.append(_joined(match, refusal))
        if not refuses:
            lines.append(exempt)
        lines.append(self._refuse_entry(binding, acl, direction, RULE_NUMBER_LAST))
        self._own += _chain(check_chain(binding.interface, direction, Check.ACL), lines)

    def _same_subnet(self, binding: Binding, direction: Direction) -> Iterator[str]:
        for network in binding.subnet_networks:
            yield f"{network_match(network, direction)} accept"

    def _allow_chain(
        self,
        acl: NetworkAcl,
        direction: Direction,
        number: int,
        entries: Iterable[NetworkAclEntry],
    ) -> str:
        chain = f"{name_of(acl.network_acl_id)}_{direction}_{number}"
        if chain not in self._shared:
            lines = []
            for entry in entries:
                service = service_match(entry)
                if service is not None:
                    counter = f"{acl.network_acl_id}/{direction}/{entry.rule_number}"
                    match = _joined(network_match(entry.cidr, direction), service)
                    lines.append(" ".join([match, *self._count(counter), "accept"]))
            self._shared[chain] = lines
        return chain

    def _refuse_entry(
        self, binding: Binding, acl: NetworkAcl, direction: Direction, rule_number: int
    ) -> str:
        rule = acl_entry_text(acl.network_acl_id, rule_number)
        name = f"{acl.network_acl_id}/{min(rule_number, RULE_NUMBER_LAST)}"
        return self._refuse(binding, direction, rule, name)

    def _refuse(self, binding: Binding, direction: Direction, rule: str, name: str) -> str:
        interface_id = binding.interface.interface_id
        prefix = LogPrefix(LoggedVerdict.REJECT, interface_id, direction, rule).format()
        log = (
            f'log prefix "{prefix}" group {self._log.group} snaplen {self._log.snaplen} '
            f"queue-threshold {self._log.queue_threshold}"
        )
        return " ".join([*self._count(f"{interface_id}/{direction}/{name}"), log, "drop"])

    def _count(self, counter: str) -> list[str]:
        if not self._has_counters:
            return []
        self._counters[counter] = None
        return [f'counter name "{counter}"']

    def _set(self, name: str, version: int, elements: Sequence[Element]) -> str:
        if name not in self._sets:
            self._sets[name] = set_lines(name, version, elements)
        return name

    def _exempt(self, binding: Binding, direction: Direction) -> str:
        """The chain that accepts what nothing filters at this interface."""
        addresses = list(reserved_addresses(self._bindings, binding))
        subnet_id = name_of(binding.interface.subnet_id)
        chain = f"{_NOT_FILTERED}_{subnet_id}_{direction}"
        if chain not in self._shared:
            lines = []
            for version in (4, 6):
                elements = [address for address in addresses if address.version == version]
                if elements:
                    set_name = self._set(
                        f"{_NOT_FILTERED}_{subnet_id}_v{version}", version, elements
                    )
                    lines.append(f"{peer_field(version, direction)} @{set_name} accept")
            self._shared[chain] = [*lines, f"jump {_NOT_FILTERED}"]
        return chain


def _not_filtered() -> list[str]:
    types = ", ".join(f"{first}-{last}" for first, last in NEIGHBOUR_TYPES)
    pairs = [f"{{ {client}, {server} }}" for client, server in DHCP_PORTS]
    return [
        f"icmpv6 type {{ {types} }} accept",
        *(f"udp sport {pair} udp dport {pair} accept" for pair in pairs),
    ]


def _runs(acl: NetworkAcl, direction: Direction) -> Iterator[list[NetworkAclEntry]]:
    """An ACL's entries in their order, cut where allowing and denying change."""
    run: list[NetworkAclEntry] = []
    for entry in sorted(acl.entries, key=lambda entry: entry.rule_number):
        if entry.direction != direction:
            continue
        if run and run[-1].allow != entry.allow:
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def _rule_name(rule: SecurityGroupRule, number: int) -> str:
    """A rule's id where nft takes it as a name, else its place in the group."""
    return rule.rule_id if _NAME.fullmatch(rule.rule_id) else str(number)


def _chain(name: str, lines: Iterable[str]) -> list[str]:
    return [f"chain {name} {{", *(f"\t{line}" for line in lines), "}"]


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
