"""Security groups, network ACLs and prefix lists from the inventory's TOML or JSON file.

The format (TOML; in JSON ``[[a]]`` is ``"a": [{...}]`` and ``[[a.b]]`` a list ``b`` inside)::

    [[security_group]]
    name = "web"                  # or id, or both; the id is made of VPC and name when missing
    vpc = "main"                  # id or name; may be left out when there is one VPC
    [[security_group.rule]]       # without rules nothing gets in, and only replies get out
    direction = "ingress"         # or "egress"
    protocol = "tcp"              # all (default), tcp, udp, icmp, icmpv6, gre, ... or a number
    ports = ["80", "8000-8099"]   # one or a list; tcp and udp only; default all; destination's
    source = "0.0.0.0/0"          # of ingress; one or a list of: network, prefix list, group
    description = "the public site"
    [[security_group.rule]]
    direction = "egress"
    protocol = "icmp"
    icmp_type = 8                 # icmp and icmpv6 only; default all; icmp_code needs it
    destination = "db"            # of egress; peer = is right for both directions

    [[network_acl]]
    name = "public"               # name, id and vpc as above
    subnets = ["public-a"]        # ids or names; or network_acl = "public" in [[subnet]]
    [[network_acl.entry]]         # what no entry matches is denied
    rule_number = 100             # 1 to 32766, once a direction; the lowest that matches decides
    direction = "ingress"
    action = "allow"              # or "deny"
    protocol = "tcp"              # protocol, ports, icmp_type as above, but one range of ports
    ports = "443"
    source = "0.0.0.0/0"          # one network; source, destination or peer as above

    [[prefix_list]]
    name = "offices"              # name or id
    cidrs = ["203.0.113.0/24", "2001:db8::/48"]

In a rule, a source is a network if it can be read as one, else the id (``pl-``, ``sg-``) or name of
a prefix list or group; a name that both have is refused. ``source`` of egress and ``destination``
of ingress are refused. A rule with lists stands for one rule each, so that it can have no id.
``security_groups`` of an ``[[interface]]`` are ids or names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from itertools import product
from pathlib import Path
from typing import Any, Final, overload

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.ids import IdKind, make_id
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.document import parse_document, place, read_document
from vpcflow.inventory.sources.file import build_inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Network
from vpcflow.policy.document import (
    EntryTable,
    NetworkAclTable,
    PolicyDocument,
    RuleTable,
    SecurityGroupTable,
    parse_policy,
    rule_place,
)
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import (
    PORT_MAX,
    Direction,
    PrefixList,
    SecurityGroup,
    SecurityGroupRule,
)

#: Origin of generated ids: what a file declares is the same on every machine.
_ORIGIN: Final = "file"
_ICMP_ALL: Final = -1
_NAMES_SHOWN: Final = 5

_Peer = tuple[Network | None, str | None, str | None]


def read_rule_set(path: Path, settings: InventorySettings) -> RuleSet:
    """The inventory of a file together with its rules.

    Errors: SettingsError that says what is wrong, in which table, and what to do.
    """
    document = read_document(path)
    inventory = build_inventory(parse_document(document, str(path)), str(path), settings)
    return build_rule_set(document, str(path), inventory)


def build_rule_set(document: dict[str, Any], path: str, inventory: Inventory) -> RuleSet:
    """The rules of a parsed file over any inventory; ``path`` is for messages.

    Shape: the inventory of the result names groups and ACLs by id where the given one has names.
    Errors: SettingsError as ``read_rule_set``.
    """
    return _Builder(parse_policy(document, path), path, inventory).build()


class _Names:
    """Ids of one kind of thing, by id, and by name within a VPC."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._ids: set[str] = set()
        self._ids_by_name: dict[tuple[str, str], str] = {}

    def add(self, thing_id: str, name: str, vpc_id: str, where: str) -> None:
        """Take a thing in; an id and a name stand for one thing."""
        taken = name and (vpc_id, name) in self._ids_by_name
        if taken or thing_id in self._ids:
            raise SettingsError(
                f"another [[{self._table}]] is called {name if taken else thing_id!r}",
                where=where,
                hint="give it another name, or an id of its own",
            )
        self._ids.add(thing_id)
        if name:
            self._ids_by_name[vpc_id, name] = thing_id

    def get(self, reference: str, vpc_id: str) -> str | None:
        """The id of what has this id or name."""
        return reference if reference in self._ids else self._ids_by_name.get((vpc_id, reference))

    def find(self, reference: str, vpc_id: str, key: str, where: str) -> str:
        """The same, where it must be there."""
        found = self.get(reference, vpc_id)
        if found is None:
            raise SettingsError(
                f"{key}: no [[{self._table}]] of this VPC has the id or name {reference!r}",
                where=where,
                hint=f"declare it in a [[{self._table}]] table, or check the spelling",
            )
        return found


@dataclass(frozen=True, slots=True)
class _Named:
    """A table with what its name resolves to."""

    thing_id: str
    vpc_id: str
    where: str


class _Builder:
    """Names first, so that rules may refer to what stands below them; then the rules."""

    def __init__(self, document: PolicyDocument, path: str, inventory: Inventory) -> None:
        self._document = document
        self._path = path
        self._inventory = inventory
        self._groups = _Names("security_group")
        self._acls = _Names("network_acl")
        self._prefix_lists = _Names("prefix_list")

    def build(self) -> RuleSet:
        """All tables; the first fault is raised."""
        prefix_lists = self._build_prefix_lists()
        groups = [
            (table, self._name(table, "security_group", IdKind.SECURITY_GROUP, index, self._groups))
            for index, table in enumerate(self._document.security_group)
        ]
        acls = [
            (table, self._name(table, "network_acl", IdKind.NETWORK_ACL, index, self._acls))
            for index, table in enumerate(self._document.network_acl)
        ]
        built_groups = {named.thing_id: self._build_group(table, named) for table, named in groups}
        built_acls = {named.thing_id: _build_acl(table, named) for table, named in acls}
        return RuleSet(self._bind(acls), built_groups, built_acls, prefix_lists)

    def _build_prefix_lists(self) -> dict[str, PrefixList]:
        built = {}
        for index, table in enumerate(self._document.prefix_list):
            where = place(self._path, "prefix_list", index, table.name)
            list_id = table.id or _generated(IdKind.PREFIX_LIST, where, table.name)
            self._prefix_lists.add(list_id, table.name, "", where)
            built[list_id] = PrefixList(list_id, tuple(table.cidrs), table.name)
        return built

    def _name(
        self,
        table: SecurityGroupTable | NetworkAclTable,
        kind_name: str,
        kind: IdKind,
        index: int,
        names: _Names,
    ) -> _Named:
        where = place(self._path, kind_name, index, table.name or table.id or "")
        vpc_id = self._vpc_id(table.vpc, where)
        thing_id = table.id or _generated(kind, where, vpc_id, table.name)
        names.add(thing_id, table.name, vpc_id, where)
        return _Named(thing_id, vpc_id, where)

    def _vpc_id(self, reference: str | None, where: str) -> str:
        vpcs = self._inventory.vpcs
        found = [
            vpc.vpc_id
            for vpc in vpcs.values()
            if reference is None or reference in {vpc.vpc_id, vpc.name}
        ]
        if len(found) == 1:
            return found[0]
        if reference is None:
            what = f"vpc: is missing, and there are {len(vpcs)} VPCs"
        else:
            what = f"vpc: {len(found) or 'no'} VPC has the id or name {reference!r}"
        names = ", ".join(vpc.name or vpc.vpc_id for vpc in list(vpcs.values())[:_NAMES_SHOWN])
        raise SettingsError(what, where=where, hint=f"there are {names}" if names else "")

    def _build_group(self, table: SecurityGroupTable, named: _Named) -> SecurityGroup:
        rules: dict[str, SecurityGroupRule] = {}
        for index, rule in enumerate(table.rule):
            where = rule_place(named.where, "security_group.rule", index)
            services = _services(rule, where)
            peers = [self._peer(text, named.vpc_id, where) for text in _peers_of(rule, where)]
            if rule.id and len(services) * len(peers) > 1:
                raise SettingsError(
                    "id: stands for several rules, one for each of the lists' members",
                    where=where,
                    hint="leave the id out, or write one rule for each",
                )
            for service, peer in product(services, peers):
                facts = (rule.direction, *map(str, service), *map(str, peer))
                rule_id = rule.id or make_id(
                    IdKind.SECURITY_GROUP_RULE, _ORIGIN, named.thing_id, *facts
                )
                if rule_id in rules:
                    raise SettingsError(
                        "another rule of the group is the same",
                        where=where,
                        hint="remove one of them",
                    )
                rules[rule_id] = SecurityGroupRule(
                    rule_id, Direction(rule.direction), *service, *peer, rule.description
                )
        return SecurityGroup(named.thing_id, named.vpc_id, table.name, tuple(rules.values()))

    def _peer(self, text: str, vpc_id: str, where: str) -> _Peer:
        """Network, prefix list or group, in the order of a rule's fields."""
        try:
            return ip_network(text), None, None
        except ValueError as error:
            if "/" in text:
                raise SettingsError(f"{text!r} is no network: {error}", where=where) from error
        prefix_list = self._prefix_lists.get(text, "")
        group = self._groups.get(text, vpc_id)
        if prefix_list and group:
            raise SettingsError(
                f"{text!r} is a prefix list and a security group",
                where=where,
                hint=f"write {prefix_list} or {group}",
            )
        if not prefix_list and not group:
            raise SettingsError(
                f"{text!r} is no network, prefix list or security group of this VPC",
                where=where,
                hint='write a network such as "10.0.0.0/16", or the id or name of a declared one',
            )
        return None, prefix_list, group

    def _bind(self, acls: Sequence[tuple[NetworkAclTable, _Named]]) -> Inventory:
        """The inventory with ids of groups and ACLs in place of their names."""
        subnets = {
            subnet.subnet_id: self._bind_subnet(subnet)
            for subnet in self._inventory.subnets.values()
        }
        for table, named in acls:
            for reference in table.subnets:
                subnet = _find_subnet(subnets, reference, named)
                if subnet.network_acl_id not in {None, named.thing_id}:
                    raise SettingsError(
                        f"subnets: {reference!r} has another ACL, {subnet.network_acl_id}",
                        where=named.where,
                        hint="a subnet has one ACL; name it in one place",
                    )
                subnets[subnet.subnet_id] = replace(subnet, network_acl_id=named.thing_id)
        interfaces = {
            interface.interface_id: self._bind_interface(interface)
            for interface in self._inventory.interfaces.values()
        }
        return replace(self._inventory, subnets=subnets, interfaces=interfaces)

    def _bind_subnet(self, subnet: Subnet) -> Subnet:
        if subnet.network_acl_id is None:
            return subnet
        where = f"{self._path}: subnet {subnet.name or subnet.subnet_id}"
        acl_id = self._acls.find(subnet.network_acl_id, subnet.vpc_id, "network_acl", where)
        return replace(subnet, network_acl_id=acl_id)

    def _bind_interface(self, interface: NetworkInterface) -> NetworkInterface:
        if not interface.security_group_ids:
            return interface
        where = f"{self._path}: interface {interface.name or interface.interface_id}"
        group_ids = [
            self._groups.find(reference, interface.vpc_id, "security_groups", where)
            for reference in interface.security_group_ids
        ]
        return replace(interface, security_group_ids=tuple(dict.fromkeys(group_ids)))


def _find_subnet(subnets: Mapping[str, Subnet], reference: str, named: _Named) -> Subnet:
    found = [
        subnet
        for subnet in subnets.values()
        if subnet.vpc_id == named.vpc_id and reference in {subnet.subnet_id, subnet.name}
    ]
    if len(found) == 1:
        return found[0]
    raise SettingsError(
        f"subnets: {len(found) or 'no'} subnet of this VPC has the id or name {reference!r}",
        where=named.where,
        hint="use the subnet's id" if found else "declare it in a [[subnet]] table",
    )


def _build_acl(table: NetworkAclTable, named: _Named) -> NetworkAcl:
    entries: dict[tuple[str, int], NetworkAclEntry] = {}
    for index, entry in enumerate(table.entry):
        where = rule_place(named.where, "network_acl.entry", index)
        services, peers = _services(entry, where), _peers_of(entry, where)
        if len(services) != 1 or len(peers) != 1:
            raise SettingsError(
                "an entry of an ACL has one range of ports and one network",
                where=where,
                hint="write an entry with a number of its own for each",
            )
        key = (entry.direction, entry.rule_number)
        if key in entries:
            raise SettingsError(
                f"rule_number: {entry.rule_number} is there twice for {entry.direction}",
                where=where,
                hint="a number decides the order; use another one",
            )
        entries[key] = NetworkAclEntry(
            entry.rule_number,
            Direction(entry.direction),
            entry.action == "allow",
            peers[0],
            *services[0],
        )
    return NetworkAcl(named.thing_id, named.vpc_id, table.name, tuple(entries.values()))


def _services(table: RuleTable | EntryTable, where: str) -> list[tuple[int, int, int]]:
    """Protocol, from_port and to_port of every range; each once."""
    protocol = table.protocol
    if table.ports is not None and protocol not in {TCP, UDP}:
        raise SettingsError(
            "ports: only tcp and udp have ports",
            where=where,
            hint='write protocol = "tcp" or "udp", or leave ports out',
        )
    if protocol in {ICMP, ICMPV6}:
        icmp_type = _ICMP_ALL if table.icmp_type is None else table.icmp_type
        icmp_code = _ICMP_ALL if table.icmp_code is None else table.icmp_code
        if icmp_type == _ICMP_ALL and icmp_code != _ICMP_ALL:
            raise SettingsError("icmp_code: says nothing without icmp_type", where=where)
        return [(protocol, icmp_type, icmp_code)]
    if table.icmp_type is not None or table.icmp_code is not None:
        raise SettingsError(
            "icmp_type: only icmp and icmpv6 have types and codes",
            where=where,
            hint='write protocol = "icmp" or "icmpv6"',
        )
    ranges = [(0, PORT_MAX)] if table.ports is None else table.ports
    if not ranges:
        raise SettingsError("ports: is empty", where=where, hint='leave it out, or write "all"')
    return [(protocol, *ports) for ports in dict.fromkeys(ranges)]


@overload
def _peers_of(table: RuleTable, where: str) -> list[str]: ...
@overload
def _peers_of(table: EntryTable, where: str) -> list[Network]: ...
def _peers_of(table: RuleTable | EntryTable, where: str) -> list[str] | list[Network]:
    """What source, destination or peer says, whichever is right for the direction."""
    ingress = table.direction == Direction.INGRESS.value
    right, wrong = ("source", "destination") if ingress else ("destination", "source")
    if getattr(table, wrong) is not None:
        raise SettingsError(
            f"{wrong}: {table.direction} has no {wrong} to choose, it is the interface itself",
            where=where,
            hint=f"write {right}",
        )
    given: list[Any] = [getattr(table, right), table.peer]
    if (given[0] is None) == (given[1] is None):
        raise SettingsError(
            f"{right}: is {'missing' if given[0] is None else 'there beside peer'}",
            where=where,
            hint=f'write {right} = "10.0.0.0/16", or peer',
        )
    peers: list[Any] = given[1] if given[0] is None else given[0]
    if not peers:
        raise SettingsError(f"{right}: is empty", where=where, hint="leave the whole rule out")
    return list(dict.fromkeys(peers))


def _generated(kind: IdKind, where: str, *facts: str) -> str:
    """An id made of names; the last must say something."""
    if not facts[-1]:
        raise SettingsError("has neither an id nor a name", where=where, hint="give it a name")
    return make_id(kind, _ORIGIN, *facts)
