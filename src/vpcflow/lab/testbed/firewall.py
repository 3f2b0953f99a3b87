"""The lab's rules as the ruleset that its router enforces and as the file that vpcflow reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vpcflow.lab.testbed.namespaces import network_namespace
from vpcflow.lab.testbed.rules import lab_rule_set
from vpcflow.lab.testbed.state import INVENTORY_FILE
from vpcflow.policy.network_acl import NetworkAcl, NetworkAclEntry
from vpcflow.policy.nftables import compile_ruleset
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import PROTOCOL_ALL, SecurityGroup, SecurityGroupRule

_PROTOCOL_NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPV6: "icmpv6", PROTOCOL_ALL: "all"}


def firewall_ruleset(router_pid: int) -> str:
    """The nftables script for the router's namespace."""
    return compile_ruleset(lab_rule_set(router_pid), network_namespace(router_pid))


def write_inventory(folder: Path, router_pid: int) -> None:
    """Write the inventory and policy file of a lab into its state folder."""
    text = rule_set_toml(lab_rule_set(router_pid))
    (folder / INVENTORY_FILE).write_text(text, encoding="utf-8")


def rule_set_toml(rule_set: RuleSet) -> str:
    """A rule set as the TOML file that ``inventory.sources.file`` and ``policy.file`` read."""
    inventory = rule_set.inventory
    tables: list[tuple[str, dict[str, Any]]] = []
    for vpc in inventory.vpcs.values():
        blocks = [str(block) for block in vpc.cidr_blocks]
        tables.append(
            (
                "vpc",
                {
                    "id": vpc.vpc_id,
                    "name": vpc.name,
                    "account_id": vpc.account_id,
                    "region": vpc.region,
                    "cidr_blocks": blocks,
                },
            )
        )
    for subnet in inventory.subnets.values():
        facts: dict[str, Any] = {
            "id": subnet.subnet_id,
            "name": subnet.name,
            "vpc": subnet.vpc_id,
            "az_id": subnet.az_id,
            "cidr_blocks": [str(block) for block in subnet.cidr_blocks],
            "network_acl": subnet.network_acl_id,
        }
        tables.append(("subnet", facts))
    for instance in inventory.instances.values():
        tables.append(("instance", {"id": instance.instance_id, "name": instance.name}))
    for interface in inventory.interfaces.values():
        attachment = interface.attachment
        assert attachment is not None, "every interface of the lab has a port"
        facts = {
            "id": interface.interface_id,
            "name": interface.name,
            "subnet": interface.subnet_id,
            "addresses": [str(address) for address in interface.addresses],
            "mac": interface.mac,
            "instance": interface.instance_id,
            "security_groups": list(interface.security_group_ids),
            "interface_type": interface.interface_type,
            "attachment": {
                "device": attachment.device,
                "namespace": attachment.namespace,
                "side": str(attachment.side),
            },
        }
        tables.append(("interface", facts))
    tables += [("security_group", _group(g)) for g in rule_set.security_groups.values()]
    tables += [("network_acl", _acl(acl)) for acl in rule_set.network_acls.values()]
    return "\n".join(_table(name, facts) for name, facts in tables)


def _group(group: SecurityGroup) -> dict[str, Any]:
    rules = [
        {
            "id": rule.rule_id,
            **_service(rule),
            "peer": str(rule.cidr) if rule.cidr else rule.prefix_list_id or rule.group_id,
        }
        for rule in group.rules
    ]
    return {"id": group.group_id, "name": group.name, "vpc": group.vpc_id, "rule": rules}


def _acl(acl: NetworkAcl) -> dict[str, Any]:
    entries = [
        {
            "rule_number": entry.rule_number,
            "action": "allow" if entry.allow else "deny",
            **_service(entry),
            "peer": str(entry.cidr),
        }
        for entry in acl.entries
    ]
    return {"id": acl.network_acl_id, "name": acl.name, "vpc": acl.vpc_id, "entry": entries}


def _service(rule: SecurityGroupRule | NetworkAclEntry) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "direction": str(rule.direction),
        "protocol": _PROTOCOL_NAMES[rule.protocol],
    }
    if rule.protocol in (ICMP, ICMPV6):
        facts["icmp_type"] = rule.from_port
        facts["icmp_code"] = rule.to_port
    elif rule.protocol in (TCP, UDP):
        facts["ports"] = f"{rule.from_port}-{rule.to_port}"
    return facts


def _table(name: str, facts: dict[str, Any]) -> str:
    lines = [f"[[{name}]]"]
    for key, value in facts.items():
        if value in (None, "", []):
            continue
        if isinstance(value, list) and isinstance(value[0], dict):
            rows = "".join(f"  {_value(row)},\n" for row in value)
            lines.append(f"{key} = [\n{rows}]")
        else:
            lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_value(v)}" for key, v in value.items() if v is not None)
        return f"{{ {inner} }}"
    # Texts, numbers, truth values and lists of texts look the same in JSON and TOML.
    return json.dumps(value)
