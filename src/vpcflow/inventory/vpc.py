"""A virtual private cloud: a range of addresses with one owner."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Vpc:
    """One VPC.

    Shape: ``cidr_blocks`` of both families, the primary IPv4 block first.
    """

    vpc_id: str
    account_id: str
    region: str
    cidr_blocks: tuple[Network, ...]
    name: str = ""
