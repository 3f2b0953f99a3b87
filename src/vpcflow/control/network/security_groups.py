"""Security groups and their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import (
    View,
    check_own,
    group_of,
    not_found,
    prefix_list_of,
    vpc_of,
)
from vpcflow.control.network.permissions import Permission, permission_of
from vpcflow.control.network.resources import (
    DEFAULT_GROUP_NAME,
    EVERYONE,
    NETWORK_INTERFACES,
    SECURITY_GROUPS,
    VPCS,
    Origin,
    SecurityGroupResource,
)
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.inventory.vpc import Vpc
from vpcflow.policy.security_group import (
    PROTOCOL_ALL,
    Direction,
    SecurityGroup,
    SecurityGroupRule,
)

#: Rules of one direction and one family of addresses that a group may have.
RULES_MAX = 60
_TEXT_LENGTH_MAX = 255
_DEFAULT_DESCRIPTION = "default VPC security group"


def create_default_group(change: Change, place: Place, vpc: Vpc) -> SecurityGroupResource:
    """Make the group that a VPC begins with: its members reach each other, and everyone."""
    group_id = new_id("sg")
    rules = (
        SecurityGroupRule(new_id("sgr"), Direction.INGRESS, group_id=group_id),
        *_all_egress(vpc),
    )
    group = SecurityGroup(group_id, vpc.vpc_id, DEFAULT_GROUP_NAME, rules)
    made = SecurityGroupResource(group, description=_DEFAULT_DESCRIPTION)
    change.put(SECURITY_GROUPS, place, group_id, made)
    return made


def create_group(
    change: Change,
    place: Place,
    name: str,
    description: str,
    vpc_id: str | None,
    tags: dict[str, str] | None = None,
) -> SecurityGroupResource:
    """Make a group that allows all egress.

    Errors: ServiceError ``InvalidGroup.Duplicate``, ``InvalidParameterValue``,
    ``VPCIdNotSpecified``.
    """
    _check_texts(name, description)
    vpc_id = vpc_id or default_vpc_id(change, place)
    vpc = vpc_of(change, place, vpc_id).vpc
    if named_group(change, place, vpc_id, name):
        raise ServiceError(
            "InvalidGroup.Duplicate",
            f"The security group '{name}' already exists for VPC '{vpc_id}'",
        )
    group_id = new_id("sg")
    group = SecurityGroup(group_id, vpc_id, name, _all_egress(vpc))
    made = SecurityGroupResource(group, description=description)
    change.put(SECURITY_GROUPS, place, group_id, made)
    add_tags(change, place, group_id, "security-group", tags or {})
    return made


def _all_egress(vpc: Vpc) -> tuple[SecurityGroupRule, ...]:
    """Rules that allow all egress, one for each family of the VPC's blocks."""
    versions = sorted({4, *(block.version for block in vpc.cidr_blocks)})
    return tuple(
        SecurityGroupRule(new_id("sgr"), Direction.EGRESS, cidr=EVERYONE[version])
        for version in versions
    )


def allow_ipv6_egress(change: Change, place: Place, vpc_id: str) -> None:
    """Let the default group of a VPC that now has IPv6 allow as much of it as of IPv4."""
    found = named_group(change, place, vpc_id, DEFAULT_GROUP_NAME)
    if found is None or found.origin is not Origin.API:
        return
    egress = [
        permission_of(rule) for rule in found.group.rules if rule.direction is Direction.EGRESS
    ]
    allowed = {one.cidr for one in egress if one.protocol == PROTOCOL_ALL}
    if EVERYONE[4] in allowed and EVERYONE[6] not in allowed:
        rule = SecurityGroupRule(new_id("sgr"), Direction.EGRESS, cidr=EVERYONE[6])
        _put_rules(change, place, found, (*found.group.rules, rule))


def _check_texts(name: str, description: str) -> None:
    if not name or len(name) > _TEXT_LENGTH_MAX or name.lower().startswith("sg-"):
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({name}) for parameter groupName is invalid. Group names have 1 to "
            f"{_TEXT_LENGTH_MAX} characters and may not be in the format sg-*.",
        )
    if not description or len(description) > _TEXT_LENGTH_MAX:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({description}) for parameter groupDescription is invalid. Descriptions have "
            f"1 to {_TEXT_LENGTH_MAX} characters.",
        )


def default_vpc_id(view: View, place: Place) -> str:
    """The default VPC.

    Errors: ServiceError ``VPCIdNotSpecified`` when there is none.
    """
    for vpc_id, resource in view.all(VPCS, place).items():
        if resource.is_default:
            return vpc_id
    raise ServiceError("VPCIdNotSpecified", "No default VPC for this user")


def named_group(view: View, place: Place, vpc_id: str, name: str) -> SecurityGroupResource | None:
    """The group of a name in a VPC."""
    for resource in view.all(SECURITY_GROUPS, place).values():
        if resource.group.vpc_id == vpc_id and resource.group.name == name:
            return resource
    return None


def group_by_id_or_name(
    view: View, place: Place, group_id: str | None, name: str | None
) -> SecurityGroupResource:
    """The group that a request names; a name is one in the default VPC.

    Errors: ServiceError ``InvalidGroup.NotFound``, ``MissingParameter``.
    """
    if group_id:
        return group_of(view, place, group_id)
    if not name:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter groupName or groupId"
        )
    found = named_group(view, place, default_vpc_id(view, place), name)
    if found is None:
        raise not_found(SECURITY_GROUPS.name, [name])
    return found


def delete_group(change: Change, place: Place, found: SecurityGroupResource) -> None:
    """Delete a group.

    Errors: ServiceError ``CannotDelete`` for a default one, ``DependencyViolation`` while
    interfaces or rules of other groups name it, ``OperationNotPermitted``.
    """
    group = found.group
    check_own(found, group.group_id)
    if group.name == DEFAULT_GROUP_NAME:
        raise ServiceError(
            "CannotDelete",
            f'the specified group: "{group.group_id}" name: "{group.name}" '
            "cannot be deleted by a user",
        )
    used = any(
        group.group_id in resource.interface.security_group_ids
        for resource in change.all(NETWORK_INTERFACES, place).values()
    ) or any(
        rule.group_id == group.group_id
        for other_id, other in change.all(SECURITY_GROUPS, place).items()
        if other_id != group.group_id
        for rule in other.group.rules
    )
    if used:
        raise ServiceError(
            "DependencyViolation", f"resource {group.group_id} has a dependent object"
        )
    for rule in group.rules:
        remove_tags(change, place, rule.rule_id, None)
    change.remove(SECURITY_GROUPS, place, group.group_id)
    remove_tags(change, place, group.group_id, None)


def authorize(
    change: Change,
    place: Place,
    found: SecurityGroupResource,
    direction: Direction,
    permissions: Sequence[Permission],
    tags: dict[str, str] | None = None,
) -> list[SecurityGroupRule]:
    """Add rules; all of them or none.

    Errors: ServiceError ``InvalidPermission.Duplicate``, ``RulesPerSecurityGroupLimitExceeded``,
    ``InvalidParameterValue``, ``InvalidGroup.NotFound``, ``InvalidPrefixListID.NotFound``.
    """
    group = found.group
    check_own(found, group.group_id)
    if len({permission.key for permission in permissions}) != len(permissions):
        raise ServiceError(
            "InvalidParameterValue", "The same permission must not appear multiple times"
        )
    held = {permission_of(rule).key for rule in group.rules if rule.direction is direction}
    for permission in permissions:
        check_peer(change, place, group, permission)
        if permission.key in held:
            raise ServiceError(
                "InvalidPermission.Duplicate",
                f'the specified rule "{permission}" already exists',
            )
    made = [permission.rule(new_id("sgr"), direction) for permission in permissions]
    _put_rules(change, place, found, (*group.rules, *made))
    for rule in made:
        add_tags(change, place, rule.rule_id, "security-group-rule", tags or {})
    return made


def revoke(
    change: Change,
    place: Place,
    found: SecurityGroupResource,
    direction: Direction,
    permissions: Sequence[Permission],
    rule_ids: Sequence[str] = (),
) -> list[SecurityGroupRule]:
    """Remove rules, named by what they say or by id; all of them or none.

    Errors: ServiceError ``InvalidPermission.NotFound``,
    ``InvalidSecurityGroupRuleId.NotFound``, ``OperationNotPermitted``.
    """
    check_own(found, found.group.group_id)
    of_direction = [rule for rule in found.group.rules if rule.direction is direction]
    by_id = {rule.rule_id: rule for rule in of_direction}
    missing = [rule_id for rule_id in rule_ids if rule_id not in by_id]
    if missing:
        raise not_found("security-group-rule", missing)
    by_key = {permission_of(rule).key: rule for rule in of_direction}
    gone = [by_id[rule_id] for rule_id in rule_ids]
    for permission in permissions:
        if permission.key not in by_key:
            raise no_such_rule()
        gone.append(by_key[permission.key])
    gone_ids = {rule.rule_id for rule in gone}
    left = tuple(rule for rule in found.group.rules if rule.rule_id not in gone_ids)
    _put_rules(change, place, found, left)
    for rule_id in gone_ids:
        remove_tags(change, place, rule_id, None)
    return gone


def no_such_rule() -> ServiceError:
    """The refusal of a rule that the group does not have."""
    return ServiceError(
        "InvalidPermission.NotFound", "The specified rule does not exist in this security group."
    )


def modify_rules(
    change: Change,
    place: Place,
    found: SecurityGroupResource,
    wanted: Mapping[str, Permission],
) -> None:
    """Put other contents into rules, by id; direction and id stay.

    Errors: ServiceError ``InvalidSecurityGroupRuleId.NotFound``, ``InvalidPermission.Duplicate``.
    """
    check_own(found, found.group.group_id)
    _check_known(found, wanted)
    rules: list[SecurityGroupRule] = []
    for rule in found.group.rules:
        permission = wanted.get(rule.rule_id)
        if permission is None:
            rules.append(rule)
            continue
        check_peer(change, place, found.group, permission)
        rules.append(permission.rule(rule.rule_id, rule.direction))
    seen: set[object] = set()
    for rule in rules:
        permission = permission_of(rule)
        if (rule.direction, permission.key) in seen:
            raise ServiceError(
                "InvalidPermission.Duplicate",
                f'the specified rule "{permission}" already exists',
            )
        seen.add((rule.direction, permission.key))
    _put_rules(change, place, found, tuple(rules))


def describe_rules(
    change: Change,
    place: Place,
    found: SecurityGroupResource,
    direction: Direction,
    permissions: Sequence[Permission],
    by_id: Mapping[str, str],
) -> None:
    """Give rules other descriptions: those of ``permissions``, and those of ids.

    Errors: ServiceError ``InvalidPermission.NotFound``, ``InvalidSecurityGroupRuleId.NotFound``.
    """
    check_own(found, found.group.group_id)
    _check_known(found, by_id)
    texts = {permission.key: permission.description for permission in permissions}
    known = {permission_of(rule).key for rule in found.group.rules if rule.direction is direction}
    if not texts.keys() <= known:
        raise no_such_rule()
    rules = tuple(
        replace(
            rule,
            description=by_id.get(
                rule.rule_id,
                texts.get(permission_of(rule).key, rule.description)
                if rule.direction is direction
                else rule.description,
            ),
        )
        for rule in found.group.rules
    )
    _put_rules(change, place, found, rules)


def check_peer(view: View, place: Place, group: SecurityGroup, permission: Permission) -> None:
    """Refuse a rule whose peer is not there, or is in another network.

    Errors: ServiceError ``InvalidGroup.NotFound``, ``InvalidPrefixListID.NotFound``.
    """
    if permission.prefix_list_id is not None:
        prefix_list_of(view, place, permission.prefix_list_id)
    if permission.group_id is None or permission.group_id == group.group_id:
        return
    if group_of(view, place, permission.group_id).group.vpc_id != group.vpc_id:
        raise ServiceError(
            "InvalidGroup.NotFound",
            "You have specified two resources that belong to different networks.",
        )


def _check_known(found: SecurityGroupResource, wanted: Mapping[str, object]) -> None:
    known = {rule.rule_id for rule in found.group.rules}
    missing = [rule_id for rule_id in wanted if rule_id not in known]
    if missing:
        raise not_found("security-group-rule", missing)


def _put_rules(
    change: Change,
    place: Place,
    found: SecurityGroupResource,
    rules: tuple[SecurityGroupRule, ...],
) -> None:
    counts = Counter(
        (rule.direction, version)
        for rule in rules
        for version in ((rule.cidr.version,) if rule.cidr else (4, 6))
    )
    if len(rules) > len(found.group.rules) and any(count > RULES_MAX for count in counts.values()):
        raise ServiceError(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        )
    if rules != found.group.rules:
        group = replace(found.group, rules=rules)
        change.put(SECURITY_GROUPS, place, group.group_id, replace(found, group=group))
