"""Aim: who may do what, and a refusal names what is missing. Method: identities in a real state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller, CallerKind, root_caller
from vpcflow.control.identity import (
    GROUPS,
    MANAGED_POLICIES,
    ROLES,
    USERS,
    Group,
    ManagedPolicy,
    PolicyVersion,
    Role,
    User,
    iam_place,
)
from vpcflow.control.permissions import (
    LOG_GROUP_ACTIONS,
    WORDED_FOR,
    Permissions,
    chain_problem,
    role_problem,
)
from vpcflow.control.state import Database, State

ACCOUNT = "123456789012"
PLACE = iam_place(ACCOUNT)
CALLER = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/u", "AIDAU", CallerKind.USER, "u")
READER = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SERVICE = "vpc-flow-logs.amazonaws.com"
GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:flow"
SOURCE = f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-flow-log/fl-0123456789abcdef0"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service/flow"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    database = Database.in_folder(tmp_path)
    yield State(database)
    database.close()


def policy(effect: str, action: Any, resource: Any = "*") -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def put_user(state: State, **more: Any) -> None:
    with state.change() as change:
        change.put(USERS, PLACE, "u", User("u", "AIDAU", 0.0, **more))


def refusal(state: State, action: str, resource: str = "*", **context: Any) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        Permissions(state, ManualClock())(CALLER, action, [resource], context)
    return refused.value


def test_the_root_may_everything(state: State) -> None:
    Permissions(state)(root_caller(ACCOUNT), "ec2:CreateFlowLogs", ["*"])


def test_each_service_words_its_refusal(state: State) -> None:
    put_user(state)
    end = "because no identity-based policy allows the {} action"
    start = f"User: {CALLER.arn} is not authorized to perform: "
    logs = refusal(state, "logs:PutLogEvents", GROUP)
    assert (logs.code, logs.status) == ("AccessDeniedException", 400)
    assert logs.message == (
        f"{start}logs:PutLogEvents on resource: {GROUP} {end.format('logs:PutLogEvents')}"
    )
    ec2 = refusal(state, "ec2:CreateFlowLogs")
    assert (ec2.code, ec2.status) == ("UnauthorizedOperation", 403)
    assert ec2.message == (
        f"You are not authorized to perform this operation. {start}ec2:CreateFlowLogs on "
        f"resource: * {end.format('ec2:CreateFlowLogs')}"
    )
    for action in ("iam:GetRole", "sts:AssumeRole", "s3:PutObject"):
        found = refusal(state, action)
        assert (found.code, found.status) == ("AccessDenied", 403)
    passing = refusal(state, "iam:PassRole", ROLE, **{WORDED_FOR: "ec2"})
    assert passing.code == "UnauthorizedOperation" and "iam:PassRole" in passing.message


def test_policies_come_inline_attached_and_from_groups(state: State) -> None:
    permissions = Permissions(state)
    put_user(state, inline={"p": policy("Allow", "ec2:CreateVpc")}, groups=("g", "gone"))
    with state.change() as change:
        change.put(GROUPS, PLACE, "g", Group("g", "AGPA", 0.0, attached=(READER,)))
    assert permissions.allows(CALLER, "ec2:CreateVpc", "*")
    assert permissions.allows(CALLER, "ec2:DescribeVpcs", "*")
    assert not permissions.allows(CALLER, "ec2:DeleteVpc", "*")


def test_an_explicit_deny_wins(state: State) -> None:
    put_user(state, inline={"a": policy("Allow", "*"), "d": policy("Deny", "ec2:Delete*")})
    assert Permissions(state).allows(CALLER, "ec2:CreateVpc", "*")
    found = refusal(state, "ec2:DeleteVpc")
    assert found.message.endswith("with an explicit deny in an identity-based policy")


def test_a_boundary_and_a_session_policy_only_take_away(state: State) -> None:
    put_user(state, inline={"a": policy("Allow", "*")}, boundary=READER)
    permissions = Permissions(state)
    assert permissions.allows(CALLER, "ec2:DescribeVpcs", "*")
    assert refusal(state, "ec2:CreateVpc").message.endswith(
        "because no permissions boundary allows the ec2:CreateVpc action"
    )
    session = replace(CALLER, session_policy=policy("Allow", "logs:*"))
    assert not permissions.allows(session, "ec2:DescribeVpcs", "*")
    assert permissions.allows(session, "logs:DescribeLogGroups", "*")
    # A boundary whose policy is gone allows nothing.
    put_user(
        state,
        inline={"a": policy("Allow", "*")},
        boundary=f"arn:aws:iam::{ACCOUNT}:policy/gone",
    )
    assert not permissions.allows(CALLER, "ec2:DescribeVpcs", "*")


def test_conditions_on_the_caller_are_filled_in(state: State) -> None:
    tagged = replace(CALLER, tags={"Team": "net"})
    put_user(
        state,
        inline={
            "own": policy("Allow", "iam:*", "arn:aws:iam::*:user/${aws:username}"),
            "team": policy("Allow", "s3:*", "arn:aws:s3:::${aws:PrincipalTag/Team}/*"),
        },
    )
    permissions = Permissions(state)
    assert permissions.allows(CALLER, "iam:GetUser", CALLER.arn)
    assert not permissions.allows(CALLER, "iam:GetUser", f"{CALLER.arn}x")
    assert permissions.allows(tagged, "s3:GetObject", "arn:aws:s3:::net/x")
    assert not permissions.allows(CALLER, "s3:GetObject", "arn:aws:s3:::net/x")


def test_a_bucket_of_another_account_needs_both_sides(state: State) -> None:
    permissions = Permissions(state)
    bucket = "arn:aws:s3:::b/k"
    grant = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": CALLER.arn},
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::b/*",
                }
            ],
        }
    )
    put_user(state)

    def allowed(policy: str | None, owner: str) -> bool:
        return permissions.allows(
            CALLER, "s3:GetObject", bucket, resource_policy=policy, owner=owner
        )

    assert allowed(grant, ACCOUNT)
    assert not allowed(None, ACCOUNT)
    assert not allowed(grant, "210987654321")
    put_user(state, inline={"a": policy("Allow", "s3:*")})
    assert allowed(grant, "210987654321")
    assert not allowed(None, "210987654321")
    assert not permissions.allows(
        root_caller(ACCOUNT), "s3:GetObject", bucket, owner="210987654321"
    )


def put_role(state: State, inline: str, trust: dict[str, Any] | None = None) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-flow-log/*"},
        },
        **(trust or {}),
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with state.change() as change:
        role = Role("flow", "AROAX", 0.0, document, "/service/", inline={"p": inline})
        change.put(ROLES, PLACE, "flow", role)


def problem(state: State, role_arn: str = ROLE, account_id: str = ACCOUNT) -> str | None:
    return role_problem(state, role_arn, account_id, SERVICE, LOG_GROUP_ACTIONS, [GROUP], SOURCE)


def test_a_delivery_role_is_checked_and_mended(state: State) -> None:
    assert problem(state) == f"The role {ROLE} does not exist"
    put_role(state, policy("Allow", list(LOG_GROUP_ACTIONS)))
    assert problem(state) is None
    assert "is not in the account" in str(problem(state, account_id="210987654321"))
    assert "does not exist" in str(problem(state, f"arn:aws:iam::{ACCOUNT}:role/flow"))
    put_role(
        state,
        policy("Allow", list(LOG_GROUP_ACTIONS)),
        {"Principal": {"Service": "ec2.amazonaws.com"}},
    )
    assert "trust policy" in str(problem(state)) and SERVICE in str(problem(state))
    condition = {"StringEquals": {"aws:SourceAccount": "210987654321"}}
    put_role(state, policy("Allow", list(LOG_GROUP_ACTIONS)), {"Condition": condition})
    assert "trust policy" in str(problem(state))
    put_role(state, policy("Allow", list(LOG_GROUP_ACTIONS)))
    assert problem(state) is None


def test_logs_is_trusted_under_the_name_of_its_region_too(state: State) -> None:
    stream = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/s"
    source = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:g"

    def trusting(service: str, asked: str) -> bool:
        trust = {"Principal": {"Service": service}, "Condition": {}}
        put_role(state, policy("Allow", "firehose:*"), trust)
        action = ["firehose:PutRecordBatch"]
        return role_problem(state, ROLE, ACCOUNT, asked, action, [stream], source) is None

    assert trusting("logs.amazonaws.com", "logs.amazonaws.com")
    assert trusting("logs.us-east-1.amazonaws.com", "logs.amazonaws.com")
    assert not trusting("logs.eu-west-1.amazonaws.com", "logs.amazonaws.com")
    assert not trusting("ec2.us-east-1.amazonaws.com", "ec2.amazonaws.com")


@pytest.mark.parametrize("missing", LOG_GROUP_ACTIONS)
def test_the_missing_action_of_a_delivery_role_is_named(state: State, missing: str) -> None:
    put_role(state, policy("Allow", [each for each in LOG_GROUP_ACTIONS if each != missing]))
    assert f"is not allowed {missing} on" in str(problem(state))


def test_a_narrow_delivery_role_needs_the_group_and_its_streams(state: State) -> None:
    put_role(state, policy("Allow", "logs:*", GROUP))
    assert "logs:CreateLogStream" in str(problem(state))
    put_role(state, policy("Allow", "logs:*", f"{GROUP}:*"))
    assert problem(state) is None
    put_role(state, policy("Allow", "logs:*", [GROUP, f"{GROUP}:*"]))
    assert problem(state) is None
    put_role(state, policy("Allow", "logs:*", [f"{GROUP}2", f"{GROUP}2:*"]))
    assert "logs:CreateLogGroup" in str(problem(state))


def test_a_delivery_role_follows_its_managed_policy(state: State) -> None:
    put_role(state, policy("Allow", "s3:*"))
    assert problem(state) is not None
    document = policy("Allow", "logs:*")
    with state.change() as change:
        versions = {"v1": PolicyVersion(document, 0.0)}
        managed = ManagedPolicy("p", "ANPAX", 0.0, 0.0, "v1", versions)
        change.put(MANAGED_POLICIES, PLACE, "p", managed)
        role = change.get(ROLES, PLACE, "flow")
        assert role is not None
        arns = (f"arn:aws:iam::{ACCOUNT}:policy/p",)
        change.put(ROLES, PLACE, "flow", replace(role, attached=arns))
    assert problem(state) is None
    with state.change() as change:
        denied = {"v1": PolicyVersion(policy("Deny", "logs:PutLogEvents"), 0.0)}
        change.put(MANAGED_POLICIES, PLACE, "p", replace(managed, versions=denied))
    assert problem(state) is not None


def test_a_role_is_assumed_by_whom_it_trusts(state: State) -> None:
    source = "arn:aws:iam::210987654321:role/source"
    assert "does not exist" in str(chain_problem(state, ROLE, source))
    put_role(state, policy("Allow", "*"), {"Principal": {"AWS": source}, "Condition": {}})
    assert chain_problem(state, ROLE, source) is None
    assert "does not let" in str(chain_problem(state, ROLE, f"{source}2"))
    put_role(state, policy("Allow", "*"))
    assert "does not let" in str(chain_problem(state, ROLE, source))
