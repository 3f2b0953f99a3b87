"""Aim: the compiled script says what the rules say, and refuses what nft could not hold."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_network

import pytest
from policy_cases import EGRESS, INGRESS, acl, entry, group, interface, rule, rule_set, subnet

from vpcflow.base.errors import ResourceError, SettingsError
from vpcflow.inventory.network_interface import Attachment, AttachmentSide, NetworkInterface
from vpcflow.policy.nftables import (
    NftablesOptions,
    compile_namespace,
    compile_ruleset,
    namespaces_of,
    unattached_interfaces,
)
from vpcflow.policy.nftables_chains import LogTarget
from vpcflow.policy.nftables_match import ALWAYS, NEVER, network_match, service_match
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import PrefixList

PORT = AttachmentSide.PORT


def attached(
    base: NetworkInterface, device: str, namespace: str = "", side: AttachmentSide = PORT
) -> NetworkInterface:
    return replace(base, attachment=Attachment(device, namespace, side))


def small_rules(*interfaces: NetworkInterface) -> RuleSet:
    return rule_set(
        [subnet("subnet-a", "10.0.1.0/24", "fd00:0:0:1::/64", acl="acl-a")],
        interfaces
        or [attached(interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-a"]), "veth-a")],
        [
            group(
                "sg-a",
                rule("sgr-1", INGRESS, "0.0.0.0/0", 6, (80, 80)),
                rule("sgr-2", INGRESS, "pl-a", 17, (53, 54)),
                rule("sgr-3", EGRESS, "sg-a"),
            ),
            group("sg-b"),
        ],
        [acl("acl-a", entry(100, INGRESS, True), entry(50, INGRESS, False, "10.9.0.0/16"))],
        [PrefixList("pl-a", (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")))],
    )


def chain(script: str, name: str) -> list[str]:
    """The lines of one chain."""
    found = re.search(rf"^\tchain {re.escape(name)} {{\n(.*?)^\t}}", script, re.M | re.S)
    assert found, f"no chain {name}"
    return [line.strip() for line in found[1].splitlines()]


def without_counters(lines: list[str]) -> list[str]:
    return [re.sub(r'counter name "[^"]*" ', "", line) for line in lines]


def test_script_replaces_the_whole_table_and_touches_no_other() -> None:
    lines = compile_ruleset(small_rules()).splitlines()

    assert lines[:3] == [
        "table inet vpcflow",
        "delete table inet vpcflow",
        "table inet vpcflow {",
    ]
    assert [line for line in lines if re.match(r"\S", line)][3:] == ["}"]


def test_group_rules_are_written_once_for_each_family_that_they_are_about() -> None:
    script = compile_ruleset(small_rules())

    assert without_counters(chain(script, "sg-a_ingress")) == [
        "meta nfproto ipv4 tcp dport 80 accept",
        "ip saddr @pl-a_v4 udp dport 53-54 accept",
        "ip6 saddr @pl-a_v6 udp dport 53-54 accept",
    ]
    assert without_counters(chain(script, "sg-a_egress")) == ["ip daddr @sg-a_v4 accept"]
    assert "elements = { 10.0.1.10/32 }" in script


def test_acl_keeps_its_order_and_refusals_name_interface_direction_and_entry() -> None:
    lines = chain(compile_ruleset(small_rules()), "eni-a_ingress_acl")

    assert lines[:2] == ["ip saddr 10.0.1.0/24 accept", "ip6 saddr fd00:0:0:1::/64 accept"]
    prefixes = [found[1] for line in lines if (found := re.search(r'log prefix "(.*?)"', line))]
    assert prefixes == ["vpcflow:R:eni-a:i:acl-a/50", "vpcflow:R:eni-a:i:acl-a/*"]
    assert lines.index("jump acl-a_ingress_2") == 4
    assert all(
        line.endswith("group 64 snaplen 128 queue-threshold 64 drop")
        for line in lines
        if "log" in line
    )


def test_refusal_of_several_groups_names_the_first_and_counts_the_others() -> None:
    port = attached(interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-b", "sg-a"]), "veth-a")

    lines = chain(compile_ruleset(small_rules(port)), "eni-a_egress_groups")

    assert 'log prefix "vpcflow:R:eni-a:e:sg-b+1"' in lines[-1]
    assert lines[0] == "ct state established,related accept"


@pytest.mark.parametrize(
    ("side", "received", "sent"),
    [
        (AttachmentSide.PORT, ("egress_groups", "egress_acl"), ("ingress_acl", "ingress_groups")),
        (
            AttachmentSide.INTERFACE,
            ("ingress_acl", "ingress_groups"),
            ("egress_groups", "egress_acl"),
        ),
    ],
)
def test_side_of_the_device_decides_what_is_ingress(
    side: AttachmentSide, received: tuple[str, str], sent: tuple[str, str]
) -> None:
    base = interface("eni-a", "subnet-a", "10.0.1.10", groups=["sg-a"])
    script = compile_ruleset(small_rules(attached(base, "eth0", side=side)))

    maps = re.findall(r"elements = \{ \"eth0\" : jump eni-a_(\w+) \}", script)
    assert tuple(maps) == (*received, *sent)


def test_only_the_interfaces_of_the_namespace_that_are_under_rules() -> None:
    free = replace(interface("eni-f", "subnet-f", "10.0.9.9"), attachment=Attachment("veth-f"))
    here, there = (
        attached(interface(f"eni-{name}", "subnet-a", groups=["sg-a"]), f"veth-{name}", place)
        for name, place in (("h", ""), ("t", "blue"))
    )
    nowhere = interface("eni-n", "subnet-a", groups=["sg-a"])
    rules = small_rules(free, here, there, nowhere)

    compiled = compile_namespace(rules)

    assert (compiled.interfaces, compiled.rules) == (("eni-h",), 5)
    assert "veth-t" not in compiled.script
    assert compile_namespace(rules, "blue").interfaces == ("eni-t",)
    assert namespaces_of(rules) == ("", "blue")
    assert unattached_interfaces(rules) == ("eni-n",)


def test_size_grows_by_refusals_alone() -> None:
    def lines_of(count: int) -> int:
        ports = [
            attached(interface(f"eni-{n}", "subnet-a", f"10.0.1.{n}", groups=["sg-a"]), f"v{n}")
            for n in range(1, count + 1)
        ]
        return len(compile_ruleset(small_rules(*ports)).splitlines())

    # Six chains of an interface and its counters, whatever its groups and ACL allow.
    assert lines_of(20) - lines_of(10) == lines_of(30) - lines_of(20)
    assert (lines_of(20) - lines_of(10)) / 10 < 50


def test_without_counters_and_with_another_log_group() -> None:
    script = compile_ruleset(
        small_rules(), options=NftablesOptions(LogTarget(7, 64, 1), counters=False)
    )

    assert "counter" not in script
    assert "group 7 snaplen 64 queue-threshold 1 drop" in script


@pytest.mark.parametrize(
    ("protocol", "ports", "expected"),
    [
        (-1, (0, 65_535), ALWAYS),
        (6, (0, 65_535), "meta l4proto tcp"),
        (6, (-1, 70_000), "meta l4proto tcp"),
        (6, (22, 22), "tcp dport 22"),
        (17, (-1, 5), "udp dport 0-5"),
        (6, (9, 8), NEVER),
        (1, (-1, -1), "meta l4proto 1"),
        (58, (128, 0), "meta l4proto 58 @th,0,8 128 @th,8,8 0"),
        (1, (8, -1), "meta l4proto 1 @th,0,8 8"),
        (1, (0, 65_535), "meta l4proto 1 @th,0,8 0"),
        (1, (-1, 3), "meta l4proto 1"),
        (47, (1, 2), "meta l4proto 47"),
    ],
)
def test_service(protocol: int, ports: tuple[int, int], expected: str | None) -> None:
    assert service_match(rule("sgr-1", INGRESS, "0.0.0.0/0", protocol, ports)) == expected


def test_network_of_everyone_asks_for_the_family() -> None:
    assert network_match(ip_network("::/0"), EGRESS) == "meta nfproto ipv6"
    assert network_match(ip_network("2001:db8::/32"), EGRESS) == "ip6 daddr 2001:db8::/32"


@pytest.mark.parametrize("device", ["", "sixteen-letters-x", 'a"b', "eth*", "a b", "a/b", "a\\b"])
def test_device_that_nft_would_read_otherwise_is_refused(device: str) -> None:
    port = attached(interface("eni-a", "subnet-a", groups=["sg-a"]), device)

    with pytest.raises(SettingsError, match="a device's name"):
        compile_ruleset(small_rules(port))


def test_id_that_is_no_name_in_nft_is_refused() -> None:
    port = attached(interface("eni-a; drop", "subnet-a", groups=["sg-a"]), "veth-a")

    with pytest.raises(SettingsError, match="begins with a letter"):
        compile_ruleset(small_rules(port))


def test_two_interfaces_at_one_device_are_refused() -> None:
    ports = [
        attached(interface(name, "subnet-a", groups=["sg-a"]), "veth-a")
        for name in ("eni-1", "eni-2")
    ]

    with pytest.raises(ResourceError, match="eni-1, eni-2 are attached at one device"):
        compile_ruleset(small_rules(*ports))


def test_missing_group_is_refused_rather_than_left_out() -> None:
    port = attached(interface("eni-a", "subnet-a", groups=["sg-none"]), "veth-a")

    with pytest.raises(ResourceError, match="sg-none, which is not there"):
        compile_ruleset(small_rules(port))


def test_log_group_has_sixteen_bits() -> None:
    with pytest.raises(SettingsError, match="a number from 0 to 65535"):
        LogTarget(group=65_536)
