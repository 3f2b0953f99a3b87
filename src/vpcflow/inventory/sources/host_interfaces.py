"""Linux devices as network interfaces: ids, addresses, bindings, and what has just vanished.

No sockets here: messages of ``rtnetlink`` come in, and an inventory goes out, made only when it is
asked for. One message costs the same however many devices there are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from vpcflow.base.clock import Clock
from vpcflow.inventory.ids import IdKind, interface_facts, make_id
from vpcflow.inventory.instance import Instance
from vpcflow.inventory.network_interface import (
    Address,
    Attachment,
    AttachmentSide,
    NetworkInterface,
)
from vpcflow.inventory.ownership import Ownership
from vpcflow.inventory.settings import ALL_NAMESPACES, InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.derived_network import DerivedNetwork
from vpcflow.inventory.sources.device import (
    Binding,
    Device,
    DeviceKey,
    Held,
    Vanished,
    VanishedInterfaces,
    ordered,
)
from vpcflow.inventory.sources.kept_ids import Facts, KeptIds
from vpcflow.inventory.sources.network_namespace import OWN_NAMESPACE
from vpcflow.inventory.sources.rtnetlink import (
    AddressMessage,
    DumpEnd,
    DumpStart,
    LinkMessage,
    Message,
)
from vpcflow.inventory.subnet import Subnet

#: More changed devices are not listed one by one between two questions: look at all then.
CHANGED_DEVICES_MAX = 65_536


class HostInterfaces:
    """All devices of the namespaces under watch, as interfaces."""

    def __init__(
        self,
        settings: InventorySettings,
        machine: str,
        base: Inventory,
        kept: KeptIds,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._machine = machine
        self._base = base
        self._kept = kept
        self._clock = clock
        self._derived = DerivedNetwork(settings, machine, base)
        self.ownership = Ownership()
        self._devices: dict[str, dict[int, Device]] = {}
        self._generations: dict[str, int] = {}
        self._instances: dict[str, Instance] = {}
        self._by_mac: dict[str, dict[DeviceKey, Device]] = {}
        self._dirty: dict[DeviceKey, Device] = {}
        self._changed: set[DeviceKey] = set()
        self._interfaces: dict[str, NetworkInterface] = dict(base.interfaces)
        self._holders: dict[str, Device] = {}
        self._attached = _attached_of(base)
        self.vanished = VanishedInterfaces()
        self._inventory: Inventory | None = None
        self._remembered: Inventory | None = None
        self._has_changed = True
        for interface in base.interfaces.values():
            self._own(interface, clock.now_s())

    def declare(self, base: Inventory) -> None:
        """What is declared from now on; every device is looked at anew at the next ``settle``.

        Shape: subnets that come later take in no device of the host by its address: whoever makes
        a VPC of the same block over the API does not move the host into it.
        """
        before, self._base = self._base, base
        self._attached = _attached_of(base)
        now_s = self._clock.now_s()
        for interface_id in before.interfaces:
            if interface_id not in base.interfaces and interface_id not in self._holders:
                del self._interfaces[interface_id]
                self.ownership.gone(interface_id, now_s)
        for interface in base.interfaces.values():
            if interface.interface_id not in self._holders:
                self._interfaces[interface.interface_id] = interface
                self._own(interface, now_s)
        for devices in self._devices.values():
            self._dirty.update({device.key: device for device in devices.values()})
        self._touch()

    def add_namespace(self, namespace: str) -> None:
        """A namespace is under watch from now on."""
        self._devices[namespace] = {}
        self._generations[namespace] = 0
        name = namespace or os.uname().nodename
        instance_id = make_id(IdKind.INSTANCE, self._machine, namespace)
        self._instances[namespace] = Instance(instance_id, name)
        self._touch()

    def remove_namespace(self, namespace: str) -> None:
        """A namespace is no more; a device of hardware may turn up in another one."""
        for device in list(self._devices.pop(namespace).values()):
            self._vanish(device, has_moved=True)
        del self._generations[namespace], self._instances[namespace]
        self._touch()

    def apply(self, namespace: str, message: Message) -> None:
        """Take one message in; nothing is made of it before ``settle``."""
        devices = self._devices[namespace]
        if isinstance(message, LinkMessage):
            if message.is_new:
                self._take_link(namespace, message)
            elif message.ifindex in devices:
                self._vanish(devices.pop(message.ifindex), message.has_moved)
        elif isinstance(message, AddressMessage):
            device = devices.get(message.ifindex)
            generation = self._generations[namespace]
            if device is not None and device.take_address(
                message, generation, self._clock.monotonic_s()
            ):
                self._dirty[device.key] = device
        elif isinstance(message, DumpStart):
            self._generations[namespace] += 1
        elif isinstance(message, DumpEnd):
            self._sweep(namespace)

    def rivals(self) -> set[str]:
        """Namespaces that hold another device with the MAC of a new one.

        A device that moves is told as gone in one namespace before it is told as new in the other;
        reading these first shows whether the new device is the old one.
        """
        return {
            rival.namespace
            for device in self._dirty.values()
            if device.mac and not device.own_id
            for rival in self._by_mac[device.mac].values()
            if rival.namespace != device.namespace
        }

    def settle(self) -> bool:
        """Make interfaces of all devices that changed; whether anything did since the last time."""
        dirty, self._dirty = self._dirty, {}
        for device in dirty.values():
            self._identify(device)
            self._publish(device)
        if self.vanished.expire(self._clock.monotonic_s()):
            self._remembered = None
        has_changed, self._has_changed = self._has_changed, False
        return has_changed

    def take_changed_devices(self) -> set[DeviceKey] | None:
        """Devices whose binding, addresses or existence changed since the last call.

        Shape: None after more than CHANGED_DEVICES_MAX of them: any device may have changed.
        """
        changed, self._changed = self._changed, set()
        return changed if len(changed) <= CHANGED_DEVICES_MAX else None

    def binding(self, namespace: str, ifindex: int) -> Binding | None:
        """What a device is, also one that vanished: its last packets may still be in a ring."""
        device = self._devices.get(namespace, {}).get(ifindex)
        if device is not None:
            return device.binding
        return self.vanished.binding((namespace, ifindex))

    def holder(self, interface_id: str) -> DeviceKey | None:
        """The device that an interface is at; None without one."""
        device = self._holders.get(interface_id)
        return None if device is None else device.key

    def bindings(self, namespace: str) -> dict[int, Binding]:
        """All devices of a namespace that are interfaces, without those that vanished."""
        return {
            ifindex: device.binding
            for ifindex, device in self._devices.get(namespace, {}).items()
            if device.binding is not None
        }

    @property
    def inventory(self) -> Inventory:
        """What exists now."""
        if self._inventory is None:
            self._inventory = self._snapshot({}, {})
        return self._inventory

    @property
    def remembered(self) -> Inventory:
        """What exists now, and the interfaces that vanished not long ago, as they last were."""
        if self._remembered is None:
            entries = self.vanished.entries
            self._remembered = self._snapshot(
                {interface_id: entry.interface for interface_id, entry in entries.items()},
                {one.subnet_id: one for entry in entries.values() for one in entry.subnets},
            )
        return self._remembered

    def _snapshot(
        self, interfaces: Mapping[str, NetworkInterface], subnets: Mapping[str, Subnet]
    ) -> Inventory:
        derived = {**subnets, **self._derived.subnets}
        vpcs = dict(self._base.vpcs)
        if any(subnet.vpc_id == self._derived.vpc_id for subnet in derived.values()):
            vpc = self._derived.vpc_of(derived.values()) if subnets else self._derived.vpc
            vpcs[vpc.vpc_id] = vpc
        return Inventory(
            vpcs,
            {**derived, **self._base.subnets},
            {**interfaces, **self._interfaces},
            {
                **self._base.instances,
                **{instance.instance_id: instance for instance in self._instances.values()},
            },
            self._base.mirror_sessions,
        )

    def _take_link(self, namespace: str, message: LinkMessage) -> None:
        generation = self._generations[namespace]
        devices = self._devices[namespace]
        device = devices.get(message.ifindex)
        if device is None:
            device = Device(
                namespace,
                message.ifindex,
                message.name,
                message.mac,
                message.kind,
                generation,
                self._clock.now_s(),
            )
            devices[message.ifindex] = device
            self.vanished.reuse(device.key)
        else:
            device.generation = generation
            told = (message.name, message.mac, message.kind)
            if (device.name, device.mac, device.kind) == told:
                return
            self._unlist_mac(device)
            device.name, device.mac, device.kind = told
        if device.mac:
            self._by_mac.setdefault(device.mac, {})[device.key] = device
        self._dirty[device.key] = device

    def _sweep(self, namespace: str) -> None:
        """After a dump: what it did not tell is gone."""
        generation = self._generations[namespace]
        devices = self._devices[namespace]
        for device in list(devices.values()):
            if device.generation < generation:
                self._vanish(devices.pop(device.ifindex), has_moved=True)
            elif device.drop_untold(generation):
                self._dirty[device.key] = device

    def _identify(self, device: Device) -> None:
        """Say which interface the device is, if it is one."""
        attached = self._attached.get((device.namespace, device.name))
        if attached is not None and attached.attachment is not None:
            self._bind(device, Binding(attached.interface_id, attached.attachment.side))
            return
        if not self._wants(device):
            self._bind(device, None)
            return
        facts = interface_facts(device.namespace, device.name, device.mac, device.kind)
        if not device.own_id:
            device.own_id = self.vanished.adopt(device) or self._new_id(device, facts)
        elif device.facts != facts:
            self._kept.forget(device.facts)
        device.facts = facts
        if make_id(IdKind.INTERFACE, self._machine, *facts) != device.own_id:
            self._kept.keep(facts, device.own_id)
        self._bind(device, Binding(device.own_id, AttachmentSide.INTERFACE))

    def _wants(self, device: Device) -> bool:
        """Whether the settings count the device; a namespace may be watched for the file alone."""
        names = self._settings.namespaces
        if device.namespace == OWN_NAMESPACE:
            is_metered = self._settings.own_namespace
        else:
            is_named = "/" not in device.namespace
            is_metered = device.namespace in names or (is_named and ALL_NAMESPACES in names)
        return is_metered and self._settings.wants_device(device.name)

    def _new_id(self, device: Device, facts: Facts) -> str:
        interface_id = self._kept.get(facts) or make_id(IdKind.INTERFACE, self._machine, *facts)
        if interface_id in self._holders:
            # A renamed device still has the id that these facts would give.
            interface_id = make_id(IdKind.INTERFACE, self._machine, *facts, str(device.ifindex))
        return interface_id

    def _bind(self, device: Device, binding: Binding | None) -> None:
        if device.binding == binding:
            return
        self._unpublish(device)
        device.binding = binding
        if binding is not None:
            self._holders[binding.interface_id] = device
            self.vanished.forget(binding.interface_id)

    def _publish(self, device: Device) -> None:
        """Put the device's interface into the inventory as it is now."""
        self._touch(device)
        if device.binding is None:
            return
        interface, subnets = self._described(device, device.addresses)
        self._derived.hold(subnets)
        self._derived.release(device.subnets)
        device.subnets = subnets
        device.is_published = True
        self._interfaces[interface.interface_id] = interface
        self._own(interface, self._clock.now_s())

    def _unpublish(self, device: Device) -> None:
        """Take the device's interface out; one that the file declares goes back to what it says."""
        self._touch(device)
        if device.binding is None:
            return
        interface_id = device.binding.interface_id
        self._derived.release(device.subnets)
        device.subnets = ()
        device.binding = None
        device.is_published = False
        self._holders.pop(interface_id, None)
        declared = self._base.interfaces.get(interface_id)
        if declared is None:
            self._interfaces.pop(interface_id, None)
            self.ownership.gone(interface_id, self._clock.now_s())
        else:
            self._interfaces[interface_id] = declared
            self._own(declared, self._clock.now_s())

    def _described(
        self, device: Device, held: Mapping[Address, Held]
    ) -> tuple[NetworkInterface, tuple[Subnet, ...]]:
        """The interface that a bound device is, with these addresses, and its derived subnets."""
        assert device.binding is not None
        addresses = ordered(held)
        ipv4 = tuple(address for address in addresses if isinstance(address, IPv4Address))
        ipv6 = tuple(address for address in addresses if isinstance(address, IPv6Address))
        declared = self._base.interfaces.get(device.binding.interface_id)
        if declared is not None:
            # The device at a port is the host's end: its addresses are not the interface's.
            if device.binding.side is AttachmentSide.INTERFACE:
                if not declared.addresses:
                    declared = replace(declared, ipv4_addresses=ipv4, ipv6_addresses=ipv6)
                declared = replace(declared, mac=declared.mac or device.mac)
            return declared, ()
        subnets = self._derived.subnets_for(
            (address, held[address].prefix_length) for address in addresses
        )
        account_id = self._settings.account_id
        if subnets[0].vpc_id in self._base.vpcs:
            account_id = self._base.vpcs[subnets[0].vpc_id].account_id
        interface = NetworkInterface(
            device.binding.interface_id,
            subnets[0].subnet_id,
            subnets[0].vpc_id,
            account_id,
            ipv4,
            ipv6,
            device.mac,
            make_id(IdKind.INSTANCE, self._machine, device.namespace),
            name=f"{device.namespace}/{device.name}" if device.namespace else device.name,
            attachment=Attachment(device.name, device.namespace),
        )
        return interface, subnets

    def _own(self, interface: NetworkInterface, at_s: float) -> None:
        self.ownership.seen(interface.interface_id, interface.addresses, at_s, interface.vpc_id)

    def _vanish(self, device: Device, has_moved: bool) -> None:
        """The device is gone from its namespace; what it was is remembered for a while."""
        self._unlist_mac(device)
        if self._dirty.pop(device.key, None) is not None:
            self._identify(device)
        if device.binding is None:
            self._touch(device)
            return
        monotonic_s = self._clock.monotonic_s()
        interface, subnets = self._described(device, device.last_addresses(monotonic_s))
        if not device.is_published:  # it came and went between two reads
            self._own(interface, device.since_s)
        binding = device.binding
        self._unpublish(device)
        if not has_moved:
            self._kept.forget(device.facts)
        self.vanished.add(Vanished(interface, subnets, device, monotonic_s, has_moved), binding)

    def _touch(self, device: Device | None = None) -> None:
        """Something changed: snapshots are made anew when they are asked for."""
        self._has_changed = True
        self._inventory = self._remembered = None
        if device is not None and len(self._changed) <= CHANGED_DEVICES_MAX:
            self._changed.add(device.key)

    def _unlist_mac(self, device: Device) -> None:
        if device.mac:
            listed = self._by_mac[device.mac]
            del listed[device.key]
            if not listed:
                del self._by_mac[device.mac]


def _attached_of(base: Inventory) -> dict[tuple[str, str], NetworkInterface]:
    """Declared interfaces by the device that they are attached to."""
    return {
        (interface.attachment.namespace, interface.attachment.device): interface
        for interface in base.interfaces.values()
        if interface.attachment is not None
    }
