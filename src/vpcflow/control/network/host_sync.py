"""Brings what exists on the host, or is declared in the inventory file, into the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary

from vpcflow.control.network.lookup import View
from vpcflow.control.network.resources import (
    INSTANCES,
    INTERNET_GATEWAYS,
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    PREFIX_LISTS,
    RESOURCE_TYPES,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    InstanceResource,
    NetworkAclResource,
    NetworkInterfaceResource,
    Origin,
    PrefixListResource,
    SecurityGroupResource,
    SubnetResource,
    VpcResource,
)
from vpcflow.control.state import Kind, Place, State
from vpcflow.control.tags import TAG_SETS, TagSet, remove_tags
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.rule_set import RuleSet

#: Kinds that come from the host; a change of others needs no look at it.
HOST_KINDS: tuple[Kind[Any], ...] = (
    VPCS,
    SUBNETS,
    SECURITY_GROUPS,
    NETWORK_ACLS,
    PREFIX_LISTS,
    NETWORK_INTERFACES,
    INSTANCES,
)
_NAME_TAG = "Name"
_NOTHING = Inventory()
_NO_RULES = RuleSet(_NOTHING)
#: What each state was last found to agree with, and the marks of the state then.
_agreed: WeakKeyDictionary[State, tuple[tuple[int, ...], tuple[Inventory, RuleSet, Inventory]]] = (
    WeakKeyDictionary()
)

Keyed = dict[tuple[Place, str], Any]


@dataclass(frozen=True)
class _Step:
    """One write: ``value`` None removes; ``name`` becomes the tag of a new resource."""

    kind: Kind[Any]
    place: Place
    resource_id: str
    value: Any | None
    name: str = ""


def sync_host(
    state: State,
    inventory: Inventory,
    rule_set: RuleSet | None = None,
    declared: Inventory | None = None,
) -> bool:
    """Add, change and remove the host's resources; says whether anything was written.

    Shape: ``inventory`` may hold what the API made, as ``declared`` gave it to the host's
    inventory; that is left alone, even after it was deleted. What the API changed of a host's
    resource (groups, network ACL, tags) stays, unless it names what is no more.
    Errors: StoreError when the database says no.
    """
    rules, declared = rule_set or _NO_RULES, declared or _NOTHING
    asked = (inventory, rules, declared)
    marks = state.mark(*HOST_KINDS, ROUTE_TABLES, INTERNET_GATEWAYS)
    before = _agreed.get(state)
    # The host is asked often and changes seldom: the same objects need no comparison.
    if before and before[0] == marks and all(map(is_, before[1], asked)):
        return False
    found = _Found(*asked)
    if next(_steps(state, state, found), None) is None:
        _agreed[state] = (marks, asked)
        return False
    with state.change() as change:
        for step in list(_steps(state, change, found)):
            if step.value is None:
                change.remove(step.kind, step.place, step.resource_id)
                remove_tags(change, step.place, step.resource_id, None)
                continue
            change.put(step.kind, step.place, step.resource_id, step.value)
            if step.name:
                kind = RESOURCE_TYPES.get(step.resource_id.partition("-")[0], step.kind.name)
                tags = TagSet(kind, {_NAME_TAG: step.name})
                change.put(TAG_SETS, step.place, step.resource_id, tags)
    return True


class _Found:
    """What is on the host, with the place of each."""

    def __init__(self, inventory: Inventory, rules: RuleSet, declared: Inventory) -> None:
        self.inventory = inventory
        self.rules = rules
        self.declared_ids = declared.vpcs.keys() | declared.subnets.keys()
        self.declared_ids |= declared.interfaces.keys()
        self.places = {
            vpc_id: Place(vpc.account_id, vpc.region) for vpc_id, vpc in inventory.vpcs.items()
        }
        self.all_places = list(dict.fromkeys(self.places.values()))


def _steps(state: State, view: View, found: _Found) -> Iterator[_Step]:
    """The writes that are missing; none when the state is as the host is."""
    held: dict[str, Keyed] = {
        kind.name: {
            (place, resource_id): resource
            for place in state.places(kind)
            for resource_id, resource in view.all(kind, place).items()
        }
        for kind in HOST_KINDS
    }
    needed = _needed(state, view, held)
    wanted = _wanted(found)
    _leave_to_api(wanted, held, found.declared_ids)
    _keep_changes(wanted, held, needed)
    for kind in HOST_KINDS:
        before = held[kind.name]
        for key, (value, name) in wanted[kind.name].items():
            old = before.get(key)
            if old is None:
                yield _Step(kind, *key, value, name)
            elif old != value:
                yield _Step(kind, *key, value)
        for key, old in before.items():
            is_host = getattr(old, "origin", Origin.HOST) is Origin.HOST
            if is_host and key not in wanted[kind.name] and key[1] not in needed:
                yield _Step(kind, *key, None)


def _wanted(found: _Found) -> dict[str, Keyed]:
    """The host's resources with their names, by kind, place and id."""
    wanted: dict[str, Keyed] = {kind.name: {} for kind in HOST_KINDS}
    inventory, places = found.inventory, found.places
    for key, vpc in inventory.vpcs.items():
        wanted[VPCS.name][places[key], key] = (VpcResource(vpc, Origin.HOST), vpc.name)
    for key, subnet in inventory.subnets.items():
        if subnet.vpc_id in places:
            value = SubnetResource(subnet, Origin.HOST)
            wanted[SUBNETS.name][places[subnet.vpc_id], key] = (value, subnet.name)
    instances: dict[str, tuple[Place, str]] = {}
    for key, interface in inventory.interfaces.items():
        if interface.vpc_id not in places:
            continue
        place = places[interface.vpc_id]
        if interface.account_id != place.account_id:
            place = Place(interface.account_id, place.region)
        wanted[NETWORK_INTERFACES.name][place, key] = (
            NetworkInterfaceResource(interface, Origin.HOST),
            interface.name,
        )
        if interface.instance_id:
            instances.setdefault(interface.instance_id, (place, interface.vpc_id))
    for key, (place, vpc_id) in instances.items():
        instance = inventory.instances.get(key)
        if instance is not None:
            resource = InstanceResource(instance, vpc_id)
            wanted[INSTANCES.name][place, key] = (resource, instance.name)
    _add_rules(wanted, found)
    return wanted


def _add_rules(wanted: dict[str, Keyed], found: _Found) -> None:
    places = found.places
    for key, group in found.rules.security_groups.items():
        if group.vpc_id in places:
            of_group = SecurityGroupResource(group, Origin.HOST, group.name)
            wanted[SECURITY_GROUPS.name][places[group.vpc_id], key] = (of_group, "")
    for key, acl in found.rules.network_acls.items():
        if acl.vpc_id in places:
            of_acl = NetworkAclResource(acl, Origin.HOST)
            wanted[NETWORK_ACLS.name][places[acl.vpc_id], key] = (of_acl, acl.name)
    for key, listed in found.rules.prefix_lists.items():
        family = "IPv6" if any(network.version == 6 for network in listed.cidrs) else "IPv4"
        of_list = PrefixListResource(listed, Origin.HOST, family, max(len(listed.cidrs), 1))
        # A list of the file belongs to no VPC: rules of every account may name it.
        for place in found.all_places:
            wanted[PREFIX_LISTS.name][place, key] = (of_list, "")


def _leave_to_api(
    wanted: dict[str, Keyed], held: Mapping[str, Keyed], declared_ids: set[str]
) -> None:
    """Take out what came from the API and is no fact of the host's."""
    for name, keyed in wanted.items():
        before = held[name]
        for key in list(keyed):
            old = before.get(key)
            if old is None:
                made_by_api = key[1] in declared_ids
            else:
                made_by_api = getattr(old, "origin", Origin.HOST) is Origin.API
            if made_by_api:
                del keyed[key]


def _keep_changes(wanted: dict[str, Keyed], held: Mapping[str, Keyed], needed: set[str]) -> None:
    """Put what the API changed, or what only AWS knows of, into the host's resources."""

    def known(kind: Kind[Any], resource_id: str, place: Place) -> bool:
        key = (place, resource_id)
        old = held[kind.name].get(key)
        is_api = old is not None and getattr(old, "origin", Origin.HOST) is Origin.API
        return is_api or key in wanted[kind.name] or (old is not None and key[1] in needed)

    for name, keyed in wanted.items():
        before = held[name]
        for key, (value, label) in keyed.items():
            old = before.get(key)
            if old is not None:
                keyed[key] = (_kept(value, old, partial(known, place=key[0])), label)


def _kept(value: Any, old: Any, known: Callable[..., bool]) -> Any:
    """The host's resource with what the API changed of the one that is held."""
    if isinstance(value, VpcResource):
        return replace(old, vpc=value.vpc)
    if isinstance(value, SubnetResource):
        acl_id = old.subnet.network_acl_id
        if old.acl_changed and known(NETWORK_ACLS, acl_id):
            return replace(old, subnet=replace(value.subnet, network_acl_id=acl_id))
        return replace(old, subnet=value.subnet, acl_changed=False)
    if isinstance(value, NetworkInterfaceResource):
        kept = old.interface.security_group_ids if old.groups_changed else ()
        kept = tuple(group_id for group_id in kept if known(SECURITY_GROUPS, group_id))
        interface = value.interface
        if kept:
            interface = replace(interface, security_group_ids=kept)
        return replace(old, interface=interface, groups_changed=bool(kept))
    return value


def _needed(state: State, view: View, held: Mapping[str, Keyed]) -> set[str]:
    """Ids of the host's resources that what the API made lies in or names: they stay."""
    needed: set[str] = set()
    for resource in held[SUBNETS.name].values():
        if resource.origin is Origin.API:
            needed |= {resource.subnet.vpc_id, resource.subnet.network_acl_id or ""}
    for resource in held[NETWORK_INTERFACES.name].values():
        if resource.origin is Origin.API:
            interface = resource.interface
            needed |= {interface.vpc_id, interface.subnet_id, *interface.security_group_ids}
    for resource in held[SECURITY_GROUPS.name].values():
        if resource.origin is Origin.API:
            needed.add(resource.group.vpc_id)
            for rule in resource.group.rules:
                needed |= {rule.group_id or "", rule.prefix_list_id or ""}
    for resource in held[NETWORK_ACLS.name].values():
        if resource.origin is Origin.API:
            needed.add(resource.acl.vpc_id)
    for place in state.places(ROUTE_TABLES):
        needed |= {table.vpc_id for table in view.all(ROUTE_TABLES, place).values()}
        for table in view.all(ROUTE_TABLES, place).values():
            needed |= {one.subnet_id for one in table.associations}
    for place in state.places(INTERNET_GATEWAYS):
        needed |= {gateway.vpc_id for gateway in view.all(INTERNET_GATEWAYS, place).values()}
    return needed
