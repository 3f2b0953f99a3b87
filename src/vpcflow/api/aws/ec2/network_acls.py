"""Network ACLs over EC2's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    arns,
    chosen,
    new_arn,
    new_tags,
    tag_members,
    text_of,
    with_token,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import NETWORK_ACLS, VPCS, NetworkService
from vpcflow.control.network.lookup import View
from vpcflow.control.network.network_acls import (
    association_id,
    create_acl,
    delete_acl,
    delete_entry,
    put_entry,
    replace_association,
    subnets_under,
)
from vpcflow.control.network.networks import parse_network
from vpcflow.control.network.permissions import normal_ports, protocol_number
from vpcflow.control.network.resources import EVERYONE, NetworkAclResource
from vpcflow.policy.network_acl import RULE_NUMBER_LAST, NetworkAclEntry
from vpcflow.policy.protocols import ICMP, ICMPV6, TCP, UDP
from vpcflow.policy.security_group import PORT_MAX, Direction

#: What AWS shows as the numbers of the entries that deny the rest of each family.
_LAST_NUMBERS = {4: RULE_NUMBER_LAST, 6: RULE_NUMBER_LAST + 1}

Values = Callable[[NetworkAclResource], list[str]]


def all_entries(view: View, call: Call, resource: NetworkAclResource) -> list[NetworkAclEntry]:
    """The entries of an ACL with the last ones, which deny the rest; egress first, as AWS answers."""
    vpc = view.get(VPCS, call.place, resource.acl.vpc_id)
    has_ipv6 = vpc is not None and any(block.version == 6 for block in vpc.vpc.cidr_blocks)
    last = [
        NetworkAclEntry(number, direction, False, EVERYONE[version])
        for direction in Direction
        for version, number in _LAST_NUMBERS.items()
        if version == 4 or has_ipv6
    ]
    return sorted(
        [*resource.acl.entries, *last],
        key=lambda entry: (entry.direction is not Direction.EGRESS, entry.rule_number),
    )


def entry_members(entry: NetworkAclEntry) -> dict[str, Any]:
    """An entry as the API answers it."""
    cidr = "CidrBlock" if entry.cidr.version == 4 else "Ipv6CidrBlock"
    members: dict[str, Any] = {
        cidr: str(entry.cidr),
        "Egress": entry.direction is Direction.EGRESS,
        "Protocol": str(entry.protocol),
        "RuleAction": "allow" if entry.allow else "deny",
        "RuleNumber": entry.rule_number,
    }
    if entry.protocol in (TCP, UDP):
        members["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    if entry.protocol in (ICMP, ICMPV6):
        members["IcmpTypeCode"] = {"Type": entry.from_port, "Code": entry.to_port}
    return members


def _entry_values(view: View, call: Call, *path: str) -> Values:
    def values(one: NetworkAclResource) -> list[str]:
        found: list[str] = []
        for entry in all_entries(view, call, one):
            value: Any = entry_members(entry)
            for name in path:
                value = value.get(name) if value is not None else None
            if value is not None:
                found.append(text_of(value) if isinstance(value, bool) else str(value))
        return found

    return values


def _filters(call: Call, view: View) -> dict[str, Any]:
    def subnets(one: NetworkAclResource) -> list[str]:
        return subnets_under(view, call.place, one.acl.network_acl_id)

    known: dict[str, Values] = {
        "association.association-id": lambda one: [
            association_id(one.acl.network_acl_id, subnet_id) for subnet_id in subnets(one)
        ],
        "association.network-acl-id": lambda one: [one.acl.network_acl_id for _ in subnets(one)],
        "association.subnet-id": subnets,
        "default": lambda one: [text_of(one.is_default)],
        "entry.cidr": _entry_values(view, call, "CidrBlock"),
        "entry.icmp.code": _entry_values(view, call, "IcmpTypeCode", "Code"),
        "entry.icmp.type": _entry_values(view, call, "IcmpTypeCode", "Type"),
        "entry.ipv6-cidr": _entry_values(view, call, "Ipv6CidrBlock"),
        "entry.port-range.from": _entry_values(view, call, "PortRange", "From"),
        "entry.port-range.to": _entry_values(view, call, "PortRange", "To"),
        "entry.protocol": _entry_values(view, call, "Protocol"),
        "entry.rule-action": _entry_values(view, call, "RuleAction"),
        "entry.egress": _entry_values(view, call, "Egress"),
        "entry.rule-number": _entry_values(view, call, "RuleNumber"),
        "network-acl-id": lambda one: [one.acl.network_acl_id],
        "owner-id": lambda _: [call.caller.account_id],
        "vpc-id": lambda one: [one.acl.vpc_id],
    }
    return {**known}


def acl_members(call: Call, view: View, resource: NetworkAclResource) -> dict[str, Any]:
    """A network ACL as the API answers it."""
    acl_id = resource.acl.network_acl_id
    return {
        "Associations": [
            {
                "NetworkAclAssociationId": association_id(acl_id, subnet_id),
                "NetworkAclId": acl_id,
                "SubnetId": subnet_id,
            }
            for subnet_id in subnets_under(view, call.place, acl_id)
        ],
        "Entries": [entry_members(entry) for entry in all_entries(view, call, resource)],
        "IsDefault": resource.is_default,
        "NetworkAclId": acl_id,
        "Tags": tag_members(call, view, acl_id),
        "VpcId": resource.acl.vpc_id,
        "OwnerId": call.caller.account_id,
    }


def _read_entry(call: Call) -> NetworkAclEntry:
    """The entry that a request describes.

    Errors: ServiceError ``InvalidParameterValue``, ``MissingParameter``.
    """
    cidr, ipv6_cidr = call.get("CidrBlock"), call.get("Ipv6CidrBlock")
    if bool(cidr) == bool(ipv6_cidr):
        raise ServiceError(
            "InvalidParameterCombination" if cidr else "MissingParameter",
            "The request must contain exactly one of cidrBlock and ipv6CidrBlock",
        )
    network = (
        parse_network(cidr, "cidrBlock", 4)
        if cidr
        else parse_network(ipv6_cidr, "ipv6CidrBlock", 6)
    )
    protocol = protocol_number(call.get("Protocol"))
    first, last = 0, PORT_MAX
    if protocol in (TCP, UDP):
        ports = call.get("PortRange") or {}
        first, last = normal_ports(protocol, ports.get("From"), ports.get("To"))
    elif protocol in (ICMP, ICMPV6):
        kind = call.get("IcmpTypeCode") or {}
        first, last = normal_ports(protocol, kind.get("Type"), kind.get("Code"))
    action = (call.get("RuleAction") or "").lower()
    if action not in ("allow", "deny"):
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({call.get('RuleAction')}) for parameter ruleAction is invalid. Unknown rule action.",
        )
    return NetworkAclEntry(
        call.get("RuleNumber"),
        _direction(call),
        action == "allow",
        network,
        protocol,
        first,
        last,
    )


def _direction(call: Call) -> Direction:
    return Direction.EGRESS if call.get("Egress") else Direction.INGRESS


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, "network-acl")
        with self._state.change() as change:
            made = create_acl(change, call.place, call.get("VpcId"), tags=tags)
            return {"NetworkAcl": acl_members(call, change, made)}

    def delete(self, call: Call) -> None:
        with self._state.change() as change:
            delete_acl(change, call.place, call.get("NetworkAclId"))

    def describe(self, call: Call) -> dict[str, Any]:
        found, token = chosen(
            call,
            self._state,
            NETWORK_ACLS,
            "NetworkAclIds",
            lambda one: one.acl.network_acl_id,
            _filters(call, self._state),
        )
        answer = [acl_members(call, self._state, one) for one in found]
        return with_token({"NetworkAcls": answer}, token)

    def create_entry(self, call: Call) -> None:
        self._put_entry(call, replaces=False)

    def replace_entry(self, call: Call) -> None:
        self._put_entry(call, replaces=True)

    def _put_entry(self, call: Call, *, replaces: bool) -> None:
        entry = _read_entry(call)
        with self._state.change() as change:
            put_entry(change, call.place, call.get("NetworkAclId"), entry, replaces=replaces)

    def delete_entry(self, call: Call) -> None:
        with self._state.change() as change:
            delete_entry(
                change,
                call.place,
                call.get("NetworkAclId"),
                call.get("RuleNumber"),
                _direction(call),
            )

    def replace_association(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            made = replace_association(
                change, call.place, call.get("AssociationId"), call.get("NetworkAclId")
            )
        return {"NewAssociationId": made}


def operations(network: NetworkService) -> list[Operation]:
    """The operations on network ACLs."""
    handlers = _Handlers(network)
    named = arns("network-acl", "NetworkAclId")
    entry = (
        "NetworkAclId RuleNumber Protocol RuleAction Egress CidrBlock Ipv6CidrBlock "
        "IcmpTypeCode PortRange"
    )
    # Its letters count no more than at AWS.
    any_case = frozenset({"RuleAction"})
    return [
        Operation(
            "CreateNetworkAcl",
            handlers.create,
            takes="VpcId TagSpecifications",
            ignores={"ClientToken": "A repeated request makes one more ACL."},
            resources=new_arn("network-acl"),
        ),
        Operation("DeleteNetworkAcl", handlers.delete, takes="NetworkAclId", resources=named),
        Operation("DescribeNetworkAcls", handlers.describe, takes=f"NetworkAclIds {PAGED}"),
        Operation(
            "CreateNetworkAclEntry",
            handlers.create_entry,
            takes=entry,
            resources=named,
            raw_members=any_case,
        ),
        Operation(
            "ReplaceNetworkAclEntry",
            handlers.replace_entry,
            takes=entry,
            resources=named,
            raw_members=any_case,
        ),
        Operation(
            "DeleteNetworkAclEntry",
            handlers.delete_entry,
            takes="NetworkAclId RuleNumber Egress",
            resources=named,
        ),
        Operation(
            "ReplaceNetworkAclAssociation",
            handlers.replace_association,
            takes="AssociationId NetworkAclId",
            resources=named,
        ),
    ]
