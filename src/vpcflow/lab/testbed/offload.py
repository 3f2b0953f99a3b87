"""Switches off what makes one packet of many, so that a port sees packets as a wire would."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

_SIOCETHTOOL = 0x8946
#: ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO.
_SWITCHES = (0x17, 0x1F, 0x24, 0x2C)
_VALUE = struct.Struct("=II")
_REQUEST = struct.Struct("=16sQ16x")


def switch_offload_off() -> None:
    """Switch offload off at every Ethernet device of this network namespace.

    Errors: OSError.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        for _, device in socket.if_nameindex():
            if device == "lo":
                continue
            for switch in _SWITCHES:
                value = ctypes.create_string_buffer(_VALUE.pack(switch, 0))
                request = _REQUEST.pack(device.encode(), ctypes.addressof(value))
                fcntl.ioctl(opened, _SIOCETHTOOL, request)
