"""IAM's operations on users, groups and access keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vpcflow.api.aws.iam import show
from vpcflow.api.aws.iam.lookup import (
    boundary_given,
    check_free,
    conflict,
    date,
    group_of,
    limit,
    no_such,
    paged,
    path_given,
    place_of,
    tag_items,
    tags_given,
    tags_without,
    under_path,
    user_of,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.caller import CallerKind
from vpcflow.control.identity import (
    ACCESS_KEYS,
    ACCOUNTS,
    GROUPS,
    GROUPS_PER_USER_MAX,
    KEYS_PER_USER_MAX,
    USERS,
    AccessKey,
    Group,
    User,
    iam_arn,
    new_secret,
    unique_id,
)
from vpcflow.control.state import GLOBAL, Change, State

Answer = Mapping[str, Any] | None


class Users:
    """Users, their groups and their keys."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        user, group = self._user_arn, self._group_arn
        listing = "PathPrefix Marker MaxItems"
        tags = "UserName Tags"
        return [
            Operation(
                "CreateUser",
                self.create_user,
                "Path UserName PermissionsBoundary Tags",
                resources=user,
            ),
            Operation("GetUser", self.get_user, "UserName", resources=user),
            Operation("ListUsers", self.list_users, listing),
            Operation(
                "UpdateUser", self.update_user, "UserName NewPath NewUserName", resources=user
            ),
            Operation("DeleteUser", self.delete_user, "UserName", resources=user),
            Operation("TagUser", self.tag_user, tags, resources=user),
            Operation("UntagUser", self.untag_user, "UserName TagKeys", resources=user),
            Operation(
                "ListUserTags", self.list_user_tags, "UserName Marker MaxItems", resources=user
            ),
            Operation(
                "PutUserPermissionsBoundary",
                self.put_boundary,
                "UserName PermissionsBoundary",
                resources=user,
            ),
            Operation(
                "DeleteUserPermissionsBoundary", self.delete_boundary, "UserName", resources=user
            ),
            Operation("CreateAccessKey", self.create_key, "UserName", resources=user),
            Operation("ListAccessKeys", self.list_keys, "UserName Marker MaxItems", resources=user),
            Operation(
                "UpdateAccessKey", self.update_key, "UserName AccessKeyId Status", resources=user
            ),
            Operation("DeleteAccessKey", self.delete_key, "UserName AccessKeyId", resources=user),
            Operation(
                "GetAccessKeyLastUsed",
                self.key_last_used,
                "AccessKeyId",
                note="use is not kept: every key is answered as never used",
            ),
            Operation("CreateGroup", self.create_group, "Path GroupName", resources=group),
            Operation("GetGroup", self.get_group, "GroupName Marker MaxItems", resources=group),
            Operation("ListGroups", self.list_groups, listing),
            Operation("DeleteGroup", self.delete_group, "GroupName", resources=group),
            Operation("AddUserToGroup", self.add_to_group, "GroupName UserName", resources=group),
            Operation(
                "RemoveUserFromGroup",
                self.remove_from_group,
                "GroupName UserName",
                resources=group,
            ),
            Operation(
                "ListGroupsForUser",
                self.groups_for_user,
                "UserName Marker MaxItems",
                resources=user,
            ),
        ]

    def _user_arn(self, call: Call) -> Sequence[str]:
        name = call.get("UserName")
        if name is None:
            return (call.caller.arn,)
        found = self._state.get(USERS, place_of(call), name)
        path = found.path if found else str(call.get("Path") or "/")
        here = iam_arn(call.caller.account_id, "user", path, name)
        # UpdateUser: who may move a user must be allowed where it goes as well.
        new_name, new_path = call.get("NewUserName") or name, call.get("NewPath") or path
        there = iam_arn(call.caller.account_id, "user", new_path, new_name)
        return (here,) if here == there else (here, there)

    def _group_arn(self, call: Call) -> Sequence[str]:
        name = str(call.get("GroupName"))
        found = self._state.get(GROUPS, place_of(call), name)
        path = found.path if found else str(call.get("Path") or "/")
        return (iam_arn(call.caller.account_id, "group", path, name),)

    def create_user(self, call: Call) -> Answer:
        name = str(call.get("UserName"))
        path, tags = path_given(call), tags_given(call)
        with self._state.change() as change:
            check_free(change, USERS, call, name, f"User with name {name} already exists.")
            boundary = boundary_given(change, call)
            user = User(name, unique_id("AIDA"), call.now_s, path, boundary, tags)
            change.put(USERS, place_of(call), name, user)
        return {"User": show.user(call.caller.account_id, user)}

    def get_user(self, call: Call) -> Answer:
        if call.get("UserName") is None and call.caller.kind is CallerKind.ROOT:
            account = self._state.get(ACCOUNTS, GLOBAL, call.caller.account_id)
            # The root has neither a name nor a path.
            return {
                "User": {
                    "UserId": call.caller.account_id,
                    "Arn": call.caller.arn,
                    "CreateDate": date(account.created_s if account else 0),
                }
            }
        return {"User": show.user(call.caller.account_id, user_of(self._state, call))}

    def list_users(self, call: Call) -> Answer:
        users = under_path(call, self._state.all(USERS, place_of(call)).values())
        account_id = call.caller.account_id
        return paged(
            call,
            "Users",
            users,
            lambda user: user.name,
            lambda user: show.user(account_id, user, whole=False),
        )

    def update_user(self, call: Call) -> Answer:
        with self._state.change() as change:
            user = user_of(change, call)
            name = str(call.get("NewUserName") or user.name)
            if name.lower() != user.name.lower():
                check_free(change, USERS, call, name, f"User with name {name} already exists.")
            path = str(call.get("NewPath") or user.path)
            for key in _keys_of(change, call.caller.account_id, user.name):
                change.put(ACCESS_KEYS, GLOBAL, key.key_id, replace(key, user_name=name))
            change.remove(USERS, place_of(call), user.name)
            change.put(USERS, place_of(call), name, replace(user, name=name, path=path))
        return None

    def delete_user(self, call: Call) -> Answer:
        with self._state.change() as change:
            user = user_of(change, call)
            if user.attached:
                raise conflict("detach all policies")
            if user.inline:
                raise conflict("delete policies")
            if user.groups:
                raise conflict("remove users from group")
            if _keys_of(change, call.caller.account_id, user.name):
                raise conflict("delete access keys")
            change.remove(USERS, place_of(call), user.name)
        return None

    def tag_user(self, call: Call) -> Answer:
        with self._state.change() as change:
            user = user_of(change, call)
            tagged = replace(user, tags=tags_given(call, user.tags))
            change.put(USERS, place_of(call), user.name, tagged)
        return None

    def untag_user(self, call: Call) -> Answer:
        with self._state.change() as change:
            user = user_of(change, call)
            tagged = replace(user, tags=tags_without(call, user.tags))
            change.put(USERS, place_of(call), user.name, tagged)
        return None

    def list_user_tags(self, call: Call) -> Answer:
        tags = tag_items(user_of(self._state, call).tags)
        return paged(call, "Tags", tags, lambda tag: tag["Key"], lambda tag: tag)

    def put_boundary(self, call: Call) -> Answer:
        with self._state.change() as change:
            user = replace(user_of(change, call), boundary=boundary_given(change, call))
            change.put(USERS, place_of(call), user.name, user)
        return None

    def delete_boundary(self, call: Call) -> Answer:
        with self._state.change() as change:
            user = user_of(change, call)
            if not user.boundary:
                raise no_such(f"The user {user.name} has no permissions boundary.")
            change.put(USERS, place_of(call), user.name, replace(user, boundary=""))
        return None

    def create_key(self, call: Call) -> Answer:
        with self._state.change() as change:
            name = _owner(change, call)
            if len(_keys_of(change, call.caller.account_id, name)) >= KEYS_PER_USER_MAX:
                raise limit("AccessKeysPerUser", KEYS_PER_USER_MAX)
            key = AccessKey(
                unique_id("AKIA", 16), new_secret(), call.caller.account_id, call.now_s, name
            )
            change.put(ACCESS_KEYS, GLOBAL, key.key_id, key)
        return {
            "AccessKey": {
                "UserName": name or "root",
                "AccessKeyId": key.key_id,
                "Status": "Active",
                "SecretAccessKey": key.secret,
                "CreateDate": date(key.created_s),
            }
        }

    def list_keys(self, call: Call) -> Answer:
        name = _owner(self._state, call)
        keys = _keys_of(self._state, call.caller.account_id, name)
        return paged(
            call,
            "AccessKeyMetadata",
            keys,
            lambda key: f"{key.created_s:020.6f} {key.key_id}",
            lambda key: {
                "UserName": name or "root",
                "AccessKeyId": key.key_id,
                "Status": "Active" if key.active else "Inactive",
                "CreateDate": date(key.created_s),
            },
        )

    def update_key(self, call: Call) -> Answer:
        with self._state.change() as change:
            key = _key(change, call)
            active = call.get("Status") == "Active"
            change.put(ACCESS_KEYS, GLOBAL, key.key_id, replace(key, active=active))
        return None

    def delete_key(self, call: Call) -> Answer:
        with self._state.change() as change:
            change.remove(ACCESS_KEYS, GLOBAL, _key(change, call).key_id)
        return None

    def key_last_used(self, call: Call) -> Answer:
        key_id = str(call.get("AccessKeyId"))
        key = self._state.get(ACCESS_KEYS, GLOBAL, key_id)
        if key is None or key.account_id != call.caller.account_id:
            raise no_such(f"The Access Key with id {key_id} cannot be found.")
        return {
            "UserName": key.user_name or "root",
            "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"},
        }

    def create_group(self, call: Call) -> Answer:
        name, path = str(call.get("GroupName")), path_given(call)
        with self._state.change() as change:
            check_free(change, GROUPS, call, name, f"Group with name {name} already exists.")
            group = Group(name, unique_id("AGPA"), call.now_s, path)
            change.put(GROUPS, place_of(call), name, group)
        return {"Group": show.group(call.caller.account_id, group)}

    def get_group(self, call: Call) -> Answer:
        group = group_of(self._state, call)
        account_id = call.caller.account_id
        users = _members(self._state, call, group)
        answer = paged(
            call,
            "Users",
            users,
            lambda user: user.name,
            lambda user: show.user(account_id, user, whole=False),
        )
        return {"Group": show.group(account_id, group), **answer}

    def list_groups(self, call: Call) -> Answer:
        groups = under_path(call, self._state.all(GROUPS, place_of(call)).values())
        account_id = call.caller.account_id
        return paged(
            call,
            "Groups",
            groups,
            lambda group: group.name,
            lambda each: show.group(account_id, each),
        )

    def delete_group(self, call: Call) -> Answer:
        with self._state.change() as change:
            group = group_of(change, call)
            if _members(change, call, group):
                raise conflict("remove users from group")
            if group.attached:
                raise conflict("detach all policies")
            if group.inline:
                raise conflict("delete policies")
            change.remove(GROUPS, place_of(call), group.name)
        return None

    def add_to_group(self, call: Call) -> Answer:
        with self._state.change() as change:
            group, user = group_of(change, call), user_of(change, call)
            groups = tuple(dict.fromkeys((*user.groups, group.name)))
            if len(groups) > GROUPS_PER_USER_MAX:
                raise limit("GroupsPerUser", GROUPS_PER_USER_MAX)
            change.put(USERS, place_of(call), user.name, replace(user, groups=groups))
        return None

    def remove_from_group(self, call: Call) -> Answer:
        with self._state.change() as change:
            group, user = group_of(change, call), user_of(change, call)
            if group.name not in user.groups:
                raise no_such(f"User {user.name} not in group {group.name}.")
            groups = tuple(name for name in user.groups if name != group.name)
            change.put(USERS, place_of(call), user.name, replace(user, groups=groups))
        return None

    def groups_for_user(self, call: Call) -> Answer:
        user = user_of(self._state, call)
        held = self._state.all(GROUPS, place_of(call))
        groups = [held[name] for name in user.groups if name in held]
        account_id = call.caller.account_id
        return paged(
            call,
            "Groups",
            groups,
            lambda group: group.name,
            lambda each: show.group(account_id, each),
        )


def _owner(view: State | Change, call: Call) -> str:
    """The user whose keys are meant; empty for the root."""
    if call.get("UserName") is None and call.caller.kind is CallerKind.ROOT:
        return ""
    return user_of(view, call).name


def _keys_of(view: State | Change, account_id: str, user_name: str) -> list[AccessKey]:
    return [
        key
        for key in view.all(ACCESS_KEYS, GLOBAL).values()
        if key.account_id == account_id and key.user_name == user_name
    ]


def _key(change: Change, call: Call) -> AccessKey:
    owner, key_id = _owner(change, call), str(call.get("AccessKeyId"))
    key = change.get(ACCESS_KEYS, GLOBAL, key_id)
    if key is None or key.account_id != call.caller.account_id or key.user_name != owner:
        raise no_such(f"The Access Key with id {key_id} cannot be found.")
    return key


def _members(view: State | Change, call: Call, group: Group) -> list[User]:
    users = view.all(USERS, place_of(call)).values()
    return [user for user in users if group.name in user.groups]
