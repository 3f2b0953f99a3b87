"""The inventory at one moment, as one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpcflow.inventory.instance import Instance
from vpcflow.inventory.network_interface import MirrorSession, NetworkInterface
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc


@dataclass(frozen=True)
class Inventory:
    """Everything that exists, by id.

    Shape: an interface's ``vpc_id`` and ``subnet_id`` are in ``vpcs`` and ``subnets``.
    """

    vpcs: Mapping[str, Vpc] = field(default_factory=dict)
    subnets: Mapping[str, Subnet] = field(default_factory=dict)
    interfaces: Mapping[str, NetworkInterface] = field(default_factory=dict)
    instances: Mapping[str, Instance] = field(default_factory=dict)
    mirror_sessions: tuple[MirrorSession, ...] = ()
