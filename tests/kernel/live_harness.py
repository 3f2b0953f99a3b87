"""The real service over real interfaces, and exact traffic for it: what live kernel tests use.

Traffic is made by sockets that are opened in the namespaces, so that a test knows every packet.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Self

from firewall_router import made_in, run_in

#: The longest that anything here may take; a bound, not a wait.
ANSWER_SECONDS_MAX = 30.0
#: The same for a process, which may have to compile its kernels first.
PROCESS_SECONDS_MAX = 300.0
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
#: IP and TCP headers with the timestamp option; SYN and SYN-ACK have 8 bytes of options more.
TCP_HEADER_BYTES, SYN_MORE_BYTES = 52, 8
COLUMNS = (
    "interface_id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log_status tcp_flags type pkt_srcaddr pkt_dstaddr flow_direction reject_rule action_source "
    "rtt_us rtt_min_us rtt_count instance_id interface_type vpc_id subnet_id account_id"
)
#: A busy machine makes TCP send a segment again although none is lost (tail loss probe).
CALM_TCP = "cd /proc/sys/net/ipv4; echo 0 > tcp_early_retrans; echo 0 > tcp_sack"
_PROGRAM = str(Path(sys.executable).with_name("vpcflow"))
_TCP_REPAIR = 19
_IP_MTU_DISCOVER, _IP_PMTUDISC_DONT = 10, 0
_TCP_INFO_SEGMENTS = struct.Struct("=II")
_TCP_INFO_SEGMENTS_OFFSET = 136

Record = dict[str, Any]


def vpcflow(data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command of ours to its end; its output."""
    done = subprocess.run(
        [_PROGRAM, "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS_MAX,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def uncut_interval_s() -> int:
    """An interval whose end is minutes away, so that all of a test's traffic lies in one."""
    now = int(time.time())
    return max(range(300, 601), key=lambda interval: interval - now % interval)


class Service:
    """``vpcflow run`` as a process; SIGTERM ends it when the block ends."""

    def __init__(
        self, data: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        self._process = subprocess.Popen(
            [_PROGRAM, "--data", str(data), "run", *options],
            stderr=subprocess.PIPE,
            text=True,
            # Two tests at once must not both read the firewall's log of the machine's own namespace.
            env={**os.environ, "VPCFLOW_INVENTORY__OWN_NAMESPACE": "false", **(environment or {})},
        )
        self.lines: list[str] = []
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line)
            if line.startswith("metering"):
                break
        else:
            raise AssertionError(f"vpcflow run ended: {''.join(self.lines)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def status(self) -> dict[str, Any]:
        """What it has counted so far."""
        status: dict[str, Any] = json.loads(vpcflow(self.data, "status", "--json"))
        return status

    def wait_status(self, is_reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Ask for the status until it is as it should be."""
        deadline_s = time.monotonic() + PROCESS_SECONDS_MAX
        while not is_reached(status := self.status()):
            assert time.monotonic() < deadline_s, status
        return status

    def stop(self) -> None:
        """End it as systemd does: it must keep everything and end well."""
        self._process.send_signal(signal.SIGTERM)
        _, rest = self._process.communicate(timeout=PROCESS_SECONDS_MAX)
        self.lines += rest.splitlines(keepends=True)
        assert self._process.returncode == 0, "".join(self.lines)
        assert not [line for line in self.lines if line.startswith("problem")], self.lines


class Records:
    """The records that a service left in its table, by names of interfaces."""

    def __init__(self, data: Path, names: Mapping[str, str]) -> None:
        sql = f"SELECT {', '.join(COLUMNS.split())} FROM flow_records ORDER BY start"
        lines = vpcflow(data, "query", sql, "--json").splitlines()
        self.all: list[Record] = [json.loads(line) for line in lines]
        for record in self.all:
            interface = record.pop("interface_id")
            record["interface"] = names.get(interface, interface)

    def of(self, **wanted: Any) -> list[Record]:
        """Records of flows with these values; ``port`` and ``address`` of either end."""
        port, address = wanted.pop("port", None), wanted.pop("address", None)
        return [
            record
            for record in self.all
            if record["log_status"] == "OK"
            and all(record[name] == value for name, value in wanted.items())
            and port in (None, record["srcport"], record["dstport"])
            and address in (None, record["pkt_srcaddr"], record["pkt_dstaddr"])
        ]

    def shown(self, columns: str, **wanted: Any) -> list[tuple[Any, ...]]:
        """Some columns of records, in order."""
        return shown(self.of(**wanted), columns)


def shown(records: Iterable[Record], columns: str) -> list[tuple[Any, ...]]:
    """Some columns of records, in order; numbers and nulls may be mixed."""
    rows = [tuple(record[name] for name in columns.split()) for record in records]
    return sorted(rows, key=repr)


def total(records: Iterable[Record]) -> tuple[int, int]:
    """Packets and bytes."""
    records = list(records)
    return sum(r["packets"] for r in records), sum(r["bytes"] for r in records)


def link(first: str, device: str, second: str, peer: str = "") -> None:
    """A veth between two namespaces, both ends up, without IPv6's own chatter."""
    peer = peer or device
    run_in(
        first,
        f"ip link add {device} type veth peer name {peer} netns {second.split('/')[2]}\n"
        f"ip link set {device} up",
    )
    run_in(second, f"ip link set {peer} up")


def quiet(namespace: str) -> None:
    """A namespace sends what we send: no address detection, no solicitations, nothing twice."""
    run_in(
        namespace,
        f"{CALM_TCP}\n"
        "cd /proc/sys/net/ipv6/conf/default\n"
        "echo 0 > accept_dad; echo 0 > router_solicitations; echo 0 > accept_ra\n"
        "ip link set lo up",
    )


def mac_of(namespace: str, device: str) -> str:
    """A device's hardware address."""
    found = re.search(r"link/ether (\S+)", run_in(namespace, f"ip link show dev {device}"))
    assert found
    return found[1]


def device_counts(namespace: str, device: str) -> dict[str, int]:
    """Packets and bytes that the kernel counted at a device, as ``ip -s link`` shows them.

    Units: bytes of frames, without checksum.
    """
    found = json.loads(run_in(namespace, f"ip -s -json link show dev {device}"))[0]["stats64"]
    return {
        f"{side}_{what}": found[side][what]
        for side in ("rx", "tx")
        for what in ("packets", "bytes")
    }


def ping(
    namespace: str,
    destination: str,
    count: int,
    payload: int = 56,
    *,
    answered: bool = True,
) -> None:
    """ICMP echoes one after the other, each waited for when there are answers."""
    six = ":" in destination
    family, protocol = (socket.AF_INET6, 58) if six else (socket.AF_INET, 1)
    request, reply, skip = (128, 129, 0) if six else (8, 0, 20)
    opened = made_in(namespace, lambda: socket.socket(family, socket.SOCK_RAW, protocol))
    with closing(opened):
        opened.settimeout(ANSWER_SECONDS_MAX)
        opened.connect((destination, 0))
        for number in range(count):
            body = struct.pack("!BBHHH", request, 0, 0, 77, number) + b"\0" * payload
            words = sum(struct.unpack(f"!{len(body) // 2}H", body))
            words = (words & 0xFFFF) + (words >> 16)
            opened.send(body[:2] + struct.pack("!H", ~words & 0xFFFF) + body[4:])
            while answered:
                answer = opened.recv(65_535)[skip:]
                if answer[0] == reply and answer[6:8] == body[6:8]:
                    break


def udp_socket(namespace: str, address: str, port: int, device: str = "") -> socket.socket:
    """A UDP socket with an address of its own; datagrams too long are sent in fragments."""

    def make() -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if family == socket.AF_INET:
            opened.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DONT)
        if device:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        opened.bind((address, port))
        opened.settimeout(ANSWER_SECONDS_MAX)
        return opened

    return made_in(namespace, make)


def half_open(namespace: str, source: tuple[str, int], destination: tuple[str, int]) -> None:
    """Send one SYN, and give up before there can be a second one."""
    opened = made_in(namespace, socket.socket)
    with closing(opened):
        opened.setblocking(False)
        opened.bind(source)
        opened.connect_ex(destination)


class Sent(NamedTuple):
    """What a TCP connection did, by the client's kernel. Units: packets on the wire."""

    packets_sent: int
    packets_received: int

    def sent_bytes(self, payload: int) -> int:
        """IP bytes of the client's packets."""
        return payload + TCP_HEADER_BYTES * self.packets_sent + SYN_MORE_BYTES

    def received_bytes(self, payload: int) -> int:
        """IP bytes of the server's packets."""
        return payload + TCP_HEADER_BYTES * self.packets_received + SYN_MORE_BYTES


def transfer(
    client: str,
    server: str,
    source: tuple[str, int],
    destination: tuple[str, int],
    sizes: Sequence[int],
    answer: int = 0,
) -> Sent:
    """A connection over which so much goes, each part answered; the client closes it first."""
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET

    def listen() -> socket.socket:
        return socket.create_server(destination, family=family)

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(ANSWER_SECONDS_MAX)
            for size in sizes:
                _receive(connection, size)
                connection.sendall(b"!" * answer)
            assert not connection.recv(1)

    with closing(made_in(server, listen)) as listening:
        listening.settimeout(ANSWER_SECONDS_MAX)
        thread = threading.Thread(target=serve)
        thread.start()
        with closing(made_in(client, lambda: socket.socket(family))) as opened:
            opened.settimeout(ANSWER_SECONDS_MAX)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            opened.bind(source)
            opened.connect(destination)
            for size in sizes:
                opened.sendall(b"?" * size)
                _receive(opened, answer)
            opened.shutdown(socket.SHUT_WR)
            assert not opened.recv(1)
            info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        thread.join()
    return Sent(*_TCP_INFO_SEGMENTS.unpack_from(info, _TCP_INFO_SEGMENTS_OFFSET))


class OpenConnection:
    """A TCP connection that is given up in the end without another packet."""

    def __init__(
        self, client: str, server: str, source: tuple[str, int], destination: tuple[str, int]
    ) -> None:
        with closing(made_in(server, lambda: socket.create_server(destination))) as listening:
            listening.settimeout(ANSWER_SECONDS_MAX)
            self._client = made_in(client, socket.socket)
            self._client.settimeout(ANSWER_SECONDS_MAX)
            self._client.bind(source)
            self._client.connect(destination)
            self._server, _ = listening.accept()
        self._server.settimeout(ANSWER_SECONDS_MAX)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._client, self._server):
            if opened.fileno() >= 0:
                opened.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
                opened.close()

    def send(self, size: int, *, is_received: bool) -> None:
        """Send from the client; wait for it at the server if it gets there."""
        self._client.sendall(b"?" * size)
        if is_received:
            _receive(self._server, size)

    def sent(self) -> Sent:
        """What the client's kernel has counted so far."""
        info = self._client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return Sent(*_TCP_INFO_SEGMENTS.unpack_from(info, _TCP_INFO_SEGMENTS_OFFSET))

    def abandon(self) -> Sent:
        """End it silently; what the client's kernel has counted."""
        # In repair mode nothing is sent any more, not even on closing.
        self._client.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
        counted = self.sent()
        self.__exit__()
        return counted


def _receive(connection: socket.socket, size: int) -> None:
    while size > 0:
        data = connection.recv(min(size, 1 << 20))
        assert data, "the other side has ended"
        size -= len(data)
