"""A Linux device under watch, and what became of one that vanished."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vpcflow.inventory.network_interface import Address, AttachmentSide, NetworkInterface
from vpcflow.inventory.sources.kept_ids import Facts
from vpcflow.inventory.sources.rtnetlink import AddressMessage
from vpcflow.inventory.subnet import Subnet

#: A vanished interface is remembered so long: its last records close an interval of 600 s later.
VANISHED_KEPT_S = 1_800.0
#: More vanished interfaces are not remembered; the one that vanished first is forgotten first.
VANISHED_MAX = 16_384
#: The kernel takes a device's addresses away just before the device: so long they count as its own.
LAST_ADDRESSES_S = 1.0

_RANK_LINK_LOCAL: Final = 2

#: A device: the namespace's name and the ifindex in it.
DeviceKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Binding:
    """The interface that a device is, and from which end it is seen."""

    interface_id: str
    side: AttachmentSide


@dataclass(slots=True)
class Held:
    """One address of a device: how it is ordered among the others, and when it was last told."""

    prefix_length: int
    rank: int
    generation: int


@dataclass(slots=True, eq=False)
class Device:
    """One device of one namespace, as the messages so far tell."""

    namespace: str
    ifindex: int
    name: str
    mac: str
    kind: str
    generation: int
    since_s: float
    addresses: dict[Address, Held] = field(default_factory=dict)
    removed: dict[Address, tuple[Held, float]] = field(default_factory=dict)
    own_id: str = ""
    facts: Facts = ("", "", "")
    binding: Binding | None = None
    subnets: tuple[Subnet, ...] = ()
    is_published: bool = False

    @property
    def key(self) -> DeviceKey:
        """What the kernel calls it."""
        return self.namespace, self.ifindex

    def take_address(self, message: AddressMessage, generation: int, monotonic_s: float) -> bool:
        """Take in that an address is there, or no more; whether that changes anything."""
        if not message.is_new:
            held = self.addresses.pop(message.address, None)
            if held is None:
                return False
            self.removed[message.address] = (held, monotonic_s)
            self.prune_removed(monotonic_s)
            return True
        rank = int(message.is_secondary)
        if message.address.version == 6 and message.address.is_link_local:
            rank = _RANK_LINK_LOCAL
        held = self.addresses.get(message.address)
        if held is not None and (held.prefix_length, held.rank) == (message.prefix_length, rank):
            held.generation = generation
            return False
        self.addresses[message.address] = Held(message.prefix_length, rank, generation)
        self.removed.pop(message.address, None)
        return True

    def drop_untold(self, generation: int) -> bool:
        """Drop the addresses that a dump did not tell; whether there were any."""
        lost = [key for key, held in self.addresses.items() if held.generation < generation]
        for address in lost:
            del self.addresses[address]
        return bool(lost)

    def prune_removed(self, monotonic_s: float) -> None:
        """Forget addresses that went more than LAST_ADDRESSES_S ago."""
        oldest_s = monotonic_s - LAST_ADDRESSES_S
        for address in [key for key, (_, at_s) in self.removed.items() if at_s < oldest_s]:
            del self.removed[address]

    def last_addresses(self, monotonic_s: float) -> dict[Address, Held]:
        """The addresses that the device had until it vanished just now."""
        self.prune_removed(monotonic_s)
        return {**{key: held for key, (held, _) in self.removed.items()}, **self.addresses}


def ordered(held: Mapping[Address, Held]) -> list[Address]:
    """Primary addresses first; IPv4 in the kernel's order, IPv6 by number, which it has none for."""
    return sorted(
        held,
        key=lambda one: (one.version, held[one].rank, int(one) if one.version == 6 else 0),
    )


@dataclass(frozen=True, slots=True)
class Vanished:
    """An interface as it was when its device vanished."""

    interface: NetworkInterface
    subnets: tuple[Subnet, ...]
    device: Device
    at_s: float
    has_moved: bool


class VanishedInterfaces:
    """Interfaces that vanished, bounded by VANISHED_KEPT_S and VANISHED_MAX."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, Vanished] = OrderedDict()
        self.forgotten = 0  # pushed out by VANISHED_MAX before their time
        self._moved: dict[str, dict[str, Vanished]] = {}  # by MAC, then by interface id
        self._bindings: OrderedDict[DeviceKey, tuple[Binding, float]] = OrderedDict()

    def add(self, entry: Vanished, binding: Binding) -> None:
        """An interface has vanished; ``binding`` is what its device was."""
        interface_id = entry.interface.interface_id
        self.forget(interface_id)
        self.entries[interface_id] = entry
        self._bindings[entry.device.key] = (binding, entry.at_s)
        self._bindings.move_to_end(entry.device.key)
        if entry.has_moved and entry.device.mac and entry.device.own_id == interface_id:
            self._moved.setdefault(entry.device.mac, {})[interface_id] = entry

    def adopt(self, device: Device) -> str:
        """The id that the device had in the namespace that it left; empty when it is no old one."""
        candidates = self._moved.get(device.mac, {}) if device.mac else {}
        if not candidates:
            return ""
        # Devices can share a MAC (ipvlan): the same name or number tells which one it is.
        best = max(
            candidates.values(),
            key=lambda entry: (
                entry.device.name == device.name,
                entry.device.ifindex == device.ifindex,
                entry.at_s,
            ),
        )
        self.forget(best.interface.interface_id)
        return best.interface.interface_id

    def forget(self, interface_id: str) -> None:
        """The interface is back, or was remembered long enough."""
        entry = self.entries.pop(interface_id, None)
        if entry is None:
            return
        moved = self._moved.get(entry.device.mac)
        if moved is not None and moved.pop(interface_id, None) is not None and not moved:
            del self._moved[entry.device.mac]

    def binding(self, key: DeviceKey) -> Binding | None:
        """What a device was before it vanished."""
        found = self._bindings.get(key)
        return found[0] if found else None

    def reuse(self, key: DeviceKey) -> None:
        """The number stands for another device now."""
        self._bindings.pop(key, None)

    def expire(self, monotonic_s: float) -> bool:
        """Forget what is too old or too much; whether there was anything."""
        oldest_s = monotonic_s - VANISHED_KEPT_S
        before = len(self.entries)
        while self.entries:
            interface_id, entry = next(iter(self.entries.items()))
            is_full = len(self.entries) > VANISHED_MAX
            if not is_full and entry.at_s > oldest_s:
                break
            self.forgotten += is_full
            self.forget(interface_id)
        while self._bindings:
            key, (_, at_s) = next(iter(self._bindings.items()))
            if len(self._bindings) <= VANISHED_MAX and at_s > oldest_s:
                break
            del self._bindings[key]
        return len(self.entries) != before
