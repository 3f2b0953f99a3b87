"""The network around flow logs as one service: for the API, the command line and the data plane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vpcflow.control.network.attachments import attach_interface
from vpcflow.control.network.declared import (
    attached_interfaces,
    declared_inventory,
    declared_rules,
)
from vpcflow.control.network.host_sync import sync_host
from vpcflow.control.network.resources import (
    NETWORK_INTERFACES,
    SUBNETS,
    VPCS,
    NetworkInterfaceResource,
)
from vpcflow.control.state import Kind, Place, State
from vpcflow.inventory.network_interface import Attachment
from vpcflow.inventory.snapshot import Inventory
from vpcflow.policy.rule_set import RuleSet

#: What flow logs can be on, as CreateFlowLogs' ResourceType calls it.
_FLOW_LOG_KINDS: dict[str, Kind[Any]] = {
    "VPC": VPCS,
    "Subnet": SUBNETS,
    "NetworkInterface": NETWORK_INTERFACES,
}


@dataclass(frozen=True)
class NetworkService:
    """VPCs and all that is in them, over one state."""

    state: State

    def resource_exists(self, place: Place, resource_type: str, resource_id: str) -> bool:
        """Whether there is a VPC, Subnet or NetworkInterface, in CreateFlowLogs' words, of an id."""
        kind = _FLOW_LOG_KINDS.get(resource_type)
        return kind is not None and self.state.get(kind, place, resource_id) is not None

    def sync_host(
        self,
        inventory: Inventory,
        rule_set: RuleSet | None = None,
        declared: Inventory | None = None,
    ) -> bool:
        """Bring the host's resources up to date; says whether anything was written."""
        return sync_host(self.state, inventory, rule_set, declared)

    def declared_inventory(self) -> Inventory:
        """Everything that the API made."""
        return declared_inventory(self.state)

    def declared_rules(self) -> RuleSet:
        """The rules of all networks."""
        return declared_rules(self.state)

    def attach_interface(
        self,
        interface_id: str,
        attachment: Attachment | None,
        now_s: float,
        *,
        enforced: bool = True,
    ) -> NetworkInterfaceResource:
        """Bind an interface of the API to a device; None ends that."""
        return attach_interface(self.state, interface_id, attachment, now_s, enforced=enforced)

    def attached_interfaces(self) -> Mapping[str, bool]:
        """What the API attached, and whether its rules are to be in force."""
        return attached_interfaces(self.state)
