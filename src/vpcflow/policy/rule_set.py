"""All groups, ACLs and prefix lists together with the interfaces that they are bound to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.network_acl import NetworkAcl
from vpcflow.policy.security_group import PrefixList, SecurityGroup


@dataclass(frozen=True)
class RuleSet:
    """The one model that judges, explains and compiles.

    Shape: an interface is under the rules when it names a security group (``security_group_ids``)
    or its subnet names an ACL; without groups its groups allow everything, and the same for a
    subnet without an ACL. Group references mean the addresses of all interfaces in that group.
    """

    inventory: Inventory
    security_groups: Mapping[str, SecurityGroup] = field(default_factory=dict)
    network_acls: Mapping[str, NetworkAcl] = field(default_factory=dict)
    prefix_lists: Mapping[str, PrefixList] = field(default_factory=dict)
