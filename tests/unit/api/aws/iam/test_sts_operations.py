"""Aim: temporary keys go to whom both sides trust, and to nobody else. Method: real state and rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from identity_calls import ACCOUNT, OTHER, Desk

from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import CallerKind, root_caller
from vpcflow.control.identity import ACCESS_KEYS, add_account, caller_of, find_key
from vpcflow.control.state import GLOBAL, Database, State

ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database.in_folder(tmp_path)
    yield Desk(State(database))
    database.close()


def role(desk: Desk, principal: Any, condition: Any = None) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    desk.iam("CreateRole", RoleName="r", AssumeRolePolicyDocument=trust)


def allow(desk: Desk, user: str, action: str | list[str], resource: str = "*") -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    desk.iam("PutUserPolicy", UserName=user, PolicyName="p", PolicyDocument=document)


def denied(desk: Desk, caller: Any, **more: Any) -> None:
    with pytest.raises(ServiceError) as refused:
        desk.sts("AssumeRole", caller, RoleArn=ROLE, RoleSessionName="session", **more)
    assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)
    assert f"is not authorized to perform: sts:AssumeRole on resource: {ROLE}" in str(refused.value)


def test_everybody_may_ask_who_they_are(desk: Desk) -> None:
    user = desk.user("u")
    assert desk.sts("GetCallerIdentity", user) == {
        "UserId": user.user_id,
        "Account": ACCOUNT,
        "Arn": f"arn:aws:iam::{ACCOUNT}:user/u",
    }
    assert desk.sts("GetCallerIdentity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_a_trusted_account_leaves_the_choice_to_its_policies(desk: Desk) -> None:
    user = desk.user("u")
    role(desk, {"AWS": ACCOUNT})
    denied(desk, user)
    allow(desk, "u", "sts:AssumeRole", ROLE)
    answer = desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/session"
    key = answer["Credentials"]
    assert key["AccessKeyId"].startswith("ASIA") and "PackedPolicySize" not in answer
    assumed = desk.caller(key["AccessKeyId"])
    assert assumed.kind is CallerKind.ROLE and assumed.user_id.endswith(":session")


def test_a_trusted_user_needs_no_policy_of_its_own(desk: Desk) -> None:
    user, other = desk.user("u"), desk.user("v")
    role(desk, {"AWS": user.arn})
    desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session")
    allow(desk, "v", "sts:*")
    denied(desk, other)


def test_the_external_id_must_be_right(desk: Desk) -> None:
    user = desk.user("u")
    role(desk, {"AWS": user.arn}, {"StringEquals": {"sts:ExternalId": "secret"}})
    denied(desk, user)
    denied(desk, user, ExternalId="other")
    desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session", ExternalId="secret")


def test_another_account_needs_both_sides(desk: Desk) -> None:
    add_account(desk.state, OTHER)
    desk.iam("CreateUser", root_caller(OTHER), UserName="u")
    made = desk.iam("CreateAccessKey", root_caller(OTHER), UserName="u")["AccessKey"]
    user = desk.caller(made["AccessKeyId"])
    role(desk, {"AWS": user.arn})
    denied(desk, user)
    desk.iam("AttachUserPolicy", root_caller(OTHER), UserName="u", PolicyArn=ADMINISTRATOR)
    answer = desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session")
    assert desk.caller(answer["Credentials"]["AccessKeyId"]).account_id == ACCOUNT


def test_a_session_policy_only_takes_away(desk: Desk) -> None:
    user = desk.user("u")
    role(desk, {"AWS": user.arn})
    desk.iam("AttachRolePolicy", RoleName="r", PolicyArn=ADMINISTRATOR)
    statement = {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    answer = desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session", Policy=policy)
    assumed = desk.caller(answer["Credentials"]["AccessKeyId"])
    assert desk.permissions.allows(assumed, "ec2:DescribeVpcs", "*")
    assert not desk.permissions.allows(assumed, "ec2:CreateVpc", "*")
    assert answer["PackedPolicySize"] > 0


def test_a_role_that_is_not_there_is_refused_like_one_that_trusts_others(desk: Desk) -> None:
    denied(desk, desk.user("u"))
    denied(desk, desk.root)


@pytest.mark.parametrize("seconds", [899, 3601])
def test_a_session_lasts_as_long_as_the_role_lets_it(desk: Desk, seconds: int) -> None:
    user = desk.user("u")
    role(desk, {"AWS": user.arn})
    with pytest.raises(ServiceError) as refused:
        desk.sts(
            "AssumeRole", user, RoleArn=ROLE, RoleSessionName="session", DurationSeconds=seconds
        )
    assert refused.value.code == "ValidationError"


def test_a_session_token_stands_for_its_user(desk: Desk) -> None:
    user = desk.user("u")
    key = desk.sts("GetSessionToken", user)["Credentials"]
    session = desk.caller(key["AccessKeyId"])
    assert session.arn == user.arn
    with pytest.raises(ServiceError):
        desk.sts("GetSessionToken", session)
    assert desk.sts("GetAccessKeyInfo", AccessKeyId=key["AccessKeyId"]) == {"Account": ACCOUNT}
    with pytest.raises(ServiceError):
        desk.sts("DecodeAuthorizationMessage", EncodedMessage="x")


def test_a_session_does_not_outlive_its_role_in_one_made_anew(desk: Desk) -> None:
    user = desk.user("u")
    role(desk, {"AWS": user.arn})
    made = desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session")["Credentials"]
    token = desk.sts("GetSessionToken", user)["Credentials"]
    desk.iam("DeleteRole", RoleName="r")
    role(desk, {"AWS": user.arn})
    for key_id in desk.state.all(ACCESS_KEYS, GLOBAL):
        if desk.caller(key_id) == user:
            desk.iam("DeleteAccessKey", UserName="u", AccessKeyId=key_id)
            break
    desk.iam("DeleteUser", UserName="u")
    desk.user("u")
    for key in (made, token):
        held = find_key(desk.state, key["AccessKeyId"])
        assert held is not None and caller_of(desk.state, held) is None
        assert held.secret not in repr(held)


def test_a_session_policy_is_one_of_the_roles_account(desk: Desk) -> None:
    user = desk.user("u")
    role(desk, {"AWS": user.arn})
    add_account(desk.state, OTHER)
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = desk.iam("CreatePolicy", root_caller(OTHER), PolicyName="p", PolicyDocument=document)[
        "Policy"
    ]
    for more in ({"PolicyArns": [{"arn": policy["Arn"]}]}, {"Policy": " " * 2_049}):
        with pytest.raises(ServiceError) as refused:
            desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session", **more)
        assert refused.value.code in ("MalformedPolicyDocument", "PackedPolicyTooLarge")


def test_a_federated_user_does_what_both_its_policy_and_its_user_may(desk: Desk) -> None:
    user = desk.user("u")
    allow(desk, "u", ["ec2:*", "sts:GetFederationToken"])
    statement = {
        "Effect": "Allow",
        "Action": ["ec2:DescribeVpcs", "s3:*", "iam:*"],
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    answer = desk.sts("GetFederationToken", user, Name="guest", Policy=policy)
    arn = f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    assert answer["FederatedUser"] == {"FederatedUserId": f"{ACCOUNT}:guest", "Arn": arn}
    guest = desk.caller(answer["Credentials"]["AccessKeyId"])
    assert desk.sts("GetCallerIdentity", guest) == {
        "UserId": f"{ACCOUNT}:guest",
        "Account": ACCOUNT,
        "Arn": arn,
    }
    for action, allowed in (
        ("ec2:DescribeVpcs", True),
        ("ec2:CreateVpc", False),
        ("s3:Get", False),
    ):
        assert desk.permissions.allows(guest, action, "*") is allowed, action
    for operation, more in (("GetFederationToken", {"Name": "other"}), ("GetSessionToken", {})):
        with pytest.raises(ServiceError) as refused:
            desk.sts(operation, guest, **more)
        assert refused.value.code == "AccessDenied"


def test_a_federated_user_of_the_root_has_no_rights_but_its_policys(desk: Desk) -> None:
    plain = desk.sts("GetFederationToken", Name="guest", DurationSeconds=900)
    assert plain["PackedPolicySize"] == 0
    guest = desk.caller(plain["Credentials"]["AccessKeyId"])
    assert not desk.permissions.allows(guest, "ec2:DescribeVpcs", "*")
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    whole = desk.sts("GetFederationToken", Name="guest", Policy=policy)
    guest = desk.caller(whole["Credentials"]["AccessKeyId"])
    assert desk.permissions.allows(guest, "ec2:DescribeVpcs", "*")
    assert not desk.permissions.allows(guest, "iam:CreateUser", "*")
    # A policy that names the account leaves the choice to policies of identities.
    named = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:*", "Resource": "*"}
    bucket = json.dumps({"Version": "2012-10-17", "Statement": [named]})
    guest = desk.caller(plain["Credentials"]["AccessKeyId"])
    assert not desk.permissions.allows(guest, "s3:GetObject", "*", resource_policy=bucket)


def test_transitive_tags_are_handed_on_and_cannot_be_replaced(desk: Desk) -> None:
    user = desk.user("u")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [user.arn, ROLE]},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    desk.iam(
        "CreateRole",
        RoleName="r",
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{**statement, "Principal": {"AWS": user.arn}}]}
        ),
    )
    desk.iam("CreateRole", RoleName="second", AssumeRolePolicyDocument=trust)
    desk.iam("AttachRolePolicy", RoleName="r", PolicyArn=ADMINISTRATOR)
    given = [{"Key": "Team", "Value": "a"}, {"Key": "Job", "Value": "b"}]
    tagged = {"Tags": given, "TransitiveTagKeys": ["team"], "RoleSessionName": "one"}
    first = desk.sts("AssumeRole", user, RoleArn=ROLE, **tagged)
    caller = desk.caller(first["Credentials"]["AccessKeyId"])
    second = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/second", "RoleSessionName": "two"}
    answer = desk.sts("AssumeRole", caller, **second)
    assert desk.caller(answer["Credentials"]["AccessKeyId"]).tags == {"Team": "a"}
    with pytest.raises(ServiceError) as refused:
        desk.sts("AssumeRole", caller, **second, Tags=[{"Key": "TEAM", "Value": "c"}])
    assert refused.value.code == "InvalidParameterValue"
    assert str(refused.value).endswith(
        "One of the specified transitive tag keys can't be set because it conflicts with a "
        "transitive tag key from the calling session."
    )


def test_a_session_policy_also_narrows_what_others_grant_its_role(desk: Desk) -> None:
    user = desk.user("u")
    role(desk, {"AWS": user.arn})
    trust = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    desk.iam("CreateRole", RoleName="next", AssumeRolePolicyDocument=document)
    further = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/next", "RoleSessionName": "further"}
    narrow = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}],
        }
    )
    bucket = document.replace("sts:AssumeRole", "s3:GetObject").replace(
        '"Effect"', '"Resource": "*", "Effect"'
    )
    for policy, may in (({}, True), ({"Policy": narrow}, False)):
        made = desk.sts("AssumeRole", user, RoleArn=ROLE, RoleSessionName="session", **policy)
        session = desk.caller(made["Credentials"]["AccessKeyId"])
        found = desk.permissions.refusal(
            session, "s3:GetObject", "*", resource_policy=bucket, owner=ACCOUNT
        )
        assert (found is None) is may
        if may:
            desk.sts("AssumeRole", session, **further)
        else:
            with pytest.raises(ServiceError) as refused:
                desk.sts("AssumeRole", session, **further)
            assert "no session policy allows" in str(refused.value)
