"""Aim: rules of the inventory file become the model, and a fault says where it is and what to do."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from vpcflow.base.errors import SettingsError
from vpcflow.inventory.settings import InventorySettings
from vpcflow.policy.file import read_rule_set
from vpcflow.policy.network_acl import NetworkAclEntry
from vpcflow.policy.resolve import compile_rules
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import Direction, SecurityGroupRule

INVENTORY = """
[[vpc]]
name = "main"
cidr_blocks = ["10.0.0.0/16"]
[[subnet]]
name = "public"
cidr_blocks = ["10.0.1.0/24"]
[[subnet]]
name = "private"
cidr_blocks = ["10.0.2.0/24"]
network_acl = "strict"
[[interface]]
name = "web-1"
addresses = ["10.0.1.10"]
security_groups = ["web"]
[[interface]]
name = "db-1"
addresses = ["10.0.2.20"]
security_groups = ["sg-db", "db"]
"""
RULES = """
[[security_group]]
name = "web"
[[security_group.rule]]
direction = "ingress"
protocol = "tcp"
ports = [80, "8000-8099"]
source = ["0.0.0.0/0", "offices"]
[[security_group.rule]]
id = "sgr-1"
direction = "egress"
destination = "db"
description = "everything"
[[security_group]]
id = "sg-db"
name = "db"
[[security_group.rule]]
direction = "ingress"
protocol = "ICMP"
icmp_type = 8
peer = "10.0.0.1"

[[network_acl]]
name = "strict"
[[network_acl]]
id = "acl-open"
subnets = "public"
[[network_acl.entry]]
rule_number = 100
direction = "egress"
action = "allow"
protocol = 17
ports = "all"
destination = "::/0"

[[prefix_list]]
name = "offices"
cidrs = ["203.0.113.0/24", "2001:db8::/48"]
"""


def read(folder: Path, rules: str, inventory: str = INVENTORY) -> RuleSet:
    path = folder / "network.toml"
    path.write_text(inventory + rules)
    return read_rule_set(path, InventorySettings())


def test_rules_become_the_model(tmp_path: Path) -> None:
    rules = read(tmp_path, RULES)

    web, db = rules.security_groups.values()
    (offices,) = rules.prefix_lists.values()
    assert (db.group_id, db.name, web.name) == ("sg-db", "db", "web")
    assert re.fullmatch("sg-[0-9a-f]{17}", web.group_id)
    assert offices.cidrs == (ip_network("203.0.113.0/24"), ip_network("2001:db8::/48"))
    assert [
        (rule.from_port, rule.to_port, str(rule.cidr), rule.prefix_list_id)
        for rule in web.rules[:4]
    ] == [
        (80, 80, "0.0.0.0/0", None),
        (80, 80, "None", offices.prefix_list_id),
        (8000, 8099, "0.0.0.0/0", None),
        (8000, 8099, "None", offices.prefix_list_id),
    ]
    assert web.rules[4] == SecurityGroupRule(
        "sgr-1", Direction.EGRESS, group_id="sg-db", description="everything"
    )
    (ping,) = db.rules
    assert (ping.protocol, ping.from_port, ping.to_port, str(ping.cidr)) == (
        1,
        8,
        -1,
        "10.0.0.1/32",
    )
    assert rules.network_acls["acl-open"].entries == (
        NetworkAclEntry(100, Direction.EGRESS, True, ip_network("::/0"), 17),
    )


def test_interfaces_and_subnets_name_ids(tmp_path: Path) -> None:
    rules = read(tmp_path, RULES)

    web, db = rules.inventory.interfaces.values()
    public, private = rules.inventory.subnets.values()
    strict = next(acl for acl in rules.network_acls.values() if acl.name == "strict")
    assert web.security_group_ids == (next(iter(rules.security_groups)),)
    assert db.security_group_ids == ("sg-db",)
    assert (public.network_acl_id, private.network_acl_id) == ("acl-open", strict.network_acl_id)
    assert compile_rules(rules).unresolved == ()


def test_ids_stay_the_same(tmp_path: Path) -> None:
    first, second = (read(tmp_path, RULES) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ("[[security_group]]\nvpc = 'main'", "number 1: has neither an id nor a name"),
        ("[[security_group]]\nname = 'a'\nvpc = 'x'", "vpc: no VPC has the id or name 'x'"),
        ("[[security_group]]\nname = 'a'\n" * 2, "another [[security_group]] is called 'a'"),
        ("[[security_group]]\nname = 'a'\nrules = []", "rules: no such key"),
        ("[[prefix_list]]\nname = 'a'\ncidrs = ['10.0.0.1/8']", "host bits set"),
        ("[[network_acl]]\nname = 'a'\nsubnets = ['x']", "subnets: no subnet of this VPC"),
        ("[[network_acl]]\nname = 'a'\nsubnets = ['private']", "has another ACL"),
    ],
)
def test_faults_of_tables(tmp_path: Path, rules: str, message: str) -> None:
    known = "[[network_acl]]\nname = 'strict'\n[[security_group]]\nname = 'web'\n"
    known += "[[security_group]]\nname = 'db'\nid = 'sg-db'\n"
    with pytest.raises(SettingsError, match=re.escape(message)) as raised:
        read(tmp_path, rules if "[[security_group]]" in rules else known + rules)
    assert str(tmp_path / "network.toml") in raised.value.where


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("direction = 'in'", "direction: "),
        ("direction = 'ingress'", "source: is missing"),
        ("direction = 'ingress'\nsource = 'nobody'", "'nobody' is no network, prefix list"),
        ("direction = 'ingress'\nsource = '10.0.0.0/33'", "'10.0.0.0/33' is no network"),
        ("direction = 'ingress'\nsource = 'a'\npeer = 'a'", "source: is there beside peer"),
        ("direction = 'ingress'\nsource = []", "source: is empty"),
        ("direction = 'ingress'\ndestination = 'a'", "destination: ingress has no destination"),
        ("direction = 'egress'\npeer = 'a'\nports = 80", "ports: only tcp and udp have ports"),
        ("direction = 'egress'\npeer = 'a'\nprotocol = 'tpc'", "'tpc' is no protocol"),
        ("direction = 'egress'\npeer = 'a'\nprotocol = 'tcp'\nports = '80-22'", "runs backwards"),
        ("direction = 'egress'\npeer = 'a'\nprotocol = 'tcp'\nports = '70000'", "is no port"),
        ("direction = 'egress'\npeer = 'a'\nprotocol = 'icmp'\nicmp_code = 1", "icmp_code: says"),
        ("direction = 'egress'\npeer = 'a'\nicmp_type = 8", "icmp_type: only icmp"),
        ("direction = 'egress'\npeer = 'a'\nid = 'sgr-1'\npeers = 1", "peers: no such key"),
        ("direction = 'egress'\npeer = ['a', '::/0']\nid = 'sgr-1'", "id: stands for several"),
    ],
)
def test_faults_of_rules_name_group_and_number(tmp_path: Path, rule: str, message: str) -> None:
    good = "[[security_group.rule]]\ndirection = 'egress'\npeer = '0.0.0.0/0'\n"
    text = f"[[security_group]]\nname = 'a'\n{good}[[security_group.rule]]\n{rule}\n"

    with pytest.raises(SettingsError, match=re.escape(message)) as raised:
        read(tmp_path, text)

    assert raised.value.where.endswith(
        "[[security_group]] number 1 (a), [[security_group.rule]] number 2"
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("rule_number = 100", "rule_number: 100 is there twice for ingress"),
        ("rule_number = 32767", "rule_number: "),
        ("rule_number = 1\nprotocol = 'tcp'\nports = [1, 2]", "one range of ports"),
    ],
)
def test_faults_of_entries(tmp_path: Path, entry: str, message: str) -> None:
    shared = "direction = 'ingress'\naction = 'allow'\nsource = '0.0.0.0/0'\n"
    first = f"[[network_acl.entry]]\nrule_number = 100\n{shared}"
    text = f"[[network_acl]]\nname = 'a'\n{first}[[network_acl.entry]]\n{entry}\n{shared}"

    with pytest.raises(SettingsError, match=re.escape(message)) as raised:
        read(tmp_path, text)

    assert raised.value.where.endswith("(a), [[network_acl.entry]] number 2")


def test_interface_in_a_group_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has the id or name 'web'") as raised:
        read(tmp_path, "[[network_acl]]\nname = 'strict'")
    assert raised.value.where.endswith("interface web-1")
