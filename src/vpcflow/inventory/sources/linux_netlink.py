"""The Linux host as an inventory: interfaces that appear, change, move and vanish, without polling.

What lands where:

* Each device that the settings want is an interface; its id is made of namespace, name and MAC when
  it is first seen (``ids``) and stays through renames, other MACs, moves between namespaces under
  watch (told by its MAC) and restarts.
* Interfaces are in the default VPC, in subnets derived from their prefixes (``derived_network``),
  or in a subnet of the inventory file that holds their primary address.
* A device that the file attaches an interface to is that interface and no other, also where the
  settings exclude it. Of a namespace that only the file names, other devices do not count. At side
  INTERFACE, an interface without addresses in the file has the device's. Both ends of a veth are
  interfaces, unless the file says that one is a PORT.
* The host is an instance, and so is each other namespace.
"""

from __future__ import annotations

import os
import select
from pathlib import Path

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import CaptureError
from vpcflow.inventory.ids import machine_id
from vpcflow.inventory.ownership import Ownership
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.device import Binding, DeviceKey
from vpcflow.inventory.sources.host_interfaces import HostInterfaces
from vpcflow.inventory.sources.kept_ids import KeptIds
from vpcflow.inventory.sources.network_namespace import (
    OWN_NAMESPACE,
    NamespaceChange,
    NamespaceWatch,
    namespace_path,
    open_namespace,
    run_inside,
)
from vpcflow.inventory.sources.rtnetlink import RouteSocket

__all__ = ["Binding", "LinuxInventory"]

#: More namespaces are not watched, each needs a socket; those that came too late are named.
NAMESPACES_MAX = 1_024
#: Messages of one namespace that one ``read_events`` takes; the rest waits for the next.
MESSAGES_MAX = 4_096
#: Messages of one first dump; more devices and addresses than that are no host.
DUMP_MESSAGES_MAX = 1_000_000
#: How often ids that were kept are written at most.
SAVE_INTERVAL_S = 10.0

_EVENTS_MAX = 1_024


class LinuxInventory:
    """The host's interfaces, kept up to date by ``read_events``.

    Shape: poll ``filenos`` for reading, then call ``read_events``; not for two threads at once.
    ``base`` is what the inventory file declares. While a namespace is under watch the kernel keeps
    it: its sockets are closed as soon as its name goes, and whoever else has a socket there must
    do the same (see ``namespaces``).
    Errors: CaptureError when a namespace that exists cannot be entered or read at the start; later
    ones are counted in ``refused``. StoreError as ``ids.machine_id``.
    """

    def __init__(
        self,
        settings: InventorySettings,
        base: Inventory,
        data_folder: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._kept = KeptIds(data_folder)
        self._saved_at_s = self._clock.monotonic_s()
        machine = machine_id(data_folder)
        self._host = HostInterfaces(settings, machine, base, self._kept, self._clock)
        self._sockets: dict[str, RouteSocket] = {}
        self._identities: dict[tuple[int, int], str] = {}
        self._namespaces: dict[str, int] = {}
        self._opened = 0
        self._overruns = 0
        #: Why a namespace is not under watch, by name.
        self.refused: dict[str, str] = {}
        attached = [
            interface.attachment.namespace
            for interface in base.interfaces.values()
            if interface.attachment is not None
        ]
        self._epoll = select.epoll()
        self._watch = NamespaceWatch([*settings.namespaces, *attached])
        self._registered: set[int] = set()
        try:
            for fileno in self._watch.priority_filenos:
                self._epoll.register(fileno, select.EPOLLPRI)
            if settings.own_namespace or OWN_NAMESPACE in attached:
                self._open_own()
            for change in self._watch.read():
                self._open(change)
            self._register_watch()
            self._host.settle()
        except BaseException:
            self.close()
            raise

    def filenos(self) -> tuple[int, ...]:
        """Descriptors to poll for reading; the same ones for ever."""
        return (self._epoll.fileno(),)

    def read_events(self) -> bool:
        """Take in what happened, without waiting; whether anything changed.

        Shape: bounded by MESSAGES_MAX a namespace: a descriptor stays readable while more waits.
        """
        ready = {fileno for fileno, _ in self._epoll.poll(0, _EVENTS_MAX)}
        for change in self._watch.read(ready):
            self._change_namespace(change)
        self._register_watch()
        for name, route_socket in self._sockets.items():
            if route_socket.fileno() in ready:
                self._read(name, MESSAGES_MAX)
        for name in self._host.rivals():
            self._read(name, DUMP_MESSAGES_MAX)
        now_s = self._clock.monotonic_s()
        if now_s - self._saved_at_s >= SAVE_INTERVAL_S:
            self._saved_at_s = now_s
            self._kept.save()
        return self._host.settle()

    def declare(self, base: Inventory) -> None:
        """Another declaration from now on, as when an interface is made or attached over the API.

        Shape: takes effect with the next ``read_events``; its namespaces come under watch.
        """
        attached = [
            interface.attachment.namespace
            for interface in base.interfaces.values()
            if interface.attachment is not None
        ]
        self._watch.want(attached)
        self._host.declare(base)
        if OWN_NAMESPACE in attached and OWN_NAMESPACE not in self._sockets:
            self._open_own()

    @property
    def inventory(self) -> Inventory:
        """What exists now; made anew only after a change."""
        return self._host.inventory

    @property
    def remembered(self) -> Inventory:
        """``inventory`` and the interfaces that vanished in the last half hour, as they last were.

        For records that close after their interface is gone.
        """
        return self._host.remembered

    @property
    def ownership(self) -> Ownership:
        """Who held an address when."""
        return self._host.ownership

    @property
    def namespaces(self) -> dict[str, int]:
        """Namespaces under watch by name; a number that differs is another namespace of that name."""
        return dict(self._namespaces)

    def binding(self, namespace: str, ifindex: int) -> Binding | None:
        """What a device is, also one that vanished: its last packets may still be in a ring."""
        return self._host.binding(namespace, ifindex)

    def bindings(self, namespace: str) -> dict[int, Binding]:
        """All devices of a namespace that are interfaces, by ifindex."""
        return self._host.bindings(namespace)

    def holder(self, interface_id: str) -> DeviceKey | None:
        """The device (namespace, ifindex) that an interface is at; None without one."""
        return self._host.holder(interface_id)

    def take_changed_devices(self) -> set[DeviceKey] | None:
        """Devices (namespace, ifindex) that changed since the last call; None: look at all."""
        return self._host.take_changed_devices()

    def counts(self) -> dict[str, int]:
        """What was lost or refused, by reason."""
        return {
            "netlink-overruns": self._overruns
            + sum(route_socket.overruns for route_socket in self._sockets.values()),
            "namespaces-refused": len(self.refused),
            "interfaces-forgotten": self._host.vanished.forgotten,
            "addresses-forgotten": self.ownership.forgotten,
        }

    def close(self) -> None:
        """Write kept ids and give all descriptors back."""
        self._kept.save()
        for route_socket in self._sockets.values():
            route_socket.close()
        self._sockets.clear()
        self._watch.close()
        self._epoll.close()

    def _open_own(self) -> None:
        handle = open_namespace(namespace_path(OWN_NAMESPACE))
        if handle is None:
            raise CaptureError("cannot open the own network namespace", hint="is /proc mounted?")
        self._open(NamespaceChange(OWN_NAMESPACE, handle))

    def _change_namespace(self, change: NamespaceChange) -> None:
        try:
            self._open(change)
        except (CaptureError, OSError) as error:
            self._refuse(change.name, str(error))

    def _open(self, change: NamespaceChange) -> None:
        """Watch a namespace, or leave one that is gone."""
        if change.handle is None:
            self._leave(change.name)
            return
        try:
            status = os.fstat(change.handle)
            identity = (status.st_dev, status.st_ino)
            reason = ""
            if identity in self._identities:
                known = self._identities[identity] or "the one that vpcflow runs in"
                reason = f"is the same namespace as {known}"
            elif len(self._sockets) >= NAMESPACES_MAX:
                reason = f"{NAMESPACES_MAX} namespaces are under watch already"
            if reason:
                self._refuse(change.name, reason)
                return
            # One's own namespace needs no permission to be entered.
            own = change.name == OWN_NAMESPACE
            route_socket = (
                RouteSocket() if own else run_inside(change.handle, RouteSocket, change.name)
            )
        finally:
            os.close(change.handle)
        self.refused.pop(change.name, None)
        self._identities[identity] = change.name
        self._sockets[change.name] = route_socket
        self._opened += 1
        self._namespaces[change.name] = self._opened
        self._epoll.register(route_socket.fileno(), select.EPOLLIN)
        self._host.add_namespace(change.name)
        left = DUMP_MESSAGES_MAX
        # The kernel continues a dump whenever it is read, so nothing is waited for.
        while route_socket.is_dumping and left > 0:
            left -= max(self._read(change.name, MESSAGES_MAX), 1)

    def _refuse(self, name: str, reason: str) -> None:
        if len(self.refused) < NAMESPACES_MAX:
            self.refused[name] = reason

    def _leave(self, name: str) -> None:
        self.refused.pop(name, None)
        if name not in self._sockets:
            return
        route_socket = self._sockets.pop(name)
        self._overruns += route_socket.overruns
        self._epoll.unregister(route_socket.fileno())
        route_socket.close()
        del self._namespaces[name]
        self._identities = {key: value for key, value in self._identities.items() if value != name}
        self._host.remove_namespace(name)

    def _read(self, name: str, messages_max: int) -> int:
        messages = self._sockets[name].read(messages_max)
        for message in messages:
            self._host.apply(name, message)
        return len(messages)

    def _register_watch(self) -> None:
        """Descriptors of processes whose namespaces are watched come and go."""
        wanted = set(self._watch.read_filenos)
        self._registered &= wanted  # a closed descriptor has left the epoll by itself
        for fileno in wanted - self._registered:
            self._epoll.register(fileno, select.EPOLLIN)
        self._registered = wanted
