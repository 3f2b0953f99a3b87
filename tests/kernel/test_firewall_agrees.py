"""Aim: the compiled ruleset in a real kernel and ``evaluate`` say the same of every packet.

Method: random rules on a router's ports, random packets of both families through it, then the
replies of those that came through. Each packet comes out of the right port or is reported by NFLOG
with interface, direction and rule; which of them is foretold from ``evaluate`` at each interface on
its way.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

import numpy as np
import pytest
from firewall_router import BEHIND, PORTS, Packet, Router, needs_root, router

from vpcflow.inventory.network_interface import Attachment, AttachmentSide, NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy import nftables_apply
from vpcflow.policy.evaluate import FlowColumns, evaluate
from vpcflow.policy.judgement import Initiated, Verdict
from vpcflow.policy.log_prefix import LoggedVerdict, LogPrefix
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.nftables import compile_ruleset
from vpcflow.policy.resolve import compile_rules
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import (
    Direction,
    PrefixList,
    SecurityGroup,
    SecurityGroupRule,
)

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root())

EXAMPLES = 24
PACKETS = 250
VPC = Vpc("vpc-1", "123456789012", "local", (ip_network("10.0.0.0/16"),))
SUBNETS = {"subnet-1": ("10.0.1.0/24", "2001:db8:1::/64"), "subnet-2": ("10.0.2.0/24",)}
#: Where peers lie: single hosts, subnets, parts of the outside, everyone.
NETWORKS = [
    ip_network(text)
    for text in (
        "0.0.0.0/0", "::/0", "10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24", "10.0.1.10/32",
        "10.0.2.30/32", "198.51.100.0/24", "198.51.100.64/26", "203.0.113.7/32", "2001:db8::/32",
        "2001:db8:1::/64", "2001:db8:2::40/128", "2001:db8:bad::/48",
    )
]  # fmt: skip
OUTSIDE = {
    4: ["198.51.100.5", "198.51.100.70", "203.0.113.7", "203.0.113.8"],
    6: ["2001:db8:bad::1", "2001:db8:cafe::1"],
}
SERVICES = (22, 53, 80, 443, 8080)
#: Request and reply. Types 8, 13 and 128 begin a connection in the kernel, others do not.
ICMP_TYPES = {4: {8: 0, 13: 14, 0: None, 5: None}, 6: {128: 129, 129: None, 200: None}}
GENERIC_PROTOCOLS = (47, 50, 253)


@pytest.fixture(scope="module")
def lab() -> Iterator[Router]:
    with router() as made:
        yield made


@dataclass
class Traffic:
    """Random packets that no connection tracking can mix up, over all examples."""

    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    pairs: set[tuple[int, frozenset[object]]] = field(default_factory=set)

    def packet(self, dice: random.Random) -> Packet | None:
        number = next(self.numbers)
        version = dice.choice((4, 4, 6))
        entry, target = dice.sample(PORTS, 2)
        source, destination = (
            ip_address(dice.choice(self._addresses(port, version))) for port in (entry, target)
        )
        packet = Packet(number, entry, source, destination, dice.choice((6, 6, 17, 1, 58, 0)))
        source_port = 1024 + number % 60_000
        if packet.protocol in (6, 17):
            return replace(packet, ports=(source_port, dice.choice(SERVICES)))
        if packet.protocol in (1, 58):
            icmp_type = dice.choice(list(ICMP_TYPES[version]))
            code = dice.choice((0, 0, 1)) if ICMP_TYPES[version][icmp_type] is None else 0
            protocol = 1 if version == 4 else 58
            return replace(
                packet, protocol=protocol, ports=(icmp_type, code), identifier=source_port
            )
        # Without ports, a second packet between two hosts could be taken for a reply.
        packet = replace(packet, protocol=dice.choice(GENERIC_PROTOCOLS))
        pair = (packet.protocol, frozenset((source, destination)))
        if pair in self.pairs:
            return None
        self.pairs.add(pair)
        return packet

    def reply(self, packet: Packet) -> Packet | None:
        ports = packet.ports[::-1]
        if packet.protocol in (1, 58):
            answer = ICMP_TYPES[packet.source.version][packet.ports[0]]
            if answer is None:
                return None
            ports = (answer, 0)
        return replace(
            packet,
            number=next(self.numbers),
            entry=packet.exit,
            source=packet.destination,
            destination=packet.source,
            ports=ports,
            tcp_flags=18,
        )

    @staticmethod
    def _addresses(port: str, version: int) -> list[str]:
        held = BEHIND.get(port, OUTSIDE[version])
        return [text for text in held if ip_address(text).version == version]


def random_service(dice: random.Random) -> tuple[int, int, int]:
    protocol = dice.choice((-1, 6, 6, 17, 1, 58, 47))
    if protocol in (6, 17):
        first = dice.choice((0, 22, 53, 80, 1024))
        return protocol, first, dice.choice((first, 443, 65_535)) if first < 443 else 65_535
    if protocol in (1, 58):
        types = (-1, 8, 13, 0, 5) if protocol == 1 else (-1, 128, 129, 200)
        icmp_type = dice.choice(types)
        return protocol, icmp_type, -1 if icmp_type == -1 else dice.choice((-1, 0, 1))
    return protocol, 0, 65_535


def random_group(dice: random.Random, number: int) -> SecurityGroup:
    rules = []
    for place in range(dice.randint(0, 6)):
        direction = dice.choice(list(Direction))
        peers = [{"cidr": dice.choice(NETWORKS)}] * 3
        peers += [{"prefix_list_id": "pl-1"}, {"group_id": f"sg-{dice.randint(1, 3)}"}]
        rules.append(
            SecurityGroupRule(
                f"sgr-{number}-{place}", direction, *random_service(dice), **dice.choice(peers)
            )
        )
    return SecurityGroup(f"sg-{number}", VPC.vpc_id, rules=tuple(rules))


def random_acl(dice: random.Random, number: int) -> NetworkAcl:
    numbers = dice.sample(range(1, 32_767), dice.randint(1, 8))
    entries = [
        NetworkAclEntry(
            rule_number,
            dice.choice(list(Direction)),
            dice.random() < 0.6,
            dice.choice(NETWORKS),
            *random_service(dice),
        )
        for rule_number in numbers
    ]
    if dice.random() < 0.7:
        entries += [
            NetworkAclEntry(32_700 + place, direction, True, network)
            for place, network in enumerate(NETWORKS[:2])
            for direction in Direction
        ]
    return NetworkAcl(f"acl-{number}", VPC.vpc_id, entries=tuple(entries))


def random_rules(dice: random.Random, namespace: str) -> RuleSet:
    groups = [random_group(dice, number) for number in (1, 2, 3)]
    acls = [random_acl(dice, number) for number in (1, 2)]
    subnets = {
        subnet_id: Subnet(
            subnet_id,
            VPC.vpc_id,
            "az",
            tuple(map(ip_network, cidrs)),
            network_acl_id=dice.choice((None, "acl-1", "acl-2")),
        )
        for subnet_id, cidrs in SUBNETS.items()
    }
    interfaces = {}
    for port in PORTS:
        held = [ip_address(text) for text in BEHIND.get(port, ())]
        # The way out is sometimes an interface of the router's own, sometimes under no rules.
        side = AttachmentSide.PORT if port in BEHIND else AttachmentSide.INTERFACE
        if port not in BEHIND and dice.random() < 0.6:
            continue
        interfaces[f"eni-{port}"] = NetworkInterface(
            f"eni-{port}",
            "subnet-1" if port in "ab" else "subnet-2",
            VPC.vpc_id,
            VPC.account_id,
            tuple(address for address in held if address.version == 4),
            tuple(address for address in held if address.version == 6),
            security_group_ids=tuple(
                dice.sample(["sg-1", "sg-2", "sg-3"], dice.choice((0, 1, 1, 2, 3)))
            ),
            attachment=Attachment(f"p-{port}", namespace, side),
        )
    inventory = Inventory({VPC.vpc_id: VPC}, subnets, interfaces)
    prefix_list = PrefixList("pl-1", tuple(dice.sample(NETWORKS[2:], 4)))
    return RuleSet(
        inventory,
        {group.group_id: group for group in groups},
        {acl.network_acl_id: acl for acl in acls},
        {"pl-1": prefix_list},
    )


def stations(rules: RuleSet, packet: Packet) -> list[tuple[str, Direction]]:
    """The interfaces that a packet passes, in order, and its direction there."""
    way = []
    for port, at_port in ((packet.entry, Direction.EGRESS), (packet.exit, Direction.INGRESS)):
        interface = rules.inventory.interfaces.get(f"eni-{port}")
        if interface is None or interface.attachment is None:
            continue
        turned = Direction.INGRESS if at_port is Direction.EGRESS else Direction.EGRESS
        is_port = interface.attachment.side is AttachmentSide.PORT
        way.append((interface.interface_id, at_port if is_port else turned))
    return way


def foretold(rules: RuleSet, packets: Sequence[Packet], initiated: Initiated) -> dict[int, str]:
    """What will become of each packet, by ``evaluate`` at each interface on its way."""
    compiled = compile_rules(rules)
    asked = [(packet, *station) for packet in packets for station in stations(rules, packet)]
    is_icmp = np.array([packet.protocol in (1, 58) for packet, _, _ in asked])
    first, second = (np.array([packet.ports[at] for packet, _, _ in asked]) for at in (0, 1))
    addresses = np.array(
        [
            [*_words(int(packet.source), packet), *_words(int(packet.destination), packet)]
            for packet, _, _ in asked
        ],
        np.uint64,
    )
    told = evaluate(
        compiled,
        FlowColumns(
            interface=np.array([compiled.interface_numbers[name] for _, name, _ in asked]),
            direction=np.array([int(way is Direction.EGRESS) for _, _, way in asked]),
            addresses=addresses.reshape(-1, 4).T,
            source_port=np.where(is_icmp, -1, first),
            destination_port=np.where(is_icmp, -1, second),
            protocol=np.array([packet.protocol for packet, _, _ in asked]),
            icmp_type=np.where(is_icmp, first, -1),
            icmp_code=np.where(is_icmp, second, -1),
            initiated=np.full(len(asked), int(initiated)),
        ),
    )
    fates: dict[int, str] = {}
    for (packet, name, way), verdict, rule in zip(asked, told.verdict, told.rule, strict=True):
        if verdict == Verdict.REJECT and packet.number not in fates:
            text = compiled.rule_texts[rule]
            fates[packet.number] = LogPrefix(LoggedVerdict.REJECT, name, way, text).format()
        has_rules = bool(rules.inventory.interfaces[name].security_group_ids) or bool(
            rules.inventory.subnets[rules.inventory.interfaces[name].subnet_id].network_acl_id
        )
        assert (verdict != Verdict.UNKNOWN) == has_rules
    return {packet.number: fates.get(packet.number, f"out:{packet.exit}") for packet in packets}


def _words(value: int, packet: Packet) -> tuple[int, int]:
    value += 0xFFFF << 32 if packet.source.version == 4 else 0
    return value >> 64, value & (2**64 - 1)


def differences(
    packets: Sequence[Packet], told: dict[int, str], seen: dict[int, str]
) -> list[tuple[str, str, Packet]]:
    return [
        (told[packet.number], seen[packet.number], packet)
        for packet in packets
        if told[packet.number] != seen[packet.number]
    ]


def test_kernel_and_evaluate_agree(lab: Router) -> None:
    traffic = Traffic()
    kinds: Counter[str] = Counter()
    for seed in range(EXAMPLES):
        dice = random.Random(seed)
        rules = random_rules(dice, lab.namespace)
        nftables_apply.apply(compile_ruleset(rules, lab.namespace), lab.namespace)
        packets = [packet for _ in range(PACKETS) if (packet := traffic.packet(dice)) is not None]
        seen = lab.send(packets)
        assert not differences(packets, foretold(rules, packets, Initiated.HERE), seen), seed

        replies = [
            reply
            for packet in packets
            if seen[packet.number].startswith("out:") and (reply := traffic.reply(packet))
        ]
        answered = lab.send(replies)
        assert not differences(replies, foretold(rules, replies, Initiated.THERE), answered), seed
        for fate in (*seen.values(), *answered.values()):
            parsed = LogPrefix.parse(fate)
            kinds[f"{parsed.direction} {parsed.rule[:3]}" if parsed else "out"] += 1
    # Every way of being refused was met, not once or twice.
    assert set(kinds) == {"out", "egress sg-", "ingress sg-", "egress acl", "ingress acl"}
    assert min(kinds.values()) > 100, kinds
