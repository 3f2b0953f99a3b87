"""Compiles groups and ACLs to one atomic nftables script for one network namespace.

Everything is in one table, ``inet vpcflow``. Each check of a packet (the groups of one interface,
the ACL of one interface) is a stage of its own: a base chain that looks the device up in a verdict
map and jumps to the chain of that interface and check. ``accept`` there ends that stage alone, and
the next one goes on; so a forwarded packet passes the egress of the interface that it leaves, then
the ingress of the one that it goes to, and the cost of a packet does not grow with the number of
interfaces. The policy of every base chain is accept: what is under no rules is not touched.

Stages of received packets run before the priority ``filter`` and those of packets to be sent after
it, as a firewall of the host's own stands between its interfaces. All stages are in the hooks
input, forward and output: after destination NAT and before source NAT, so rules see the addresses
behind the NAT, as at AWS.

Connections are those of the namespace's connection tracking: a packet that was refused never makes
one, so ``established`` means that both ends' rules allowed its beginning. Connections outlive the
rule that allowed them, as tracked connections do at AWS, until they end or time out. A connection
older than connection tracking itself is taken up in the middle, by its next packet, as new.

Devices must be routed ports: packets between two ports of a bridge are no packets of IP to nftables
and pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vpcflow.base.errors import ResourceError, SettingsError
from vpcflow.inventory.network_interface import Attachment, AttachmentSide
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.nftables_chains import (
    CHECKS,
    ChainWriter,
    Check,
    LogTarget,
    check_chain,
)
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction

TABLE_FAMILY = "inet"
TABLE_NAME = "vpcflow"
#: The table's comment: what says that the table is ours, and in force until somebody removes it.
OWNER_MARK = "vpcflow firewall"
#: The same, in force only as long as `vpcflow run` runs.
RUN_OWNER_MARK = "vpcflow firewall of vpcflow run"
#: Linux's bound on a device's name (IFNAMSIZ less the final 0).
DEVICE_BYTES_MAX = 15

#: No quotation mark, backslash or asterisk: nft would end the string or take it as a pattern.
_DEVICE = re.compile(r"[^\s/:\"*\\\x00-\x1f\x7f]+")
#: Priorities of the first and second check of received packets and of packets to be sent.
_PRIORITIES = {"received": ("filter - 20", "filter - 19"), "sent": ("filter + 90", "filter + 91")}
_HOOKS = {"received": ("input", "forward"), "sent": ("forward", "output")}
_DEVICE_FIELD = {"received": "iifname", "sent": "oifname"}


@dataclass(frozen=True, slots=True)
class NftablesOptions:
    """What the ruleset does besides refusing.

    Shape: ``log`` is where refused packets are reported; ``counters`` gives every rule a named
    counter; ``owner_mark`` is OWNER_MARK or RUN_OWNER_MARK.
    """

    log: LogTarget = field(default_factory=LogTarget)
    counters: bool = True
    owner_mark: str = OWNER_MARK


class CompiledRuleset(NamedTuple):
    """A script for ``nft -f`` and how large it is.

    Shape: ``interfaces`` are the ids of the interfaces under rules; ``rules`` counts the groups'
    rules and ACLs' entries that are in force.
    """

    script: str
    interfaces: tuple[str, ...]
    rules: int


class _Port(NamedTuple):
    """An interface under rules and the device at which its packets are seen."""

    attachment: Attachment
    binding: Binding

    def path(self, direction: Direction) -> str:
        """Whether packets of this direction are received or sent at the device."""
        is_received = (direction is Direction.INGRESS) == (
            self.attachment.side is AttachmentSide.INTERFACE
        )
        return "received" if is_received else "sent"


def compile_ruleset(
    rule_set: RuleSet, namespace: str = "", options: NftablesOptions | None = None
) -> str:
    """The script that replaces the table of this namespace in one transaction.

    Errors: as ``compile_namespace``.
    """
    return compile_namespace(rule_set, namespace, options).script


def compile_namespace(
    rule_set: RuleSet, namespace: str = "", options: NftablesOptions | None = None
) -> CompiledRuleset:
    """Compile the rules of all interfaces that are attached in this namespace.

    Errors: ResourceError when a rule names what the rule set does not hold, or two interfaces are
    attached at one device; SettingsError when an id or device name cannot be written in nft.
    """
    options = options or NftablesOptions()
    ports = list(_ports(rule_set, namespace))
    _refuse_shared_devices(ports)
    writer = ChainWriter(Bindings(rule_set), options.log, options.counters)
    for port in ports:
        writer.add_interface(port.binding)
    body = [*writer.declarations(), *_maps(ports), *writer.chains(), *_base_chains(ports)]
    inner = "\n".join(f"\t{line}" if line else "" for line in body)
    table = f"{TABLE_FAMILY} {TABLE_NAME}"
    # The first line makes the second one valid where there is no table yet.
    script = (
        f"table {table}\ndelete table {table}\n"
        f'table {table} {{\n\tcomment "{options.owner_mark}"\n{inner}\n}}\n'
    )
    interfaces = tuple(port.binding.interface.interface_id for port in ports)
    return CompiledRuleset(script, interfaces, _rule_count(ports))


def is_device_name(text: str) -> bool:
    """Whether a device can be called so, and rules can name it."""
    return bool(_DEVICE.fullmatch(text)) and len(text.encode()) <= DEVICE_BYTES_MAX


def namespaces_of(rule_set: RuleSet) -> tuple[str, ...]:
    """The namespaces in which interfaces under rules are attached."""
    bindings = Bindings(rule_set)
    return tuple(
        sorted(
            {
                interface.attachment.namespace
                for interface in rule_set.inventory.interfaces.values()
                if interface.attachment is not None and _is_under_rules(bindings.binding(interface))
            }
        )
    )


def unattached_interfaces(rule_set: RuleSet) -> tuple[str, ...]:
    """The ids of interfaces under rules at which nothing can be enforced: they have no device."""
    bindings = Bindings(rule_set)
    return tuple(
        interface.interface_id
        for interface in rule_set.inventory.interfaces.values()
        if interface.attachment is None and _is_under_rules(bindings.binding(interface))
    )


def _is_under_rules(binding: Binding) -> bool:
    return bool(binding.groups or binding.acl or binding.missing)


def _ports(rule_set: RuleSet, namespace: str) -> Iterator[_Port]:
    bindings = Bindings(rule_set)
    for interface in rule_set.inventory.interfaces.values():
        attachment = interface.attachment
        if attachment is None or attachment.namespace != namespace:
            continue
        binding = bindings.binding(interface)
        if binding.missing:
            raise ResourceError(
                binding.missing[0],
                where=interface.interface_id,
                hint="add it to the file of rules, or remove its name there",
            )
        if not _is_under_rules(binding):
            continue
        device = attachment.device
        if not is_device_name(device):
            raise SettingsError(
                "a device's name has 1 to 15 characters and no space, slash, colon, asterisk, "
                "backslash or quotation mark",
                where=f"{interface.interface_id}, device {device!r}",
            )
        yield _Port(attachment, binding)


def _refuse_shared_devices(ports: Iterable[_Port]) -> None:
    counts = Counter(port.attachment.device for port in ports)
    shared = [device for device, count in counts.items() if count > 1]
    if shared:
        ids = [
            port.binding.interface.interface_id
            for port in ports
            if port.attachment.device == shared[0]
        ]
        raise ResourceError(
            f"interfaces {', '.join(ids)} are attached at one device",
            where=f"device {shared[0]}",
            hint="rules are told apart by device: give each interface its own",
        )


def _rule_count(ports: Iterable[_Port]) -> int:
    rules: dict[str, int] = {}
    for port in ports:
        for group in port.binding.groups:
            rules[group.group_id] = len(group.rules)
        if port.binding.acl is not None:
            acl = port.binding.acl
            rules[acl.network_acl_id] = len(acl.entries)
    return sum(rules.values())


def _maps(ports: Iterable[_Port]) -> Iterator[str]:
    """The verdict maps: device name to the chain of its interface's check."""
    elements: dict[str, list[str]] = {name: [] for name in _map_names()}
    for port in ports:
        for direction in Direction:
            for place, check in enumerate(CHECKS[direction], 1):
                if _has(port.binding, check):
                    chain = check_chain(port.binding.interface, direction, check)
                    elements[f"{port.path(direction)}_{place}"].append(
                        f'"{port.attachment.device}" : jump {chain}'
                    )
    for name, entries in elements.items():
        yield from (f"map {name} {{", "\ttype ifname : verdict")
        if entries:
            yield f"\telements = {{ {', '.join(entries)} }}"
        yield "}"


def _has(binding: Binding, check: Check) -> bool:
    return bool(binding.groups) if check is Check.GROUPS else binding.acl is not None


def _map_names() -> Mapping[str, tuple[str, int]]:
    return {f"{path}_{place}": (path, place) for path in _PRIORITIES for place in (1, 2)}


def _base_chains(ports: Iterable[_Port]) -> Iterator[str]:
    if not ports:
        return
    for map_name, (path, place) in _map_names().items():
        for hook in _HOOKS[path]:
            yield f"chain {hook}_{map_name} {{"
            yield (
                f"\ttype filter hook {hook} priority {_PRIORITIES[path][place - 1]}; policy accept;"
            )
            yield f"\t{_DEVICE_FIELD[path]} vmap @{map_name}"
            yield "}"
