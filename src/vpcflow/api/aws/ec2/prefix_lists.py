"""Managed prefix lists over EC2's API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    arns,
    chosen,
    new_arn,
    new_tags,
    paged,
    resource_arn,
    tag_members,
    with_token,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.network import PREFIX_LISTS, NetworkService
from vpcflow.control.network.lookup import View, prefix_list_of
from vpcflow.control.network.prefix_lists import create_list, delete_list, entries_of, modify_list
from vpcflow.control.network.resources import PrefixListResource

#: The least MaxResults of these operations.
_PAGE_MIN = 1


def list_members(
    call: Call, view: View, resource: PrefixListResource, state: str
) -> dict[str, Any]:
    """A managed prefix list as the API answers it."""
    listed = resource.prefix_list
    return {
        "PrefixListId": listed.prefix_list_id,
        "AddressFamily": resource.address_family,
        "State": state,
        "PrefixListArn": resource_arn(call, "prefix-list", listed.prefix_list_id),
        "PrefixListName": listed.name,
        "MaxEntries": resource.entries_max,
        "Version": resource.version,
        "Tags": tag_members(call, view, listed.prefix_list_id),
        "OwnerId": call.caller.account_id,
    }


def _entries(items: Sequence[dict[str, Any]] | None) -> list[tuple[str, str]]:
    return [(item["Cidr"], item.get("Description") or "") for item in items or ()]


def _filters(call: Call) -> dict[str, Any]:
    return {
        "owner-id": lambda _: [call.caller.account_id],
        "prefix-list-id": lambda one: [one.prefix_list.prefix_list_id],
        "prefix-list-name": lambda one: [one.prefix_list.name],
    }


def _key(resource: PrefixListResource) -> str:
    return resource.prefix_list.prefix_list_id


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, "prefix-list")
        with self._state.change() as change:
            made = create_list(
                change,
                call.place,
                call.get("PrefixListName"),
                call.get("AddressFamily"),
                call.get("MaxEntries"),
                _entries(call.get("Entries")),
                tags,
            )
            return {"PrefixList": list_members(call, change, made, "create-in-progress")}

    def describe(self, call: Call) -> dict[str, Any]:
        found, token = chosen(
            call, self._state, PREFIX_LISTS, "PrefixListIds", _key, _filters(call), _PAGE_MIN
        )
        answer = [
            list_members(
                call,
                self._state,
                one,
                "modify-complete" if one.version > 1 else "create-complete",
            )
            for one in found
        ]
        return with_token({"PrefixLists": answer}, token)

    def describe_plain(self, call: Call) -> dict[str, Any]:
        filters = _filters(call)
        del filters["owner-id"]
        found, token = chosen(
            call, self._state, PREFIX_LISTS, "PrefixListIds", _key, filters, _PAGE_MIN
        )
        answer = [
            {
                "Cidrs": [str(network) for network in one.prefix_list.cidrs],
                "PrefixListId": one.prefix_list.prefix_list_id,
                "PrefixListName": one.prefix_list.name,
            }
            for one in found
        ]
        return with_token({"PrefixLists": answer}, token)

    def entries(self, call: Call) -> dict[str, Any]:
        found = prefix_list_of(self._state, call.place, call.get("PrefixListId"))
        entries = entries_of(found, call.get("TargetVersion"))
        some, token = paged(
            call, self._state, entries, lambda one: str(one[0]), {}, page_min=_PAGE_MIN
        )
        answer = [
            {"Cidr": str(network), "Description": text} if text else {"Cidr": str(network)}
            for network, text in some
        ]
        return with_token({"Entries": answer}, token)

    def modify(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            changed = modify_list(
                change,
                call.place,
                call.get("PrefixListId"),
                name=call.get("PrefixListName"),
                current_version=call.get("CurrentVersion"),
                add=_entries(call.get("AddEntries")),
                remove=[item["Cidr"] for item in call.get("RemoveEntries") or ()],
                entries_max=call.get("MaxEntries"),
            )
            return {"PrefixList": list_members(call, change, changed, "modify-in-progress")}

    def delete(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            gone = delete_list(change, call.place, call.get("PrefixListId"))
            return {"PrefixList": list_members(call, change, gone, "delete-in-progress")}


def operations(network: NetworkService) -> list[Operation]:
    """The operations on managed prefix lists."""
    handlers = _Handlers(network)
    named = arns("prefix-list", "PrefixListId")
    return [
        Operation(
            "CreateManagedPrefixList",
            handlers.create,
            takes="PrefixListName AddressFamily MaxEntries Entries TagSpecifications",
            ignores={"ClientToken": "A repeated request makes one more list."},
            resources=new_arn("prefix-list"),
        ),
        Operation("DescribeManagedPrefixLists", handlers.describe, takes=f"PrefixListIds {PAGED}"),
        Operation("DescribePrefixLists", handlers.describe_plain, takes=f"PrefixListIds {PAGED}"),
        Operation(
            "GetManagedPrefixListEntries",
            handlers.entries,
            takes="PrefixListId TargetVersion MaxResults NextToken",
            resources=named,
        ),
        Operation(
            "ModifyManagedPrefixList",
            handlers.modify,
            takes="PrefixListId PrefixListName CurrentVersion AddEntries RemoveEntries MaxEntries",
            resources=named,
        ),
        Operation(
            "DeleteManagedPrefixList", handlers.delete, takes="PrefixListId", resources=named
        ),
    ]
