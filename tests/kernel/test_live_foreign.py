"""Aim: a firewall that is not ours is a witness too, and what AWS never logs makes no record.

Method: two namespaces, one with nftables rules of its own, intervals of one second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from firewall_router import anonymous_namespace, needs_root, run_in
from live_harness import (
    ICMP,
    Records,
    Sent,
    Service,
    half_open,
    link,
    ping,
    quiet,
    total,
    transfer,
    udp_socket,
)

pytestmark = pytest.mark.skipif(needs_root() != "", reason=needs_root() or "root")

HOST, PEER = "10.9.1.10", "10.9.1.20"
GATEWAY = "10.9.1.1"
AMAZON_DNS, METADATA, TIME_SYNC = "10.9.0.2", "169.254.169.254", "169.254.169.123"
MEGABYTE = 1_000_000
#: Groups 7 and 8 are for what is refused and accepted; the rules say ACCEPT of one port only.
FOREIGN = """
table inet mine {
  chain in {
    type filter hook input priority 0;
    tcp dport 23 log prefix "no telnet " group 7 drop
    udp dport 4000 log prefix "no games" group 7 reject
  }
  chain out {
    type filter hook output priority 0;
    udp dport 9 log prefix "no discard" group 7 drop
  }
}
"""
INVENTORY = """
[[vpc]]
name = "main"
cidr_blocks = ["10.9.0.0/16"]
[[subnet]]
name = "one"
cidr_blocks = ["10.9.1.0/24"]
"""
#: By kind the packets that are sent below: each is seen at both ends of the veth.
NEVER_LOGGED = {
    "amazon-dns": 3 * 2,
    "metadata": 4 * 2,
    "time-sync": 2 * 2,
    "dhcp": 1 * 2,
    "default-router": 2 * 2 * 2,
}
SECONDS_MIN = 3


class Seen(NamedTuple):
    """What was sent, and what came of it."""

    records: Records
    tcp: Sent
    status: dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """All traffic of this file, once."""
    data = tmp_path_factory.mktemp("foreign")
    file = data / "inventory.toml"
    with ExitStack() as stack:
        host, peer = (stack.enter_context(anonymous_namespace()) for _ in range(2))
        for namespace in (host, peer):
            quiet(namespace)
        link(host, "eth0", peer)
        link(host, "spare", peer)
        run_in(
            host,
            f"ip address add {HOST}/24 dev eth0; ip route add default via {GATEWAY}\n"
            f"nft -f - <<'END'{FOREIGN}END",
        )
        run_in(
            peer,
            f"ip address add {PEER}/24 dev eth0; ip address add {GATEWAY}/24 dev eth0\n"
            + "\n".join(
                f"ip address add {address}/32 dev lo"
                for address in (AMAZON_DNS, METADATA, TIME_SYNC)
            ),
        )
        file.write_text(
            INVENTORY
            + "".join(
                f'[[interface]]\nid = "eni-{name}"\naddresses = ["{address}"]\n'
                f'attachment = {{ device = "{device}", namespace = "{namespace}" }}\n'
                for name, address, device, namespace in (
                    ("host", HOST, "eth0", host),
                    ("peer", PEER, "eth0", peer),
                    ("spare", "10.9.1.99", "spare", host),
                )
            )
        )
        service = stack.enter_context(
            Service(
                data,
                *("--inventory", str(file), "--interval", "1"),
                environment={
                    "VPCFLOW_INVENTORY__OWN_NAMESPACE": "false",
                    "VPCFLOW_CAPTURE__REJECT_GROUPS": "[7]",
                },
            )
        )
        _refused_traffic(host, peer)
        _never_logged_traffic(host, peer)
        sent = transfer(peer, host, (PEER, 40_080), (HOST, 80), [MEGABYTE // 50] * 50, 1)
        status = service.wait_status(
            lambda now: now["excluded"] == NEVER_LOGGED and now["nodata"] >= SECONDS_MIN
        )
        service.stop()
        names = {f"eni-{name}": name for name in ("host", "peer", "spare")}
        yield Seen(Records(data, names), sent, status)


def _refused_traffic(host: str, peer: str) -> None:
    ping(peer, HOST, 4)
    half_open(peer, (PEER, 40_023), (HOST, 23))
    with closing(udp_socket(peer, PEER, 40_040)) as opened:
        for _ in range(2):
            opened.sendto(b"g" * 20, (HOST, 4000))
    with closing(udp_socket(host, HOST, 40_009)) as opened:
        for _ in range(3):
            with pytest.raises(PermissionError):
                opened.sendto(b"d" * 30, (PEER, 9))


def _never_logged_traffic(host: str, peer: str) -> None:
    for address, port, count in ((AMAZON_DNS, 53, 3), (METADATA, 80, 4), (TIME_SYNC, 123, 2)):
        with (
            closing(udp_socket(host, HOST, 40_053)) as sender,
            closing(udp_socket(peer, address, port)) as receiver,
        ):
            for _ in range(count):
                sender.sendto(b"x" * 10, (address, port))
                receiver.recv(100)
    with (
        closing(udp_socket(host, "0.0.0.0", 68, "eth0")) as sender,
        closing(udp_socket(peer, "0.0.0.0", 67, "eth0")) as receiver,
    ):
        sender.sendto(b"x" * 240, ("255.255.255.255", 67))
        receiver.recv(1000)
    ping(host, GATEWAY, 2)


BASIC = "interface flow_direction packets bytes tcp_flags action reject_rule action_source"


def test_a_prefix_of_a_foreign_ruleset_is_the_rule(seen: Seen) -> None:
    assert seen.records.shown(BASIC, port=40_023) == [
        ("host", "ingress", 1, 60, 2, "REJECT", "no telnet", "nflog"),
        ("peer", "egress", 1, 60, 2, "ACCEPT", None, "nflog"),
    ]


def test_refused_with_an_answer(seen: Seen) -> None:
    found = seen.records.of(port=40_040)
    assert {
        (r["interface"], r["flow_direction"], r["action"], r["reject_rule"]) for r in found
    } == {
        ("host", "ingress", "REJECT", "no games"),
        ("peer", "egress", "ACCEPT", None),
    }
    for interface in ("host", "peer"):
        assert total(r for r in found if r["interface"] == interface) == (2, 2 * 48)


def test_what_a_foreign_ruleset_keeps_from_leaving_is_refused_at_the_sender(seen: Seen) -> None:
    found = seen.records.of(port=40_009)
    assert {
        (r["interface"], r["flow_direction"], r["action"], r["reject_rule"]) for r in found
    } == {("host", "egress", "REJECT", "no discard")}
    assert total(found) == (3, 3 * 58)


def test_pings_and_unreachables_at_both_ends(seen: Seen) -> None:
    """All ICMP between two hosts is one flow each way, as ICMP has no ports."""
    requests, replies = (4, 4 * 84), (4 + 2, 4 * 84 + 2 * 76)
    for interface, direction, expected in (
        ("host", "ingress", requests),
        ("host", "egress", replies),
        ("peer", "egress", requests),
        ("peer", "ingress", replies),
    ):
        found = seen.records.of(protocol=ICMP, interface=interface, flow_direction=direction)
        assert total(found) == expected
        assert {(r["action"], r["action_source"]) for r in found} == {("ACCEPT", "nflog")}


def test_a_flow_of_several_intervals_adds_up(seen: Seen) -> None:
    sent = seen.tcp
    forth = (sent.packets_sent, sent.sent_bytes(MEGABYTE))
    back = (sent.packets_received, sent.received_bytes(50))
    for interface, ways in (("host", ("ingress", "egress")), ("peer", ("egress", "ingress"))):
        for direction, expected in zip(ways, (forth, back), strict=True):
            found = seen.records.of(interface=interface, flow_direction=direction, port=40_080)
            assert total(found) == expected
            assert {r["action"] for r in found} == {"ACCEPT"}


def test_what_is_never_logged_is_counted_and_makes_no_record(seen: Seen) -> None:
    assert seen.status["excluded"] == NEVER_LOGGED
    for address in (AMAZON_DNS, METADATA, TIME_SYNC, GATEWAY, "255.255.255.255", "0.0.0.0"):
        assert seen.records.of(address=address) == []
    assert [r for r in seen.records.of() if r["dstport"] in (53, 67, 123)] == []


def test_nothing_is_lost_and_the_status_adds_up(seen: Seen) -> None:
    assert not any(seen.status["lost"].values())
    assert seen.status["skipdata"] == 0
    assert seen.status["problem"] == ""
    assert all(record["log_status"] != "SKIPDATA" for record in seen.records.all)


def test_an_idle_interface_is_told_every_interval(seen: Seen) -> None:
    spare = [record for record in seen.records.all if record["interface"] == "spare"]
    assert len(spare) >= SECONDS_MIN
    assert {record["log_status"] for record in spare} == {"NODATA"}
    # Each is of a second of its own, which is its end too.
    assert all(record["start"] == record["end"] for record in spare)
    assert all(before["start"] < after["start"] for before, after in pairwise(spare))
