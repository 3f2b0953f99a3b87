"""What crosses one device of another network namespace, for tests."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from typing import NamedTuple, Self

from vpcflow.lab.testbed.namespaces import enter_network

_ETH_P_ALL = 3
_BUFFER_BYTES = 32 << 20


class TappedPacket(NamedTuple):
    """An IPv4 packet. Units: ``length`` is the IP total length."""

    source: str
    destination: str
    protocol: int
    length: int
    is_fragment: bool


class PacketTap:
    """Collects the IPv4 packets of a device from the moment that it is made."""

    def __init__(self, pid: int, device: str) -> None:
        # A thread of its own enters the namespace and ends; its socket stays there.
        with ThreadPoolExecutor(1) as thread:
            self._socket = thread.submit(_open, pid, device).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def packets(self) -> list[TappedPacket]:
        """All packets since the last call."""
        found = []
        while True:
            try:
                frame = self._socket.recv(65_536)
            except BlockingIOError:
                return found
            if frame[12:14] == b"\x08\x00":
                ip = frame[14:]
                found.append(
                    TappedPacket(
                        str(IPv4Address(ip[12:16])),
                        str(IPv4Address(ip[16:20])),
                        ip[9],
                        int.from_bytes(ip[2:4], "big"),
                        bool(int.from_bytes(ip[6:8], "big") & 0x3FFF),
                    )
                )


def _open(pid: int, device: str) -> socket.socket:
    enter_network(pid)
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
    opened.bind((device, _ETH_P_ALL))
    return opened
