"""What the firewall adds to a forwarded packet, and what applying it costs: ``bench/firewall_delay.py``.

A router namespace between two hosts; both hosts' sockets belong to this process, so a round trip
has no waking up in it and microseconds can be told apart. Needs root. Prints medians of all rounds;
the arrangements take turns, so that a slow moment meets all of them.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

from live_process import require_kernel_tools
from results import Result
from vpcflow.inventory.network_interface import Attachment, AttachmentSide, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy import nftables_apply
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.nftables import compile_ruleset
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction, SecurityGroup, SecurityGroupRule

# What the kernel tests have: namespaces, and a listener for refused packets.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "kernel"))

from firewall_router import anonymous_namespace, log_socket, made_in

CLIENT, SERVER = "10.0.1.10", "10.0.2.20"
ECHO_PORT, REFUSED_PORT = 7, 9
INTERFACE_COUNTS = (2, 10, 100, 1000)
GROUP_RULES = 20
DRAIN_PACKETS = 500


def wire(router: str, hosts: list[str]) -> None:
    """Two hosts, each behind a port of the router."""
    for index, (host, address) in enumerate(zip(hosts, (CLIENT, SERVER), strict=True)):
        gateway = f"{address.rpartition('.')[0]}.1"
        pid = host.split("/")[2]
        for path, command in (
            (router, f"ip link add port{index} type veth peer name eth0 netns {pid}"),
            (router, f"ip address add {gateway}/24 dev port{index}"),
            (router, f"ip link set dev port{index} up"),
            (host, f"ip address add {address}/24 dev eth0"),
            (host, "ip link set dev eth0 up"),
            (host, f"ip route add default via {gateway}"),
        ):
            subprocess.run(["nsenter", f"--net={path}", *command.split()], check=True)
    subprocess.run(
        ["nsenter", f"--net={router}", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
        check=True,
    )


def rules(count: int, router: str) -> RuleSet:
    """The two hosts and others whose devices are only names, under one group and one ACL.

    The rule that allows stands last of the group's; the ACL has entries before the one that allows.
    """
    everyone = ip_network("0.0.0.0/0")
    vpc = Vpc("vpc-1", "123456789012", "local", (ip_network("10.0.0.0/8"),))
    subnets = {
        f"subnet-{n}": Subnet(
            f"subnet-{n}", "vpc-1", "az", (ip_network(f"10.0.{n}.0/24"),), network_acl_id="acl-1"
        )
        for n in (1, 2)
    }
    interfaces = {
        f"eni-{n}": NetworkInterface(
            f"eni-{n}",
            f"subnet-{1 + n % 2}",
            "vpc-1",
            vpc.account_id,
            (ip_address("10.1.0.0") + n,),
            security_group_ids=("sg-1",),
            attachment=Attachment(f"port{n}", router, AttachmentSide.PORT),
        )
        for n in range(count)
    }
    refused_elsewhere = [
        SecurityGroupRule(f"sgr-{n}", direction, 6, n, n, cidr=everyone)
        for n in range(1, GROUP_RULES)
        for direction in Direction
    ]
    allowed = [
        SecurityGroupRule(f"sgr-{direction}", direction, 17, ECHO_PORT, ECHO_PORT, cidr=everyone)
        for direction in Direction
    ]
    entries = [
        NetworkAclEntry(100 * n, direction, n % 5 > 0, ip_network(f"198.51.{n}.0/24"))
        for n in range(1, GROUP_RULES)
        for direction in Direction
    ]
    entries += [NetworkAclEntry(32_000, direction, True, everyone) for direction in Direction]
    return RuleSet(
        Inventory({"vpc-1": vpc}, subnets, interfaces),
        {"sg-1": SecurityGroup("sg-1", "vpc-1", rules=(*refused_elsewhere, *allowed))},
        {"acl-1": NetworkAcl("acl-1", "vpc-1", entries=tuple(entries))},
    )


def udp(path: str, address: str, port: int) -> socket.socket:
    """A bound UDP socket in a namespace."""
    opened = made_in(path, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    opened.bind((address, port))
    opened.settimeout(5)
    return opened


def round_trip_us(client: socket.socket, server: socket.socket) -> float:
    """One question and its answer. Units: microseconds."""
    begun = time.perf_counter_ns()
    client.sendto(b"question", (SERVER, ECHO_PORT))
    _, sender = server.recvfrom(100)
    server.sendto(b"answer", sender)
    client.recv(100)
    return (time.perf_counter_ns() - begun) / 1000


def established_us(client: socket.socket, server: socket.socket, trips: int) -> float:
    """The median round trip of one connection."""
    return statistics.median(round_trip_us(client, server) for _ in range(trips))


def new_us(host: str, server: socket.socket, trips: int) -> float:
    """The median round trip of connections that begin with it."""
    found = []
    for _ in range(trips):
        with udp(host, CLIENT, 0) as client:
            found.append(round_trip_us(client, server))
    return statistics.median(found)


def refused_us(client: socket.socket, packets: int, log: socket.socket | None = None) -> float:
    """The time to send a packet that the firewall refuses (or forwards, without one).

    With a listener to its log, which is emptied now and then outside the time.
    """
    spent = 0
    for _ in range(packets // DRAIN_PACKETS):
        begun = time.perf_counter_ns()
        for _ in range(DRAIN_PACKETS):
            client.sendto(b"refused", (SERVER, REFUSED_PORT))
        spent += time.perf_counter_ns() - begun
        with suppress(BlockingIOError):
            while log is not None:
                log.recv(1 << 17)
    return spent / 1000 / (packets // DRAIN_PACKETS * DRAIN_PACKETS)


def measure(rounds: int, trips: int) -> dict[int, dict[str, list[float]]]:
    """Figures of all rounds by how many interfaces the firewall has; 0 is no firewall."""
    figures: dict[int, dict[str, list[float]]] = {
        count: {
            name: [] for name in ("open", "new", "refused", "logged", "apply", "repeat", "bytes")
        }
        for count in (0, *INTERFACE_COUNTS)
    }
    with ExitStack() as stack:
        router, host, peer = (stack.enter_context(anonymous_namespace()) for _ in range(3))
        wire(router, [host, peer])
        server = stack.enter_context(udp(peer, SERVER, ECHO_PORT))
        client = stack.enter_context(udp(host, CLIENT, 0))
        round_trip_us(client, server)  # neighbours are found
        for _ in range(rounds):
            for count, found in figures.items():
                nftables_apply.remove(router)
                if count:
                    script = compile_ruleset(rules(count, router), router)
                    for name in ("apply", "repeat"):
                        begun = time.perf_counter()
                        nftables_apply.apply(script, router)
                        found[name].append(time.perf_counter() - begun)
                    found["bytes"].append(len(script))
                found["open"].append(established_us(client, server, trips))
                found["new"].append(new_us(host, server, trips // 3))
                found["refused"].append(refused_us(client, trips))
                with made_in(router, lambda: log_socket(queue_threshold=64)) as log:
                    found["logged"].append(refused_us(client, trips, log))
    return figures


def delay(runs: int, trips: int = 3000) -> list[Result]:
    """What the firewall adds to a forwarded packet, by how many interfaces it has."""
    require_kernel_tools()
    middle = {
        count: {name: statistics.median(values or [0.0]) for name, values in found.items()}
        for count, found in measure(runs, trips).items()
    }
    none = middle.pop(0)
    return [
        Result(
            f"firewall of {count} interfaces: added to a round trip",
            found["open"] - none["open"],
            "us",
            "lower",
            note=f"of {none['open']:.2f} us without it, of an open connection; a new one "
            f"{found['new'] - none['new']:.2f} of {none['new']:.2f}; a refused packet "
            f"{found['refused']:.2f}, logged {found['logged']:.2f}, forwarded {none['refused']:.2f}; "
            f"applied in {found['apply']:.2f} s",
        )
        for count, found in middle.items()
    ]


def main() -> int:
    """Measure and print; exit 0 whatever the figures say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trips", type=int, default=3000)
    chosen = parser.parse_args()
    figures = measure(chosen.rounds, chosen.trips)
    print(
        "interfaces  open us  added  new us  added  refused us  logged us  apply s  again s  script bytes"
    )
    base = {name: statistics.median(figures[0][name]) for name in ("open", "new")}
    for count, found in figures.items():
        middle = {name: statistics.median(values or [0.0]) for name, values in found.items()}
        print(
            f"{count or 'none':>10}  {middle['open']:7.2f}  {middle['open'] - base['open']:5.2f}"
            f"  {middle['new']:6.2f}  {middle['new'] - base['new']:5.2f}"
            f"  {middle['refused']:10.2f}  {middle['logged']:9.2f}  {middle['apply']:7.2f}  {middle['repeat']:7.2f}"
            f"  {middle['bytes']:12,.0f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
