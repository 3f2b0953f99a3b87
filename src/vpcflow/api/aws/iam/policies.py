"""IAM's operations on managed policies and their versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vpcflow.api.aws.iam import show
from vpcflow.api.aws.iam.lookup import (
    View,
    check_free,
    check_size,
    no_such,
    paged,
    path_given,
    place_of,
    policy_of,
    tag_items,
    tags_given,
    tags_without,
    under_path,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.identity import (
    AWS_POLICIES,
    GROUPS,
    MANAGED_POLICIES,
    ROLES,
    USERS,
    VERSIONS_PER_POLICY_MAX,
    Group,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
    iam_arn,
    unique_id,
)
from vpcflow.control.permissions import PolicyUse, check_policy
from vpcflow.control.state import Change, State

Answer = Mapping[str, Any] | None
#: Characters of a managed policy, without blanks.
POLICY_SIZE_MAX = 6_144


class Policies:
    """Managed policies; AWS's own are read only."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        by_arn = _arn_given
        return [
            Operation(
                "CreatePolicy",
                self.create,
                "PolicyName Path PolicyDocument Description Tags",
                resources=_arn_to_be,
            ),
            Operation("GetPolicy", self.get, "PolicyArn", resources=by_arn),
            Operation(
                "ListPolicies",
                self.list,
                "Scope OnlyAttached PathPrefix PolicyUsageFilter Marker MaxItems",
            ),
            Operation("DeletePolicy", self.delete, "PolicyArn", resources=by_arn),
            Operation(
                "CreatePolicyVersion",
                self.create_version,
                "PolicyArn PolicyDocument SetAsDefault",
                resources=by_arn,
            ),
            Operation(
                "GetPolicyVersion", self.get_version, "PolicyArn VersionId", resources=by_arn
            ),
            Operation(
                "ListPolicyVersions",
                self.list_versions,
                "PolicyArn Marker MaxItems",
                resources=by_arn,
            ),
            Operation(
                "DeletePolicyVersion", self.delete_version, "PolicyArn VersionId", resources=by_arn
            ),
            Operation(
                "SetDefaultPolicyVersion",
                self.set_default,
                "PolicyArn VersionId",
                resources=by_arn,
            ),
            Operation("TagPolicy", self.tag, "PolicyArn Tags", resources=by_arn),
            Operation("UntagPolicy", self.untag, "PolicyArn TagKeys", resources=by_arn),
            Operation(
                "ListPolicyTags", self.list_tags, "PolicyArn Marker MaxItems", resources=by_arn
            ),
            Operation(
                "ListEntitiesForPolicy",
                self.entities,
                "PolicyArn EntityFilter PathPrefix PolicyUsageFilter Marker MaxItems",
                resources=by_arn,
            ),
        ]

    def create(self, call: Call) -> Answer:
        name, path, tags = str(call.get("PolicyName")), path_given(call), tags_given(call)
        document = _document(call)
        with self._state.change() as change:
            check_free(
                change,
                MANAGED_POLICIES,
                call,
                name,
                f"A policy called {name} already exists. Duplicate names are not allowed.",
            )
            policy = ManagedPolicy(
                name,
                unique_id("ANPA"),
                call.now_s,
                call.now_s,
                "v1",
                {"v1": PolicyVersion(document, call.now_s)},
                path=path,
                description=call.get("Description"),
                tags=tags,
            )
            change.put(MANAGED_POLICIES, place_of(call), name, policy)
        shown = show.policy(call.caller.account_id, policy, 0, 0)
        return {"Policy": {**shown, "Tags": tag_items(tags) or None}}

    def get(self, call: Call) -> Answer:
        policy = policy_of(self._state, call)
        return {"Policy": self._shown(call, policy, whole=True)}

    def list(self, call: Call) -> Answer:
        scope, usage = call.get("Scope") or "All", call.get("PolicyUsageFilter")
        policies: list[ManagedPolicy] = []
        if scope in ("All", "Local"):
            policies += self._state.all(MANAGED_POLICIES, place_of(call)).values()
        if scope in ("All", "AWS"):
            policies += AWS_POLICIES.values()
        shown = [self._shown(call, policy) for policy in under_path(call, policies)]
        counts = {
            None: ("AttachmentCount", "PermissionsBoundaryUsageCount"),
            "PermissionsPolicy": ("AttachmentCount",),
            "PermissionsBoundary": ("PermissionsBoundaryUsageCount",),
        }[usage]
        if call.get("OnlyAttached") or usage:
            shown = [each for each in shown if any(each[count] for count in counts)]
        return paged(call, "Policies", shown, lambda each: str(each["Arn"]), lambda each: each)

    def delete(self, call: Call) -> Answer:
        with self._state.change() as change:
            policy = _own(change, call)
            attached, bounding = _uses(change, call, policy)
            if attached or bounding:
                raise ServiceError(
                    "DeleteConflict", "Cannot delete a policy attached to entities.", status=409
                )
            if len(policy.versions) > 1:
                raise ServiceError(
                    "DeleteConflict",
                    "This policy has more than one version. Before you delete a policy, you must "
                    "delete the policy's versions. The default version is deleted with the policy.",
                    status=409,
                )
            change.remove(MANAGED_POLICIES, place_of(call), policy.name)
        return None

    def create_version(self, call: Call) -> Answer:
        with self._state.change() as change:
            policy = _own(change, call)
            document = _document(call)
            if len(policy.versions) >= VERSIONS_PER_POLICY_MAX:
                raise ServiceError(
                    "LimitExceeded",
                    f"A managed policy can have up to {VERSIONS_PER_POLICY_MAX} versions. Before "
                    "you create a new version, you must delete an existing version.",
                    status=409,
                )
            number = policy.last_version + 1
            name = f"v{number}"
            changed = replace(
                policy,
                versions={**policy.versions, name: PolicyVersion(document, call.now_s)},
                last_version=number,
                default_version=name if call.get("SetAsDefault") else policy.default_version,
                updated_s=call.now_s,
            )
            change.put(MANAGED_POLICIES, place_of(call), policy.name, changed)
        return {"PolicyVersion": show.version(changed, name)}

    def get_version(self, call: Call) -> Answer:
        policy = policy_of(self._state, call)
        name = _version_of(policy, call)
        return {"PolicyVersion": show.version(policy, name, document=True)}

    def list_versions(self, call: Call) -> Answer:
        policy = policy_of(self._state, call)
        # The newest first; markers go by the order of keys.
        return paged(
            call,
            "Versions",
            policy.versions,
            lambda name: f"{1_000_000_000 - int(name[1:]):010d}",
            lambda name: show.version(policy, name),
        )

    def delete_version(self, call: Call) -> Answer:
        with self._state.change() as change:
            policy = _own(change, call)
            name = _version_of(policy, call)
            if name == policy.default_version:
                raise ServiceError(
                    "DeleteConflict", "Cannot delete the default version of a policy.", status=409
                )
            versions = {each: held for each, held in policy.versions.items() if each != name}
            changed = replace(policy, versions=versions)
            change.put(MANAGED_POLICIES, place_of(call), policy.name, changed)
        return None

    def set_default(self, call: Call) -> Answer:
        with self._state.change() as change:
            policy = _own(change, call)
            changed = replace(
                policy, default_version=_version_of(policy, call), updated_s=call.now_s
            )
            change.put(MANAGED_POLICIES, place_of(call), policy.name, changed)
        return None

    def tag(self, call: Call) -> Answer:
        with self._state.change() as change:
            policy = _own(change, call)
            changed = replace(policy, tags=tags_given(call, policy.tags))
            change.put(MANAGED_POLICIES, place_of(call), policy.name, changed)
        return None

    def untag(self, call: Call) -> Answer:
        with self._state.change() as change:
            policy = _own(change, call)
            changed = replace(policy, tags=tags_without(call, policy.tags))
            change.put(MANAGED_POLICIES, place_of(call), policy.name, changed)
        return None

    def list_tags(self, call: Call) -> Answer:
        tags = tag_items(policy_of(self._state, call).tags)
        return paged(call, "Tags", tags, lambda tag: tag["Key"], lambda tag: tag)

    def entities(self, call: Call) -> Answer:
        arn = str(call.get("PolicyArn"))
        policy_of(self._state, call)
        wanted, usage = call.get("EntityFilter"), call.get("PolicyUsageFilter")
        found: list[tuple[str, User | Group | Role]] = []
        for member, kind, holders in _holders(self._state, call):
            if wanted in (None, kind):
                found += [
                    (member, each)
                    for each in under_path(call, holders)
                    if _uses_policy(each, arn, usage)
                ]
        page = paged(
            call, "Found", found, lambda each: f"{each[0]} {each[1].name}", lambda each: each
        )
        answer: dict[str, Any] = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
        for member, each in page.pop("Found"):
            noun = member.removeprefix("Policy").removesuffix("s")
            answer[member].append({f"{noun}Name": each.name, f"{noun}Id": each.unique_id})
        return {**answer, **page}

    def _shown(self, call: Call, policy: ManagedPolicy, *, whole: bool = False) -> dict[str, Any]:
        attached, bounding = _uses(self._state, call, policy)
        return show.policy(call.caller.account_id, policy, attached, bounding, whole=whole)


def _document(call: Call) -> str:
    document = str(call.get("PolicyDocument"))
    check_policy(document, PolicyUse.MANAGED)
    check_size(document, POLICY_SIZE_MAX, f"Cannot exceed quota for PolicySize: {POLICY_SIZE_MAX}")
    return document


def _arn_given(call: Call) -> Sequence[str]:
    return (str(call.get("PolicyArn")),)


def _arn_to_be(call: Call) -> Sequence[str]:
    path = str(call.get("Path") or "/")
    return (iam_arn(call.caller.account_id, "policy", path, str(call.get("PolicyName"))),)


def _own(change: Change, call: Call) -> ManagedPolicy:
    """A policy of the caller's account, which can be changed."""
    arn = str(call.get("PolicyArn"))
    if arn in AWS_POLICIES:
        raise ServiceError(
            "AccessDenied", f"The policy {arn} is AWS's own and cannot be changed.", status=403
        )
    return policy_of(change, call)


def _version_of(policy: ManagedPolicy, call: Call) -> str:
    name = str(call.get("VersionId"))
    if name not in policy.versions:
        arn = call.get("PolicyArn")
        raise no_such(f"Policy {arn} version {name} does not exist or is not attachable.")
    return name


def _holders(view: View, call: Call) -> list[tuple[str, str, Sequence[User | Group | Role]]]:
    place = place_of(call)
    return [
        ("PolicyGroups", "Group", list(view.all(GROUPS, place).values())),
        ("PolicyUsers", "User", list(view.all(USERS, place).values())),
        ("PolicyRoles", "Role", list(view.all(ROLES, place).values())),
    ]


def _uses(view: View, call: Call, policy: ManagedPolicy) -> tuple[int, int]:
    """How many have a policy attached, and how many as their boundary."""
    arn = show.policy_arn(call.caller.account_id, policy)
    holders = [each for _, _, some in _holders(view, call) for each in some]
    attached = sum(arn in each.attached for each in holders)
    bounding = sum(getattr(each, "boundary", "") == arn for each in holders)
    return attached, bounding


def _uses_policy(holder: User | Group | Role, arn: str, usage: str | None) -> bool:
    bounding = getattr(holder, "boundary", "") == arn
    return (arn in holder.attached and usage != "PermissionsBoundary") or (
        bounding and usage != "PermissionsPolicy"
    )
