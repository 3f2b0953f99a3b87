"""A router namespace with ports, and raw packets through it: what kernel tests of the firewall use.

Each port is a veth whose far end takes raw frames and has no addresses, so nothing but the test
itself ever sends. Packets end in a number that tells them apart.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TypeVar

Address = IPv4Address | IPv6Address
Made = TypeVar("Made")

PORTS = ("a", "b", "c", "d", "x")
ROUTER_MAC = bytes.fromhex("02000000ff01")
#: Addresses behind each port; the last port leads to everything else.
BEHIND = {
    "a": ("10.0.1.10", "10.0.1.11", "2001:db8:1::10"),
    "b": ("10.0.1.20", "2001:db8:1::20"),
    "c": ("10.0.2.30", "2001:db8:2::30"),
    "d": ("10.0.2.40", "2001:db8:2::40"),
}
ROUTER_ADDRESSES = ("10.0.9.1", "2001:db8:9::1")
#: Seconds in which every packet must have come out or have been reported; a bound, not a wait.
ANSWER_SECONDS_MAX = 20.0
LOG_GROUP = 64
#: What the test's own packets end in, before the number: a router sends packets of its own.
MARK = b"\xa7vpc"

_CLONE_NEWNET = 0x40000000
_NETLINK_NETFILTER = 12
_NFNL_LOG_PACKET = 4 << 8
_NFNL_LOG_CONFIG = (4 << 8) | 1
_NFULA_CFG_CMD, _NFULA_CFG_MODE, _NFULA_CFG_QTHRESH = 1, 2, 5
_NFULA_PAYLOAD, _NFULA_PREFIX = 9, 10
_BUFFER_BYTES = 8 << 20


def needs_root() -> str:
    """Why kernel tests cannot run here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root: network namespaces, nftables and raw sockets"
    for program in ("ip", "nft", "nsenter", "unshare"):
        if not any((Path(part) / program).exists() for part in os.environ["PATH"].split(":")):
            return f"needs the program {program}"
    return ""


@contextmanager
def anonymous_namespace() -> Iterator[str]:
    """A network namespace that ends with the block; gives its path."""
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "unshare --net was refused"
        yield f"/proc/{process.pid}/ns/net"
    finally:
        process.kill()
        process.communicate()


def run_in(namespace: str, command: str) -> str:
    """Run a shell command there; its output."""
    done = subprocess.run(
        ["nsenter", f"--net={namespace}", "sh", "-ec", command],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def made_in(namespace: str, make: Callable[[], Made]) -> Made:
    """Make something, such as a socket, in another namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as home, Path(namespace).open("rb") as there:
        assert libc.setns(there.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            return make()
        finally:
            assert libc.setns(home.fileno(), _CLONE_NEWNET) == 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet to be sent.

    Shape: ``ports`` are source and destination port, or ICMP type and code.
    """

    number: int
    entry: str
    source: Address
    destination: Address
    protocol: int
    ports: tuple[int, int] = (0, 0)
    tcp_flags: int = 2
    identifier: int = 0

    @property
    def exit(self) -> str:
        """The port that leads to the destination."""
        text = str(self.destination)
        return next((port for port, held in BEHIND.items() if text in held), "x")

    def ip_bytes(self) -> bytes:
        """The packet from its IP header on."""
        tail = MARK + struct.pack("!I", self.number)
        if self.protocol == 6:
            flags = (5 << 12) | self.tcp_flags
            numbers = (1000, 1001 if self.tcp_flags & 16 else 0)
            body = struct.pack("!HHIIHHHH", *self.ports, *numbers, flags, 8192, 0, 0) + tail
            body = self._with_checksum(body, 16)
        elif self.protocol == 17:
            body = struct.pack("!HHHH", *self.ports, 8 + len(tail), 0) + tail
            body = self._with_checksum(body, 6)
        elif self.protocol in (1, 58):
            body = struct.pack("!BBHHH", *self.ports, 0, self.identifier, 1) + tail
            body = self._with_checksum(body, 2, pseudo=self.protocol == 58)
        else:
            body = b"\0" * 8 + tail
        if self.source.version == 6:
            head = struct.pack("!IHBB", 6 << 28, len(body), self.protocol, 64)
            return head + self.source.packed + self.destination.packed + body
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, self.protocol, 0)
        head += self.source.packed + self.destination.packed
        return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + body

    def frame(self) -> bytes:
        """The packet in an Ethernet frame to the router."""
        kind = 0x0800 if self.source.version == 4 else 0x86DD
        return ROUTER_MAC + _far_mac(self.entry) + struct.pack("!H", kind) + self.ip_bytes()

    def fragments(self) -> list[bytes]:
        """An IPv4 packet with 8 bytes of payload in two frames; the second begins behind the ports."""
        whole = self.ip_bytes()
        frames = []
        for first, last, offset in ((20, 28, 0x2000), (28, len(whole), 1)):
            head = struct.pack("!BBHHH", 0x45, 0, 20 + last - first, self.number & 0xFFFF, offset)
            head += whole[8:10] + b"\0\0" + whole[12:20]
            head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
            frames.append(self.frame()[:14] + head + whole[first:last])
        return frames

    def _with_checksum(self, body: bytes, at: int, *, pseudo: bool = True) -> bytes:
        head = self.source.packed + self.destination.packed
        head += struct.pack("!II", len(body), self.protocol)
        total = _checksum((head if pseudo else b"") + body)
        return body[:at] + struct.pack("!H", total or 0xFFFF) + body[at + 2 :]


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _far_mac(port: str) -> bytes:
    return bytes.fromhex("0200000001") + bytes([PORTS.index(port) + 1])


class Router:
    """The namespace, its ports, and the NFLOG group that its firewall reports to."""

    def __init__(self, namespace: str, far: str) -> None:
        self.namespace = namespace
        self._far = far
        self._set_up()
        self.sockets = {
            port: made_in(far, lambda port=port: _packet_socket(port)) for port in PORTS
        }
        self.log = made_in(namespace, log_socket)

    def close(self) -> None:
        """Close all sockets."""
        for opened in (*self.sockets.values(), self.log):
            opened.close()

    def send(self, packets: list[Packet], *, in_fragments: bool = False) -> dict[int, str]:
        """Send packets; what became of each: ``out:PORT`` or the prefix of its log message."""
        for packet in packets:
            for frame in packet.fragments() if in_fragments else [packet.frame()]:
                self.sockets[packet.entry].send(frame)
        return self.collect({packet.number for packet in packets})

    def collect(self, wanted: set[int]) -> dict[int, str]:
        """Wait until every packet of these numbers came out or was reported."""
        found: dict[int, str] = {}
        with selectors.DefaultSelector() as selector:
            for port, opened in self.sockets.items():
                selector.register(opened, selectors.EVENT_READ, port)
            selector.register(self.log, selectors.EVENT_READ, "")
            while wanted - found.keys():
                ready = selector.select(ANSWER_SECONDS_MAX)
                assert ready, f"neither came out nor was reported: {sorted(wanted - found.keys())}"
                for key, _ in ready:
                    if key.data:
                        _take_frames(self.sockets[key.data], key.data, found)
                    else:
                        _take_log(self.log, found)
        return found

    def _set_up(self) -> None:
        # The loopback's addresses come first: they make the table that gateways are checked in.
        lines = ["link set dev lo up", *(f"address add {text} dev lo" for text in ROUTER_ADDRESSES)]
        for port in PORTS:
            far_mac = _far_mac(port).hex(":")
            lines += [
                f"link add p-{port} address {ROUTER_MAC.hex(':')} type veth "
                f"peer name {port} address {far_mac} netns {self._far.split('/')[2]}",
                f"link set dev p-{port} up",
            ]
            for text in BEHIND.get(port, ()):
                lines += [f"route add {text} dev p-{port}"]
                lines += [f"neigh add {text} lladdr {far_mac} dev p-{port} nud permanent"]
        for gateway in ("192.0.2.1", "2001:db8:ffff::1"):
            mac = _far_mac("x").hex(":")
            lines += [f"neigh add {gateway} lladdr {mac} dev p-x nud permanent"]
            lines += [f"route add default via {gateway} dev p-x onlink"]
        run_in(
            self.namespace,
            "cd /proc/sys/net\n"
            "echo 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding\n"
            "for f in ipv4/conf/all ipv4/conf/default; do echo 0 > $f/rp_filter; done\n"
            "echo 0 > ipv4/conf/all/send_redirects; echo 0 > ipv4/conf/default/send_redirects\n"
            "echo 0 > ipv6/conf/default/accept_dad; echo 0 > ipv6/conf/default/router_solicitations",
        )
        run_in(self._far, "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        batch = "\n".join(lines)
        run_in(self.namespace, f"ip -batch - <<'END'\n{batch}\nEND")
        run_in(self._far, "\n".join(f"ip link set dev {port} up" for port in PORTS))


@contextmanager
def router() -> Iterator[Router]:
    """A router that ends with the block."""
    with anonymous_namespace() as namespace, anonymous_namespace() as far:
        made = Router(namespace, far)
        try:
            yield made
        finally:
            made.close()


def _packet_socket(port: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    opened.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)  # SO_RCVBUFFORCE
    opened.bind((port, 3))
    opened.setblocking(False)
    return opened


def _take_frames(opened: socket.socket, port: str, found: dict[int, str]) -> None:
    while True:
        try:
            frame, address = opened.recvfrom(2048)
        except BlockingIOError:
            return
        if address[2] != socket.PACKET_OUTGOING and frame[-8:-4] == MARK:
            number = struct.unpack("!I", frame[-4:])[0]
            found[number] = f"out:{port}"


def _attribute(kind: int, value: bytes) -> bytes:
    padded = value + b"\0" * (-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + padded


def log_socket(queue_threshold: int = 1) -> socket.socket:
    """A socket that takes the messages of the firewall's NFLOG group, so many packets at once."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    opened.setsockopt(socket.SOL_SOCKET, 33, _BUFFER_BYTES)
    opened.bind((0, 0))
    for attributes in (
        _attribute(_NFULA_CFG_CMD, b"\x01"),  # bind
        _attribute(_NFULA_CFG_MODE, struct.pack("!IBB", 2048, 2, 0))  # copy packets
        + _attribute(_NFULA_CFG_QTHRESH, struct.pack("!I", queue_threshold)),
    ):
        body = struct.pack("!BBH", socket.AF_UNSPEC, 0, LOG_GROUP) + attributes
        head = struct.pack("=IHHII", 16 + len(body), _NFNL_LOG_CONFIG, 5, 1, 0)
        opened.send(head + body)
        answer = opened.recv(4096)
        assert struct.unpack_from("=i", answer, 16)[0] == 0, "NFLOG was refused"
    opened.setblocking(False)
    return opened


def _take_log(opened: socket.socket, found: dict[int, str]) -> None:
    while True:
        try:
            data = opened.recv(1 << 17)
        except BlockingIOError:
            return
        at = 0
        while at + 16 <= len(data):
            size, kind = struct.unpack_from("=IH", data, at)
            if kind == _NFNL_LOG_PACKET:
                held = dict(_attributes(data[at + 20 : at + size]))
                if held[_NFULA_PAYLOAD][-8:-4] == MARK:
                    number = struct.unpack("!I", held[_NFULA_PAYLOAD][-4:])[0]
                    prefix = held[_NFULA_PREFIX].rstrip(b"\0").decode()
                    # A packet is refused once: two messages of one packet must show.
                    found[number] = f"{found[number]} and {prefix}" if number in found else prefix
            at += (size + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3FFF, data[at + 4 : at + size]
        at += (size + 3) & ~3
