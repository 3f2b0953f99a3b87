"""Aim: records of the running service say exactly what crossed the interfaces, and what was refused.

Method: namespaces, traffic of which every packet is known, one run of `vpcflow run` for all cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import NamedTuple

import pytest
from delayed_tcp import bring_up
from firewall_router import anonymous_namespace, made_in, needs_root, run_in
from live_harness import (
    ICMP,
    ICMPV6,
    TCP,
    UDP,
    OpenConnection,
    Records,
    Sent,
    Service,
    device_counts,
    half_open,
    link,
    mac_of,
    ping,
    quiet,
    shown,
    total,
    transfer,
    udp_socket,
    uncut_interval_s,
    vpcflow,
)

from vpcflow.lab.delay_line import DelayLine
from vpcflow.lab.testbed.offload import switch_offload_off

pytestmark = pytest.mark.skipif(needs_root() != "", reason=needs_root() or "root")

#: Addresses by host behind a port of the router; the client is no interface of the VPC.
HOSTS = {
    "web": ("10.7.1.10", "10.7.1.11", "2001:db8:7:1::10"),
    "mute": ("10.7.1.30",),
    "idle": ("10.7.1.99",),
    "app": ("10.7.2.10", "2001:db8:7:2::10"),
    "client": ("203.0.113.50",),
}
WEB, SECOND, WEB6 = HOSTS["web"]
APP, APP6 = HOSTS["app"]
MUTE, CLIENT = HOSTS["mute"][0], HOSTS["client"][0]
#: Veths without a firewall: names and addresses of both ends, and the groups of the second.
PAIRS = {
    "whole": ("10.8.1.10", "10.8.1.20", ""),
    "cut": ("10.8.2.10", "10.8.2.20", ""),
    "judged": ("10.8.3.10", "10.8.3.20", "web"),
    "delay0": ("10.8.4.10", "10.8.4.20", ""),
}
MEGABYTE = 1_000_000
#: What is sent at once of a connection that is refused from then on.
SEGMENTS, SEGMENT_BYTES = 10, 1448
ROUND_TRIP_US = 20_000
NAMES = {
    f"eni-{name}": name
    for name in (*HOSTS, *(f"{name}-{end}" for name in PAIRS for end in ("left", "right")))
}
RULES = """
[[vpc]]
name = "main"
cidr_blocks = ["10.7.0.0/16", "10.8.0.0/16", "2001:db8:7::/56"]
[[subnet]]
name = "front"
cidr_blocks = ["10.7.1.0/24", "2001:db8:7:1::/64"]
network_acl = "front"
[[subnet]]
name = "back"
cidr_blocks = ["10.7.2.0/24", "2001:db8:7:2::/64"]
network_acl = "acl-back"
[[subnet]]
name = "pairs"
cidr_blocks = ["10.8.0.0/16"]
[[security_group]]
id = "sg-web"
name = "web"
rule = [
  { direction = "ingress", protocol = "tcp", ports = "80", peer = ["0.0.0.0/0", "::/0"] },
  { direction = "ingress", protocol = "udp", ports = "7000-7999", peer = "0.0.0.0/0" },
  { direction = "ingress", protocol = "icmp", icmp_type = 8, peer = "0.0.0.0/0" },
  { direction = "ingress", protocol = "icmpv6", icmp_type = 128, peer = "::/0" },
  { direction = "egress", peer = ["0.0.0.0/0", "::/0"] },
]
[[security_group]]
id = "sg-app"
name = "app"
rule = [
  { direction = "ingress", peer = ["10.7.0.0/16", "2001:db8:7::/56"] },
  { direction = "egress", peer = ["0.0.0.0/0", "::/0"] },
]
[[security_group]]
id = "sg-mute"
name = "mute"
[[network_acl]]
id = "acl-back"
name = "back"
entry = [
  #TCP
  { rule_number = 90, direction = "egress", action = "deny", protocol = "icmp", peer = "10.7.1.0/24" },
  { rule_number = 100, direction = "ingress", action = "allow", peer = "0.0.0.0/0" },
  { rule_number = 101, direction = "ingress", action = "allow", peer = "::/0" },
  { rule_number = 100, direction = "egress", action = "allow", peer = "0.0.0.0/0" },
  { rule_number = 101, direction = "egress", action = "allow", peer = "::/0" },
]
[[network_acl]]
id = "acl-front"
name = "front"
entry = [
  #UDP
  { rule_number = 100, direction = "ingress", action = "allow", peer = "0.0.0.0/0" },
  { rule_number = 101, direction = "ingress", action = "allow", peer = "::/0" },
  { rule_number = 100, direction = "egress", action = "allow", peer = "0.0.0.0/0" },
  { rule_number = 101, direction = "egress", action = "allow", peer = "::/0" },
]
"""
#: What the ACLs deny from some moment on.
CHANGES = {
    "#TCP": '{ rule_number = 50, direction = "egress", action = "deny", protocol = "tcp", '
    'ports = "80", peer = "10.7.1.0/24" },',
    "#UDP": '{ rule_number = 50, direction = "ingress", action = "deny", protocol = "udp", '
    'ports = "7100", peer = "0.0.0.0/0" },',
}
#: What most tests look at.
BASIC = "interface flow_direction packets bytes tcp_flags action reject_rule"


class Seen(NamedTuple):
    """What was sent, by the senders' kernels, and the records of it."""

    records: Records
    tcp: dict[str, Sent]
    devices: dict[str, dict[str, int]]


class Network:
    """The router with its hosts, and the veths without a firewall."""

    def __init__(self, stack: ExitStack) -> None:
        self.router = self._namespace(stack)
        run_in(
            self.router,
            "cd /proc/sys/net\necho 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding\n"
            "ip address add 10.7.1.1/32 dev lo; ip address add 2001:db8:7::1/128 dev lo",
        )
        self.hosts = {name: self._host(stack, name) for name in HOSTS}
        self.pairs = {name: self._pair(stack, name) for name in PAIRS}

    def inventory(self) -> str:
        """The interfaces, each with its device."""
        lines = []
        for name, addresses in HOSTS.items():
            if name != "client":
                group = {"app": "app", "mute": "mute"}.get(name, "web")
                lines += _interface(name, addresses, name, self.router, "port", group)
        for name, namespaces in self.pairs.items():
            first, second, group = PAIRS[name]
            for end, address, namespace in zip(
                ("left", "right"), (first, second), namespaces, strict=True
            ):
                groups = group if end == "right" else ""
                lines += _interface(
                    f"{name}-{end}", (address,), name, namespace, "interface", groups
                )
        return "\n".join(lines)

    def _namespace(self, stack: ExitStack) -> str:
        namespace = stack.enter_context(anonymous_namespace())
        quiet(namespace)
        return namespace

    def _host(self, stack: ExitStack, name: str) -> str:
        namespace = self._namespace(stack)
        link(self.router, name, namespace, "eth0")
        far, near = mac_of(namespace, "eth0"), mac_of(self.router, name)
        lines: list[str] = []
        here: list[str] = []
        for address in HOSTS[name]:
            six, bits = (" -6", 128) if ":" in address else ("", 32)
            here.append(f"ip{six} address add {address}/{bits} dev eth0")
            lines.append(f"ip{six} route add {address}/{bits} dev {name}")
            lines.append(f"ip{six} neigh add {address} lladdr {far} dev {name} nud permanent")
        for gateway in ("10.7.1.1", "2001:db8:7::1"):
            six = " -6" if ":" in gateway else ""
            here.append(f"ip{six} neigh add {gateway} lladdr {near} dev eth0 nud permanent")
            here.append(f"ip{six} route add default via {gateway} dev eth0 onlink")
        run_in(namespace, "\n".join(here))
        run_in(self.router, "\n".join(lines))
        return namespace

    def _pair(self, stack: ExitStack, name: str) -> tuple[str, str]:
        ends = self._namespace(stack), self._namespace(stack)
        if name == "delay0":
            stack.enter_context(DelayLine(*ends, ROUND_TRIP_US / 2e6))
        else:
            link(ends[0], name, ends[1])
        for end, address in zip(ends, PAIRS[name], strict=False):
            bring_up(end, name, address)
            if name == "cut":
                made_in(end, switch_offload_off)
        if name == "cut":
            # Neither end asks for the other: the device counts our packets and no more.
            for at, other, address in zip(ends, reversed(ends), PAIRS[name][1::-1], strict=True):
                mac = mac_of(other, name)
                run_in(at, f"ip neigh add {address} lladdr {mac} dev {name} nud permanent")
        return ends


def _interface(
    name: str, addresses: tuple[str, ...], device: str, namespace: str, side: str, group: str
) -> list[str]:
    return [
        "[[interface]]",
        f'id = "eni-{name}"\nname = "{name}"',
        f"addresses = {list(addresses)}",
        f"security_groups = {[group] if group else []}",
        f'attachment = {{ device = "{device}", namespace = "{namespace}", side = "{side}" }}',
    ]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """All traffic of this file, once."""
    data = tmp_path_factory.mktemp("live")
    file, changed = data / "rules.toml", data / "changed.toml"
    with ExitStack() as stack:
        network = Network(stack)
        text = RULES + network.inventory()
        file.write_text(text)
        for mark, entry in CHANGES.items():
            text = text.replace(mark, entry)
        changed.write_text(text)
        apply = ("firewall", "apply", "--netns", network.router, "--file")
        vpcflow(data, *apply, str(file))
        service = stack.enter_context(
            Service(
                data,
                *("--inventory", str(file), "--interval", str(uncut_interval_s())),
                environment={"VPCFLOW_INVENTORY__OWN_NAMESPACE": "false"},
            )
        )
        before = device_counts(network.pairs["cut"][0], "cut")
        tcp = _routed_traffic(network) | _traffic_of_pairs(network)
        after = device_counts(network.pairs["cut"][0], "cut")
        tcp |= _traffic_over_a_change(network, lambda: vpcflow(data, *apply, str(changed)))
        service.stop()
        counts = {"cut": {key: after[key] - before[key] for key in after}}
        yield Seen(Records(data, NAMES), tcp, counts)


def _routed_traffic(network: Network) -> dict[str, Sent]:
    web, app, mute, client = (network.hosts[name] for name in ("web", "app", "mute", "client"))
    ping(client, WEB, 5)
    ping(client, SECOND, 2, 100)
    ping(web, APP, 3, 40, answered=False)
    ping(app, WEB6, 4)
    half_open(app, (APP, 40_022), (WEB, 22))
    with closing(udp_socket(mute, MUTE, 40_053)) as opened:
        for _ in range(3):
            opened.sendto(b"x" * 10, (WEB, 7000))
        opened.sendto(b"f" * 4000, (WEB, 7002))
    with (
        closing(udp_socket(client, CLIENT, 40_001)) as sender,
        closing(udp_socket(web, WEB, 7001)) as receiver,
    ):
        sender.sendto(b"f" * 4000, (WEB, 7001))
        assert len(receiver.recv(5000)) == 4000
    return {
        "routed": transfer(client, web, (CLIENT, 40_080), (WEB, 80), [100_000], 1),
        "six": transfer(app, web, (APP6, 40_080), (WEB6, 80), [50_000], 1),
    }


def _traffic_of_pairs(network: Network) -> dict[str, Sent]:
    sent = {}
    for name, sizes, answer in (
        ("whole", [MEGABYTE], 0),
        ("cut", [MEGABYTE], 0),
        ("delay0", [100] * 20, 100),
    ):
        left, right = network.pairs[name]
        first, second, _ = PAIRS[name]
        sent[name] = transfer(left, right, (first, 40_000), (second, 5000), sizes, answer)
    left, right = network.pairs["judged"]
    first, second, _ = PAIRS["judged"]
    sent["judged"] = transfer(left, right, (first, 40_000), (second, 80), [1000])
    half_open(left, (first, 40_001), (second, 22))
    return sent


def _traffic_over_a_change(network: Network, change: Callable[[], object]) -> dict[str, Sent]:
    client, web, app = (network.hosts[name] for name in ("client", "web", "app"))
    with (
        closing(udp_socket(client, CLIENT, 40_100)) as sender,
        closing(udp_socket(web, WEB, 7100)) as receiver,
        OpenConnection(app, web, (APP, 40_200), (WEB, 80)) as connection,
    ):
        for _ in range(3):
            sender.sendto(b"u" * 72, (WEB, 7100))
            receiver.recv(100)
        connection.send(1000, is_received=True)
        before = connection.sent()
        change()
        for _ in range(2):
            sender.sendto(b"u" * 72, (WEB, 7100))
        connection.send(SEGMENTS * SEGMENT_BYTES, is_received=False)
        return {"accepted": before, "all": connection.abandon()}


def test_pings_are_a_record_each_way(seen: Seen) -> None:
    columns = "interface flow_direction type srcport dstport protocol packets bytes action"
    pings = seen.records.shown(columns, address=CLIENT, protocol=ICMP, bytes=5 * 84)
    assert pings == [
        ("web", "egress", "IPv4", 0, 0, ICMP, 5, 5 * 84, "ACCEPT"),
        ("web", "ingress", "IPv4", 0, 0, ICMP, 5, 5 * 84, "ACCEPT"),
    ]


def test_a_secondary_address_shows_the_primary_one(seen: Seen) -> None:
    columns = "flow_direction srcaddr dstaddr pkt_srcaddr pkt_dstaddr packets bytes"
    assert seen.records.shown(columns, address=SECOND) == [
        ("egress", WEB, CLIENT, SECOND, CLIENT, 2, 2 * 128),
        ("ingress", CLIENT, WEB, CLIENT, SECOND, 2, 2 * 128),
    ]


def test_ipv6_pings(seen: Seen) -> None:
    columns = "interface flow_direction type srcaddr dstaddr packets bytes action action_source"
    request = ("IPv6", APP6, WEB6, 4, 4 * 104, "ACCEPT", "nflog")
    reply = ("IPv6", WEB6, APP6, 4, 4 * 104, "ACCEPT", "nflog")
    assert seen.records.shown(columns, protocol=ICMPV6) == [
        ("app", "egress", *request),
        ("app", "ingress", *reply),
        ("web", "egress", *reply),
        ("web", "ingress", *request),
    ]


def test_a_refused_port_is_refused_where_it_was_dropped_and_nowhere_else(seen: Seen) -> None:
    assert seen.records.shown(f"{BASIC} action_source", port=40_022) == [
        ("app", "egress", 1, 60, 2, "ACCEPT", None, "nflog"),
        ("web", "ingress", 1, 60, 2, "REJECT", "sg-web", "nflog"),
    ]


def test_a_reply_that_the_acl_drops_makes_the_two_records_of_the_documentation(seen: Seen) -> None:
    assert seen.records.shown(f"{BASIC} srcaddr dstaddr", bytes=3 * 68, protocol=ICMP) == [
        ("app", "egress", 3, 3 * 68, 0, "REJECT", "acl-back/90", APP, WEB),
        ("app", "ingress", 3, 3 * 68, 0, "ACCEPT", None, WEB, APP),
        ("web", "egress", 3, 3 * 68, 0, "ACCEPT", None, WEB, APP),
    ]


def test_what_a_group_keeps_from_leaving_arrives_nowhere(seen: Seen) -> None:
    assert seen.records.shown(f"{BASIC} srcaddr dstaddr", dstport=7000) == [
        ("mute", "egress", 3, 3 * 38, 0, "REJECT", "sg-mute", MUTE, WEB)
    ]


def test_fragments_count_one_by_one_in_the_flow_of_the_first(seen: Seen) -> None:
    assert seen.records.shown(f"{BASIC} srcport dstport", port=7001) == [
        ("web", "ingress", 3, 4008 + 3 * 20, 0, "ACCEPT", None, 40_001, 7001)
    ]


def test_refused_fragments(seen: Seen) -> None:
    assert seen.records.shown(BASIC, port=7002) == [
        ("mute", "egress", 3, 4008 + 3 * 20, 0, "REJECT", "sg-mute")
    ]


def test_accepted_and_refused_packets_of_one_five_tuple_are_two_records(seen: Seen) -> None:
    found = seen.records.of(port=40_100)
    assert shown(found, BASIC) == [
        ("web", "ingress", 2, 200, 0, "REJECT", "acl-front/50"),
        ("web", "ingress", 3, 300, 0, "ACCEPT", None),
    ]


def test_refused_segments_of_an_offloaded_connection_count_as_on_the_wire(seen: Seen) -> None:
    """They cross the port as one packet, and so the firewall logs them."""
    accepted = seen.tcp["accepted"].packets_sent
    refused = seen.tcp["all"].packets_sent - accepted
    assert (accepted, refused >= SEGMENTS) == (3, True)
    first = (accepted, seen.tcp["accepted"].sent_bytes(1000), 2, "ACCEPT", None)
    rest = (refused, refused * (SEGMENT_BYTES + 52), 0, "REJECT", "acl-back/50")
    assert seen.records.shown(BASIC, srcport=40_200) == [
        ("app", "egress", *rest),
        ("app", "egress", *first),
        ("web", "ingress", *first),
    ]


def test_tcp_through_the_firewall(seen: Seen) -> None:
    sent = seen.tcp["routed"]
    out = (sent.packets_sent, sent.sent_bytes(100_000), 3, "ACCEPT", None)
    back = (sent.packets_received, sent.received_bytes(1), 19, "ACCEPT", None)
    assert seen.records.shown(BASIC, port=40_080, type="IPv4") == [
        ("web", "egress", *back),
        ("web", "ingress", *out),
    ]


def test_tcp_over_ipv6(seen: Seen) -> None:
    sent = seen.tcp["six"]
    # 20 bytes more than IPv4 in each header.
    out = (sent.packets_sent, sent.sent_bytes(50_000) + 20 * sent.packets_sent)
    back = (sent.packets_received, sent.received_bytes(1) + 20 * sent.packets_received)
    columns = "interface flow_direction srcaddr dstaddr packets bytes tcp_flags action"
    assert seen.records.shown(columns, port=40_080, type="IPv6") == [
        ("app", "egress", APP6, WEB6, *out, 3, "ACCEPT"),
        ("app", "ingress", WEB6, APP6, *back, 19, "ACCEPT"),
        ("web", "egress", WEB6, APP6, *back, 19, "ACCEPT"),
        ("web", "ingress", APP6, WEB6, *out, 3, "ACCEPT"),
    ]


@pytest.mark.parametrize("name", ["whole", "cut"])
def test_a_megabyte_is_counted_at_both_ends_as_on_the_wire(seen: Seen, name: str) -> None:
    """With offload a device passes packets of up to 64 KiB; the record has those of the wire."""
    first, second, _ = PAIRS[name]
    sent = seen.tcp[name]
    assert sent.packets_sent > MEGABYTE // 1448
    out = (first, second, sent.packets_sent, sent.sent_bytes(MEGABYTE), 3)
    back = (second, first, sent.packets_received, sent.received_bytes(0), 19)
    columns = "interface flow_direction srcaddr dstaddr packets bytes tcp_flags"
    assert seen.records.shown(columns, port=5000, address=first) == [
        (f"{name}-left", "egress", *out),
        (f"{name}-left", "ingress", *back),
        (f"{name}-right", "egress", *back),
        (f"{name}-right", "ingress", *out),
    ]


def test_sums_are_those_of_the_device(seen: Seen) -> None:
    device = seen.devices["cut"]
    for side, direction in (("tx", "egress"), ("rx", "ingress")):
        packets, size = total(seen.records.of(interface="cut-left", flow_direction=direction))
        # Each frame has an Ethernet header of 14 bytes.
        assert device[f"{side}_packets"] == packets
        assert device[f"{side}_bytes"] == size + 14 * packets


def test_without_a_witness_the_action_is_not_known(seen: Seen) -> None:
    for name in ("whole", "cut", "delay0", "judged"):
        found = seen.records.of(interface=f"{name}-left")
        assert {(r["action"], r["action_source"], r["reject_rule"]) for r in found} == {
            (None, None, None)
        }


def test_known_rules_judge_where_no_firewall_does(seen: Seen) -> None:
    sent = seen.tcp["judged"]
    out = ("ingress", sent.packets_sent, sent.sent_bytes(1000), 3, "ACCEPT", None, "policy")
    back = ("egress", sent.packets_received, sent.received_bytes(0), 19, "ACCEPT", None, "policy")
    columns = f"{BASIC} action_source"
    assert seen.records.shown(columns, interface="judged-right", port=80) == [
        ("judged-right", *back),
        ("judged-right", *out),
    ]
    # Nobody enforces them: the host answers, and its answer is no new connection.
    assert seen.records.shown(columns, interface="judged-right", port=22) == [
        ("judged-right", "egress", 1, 40, 4, "ACCEPT", None, "policy"),
        ("judged-right", "ingress", 1, 60, 2, "REJECT", "sg-web", "policy"),
    ]


def test_an_idle_interface_is_told_as_nodata(seen: Seen) -> None:
    silent = [record for record in seen.records.all if record["log_status"] != "OK"]
    columns = "interface log_status packets bytes srcaddr action flow_direction"
    assert shown(silent, columns) == [("idle", "NODATA", None, None, None, None, None)]
    assert silent[0]["start"] <= min(record["start"] for record in seen.records.of())
    assert silent[0]["end"] >= max(record["end"] for record in seen.records.of())


def test_round_trips_are_the_set_delay_seen_from_where_they_begin(seen: Seen) -> None:
    sent = seen.tcp["delay0"]
    (left,) = seen.records.of(interface="delay0-left", flow_direction="egress")
    (right,) = seen.records.of(interface="delay0-right", flow_direction="egress")
    assert (left["packets"], left["bytes"]) == (sent.packets_sent, sent.sent_bytes(2000))
    assert (right["packets"], right["bytes"]) == (
        sent.packets_received,
        sent.received_bytes(2000),
    )
    for record in (left, right):
        # The handshake and 20 requests or answers; wide above, since the machine may be busy.
        assert record["rtt_count"] >= 20
        assert 0.995 * ROUND_TRIP_US <= record["rtt_min_us"] <= 1.05 * ROUND_TRIP_US
        assert record["rtt_min_us"] <= record["rtt_us"] <= 1.25 * ROUND_TRIP_US
    for record in seen.records.of(interface="delay0-left", flow_direction="ingress"):
        assert record["rtt_us"] < ROUND_TRIP_US / 2, "this host answers at once"


def test_there_is_no_record_but_these(seen: Seen) -> None:
    """Also not of ARP, neighbour discovery and IPv6's group reports, which cross all devices."""
    assert len(seen.records.all) == 50
    protocols = {record["protocol"] for record in seen.records.of()}
    assert protocols == {ICMP, TCP, UDP, ICMPV6}
