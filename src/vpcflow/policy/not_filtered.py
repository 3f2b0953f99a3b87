"""What neither groups nor ACLs filter: the provider's services, and what a link needs to work.

Source: AWS user guide, "Security groups" and "Network ACLs", what they do not filter.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_address
from typing import Final

from vpcflow.inventory.network_interface import Address
from vpcflow.policy.bindings import Binding, Bindings
from vpcflow.policy.protocols import ICMPV6, UDP

#: Services of the provider: Amazon DNS, instance metadata, task metadata, time sync, Windows
#: activation.
PROVIDER_ADDRESSES: Final[tuple[Address, ...]] = tuple(
    ip_address(text)
    for text in (
        "169.254.169.253",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.169.123",
        "169.254.169.250",
        "169.254.169.251",
        "fd00:ec2::253",
        "fd00:ec2::254",
        "fd00:ec2::123",
        "fd00:ec2::250",
        "fd00:ec2::251",
    )
)
#: First and last types of neighbour discovery and multicast listener discovery.
NEIGHBOUR_TYPES: Final = ((130, 137), (143, 143))
#: Ports of client and server of DHCP and of DHCPv6; both ends have one of a pair.
DHCP_PORTS: Final = ((67, 68), (546, 547))

_ROUTER_STEP = 1
_DNS_STEP = 2


def reserved_addresses(bindings: Bindings, binding: Binding) -> Iterator[Address]:
    """The addresses at which the provider answers an interface: traffic with them passes."""
    yield from PROVIDER_ADDRESSES
    vpc = bindings.rule_set.inventory.vpcs.get(binding.interface.vpc_id)
    if vpc is None or not vpc.has_reserved_addresses:
        return
    for networks, step in (
        (vpc.cidr_blocks, _DNS_STEP),
        (binding.subnet_networks, _ROUTER_STEP),
    ):
        for network in networks:
            if isinstance(network, IPv4Network) and network.num_addresses > step:
                yield network.network_address + step


def is_link_traffic(protocol: int, source_port: int, destination_port: int, icmp_type: int) -> bool:
    """Whether it is DHCP or neighbour discovery."""
    if protocol == UDP:
        ends = {source_port, destination_port}
        return any(ends <= set(pair) for pair in DHCP_PORTS)
    return protocol == ICMPV6 and any(first <= icmp_type <= last for first, last in NEIGHBOUR_TYPES)
