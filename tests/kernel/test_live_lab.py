"""Aim: what the lab's hosts do is what the records say, packet by packet, verdict by verdict.

Method: a lab, `vpcflow run --lab` over it, scenarios, and packet sockets at the router's ports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any, NamedTuple

import numpy as np
import pytest
from firewall_router import needs_root
from live_harness import CALM_TCP, ICMP, Records, Service, shown, total
from packet_tap import PacketTap, TappedPacket

from vpcflow.inventory.settings import InventorySettings
from vpcflow.lab.testbed.lab import Lab
from vpcflow.lab.testbed.topology import DNS_ADDRESS, HOSTS, host_address, resource_id
from vpcflow.policy.evaluate import FlowColumns, evaluate
from vpcflow.policy.file import read_rule_set
from vpcflow.policy.judgement import Verdict
from vpcflow.policy.resolve import compile_rules

pytestmark = pytest.mark.skipif(needs_root() != "", reason=needs_root() or "root")

ENIS = {host.interface_id: host.name for host in HOSTS.values() if host.interface_id}
WEB, APP, DB, BASTION = (host_address(name) for name in ("web", "app", "db", "bastion"))
CLIENT, ATTACKER, NAT = (host_address(name) for name in ("client", "attacker", "nat"))
#: In the order in which they are run.
SCENARIOS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pages", {}),
    ("pages6", {}),
    ("secondary", {}),
    ("chain", {}),
    ("keepalive", {}),
    ("database", {}),
    ("dns", {}),
    ("ping", {}),
    ("ping6", {}),
    ("bigping", {}),
    ("noreply", {"count": 2}),
    ("update", {}),
    ("beacon", {}),
    ("exfiltration", {"bytes": 1_000_000}),
    ("jump", {}),
    ("scan", {"ports": "1-200"}),
    ("bruteforce", {"count": 10}),
    ("lateral", {}),
    ("egress", {}),
    ("leak", {"count": 20}),
    ("attackerping", {}),
)
#: The lab's clock: what waits a second there waits a hundredth here.
SPEED = 100.0
#: Ports below are services, in the lab.
SERVICE_PORTS_END = 10_000


class Seen(NamedTuple):
    """What the scenarios said they did, what crossed the ports, and the records."""

    summaries: dict[str, dict[str, Any]]
    taps: dict[str, list[TappedPacket]]
    records: Records
    status: dict[str, Any]
    judge: Any


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """All scenarios, once."""
    data = tmp_path_factory.mktemp("live-lab")
    with ExitStack() as stack:
        lab = stack.enter_context(Lab.start(data / "lab", offload=False))
        for host in lab.hosts.values():
            assert host.run(["sh", "-ec", CALM_TCP]).returncode == 0
        service = stack.enter_context(Service(data, "--lab", "--interval", "2"))
        taps = {
            name: stack.enter_context(PacketTap(lab.router.pid, HOSTS[name].device))
            for name in ENIS.values()
        }
        summaries = {name: lab.once(name, speed=SPEED, **options) for name, options in SCENARIOS}
        packets = {name: tap.packets() for name, tap in taps.items()}
        dns = sum(_is_dns(packet) for packet in packets["web"])
        status = service.wait_status(lambda now: now["excluded"].get("amazon-dns") == dns)
        rules = compile_rules(read_rule_set(lab.inventory_file, InventorySettings()))
        service.stop()
        yield Seen(summaries, packets, Records(data, ENIS), status, rules)


def _is_dns(packet: TappedPacket) -> bool:
    return str(DNS_ADDRESS) in (packet.source, packet.destination)


def _flows(seen: Seen, scenario: str) -> list[dict[str, Any]]:
    flows: list[dict[str, Any]] = seen.summaries[scenario]["flows"]
    return flows


def test_every_scenario_did_what_it_is_for(seen: Seen) -> None:
    for name, summary in seen.summaries.items():
        assert "failed" not in summary["outcomes"], name
        assert summary["flows"], name


def test_sums_at_each_port_are_those_of_a_packet_socket_there(seen: Seen) -> None:
    """A port shows all but what the firewall keeps from the host; that is REJECT at ingress."""
    for name, packets in seen.taps.items():
        logged = [packet for packet in packets if not _is_dns(packet)]
        crossed = [
            record
            for record in seen.records.of(interface=name, type="IPv4")
            if (record["flow_direction"], record["action"]) != ("ingress", "REJECT")
        ]
        assert total(crossed) == (len(logged), sum(packet.length for packet in logged)), name
        by_protocol = Counter(packet.protocol for packet in logged)
        for record in crossed:
            by_protocol[record["protocol"]] -= record["packets"]
        assert not any(by_protocol.values()), name


def test_nothing_is_lost(seen: Seen) -> None:
    assert not any(seen.status["lost"].values())
    assert {record["log_status"] for record in seen.records.all} == {"OK", "NODATA"}


@pytest.mark.parametrize(
    ("scenario", "at"),
    [
        ("pages", "web"),
        ("pages6", "web"),
        ("secondary", "web"),
        ("chain", "web"),
        ("keepalive", "web"),
        ("database", "app"),
        ("database", "db"),
        ("update", "app"),
        ("update", "nat"),
        ("beacon", "app"),
        ("exfiltration", "app"),
        ("jump", "bastion"),
        ("jump", "app"),
    ],
)
def test_records_are_the_scenarios_own_summary(seen: Seen, scenario: str, at: str) -> None:
    for flow in _flows(seen, scenario):
        head = 72 if ":" in flow["source"] else 52
        for source, sent in ((True, "sent"), (False, "received")):
            ends = ("source", "destination") if source else ("destination", "source")
            found = seen.records.of(
                interface=at,
                pkt_srcaddr=flow[ends[0]],
                pkt_dstaddr=flow[ends[1]],
                srcport=flow[f"{ends[0]}_port"],
                dstport=flow[f"{ends[1]}_port"],
            )
            packets = flow[f"packets_{sent}"]
            # SYN and SYN-ACK have 8 bytes of options more.
            assert total(found) == (packets, flow[f"bytes_{sent}"] + head * packets + 8)
            assert {record["action"] for record in found} == {"ACCEPT"}
            flags = 0
            for record in found:
                flags |= record["tcp_flags"]
            assert flags == (3 if source else 19)


def test_pings_and_fragments(seen: Seen) -> None:
    """To web go the pings of two scenarios, in one flow."""
    asked = [flow for name in ("ping", "bigping") for flow in _flows(seen, name)]
    packets = sum(flow["packets_sent"] for flow in asked)
    size = sum(flow["bytes_sent"] + 20 * flow["packets_sent"] for flow in asked)
    for direction in ("ingress", "egress"):
        found = seen.records.of(
            interface="web", protocol=ICMP, address=CLIENT, flow_direction=direction
        )
        assert total(found) == (packets, size)
    (six,) = _flows(seen, "ping6")
    for direction in ("ingress", "egress"):
        found = seen.records.of(interface="web", protocol=58, flow_direction=direction)
        assert total(found) == (4, six["bytes_sent"] + 4 * 40)


def test_the_two_records_of_a_reply_that_the_acl_drops(seen: Seen) -> None:
    acl = f"{resource_id('acl', 'app')}/90"
    columns = "interface srcaddr dstaddr flow_direction action reject_rule"
    found = seen.records.of(protocol=ICMP, address=BASTION)
    assert set(shown(found, columns)) == {
        ("bastion", BASTION, APP, "egress", "ACCEPT", None),
        ("app", BASTION, APP, "ingress", "ACCEPT", None),
        ("app", APP, BASTION, "egress", "REJECT", acl),
    }
    for interface, action in (("bastion", "ACCEPT"), ("app", "ACCEPT"), ("app", "REJECT")):
        part = [r for r in found if (r["interface"], r["action"]) == (interface, action)]
        assert total(part) == (2, 2 * 84)


def test_the_nat_gateway_is_seen_as_in_the_documentation(seen: Seen) -> None:
    """Source: AWS user guide, flow log record examples, traffic through a NAT gateway."""
    (flow,) = _flows(seen, "update")
    port = flow["source_port"]
    columns = "instance_id interface interface_type srcaddr dstaddr pkt_srcaddr pkt_dstaddr"
    instance = resource_id("i", "app")
    assert set(shown(seen.records.of(port=port, address=CLIENT), columns)) == {
        (None, "nat", "nat_gateway", APP, NAT, APP, CLIENT),
        (None, "nat", "nat_gateway", NAT, CLIENT, NAT, CLIENT),
        (None, "nat", "nat_gateway", CLIENT, NAT, CLIENT, NAT),
        (None, "nat", "nat_gateway", NAT, APP, CLIENT, APP),
        (instance, "app", None, APP, CLIENT, APP, CLIENT),
        (instance, "app", None, CLIENT, APP, CLIENT, APP),
    }


def test_a_secondary_address_shows_the_primary_one(seen: Seen) -> None:
    (flow,) = _flows(seen, "secondary")
    second = str(HOSTS["web"].ipv4[1].ip)
    found = seen.records.of(interface="web", port=flow["source_port"], address=second)
    assert set(shown(found, "srcaddr dstaddr pkt_srcaddr pkt_dstaddr")) == {
        (CLIENT, WEB, CLIENT, second),
        (WEB, CLIENT, second, CLIENT),
    }


@pytest.mark.parametrize(
    ("scenario", "at", "direction", "group"),
    [
        ("scan", "web", "ingress", "web"),
        ("bruteforce", "bastion", "ingress", "bastion"),
        ("lateral", "web", "egress", "web"),
        ("egress", "web", "egress", "web"),
        ("leak", "db", "egress", "db"),
    ],
)
def test_attacks_are_refused_by_the_right_rule_and_at_one_interface(
    seen: Seen, scenario: str, at: str, direction: str, group: str
) -> None:
    refused = [flow for flow in _flows(seen, scenario) if flow["outcome"] == "unanswered"]
    assert refused
    wanted = Counter(
        {
            (flow["source"], flow["source_port"], flow["destination"], flow["destination_port"]): (
                flow["packets_sent"]
            )
            for flow in refused
        }
    )
    found: Counter[tuple[Any, ...]] = Counter()
    for record in seen.records.of(action="REJECT", interface=at, flow_direction=direction):
        key = tuple(record[name] for name in ("pkt_srcaddr", "srcport", "pkt_dstaddr", "dstport"))
        if key in wanted:
            found[key] += record["packets"]
            assert record["reject_rule"] == resource_id("sg", group)
            assert record["action_source"] == "nflog"
    assert found == wanted
    ends = {(key[0], key[1]) for key in wanted}
    elsewhere = [
        record
        for record in seen.records.of(action="REJECT")
        if (record["pkt_srcaddr"], record["srcport"]) in ends and record["interface"] != at
    ]
    assert elsewhere == []


def test_a_ping_that_no_group_allows(seen: Seen) -> None:
    columns = "interface flow_direction action reject_rule"
    found = seen.records.of(protocol=ICMP, address=ATTACKER)
    assert set(shown(found, columns)) == {("web", "ingress", "REJECT", resource_id("sg", "web"))}
    assert total(found) == (2, 2 * 84)


def test_an_idle_interface_is_silent(seen: Seen) -> None:
    idle = [record for record in seen.records.all if record["interface"] == "idle"]
    assert idle
    assert {record["log_status"] for record in idle} == {"NODATA"}


def test_every_action_is_what_the_rules_say(seen: Seen) -> None:
    """The firewall's word, record by record, against the rules as ``evaluate`` reads them."""
    records = [record for record in seen.records.of() if record["interface"] != "nat"]
    assert {record["action_source"] for record in seen.records.of()} == {"nflog"}
    judged = evaluate(seen.judge, _flow_columns(seen, records))
    names = {Verdict.ACCEPT: "ACCEPT", Verdict.REJECT: "REJECT"}
    texts = seen.judge.rule_texts
    for record, verdict, rule in zip(records, judged.verdict, judged.rule, strict=True):
        assert names[Verdict(verdict)] == record["action"], record
        assert (texts[rule] or None) == record["reject_rule"], record
    assert len(records) > 200


def _flow_columns(seen: Seen, records: list[dict[str, Any]]) -> FlowColumns:
    """Who began is known: clients have high ports, and the lab's pings go the ways below."""
    asked = {(CLIENT, WEB), (BASTION, APP), (ATTACKER, WEB)}
    asked |= {(host_address("client", 6), host_address("web", 6))}
    began = [
        record["dstport"] < SERVICE_PORTS_END
        if record["srcport"]
        else (record["pkt_srcaddr"], record["pkt_dstaddr"]) in asked
        for record in records
    ]
    words = [[_mapped(record["pkt_srcaddr"]), _mapped(record["pkt_dstaddr"])] for record in records]
    low = (1 << 64) - 1
    numbers = seen.judge.interface_numbers
    kinds = {(1, True): 8, (1, False): 0, (58, True): 128, (58, False): 129}
    return FlowColumns(
        interface=np.array([numbers[resource_id("eni", r["interface"])] for r in records]),
        direction=np.array([r["flow_direction"] == "egress" for r in records]),
        addresses=np.array(
            [[w[0] >> 64, w[0] & low, w[1] >> 64, w[1] & low] for w in words], np.uint64
        ).T,
        source_port=np.array([r["srcport"] for r in records]),
        destination_port=np.array([r["dstport"] for r in records]),
        protocol=np.array([r["protocol"] for r in records]),
        icmp_type=np.array(
            [kinds.get((r["protocol"], b), -1) for r, b in zip(records, began, strict=True)]
        ),
        icmp_code=np.array([0 if r["protocol"] in (1, 58) else -1 for r in records]),
        initiated=np.array(began),
    )


def _mapped(text: str) -> int:
    address = ip_address(text)
    return int(address) if address.version == 6 else 0xFFFF << 32 | int(address)
