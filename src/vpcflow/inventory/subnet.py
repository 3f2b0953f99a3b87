"""A subnet of a VPC, in one availability zone."""

from __future__ import annotations

from dataclasses import dataclass

from vpcflow.inventory.vpc import Network


@dataclass(frozen=True, slots=True)
class Subnet:
    """One subnet.

    Shape: ``cidr_blocks`` of both families; ``network_acl_id`` None is the VPC's default ACL,
    which allows everything.
    """

    subnet_id: str
    vpc_id: str
    az_id: str
    cidr_blocks: tuple[Network, ...]
    name: str = ""
    network_acl_id: str | None = None
