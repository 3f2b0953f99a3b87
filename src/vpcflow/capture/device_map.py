"""Which observation point a device is, for the kernel that asks for every packet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vpcflow.capture.meter_kernels import DEVICE_NOT_METERED
from vpcflow.inventory.network_interface import AttachmentSide

#: A map starts with so many places and doubles when half of them are taken.
PLACES_FIRST = 64


class DeviceMap:
    """The devices of one packet source, by the source's own number.

    Shape: ``keys`` and ``values`` are an open-addressing map for the kernels. A device that is not
    in it is asked for again with the next batch.
    """

    def __init__(self) -> None:
        self._devices: dict[int, int] = {}
        self._rebuild(PLACES_FIRST)

    def put(self, device: int, slot: int, side: AttachmentSide) -> None:
        """The device is this observation point."""
        self._put(device, slot << 1 | (side is AttachmentSide.PORT))

    def ignore(self, device: int) -> None:
        """The device is not metered."""
        self._put(device, DEVICE_NOT_METERED)

    def forget(self, device: int) -> None:
        """The device has vanished; its number may come back as another one."""
        if self._devices.pop(device, None) is not None:
            self._remove(device)

    def slot(self, device: int) -> int | None:
        """The device's slot, None for one that is unknown or not metered."""
        value = self._devices.get(device, DEVICE_NOT_METERED)
        return None if value < 0 else value >> 1

    def numbers(self) -> tuple[int, ...]:
        """All devices in the map."""
        return tuple(self._devices)

    def _put(self, device: int, value: int) -> None:
        self._devices[device] = value
        if len(self._devices) * 2 > len(self.keys):
            self._rebuild(len(self.keys) * 2)
        else:
            self._insert(device, value)

    def _rebuild(self, places: int) -> None:
        self.keys: npt.NDArray[np.int32] = np.full(places, -1, np.int32)
        self.values: npt.NDArray[np.int32] = np.zeros(places, np.int32)
        for device, value in self._devices.items():
            self._insert(device, value)

    def _insert(self, device: int, value: int) -> None:
        at = self._home(device)
        while self.keys[at] not in (-1, device):
            at = (at + 1) & (len(self.keys) - 1)
        self.keys[at] = device
        self.values[at] = value

    def _remove(self, device: int) -> None:
        """Close the gap: what stands behind it moves up, unless it would pass its own place.

        A rebuild for each device would take minutes when thousands vanish at once.
        """
        mask = len(self.keys) - 1
        gap = self._home(device)
        while self.keys[gap] != device:
            gap = (gap + 1) & mask
        at = gap
        while True:
            at = (at + 1) & mask
            other = int(self.keys[at])
            if other == -1:
                break
            if (at - self._home(other)) & mask >= (at - gap) & mask:
                self.keys[gap], self.values[gap] = self.keys[at], self.values[at]
                gap = at
        self.keys[gap] = -1

    def _home(self, device: int) -> int:
        return (device * 0x9E3779B1 >> 7) & (len(self.keys) - 1)
