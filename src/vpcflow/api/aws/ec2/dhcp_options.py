"""DHCP options over EC2's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    arns,
    chosen_of,
    new_arn,
    new_tags,
    tag_members,
    with_token,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import NetworkService
from vpcflow.control.network.dhcp_options import (
    all_options,
    associate_options,
    create_options,
    delete_options,
)
from vpcflow.control.network.lookup import View
from vpcflow.control.network.resources import DHCP_OPTIONS, DhcpOptions

_FILTERS: dict[str, Callable[[DhcpOptions], list[str]]] = {
    "dhcp-options-id": lambda one: [one.dhcp_options_id],
    "key": lambda one: list(one.configurations),
    "value": lambda one: [value for values in one.configurations.values() for value in values],
}


def _members(call: Call, view: View, options: DhcpOptions) -> dict[str, Any]:
    return {
        "OwnerId": call.caller.account_id,
        "Tags": tag_members(call, view, options.dhcp_options_id),
        "DhcpOptionsId": options.dhcp_options_id,
        "DhcpConfigurations": [
            {"Key": key, "Values": [{"Value": value} for value in values]}
            for key, values in options.configurations.items()
        ],
    }


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, DHCP_OPTIONS.name)
        given = [
            (one.get("Key", ""), one.get("Values") or ()) for one in call.get("DhcpConfigurations")
        ]
        with self._state.change() as change:
            made = create_options(change, call.place, given, tags)
            return {"DhcpOptions": _members(call, change, made)}

    def describe(self, call: Call) -> dict[str, Any]:
        found, token = chosen_of(
            call,
            self._state,
            all_options(self._state, call.place),
            DHCP_OPTIONS.name,
            "DhcpOptionsIds",
            lambda options: options.dhcp_options_id,
            {**_FILTERS, "owner-id": lambda _: [call.caller.account_id]},
        )
        answer = [_members(call, self._state, options) for options in found]
        return with_token({"DhcpOptions": answer}, token)

    def delete(self, call: Call) -> None:
        options_id = call.get("DhcpOptionsId")
        if not options_id.startswith("dopt-"):
            raise ServiceError(
                "InvalidDhcpOptionsId.Malformed",
                f'Invalid id: "{options_id}" (expecting "dopt-...")',
            )
        with self._state.change() as change:
            delete_options(change, call.place, options_id)

    def associate(self, call: Call) -> None:
        with self._state.change() as change:
            associate_options(change, call.place, call.get("DhcpOptionsId"), call.get("VpcId"))


def operations(network: NetworkService) -> list[Operation]:
    """The operations on sets of DHCP options."""
    handlers = _Handlers(network)
    kept = "Kept and shown: the host hands out addresses."
    return [
        Operation(
            "CreateDhcpOptions",
            handlers.create,
            takes="DhcpConfigurations TagSpecifications",
            resources=new_arn(DHCP_OPTIONS.name),
            note=kept,
        ),
        Operation(
            "DescribeDhcpOptions",
            handlers.describe,
            takes=f"DhcpOptionsIds {PAGED}",
            note="The set that every VPC begins with is always there.",
        ),
        Operation(
            "DeleteDhcpOptions",
            handlers.delete,
            takes="DhcpOptionsId",
            resources=arns(DHCP_OPTIONS.name, "DhcpOptionsId"),
        ),
        Operation(
            "AssociateDhcpOptions",
            handlers.associate,
            takes="DhcpOptionsId VpcId",
            resources=arns("vpc", "VpcId"),
            note=kept,
        ),
    ]
