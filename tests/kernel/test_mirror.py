"""Aim: mirrored traffic becomes records of the mirrored interface, live and from a file.

Method: real datagrams on the VXLAN port between two namespaces, the real command in one of them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "unit" / "capture"))

from capture_writer import FilePacket, pcap  # noqa: E402
from firewall_router import needs_root  # noqa: E402
from packet_builder import TCP, ethernet, ipv4, tcp, udp  # noqa: E402

from vpcflow.app.live_view import ask_live  # noqa: E402
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace  # noqa: E402

REASON = needs_root()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

VPCFLOW = [sys.executable, "-c", "from vpcflow.app.cli.main import main; main()"]
ENI, VNI, UDP = "eni-0aaaaaaaaaaaaaaaa", 4711, 17
OWN, PEER = "10.0.1.10", "203.0.113.9"
MAC, GATEWAY = bytes.fromhex("02000a01000a"), bytes.fromhex("02000a010001")
INVENTORY = f"""
[[vpc]]
name = "mirrored"
account_id = "123456789012"
cidr_blocks = ["10.0.0.0/16"]
[[subnet]]
name = "web"
cidr_blocks = ["10.0.1.0/24"]
[[interface]]
id = "{ENI}"
addresses = ["{OWN}"]
[[mirror_session]]
vni = {VNI}
interface = "{ENI}"
"""
ASKED = (
    "SELECT srcaddr, dstaddr, srcport, dstport, packets, bytes, flow_direction, account_id, action "
    f"FROM flow_records WHERE interface_id = '{ENI}' AND log_status = 'OK' "
    "ORDER BY flow_direction"
)
#: A connection's two directions: 3 packets of 40 + 40 + 60 bytes in, 2 of 40 + 1040 out.
EXPECTED = [
    (OWN, PEER, 443, 50_000, 2, 1_080, "egress", "123456789012", None),
    (PEER, OWN, 50_000, 443, 3, 140, "ingress", "123456789012", None),
]


def frames() -> list[bytes]:
    """What the mirrored interface received and sent."""
    there = [ipv4(tcp(50_000, 443, payload=b"x" * size), PEER, OWN, TCP) for size in (0, 0, 20)]
    back = [ipv4(tcp(443, 50_000, payload=b"y" * size), OWN, PEER, TCP) for size in (0, 1000)]
    return [
        *(MAC + GATEWAY + ethernet(packet)[12:] for packet in there),
        *(GATEWAY + MAC + ethernet(packet)[12:] for packet in back),
    ]


def mirrored(vni: int = VNI) -> list[bytes]:
    return [struct.pack("!B3xI", 8, vni << 8) + frame for frame in frames()]


def records(data: Path) -> list[tuple[Any, ...]]:
    done = subprocess.run(
        [*VPCFLOW, "--data", str(data), "query", ASKED, "--json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [tuple(json.loads(line).values()) for line in done.stdout.splitlines()]


def mirror_counts(data: Path) -> dict[str, int]:
    """What the running capture says of mirrored traffic, without what there was none of."""
    counts = json.loads(ask_live(data, "status"))["mirror"]
    return {name: count for name, count in counts.items() if count}


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "mirror.toml"
    path.write_text(INVENTORY)
    return path


@pytest.fixture
def wire() -> Iterator[tuple[str, str]]:
    """Two namespaces with a veth between them: source 192.0.2.1, target 192.0.2.2."""
    holders = []
    try:
        for _ in range(2):
            holder = subprocess.Popen(
                ["unshare", "--net", sys.executable, "-c", "print(flush=True); input()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            holders.append(holder)
            assert holder.stdout is not None
            holder.stdout.readline()
        source, target = (f"/proc/{holder.pid}/ns/net" for holder in holders)
        run_ip(source, "link", "add", "m0", "type", "veth", "peer", "name", "m1")
        run_ip(source, "link", "set", "m1", "netns", str(holders[1].pid))
        for namespace, device, address in (
            (source, "m0", "192.0.2.1"),
            (target, "m1", "192.0.2.2"),
        ):
            run_ip(namespace, "addr", "add", f"{address}/24", "dev", device)
            run_ip(namespace, "link", "set", device, "mtu", "2000", "up")
        yield source, target
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


def run_ip(namespace: str, *arguments: str) -> None:
    subprocess.run(["nsenter", f"--net={namespace}", "ip", *arguments], check=True)


def test_live(wire: tuple[str, str], inventory: Path, tmp_path: Path) -> None:
    source, target = wire
    data = tmp_path / "data"
    command = [
        "nsenter", f"--net={target}", *VPCFLOW, "--data", str(data),
        "run", "--inventory", str(inventory), "--interval", "600",
    ]  # fmt: skip
    # What this host's firewall refuses says nothing of packets that another host's interface saw.
    environment = {**os.environ, "VPCFLOW_CAPTURE__REJECT_GROUPS": "[7]"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stderr is not None
        assert "no console" in running.stderr.readline(), "its namespace has no loopback"
        assert "no AWS endpoint" in running.stderr.readline()
        assert "metering" in running.stderr.readline()
        sender = open_in_namespace(source, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with sender:
            for datagram in (*mirrored(), *mirrored(vni=1)):
                sender.sendto(datagram, ("192.0.2.2", 4789))
        while (counts := mirror_counts(data)) != {"mirrored": 5, "unknown-vni": 5}:
            assert sum(counts.values()) < 10, counts
        running.send_signal(signal.SIGTERM)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 0, told
    assert records(data) == EXPECTED


@pytest.mark.parametrize("output", ["table", "lines"])
def test_from_a_file(output: str, inventory: Path, tmp_path: Path) -> None:
    outer = [
        FilePacket(
            ethernet(ipv4(udp(6_000, 4789, datagram), "192.0.2.1", "192.0.2.2", UDP)), at * 10**9
        )
        for at, datagram in enumerate((*mirrored(), *mirrored(vni=1)), 1_700_000_000)
    ]
    path = tmp_path / "mirror.pcap"
    path.write_bytes(pcap(outer))
    data = tmp_path / "data"
    command = [*VPCFLOW, "--data", str(data), "capture", "--read", str(path), "--mirror"]
    command += ["--inventory", str(inventory), *(["--output", "-"] if output == "lines" else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "5 mirrored packets of VNIs without a mirror session: 1" in done.stderr
    if output == "table":
        assert records(data) == EXPECTED
        return
    made = [tuple(line.split()[3:10]) for line in done.stdout.splitlines()[1:]]
    assert sorted(made) == [tuple(map(str, (*row[:4], TCP, *row[4:6]))) for row in sorted(EXPECTED)]
