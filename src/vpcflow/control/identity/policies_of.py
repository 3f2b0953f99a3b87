"""Which policy documents count for a user or a role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.identity.aws_policies import AWS_POLICIES
from vpcflow.control.identity.records import (
    GROUPS,
    MANAGED_POLICIES,
    ROLES,
    USERS,
    Group,
    ManagedPolicy,
    Role,
    User,
    iam_arn,
    iam_place,
)
from vpcflow.control.state import Change, State


class PolicyDocuments(NamedTuple):
    """What an identity has: ``boundary`` is None when it has none."""

    identity: tuple[str, ...]
    boundary: str | None


def managed_policy(view: State | Change, arn: str) -> ManagedPolicy | None:
    """A managed policy by its ARN: AWS's or an account's own."""
    built_in = AWS_POLICIES.get(arn)
    if built_in is not None:
        return built_in
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("policy/"):
        return None
    found = view.get(MANAGED_POLICIES, iam_place(parts[4]), parts[5].rsplit("/", 1)[1])
    if found is None or iam_arn(parts[4], "policy", found.path, found.name) != arn:
        return None
    return found


def attachable_policy(view: State | Change, account_id: str, arn: str) -> ManagedPolicy | None:
    """A managed policy that an account may look at and attach: AWS's or its own."""
    if arn not in AWS_POLICIES and arn.split(":")[4:5] != [account_id]:
        return None
    return managed_policy(view, arn)


def documents_of_caller(view: State | Change, caller: Caller) -> PolicyDocuments:
    """The documents of the caller's user or role."""
    holder: User | Role | None
    place = iam_place(caller.account_id)
    if caller.kind in (CallerKind.USER, CallerKind.FEDERATED):
        holder = view.get(USERS, place, caller.name)
    else:
        holder = view.get(ROLES, place, caller.name)
    if holder is None:
        return PolicyDocuments((), None)
    return documents_of(view, caller.account_id, holder)


def documents_of(
    view: State | Change, account_id: str, holder: User | Role | Group
) -> PolicyDocuments:
    """The documents of a user with its groups, of a role, or of a group."""
    holders: list[User | Role | Group] = [holder]
    if isinstance(holder, User):
        groups = view.all(GROUPS, iam_place(account_id))
        holders += [groups[name] for name in holder.groups if name in groups]
    documents = [document for each in holders for document in each.inline.values()]
    documents += _attached(view, [arn for each in holders for arn in each.attached])
    if isinstance(holder, Group) or not holder.boundary:
        return PolicyDocuments(tuple(documents), None)
    # A boundary whose policy is gone allows nothing.
    boundary = managed_policy(view, holder.boundary)
    return PolicyDocuments(tuple(documents), boundary.document if boundary else "{}")


def _attached(view: State | Change, arns: Iterable[str]) -> list[str]:
    policies = (managed_policy(view, arn) for arn in arns)
    return [policy.document for policy in policies if policy is not None]
