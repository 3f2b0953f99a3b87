"""Network interfaces over EC2's API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    arns,
    boolean,
    chosen,
    new_arn,
    new_tags,
    tag_members,
    text_of,
    with_token,
)
from vpcflow.api.aws.ec2.subnets import zone_name
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import NETWORK_INTERFACES, NetworkService
from vpcflow.control.network.interfaces import (
    InterfaceRequest,
    assign_ipv4,
    assign_ipv6,
    create_interface,
    delete_interface,
    modify_interface,
    unassign_ipv4,
    unassign_ipv6,
)
from vpcflow.control.network.lookup import View, interface_of
from vpcflow.control.network.resources import (
    SECURITY_GROUPS,
    SUBNETS,
    NetworkInterfaceResource,
    Origin,
    derived_id,
)

_ORDINARY = "interface"


def _is_in_use(resource: NetworkInterfaceResource) -> bool:
    return resource.interface.attachment is not None or bool(resource.interface.instance_id)


def status_of(resource: NetworkInterfaceResource) -> str:
    """``in-use`` while it is attached to a device or an instance, else ``available``."""
    return "in-use" if _is_in_use(resource) else "available"


def attachment_members(
    resource: NetworkInterfaceResource, account_id: str
) -> dict[str, Any] | None:
    """Its attachment as the API answers it; None without one."""
    interface = resource.interface
    if not _is_in_use(resource):
        return None
    held = interface.attachment
    where = (held.namespace, held.device) if held else (interface.instance_id,)
    members: dict[str, Any] = {
        "AttachmentId": derived_id("eni-attach", interface.interface_id, *where),
        "DeleteOnTermination": resource.origin is Origin.HOST,
        "DeviceIndex": 0,
        "Status": "attached",
        "InstanceOwnerId": account_id,
    }
    if resource.attached_s is not None:
        members["AttachTime"] = datetime.fromtimestamp(resource.attached_s, UTC)
    if interface.instance_id:
        members["InstanceId"] = interface.instance_id
    return members


def group_members(
    call: Call, view: View, resource: NetworkInterfaceResource
) -> list[dict[str, str]]:
    """Its security groups as the API answers them."""
    groups = view.all(SECURITY_GROUPS, call.place)
    return [
        {"GroupId": group_id, "GroupName": groups[group_id].group.name}
        if group_id in groups
        else {"GroupId": group_id}
        for group_id in resource.interface.security_group_ids
    ]


def _zone(call: Call, view: View, resource: NetworkInterfaceResource) -> tuple[str, str] | None:
    subnet = view.get(SUBNETS, call.place, resource.interface.subnet_id)
    return (zone_name(subnet, call.region), subnet.subnet.az_id) if subnet else None


def interface_members(
    call: Call, view: View, resource: NetworkInterfaceResource, status: str = ""
) -> dict[str, Any]:
    """A network interface as the API answers it."""
    interface = resource.interface
    zone = _zone(call, view, resource)
    primary = interface.ipv4_addresses[0] if interface.ipv4_addresses else None
    members: dict[str, Any] = {
        "Attachment": attachment_members(resource, interface.account_id),
        "AvailabilityZone": zone[0] if zone else None,
        "AvailabilityZoneId": zone[1] if zone else None,
        "Description": resource.description,
        "Groups": group_members(call, view, resource),
        "InterfaceType": interface.interface_type or _ORDINARY,
        "Ipv6Addresses": [
            {"Ipv6Address": str(address), "IsPrimaryIpv6": False}
            for address in interface.ipv6_addresses
        ],
        "Ipv6Address": str(interface.ipv6_addresses[0]) if interface.ipv6_addresses else None,
        "MacAddress": interface.mac or None,
        "NetworkInterfaceId": interface.interface_id,
        "OwnerId": interface.account_id,
        "PrivateIpAddress": str(primary) if primary else None,
        "PrivateIpAddresses": [
            {"Primary": address == primary, "PrivateIpAddress": str(address)}
            for address in interface.ipv4_addresses
        ],
        "RequesterManaged": False,
        "SourceDestCheck": resource.source_dest_check,
        "Status": status or status_of(resource),
        "SubnetId": interface.subnet_id,
        "TagSet": tag_members(call, view, interface.interface_id),
        "VpcId": interface.vpc_id,
    }
    if status == "pending":
        members["RequesterId"] = call.caller.user_id
    return {name: value for name, value in members.items() if value is not None}


def _filters(call: Call, view: View) -> dict[str, Any]:
    def attachment(name: str) -> Callable[[NetworkInterfaceResource], list[str]]:
        def values(one: NetworkInterfaceResource) -> list[str]:
            value = (attachment_members(one, one.interface.account_id) or {}).get(name)
            if value is None:
                return []
            if isinstance(value, datetime):
                return [value.strftime("%Y-%m-%dT%H:%M:%S.000Z")]
            return [text_of(value) if isinstance(value, bool) else str(value)]

        return values

    def zone(place: int) -> Callable[[NetworkInterfaceResource], list[str]]:
        def values(one: NetworkInterfaceResource) -> list[str]:
            found = _zone(call, view, one)
            return [found[place]] if found else []

        return values

    def ipv4(one: NetworkInterfaceResource) -> list[str]:
        return [str(address) for address in one.interface.ipv4_addresses]

    known: dict[str, Callable[[NetworkInterfaceResource], list[str]]] = {
        "addresses.primary": lambda one: [
            text_of(number == 0) for number in range(len(one.interface.ipv4_addresses))
        ],
        "addresses.private-ip-address": ipv4,
        "attachment.attach-time": attachment("AttachTime"),
        "attachment.attachment-id": attachment("AttachmentId"),
        "attachment.delete-on-termination": attachment("DeleteOnTermination"),
        "attachment.device-index": attachment("DeviceIndex"),
        "attachment.instance-id": attachment("InstanceId"),
        "attachment.instance-owner-id": attachment("InstanceOwnerId"),
        "attachment.status": attachment("Status"),
        "availability-zone": zone(0),
        "availability-zone-id": zone(1),
        "description": lambda one: [one.description],
        "group-id": lambda one: list(one.interface.security_group_ids),
        "group-name": lambda one: [
            group["GroupName"] for group in group_members(call, view, one) if "GroupName" in group
        ],
        "interface-type": lambda one: [one.interface.interface_type or _ORDINARY],
        "ipv6-addresses.ipv6-address": lambda one: [
            str(address) for address in one.interface.ipv6_addresses
        ],
        "mac-address": lambda one: [one.interface.mac],
        "network-interface-id": lambda one: [one.interface.interface_id],
        "operator.managed": lambda _: ["false"],
        "owner-id": lambda one: [one.interface.account_id],
        "private-ip-address": lambda one: ipv4(one)[:1],
        "requester-managed": lambda _: ["false"],
        "source-dest-check": lambda one: [text_of(one.source_dest_check)],
        "status": lambda one: [status_of(one)],
        "subnet-id": lambda one: [one.interface.subnet_id],
        "vpc-id": lambda one: [one.interface.vpc_id],
    }
    return {**dict.fromkeys(_WITHOUT_VALUES, lambda _: []), **known}


#: Filters on what no interface here has.
_WITHOUT_VALUES = (
    "addresses.association.owner-id",
    "addresses.association.public-ip",
    "association.allocation-id",
    "association.association-id",
    "association.ip-owner-id",
    "association.public-dns-name",
    "association.public-ip",
    "operator.principal",
    "private-dns-name",
    "requester-id",
)


def _request(call: Call) -> InterfaceRequest:
    """What CreateNetworkInterface asks for.

    Errors: ServiceError ``InvalidParameterCombination``, ``InvalidParameterValue``.
    """
    specified = call.get("PrivateIpAddresses") or ()
    primaries = _addresses([one for one in specified if one.get("Primary")], "PrivateIpAddress")
    secondary = _addresses([one for one in specified if not one.get("Primary")], "PrivateIpAddress")
    if call.get("PrivateIpAddress"):
        primaries.append(call.get("PrivateIpAddress"))
    if len(set(primaries)) > 1:
        raise ServiceError(
            "InvalidParameterValue", "Only one primary private IP address can be specified"
        )
    secondary_count = _count(call, "SecondaryPrivateIpAddressCount")
    ipv6_count = _count(call, "Ipv6AddressCount")
    if secondary and secondary_count:
        raise ServiceError(
            "InvalidParameterCombination",
            "The parameters privateIpAddresses and secondaryPrivateIpAddressCount "
            "cannot be used together",
        )
    if call.get("Ipv6Addresses") and ipv6_count:
        raise ServiceError(
            "InvalidParameterCombination",
            "The parameters ipv6Addresses and ipv6AddressCount cannot be used together",
        )
    kind = call.get("InterfaceType") or _ORDINARY
    if kind != _ORDINARY:
        raise ServiceError(
            "InvalidParameterValue", f"Value ({kind}) for parameter interfaceType is invalid."
        )
    asked = {
        name: value
        for name, value in call.parameters.items()
        if name not in ("ClientToken", "DryRun")
    }
    return InterfaceRequest(
        call.get("SubnetId"),
        [*primaries[:1], *secondary],
        secondary_count or 0,
        chooses_primary=not primaries,
        ipv6=_addresses(call.get("Ipv6Addresses") or (), "Ipv6Address"),
        ipv6_count=ipv6_count,
        group_ids=call.get("Groups") or (),
        description=call.get("Description") or "",
        token=call.get("ClientToken") or "",
        digest=hashlib.blake2b(repr(sorted(asked.items())).encode(), digest_size=16).hexdigest(),
        tags=new_tags(call, "network-interface"),
    )


def _count(call: Call, name: str) -> int | None:
    """How many addresses are asked for."""
    count: int | None = call.get(name)
    if count is not None and count < 0:
        shown = name[0].lower() + name[1:]
        raise ServiceError(
            "InvalidParameterValue", f"Value ({count}) for parameter {shown} is invalid."
        )
    return count


def _addresses(given: Sequence[Mapping[str, Any]], member: str) -> list[str]:
    """One member of each; a structure without it says nothing."""
    if any(member not in one for one in given):
        name = member[0].lower() + member[1:]
        raise ServiceError("MissingParameter", f"The request must contain the parameter {name}")
    return [one[member] for one in given]


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        request = _request(call)
        with self._state.change() as change:
            made = create_interface(change, call.place, request)
            answer: dict[str, Any] = {
                "NetworkInterface": interface_members(call, change, made, "pending")
            }
        if request.token:
            answer["ClientToken"] = request.token
        return answer

    def delete(self, call: Call) -> None:
        with self._state.change() as change:
            delete_interface(change, call.place, call.get("NetworkInterfaceId"))

    def describe(self, call: Call) -> dict[str, Any]:
        found, token = chosen(
            call,
            self._state,
            NETWORK_INTERFACES,
            "NetworkInterfaceIds",
            lambda one: one.interface.interface_id,
            _filters(call, self._state),
        )
        answer = [interface_members(call, self._state, one) for one in found]
        return with_token({"NetworkInterfaces": answer}, token)

    def describe_attribute(self, call: Call) -> dict[str, Any]:
        found = interface_of(self._state, call.place, call.get("NetworkInterfaceId"))
        members: Mapping[str, tuple[str, Any]] = {
            "description": ("Description", {"Value": found.description}),
            "groupSet": ("Groups", group_members(call, self._state, found)),
            "sourceDestCheck": ("SourceDestCheck", {"Value": found.source_dest_check}),
            "attachment": (
                "Attachment",
                attachment_members(found, found.interface.account_id),
            ),
        }
        wanted = call.get("Attribute")
        if wanted not in members:
            raise ServiceError(
                "InvalidParameterValue" if wanted else "InvalidParameterCombination",
                f"Value ({wanted}) for parameter attribute is invalid. Unknown attribute."
                if wanted
                else "No attributes specified.",
            )
        name, value = members[wanted]
        return {"NetworkInterfaceId": found.interface.interface_id, name: value}

    def modify(self, call: Call) -> None:
        with self._state.change() as change:
            modify_interface(
                change,
                call.place,
                call.get("NetworkInterfaceId"),
                group_ids=call.get("Groups") or None,
                description=(call.get("Description") or {}).get("Value"),
                source_dest_check=boolean(call, "SourceDestCheck"),
            )

    def assign_ipv4(self, call: Call) -> dict[str, Any]:
        interface_id = call.get("NetworkInterfaceId")
        texts = call.get("PrivateIpAddresses") or ()
        count = _count(call, "SecondaryPrivateIpAddressCount") or 0
        _check_one(texts, count, "privateIpAddress", "secondaryPrivateIpAddressCount")
        with self._state.change() as change:
            made = assign_ipv4(
                change,
                call.place,
                interface_id,
                texts,
                count,
                reassigns=bool(call.get("AllowReassignment")),
            )
        return {
            "NetworkInterfaceId": interface_id,
            "AssignedPrivateIpAddresses": [{"PrivateIpAddress": str(one)} for one in made],
        }

    def unassign_ipv4(self, call: Call) -> None:
        with self._state.change() as change:
            unassign_ipv4(
                change,
                call.place,
                call.get("NetworkInterfaceId"),
                call.get("PrivateIpAddresses") or (),
            )

    def assign_ipv6(self, call: Call) -> dict[str, Any]:
        interface_id = call.get("NetworkInterfaceId")
        texts, count = call.get("Ipv6Addresses") or (), _count(call, "Ipv6AddressCount") or 0
        _check_one(texts, count, "ipv6Addresses", "ipv6AddressCount")
        with self._state.change() as change:
            made = assign_ipv6(change, call.place, interface_id, texts, count)
        return {
            "NetworkInterfaceId": interface_id,
            "AssignedIpv6Addresses": [str(one) for one in made],
        }

    def unassign_ipv6(self, call: Call) -> dict[str, Any]:
        interface_id = call.get("NetworkInterfaceId")
        with self._state.change() as change:
            gone = unassign_ipv6(change, call.place, interface_id, call.get("Ipv6Addresses") or ())
        return {
            "NetworkInterfaceId": interface_id,
            "UnassignedIpv6Addresses": [str(one) for one in gone],
        }


def _check_one(texts: Any, count: int, text_word: str, count_word: str) -> None:
    if bool(texts) == bool(count):
        raise ServiceError(
            "InvalidParameterCombination" if texts else "MissingParameter",
            f"The request must contain exactly one of {text_word} and {count_word}",
        )


def operations(network: NetworkService) -> list[Operation]:
    """The operations on network interfaces."""
    handlers = _Handlers(network)
    named = arns("network-interface", "NetworkInterfaceId")
    return [
        Operation(
            "CreateNetworkInterface",
            handlers.create,
            takes="SubnetId Description PrivateIpAddress PrivateIpAddresses "
            "SecondaryPrivateIpAddressCount Ipv6Addresses Ipv6AddressCount Groups InterfaceType "
            "ClientToken TagSpecifications",
            resources=lambda call: [
                *new_arn("network-interface")(call),
                *arns("subnet", "SubnetId")(call),
            ],
            note="Of the types only `interface`.",
        ),
        Operation(
            "DeleteNetworkInterface",
            handlers.delete,
            takes="NetworkInterfaceId",
            resources=named,
        ),
        Operation(
            "DescribeNetworkInterfaces",
            handlers.describe,
            takes=f"NetworkInterfaceIds {PAGED}",
            ignores={"IncludeManagedResources": "Nobody else manages interfaces here."},
        ),
        Operation(
            "DescribeNetworkInterfaceAttribute",
            handlers.describe_attribute,
            takes="NetworkInterfaceId Attribute",
            resources=named,
        ),
        Operation(
            "ModifyNetworkInterfaceAttribute",
            handlers.modify,
            takes="NetworkInterfaceId Groups Description SourceDestCheck",
            resources=named,
        ),
        Operation(
            "AssignPrivateIpAddresses",
            handlers.assign_ipv4,
            takes="NetworkInterfaceId PrivateIpAddresses SecondaryPrivateIpAddressCount "
            "AllowReassignment",
            resources=named,
        ),
        Operation(
            "UnassignPrivateIpAddresses",
            handlers.unassign_ipv4,
            takes="NetworkInterfaceId PrivateIpAddresses",
            resources=named,
        ),
        Operation(
            "AssignIpv6Addresses",
            handlers.assign_ipv6,
            takes="NetworkInterfaceId Ipv6Addresses Ipv6AddressCount",
            resources=named,
        ),
        Operation(
            "UnassignIpv6Addresses",
            handlers.unassign_ipv6,
            takes="NetworkInterfaceId Ipv6Addresses",
            resources=named,
        ),
    ]
