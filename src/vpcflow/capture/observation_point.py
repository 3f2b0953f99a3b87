"""Observation points: the network interfaces that are metered, each with a small number."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from vpcflow.base.errors import CaptureError
from vpcflow.inventory.network_interface import AttachmentSide, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc

#: Slots are 16 bits of a flow row; the last one is not used, so that a count fits them too.
SLOTS_MAX = 65_535


@dataclass(frozen=True, slots=True)
class ObservationPoint:
    """One network interface under metering.

    Shape: ``namespace`` is that of its device; ``vpc`` and ``subnet`` None when not known.
    Units: ``from_s`` and ``until_s`` seconds since the epoch; ``until_s`` None while it exists.
    """

    slot: int
    interface: NetworkInterface
    side: AttachmentSide
    namespace: str = ""
    vpc: Vpc | None = None
    subnet: Subnet | None = None
    is_mirrored: bool = False
    from_s: float = 0.0
    until_s: float | None = None


class PointBook:
    """Which slot is which interface, now and within the open interval.

    Shape: a slot that was given up is used again only after the interval and the next one were
    closed: last packets of an interface may be counted when its interval is over, and a slot's
    rows have one meaning.
    Errors: CaptureError when there are more interfaces than slots.
    """

    def __init__(self) -> None:
        self._points: dict[int, ObservationPoint] = {}
        self._slot_of: dict[tuple[str, str], int] = {}
        self._free: deque[int] = deque()
        self._leaving: set[int] = set()
        self._next = 0

    def bind(
        self,
        interface_id: str,
        inventory: Inventory,
        *,
        side: AttachmentSide,
        namespace: str,
        at_s: float,
    ) -> ObservationPoint:
        """The point of an interface at the device of a namespace; made when it is new."""
        interface = inventory.interfaces[interface_id]
        key = (namespace, interface_id)
        slot = self._slot_of.get(key)
        before = self._points[slot] if slot is not None else None
        if slot is None:
            slot = self._take_slot()
            self._slot_of[key] = slot
        point = ObservationPoint(
            slot,
            interface,
            side,
            namespace,
            inventory.vpcs.get(interface.vpc_id),
            inventory.subnets.get(interface.subnet_id),
            any(session.interface_id == interface_id for session in inventory.mirror_sessions),
            before.from_s if before else at_s,
        )
        self._points[slot] = point
        return point

    def gone(self, interface_id: str, namespace: str, *, at_s: float) -> None:
        """The device has vanished: what it had is still recorded at the close of the interval."""
        slot = self._slot_of.pop((namespace, interface_id), None)
        if slot is not None:
            self._points[slot] = replace(self._points[slot], until_s=at_s)

    def points(self) -> tuple[ObservationPoint, ...]:
        """Every point that existed in the open interval or the one before it."""
        return tuple(self._points.values())

    def point(self, slot: int) -> ObservationPoint | None:
        """The point that a slot is in the open interval."""
        return self._points.get(slot)

    def slot(self, interface_id: str, namespace: str) -> int | None:
        """The slot of an interface that exists now."""
        return self._slot_of.get((namespace, interface_id))

    def turn(self) -> None:
        """The interval was closed: slots that were given up before it are free again."""
        for slot in self._leaving:
            del self._points[slot]
            self._free.append(slot)
        self._leaving = {slot for slot, point in self._points.items() if point.until_s is not None}

    def _take_slot(self) -> int:
        # Oldest first: a slot rests as long as it can before it means another interface.
        if self._next < SLOTS_MAX:
            self._next += 1
            return self._next - 1
        if self._free:
            return self._free.popleft()
        raise CaptureError(
            f"more than {SLOTS_MAX} network interfaces within one aggregation interval",
            hint="meter fewer devices: see inventory.devices in the settings",
        )
