"""Which of the rules that the control plane holds are put in force in a namespace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.rule_set import RuleSet


def enforceable_rules(rules: RuleSet, attached: Mapping[str, bool]) -> RuleSet:
    """The rules without the attachments at which nothing is to be enforced.

    Shape: ``attached`` as ``NetworkService.attached_interfaces``. An interface that is attached
    without enforcement goes, and who else has the device of one that the API attached: a host's
    own interface, as it was found before that.
    """
    taken = _devices(rules.inventory, attached)

    def stays(interface: NetworkInterface) -> bool:
        if interface.interface_id in attached:
            return attached[interface.interface_id]
        return _device(interface) not in taken

    return _attached_where(rules, stays)


def attached_rules(rules: RuleSet, attached: Mapping[str, bool]) -> RuleSet:
    """The rules with the attachments alone that the API made, and that are to be enforced."""
    return _attached_where(rules, lambda one: attached.get(one.interface_id, False))


def _attached_where(rules: RuleSet, stays: Callable[[NetworkInterface], bool]) -> RuleSet:
    inventory = rules.inventory
    # Who loses its device stays in the inventory: groups mean its addresses as before.
    interfaces = {
        key: one if one.attachment is None or stays(one) else replace(one, attachment=None)
        for key, one in inventory.interfaces.items()
    }
    return replace(rules, inventory=replace(inventory, interfaces=interfaces))


def _devices(inventory: Inventory, attached: Mapping[str, bool]) -> set[tuple[str, str] | None]:
    found = {_device(inventory.interfaces[key]) for key in attached if key in inventory.interfaces}
    return found - {None}


def _device(interface: NetworkInterface) -> tuple[str, str] | None:
    attachment = interface.attachment
    return None if attachment is None else (attachment.namespace, attachment.device)
