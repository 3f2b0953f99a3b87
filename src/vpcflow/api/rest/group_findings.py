"""What to look at in a security group, from its rules alone."""

from __future__ import annotations

from typing import Final, Literal

from vpcflow.api.rest.rule_models import GroupFinding
from vpcflow.policy.protocols import PROTOCOL_NAMES, TCP, UDP
from vpcflow.policy.security_group import (
    PORT_MAX,
    PROTOCOL_ALL,
    Direction,
    SecurityGroup,
    SecurityGroupRule,
)

#: Services that nobody means to offer to everyone, by protocol and port.
SENSITIVE: Final = {
    (TCP, 22): "SSH",
    (TCP, 23): "Telnet",
    (TCP, 135): "Windows RPC",
    (TCP, 445): "SMB",
    (TCP, 1433): "SQL Server",
    (TCP, 1521): "Oracle",
    (TCP, 2049): "NFS",
    (TCP, 2375): "Docker",
    (TCP, 3306): "MySQL",
    (TCP, 3389): "RDP",
    (UDP, 3389): "RDP",
    (TCP, 5432): "PostgreSQL",
    (TCP, 5900): "VNC",
    (TCP, 5985): "WinRM",
    (TCP, 6379): "Redis",
    (TCP, 6443): "Kubernetes",
    (TCP, 9200): "Elasticsearch",
    (TCP, 11211): "Memcached",
    (TCP, 27017): "MongoDB",
}
_REMOTE: Final = frozenset({"SSH", "Telnet", "RDP", "VNC", "WinRM"})


def findings_of(group: SecurityGroup, members: int) -> list[GroupFinding]:
    """Everything about a group that a person should look at, the worst first."""
    found = [one for rule in group.rules for one in rule_findings(rule)]
    if not members and group.name != "default":
        found.append(GroupFinding(severity="low", title="No interface is in it"))
    order = {"high": 0, "medium": 1, "low": 2}
    return sorted(found, key=lambda one: order[one.severity])


def rule_findings(rule: SecurityGroupRule) -> list[GroupFinding]:
    """What to look at in one rule: what it opens to everyone."""
    if rule.direction is not Direction.INGRESS or rule.cidr is None or rule.cidr.prefixlen:
        return []
    if rule.protocol == PROTOCOL_ALL:
        return [_finding("high", "Everything is open to everyone", rule)]
    named = [
        (port, name)
        for (protocol, port), name in SENSITIVE.items()
        if protocol == rule.protocol and rule.from_port <= port <= rule.to_port
    ]
    if rule.protocol in {TCP, UDP} and rule.from_port <= 0 and rule.to_port in {-1, PORT_MAX}:
        protocol_name = PROTOCOL_NAMES[rule.protocol].upper()
        return [_finding("high", f"All {protocol_name} ports are open to everyone", rule)]
    severity: Literal["high", "medium"]
    found = []
    for port, name in named:
        severity = "high" if name in _REMOTE else "medium"
        found.append(_finding(severity, f"{name} (port {port}) is open to everyone", rule))
    return found


def _finding(
    severity: Literal["high", "medium", "low"], title: str, rule: SecurityGroupRule
) -> GroupFinding:
    assert rule.cidr is not None
    return GroupFinding(severity=severity, title=f"{title} ({rule.cidr})", rule_id=rule.rule_id)
