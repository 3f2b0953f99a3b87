"""Gives the data plane what the API made: the inventory, and the rules of all networks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from vpcflow.control.network.resources import (
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    PREFIX_LISTS,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    Origin,
)
from vpcflow.control.state import Kind, State
from vpcflow.control.tags import TAG_SETS
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.rule_set import RuleSet

T = TypeVar("T")
_INVENTORY_KINDS: tuple[Kind[Any], ...] = (VPCS, SUBNETS, NETWORK_INTERFACES)
_RULE_KINDS: tuple[Kind[Any], ...] = (
    *_INVENTORY_KINDS,
    SECURITY_GROUPS,
    NETWORK_ACLS,
    PREFIX_LISTS,
)
_NAME_TAG = "Name"
_lock = threading.Lock()
_made: WeakKeyDictionary[State, dict[str, tuple[tuple[int, ...], Any]]] = WeakKeyDictionary()


def declared_inventory(state: State) -> Inventory:
    """Everything that the API made, of all accounts and regions, with its attachments.

    Shape: the same value until something of it changes. VPCs and subnets of the host are in it
    where the API made something in them. Names are the ``Name`` tags.
    """
    return _cached(state, "inventory", (*_INVENTORY_KINDS, TAG_SETS), _inventory)


def declared_rules(state: State) -> RuleSet:
    """The rules of all accounts and regions, the host's with what the API changed of them.

    Shape: the same value until something of it changes.
    """
    return _cached(state, "rules", _RULE_KINDS, _rules)


def attached_interfaces(state: State) -> Mapping[str, bool]:
    """The interfaces that the API attached, by id, and whether their rules are to be in force.

    Shape: the same value until something of it changes.
    """
    return _cached(state, "attached", (NETWORK_INTERFACES,), _attached)


def _cached(state: State, name: str, kinds: tuple[Kind[Any], ...], make: Callable[[State], T]) -> T:
    # The mark is taken before the reading: a change in between only makes it anew once more.
    mark = state.mark(*kinds)
    with _lock:
        held = _made.setdefault(state, {}).get(name)
        if held is not None and held[0] == mark:
            value: T = held[1]
            return value
    made = make(state)
    with _lock:
        _made.setdefault(state, {})[name] = (mark, made)
    return made


def _inventory(state: State) -> Inventory:
    every = _everything(state, SUBNETS)
    subnets = {key: one.subnet for key, one in every.items() if one.origin is Origin.API}
    interfaces = {
        key: one.interface
        for key, one in _everything(state, NETWORK_INTERFACES).items()
        if one.origin is Origin.API
    }
    for interface in interfaces.values():
        if interface.subnet_id in every:
            subnets.setdefault(interface.subnet_id, every[interface.subnet_id].subnet)
    within = {subnet.vpc_id for subnet in subnets.values()}
    vpcs = {
        key: one.vpc
        for key, one in _everything(state, VPCS).items()
        if one.origin is Origin.API or key in within
    }
    names = {
        key: one.tags[_NAME_TAG]
        for key, one in _everything(state, TAG_SETS).items()
        if _NAME_TAG in one.tags
    }
    return Inventory(
        {key: replace(one, name=names.get(key, one.name)) for key, one in vpcs.items()},
        {key: replace(one, name=names.get(key, one.name)) for key, one in subnets.items()},
        {key: replace(one, name=names.get(key, one.name)) for key, one in interfaces.items()},
    )


def _rules(state: State) -> RuleSet:
    inventory = Inventory(
        {key: one.vpc for key, one in _everything(state, VPCS).items()},
        {key: one.subnet for key, one in _everything(state, SUBNETS).items()},
        {key: one.interface for key, one in _everything(state, NETWORK_INTERFACES).items()},
    )
    return RuleSet(
        inventory,
        {key: one.group for key, one in _everything(state, SECURITY_GROUPS).items()},
        {key: one.acl for key, one in _everything(state, NETWORK_ACLS).items()},
        {key: one.prefix_list for key, one in _everything(state, PREFIX_LISTS).items()},
    )


def _attached(state: State) -> Mapping[str, bool]:
    return {
        key: one.enforced
        for key, one in _everything(state, NETWORK_INTERFACES).items()
        if one.origin is Origin.API and one.interface.attachment is not None
    }


def _everything(state: State, kind: Kind[T]) -> dict[str, T]:
    """All of a kind, wherever; ids differ between places."""
    return {
        key: value for place in state.places(kind) for key, value in state.all(kind, place).items()
    }
