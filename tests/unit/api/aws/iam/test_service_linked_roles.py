"""Aim: roles of AWS's services are made, seen and removed as recorded at AWS, and changed by nobody;
instance profiles have tags, groups are simulated.
Method: handlers with the real state and rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from identity_calls import ACCOUNT, Desk

from vpcflow.base.errors import ServiceError
from vpcflow.control.identity import SERVICE_LINKED_ROLES
from vpcflow.control.state import Database, State

BATCH = "batch.amazonaws.com"
ROLE = "AWSServiceRoleForBatch"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database.in_folder(tmp_path)
    yield Desk(State(database))
    database.close()


def refused(desk: Desk, operation: str, code: str, **parameters: Any) -> str:
    with pytest.raises(ServiceError) as raised:
        desk.iam(operation, **parameters)
    assert raised.value.code == code
    return raised.value.message


def test_a_services_role_has_its_name_path_trust_and_policy(desk: Desk) -> None:
    made = desk.iam("CreateServiceLinkedRole", AWSServiceName=BATCH)["Role"]
    assert made["RoleName"] == ROLE
    assert made["Path"] == f"/aws-service-role/{BATCH}/"
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{BATCH}/{ROLE}"
    (statement,) = json.loads(unquote(made["AssumeRolePolicyDocument"]))["Statement"]
    assert statement["Principal"] == {"Service": BATCH}
    shown = desk.iam("GetRole", RoleName=ROLE)["Role"]
    assert (shown["RoleLastUsed"], shown["MaxSessionDuration"]) == ({}, 3600)
    assert desk.iam("ListRolePolicies", RoleName=ROLE)["PolicyNames"] == []
    arn = "arn:aws:iam::aws:policy/aws-service-role/BatchServiceRolePolicy"
    assert desk.iam("ListAttachedRolePolicies", RoleName=ROLE)["AttachedPolicies"] == [
        {"PolicyName": "BatchServiceRolePolicy", "PolicyArn": arn}
    ]
    assert refused(desk, "CreateServiceLinkedRole", "InvalidInput", AWSServiceName=BATCH) == (
        f"Service role name {ROLE} has been taken in this account, please try a different suffix."
    )


def test_only_some_services_take_a_suffix(desk: Desk) -> None:
    scaling = {"AWSServiceName": "autoscaling.amazonaws.com", "CustomSuffix": "x"}
    made = desk.iam("CreateServiceLinkedRole", **scaling, Description="mine")["Role"]
    assert made["RoleName"] == "AWSServiceRoleForAutoScaling_x" and made["Description"] == "mine"
    for linked in SERVICE_LINKED_ROLES.values():
        if not linked.takes_suffix:
            asked = {"AWSServiceName": linked.service, "CustomSuffix": "x"}
            text = refused(desk, "CreateServiceLinkedRole", "InvalidInput", **asked)
            assert text == f"Custom suffix is not allowed for {linked.service}"
    refused(desk, "CreateServiceLinkedRole", "InvalidInput", AWSServiceName="none.example.com")


def test_it_goes_by_a_task_that_has_succeeded(desk: Desk) -> None:
    desk.iam("CreateServiceLinkedRole", AWSServiceName=BATCH)
    task = desk.iam("DeleteServiceLinkedRole", RoleName=ROLE)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/{BATCH}/{ROLE}/")
    status = desk.iam("GetServiceLinkedRoleDeletionStatus", DeletionTaskId=task)
    assert status == {"Status": "SUCCEEDED"}
    refused(desk, "DeleteServiceLinkedRole", "NoSuchEntity", RoleName=ROLE)
    refused(desk, "GetServiceLinkedRoleDeletionStatus", "NoSuchEntity", DeletionTaskId="task/x")


def test_nobody_else_changes_it(desk: Desk) -> None:
    desk.iam("CreateServiceLinkedRole", AWSServiceName=BATCH)
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
    for operation, more in (
        ("DeleteRole", {}),
        ("UpdateAssumeRolePolicy", {"PolicyDocument": document}),
        ("PutRolePermissionsBoundary", {"PermissionsBoundary": administrator}),
        ("PutRolePolicy", {"PolicyName": "p", "PolicyDocument": document}),
        ("AttachRolePolicy", {"PolicyArn": administrator}),
        ("DetachRolePolicy", {"PolicyArn": administrator}),
    ):
        text = refused(desk, operation, "UnmodifiableEntity", RoleName=ROLE, **more)
        assert ROLE in text and text.endswith("only modifiable by AWS")
    desk.iam("TagRole", RoleName=ROLE, Tags=[{"Key": "k", "Value": "v"}])


def test_tags_of_an_instance_profile(desk: Desk) -> None:
    ask = {"InstanceProfileName": "p"}
    one, other = {"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}
    desk.iam("CreateInstanceProfile", **ask)
    assert desk.iam("ListInstanceProfileTags", **ask)["Tags"] == []
    desk.iam("TagInstanceProfile", **ask, Tags=[one, other])
    assert desk.iam("GetInstanceProfile", **ask)["InstanceProfile"]["Tags"] == [one, other]
    desk.iam("UntagInstanceProfile", **ask, TagKeys=["k", "none"])
    assert desk.iam("ListInstanceProfileTags", **ask)["Tags"] == [other]
    refused(desk, "TagInstanceProfile", "NoSuchEntity", InstanceProfileName="q", Tags=[one])


def test_what_a_group_may_is_simulated(desk: Desk) -> None:
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    arn = desk.iam("CreateGroup", GroupName="g")["Group"]["Arn"]
    desk.iam("PutGroupPolicy", GroupName="g", PolicyName="p", PolicyDocument=document)
    found = desk.iam(
        "SimulatePrincipalPolicy", PolicySourceArn=arn, ActionNames=["s3:PutObject", "s3:GetObject"]
    )["EvaluationResults"]
    assert [one["EvalDecision"] for one in found] == ["allowed", "implicitDeny"]
    assert all(one["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for one in found)
