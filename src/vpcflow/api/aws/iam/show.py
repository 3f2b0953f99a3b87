"""Users, groups, roles and policies as the API answers them."""

from __future__ import annotations

from typing import Any

from vpcflow.api.aws.iam.lookup import date, encoded, tag_items
from vpcflow.control.identity import (
    AWS_POLICIES,
    AWS_POLICY_PREFIX,
    Group,
    InstanceProfile,
    ManagedPolicy,
    Role,
    User,
    iam_arn,
)


def boundary(arn: str) -> dict[str, str] | None:
    """A permissions boundary; None without one."""
    if not arn:
        return None
    return {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def user(account_id: str, found: User, *, whole: bool = True) -> dict[str, Any]:
    """A user; lists leave out tags and boundary."""
    shown: dict[str, Any] = {
        "Path": found.path,
        "UserName": found.name,
        "UserId": found.unique_id,
        "Arn": iam_arn(account_id, "user", found.path, found.name),
        "CreateDate": date(found.created_s),
    }
    if whole:
        shown["PermissionsBoundary"] = boundary(found.boundary)
        shown["Tags"] = tag_items(found.tags) or None
    return shown


def group(account_id: str, found: Group) -> dict[str, Any]:
    """A group."""
    return {
        "Path": found.path,
        "GroupName": found.name,
        "GroupId": found.unique_id,
        "Arn": iam_arn(account_id, "group", found.path, found.name),
        "CreateDate": date(found.created_s),
    }


def role(account_id: str, found: Role, form: str = "get") -> dict[str, Any]:
    """A role, as ``create``, ``list`` or ``get`` answers it."""
    shown: dict[str, Any] = {
        "Path": found.path,
        "RoleName": found.name,
        "RoleId": found.unique_id,
        "Arn": iam_arn(account_id, "role", found.path, found.name),
        "CreateDate": date(found.created_s),
        "AssumeRolePolicyDocument": encoded(found.trust),
        "Description": found.description,
    }
    if form != "create":
        shown["MaxSessionDuration"] = found.session_max_s
    if form != "list":
        shown["PermissionsBoundary"] = boundary(found.boundary)
        shown["Tags"] = tag_items(found.tags) or None
    if form == "get":
        shown["RoleLastUsed"] = {}
    return shown


def policy(
    account_id: str, found: ManagedPolicy, attached: int, bounding: int, *, whole: bool = False
) -> dict[str, Any]:
    """A managed policy; ``attached`` and ``bounding`` count who uses it."""
    shown: dict[str, Any] = {
        "PolicyName": found.name,
        "PolicyId": found.unique_id,
        "Arn": policy_arn(account_id, found),
        "Path": found.path,
        "DefaultVersionId": found.default_version,
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": True,
        "CreateDate": date(found.created_s),
        "UpdateDate": date(found.updated_s),
    }
    if whole:
        shown["Description"] = found.description
        shown["Tags"] = tag_items(found.tags)
    return shown


def policy_arn(account_id: str, found: ManagedPolicy) -> str:
    """The ARN of a policy, which AWS's own share with nobody."""
    built_in = f"{AWS_POLICY_PREFIX}/{found.name}"
    if AWS_POLICIES.get(built_in) is found:
        return built_in
    return iam_arn(account_id, "policy", found.path, found.name)


def version(found: ManagedPolicy, version_id: str, *, document: bool = False) -> dict[str, Any]:
    """A version of a managed policy."""
    held = found.versions[version_id]
    return {
        "Document": encoded(held.document) if document else None,
        "VersionId": version_id,
        "IsDefaultVersion": version_id == found.default_version,
        "CreateDate": date(held.created_s),
    }


def profile(account_id: str, found: InstanceProfile, roles: list[Role]) -> dict[str, Any]:
    """An instance profile with its roles."""
    return {
        "Path": found.path,
        "InstanceProfileName": found.name,
        "InstanceProfileId": found.unique_id,
        "Arn": iam_arn(account_id, "instance-profile", found.path, found.name),
        "CreateDate": date(found.created_s),
        "Roles": [role(account_id, each, "create") for each in roles],
        "Tags": tag_items(found.tags) or None,
    }
