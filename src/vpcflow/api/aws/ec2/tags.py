"""Tags of EC2's resources over its API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vpcflow.api.aws.ec2.describe import PAGED, paged, resource_arn, with_token
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS
from vpcflow.control.network import NetworkService
from vpcflow.control.network.dhcp_options import all_options
from vpcflow.control.network.lookup import View, not_found
from vpcflow.control.network.resources import (
    INSTANCES,
    INTERNET_GATEWAYS,
    NETWORK_ACLS,
    NETWORK_INTERFACES,
    PREFIX_LISTS,
    RESOURCE_TYPES,
    ROUTE_TABLES,
    SECURITY_GROUPS,
    SUBNETS,
    VPCS,
)
from vpcflow.control.state import Kind
from vpcflow.control.tags import TAG_SETS, add_tags, remove_tags, tag_conditions

#: Resources that one request may name.
RESOURCES_MAX = 1000
_KINDS: dict[str, Kind[Any]] = {
    "vpc": VPCS,
    "subnet": SUBNETS,
    "eni": NETWORK_INTERFACES,
    "sg": SECURITY_GROUPS,
    "acl": NETWORK_ACLS,
    "pl": PREFIX_LISTS,
    "i": INSTANCES,
    "rtb": ROUTE_TABLES,
    "igw": INTERNET_GATEWAYS,
    "fl": FLOW_LOGS,
}


@dataclass(frozen=True, slots=True)
class _Tag:
    resource_id: str
    resource_type: str
    key: str
    value: str


def _exists(view: View, call: Call, prefix: str, resource_id: str) -> bool:
    if prefix == "sgr":
        return any(
            rule.rule_id == resource_id
            for group in view.all(SECURITY_GROUPS, call.place).values()
            for rule in group.group.rules
        )
    if prefix == "dopt":
        return resource_id in all_options(view, call.place)
    return view.get(_KINDS[prefix], call.place, resource_id) is not None


def _resource_type(view: View, call: Call, resource_id: str) -> str:
    """What kind of resource an id names.

    Errors: ServiceError ``InvalidID`` for no id of ours, ``Invalid....NotFound``.
    """
    prefix = resource_id.partition("-")[0]
    kind = RESOURCE_TYPES.get(prefix)
    if kind is None or "-" not in resource_id:
        raise ServiceError("InvalidID", f"The ID '{resource_id}' is not valid")
    if not _exists(view, call, prefix, resource_id):
        raise not_found(kind, [resource_id])
    return kind


def _resources(call: Call) -> list[str]:
    found = list(dict.fromkeys(call.get("Resources") or ()))
    if not found:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter resourceIdSet"
        )
    if len(found) > RESOURCES_MAX:
        raise ServiceError(
            "InvalidParameterValue",
            f"The request names {len(found)} resources; {RESOURCES_MAX} are allowed.",
        )
    return found


def _arns(call: Call) -> list[str]:
    return [
        resource_arn(call, RESOURCE_TYPES.get(one.partition("-")[0], "*"), one)
        for one in call.get("Resources") or ()
    ]


def _conditions(call: Call) -> dict[str, Any]:
    tags = {tag.get("Key", ""): tag.get("Value") for tag in call.get("Tags") or ()}
    return tag_conditions(tags)


_FILTERS: dict[str, Callable[[_Tag], list[str]]] = {
    "key": lambda one: [one.key],
    "resource-id": lambda one: [one.resource_id],
    "resource-type": lambda one: [one.resource_type],
    "value": lambda one: [one.value],
}


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> None:
        tags = {tag.get("Key", ""): tag.get("Value", "") for tag in call.get("Tags") or ()}
        if not tags:
            raise ServiceError("MissingParameter", "The request must contain the parameter tagSet")
        with self._state.change() as change:
            kinds = {one: _resource_type(change, call, one) for one in _resources(call)}
            for resource_id, kind in kinds.items():
                add_tags(change, call.place, resource_id, kind, tags)

    def delete(self, call: Call) -> None:
        given = call.get("Tags")
        keys = {tag.get("Key", ""): tag.get("Value") for tag in given} if given else None
        with self._state.change() as change:
            for resource_id in _resources(call):
                remove_tags(change, call.place, resource_id, keys)

    def describe(self, call: Call) -> dict[str, Any]:
        tags = [
            _Tag(resource_id, held.resource_type, key, value)
            for resource_id, held in self._state.all(TAG_SETS, call.place).items()
            for key, value in held.tags.items()
        ]
        known: dict[str, Any] = {**_FILTERS}
        for one in call.get("Filters") or ():
            name = one.get("Name", "")
            if name.startswith("tag:"):
                known[name] = _valued(name.removeprefix("tag:"))
        found, token = paged(
            call, self._state, tags, lambda one: f"{one.key}\0{one.resource_id}", known
        )
        answer = [
            {
                "Key": one.key,
                "ResourceId": one.resource_id,
                "ResourceType": one.resource_type,
                "Value": one.value,
            }
            for one in found
        ]
        return with_token({"Tags": answer}, token)


def _valued(key: str) -> Callable[[_Tag], list[str]]:
    return lambda one: [one.value] if one.key == key else []


def operations(network: NetworkService) -> list[Operation]:
    """The operations on tags."""
    handlers = _Handlers(network)
    return [
        Operation(
            "CreateTags",
            handlers.create,
            takes="Resources Tags",
            resources=_arns,
            context=_conditions,
        ),
        Operation(
            "DeleteTags",
            handlers.delete,
            takes="Resources Tags",
            resources=_arns,
            context=_conditions,
        ),
        Operation("DescribeTags", handlers.describe, takes=PAGED),
    ]
