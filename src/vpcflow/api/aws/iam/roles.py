"""IAM's operations on roles and instance profiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from vpcflow.api.aws.iam import show
from vpcflow.api.aws.iam.lookup import (
    boundary_given,
    changeable_role_of,
    check_free,
    check_size,
    conflict,
    limit,
    no_such,
    paged,
    path_given,
    place_of,
    profile_of,
    role_of,
    tag_items,
    tags_given,
    tags_without,
    under_path,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.identity import (
    INSTANCE_PROFILES,
    ROLES,
    InstanceProfile,
    Role,
    iam_arn,
    unique_id,
)
from vpcflow.control.permissions import PolicyUse, check_policy
from vpcflow.control.state import State

Answer = Mapping[str, Any] | None
_SESSION_S = 3600
#: Characters of a trust policy, without blanks.
TRUST_SIZE_MAX = 2_048
_LISTING = "PathPrefix Marker MaxItems"


class Roles:
    """Roles, and the instance profiles that hold them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        return [*self._role_operations(), *self._profile_operations()]

    def _role_operations(self) -> list[Operation]:
        role = self._role_arn
        return [
            Operation(
                "CreateRole",
                self.create_role,
                "Path RoleName AssumeRolePolicyDocument Description MaxSessionDuration "
                "PermissionsBoundary Tags",
                resources=role,
            ),
            Operation("GetRole", self.get_role, "RoleName", resources=role),
            Operation("ListRoles", self.list_roles, _LISTING),
            Operation(
                "UpdateRole",
                self.update_role,
                "RoleName Description MaxSessionDuration",
                resources=role,
            ),
            Operation(
                "UpdateRoleDescription",
                self.update_description,
                "RoleName Description",
                resources=role,
            ),
            Operation(
                "UpdateAssumeRolePolicy",
                self.update_trust,
                "RoleName PolicyDocument",
                resources=role,
            ),
            Operation("DeleteRole", self.delete_role, "RoleName", resources=role),
            Operation("TagRole", self.tag_role, "RoleName Tags", resources=role),
            Operation("UntagRole", self.untag_role, "RoleName TagKeys", resources=role),
            Operation(
                "ListRoleTags", self.list_role_tags, "RoleName Marker MaxItems", resources=role
            ),
            Operation(
                "PutRolePermissionsBoundary",
                self.put_boundary,
                "RoleName PermissionsBoundary",
                resources=role,
            ),
            Operation(
                "DeleteRolePermissionsBoundary", self.delete_boundary, "RoleName", resources=role
            ),
        ]

    def _profile_operations(self) -> list[Operation]:
        profile = self._profile_arn
        return [
            Operation(
                "CreateInstanceProfile",
                self.create_profile,
                "InstanceProfileName Path Tags",
                resources=profile,
            ),
            Operation(
                "GetInstanceProfile", self.get_profile, "InstanceProfileName", resources=profile
            ),
            Operation("ListInstanceProfiles", self.list_profiles, _LISTING),
            Operation(
                "DeleteInstanceProfile",
                self.delete_profile,
                "InstanceProfileName",
                resources=profile,
            ),
            Operation(
                "AddRoleToInstanceProfile",
                self.add_role,
                "InstanceProfileName RoleName",
                resources=profile,
            ),
            Operation(
                "RemoveRoleFromInstanceProfile",
                self.remove_role,
                "InstanceProfileName RoleName",
                resources=profile,
            ),
            Operation(
                "TagInstanceProfile",
                self.tag_profile,
                "InstanceProfileName Tags",
                resources=profile,
            ),
            Operation(
                "UntagInstanceProfile",
                self.untag_profile,
                "InstanceProfileName TagKeys",
                resources=profile,
            ),
            Operation(
                "ListInstanceProfileTags",
                self.list_profile_tags,
                "InstanceProfileName Marker MaxItems",
                resources=profile,
            ),
            Operation(
                "ListInstanceProfilesForRole",
                self.profiles_for_role,
                "RoleName Marker MaxItems",
                resources=self._role_arn,
            ),
        ]

    def _role_arn(self, call: Call) -> Sequence[str]:
        name = str(call.get("RoleName"))
        found = self._state.get(ROLES, place_of(call), name)
        path = found.path if found else str(call.get("Path") or "/")
        return (iam_arn(call.caller.account_id, "role", path, name),)

    def _profile_arn(self, call: Call) -> Sequence[str]:
        name = str(call.get("InstanceProfileName"))
        found = self._state.get(INSTANCE_PROFILES, place_of(call), name)
        path = found.path if found else str(call.get("Path") or "/")
        return (iam_arn(call.caller.account_id, "instance-profile", path, name),)

    def create_role(self, call: Call) -> Answer:
        name, path, tags = str(call.get("RoleName")), path_given(call), tags_given(call)
        trust = _trust(call, "AssumeRolePolicyDocument")
        with self._state.change() as change:
            check_free(change, ROLES, call, name, f"Role with name {name} already exists.")
            role = Role(
                name,
                unique_id("AROA"),
                call.now_s,
                trust,
                path,
                call.get("Description"),
                int(call.get("MaxSessionDuration") or _SESSION_S),
                boundary_given(change, call),
                tags,
            )
            change.put(ROLES, place_of(call), name, role)
        return {"Role": show.role(call.caller.account_id, role, "create")}

    def get_role(self, call: Call) -> Answer:
        return {"Role": show.role(call.caller.account_id, role_of(self._state, call))}

    def list_roles(self, call: Call) -> Answer:
        roles = under_path(call, self._state.all(ROLES, place_of(call)).values())
        account_id = call.caller.account_id
        return paged(
            call,
            "Roles",
            roles,
            lambda role: role.name,
            lambda role: show.role(account_id, role, "list"),
        )

    def update_role(self, call: Call) -> Answer:
        # A duration that is not given falls back to one hour, as at AWS; a description stays.
        self._alter(
            call,
            lambda role: replace(
                role,
                description=call.get("Description", role.description),
                session_max_s=int(call.get("MaxSessionDuration") or _SESSION_S),
            ),
        )
        return {}

    def update_description(self, call: Call) -> Answer:
        role = self._alter(call, lambda role: replace(role, description=call.get("Description")))
        return {"Role": show.role(call.caller.account_id, role)}

    def update_trust(self, call: Call) -> Answer:
        changeable_role_of(self._state, call)
        trust = _trust(call, "PolicyDocument")
        self._alter(call, lambda role: replace(role, trust=trust))
        return None

    def delete_role(self, call: Call) -> Answer:
        with self._state.change() as change:
            role = changeable_role_of(change, call)
            if role.attached:
                raise conflict("detach all policies")
            if role.inline:
                raise conflict("delete policies")
            profiles = change.all(INSTANCE_PROFILES, place_of(call)).values()
            if any(role.name in profile.roles for profile in profiles):
                raise conflict("remove roles from instance profile")
            change.remove(ROLES, place_of(call), role.name)
        return None

    def tag_role(self, call: Call) -> Answer:
        self._alter(call, lambda role: replace(role, tags=tags_given(call, role.tags)))
        return None

    def untag_role(self, call: Call) -> Answer:
        self._alter(call, lambda role: replace(role, tags=tags_without(call, role.tags)))
        return None

    def list_role_tags(self, call: Call) -> Answer:
        tags = tag_items(role_of(self._state, call).tags)
        return paged(call, "Tags", tags, lambda tag: tag["Key"], lambda tag: tag)

    def put_boundary(self, call: Call) -> Answer:
        changeable_role_of(self._state, call)
        boundary = boundary_given(self._state, call)
        self._alter(call, lambda role: replace(role, boundary=boundary))
        return None

    def delete_boundary(self, call: Call) -> Answer:
        role = changeable_role_of(self._state, call)
        if not role.boundary:
            raise no_such(f"The role {role.name} has no permissions boundary.")
        self._alter(call, lambda role: replace(role, boundary=""))
        return None

    def _alter(self, call: Call, alter: Any) -> Role:
        with self._state.change() as change:
            role: Role = alter(role_of(change, call))
            change.put(ROLES, place_of(call), role.name, role)
        return role

    def create_profile(self, call: Call) -> Answer:
        name = str(call.get("InstanceProfileName"))
        path, tags = path_given(call), tags_given(call)
        with self._state.change() as change:
            check_free(
                change, INSTANCE_PROFILES, call, name, f"Instance Profile {name} already exists."
            )
            profile = InstanceProfile(name, unique_id("AIPA"), call.now_s, path, (), tags)
            change.put(INSTANCE_PROFILES, place_of(call), name, profile)
        return {"InstanceProfile": self._shown(call, profile)}

    def get_profile(self, call: Call) -> Answer:
        return {"InstanceProfile": self._shown(call, profile_of(self._state, call))}

    def list_profiles(self, call: Call) -> Answer:
        profiles = under_path(call, self._state.all(INSTANCE_PROFILES, place_of(call)).values())
        return paged(
            call,
            "InstanceProfiles",
            profiles,
            lambda profile: profile.name,
            lambda profile: self._shown(call, profile),
        )

    def delete_profile(self, call: Call) -> Answer:
        with self._state.change() as change:
            profile = profile_of(change, call)
            if profile.roles:
                raise conflict("remove roles from instance profile")
            change.remove(INSTANCE_PROFILES, place_of(call), profile.name)
        return None

    def add_role(self, call: Call) -> Answer:
        call.authorize(call.caller, "iam:PassRole", self._role_arn(call))
        with self._state.change() as change:
            profile, role = profile_of(change, call), role_of(change, call)
            if profile.roles:
                raise limit("InstanceSessionsPerInstanceProfile", 1)
            changed = replace(profile, roles=(role.name,))
            change.put(INSTANCE_PROFILES, place_of(call), profile.name, changed)
        return None

    def remove_role(self, call: Call) -> Answer:
        with self._state.change() as change:
            profile, role = profile_of(change, call), role_of(change, call)
            if role.name not in profile.roles:
                raise no_such(
                    f"Role {role.name} in Instance Profile {profile.name} cannot be found."
                )
            changed = replace(profile, roles=())
            change.put(INSTANCE_PROFILES, place_of(call), profile.name, changed)
        return None

    def tag_profile(self, call: Call) -> Answer:
        self._retag_profile(call, lambda tags: tags_given(call, tags))
        return None

    def untag_profile(self, call: Call) -> Answer:
        self._retag_profile(call, lambda tags: tags_without(call, tags))
        return None

    def _retag_profile(
        self, call: Call, retag: Callable[[Mapping[str, str]], dict[str, str]]
    ) -> None:
        with self._state.change() as change:
            profile = profile_of(change, call)
            changed = replace(profile, tags=retag(profile.tags))
            change.put(INSTANCE_PROFILES, place_of(call), profile.name, changed)

    def list_profile_tags(self, call: Call) -> Answer:
        tags = tag_items(profile_of(self._state, call).tags)
        return paged(call, "Tags", tags, lambda tag: tag["Key"], lambda tag: tag)

    def profiles_for_role(self, call: Call) -> Answer:
        role = role_of(self._state, call)
        held = self._state.all(INSTANCE_PROFILES, place_of(call)).values()
        profiles = [profile for profile in held if role.name in profile.roles]
        return paged(
            call,
            "InstanceProfiles",
            profiles,
            lambda profile: profile.name,
            lambda profile: self._shown(call, profile),
        )

    def _shown(self, call: Call, profile: InstanceProfile) -> dict[str, Any]:
        held = self._state.all(ROLES, place_of(call))
        roles = [held[name] for name in profile.roles if name in held]
        return show.profile(call.caller.account_id, profile, roles)


def _trust(call: Call, parameter: str) -> str:
    trust = str(call.get(parameter))
    check_policy(trust, PolicyUse.TRUST)
    check_size(trust, TRUST_SIZE_MAX, f"Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE_MAX}")
    return trust
