"""Aim: the map from devices to slots stays right through any order of coming and going."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.capture.device_map import DeviceMap
from vpcflow.capture.meter_kernels import DEVICE_UNKNOWN, device_value
from vpcflow.inventory.network_interface import AttachmentSide

_NUMBERS = st.integers(1, 40) | st.integers(1, 2**31 - 1)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), _NUMBERS), max_size=300))
def test_it_knows_what_a_dict_knows(steps: list[tuple[bool, int]]) -> None:
    devices, known = DeviceMap(), dict[int, int]()
    for slot, (comes, device) in enumerate(steps):
        if comes:
            devices.put(device, slot, AttachmentSide.PORT)
            known[device] = slot << 1 | 1
        else:
            devices.forget(device)
            known.pop(device, None)
    for device in {device for _, device in steps}:
        value = device_value(devices.keys, devices.values, device)
        assert value == known.get(device, DEVICE_UNKNOWN)
    assert set(devices.numbers()) == known.keys()
