"""Aim: the lab's description is consistent, and its file says the same as its objects."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.sources.file import read_inventory
from vpcflow.lab.testbed.firewall import firewall_ruleset, write_inventory
from vpcflow.lab.testbed.namespaces import process_start_time
from vpcflow.lab.testbed.rules import lab_inventory, lab_rule_set
from vpcflow.lab.testbed.state import INVENTORY_FILE, STATE_FILE, LabState, running_state
from vpcflow.lab.testbed.topology import HOSTS, SUBNETS, VPC_CIDR, VPC_CIDR6
from vpcflow.policy.file import read_rule_set


def test_addresses_and_names_are_unique_and_in_their_subnets() -> None:
    addresses = [address for host in HOSTS.values() for address in host.addresses]
    assert len(set(addresses)) == len(addresses)
    assert len({host.mac for host in HOSTS.values()}) == len(HOSTS)
    for subnet in SUBNETS.values():
        assert subnet.cidr.subnet_of(VPC_CIDR)
        assert subnet.cidr6.subnet_of(VPC_CIDR6)
    for host in HOSTS.values():
        assert len(host.device) <= 15
        if host.subnet:
            assert all(address in SUBNETS[host.subnet].cidr for address in host.ipv4)
            assert all(address in SUBNETS[host.subnet].cidr6 for address in host.ipv6)


def test_rules_name_only_what_exists() -> None:
    rules = lab_rule_set(1)
    for interface in rules.inventory.interfaces.values():
        assert set(interface.security_group_ids) <= set(rules.security_groups)
    for subnet in rules.inventory.subnets.values():
        assert subnet.network_acl_id is None or subnet.network_acl_id in rules.network_acls
    named = {rule.group_id for group in rules.security_groups.values() for rule in group.rules}
    assert named - {None} <= set(rules.security_groups)
    # All but the NAT gateway, which like AWS's has no groups, are under groups of their own.
    without = [
        one.name for one in rules.inventory.interfaces.values() if not one.security_group_ids
    ]
    assert without == ["nat"]


def test_the_file_gives_back_the_inventory_and_the_rules(tmp_path: Path) -> None:
    write_inventory(tmp_path, 4711)
    file = tmp_path / INVENTORY_FILE
    assert read_inventory(file, InventorySettings()) == lab_inventory(4711)
    assert read_rule_set(file, InventorySettings()) == lab_rule_set(4711)


def test_the_ruleset_is_for_the_routers_namespace() -> None:
    script = firewall_ruleset(4711)
    ids = [host.interface_id for host in HOSTS.values() if host.interface_id]
    assert len(ids) == 6
    assert all(interface_id in script for interface_id in ids)


def test_a_stale_state_is_recognised(tmp_path: Path) -> None:
    start_time = process_start_time(os.getpid())
    assert start_time is not None
    state = LabState(os.getpid(), start_time, 1, 2.0, {"web": 3})
    state.write(tmp_path)
    assert running_state(tmp_path) == state
    # The same process id, used again by a later process.
    replace(state, start_time=start_time - 1).write(tmp_path)
    assert running_state(tmp_path) is None
    for text in ("", "{", json.dumps({"pid": 1}), "[]"):
        (tmp_path / STATE_FILE).write_text(text)
        assert running_state(tmp_path) is None


def test_a_process_that_ended_has_no_start_time() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert process_start_time(pid) is None, "not yet asked about, but dead"
    os.waitpid(pid, 0)
    assert process_start_time(pid) is None
