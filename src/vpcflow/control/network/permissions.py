"""Rules of security groups as the API writes them (IpPermissions), and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.network.networks import read_network
from vpcflow.inventory.vpc import Network
from vpcflow.policy.matching import ICMP_VALUE_MAX
from vpcflow.policy.protocols import ICMP, ICMPV6, PROTOCOL_NUMBERS, TCP, UDP
from vpcflow.policy.security_group import (
    PORT_MAX,
    PROTOCOL_ALL,
    Direction,
    SecurityGroupRule,
)

#: Protocols that the API answers by name; all others are numbers.
_NAMED = {TCP: "tcp", UDP: "udp", ICMP: "icmp", ICMPV6: "icmpv6"}
_WITH_PORTS = frozenset({TCP, UDP})
_WITH_TYPES = frozenset({ICMP, ICMPV6})
#: A type or code that stands for all.
ANY = -1


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule without an id: what makes two rules the same, and a description.

    Shape: ports as in a SecurityGroupRule; exactly one of the last three says who the peer is.
    """

    protocol: int
    from_port: int
    to_port: int
    cidr: Network | None = None
    prefix_list_id: str | None = None
    group_id: str | None = None
    description: str = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """What no other rule of the same group and direction has."""
        return (
            self.protocol,
            self.from_port,
            self.to_port,
            self.cidr,
            self.prefix_list_id,
            self.group_id,
        )

    @property
    def peer(self) -> str:
        """Who the other side is, as text."""
        return str(self.cidr or self.prefix_list_id or self.group_id)

    def rule(self, rule_id: str, direction: Direction) -> SecurityGroupRule:
        """The rule of an id."""
        return SecurityGroupRule(
            rule_id,
            direction,
            self.protocol,
            self.from_port,
            self.to_port,
            self.cidr,
            self.prefix_list_id,
            self.group_id,
            self.description,
        )

    def __str__(self) -> str:
        """As AWS words it in a refusal."""
        if self.protocol == PROTOCOL_ALL:
            return f"peer: {self.peer}, ALL, ALLOW"
        name = _NAMED.get(self.protocol, str(self.protocol)).upper()
        if self.protocol in _WITH_PORTS:
            return (
                f"peer: {self.peer}, {name}, "
                f"from port: {self.from_port}, to port: {self.to_port}, ALLOW"
            )
        if self.protocol in _WITH_TYPES:
            first, second = (
                "ALL" if value == ANY else str(value) for value in (self.from_port, self.to_port)
            )
            return f"peer: {self.peer}, {name}, type: {first}, code: {second}, ALLOW"
        return f"peer: {self.peer}, {name}, ALLOW"


def permission_of(rule: SecurityGroupRule) -> Permission:
    """A rule without its id, its ports in the one form that stands for what they mean."""
    first, last = _ports_of(rule)
    return Permission(
        rule.protocol,
        first,
        last,
        rule.cidr,
        rule.prefix_list_id,
        rule.group_id,
        rule.description,
    )


def _ports_of(rule: SecurityGroupRule) -> tuple[int, int]:
    if rule.protocol in _WITH_PORTS:
        if rule.from_port <= 0 and rule.to_port in (-1, PORT_MAX):
            return 0, PORT_MAX
        return rule.from_port, rule.to_port
    if rule.protocol in _WITH_TYPES:
        if not 0 <= rule.from_port <= ICMP_VALUE_MAX:
            return ANY, ANY
        return rule.from_port, rule.to_port if 0 <= rule.to_port <= ICMP_VALUE_MAX else ANY
    return 0, PORT_MAX


def protocol_number(text: str) -> int:
    """The number of a protocol as callers write it: ``tcp``, ``6``, ``-1``.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    lower = text.lower()
    if lower in ("-1", "all"):
        return PROTOCOL_ALL
    if lower in PROTOCOL_NUMBERS:
        return PROTOCOL_NUMBERS[lower]
    if lower.isascii() and lower.isdigit() and int(lower) <= 255:
        return int(lower)
    raise ServiceError(
        "InvalidParameterValue", f"Invalid value '{text}' for IP protocol. Unknown protocol."
    )


def protocol_text(protocol: int) -> str:
    """A protocol as the API answers it."""
    return _NAMED.get(protocol, str(protocol))


def shown_ports(rule: SecurityGroupRule) -> tuple[int, int] | None:
    """Ports, or type and code, as the API answers them; None for protocols without any."""
    if rule.protocol in _WITH_PORTS or rule.protocol in _WITH_TYPES:
        return _ports_of(rule)
    return None


def normal_ports(protocol: int, from_port: int | None, to_port: int | None) -> tuple[int, int]:
    """FromPort and ToPort of a request in the one form that stands for what they mean.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    if protocol in _WITH_PORTS:
        if from_port is None or to_port is None:
            raise ServiceError(
                "InvalidParameterValue",
                "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
            )
        if (from_port, to_port) == (ANY, ANY):
            return 0, PORT_MAX
        for port in (from_port, to_port):
            if not 0 <= port <= PORT_MAX:
                raise ServiceError("InvalidParameterValue", f"TCP/UDP port ({port}) out of range")
        if from_port > to_port:
            raise ServiceError(
                "InvalidParameterValue", f"Invalid TCP/UDP port range ({from_port}:{to_port})"
            )
        return from_port, to_port
    if protocol in _WITH_TYPES:
        icmp_type = ANY if from_port is None else from_port
        code = ANY if to_port is None else to_port
        for word, value in (("type", icmp_type), ("code", code)):
            if not ANY <= value <= ICMP_VALUE_MAX:
                raise ServiceError("InvalidParameterValue", f"ICMP {word} ({value}) out of range")
        if icmp_type == ANY and code != ANY:
            raise ServiceError(
                "InvalidParameterValue", f"ICMP code ({code}) needs a type, which is missing"
            )
        return icmp_type, code
    return 0, PORT_MAX


def rule_network(text: str, version: int) -> Network:
    """The network of a rule.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    network = read_network(text)
    if network is None or network.version != version:
        raise ServiceError("InvalidParameterValue", f"CIDR block {text} is malformed")
    return network


def read_permissions(
    permissions: Iterable[Mapping[str, Any]], group_id_of: Callable[[Mapping[str, Any]], str]
) -> list[Permission]:
    """All rules of IpPermissions, in their order.

    Shape: ``group_id_of`` finds the group that a UserIdGroupPair names.
    Errors: ServiceError ``InvalidParameterValue``, ``MissingParameter``, those of ``group_id_of``.
    """
    found: list[Permission] = []
    for item in permissions:
        if item.get("IpProtocol") is None:
            raise ServiceError(
                "MissingParameter", "The request must contain the parameter ipProtocol"
            )
        protocol = protocol_number(item["IpProtocol"])
        service = (protocol, *normal_ports(protocol, item.get("FromPort"), item.get("ToPort")))
        before = len(found)
        for one in item.get("IpRanges") or ():
            network = rule_network(one.get("CidrIp", ""), 4)
            found.append(Permission(*service, network, description=one.get("Description") or ""))
        for one in item.get("Ipv6Ranges") or ():
            network = rule_network(one.get("CidrIpv6", ""), 6)
            found.append(Permission(*service, network, description=one.get("Description") or ""))
        for one in item.get("PrefixListIds") or ():
            found.append(
                Permission(
                    *service,
                    prefix_list_id=one.get("PrefixListId", ""),
                    description=one.get("Description") or "",
                )
            )
        for one in item.get("UserIdGroupPairs") or ():
            found.append(
                Permission(
                    *service,
                    group_id=group_id_of(one),
                    description=one.get("Description") or "",
                )
            )
        if len(found) == before:
            raise ServiceError(
                "MissingParameter",
                "The request must contain a peer: ipRanges, ipv6Ranges, prefixListIds or "
                "userIdGroupPairs",
            )
    return found


def permission_answer(
    rules: Sequence[SecurityGroupRule], direction: Direction, account_id: str
) -> list[dict[str, Any]]:
    """The rules of one direction as IpPermissions: those about the same service in one."""
    answers: dict[tuple[int, tuple[int, int] | None], dict[str, Any]] = {}
    for rule in rules:
        if rule.direction is not direction:
            continue
        ports = shown_ports(rule)
        answer = answers.get((rule.protocol, ports))
        if answer is None:
            answer = {"IpProtocol": protocol_text(rule.protocol)}
            if ports is not None:
                answer["FromPort"], answer["ToPort"] = ports
            answer |= {"UserIdGroupPairs": [], "IpRanges": [], "Ipv6Ranges": []}
            answer["PrefixListIds"] = []
            answers[rule.protocol, ports] = answer
        peer: dict[str, Any] = {"Description": rule.description} if rule.description else {}
        if rule.group_id is not None:
            peer |= {"UserId": account_id, "GroupId": rule.group_id}
            answer["UserIdGroupPairs"].append(peer)
        elif rule.prefix_list_id is not None:
            answer["PrefixListIds"].append(peer | {"PrefixListId": rule.prefix_list_id})
        elif isinstance(rule.cidr, IPv4Network):
            answer["IpRanges"].append(peer | {"CidrIp": str(rule.cidr)})
        else:
            answer["Ipv6Ranges"].append(peer | {"CidrIpv6": str(rule.cidr)})
    return list(answers.values())
