"""Aim: policies mean what AWS says they mean. Method: a table of cases, and any JSON whatever."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.permissions import (
    Outcome,
    PolicyUse,
    as_context,
    check_policy,
    evaluate,
    evaluate_resource_policy,
)
from vpcflow.control.permissions.conditions import like

ALLOW, DENY, NOTHING = Outcome.ALLOW, Outcome.DENY, Outcome.NOTHING
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:flow"
READ, WRITE = "logs:GetLogEvents", "logs:PutLogEvents"


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


STATEMENTS: list[tuple[list[dict[str, Any]], str, str, Outcome]] = [
    ([], READ, GROUP, NOTHING),
    ([allow()], READ, GROUP, ALLOW),
    ([allow("logs:*")], READ, GROUP, ALLOW),
    ([allow("LOGS:getlog*")], READ, GROUP, ALLOW),
    ([allow("logs:Get?ogEvents")], READ, GROUP, ALLOW),
    ([allow("logs:Get?LogEvents")], READ, GROUP, NOTHING),
    ([allow("logs:Put*")], READ, GROUP, NOTHING),
    ([allow(["ec2:*", "logs:*"])], READ, GROUP, ALLOW),
    ([allow(resource=GROUP)], READ, GROUP, ALLOW),
    ([allow(resource=GROUP)], READ, f"{GROUP}:log-stream:x", NOTHING),
    ([allow(resource=f"{GROUP}:*")], READ, f"{GROUP}:log-stream:x", ALLOW),
    ([allow(resource=f"{GROUP}:*")], READ, GROUP, NOTHING),
    ([allow(resource=GROUP.upper())], READ, GROUP, NOTHING),
    ([allow(), deny("logs:Get*")], READ, GROUP, DENY),
    ([deny("logs:Get*"), allow()], WRITE, GROUP, ALLOW),
    ([{"Effect": "Allow", "NotAction": "logs:Get*", "Resource": "*"}], READ, GROUP, NOTHING),
    ([{"Effect": "Allow", "NotAction": "logs:Get*", "Resource": "*"}], WRITE, GROUP, ALLOW),
    ([{"Effect": "Deny", "NotAction": "logs:*", "Resource": "*"}], "ec2:RunInstances", "*", DENY),
    ([{"Effect": "Allow", "Action": "*", "NotResource": GROUP}], READ, GROUP, NOTHING),
    ([{"Effect": "Allow", "Action": "*", "NotResource": GROUP}], READ, "*", ALLOW),
]

#: An operator, a key, wanted values, the values of the request, and whether the condition holds.
CONDITIONS: list[tuple[str, str, Any, dict[str, Any], bool]] = [
    ("StringEquals", "aws:x", "a", {"aws:x": "a"}, True),
    ("StringEquals", "AWS:X", "a", {"aws:x": "a"}, True),
    ("StringEquals", "aws:x", "A", {"aws:x": "a"}, False),
    ("StringEquals", "aws:x", ["b", "a"], {"aws:x": "a"}, True),
    ("StringEquals", "aws:x", "a", {}, False),
    ("StringEqualsIfExists", "aws:x", "a", {}, True),
    ("StringEqualsIfExists", "aws:x", "a", {"aws:x": "b"}, False),
    ("StringNotEquals", "aws:x", "a", {"aws:x": "b"}, True),
    ("StringNotEquals", "aws:x", ["a", "b"], {"aws:x": "b"}, False),
    ("StringNotEquals", "aws:x", "a", {}, True),
    ("StringEqualsIgnoreCase", "aws:x", "ABC", {"aws:x": "abc"}, True),
    ("StringNotEqualsIgnoreCase", "aws:x", "ABC", {"aws:x": "abc"}, False),
    ("StringLike", "aws:x", "a*c?", {"aws:x": "abbbcd"}, True),
    ("StringLike", "aws:x", "a*c?", {"aws:x": "abbbc"}, False),
    ("StringNotLike", "aws:x", "a*", {"aws:x": "abc"}, False),
    ("StringEquals", "aws:x", "a*", {"aws:x": "abc"}, False),
    ("ArnLike", "aws:SourceArn", "arn:aws:ec2:*:1:vpc-flow-log/*",
     {"aws:SourceArn": "arn:aws:ec2:us-east-1:1:vpc-flow-log/fl-1"}, True),
    ("ArnEquals", "aws:SourceArn", "arn:aws:ec2:*:1:*",
     {"aws:SourceArn": "arn:aws:ec2:us-east-1:2:vpc-flow-log/fl-1"}, False),
    ("ArnNotLike", "aws:SourceArn", "arn:aws:ec2:*:1:*",
     {"aws:SourceArn": "arn:aws:ec2:us-east-1:2:x"}, True),
    ("ArnLike", "aws:SourceArn", "arn:*", {"aws:SourceArn": "no arn"}, False),
    ("NumericLessThan", "s3:max-keys", "10", {"s3:max-keys": 9}, True),
    ("NumericLessThanEquals", "s3:max-keys", 10, {"s3:max-keys": "10"}, True),
    ("NumericGreaterThan", "s3:max-keys", "10", {"s3:max-keys": 10}, False),
    ("NumericEquals", "s3:max-keys", "10", {"s3:max-keys": "10.0"}, True),
    ("NumericNotEquals", "s3:max-keys", "10", {"s3:max-keys": "11"}, True),
    ("NumericEquals", "s3:max-keys", "ten", {"s3:max-keys": "10"}, False),
    ("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z",
     {"aws:CurrentTime": "2026-11-27T12:00:00Z"}, True),
    ("DateGreaterThan", "aws:CurrentTime", "2027-01-01",
     {"aws:CurrentTime": "2026-11-27T12:00:00Z"}, False),
    ("DateGreaterThanEquals", "aws:EpochTime", "1", {"aws:EpochTime": "1"}, True),
    ("Bool", "aws:SecureTransport", "true", {"aws:SecureTransport": True}, True),
    ("Bool", "aws:SecureTransport", False, {"aws:SecureTransport": True}, False),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8", {"aws:SourceIp": "10.1.2.3"}, True),
    ("IpAddress", "aws:SourceIp", "10.0.0.0/8", {"aws:SourceIp": "11.1.2.3"}, False),
    ("IpAddress", "aws:SourceIp", "10.0.0.1", {"aws:SourceIp": "::ffff:10.0.0.1"}, True),
    ("IpAddress", "aws:SourceIp", "2001:db8::/32", {"aws:SourceIp": "2001:db8::1"}, True),
    ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8"], {"aws:SourceIp": "11.0.0.1"}, True),
    ("Null", "aws:x", "true", {}, True),
    ("Null", "aws:x", "false", {}, False),
    ("Null", "aws:x", False, {"aws:x": "1"}, True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], {"aws:TagKeys": ["a", "b"]}, True),
    ("ForAnyValue:StringEquals", "aws:TagKeys", ["a"], {}, False),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a"], {"aws:TagKeys": ["a", "b"]}, False),
    ("ForAllValues:StringLike", "aws:TagKeys", ["a*"], {"aws:TagKeys": ["a", "ab"]}, True),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["a"], {}, True),
    ("StringEquals", "aws:RequestTag/team", "net", {"aws:RequestTag/team": "net"}, True),
    ("StringEquals", "iam:PassedToService", "vpc-flow-logs.amazonaws.com",
     {"iam:PassedToService": "vpc-flow-logs.amazonaws.com"}, True),
    ("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control", {}, False),
    ("StringEquals", "aws:x", "${aws:username}", {"aws:x": "u", "aws:username": "u"}, True),
    ("StringEquals", "aws:x", "${aws:username}", {"aws:x": "${aws:username}"}, False),
    ("NoSuchOperator", "aws:x", "a", {"aws:x": "a"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "action", "resource", "said"), STATEMENTS)
def test_statements(statements: list[Any], action: str, resource: str, said: Outcome) -> None:
    assert evaluate([text(*statements)], action, resource, {}) is said


@pytest.mark.parametrize(("operator", "key", "wanted", "context", "hold"), CONDITIONS)
def test_conditions(
    operator: str, key: str, wanted: Any, context: dict[str, Any], hold: bool
) -> None:
    document = text(allow(Condition={operator: {key: wanted}}))
    assert (evaluate([document], READ, GROUP, as_context(context)) is ALLOW) == hold


def test_all_conditions_must_hold() -> None:
    both = {"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Null": {"aws:c": "true"}}
    document = text(allow(Condition=both))
    context = {"aws:a": "1", "aws:b": "2"}
    assert evaluate([document], READ, GROUP, as_context(context)) is ALLOW
    assert evaluate([document], READ, GROUP, as_context({"aws:a": "1"})) is NOTHING
    assert evaluate([document], READ, GROUP, as_context({**context, "aws:c": "3"})) is NOTHING


def test_variables_stand_for_values_and_not_for_wildcards() -> None:
    document = text(allow(resource="arn:aws:s3:::b/${aws:username}/*"))
    context = as_context({"aws:username": "ann"})
    assert evaluate([document], "s3:GetObject", "arn:aws:s3:::b/ann/x", context) is ALLOW
    assert evaluate([document], "s3:GetObject", "arn:aws:s3:::b/bob/x", context) is NOTHING
    assert evaluate([document], "s3:GetObject", "arn:aws:s3:::b/x", {}) is NOTHING
    star = as_context({"aws:username": "*"})
    assert evaluate([document], "s3:GetObject", "arn:aws:s3:::b/bob/x", star) is NOTHING
    literal = text(allow(resource="arn:aws:s3:::b/${*}"))
    assert evaluate([literal], "s3:GetObject", "arn:aws:s3:::b/*", {}) is ALLOW
    assert evaluate([literal], "s3:GetObject", "arn:aws:s3:::b/x", {}) is NOTHING
    default = text(allow(resource="arn:aws:s3:::b/${aws:username, 'nobody'}"))
    assert evaluate([default], "s3:GetObject", "arn:aws:s3:::b/nobody", {}) is ALLOW
    old = json.dumps({"Version": "2008-10-17", "Statement": [allow(resource="arn:aws:s3:::${*}")]})
    assert evaluate([old], "s3:GetObject", "arn:aws:s3:::${x}", {}) is ALLOW


USER = Caller("123456789012", "arn:aws:iam::123456789012:user/u", "AIDAX", CallerKind.USER, "u")
SERVICE = "delivery.logs.amazonaws.com"


@pytest.mark.parametrize(
    ("principal", "who", "allowed", "named"),
    [
        ("*", USER, True, True),
        ("*", None, True, True),
        ({"AWS": "*"}, None, True, True),
        ({"AWS": "*"}, SERVICE, True, True),
        ({"AWS": USER.arn}, USER, True, True),
        ({"AWS": "123456789012"}, USER, True, False),
        ({"AWS": "arn:aws:iam::123456789012:root"}, USER, True, False),
        ({"AWS": ["210987654321", "arn:aws:iam::123456789012:user/v"]}, USER, False, False),
        ({"Service": SERVICE}, SERVICE, True, True),
        ({"Service": SERVICE}, USER, False, False),
        ({"Service": "other.amazonaws.com"}, SERVICE, False, False),
    ],
)
def test_principals(principal: Any, who: Any, allowed: bool, named: bool) -> None:
    document = text(allow("s3:PutObject", Principal=principal))
    found = evaluate_resource_policy(document, who, "s3:PutObject", "arn:aws:s3:::b/k")
    assert (found.allowed, found.named) == (allowed, named)


def test_the_bucket_policy_of_log_delivery() -> None:
    """The policy that AWS's guide gives for flow logs to S3."""
    document = text(
        {
            "Sid": "AWSLogDeliveryWrite",
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::b/AWSLogs/123456789012/*",
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": "123456789012",
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:*"},
            },
        }
    )
    check_policy(document, PolicyUse.RESOURCE)
    context = {
        "aws:SourceAccount": "123456789012",
        "s3:x-amz-acl": "bucket-owner-full-control",
        "aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:delivery-source:x",
    }
    key = "arn:aws:s3:::b/AWSLogs/123456789012/vpcflowlogs/x.gz"
    assert evaluate_resource_policy(document, SERVICE, "s3:PutObject", key, context).allowed
    for missing in context:
        less = {name: value for name, value in context.items() if name != missing}
        assert not evaluate_resource_policy(document, SERVICE, "s3:PutObject", key, less).allowed


@pytest.mark.parametrize(
    ("document", "use", "message"),
    [
        ("{", PolicyUse.IDENTITY, "Syntax errors in policy."),
        ("[]", PolicyUse.IDENTITY, "Syntax errors in policy."),
        ('{"Statement": []}', PolicyUse.IDENTITY, "Syntax errors in policy."),
        (
            json.dumps({"Version": "2008-10-17", "Statement": [allow()]}),
            PolicyUse.MANAGED,
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            json.dumps({"Version": "2017-10-17", "Statement": [allow()]}),
            PolicyUse.IDENTITY,
            "Syntax errors in policy.",
        ),
        (
            text(allow(resource="arn:error:s3:::b")),
            PolicyUse.MANAGED,
            'Partition "error" is not valid for resource "arn:error:s3:::b".',
        ),
        (
            text(allow(action="a a:List")),
            PolicyUse.MANAGED,
            "Vendor a a is not valid",
        ),
        (text(allow(action=[])), PolicyUse.IDENTITY, "Policy statement must contain actions."),
        (
            text(allow(action="invalid")),
            PolicyUse.IDENTITY,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (text(allow(resource=[])), PolicyUse.IDENTITY, "Policy statement must contain resources."),
        (
            text(allow(resource="bucket")),
            PolicyUse.IDENTITY,
            'Resource bucket must be in ARN format or "*".',
        ),
        (
            text(allow(Principal="*")),
            PolicyUse.IDENTITY,
            "Policy document should not specify a principal.",
        ),
        (
            text(allow(Sid="a"), allow(Sid="a")),
            PolicyUse.IDENTITY,
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (
            text(allow("sts:AssumeRole", Principal="*")),
            PolicyUse.TRUST,
            "Has prohibited field Resource",
        ),
        (
            text({"Effect": "Allow", "Action": "ec2:x", "Principal": "*"}),
            PolicyUse.TRUST,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            text(allow(Condition={"Strange": {"aws:x": "1"}})),
            PolicyUse.IDENTITY,
            "Invalid Condition type : Strange",
        ),
    ],
)
def test_malformed_documents(document: str, use: PolicyUse, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        check_policy(document, use)
    assert (refused.value.code, refused.value.message) == ("MalformedPolicyDocument", message)


def test_inline_documents_may_be_of_the_old_version() -> None:
    check_policy(json.dumps({"Version": "2008-10-17", "Statement": allow()}))
    check_policy(json.dumps({"Statement": [allow(Sid=""), allow(Sid="")]}))


def test_a_hostile_pattern_costs_little() -> None:
    begun_s = time.perf_counter()
    assert not like("a" * 2000, "*a" * 500 + "b")
    assert like("a" * 2000 + "b", "*a" * 500 + "*b")
    assert time.perf_counter() - begun_s < 5


WORDS = st.sampled_from(
    [
        "Version",
        "Statement",
        "Effect",
        "Allow",
        "Deny",
        "Action",
        "NotAction",
        "Resource",
        "*",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Condition",
        "StringLike",
        "Null",
        "Sid",
        "aws:username",
        "${aws:username}",
        "${",
        "arn:aws:s3:::b",
        "2012-10-17",
        "s3:GetObject",
        "",
        "NumericEquals",
        "DateEquals",
        "IpAddress",
        "ForAnyValue:StringEquals",
        "Bool",
        "1e999",
    ]
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=30,
)
STATEMENT = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional=dict.fromkeys(
        ("Action", "Resource", "Principal", "NotPrincipal", "NotAction", "Condition"),
        DOCUMENTS | WORDS,
    ),
)


@given(document=DOCUMENTS | st.builds(lambda each: {"Statement": each}, STATEMENT))
def test_no_document_breaks_the_evaluation(document: Any) -> None:
    written = json.dumps(document)
    context = as_context({"aws:username": "u", "aws:x": ["1", "2"]})
    evaluate([written], "s3:GetObject", "arn:aws:s3:::b", context)
    for who in (USER, SERVICE, None):
        evaluate_resource_policy(written, who, "s3:GetObject", "arn:aws:s3:::b", {"aws:x": 1})
    for use in PolicyUse:
        try:
            check_policy(written, use)
        except ServiceError as refused:
            assert refused.code == "MalformedPolicyDocument"


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "service-prefix:action-name"},
        {"Action": "iam: as df "},
        {"Action": "s3.s:ListBucket"},
        {"Action": "s3:ListBucket", "Condition": {"StringEqualsIfExists": {"a": "b"}}},
        {"Action": "s3:ListBucket", "Condition": {"DateGreaterThan": {"a": []}}},
    ],
)
def test_what_aws_takes_although_it_means_nothing_is_taken(statement: dict[str, Any]) -> None:
    whole = {"Effect": "Allow", "Resource": "*", **statement}
    check_policy(json.dumps({"Version": "2012-10-17", "Statement": whole}))


def test_the_id_of_a_policy_is_a_text() -> None:
    for found in ({}, ["x"], 7):
        whole = {"Version": "2012-10-17", "Id": found, "Statement": allow()}
        with pytest.raises(ServiceError) as refused:
            check_policy(json.dumps(whole))
        assert refused.value.code == "MalformedPolicyDocument"
