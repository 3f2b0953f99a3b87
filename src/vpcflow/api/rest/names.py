"""What addresses and ids are called: from the inventory, its tags, and what users named.

An address belongs to a VPC, and two VPCs may have the same one. Who knows the VPC, or an interface
in it, says so; without it an address that several have gets a name that says all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, ip_address
from typing import Final

from vpcflow.api.rest.network_models import NamedThing, NameKind
from vpcflow.inventory.address_ranges import NOT_FOUND, AddressRanges
from vpcflow.inventory.network_interface import Address, NetworkInterface
from vpcflow.inventory.vpc import Network
from vpcflow.policy.rule_set import RuleSet

#: Addresses without an interface whose names are remembered; then the memory begins anew.
REMEMBERED_MAX: Final = 100_000
#: Of an address that more interfaces have, these many are named.
SEVERAL_NAMED_MAX: Final = 3

_PROVIDER: Final = {
    "169.254.169.253": "Amazon DNS",
    "169.254.169.254": "Instance metadata",
    "169.254.170.2": "Task metadata",
    "169.254.169.123": "Amazon time",
    "169.254.169.250": "Windows activation",
    "169.254.169.251": "Windows activation",
    "fd00:ec2::253": "Amazon DNS",
    "fd00:ec2::254": "Instance metadata",
    "fd00:ec2::123": "Amazon time",
    "fd00:ec2::250": "Windows activation",
    "fd00:ec2::251": "Windows activation",
}
_ROUTER_STEP: Final = 1
_DNS_STEP: Final = 2


@dataclass(frozen=True)
class NetworkNames:
    """Names over one state of the network; hold it as long as that does not change.

    Shape: ``tags`` are Name tags by id, ``descriptions`` those of interfaces and groups,
    ``instances`` the names of instances, all of them by id.
    """

    rules: RuleSet
    tags: Mapping[str, str]
    descriptions: Mapping[str, str]
    instances: Mapping[str, str]

    def of(self, keys: Iterable[str], vpc_id: str | None = None) -> dict[str, NamedThing]:
        """Names of addresses (as text) and ids, those that have one."""
        found = {}
        for key in keys:
            name = self.of_id(key) if _is_id(key) else self.of_address(key, vpc_id)
            if name is not None:
                found[key] = name
        return found

    def of_id(self, key: str) -> NamedThing | None:
        """The name of an interface, subnet, VPC, group or instance; None when it is not known."""
        return self._by_id.get(key)

    def text_of(self, key: str | None) -> str:
        """The name of an id as text: the id itself where it has none."""
        found = self._by_id.get(key or "")
        return found.name if found else key or ""

    def of_address(self, text: str, vpc_id: str | None = None) -> NamedThing | None:
        """The name of an address: its interface's, else what holds it; None for neither."""
        held = self._by_address.get(text, ())
        if vpc_id is not None:
            held = tuple(one for one in held if one.vpc_id == vpc_id)
        if len(held) == 1:
            return held[0]
        if held:
            return NamedThing(name=_either([one.name for one in held]), kind="several")
        if (text, vpc_id) not in self._remembered:
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[text, vpc_id] = self._holder_of(text, vpc_id)
        return self._remembered[text, vpc_id]

    def interfaces_of(self, text: str, vpc_id: str | None = None) -> tuple[str, ...]:
        """Ids of the interfaces that have an address."""
        return tuple(
            one.interface_id
            for one in self._by_address.get(text, ())
            if one.interface_id is not None and vpc_id in {None, one.vpc_id}
        )

    def subnet_of(self, text: str, vpc_id: str) -> str | None:
        """The id of a VPC's subnet that an address lies in."""
        address = _parsed(text)
        ids, ranges = self._subnets_of.get(vpc_id, ((), None))
        place = ranges.find(address) if ranges and address is not None else NOT_FOUND
        return None if place == NOT_FOUND else ids[place]

    @cached_property
    def _remembered(self) -> dict[tuple[str, str | None], NamedThing | None]:
        return {}

    @cached_property
    def _by_id(self) -> dict[str, NamedThing]:
        inventory, found = self.rules.inventory, {}
        for key, vpc in inventory.vpcs.items():
            found[key] = self._named(key, "vpc", vpc.name, vpc_id=key)
        for key, subnet in inventory.subnets.items():
            found[key] = self._named(key, "subnet", subnet.name, vpc_id=subnet.vpc_id)
        for key, group in self.rules.security_groups.items():
            found[key] = self._named(key, "group", group.name, vpc_id=group.vpc_id)
        for key, acl in self.rules.network_acls.items():
            found[key] = self._named(key, "network", acl.name, vpc_id=acl.vpc_id)
        for key, prefixes in self.rules.prefix_lists.items():
            found[key] = self._named(key, "network", prefixes.name)
        for key, name in self.instances.items():
            found[key] = self._named(key, "instance", name)
        for key, instance in inventory.instances.items():
            found[key] = self._named(key, "instance", instance.name)
        for key, one in inventory.interfaces.items():
            found[key] = self._named_interface(one)
        return found

    @cached_property
    def _by_address(self) -> dict[str, tuple[NamedThing, ...]]:
        found: dict[str, list[NamedThing]] = {}
        for key, interface in self.rules.inventory.interfaces.items():
            for address in interface.addresses:
                found.setdefault(str(address), []).append(self._by_id[key])
        return {text: tuple(held) for text, held in found.items()}

    @cached_property
    def _subnets_of(self) -> dict[str, tuple[tuple[str, ...], AddressRanges]]:
        within: dict[str, list[str]] = {}
        subnets = self.rules.inventory.subnets
        for key, subnet in subnets.items():
            within.setdefault(subnet.vpc_id, []).append(key)
        return {
            vpc_id: (
                tuple(ids),
                AddressRanges(
                    (block, place)
                    for place, key in enumerate(ids)
                    for block in subnets[key].cidr_blocks
                ),
            )
            for vpc_id, ids in within.items()
        }

    @cached_property
    def _holders(self) -> tuple[tuple[NamedThing, ...], AddressRanges]:
        """Everything that holds addresses, of all VPCs; what several have says all of them."""
        inventory = self.rules.inventory
        blocks: dict[Network, list[NamedThing]] = {}
        for key, subnet in inventory.subnets.items():
            for block in subnet.cidr_blocks:
                blocks.setdefault(block, []).append(self._by_id[key])
        # A subnet as large as its VPC says more than the VPC.
        of_subnets = frozenset(blocks)
        for key, vpc in inventory.vpcs.items():
            for block in vpc.cidr_blocks:
                if block not in of_subnets:
                    blocks.setdefault(block, []).append(self._by_id[key])
        for key, prefixes in self.rules.prefix_lists.items():
            for block in prefixes.cidrs:
                blocks.setdefault(block, []).append(self._by_id[key])
        held = tuple(
            NamedThing(
                name=_either([one.name for one in things]),
                kind="network" if len(things) == 1 else "several",
                vpc_id=things[0].vpc_id if len(things) == 1 else None,
            )
            for things in blocks.values()
        )
        return held, AddressRanges((block, place) for place, block in enumerate(blocks))

    @cached_property
    def _services(self) -> dict[tuple[str, str], str]:
        """Services of each VPC at its reserved addresses, by VPC and address."""
        inventory, found = self.rules.inventory, {}
        for vpc_id, vpc in inventory.vpcs.items():
            if vpc.has_reserved_addresses:
                for text in _steps(vpc.cidr_blocks, _DNS_STEP):
                    found[vpc_id, text] = f"DNS of {self.text_of(vpc_id)}"
        for subnet_id, subnet in inventory.subnets.items():
            holder = inventory.vpcs.get(subnet.vpc_id)
            if holder is not None and holder.has_reserved_addresses:
                for text in _steps(subnet.cidr_blocks, _ROUTER_STEP):
                    found[subnet.vpc_id, text] = f"Router of {self.text_of(subnet_id)}"
        return found

    def _holder_of(self, text: str, vpc_id: str | None) -> NamedThing | None:
        if text in _PROVIDER:
            return NamedThing(name=_PROVIDER[text], kind="service")
        address = _parsed(text)
        if address is None:
            return None
        if vpc_id is not None:
            if (vpc_id, text) in self._services:
                return NamedThing(name=self._services[vpc_id, text], kind="service", vpc_id=vpc_id)
            subnet_id = self.subnet_of(text, vpc_id)
            if subnet_id is not None:
                name = self.text_of(subnet_id)
                return NamedThing(name=name, kind="network", vpc_id=vpc_id)
            vpc = self.rules.inventory.vpcs.get(vpc_id)
            if vpc is not None and any(
                address.version == block.version and address in block for block in vpc.cidr_blocks
            ):
                return NamedThing(name=self.text_of(vpc_id), kind="network", vpc_id=vpc_id)
        held, ranges = self._holders
        place = ranges.find(address)
        found = None if place == NOT_FOUND else held[place]
        if found is not None and vpc_id is None and found.vpc_id is not None:
            service = self._services.get((found.vpc_id, text))
            if service is not None:
                return NamedThing(name=service, kind="service", vpc_id=found.vpc_id)
        return found

    def _named(self, key: str, kind: NameKind, name: str, vpc_id: str | None = None) -> NamedThing:
        return NamedThing(name=self.tags.get(key) or name or key, kind=kind, vpc_id=vpc_id)

    def _named_interface(self, one: NetworkInterface) -> NamedThing:
        key = one.interface_id
        instance_id = one.instance_id or ""
        declared = self.rules.inventory.instances.get(instance_id)
        instance = self.instances.get(instance_id) or (declared.name if declared else "")
        device = one.attachment.device if one.attachment else ""
        told = self.tags.get(key) or one.name or instance or self.descriptions.get(key) or device
        return NamedThing(name=told or key, kind="interface", interface_id=key, vpc_id=one.vpc_id)


def _is_id(key: str) -> bool:
    """Ids begin with letters and a hyphen; no address has a hyphen."""
    return "-" in key


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _steps(networks: Sequence[Network], step: int) -> list[str]:
    return [
        str(network.network_address + step)
        for network in networks
        if isinstance(network, IPv4Network) and network.num_addresses > step
    ]


def _either(names: Sequence[str]) -> str:
    shown = sorted(set(names))
    more = len(shown) - SEVERAL_NAMED_MAX
    if more > 0:
        return f"{', '.join(shown[:SEVERAL_NAMED_MAX])} or {more} more"
    return " or ".join(shown)
