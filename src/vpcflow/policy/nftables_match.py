"""A rule of the model as match expressions of nftables."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from vpcflow.inventory.vpc import Network
from vpcflow.policy.matching import ICMP_VALUE_MAX
from vpcflow.policy.network_acl import NetworkAclEntry
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.security_group import (
    PORT_MAX,
    PROTOCOL_ALL,
    Direction,
    SecurityGroupRule,
)

_PORT_PROTOCOLS = {TCP: "tcp", UDP: "udp"}

#: A match that holds for every packet, and one that holds for none.
ALWAYS = ""
NEVER = None

Element = Network | IPv4Address | IPv6Address


def peer_field(version: int, direction: Direction) -> str:
    """The address field in which the other side stands."""
    family = "ip" if version == 4 else "ip6"
    return f"{family} {'saddr' if direction is Direction.INGRESS else 'daddr'}"


def network_match(network: Network, direction: Direction) -> str:
    """The other side is in a network; the network of all addresses asks for the family alone."""
    if network.prefixlen == 0:
        return f"meta nfproto ipv{network.version}"
    return f"{peer_field(network.version, direction)} {network}"


def service_match(rule: SecurityGroupRule | NetworkAclEntry) -> str | None:
    """Protocol and ports, or ICMP type and code; ALWAYS or NEVER where no packet decides it.

    The bytes of ICMP are compared by position: nft's own names for them would bind ICMP to IPv4
    and ICMPv6 to IPv6, which the rule itself does not.
    """
    if rule.protocol == PROTOCOL_ALL:
        return ALWAYS
    name = _PORT_PROTOCOLS.get(rule.protocol)
    if name is not None:
        first, last = max(rule.from_port, 0), min(rule.to_port, PORT_MAX)
        if first == 0 and last == PORT_MAX:
            return f"meta l4proto {name}"
        if first > last:
            return NEVER
        return f"{name} dport {first if first == last else f'{first}-{last}'}"
    parts = [f"meta l4proto {rule.protocol}"]
    if rule.protocol in (ICMP, ICMPV6):
        for offset, value in ((0, rule.from_port), (8, rule.to_port)):
            # A code says nothing without its type.
            if not 0 <= value <= ICMP_VALUE_MAX:
                break
            parts.append(f"@th,{offset},8 {value}")
    return " ".join(parts)


def set_lines(name: str, version: int, elements: Iterable[Element]) -> list[str]:
    """The declaration of a named set of networks or addresses of one family."""
    chosen = sorted({element for element in elements if element.version == version}, key=str)
    lines = [f"set {name} {{", f"\ttype ipv{version}_addr", "\tflags interval", "\tauto-merge"]
    if chosen:
        lines.append(f"\telements = {{ {', '.join(map(str, chosen))} }}")
    return [*lines, "}"]
