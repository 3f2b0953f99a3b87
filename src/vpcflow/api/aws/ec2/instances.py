"""Instances of the inventory over EC2's API: to be read only."""

from __future__ import annotations

from typing import Any

from vpcflow.api.aws.ec2.describe import PAGED, chosen, tag_members, with_token
from vpcflow.api.aws.ec2.interfaces import group_members, interface_members
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.network import INSTANCES, NETWORK_INTERFACES, NetworkService
from vpcflow.control.network.resources import (
    InstanceResource,
    NetworkInterfaceResource,
    derived_id,
)

_RUNNING = {"Code": 16, "Name": "running"}
_MEMBERS = (
    "Description",
    "Groups",
    "MacAddress",
    "NetworkInterfaceId",
    "OwnerId",
    "PrivateIpAddress",
    "PrivateIpAddresses",
    "SourceDestCheck",
    "Status",
    "SubnetId",
    "VpcId",
    "InterfaceType",
)


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def describe(self, call: Call) -> dict[str, Any]:
        interfaces: dict[str, list[NetworkInterfaceResource]] = {}
        for one in self._state.all(NETWORK_INTERFACES, call.place).values():
            if one.interface.instance_id:
                interfaces.setdefault(one.interface.instance_id, []).append(one)

        def held(one: InstanceResource) -> list[NetworkInterfaceResource]:
            return interfaces.get(one.instance.instance_id, [])

        known: dict[str, Any] = {
            "instance-id": lambda one: [one.instance.instance_id],
            "instance-state-code": lambda _: [str(_RUNNING["Code"])],
            "instance-state-name": lambda _: [_RUNNING["Name"]],
            "network-interface.network-interface-id": lambda one: [
                item.interface.interface_id for item in held(one)
            ],
            "owner-id": lambda _: [call.caller.account_id],
            "private-ip-address": lambda one: [
                str(address) for item in held(one) for address in item.interface.ipv4_addresses
            ],
            "subnet-id": lambda one: [item.interface.subnet_id for item in held(one)],
            "vpc-id": lambda one: [one.vpc_id],
        }
        found, token = chosen(
            call,
            self._state,
            INSTANCES,
            "InstanceIds",
            lambda one: one.instance.instance_id,
            known,
        )
        answer = [
            {
                "ReservationId": derived_id("r", one.instance.instance_id),
                "OwnerId": call.caller.account_id,
                "Groups": [],
                "Instances": [self._members(call, one, held(one))],
            }
            for one in found
        ]
        return with_token({"Reservations": answer}, token)

    def _members(
        self, call: Call, one: InstanceResource, interfaces: list[NetworkInterfaceResource]
    ) -> dict[str, Any]:
        instance_id = one.instance.instance_id
        members: dict[str, Any] = {
            "InstanceId": instance_id,
            "State": _RUNNING,
            "VpcId": one.vpc_id,
            "Tags": tag_members(call, self._state, instance_id),
            "NetworkInterfaces": [
                {
                    name: value
                    for name, value in interface_members(call, self._state, item).items()
                    if name in _MEMBERS
                }
                for item in interfaces
            ],
        }
        if interfaces:
            first = interfaces[0]
            members["SubnetId"] = first.interface.subnet_id
            members["SecurityGroups"] = group_members(call, self._state, first)
            if first.interface.ipv4_addresses:
                members["PrivateIpAddress"] = str(first.interface.ipv4_addresses[0])
        return members


def operations(network: NetworkService) -> list[Operation]:
    """The operation on instances."""
    handlers = _Handlers(network)
    return [
        Operation(
            "DescribeInstances",
            handlers.describe,
            takes=f"InstanceIds {PAGED}",
            ignores={"IncludeManagedResources": "Nobody else manages instances here."},
            note="The instances that the inventory file names, with their interfaces.",
        )
    ]
