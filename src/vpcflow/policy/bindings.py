"""Which rules an interface is under, and which addresses a rule is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.vpc import Network
from vpcflow.policy.network_acl import NetworkAcl
from vpcflow.policy.rule_set import RuleSet
from vpcflow.policy.security_group import SecurityGroup, SecurityGroupRule


@dataclass(frozen=True, slots=True)
class Binding:
    """The rules that one interface is under.

    Shape: no ``groups`` and no ``acl`` means that nothing is known of what a firewall does there.
    ``subnet_networks`` is where the ACL does not apply. ``missing`` says what the rules name that
    the rule set does not hold; such an interface cannot be judged.
    """

    interface: NetworkInterface
    groups: tuple[SecurityGroup, ...]
    acl: NetworkAcl | None
    subnet_networks: tuple[Network, ...]
    missing: tuple[str, ...]

    @property
    def is_judged(self) -> bool:
        """Whether a verdict can be given at all."""
        return not self.missing and (bool(self.groups) or self.acl is not None)


class Bindings:
    """Looks up bindings and addresses in a rule set, which may not change meanwhile."""

    def __init__(self, rule_set: RuleSet) -> None:
        self.rule_set = rule_set

    @cached_property
    def group_networks(self) -> Mapping[str, tuple[Network, ...]]:
        """The addresses of all interfaces in a group, within the group's VPC, as /32 and /128."""
        found: dict[str, list[Network]] = defaultdict(list)
        for interface in self.rule_set.inventory.interfaces.values():
            for group_id in dict.fromkeys(interface.security_group_ids):
                group = self.rule_set.security_groups.get(group_id)
                if group is not None and group.vpc_id == interface.vpc_id:
                    found[group_id].extend(ip_network(address) for address in interface.addresses)
        return {group_id: tuple(networks) for group_id, networks in found.items()}

    def rule_networks(self, rule: SecurityGroupRule) -> tuple[Network, ...]:
        """Everyone that a group's rule is about; nobody when it names what is not there."""
        if rule.cidr is not None:
            return (rule.cidr,)
        if rule.prefix_list_id is not None:
            prefix_list = self.rule_set.prefix_lists.get(rule.prefix_list_id)
            return prefix_list.cidrs if prefix_list else ()
        return self.group_networks.get(rule.group_id or "", ())

    def binding(self, interface: NetworkInterface) -> Binding:
        """The rules of one interface."""
        rules = self.rule_set
        subnet = rules.inventory.subnets.get(interface.subnet_id)
        group_ids = tuple(dict.fromkeys(interface.security_group_ids))
        groups = tuple(
            rules.security_groups[group_id]
            for group_id in group_ids
            if group_id in rules.security_groups
        )
        missing = [
            f"{interface.interface_id} is in security group {group_id}, which is not there"
            for group_id in group_ids
            if group_id not in rules.security_groups
        ]
        acl_id = subnet.network_acl_id if subnet else None
        acl = rules.network_acls.get(acl_id) if acl_id else None
        if acl_id and acl is None:
            missing.append(f"{interface.subnet_id} has network ACL {acl_id}, which is not there")
        for group in groups:
            missing.extend(self._missing_peers(group))
        return Binding(interface, groups, acl, subnet.cidr_blocks if subnet else (), tuple(missing))

    def _missing_peers(self, group: SecurityGroup) -> list[str]:
        return [
            f"{group.group_id}/{rule.rule_id} names {name}, which is not there"
            for rule in group.rules
            for name, held in (
                (rule.prefix_list_id, self.rule_set.prefix_lists),
                (rule.group_id, self.rule_set.security_groups),
            )
            if name is not None and name not in held
        ]
