"""Network ACLs: their entries, and which subnets are under them."""

from __future__ import annotations

from dataclasses import replace

from vpcflow.base.errors import ServiceError
from vpcflow.control.ids import new_id
from vpcflow.control.network.lookup import (
    View,
    acl_of,
    check_own,
    dependency_violation,
    vpc_of,
)
from vpcflow.control.network.resources import (
    EVERYONE,
    NETWORK_ACLS,
    SUBNETS,
    NetworkAclResource,
    derived_id,
)
from vpcflow.control.state import Change, Place
from vpcflow.control.tags import add_tags, remove_tags
from vpcflow.policy.network_acl import RULE_NUMBER_LAST, NetworkAcl, NetworkAclEntry
from vpcflow.policy.security_group import Direction

#: Entries of one direction, without the last one, that an ACL may have.
ENTRIES_MAX = 40
_DEFAULT_RULE_NUMBERS = {4: 100, 6: 101}


def association_id(acl_id: str, subnet_id: str) -> str:
    """The id of the association of an ACL with a subnet."""
    return derived_id("aclassoc", acl_id, subnet_id)


def create_acl(
    change: Change,
    place: Place,
    vpc_id: str,
    *,
    is_default: bool = False,
    tags: dict[str, str] | None = None,
) -> NetworkAclResource:
    """Make an ACL; the default one allows everything, another nothing."""
    vpc = vpc_of(change, place, vpc_id).vpc
    acl_id = new_id("acl")
    entries: tuple[NetworkAclEntry, ...] = ()
    if is_default:
        for version in sorted({4, *(block.version for block in vpc.cidr_blocks)}):
            entries += _allow_all(version)
    made = NetworkAclResource(NetworkAcl(acl_id, vpc_id, entries=entries), is_default=is_default)
    change.put(NETWORK_ACLS, place, acl_id, made)
    add_tags(change, place, acl_id, "network-acl", tags or {})
    return made


def _allow_all(version: int) -> tuple[NetworkAclEntry, ...]:
    return tuple(
        NetworkAclEntry(_DEFAULT_RULE_NUMBERS[version], direction, True, EVERYONE[version])
        for direction in Direction
    )


def allow_ipv6(change: Change, place: Place, vpc_id: str) -> None:
    """Let the default ACL of a VPC that now has IPv6 allow it, where it has no such entry yet."""
    for found in list(change.all(NETWORK_ACLS, place).values()):
        if found.acl.vpc_id == vpc_id and found.is_default:
            numbers = {(entry.rule_number, entry.direction) for entry in found.acl.entries}
            more = tuple(
                entry
                for entry in _allow_all(6)
                if (entry.rule_number, entry.direction) not in numbers
            )
            _put_entries(change, place, found, (*found.acl.entries, *more))


def delete_acl(change: Change, place: Place, acl_id: str) -> None:
    """Delete an ACL.

    Errors: ServiceError ``DependencyViolation`` while subnets are under it,
    ``InvalidParameterValue`` for a VPC's default one, ``OperationNotPermitted``.
    """
    found = acl_of(change, place, acl_id)
    check_own(found, acl_id)
    if found.is_default:
        raise ServiceError("InvalidParameterValue", f"cannot delete default network ACL {acl_id}")
    if subnets_under(change, place, acl_id):
        raise dependency_violation("networkAcl", acl_id)
    change.remove(NETWORK_ACLS, place, acl_id)
    remove_tags(change, place, acl_id, None)


def subnets_under(view: View, place: Place, acl_id: str) -> list[str]:
    """The subnets that an ACL is for."""
    return [
        subnet_id
        for subnet_id, resource in view.all(SUBNETS, place).items()
        if resource.subnet.network_acl_id == acl_id
    ]


def put_entry(
    change: Change, place: Place, acl_id: str, entry: NetworkAclEntry, *, replaces: bool
) -> None:
    """Add an entry, or put it in the place of the one with its number.

    Errors: ServiceError ``NetworkAclEntryAlreadyExists``, ``InvalidNetworkAclEntry.NotFound``,
    ``NetworkAclEntryLimitExceeded``, ``InvalidParameterValue``, ``OperationNotPermitted``.
    """
    found = acl_of(change, place, acl_id)
    check_own(found, acl_id)
    if not 1 <= entry.rule_number < RULE_NUMBER_LAST:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({entry.rule_number}) for parameter ruleNumber is invalid. "
            f"Rule number must be between 1 and {RULE_NUMBER_LAST - 1}.",
        )
    left = _without(found, entry.rule_number, entry.direction)
    exists = len(left) < len(found.acl.entries)
    if exists and not replaces:
        raise ServiceError(
            "NetworkAclEntryAlreadyExists",
            f"The network acl entry identified by {entry.rule_number} already exists.",
        )
    if replaces and not exists:
        raise _no_entry(entry.rule_number)
    if sum(other.direction is entry.direction for other in left) >= ENTRIES_MAX:
        raise ServiceError(
            "NetworkAclEntryLimitExceeded",
            "The maximum number of network acl entries has been reached.",
        )
    _put_entries(change, place, found, (*left, entry))


def delete_entry(
    change: Change, place: Place, acl_id: str, rule_number: int, direction: Direction
) -> None:
    """Remove an entry.

    Errors: ServiceError ``InvalidNetworkAclEntry.NotFound``, ``OperationNotPermitted``.
    """
    found = acl_of(change, place, acl_id)
    check_own(found, acl_id)
    left = _without(found, rule_number, direction)
    if len(left) == len(found.acl.entries):
        raise _no_entry(rule_number)
    _put_entries(change, place, found, left)


def replace_association(change: Change, place: Place, wanted_id: str, acl_id: str) -> str:
    """Put the subnet of an association under another ACL; gives the new association's id.

    Errors: ServiceError ``InvalidAssociationID.NotFound``, ``InvalidParameterValue``.
    """
    acl = acl_of(change, place, acl_id).acl
    for subnet_id, found in change.all(SUBNETS, place).items():
        bound = found.subnet.network_acl_id
        if not bound or association_id(bound, subnet_id) != wanted_id:
            continue
        if acl.vpc_id != found.subnet.vpc_id:
            raise ServiceError(
                "InvalidParameterValue",
                f"networkAcl {acl_id} and subnet {subnet_id} belong to different networks",
            )
        subnet = replace(found.subnet, network_acl_id=acl_id)
        change.put(SUBNETS, place, subnet_id, replace(found, subnet=subnet, acl_changed=True))
        return association_id(acl_id, subnet_id)
    raise ServiceError(
        "InvalidAssociationID.NotFound", f"The association ID '{wanted_id}' does not exist"
    )


def _without(
    found: NetworkAclResource, rule_number: int, direction: Direction
) -> tuple[NetworkAclEntry, ...]:
    return tuple(
        entry
        for entry in found.acl.entries
        if (entry.rule_number, entry.direction) != (rule_number, direction)
    )


def _put_entries(
    change: Change, place: Place, found: NetworkAclResource, entries: tuple[NetworkAclEntry, ...]
) -> None:
    ordered = tuple(sorted(entries, key=lambda entry: (entry.direction, entry.rule_number)))
    acl = replace(found.acl, entries=ordered)
    change.put(NETWORK_ACLS, place, acl.network_acl_id, replace(found, acl=acl))


def _no_entry(rule_number: int) -> ServiceError:
    return ServiceError(
        "InvalidNetworkAclEntry.NotFound",
        f"The network acl entry identified by {rule_number} does not exist.",
    )
