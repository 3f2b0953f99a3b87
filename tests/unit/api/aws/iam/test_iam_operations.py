"""Aim: IAM answers as AWS does, refusals included. Method: handlers with the real state and rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from identity_calls import ACCOUNT, OTHER, Desk

from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import root_caller
from vpcflow.control.state import Database, State

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
LOGS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["logs:*"], "Resource": "*"}],
    }
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database.in_folder(tmp_path)
    yield Desk(State(database))
    database.close()


def refusal(desk: Desk, name: str, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ServiceError) as refused:
        desk.iam(name, **parameters)
    return refused.value.code, refused.value.status, refused.value.message


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_operations_and_parameters_are_those_of_the_model(desk: Desk, service: str) -> None:
    model = ServiceModel(Loader().load_service_model(service, "service-2"))
    for name, operation in desk.services[service].operations.items():
        shape = model.operation_model(name).input_shape
        members = set(shape.members) if shape else set()
        assert {*operation.takes.split(), *operation.ignores} <= members, name


def test_terraform_makes_reads_and_deletes_a_role(desk: Desk) -> None:
    made = desk.iam(
        "CreateRole",
        RoleName="flow",
        AssumeRolePolicyDocument=TRUST,
        MaxSessionDuration=3600,
        Path="/",
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/flow"
    assert made["RoleId"].startswith("AROA") and len(made["RoleId"]) == 21
    assert made["AssumeRolePolicyDocument"] == quote(TRUST, safe="")
    desk.iam("PutRolePolicy", RoleName="flow", PolicyName="logs", PolicyDocument=LOGS)
    read = desk.iam("GetRole", RoleName="flow")["Role"]
    assert read["MaxSessionDuration"] == 3600 and read["RoleLastUsed"] == {}
    assert desk.iam("ListRolePolicies", RoleName="flow")["PolicyNames"] == ["logs"]
    policy = desk.iam("GetRolePolicy", RoleName="flow", PolicyName="logs")
    assert policy["PolicyDocument"] == quote(LOGS, safe="")
    assert desk.iam("ListAttachedRolePolicies", RoleName="flow")["AttachedPolicies"] == []
    assert desk.iam("ListInstanceProfilesForRole", RoleName="flow")["InstanceProfiles"] == []
    assert refusal(desk, "DeleteRole", RoleName="flow") == (
        "DeleteConflict",
        409,
        "Cannot delete entity, must delete policies first.",
    )
    desk.iam("DeleteRolePolicy", RoleName="flow", PolicyName="logs")
    desk.iam("DeleteRole", RoleName="flow")
    assert refusal(desk, "GetRole", RoleName="flow") == (
        "NoSuchEntity",
        404,
        "The role with name flow cannot be found.",
    )


def test_what_is_there_or_not_there_is_refused_in_aws_words(desk: Desk) -> None:
    desk.iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    desk.iam("CreateUser", UserName="u")
    desk.iam("CreateGroup", GroupName="g")
    exists = ("EntityAlreadyExists", 409)
    assert refusal(desk, "CreateRole", RoleName="R", AssumeRolePolicyDocument=TRUST) == (
        *exists,
        "Role with name R already exists.",
    )
    assert refusal(desk, "CreateUser", UserName="u") == (
        *exists,
        "User with name u already exists.",
    )
    assert refusal(desk, "CreateGroup", GroupName="g") == (
        *exists,
        "Group with name g already exists.",
    )
    gone = ("NoSuchEntity", 404)
    assert refusal(desk, "GetUser", UserName="x") == (
        *gone,
        "The user with name x cannot be found.",
    )
    assert refusal(desk, "GetRolePolicy", RoleName="r", PolicyName="p") == (
        *gone,
        "The role policy with name p cannot be found.",
    )
    arn = f"arn:aws:iam::{ACCOUNT}:policy/p"
    assert refusal(desk, "GetPolicy", PolicyArn=arn) == (*gone, f"Policy {arn} was not found.")
    assert refusal(desk, "AttachRolePolicy", RoleName="r", PolicyArn=arn) == (
        *gone,
        f"Policy {arn} does not exist or is not attachable.",
    )
    assert refusal(desk, "DeleteAccessKey", UserName="u", AccessKeyId="AKIAX") == (
        *gone,
        "The Access Key with id AKIAX cannot be found.",
    )
    assert refusal(desk, "GetInstanceProfile", InstanceProfileName="i") == (
        *gone,
        "Instance Profile i cannot be found.",
    )


def test_documents_are_checked(desk: Desk) -> None:
    code, status, _ = refusal(desk, "CreateRole", RoleName="r", AssumeRolePolicyDocument=LOGS)
    assert (code, status) == ("MalformedPolicyDocument", 400)
    desk.iam("CreateUser", UserName="u")
    put = {"UserName": "u", "PolicyName": "p"}
    assert refusal(desk, "PutUserPolicy", **put, PolicyDocument="{") == (
        "MalformedPolicyDocument",
        400,
        "Syntax errors in policy.",
    )


def test_a_user_has_two_keys_and_goes_last(desk: Desk) -> None:
    desk.user("u")
    second = desk.iam("CreateAccessKey", UserName="u")["AccessKey"]
    assert second["Status"] == "Active" and len(second["SecretAccessKey"]) == 40
    assert refusal(desk, "CreateAccessKey", UserName="u") == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    desk.iam("UpdateAccessKey", UserName="u", AccessKeyId=second["AccessKeyId"], Status="Inactive")
    keys = desk.iam("ListAccessKeys", UserName="u")["AccessKeyMetadata"]
    assert sorted(key["Status"] for key in keys) == ["Active", "Inactive"]
    desk.iam("CreateGroup", GroupName="g")
    desk.iam("AddUserToGroup", GroupName="g", UserName="u")
    assert [user["UserName"] for user in desk.iam("GetGroup", GroupName="g")["Users"]] == ["u"]
    conflict = "DeleteConflict", 409
    assert refusal(desk, "DeleteUser", UserName="u")[:2] == conflict
    assert refusal(desk, "DeleteGroup", GroupName="g")[:2] == conflict
    desk.iam("RemoveUserFromGroup", GroupName="g", UserName="u")
    assert refusal(desk, "DeleteUser", UserName="u") == (
        *conflict,
        "Cannot delete entity, must delete access keys first.",
    )
    for key in keys:
        desk.iam("DeleteAccessKey", UserName="u", AccessKeyId=key["AccessKeyId"])
    desk.iam("DeleteUser", UserName="u")
    assert desk.iam("ListUsers")["Users"] == []


def test_versions_of_a_managed_policy(desk: Desk) -> None:
    made = desk.iam("CreatePolicy", PolicyName="p", PolicyDocument=LOGS)["Policy"]
    arn = made["Arn"]
    assert made["DefaultVersionId"] == "v1" and made["AttachmentCount"] == 0
    for _ in range(4):
        desk.iam("CreatePolicyVersion", PolicyArn=arn, PolicyDocument=LOGS, SetAsDefault=True)
    assert refusal(desk, "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=LOGS)[0] == (
        "LimitExceeded"
    )
    versions = desk.iam("ListPolicyVersions", PolicyArn=arn)["Versions"]
    assert [each["VersionId"] for each in versions] == ["v5", "v4", "v3", "v2", "v1"]
    assert [each["IsDefaultVersion"] for each in versions] == [True, *[False] * 4]
    assert refusal(desk, "DeletePolicyVersion", PolicyArn=arn, VersionId="v5")[2] == (
        "Cannot delete the default version of a policy."
    )
    for number in range(1, 5):
        desk.iam("DeletePolicyVersion", PolicyArn=arn, VersionId=f"v{number}")
    desk.iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST)
    desk.iam("AttachRolePolicy", RoleName="r", PolicyArn=arn)
    assert desk.iam("GetPolicy", PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    roles = desk.iam("ListEntitiesForPolicy", PolicyArn=arn)["PolicyRoles"]
    assert [role["RoleName"] for role in roles] == ["r"]
    assert refusal(desk, "DeletePolicy", PolicyArn=arn)[2] == (
        "Cannot delete a policy attached to entities."
    )
    desk.iam("DetachRolePolicy", RoleName="r", PolicyArn=arn)
    desk.iam("DeletePolicy", PolicyArn=arn)
    assert desk.iam("ListPolicies", Scope="Local")["Policies"] == []


def test_policies_of_aws_are_there_and_stay(desk: Desk) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert desk.iam("GetPolicy", PolicyArn=arn)["Policy"]["PolicyName"] == "AdministratorAccess"
    assert refusal(desk, "DeletePolicy", PolicyArn=arn)[:2] == ("AccessDenied", 403)
    user = desk.user("u")
    with pytest.raises(ServiceError):
        desk.iam("ListUsers", user)
    desk.iam("AttachUserPolicy", UserName="u", PolicyArn=arn)
    assert len(desk.iam("ListUsers", user)["Users"]) == 1


def test_pages_go_on_where_they_ended(desk: Desk) -> None:
    for number in range(5):
        desk.iam("CreateUser", UserName=f"u{number}", Path="/a/" if number % 2 else "/b/")
    first = desk.iam("ListUsers", MaxItems=2)
    assert first["IsTruncated"] is True
    desk.iam("DeleteUser", UserName="u1")
    rest = desk.iam("ListUsers", MaxItems=1000, Marker=first["Marker"])
    assert [user["UserName"] for user in rest["Users"]] == ["u2", "u3", "u4"]
    assert rest["IsTruncated"] is False and rest["Marker"] is None
    assert [user["UserName"] for user in desk.iam("ListUsers", PathPrefix="/a/")["Users"]] == ["u3"]
    assert refusal(desk, "ListUsers", Marker="nonsense")[0] == "ValidationError"


def test_who_one_is_without_a_name(desk: Desk) -> None:
    assert desk.iam("GetUser")["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    user = desk.user("u")
    with pytest.raises(ServiceError) as refused:
        desk.iam("GetUser", user)
    assert refused.value.status == 403
    assert refused.value.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/u is not authorized to perform: iam:GetUser on "
        f"resource: arn:aws:iam::{ACCOUNT}:user/u because no identity-based policy allows the "
        "iam:GetUser action"
    )


def test_the_simulator_says_what_the_rights_would(desk: Desk) -> None:
    desk.iam("CreateUser", UserName="u")
    desk.iam("PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=LOGS)
    results = desk.iam(
        "SimulatePrincipalPolicy",
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/u",
        ActionNames=["logs:PutLogEvents", "ec2:CreateVpc"],
    )["EvaluationResults"]
    assert [each["EvalDecision"] for each in results] == ["allowed", "implicitDeny"]


def test_tags_boundaries_profiles_and_aliases_come_and_go(desk: Desk) -> None:
    tag = {"Key": "team", "Value": "net"}
    boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    desk.iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=TRUST, Tags=[tag])
    desk.iam("TagRole", RoleName="r", Tags=[{"Key": "b", "Value": ""}])
    desk.iam("UntagRole", RoleName="r", TagKeys=["b"])
    desk.iam("PutRolePermissionsBoundary", RoleName="r", PermissionsBoundary=boundary)
    desk.iam("UpdateRoleDescription", RoleName="r", Description="words")
    desk.iam("UpdateRole", RoleName="r", MaxSessionDuration=7200)
    role = desk.iam("GetRole", RoleName="r")["Role"]
    assert role["Tags"] == [tag] == desk.iam("ListRoleTags", RoleName="r")["Tags"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    assert (role["Description"], role["MaxSessionDuration"]) == ("words", 7200)
    desk.iam("CreateInstanceProfile", InstanceProfileName="i")
    desk.iam("AddRoleToInstanceProfile", InstanceProfileName="i", RoleName="r")
    profiles = desk.iam("ListInstanceProfilesForRole", RoleName="r")["InstanceProfiles"]
    assert profiles[0]["Roles"][0]["RoleName"] == "r"
    assert refusal(desk, "DeleteRole", RoleName="r")[0] == "DeleteConflict"
    desk.iam("RemoveRoleFromInstanceProfile", InstanceProfileName="i", RoleName="r")
    desk.iam("DeleteInstanceProfile", InstanceProfileName="i")
    desk.iam("CreateAccountAlias", AccountAlias="mine")
    assert desk.iam("ListAccountAliases")["AccountAliases"] == ["mine"]
    assert desk.iam("GetAccountSummary")["SummaryMap"]["Roles"] == 1


def test_a_policy_of_another_account_is_not_there(desk: Desk) -> None:
    arn = desk.iam("CreatePolicy", PolicyName="p", PolicyDocument=LOGS)["Policy"]["Arn"]
    stranger = root_caller(OTHER)
    for name, more in (
        ("GetPolicy", {}),
        ("GetPolicyVersion", {"VersionId": "v1"}),
        ("ListPolicyVersions", {}),
        ("ListPolicyTags", {}),
        ("ListEntitiesForPolicy", {}),
        ("DeletePolicy", {}),
    ):
        with pytest.raises(ServiceError) as refused:
            desk.iam(name, stranger, PolicyArn=arn, **more)
        assert refused.value.code == "NoSuchEntity", name
    with pytest.raises(ServiceError):
        desk.iam("CreateUser", stranger, UserName="u", PermissionsBoundary=arn)


def test_documents_have_the_sizes_that_aws_allows(desk: Desk) -> None:
    def document(length: int) -> str:
        resources = [f"arn:aws:logs:*:*:log-group:{number:08d}" for number in range(length // 40)]
        statement = {"Effect": "Allow", "Action": "logs:*", "Resource": resources}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    desk.iam("CreateUser", UserName="u")
    desk.iam("PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=document(1_500))
    for name, parameters in (
        ("PutUserPolicy", {"UserName": "u", "PolicyName": "q", "PolicyDocument": document(900)}),
        ("CreatePolicy", {"PolicyName": "m", "PolicyDocument": document(7_000)}),
    ):
        code, status, message = refusal(desk, name, **parameters)
        assert (code, status) == ("LimitExceeded", 409), message
    # In place of the first it is alone.
    desk.iam("PutUserPolicy", UserName="u", PolicyName="p", PolicyDocument=document(900))


def test_a_simulation_has_a_bound(desk: Desk) -> None:
    code, _, _ = refusal(
        desk,
        "SimulateCustomPolicy",
        PolicyInputList=[LOGS],
        ActionNames=["logs:PutLogEvents"] * 1_000,
        ResourceArns=["*"] * 1_000,
    )
    assert code == "ValidationError"


def test_a_user_is_moved_by_who_may_do_it_at_both_ends(desk: Desk) -> None:
    mover = desk.user("mover")
    desk.user("u")
    statement = {
        "Effect": "Allow",
        "Action": "iam:UpdateUser",
        "Resource": [f"arn:aws:iam::{ACCOUNT}:user/u", f"arn:aws:iam::{ACCOUNT}:user/v"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    desk.iam("PutUserPolicy", UserName="mover", PolicyName="p", PolicyDocument=document)
    with pytest.raises(ServiceError):
        desk.iam("UpdateUser", mover, UserName="u", NewUserName="admin")
    desk.iam("UpdateUser", mover, UserName="u", NewUserName="v")


def test_conditions_on_the_policy_and_the_boundary_hold(desk: Desk) -> None:
    boundary = desk.iam("CreatePolicy", PolicyName="b", PolicyDocument=LOGS)["Policy"]["Arn"]
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    statements = [
        {
            "Effect": "Allow",
            "Action": "iam:*",
            "Resource": "*",
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": boundary}},
        },
        {
            "Effect": "Deny",
            "Action": "iam:AttachUserPolicy",
            "Resource": "*",
            "Condition": {"ArnEquals": {"iam:PolicyARN": admin}},
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    deputy = desk.user("deputy")
    desk.iam("PutUserPolicy", UserName="deputy", PolicyName="p", PolicyDocument=document)
    with pytest.raises(ServiceError):
        desk.iam("CreateUser", deputy, UserName="u")
    desk.iam("CreateUser", deputy, UserName="u", PermissionsBoundary=boundary)
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    desk.iam("AttachUserPolicy", deputy, UserName="u", PolicyArn=read_only)
    for user, policy in (("u", admin), ("deputy", read_only)):
        with pytest.raises(ServiceError) as refused:
            desk.iam("AttachUserPolicy", deputy, UserName=user, PolicyArn=policy)
        assert refused.value.code == "AccessDenied"
