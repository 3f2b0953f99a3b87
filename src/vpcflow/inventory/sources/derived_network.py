"""The default VPC: subnets derived from the prefixes of a host's own addresses.

Each network that a device has an address in is a subnet; an interface is in the subnet of its
primary address. A device without an address that names a network (none at all, or IPv6 link-local
alone) still is an interface: it is in the one subnet ``unnumbered``, which has no CIDR block.
Namespaces share the default VPC, as the instances of one account do; where two of them use the same
network, they share the subnet.

An address that is within a subnet of the inventory file (of exactly one VPC of it) is in that
subnet, and derives none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from vpcflow.inventory.address_ranges import NOT_FOUND, AddressRanges, address_number
from vpcflow.inventory.ids import IdKind, make_id
from vpcflow.inventory.network_interface import Address
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Network, Vpc

UNNUMBERED = "unnumbered"


class DerivedNetwork:
    """The default VPC and its subnets, as long as an interface is in them."""

    def __init__(self, settings: InventorySettings, machine: str, base: Inventory) -> None:
        self._settings = settings
        self._machine = machine
        self.vpc_id = make_id(IdKind.VPC, machine, settings.vpc_name)
        self._counts: Counter[str] = Counter()
        self.subnets: dict[str, Subnet] = {}
        self._vpc: Vpc | None = None
        self.declare(base)

    def declare(self, base: Inventory) -> None:
        """Addresses within subnets of ``base`` are in these from now on."""
        subnets_by_vpc: dict[str, list[Subnet]] = {}
        for subnet in base.subnets.values():
            subnets_by_vpc.setdefault(subnet.vpc_id, []).append(subnet)
        self._declared = [
            (
                subnets,
                AddressRanges(
                    (block, number)
                    for number, subnet in enumerate(subnets)
                    for block in subnet.cidr_blocks
                ),
            )
            for subnets in subnets_by_vpc.values()
        ]

    def subnets_for(self, addresses: Iterable[tuple[Address, int]]) -> tuple[Subnet, ...]:
        """The subnets of an interface's addresses (with prefix lengths), the interface's own first."""
        found: dict[str, Subnet] = {}
        for address, prefix_length in addresses:
            if address.version == 6 and address.is_link_local:
                continue
            subnet = self._declared_subnet(address) or self._derived_subnet(address, prefix_length)
            found.setdefault(subnet.subnet_id, subnet)
        return tuple(found.values()) or (self._subnet(UNNUMBERED, ()),)

    def hold(self, subnets: Iterable[Subnet]) -> None:
        """One more interface is in these subnets."""
        for subnet in subnets:
            if subnet.vpc_id != self.vpc_id:
                continue
            self._counts[subnet.subnet_id] += 1
            if subnet.subnet_id not in self.subnets:
                self.subnets[subnet.subnet_id] = subnet
                self._vpc = None

    def release(self, subnets: Iterable[Subnet]) -> None:
        """One interface less; a subnet without any is no more."""
        for subnet in subnets:
            if subnet.vpc_id != self.vpc_id:
                continue
            self._counts[subnet.subnet_id] -= 1
            if self._counts[subnet.subnet_id] == 0:
                del self._counts[subnet.subnet_id], self.subnets[subnet.subnet_id]
                self._vpc = None

    @property
    def vpc(self) -> Vpc:
        """The default VPC; its blocks are the networks of its subnets, IPv4 first."""
        if self._vpc is None:
            self._vpc = self.vpc_of(self.subnets.values())
        return self._vpc

    def vpc_of(self, subnets: Iterable[Subnet]) -> Vpc:
        """The default VPC as it is with these subnets; those of other VPCs do not count."""
        blocks = {
            block
            for subnet in subnets
            if subnet.vpc_id == self.vpc_id
            for block in subnet.cidr_blocks
        }
        return Vpc(
            self.vpc_id,
            self._settings.account_id,
            self._settings.region,
            _outermost(blocks),
            self._settings.vpc_name,
            has_reserved_addresses=False,
        )

    def _declared_subnet(self, address: Address) -> Subnet | None:
        found = [
            subnets[number]
            for subnets, ranges in self._declared
            if (number := ranges.find(address)) != NOT_FOUND
        ]
        return found[0] if len(found) == 1 else None

    def _derived_subnet(self, address: Address, prefix_length: int) -> Subnet:
        network: Network
        if isinstance(address, IPv4Address):
            network = IPv4Network((int(address), prefix_length), strict=False)
        else:
            network = IPv6Network((int(address), prefix_length), strict=False)
        return self._subnet(str(network), (network,))

    def _subnet(self, name: str, blocks: tuple[Network, ...]) -> Subnet:
        subnet_id = make_id(IdKind.SUBNET, self._machine, self.vpc_id, name)
        known = self.subnets.get(subnet_id)
        return known or Subnet(subnet_id, self.vpc_id, self._settings.az_id, blocks, name)


def _outermost(blocks: Iterable[Network]) -> tuple[Network, ...]:
    """The networks that no other one holds, IPv4 first, ascending."""
    kept: list[Network] = []
    for block in sorted(
        blocks, key=lambda one: (one.version, address_number(one.network_address), one.prefixlen)
    ):
        last = kept[-1] if kept else None
        if last is None or last.version != block.version or block.network_address not in last:
            kept.append(block)
    return tuple(kept)
