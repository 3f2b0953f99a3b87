"""A virtual private cloud: a range of addresses with one owner."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Vpc:
    """One VPC.

    Shape: ``cidr_blocks`` of both families, the primary IPv4 block first;
    ``has_reserved_addresses`` says whether the provider answers at AWS's reserved addresses (the
    router at a subnet's first address, DNS at the VPC's second), as it does in a cloud and in no
    network that was derived from a host's own interfaces.
    """

    vpc_id: str
    account_id: str
    region: str
    cidr_blocks: tuple[Network, ...]
    name: str = ""
    has_reserved_addresses: bool = True
