"""Rules of security groups over EC2's API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vpcflow.api.aws.ec2.describe import (
    PAGED,
    chosen_of,
    new_tags,
    with_token,
)
from vpcflow.api.aws.ec2.security_groups import named_groups, peer_members, rule_members
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import SECURITY_GROUPS, NetworkService
from vpcflow.control.network.lookup import View, not_found
from vpcflow.control.network.permissions import (
    Permission,
    normal_ports,
    protocol_number,
    protocol_text,
    read_permissions,
    rule_network,
    shown_ports,
)
from vpcflow.control.network.resources import SecurityGroupResource
from vpcflow.control.network.security_groups import (
    authorize,
    describe_rules,
    group_by_id_or_name,
    modify_rules,
    named_group,
    revoke,
)
from vpcflow.policy.protocols import TCP, UDP
from vpcflow.policy.security_group import Direction, SecurityGroupRule

#: Parameters of one rule that stand for IpPermissions.
_FLAT = "IpProtocol FromPort ToPort CidrIp SourceSecurityGroupName SourceSecurityGroupOwnerId"
_PEERS_IN_WORDS = "cidrIp, cidrIpv6, prefixListId, or referencedGroupId"
_PEERS = ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId")


def _group(view: View, call: Call) -> SecurityGroupResource:
    return group_by_id_or_name(view, call.place, call.get("GroupId"), call.get("GroupName"))


def _flat_permission(call: Call) -> list[dict[str, Any]]:
    """The one rule of parameters outside of IpPermissions, in its form."""
    source = call.get("SourceSecurityGroupName")
    if call.get("IpProtocol") is None and call.get("CidrIp") is None and not source:
        return []
    item: dict[str, Any] = {
        "IpProtocol": call.get("IpProtocol") or ("-1" if source else None),
        "FromPort": call.get("FromPort"),
        "ToPort": call.get("ToPort"),
    }
    if call.get("CidrIp"):
        item["IpRanges"] = [{"CidrIp": call.get("CidrIp")}]
    if source:
        owner = call.get("SourceSecurityGroupOwnerId")
        item["UserIdGroupPairs"] = [{"GroupName": source, "UserId": owner}]
    return [item]


def read_request(call: Call, view: View, group: SecurityGroupResource) -> list[Permission]:
    """The rules that a request names, in IpPermissions or one by one."""

    def group_id_of(pair: Mapping[str, Any]) -> str:
        if pair.get("GroupId"):
            return str(pair["GroupId"])
        name = pair.get("GroupName")
        if not name:
            raise ServiceError(
                "MissingParameter", "The request must contain the parameter groupId or groupName"
            )
        found = named_group(view, call.place, group.group.vpc_id, name)
        if found is None:
            raise not_found(SECURITY_GROUPS.name, [name])
        return found.group.group_id

    items = [*(call.get("IpPermissions") or ()), *_flat_permission(call)]
    return read_permissions(items, group_id_of)


def _read_rule(request: Mapping[str, Any]) -> Permission:
    """A SecurityGroupRuleRequest.

    Errors: ServiceError ``InvalidParameterValue``, ``MissingParameter``.
    """
    if request.get("IpProtocol") is None:
        raise ServiceError(
            "InvalidParameterValue",
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols "
            "explicitly.",
        )
    peers = [name for name in _PEERS if request.get(name)]
    if len(peers) != 1:
        raise ServiceError(
            "InvalidParameterCombination" if peers else "MissingParameter",
            f"Only one of {_PEERS_IN_WORDS} can be specified"
            if peers
            else f"The request must contain exactly one of: {_PEERS_IN_WORDS}",
        )
    protocol = protocol_number(request["IpProtocol"])
    if protocol in (TCP, UDP) and None in (request.get("FromPort"), request.get("ToPort")):
        raise ServiceError(
            "InvalidParameterValue",
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
        )
    value = request[peers[0]]
    cidr = None
    if peers[0].startswith("Cidr"):
        cidr = rule_network(value, 4 if peers[0] == "CidrIpv4" else 6)
    return Permission(
        protocol,
        *normal_ports(protocol, request.get("FromPort"), request.get("ToPort")),
        cidr=cidr,
        prefix_list_id=value if peers[0] == "PrefixListId" else None,
        group_id=value if peers[0] == "ReferencedGroupId" else None,
        description=request.get("Description") or "",
    )


def _check_group_ids(values: Iterable[str]) -> None:
    for value in values:
        if not value.startswith(("sg-", "*", "?")):
            raise ServiceError(
                "InvalidGroupId.Malformed", f"The security group ID '{value}' is malformed"
            )


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def authorize_ingress(self, call: Call) -> dict[str, Any]:
        return self._authorize(call, Direction.INGRESS)

    def authorize_egress(self, call: Call) -> dict[str, Any]:
        return self._authorize(call, Direction.EGRESS)

    def _authorize(self, call: Call, direction: Direction) -> dict[str, Any]:
        tags = new_tags(call, "security-group-rule")
        with self._state.change() as change:
            found = _group(change, call)
            permissions = read_request(call, change, found)
            if not permissions:
                raise ServiceError(
                    "MissingParameter", "The request must contain the parameter ipPermissions"
                )
            made = authorize(change, call.place, found, direction, permissions, tags)
            rules = [rule_members(call, change, found.group.group_id, rule) for rule in made]
        return {"Return": True, "SecurityGroupRules": rules}

    def revoke_ingress(self, call: Call) -> dict[str, Any]:
        return self._revoke(call, Direction.INGRESS)

    def revoke_egress(self, call: Call) -> dict[str, Any]:
        return self._revoke(call, Direction.EGRESS)

    def _revoke(self, call: Call, direction: Direction) -> dict[str, Any]:
        rule_ids = call.get("SecurityGroupRuleIds") or ()
        with self._state.change() as change:
            found = _group(change, call)
            permissions = read_request(call, change, found)
            if not permissions and not rule_ids:
                raise ServiceError(
                    "MissingParameter",
                    "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
                )
            gone = revoke(change, call.place, found, direction, permissions, rule_ids)
        revoked = [_revoked_members(found.group.group_id, rule) for rule in gone]
        return {"Return": True, "RevokedSecurityGroupRules": revoked}

    def describe(self, call: Call) -> dict[str, Any]:
        for one in call.get("Filters") or ():
            if one.get("Name") == "group-id":
                _check_group_ids(one.get("Values") or ())
        groups = self._state.all(SECURITY_GROUPS, call.place)
        rules = {
            rule.rule_id: (group_id, rule)
            for group_id, resource in groups.items()
            for rule in resource.group.rules
        }
        found, token = chosen_of(
            call,
            self._state,
            rules,
            "security-group-rule",
            "SecurityGroupRuleIds",
            lambda one: one[1].rule_id,
            {
                "group-id": lambda one: [one[0]],
                "security-group-rule-id": lambda one: [one[1].rule_id],
            },
        )
        answer = [rule_members(call, self._state, group_id, rule) for group_id, rule in found]
        return with_token({"SecurityGroupRules": answer}, token)

    def modify(self, call: Call) -> dict[str, Any]:
        wanted = {
            item["SecurityGroupRuleId"]: _read_rule(item.get("SecurityGroupRule") or {})
            for item in call.get("SecurityGroupRules") or ()
        }
        with self._state.change() as change:
            modify_rules(change, call.place, _group(change, call), wanted)
        return {"Return": True}

    def describe_ingress(self, call: Call) -> dict[str, Any]:
        return self._update_descriptions(call, Direction.INGRESS)

    def describe_egress(self, call: Call) -> dict[str, Any]:
        return self._update_descriptions(call, Direction.EGRESS)

    def _update_descriptions(self, call: Call, direction: Direction) -> dict[str, Any]:
        by_id = {
            item.get("SecurityGroupRuleId", ""): item.get("Description") or ""
            for item in call.get("SecurityGroupRuleDescriptions") or ()
        }
        with self._state.change() as change:
            found = _group(change, call)
            permissions = read_request(call, change, found)
            if not permissions and not by_id:
                raise ServiceError(
                    "MissingParameter",
                    "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.",
                )
            describe_rules(change, call.place, found, direction, permissions, by_id)
        return {"Return": True}


def _revoked_members(group_id: str, rule: SecurityGroupRule) -> dict[str, Any]:
    first, last = shown_ports(rule) or (-1, -1)
    members: dict[str, Any] = {
        "SecurityGroupRuleId": rule.rule_id,
        "GroupId": group_id,
        "IsEgress": rule.direction is Direction.EGRESS,
        "IpProtocol": protocol_text(rule.protocol),
        "FromPort": first,
        "ToPort": last,
        **peer_members(rule),
    }
    if rule.group_id is not None:
        members["ReferencedGroupId"] = rule.group_id
    if rule.description:
        members["Description"] = rule.description
    return members


def operations(network: NetworkService) -> list[Operation]:
    """The operations on rules of security groups."""
    handlers = _Handlers(network)
    named = named_groups(network)
    note = "A peer of another account is looked for in the caller's."
    return [
        Operation(
            "AuthorizeSecurityGroupIngress",
            handlers.authorize_ingress,
            takes=f"GroupId GroupName IpPermissions TagSpecifications {_FLAT}",
            resources=named,
            note=note,
        ),
        Operation(
            "AuthorizeSecurityGroupEgress",
            handlers.authorize_egress,
            takes=f"GroupId IpPermissions TagSpecifications {_FLAT}",
            resources=named,
            note=note,
        ),
        Operation(
            "RevokeSecurityGroupIngress",
            handlers.revoke_ingress,
            takes=f"GroupId GroupName IpPermissions SecurityGroupRuleIds {_FLAT}",
            resources=named,
        ),
        Operation(
            "RevokeSecurityGroupEgress",
            handlers.revoke_egress,
            takes=f"GroupId IpPermissions SecurityGroupRuleIds {_FLAT}",
            resources=named,
        ),
        Operation(
            "DescribeSecurityGroupRules",
            handlers.describe,
            takes=f"SecurityGroupRuleIds {PAGED}",
        ),
        Operation(
            "ModifySecurityGroupRules",
            handlers.modify,
            takes="GroupId SecurityGroupRules",
            resources=named,
        ),
        Operation(
            "UpdateSecurityGroupRuleDescriptionsIngress",
            handlers.describe_ingress,
            takes="GroupId GroupName IpPermissions SecurityGroupRuleDescriptions",
            resources=named,
        ),
        Operation(
            "UpdateSecurityGroupRuleDescriptionsEgress",
            handlers.describe_egress,
            takes="GroupId GroupName IpPermissions SecurityGroupRuleDescriptions",
            resources=named,
        ),
    ]
