"""The network as the console knows it at one moment: rules, names, who covers what.

Made once for each state of the network: whoever asks again gets the same, with all that was found
from it meanwhile.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from vpcflow.api.rest.names import NetworkNames
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS
from vpcflow.control.network.resources import (
    INSTANCES,
    INTERNET_GATEWAYS,
    NETWORK_INTERFACES,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    RouteTable,
)
from vpcflow.control.state import Kind, State
from vpcflow.control.tags import TAG_SETS
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.policy.bindings import Bindings
from vpcflow.policy.rule_set import RuleSet

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.policy.resolve import CompiledRules

_NAME_TAG = "Name"
_KINDS: tuple[Kind[Any], ...] = (
    TAG_SETS,
    INSTANCES,
    NETWORK_INTERFACES,
    SECURITY_GROUPS,
    SUBNETS,
    ROUTE_TABLES,
    INTERNET_GATEWAYS,
    FLOW_LOGS,
)
#: The marks of a state count from 0 in each process.
_BORN = secrets.token_hex(4)
#: Public networks that questions tell apart from the Internet.
NAMED_NETWORKS_MAX = 200
#: Wider networks are no one's in particular.
_NARROW_BITS = {4: 8, 6: 16}
_lock = threading.Lock()
_held: WeakKeyDictionary[State, tuple[tuple[int, ...], RuleSet, KnownNetwork]] = WeakKeyDictionary()


@dataclass(frozen=True)
class KnownNetwork:
    """One state of the network.

    Shape: ``zones`` by subnet; ``flow_logs`` are ids of flow logs by the resource that they are
    on; ``tables`` are the route tables, ``gateways`` ids of internet gateways.
    """

    rules: RuleSet
    names: NetworkNames
    descriptions: Mapping[str, str]
    zones: Mapping[str, str]
    flow_logs: Mapping[str, tuple[str, ...]]
    tables: tuple[RouteTable, ...]
    gateways: frozenset[str]

    @cached_property
    def bindings(self) -> Bindings:
        """Which rules interfaces are under."""
        return Bindings(self.rules)

    @cached_property
    def compiled(self) -> CompiledRules:
        """The rules as the kernel that judges wants them."""
        from vpcflow.policy.resolve import compile_rules

        return compile_rules(self.rules)

    @cached_property
    def members(self) -> Mapping[str, tuple[NetworkInterface, ...]]:
        """The interfaces in each security group."""
        found: dict[str, list[NetworkInterface]] = {}
        for interface in self.rules.inventory.interfaces.values():
            for group_id in dict.fromkeys(interface.security_group_ids):
                found.setdefault(group_id, []).append(interface)
        return {key: tuple(held) for key, held in found.items()}

    @cached_property
    def public_subnets(self) -> Mapping[str, bool]:
        """Whether a subnet's route table leads to an internet gateway, where one is known."""
        main, own = {}, {}
        for table in self.tables:
            leads = any(route.gateway_id in self.gateways for route in table.routes)
            for one in table.associations:
                if one.subnet_id:
                    own[one.subnet_id] = leads
                elif one.is_main:
                    main[table.vpc_id] = leads
        return {
            key: own.get(key, main.get(subnet.vpc_id, False))
            for key, subnet in self.rules.inventory.subnets.items()
            if key in own or subnet.vpc_id in main
        }

    @cached_property
    def named_networks(self) -> str:
        """Public networks of VPCs and prefix lists, with commas: their addresses are not just anyone's."""
        blocks = [
            *(block for vpc in self.rules.inventory.vpcs.values() for block in vpc.cidr_blocks),
            *(block for one in self.rules.prefix_lists.values() for block in one.cidrs),
        ]
        public = [
            str(block)
            for block in dict.fromkeys(blocks)
            if block.is_global and block.prefixlen >= _NARROW_BITS[block.version]
        ]
        return ",".join(public[:NAMED_NETWORKS_MAX])

    def flow_logs_of(self, interface: NetworkInterface) -> list[str]:
        """The flow logs that cover an interface: its own, its subnet's, its VPC's."""
        resources = (interface.interface_id, interface.subnet_id, interface.vpc_id)
        return [one for resource in resources for one in self.flow_logs.get(resource, ())]

    def vpc_of(self, interface_id: str | None) -> str | None:
        """The VPC of an interface; None when it is not known."""
        interface = self.rules.inventory.interfaces.get(interface_id or "")
        return interface.vpc_id if interface else None


def known_network(services: RestServices) -> KnownNetwork:
    """The network now.

    Errors: StoreError when the control state cannot be read.
    """
    return network_of(services.state, services.rules or services.network.declared_rules)


def names_mark(services: RestServices) -> str:
    """Differs after any change of what names are made from, and after a restart."""
    return f"{_BORN}:{services.state.mark(*_KINDS)}"


def network_of(state: State, rules_now: Callable[[], RuleSet]) -> KnownNetwork:
    """The network of a control state under rules; the same value until one of them changes."""
    # The mark is taken before the reading: a change in between only makes it anew once more.
    mark = state.mark(*_KINDS)
    rules = rules_now()
    with _lock:
        held = _held.get(state)
        if held is not None and held[0] == mark and held[1] is rules:
            return held[2]
    made = _read(state, rules)
    with _lock:
        _held[state] = (mark, rules, made)
    return made


def _read(state: State, rules: RuleSet) -> KnownNetwork:
    descriptions = {
        key: one.description
        for kind in (NETWORK_INTERFACES, SECURITY_GROUPS)
        for key, one in _everything(state, kind).items()
        if one.description
    }
    tags = {
        key: one.tags[_NAME_TAG]
        for key, one in _everything(state, TAG_SETS).items()
        if _NAME_TAG in one.tags
    }
    instances = {key: one.instance.name for key, one in _everything(state, INSTANCES).items()}
    flow_logs: dict[str, list[str]] = {}
    for key, one in _everything(state, FLOW_LOGS).items():
        flow_logs.setdefault(one.resource_id, []).append(key)
    return KnownNetwork(
        rules,
        NetworkNames(rules, tags, descriptions, instances),
        descriptions,
        {key: one.zone_name for key, one in _everything(state, SUBNETS).items()},
        {key: tuple(held) for key, held in flow_logs.items()},
        tuple(_everything(state, ROUTE_TABLES).values()),
        frozenset(_everything(state, INTERNET_GATEWAYS)),
    )


def _everything(state: State, kind: Kind[Any]) -> dict[str, Any]:
    """All of a kind, wherever; ids differ between places."""
    return {
        key: value for place in state.places(kind) for key, value in state.all(kind, place).items()
    }
