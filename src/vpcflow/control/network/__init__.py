"""The VPCs around flow logs: made over the API, or found on the host."""

from vpcflow.control.network.attachments import attach_interface, find_interface
from vpcflow.control.network.declared import declared_inventory, declared_rules
from vpcflow.control.network.host_sync import sync_host
from vpcflow.control.network.resources import (
    INSTANCES,
    INTERNET_GATEWAYS,
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    PREFIX_LISTS,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
    Origin,
)
from vpcflow.control.network.service import NetworkService

__all__ = [
    "INSTANCES",
    "INTERNET_GATEWAYS",
    "NETWORK_ACLS",
    "NETWORK_INTERFACES",
    "PREFIX_LISTS",
    "ROUTE_TABLES",
    "SECURITY_GROUPS",
    "SUBNETS",
    "VPCS",
    "NetworkService",
    "Origin",
    "attach_interface",
    "declared_inventory",
    "declared_rules",
    "find_interface",
    "sync_host",
]
