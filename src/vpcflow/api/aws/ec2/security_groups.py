"""Security groups over EC2's API."""

from __future__ import annotations

from collections.abc import Callable
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
from vpcflow.base.errors import ServiceError
from vpcflow.control.network import SECURITY_GROUPS, NetworkService
from vpcflow.control.network.lookup import View, not_found, vpc_of
from vpcflow.control.network.permissions import (
    permission_answer,
    protocol_text,
    shown_ports,
)
from vpcflow.control.network.resources import SecurityGroupResource
from vpcflow.control.network.security_groups import (
    create_group,
    default_vpc_id,
    delete_group,
    group_by_id_or_name,
    named_group,
)
from vpcflow.policy.security_group import Direction, SecurityGroupRule

#: The filters of GetSecurityGroupsForVpc, beside ``primary-vpc-id``.
_OF_VPC = ("description", "group-id", "group-name", "owner-id")
Values = Callable[[SecurityGroupResource], list[str]]


def _rule_values(direction: Direction, value: Callable[[SecurityGroupRule], object]) -> Values:
    def values(one: SecurityGroupResource) -> list[str]:
        found = (value(rule) for rule in one.group.rules if rule.direction is direction)
        return [str(item) for item in found if item is not None]

    return values


def _rule_filters(view: View, call: Call) -> dict[str, Values]:
    groups = view.all(SECURITY_GROUPS, call.place)

    def port(number: int) -> Callable[[SecurityGroupRule], object]:
        return lambda rule: ports[number] if (ports := shown_ports(rule)) else None

    def cidr(version: int) -> Callable[[SecurityGroupRule], object]:
        return lambda rule: rule.cidr if rule.cidr and rule.cidr.version == version else None

    def name(rule: SecurityGroupRule) -> object:
        peer = groups.get(rule.group_id or "")
        return peer.group.name if peer else None

    questions: dict[str, Callable[[SecurityGroupRule], object]] = {
        "cidr": cidr(4),
        "from-port": port(0),
        "group-id": lambda rule: rule.group_id,
        "group-name": name,
        "ipv6-cidr": cidr(6),
        "prefix-list-id": lambda rule: rule.prefix_list_id,
        "protocol": lambda rule: protocol_text(rule.protocol),
        "to-port": port(1),
        "user-id": lambda rule: call.caller.account_id if rule.group_id else None,
    }
    filters = {
        f"{prefix}ip-permission.{word}": _rule_values(direction, value)
        for prefix, direction in (("", Direction.INGRESS), ("egress.", Direction.EGRESS))
        for word, value in questions.items()
    }
    # AWS finds no group by the name of one that it may send to.
    return {**filters, "egress.ip-permission.group-name": lambda _: []}


def _filters(call: Call, view: View) -> dict[str, Any]:
    return {
        "description": lambda one: [one.description],
        "group-id": lambda one: [one.group.group_id],
        "group-name": lambda one: [one.group.name],
        "owner-id": lambda _: [call.caller.account_id],
        "vpc-id": lambda one: [one.group.vpc_id],
        **_rule_filters(view, call),
    }


def group_members(call: Call, view: View, resource: SecurityGroupResource) -> dict[str, Any]:
    """A security group as the API answers it."""
    group, account_id = resource.group, call.caller.account_id
    return {
        "GroupId": group.group_id,
        "IpPermissionsEgress": permission_answer(group.rules, Direction.EGRESS, account_id),
        "Tags": tag_members(call, view, group.group_id),
        "VpcId": group.vpc_id,
        "SecurityGroupArn": resource_arn(call, "security-group", group.group_id),
        "OwnerId": account_id,
        "GroupName": group.name,
        "Description": resource.description,
        "IpPermissions": permission_answer(group.rules, Direction.INGRESS, account_id),
    }


def rule_members(call: Call, view: View, group_id: str, rule: SecurityGroupRule) -> dict[str, Any]:
    """A rule as the API answers it."""
    account_id = call.caller.account_id
    first, last = shown_ports(rule) or (-1, -1)
    members: dict[str, Any] = {
        "SecurityGroupRuleId": rule.rule_id,
        "GroupId": group_id,
        "GroupOwnerId": account_id,
        "IsEgress": rule.direction is Direction.EGRESS,
        "IpProtocol": protocol_text(rule.protocol),
        "FromPort": first,
        "ToPort": last,
        **peer_members(rule),
        "Tags": tag_members(call, view, rule.rule_id),
        "SecurityGroupRuleArn": resource_arn(call, "security-group-rule", rule.rule_id),
    }
    if rule.group_id is not None:
        members["ReferencedGroupInfo"] = {"GroupId": rule.group_id, "UserId": account_id}
    if rule.description:
        members["Description"] = rule.description
    return members


def peer_members(rule: SecurityGroupRule) -> dict[str, str]:
    """Who the other side of a rule is, but for a group."""
    if rule.prefix_list_id is not None:
        return {"PrefixListId": rule.prefix_list_id}
    if rule.cidr is None:
        return {}
    return {"CidrIpv4" if rule.cidr.version == 4 else "CidrIpv6": str(rule.cidr)}


class _Handlers:
    def __init__(self, network: NetworkService) -> None:
        self._state = network.state

    def of_vpc(self, call: Call) -> dict[str, Any]:
        vpc_id = call.get("VpcId")
        vpc_of(self._state, call.place, vpc_id)
        groups = [
            one
            for one in self._state.all(SECURITY_GROUPS, call.place).values()
            if one.group.vpc_id == vpc_id
        ]
        known = {**_filters(call, self._state)}
        known = {name: known[name] for name in _OF_VPC} | {"primary-vpc-id": known["vpc-id"]}
        found, token = paged(call, self._state, groups, lambda one: one.group.group_id, known)
        answer = [
            {
                "Description": one.description,
                "GroupName": one.group.name,
                "OwnerId": call.caller.account_id,
                "GroupId": one.group.group_id,
                "Tags": tag_members(call, self._state, one.group.group_id),
                "PrimaryVpcId": vpc_id,
            }
            for one in found
        ]
        return with_token({"SecurityGroupForVpcs": answer}, token)

    def create(self, call: Call) -> dict[str, Any]:
        tags = new_tags(call, "security-group")
        with self._state.change() as change:
            made = create_group(
                change,
                call.place,
                call.get("GroupName"),
                call.get("Description"),
                call.get("VpcId"),
                tags,
            )
            group_id = made.group.group_id
            return {
                "GroupId": group_id,
                # As recorded at AWS: without tags, no member.
                "Tags": tag_members(call, change, group_id) or None,
                "SecurityGroupArn": resource_arn(call, "security-group", group_id),
            }

    def delete(self, call: Call) -> dict[str, Any]:
        with self._state.change() as change:
            found = group_by_id_or_name(
                change, call.place, call.get("GroupId"), call.get("GroupName")
            )
            delete_group(change, call.place, found)
        return {"Return": True, "GroupId": found.group.group_id}

    def describe(self, call: Call) -> dict[str, Any]:
        names = call.get("GroupNames")
        filters = _filters(call, self._state)
        if names:
            vpc_id = default_vpc_id(self._state, call.place)
            groups = {name: named_group(self._state, call.place, vpc_id, name) for name in names}
            missing = [name for name, group in groups.items() if group is None]
            if missing:
                raise not_found(SECURITY_GROUPS.name, missing)
            wanted = {group.group.group_id for group in groups.values() if group}
            held = self._state.all(SECURITY_GROUPS, call.place)
            unknown = [key for key in call.get("GroupIds") or () if key not in held]
            if unknown:
                raise not_found(SECURITY_GROUPS.name, unknown)
            chosen_groups = [held[key] for key in sorted({*wanted, *(call.get("GroupIds") or ())})]
            found, token = paged(
                call,
                self._state,
                chosen_groups,
                lambda one: one.group.group_id,
                filters,
                "GroupNames",
            )
        else:
            found, token = chosen(
                call,
                self._state,
                SECURITY_GROUPS,
                "GroupIds",
                lambda one: one.group.group_id,
                filters,
            )
        answer = [group_members(call, self._state, one) for one in found]
        return with_token({"SecurityGroups": answer}, token)


def named_groups(network: NetworkService) -> Callable[[Call], list[str]]:
    """Says the ARN of the group that a request names, by its name as well as by its id."""

    def of_call(call: Call) -> list[str]:
        group_id = call.get("GroupId")
        if not group_id and call.get("GroupName"):
            # A policy about a group holds whatever the caller calls it.
            try:
                found = group_by_id_or_name(network.state, call.place, None, call.get("GroupName"))
                group_id = found.group.group_id
            except ServiceError:
                group_id = None
        return [resource_arn(call, "security-group", str(group_id or "*"))]

    return of_call


def operations(network: NetworkService) -> list[Operation]:
    """The operations on security groups; those on their rules are apart."""
    handlers = _Handlers(network)
    return [
        Operation(
            "CreateSecurityGroup",
            handlers.create,
            takes="GroupName Description VpcId TagSpecifications",
            resources=new_arn("security-group"),
        ),
        Operation(
            "DeleteSecurityGroup",
            handlers.delete,
            takes="GroupId GroupName",
            resources=named_groups(network),
        ),
        Operation(
            "DescribeSecurityGroups",
            handlers.describe,
            takes=f"GroupIds GroupNames {PAGED}",
        ),
        Operation(
            "GetSecurityGroupsForVpc",
            handlers.of_vpc,
            takes=f"VpcId {PAGED}",
            resources=arns("vpc", "VpcId"),
        ),
    ]
