"""Network ACLs: stateless, numbered, allow and deny, bound to subnets."""

from __future__ import annotations

from dataclasses import dataclass

from vpcflow.inventory.vpc import Network
from vpcflow.policy.security_group import PORT_MAX, PROTOCOL_ALL, Direction

#: The number of the last entry, which denies; AWS prints it as ``*``.
RULE_NUMBER_LAST = 32_767


@dataclass(frozen=True, slots=True)
class NetworkAclEntry:
    """One numbered entry; the lowest number that matches decides.

    Shape: ports as in a security group's rule. ``cidr`` is the source of ingress and the
    destination of egress.
    """

    rule_number: int
    direction: Direction
    allow: bool
    cidr: Network
    protocol: int = PROTOCOL_ALL
    from_port: int = 0
    to_port: int = PORT_MAX


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    """One network ACL; what no entry matches is denied by the entry ``*``."""

    network_acl_id: str
    vpc_id: str
    name: str = ""
    entries: tuple[NetworkAclEntry, ...] = ()
