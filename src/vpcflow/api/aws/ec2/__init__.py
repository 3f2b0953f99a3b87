"""EC2: the VPC, its parts and their flow logs, over the API."""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow.api.aws.ec2 import (
    dhcp_options,
    instances,
    interfaces,
    network_acls,
    prefix_lists,
    route_tables,
    security_group_rules,
    security_groups,
    subnets,
    tags,
    vpcs,
    zones,
)
from vpcflow.api.aws.operation import Operation, Service
from vpcflow.control.network import NetworkService

_PARTS = (
    vpcs,
    subnets,
    interfaces,
    security_groups,
    security_group_rules,
    network_acls,
    route_tables,
    prefix_lists,
    zones,
    dhcp_options,
    instances,
    tags,
)


def operations(network: NetworkService) -> list[Operation]:
    """The operations on the network around flow logs."""
    return [operation for part in _PARTS for operation in part.operations(network)]


def service(network: NetworkService, flow_log_operations: Sequence[Operation]) -> Service:
    """EC2 as far as flow logs need it."""
    return Service.of("ec2", [*operations(network), *flow_log_operations])


__all__ = ["operations", "service"]
