"""Security groups: stateful, allow only, bound to network interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vpcflow.inventory.vpc import Network

#: A rule's protocol when it is for every protocol, as AWS writes it.
PROTOCOL_ALL = -1
PORT_MAX = 65_535


class Direction(StrEnum):
    """Seen from the network interface."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """One rule that allows.

    Shape: exactly one of ``cidr``, ``prefix_list_id`` and ``group_id`` says who the other side is.
    For ICMP and ICMPv6 ``from_port`` is the type and ``to_port`` the code, -1 for all; for TCP and
    UDP they are an inclusive range; for other protocols they are not looked at.
    """

    rule_id: str
    direction: Direction
    protocol: int = PROTOCOL_ALL
    from_port: int = 0
    to_port: int = PORT_MAX
    cidr: Network | None = None
    prefix_list_id: str | None = None
    group_id: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """One security group: what none of its rules allows is refused."""

    group_id: str
    vpc_id: str
    name: str = ""
    rules: tuple[SecurityGroupRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PrefixList:
    """A named list of networks that rules refer to."""

    prefix_list_id: str
    cidrs: tuple[Network, ...]
    name: str = ""
