"""The inventory from a TOML or JSON file, checked as a whole before any of it is used.

Things are named by ``id`` or ``name`` wherever one refers to another. A missing id is made of the
name (else of the first CIDR block, address or device), the same on every machine that reads the
file. An interface without addresses takes those of its device (see ``linux_netlink``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from pathlib import Path
from typing import Generic, TypeVar

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.address_ranges import NOT_FOUND, AddressRanges, address_number
from vpcflow.inventory.ids import IdKind, make_id
from vpcflow.inventory.instance import Instance
from vpcflow.inventory.network_interface import (
    Address,
    Attachment,
    AttachmentSide,
    MirrorSession,
    NetworkInterface,
)
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.document import (
    InterfaceTable,
    InventoryDocument,
    SubnetTable,
    VpcTable,
    parse_document,
    place,
    read_document,
)
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Network, Vpc

__all__ = ["build_inventory", "read_document", "read_inventory"]

#: Origin of generated ids: what a file declares is the same on every machine.
_ORIGIN = "file"


def read_inventory(path: Path, settings: InventorySettings) -> Inventory:
    """What the file declares; account, region and zone of the settings where it does not say.

    Errors: SettingsError that says what is wrong, in which table, and what to do.
    """
    return build_inventory(parse_document(read_document(path), str(path)), str(path), settings)


def build_inventory(
    document: InventoryDocument, path: str, settings: InventorySettings
) -> Inventory:
    """The inventory of a parsed document; ``path`` is for messages.

    Errors: SettingsError as ``read_inventory``.
    """
    return _Builder(document, path, settings).build()


T = TypeVar("T")


class _Register(Generic[T]):
    """The entries of one table, by id and by name."""

    def __init__(self, table: str, path: str) -> None:
        self._table = table
        self._path = path
        self.by_id: dict[str, T] = {}
        self._places: dict[str, str] = {}
        self._ids_by_name: dict[str, list[str]] = {}

    def place(self, index: int, name: str) -> str:
        """Where the entry stands, for messages."""
        return place(self._path, self._table, index, name)

    def add(self, thing_id: str, name: str, thing: T, where: str) -> None:
        """Take an entry in; an id stands for one thing."""
        if thing_id in self.by_id:
            raise SettingsError(
                f"{thing_id} is already {self._places[thing_id].removeprefix(self._path + ': ')}",
                where=where,
                hint="give it another name, or an id of its own",
            )
        self.by_id[thing_id] = thing
        self._places[thing_id] = where
        if name:
            self._ids_by_name.setdefault(name, []).append(thing_id)

    def find(self, reference: str, key: str, where: str) -> T:
        """The entry with this id or name."""
        if reference in self.by_id:
            return self.by_id[reference]
        ids = self._ids_by_name.get(reference, [])
        if len(ids) == 1:
            return self.by_id[ids[0]]
        if ids:
            raise SettingsError(
                f"{key}: {len(ids)} entries of [[{self._table}]] are named {reference!r}",
                where=where,
                hint=f"use one of their ids: {', '.join(ids[:5])}",
            )
        raise SettingsError(
            f"{key}: no [[{self._table}]] has the id or name {reference!r}",
            where=where,
            hint=f"declare it in a [[{self._table}]] table, or check the spelling",
        )


class _Builder:
    """Makes the inventory, table by table, each checked against those before it."""

    def __init__(self, document: InventoryDocument, path: str, settings: InventorySettings) -> None:
        self._document = document
        self._settings = settings
        self._vpcs: _Register[Vpc] = _Register("vpc", path)
        self._subnets: _Register[Subnet] = _Register("subnet", path)
        self._instances: _Register[Instance] = _Register("instance", path)
        self._interfaces: _Register[NetworkInterface] = _Register("interface", path)
        self._path = path
        self._subnets_of_vpc: dict[str, list[Subnet]] = {}
        self._ranges: dict[str, AddressRanges] = {}
        self._holders: dict[tuple[str, Address], str] = {}
        self._devices: dict[tuple[str, str], str] = {}

    def build(self) -> Inventory:
        """All tables; the first fault is raised."""
        for index, vpc in enumerate(self._document.vpc):
            self._add_vpc(vpc, self._vpcs.place(index, vpc.name))
        blocks: list[tuple[str, Network, str]] = []
        for index, subnet in enumerate(self._document.subnet):
            where = self._subnets.place(index, subnet.name)
            added = self._add_subnet(subnet, where)
            blocks += [(added.vpc_id, block, where) for block in added.cidr_blocks]
        _refuse_overlaps(blocks)
        for index, instance in enumerate(self._document.instance):
            where = self._instances.place(index, instance.name)
            instance_id = instance.id or _generated(IdKind.INSTANCE, where, instance.name)
            self._instances.add(
                instance_id, instance.name, Instance(instance_id, instance.name), where
            )
        for vpc_id, subnets in self._subnets_of_vpc.items():
            self._ranges[vpc_id] = AddressRanges(
                (block, number)
                for number, subnet in enumerate(subnets)
                for block in subnet.cidr_blocks
            )
        for index, interface in enumerate(self._document.interface):
            self._add_interface(interface, self._interfaces.place(index, interface.name))
        return Inventory(
            self._vpcs.by_id,
            self._subnets.by_id,
            self._interfaces.by_id,
            self._instances.by_id,
            self._mirror_sessions(),
        )

    def _add_vpc(self, table: VpcTable, where: str) -> None:
        vpc_id = table.id or _generated(IdKind.VPC, where, table.name or str(table.cidr_blocks[0]))
        vpc = Vpc(
            vpc_id,
            table.account_id or self._settings.account_id,
            table.region or self._settings.region,
            tuple(table.cidr_blocks),
            table.name,
            table.has_reserved_addresses,
        )
        self._vpcs.add(vpc_id, table.name, vpc, where)
        _refuse_overlaps([(vpc_id, block, where) for block in table.cidr_blocks])

    def _add_subnet(self, table: SubnetTable, where: str) -> Subnet:
        vpc = self._vpc_of(table, where)
        subnet_id = table.id or _generated(
            IdKind.SUBNET, where, vpc.vpc_id, table.name or str(table.cidr_blocks[0])
        )
        for block in table.cidr_blocks:
            if not any(_holds(outer, block) for outer in vpc.cidr_blocks):
                raise SettingsError(
                    f"cidr_blocks: {block} is outside its VPC",
                    where=where,
                    hint=f"{vpc.name or vpc.vpc_id} has {_listed(vpc.cidr_blocks)}",
                )
        subnet = Subnet(
            subnet_id,
            vpc.vpc_id,
            table.az_id or self._settings.az_id,
            tuple(table.cidr_blocks),
            table.name,
            table.network_acl,
        )
        self._subnets.add(subnet_id, table.name, subnet, where)
        self._subnets_of_vpc.setdefault(vpc.vpc_id, []).append(subnet)
        return subnet

    def _vpc_of(self, table: SubnetTable, where: str) -> Vpc:
        if table.vpc is not None:
            return self._vpcs.find(table.vpc, "vpc", where)
        if len(self._vpcs.by_id) != 1:
            raise SettingsError(
                f"vpc: is missing, and the file has {len(self._vpcs.by_id)} VPCs",
                where=where,
                hint="say which VPC the subnet is in, by id or name",
            )
        return next(iter(self._vpcs.by_id.values()))

    def _add_interface(self, table: InterfaceTable, where: str) -> None:
        subnet = self._subnet_of(table, where)
        vpc = self._vpcs.by_id[subnet.vpc_id]
        addresses = table.addresses
        attachment = None
        if table.attachment is not None:
            side = AttachmentSide(table.attachment.side)
            attachment = Attachment(table.attachment.device, table.attachment.namespace, side)
        fact = table.name or (str(addresses[0]) if addresses else "")
        if not fact and attachment:
            fact = f"{attachment.namespace}/{attachment.device}"
        interface_id = table.id or _generated(IdKind.INTERFACE, where, vpc.vpc_id, fact)
        self._claim_addresses(addresses, subnet, interface_id, where)
        if attachment:
            self._claim_device(attachment, interface_id, where)
        instance_id = None
        if table.instance is not None:
            instance_id = self._instances.find(table.instance, "instance", where).instance_id
        interface = NetworkInterface(
            interface_id,
            subnet.subnet_id,
            vpc.vpc_id,
            vpc.account_id,
            tuple(address for address in addresses if isinstance(address, IPv4Address)),
            tuple(address for address in addresses if isinstance(address, IPv6Address)),
            table.mac,
            instance_id,
            tuple(table.security_groups),
            table.name,
            table.interface_type,
            attachment,
        )
        self._interfaces.add(interface_id, table.name, interface, where)

    def _subnet_of(self, table: InterfaceTable, where: str) -> Subnet:
        if table.subnet is not None:
            return self._subnets.find(table.subnet, "subnet", where)
        found: list[Subnet] = []
        for vpc_id, subnets in self._subnets_of_vpc.items():
            number = self._ranges[vpc_id].find(table.addresses[0]) if table.addresses else NOT_FOUND
            if number != NOT_FOUND:
                found.append(subnets[number])
        if len(found) == 1:
            return found[0]
        reason = "its first address is in no" if table.addresses else "it has no address to find a"
        if found:
            reason = "its first address is in more than one"
        raise SettingsError(
            f"subnet: is missing, and {reason} subnet",
            where=where,
            hint="say which subnet the interface is in, by id or name",
        )

    def _claim_addresses(
        self, addresses: Sequence[Address], subnet: Subnet, interface_id: str, where: str
    ) -> None:
        for address in addresses:
            inside = any(
                block.version == address.version and address in block
                for block in subnet.cidr_blocks
            )
            if not inside and not address.is_link_local:
                raise SettingsError(
                    f"addresses: {address} is outside its subnet",
                    where=where,
                    hint=f"{subnet.name or subnet.subnet_id} has {_listed(subnet.cidr_blocks)}",
                )
            # Link-local addresses are unique on their link alone.
            scope = interface_id if address.is_link_local else subnet.vpc_id
            holder = self._holders.setdefault((scope, address), where)
            if holder is not where or addresses.count(address) > 1:
                raise SettingsError(
                    f"addresses: {address} is held twice in one VPC",
                    where=where,
                    hint=f"the other holder is {holder.removeprefix(self._path + ': ')}",
                )

    def _claim_device(self, attachment: Attachment, interface_id: str, where: str) -> None:
        key = (attachment.namespace, attachment.device)
        holder = self._devices.setdefault(key, interface_id)
        if holder != interface_id:
            raise SettingsError(
                f"attachment: {attachment.device} is the device of two interfaces",
                where=where,
                hint=f"the other one is {holder}; give one its own namespace or device",
            )

    def _mirror_sessions(self) -> tuple[MirrorSession, ...]:
        register: _Register[MirrorSession] = _Register("mirror_session", self._path)
        for index, table in enumerate(self._document.mirror_session):
            where = register.place(index, "")
            interface = self._interfaces.find(table.interface, "interface", where)
            session = MirrorSession(table.vni, interface.interface_id)
            register.add(f"vni {table.vni}", "", session, where)
        return tuple(register.by_id.values())


def _generated(kind: IdKind, where: str, *facts: str) -> str:
    """An id made of names; the last fact must say something."""
    if not facts[-1]:
        raise SettingsError("has neither an id nor a name", where=where, hint="give it a name")
    return make_id(kind, _ORIGIN, *facts)


def _holds(outer: Network, inner: Network) -> bool:
    return (
        outer.version == inner.version
        and outer.prefixlen <= inner.prefixlen
        and inner.network_address in outer
    )


def _listed(blocks: Iterable[Network]) -> str:
    return ", ".join(str(block) for block in blocks)


def _refuse_overlaps(blocks: list[tuple[str, Network, str]]) -> None:
    """Blocks of one VPC lie side by side."""
    ordered = sorted(
        blocks,
        key=lambda entry: (entry[0], address_number(entry[1].network_address), entry[1].prefixlen),
    )
    for (vpc_id, block, where), (next_vpc_id, next_block, next_where) in pairwise(ordered):
        if vpc_id == next_vpc_id and _holds(block, next_block):
            raise SettingsError(
                f"cidr_blocks: {next_block} overlaps {block}",
                where=next_where,
                hint="blocks of one VPC lie side by side"
                + ("" if where == next_where else f"; the other stands in {where}"),
            )
