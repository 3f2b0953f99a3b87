"""Aim: what breaks a constraint of the model is refused in each service's own words, quickly.

Method: recorded messages; parameters that break one or several constraints; hostile texts against
every pattern of every model.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from vpcflow.api.aws.protocol.models import SERVICES, model_of, operation_of
from vpcflow.api.aws.protocol.patterns import translated, untranslated
from vpcflow.api.aws.protocol.validate import (
    PATTERN_TEXT_MAX,
    UNBOUNDED_TEXT_MAX,
    style_of,
    validate,
)
from vpcflow.base.errors import ServiceError


def check(service: str, operation: str, raw: frozenset[str] = frozenset(), **given: Any) -> None:
    validate(given, operation_of(service, operation).input_shape, style_of(service, operation), raw)


def refusal(service: str, operation: str, **given: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        check(service, operation, **given)
    return refused.value.code, refused.value.message


LONG = "x" * 513
PATH_WORDS = "failed to satisfy constraint: Member must"


@pytest.mark.parametrize(
    ("operation", "given", "code", "message"),
    [
        (
            "GetLogEvents",
            {"logGroupName": "g", "logStreamName": "s", "limit": 10001},
            "InvalidParameterException",
            f"1 validation error detected: Value '10001' at 'limit' {PATH_WORDS} "
            "have value less than or equal to 10000",
        ),
        (
            "FilterLogEvents",
            {"logGroupName": "g", "limit": 0},
            "InvalidParameterException",
            f"1 validation error detected: Value '0' at 'limit' {PATH_WORDS} "
            "have value greater than or equal to 1",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": LONG},
            "InvalidParameterException",
            "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
        ),
        (
            "DeleteMetricFilter",
            {"logGroupName": LONG, "filterName": "f"},
            "InvalidParameterException",
            "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": "a b"},
            "InvalidParameterException",
            f"1 validation error detected: Value 'a b' at 'logGroupName' {PATH_WORDS} "
            "satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
        ),
        (
            "CreateLogGroup",
            {},
            "InvalidParameterException",
            f"1 validation error detected: Value null at 'logGroupName' {PATH_WORDS} not be null",
        ),
        (
            "DescribeLogStreams",
            {"logGroupIdentifier": "arn:aws:logs:us-east-1:123456789012:log-group:g:*"},
            "InvalidParameterException",
            "1 validation error detected: Value 'arn:aws:logs:us-east-1:123456789012:log-group:g:*' "
            f"at 'logGroupIdentifier' {PATH_WORDS} satisfy regular expression pattern: "
            "[\\w#+=/:,.@-]*",
        ),
        (
            "DescribeLogStreams",
            {"logGroupName": "g", "orderBy": "Size"},
            "InvalidParameterException",
            f"1 validation error detected: Value 'Size' at 'orderBy' {PATH_WORDS} "
            "satisfy enum value set: [LogStreamName, LastEventTime]",
        ),
        (
            "PutMetricFilter",
            {
                "logGroupName": "g",
                "filterName": "f",
                "filterPattern": "",
                "metricTransformations": [
                    {"metricName": "m", "metricNamespace": "n", "metricValue": "1"},
                    {"metricName": "m", "metricNamespace": "n", "metricValue": "2"},
                ],
            },
            "InvalidParameterException",
            "1 validation error detected: Value '[MetricTransformation(metricName=m, "
            "metricNamespace=n, metricValue=1, defaultValue=null, unit=null, dimensions=null), "
            "MetricTransformation(metricName=m, metricNamespace=n, metricValue=2, "
            "defaultValue=null, unit=null, dimensions=null)]' at 'metricTransformations' "
            f"{PATH_WORDS} have length less than or equal to 1",
        ),
        (
            "PutMetricFilter",
            {
                "logGroupName": "g",
                "filterName": "a:b",
                "filterPattern": "p" * 1025,
                "metricTransformations": [{"metricName": "m", "metricNamespace": "n"}],
            },
            "InvalidParameterException",
            f"3 validation errors detected: Value 'a:b' at 'filterName' {PATH_WORDS} "
            f"satisfy regular expression pattern: [^:*]*; Value '{'p' * 1025}' at 'filterPattern' "
            f"{PATH_WORDS} have length less than or equal to 1024; Value null at "
            f"'metricTransformations.1.member.metricValue' {PATH_WORDS} not be null",
        ),
        (
            "FilterLogEvents",
            {"logGroupName": "g", "logStreamNames": ["a", "b*"]},
            "InvalidParameterException",
            "1 validation error detected: Value '[a, b*]' at 'logStreamNames' failed to satisfy "
            "constraint: Member must satisfy constraint: [Member must have length less than or "
            "equal to 512, Member must have length greater than or equal to 1, Member must "
            "satisfy regular expression pattern: [^:*]*]",
        ),
        (
            "PutDeliverySource",
            {"name": "a b", "resourceArn": "arn", "logType": "x"},
            "ValidationException",
            f"1 validation error detected: Value 'a b' at 'name' {PATH_WORDS} "
            "satisfy regular expression pattern: [\\w-]*",
        ),
    ],
)
def test_logs_words_its_constraints(
    operation: str, given: dict[str, Any], code: str, message: str
) -> None:
    assert refusal("logs", operation, **given) == (code, message)


@pytest.mark.parametrize(
    ("operation", "given", "code", "message"),
    [
        (
            "DescribeVpcAttribute",
            {"Attribute": "enableDnsSupport"},
            "MissingParameter",
            "The request must contain the parameter VpcId",
        ),
        (
            "CreateSecurityGroup",
            {"GroupName": "g", "Description": ""},
            "MissingParameter",
            "The request must contain the parameter GroupDescription",
        ),
        (
            "DescribeVpcs",
            {"MaxResults": 4},
            "InvalidParameterValue",
            "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.",
        ),
        (
            "DescribeVpcs",
            {"MaxResults": 1001},
            "InvalidParameterValue",
            "Value ( 1001 ) for parameter maxResults is invalid. "
            "Expecting a value less than or equal to 1000.",
        ),
        (
            "CreateFlowLogs",
            {"ResourceIds": ["vpc-1"], "ResourceType": "VPC", "TrafficType": "SOME"},
            "InvalidParameterValue",
            "Value (SOME) for parameter trafficType is invalid. "
            "Valid values are: ACCEPT, REJECT, ALL.",
        ),
    ],
)
def test_ec2_words_its_constraints(
    operation: str, given: dict[str, Any], code: str, message: str
) -> None:
    assert refusal("ec2", operation, **given) == (code, message)


def test_iam_sts_and_firehose_have_their_own_code() -> None:
    assert refusal("iam", "GetRole", RoleName="a b")[0] == "ValidationError"
    assert refusal("iam", "GetRole") == (
        "ValidationError",
        f"1 validation error detected: Value null at 'roleName' {PATH_WORDS} not be null",
    )
    assert refusal("sts", "AssumeRole", RoleArn="short", RoleSessionName="s")[0] == (
        "ValidationError"
    )
    assert refusal("firehose", "DescribeDeliveryStream", DeliveryStreamName="")[0] == (
        "ValidationException"
    )


def test_s3_holds_the_body_to_what_is_required_alone() -> None:
    check("s3", "PutBucketTagging", Bucket="b!", Tagging={"TagSet": [{"Key": "", "Value": ""}]})
    assert refusal("s3", "PutBucketTagging", Bucket="b", Tagging={"TagSet": [{"Key": "k"}]})[0] == (
        "MalformedXML"
    )
    assert refusal("s3", "ListParts", Bucket="b", Key="k")[0] == "InvalidRequest"


def test_maps_are_held_to_their_keys_and_values() -> None:
    code, message = refusal("logs", "TagResource", resourceArn="arn:x", tags={"k": "v" * 257})
    assert code == "InvalidParameterException"
    assert f"Value '{{k={'v' * 257}}}' at 'tags' failed to satisfy constraint: Map value" in message
    code, message = refusal("logs", "TagResource", resourceArn="arn:x", tags={"k!": "v"})
    assert "Map keys must satisfy constraint: [Member must have length" in message


def test_raw_members_are_passed_over_and_still_required() -> None:
    raw = frozenset({"logEvents"})
    check("logs", "PutLogEvents", raw, logGroupName="g", logStreamName="s", logEvents=["?"])
    with pytest.raises(ServiceError, match="'logEvents'"):
        check("logs", "PutLogEvents", raw, logGroupName="g", logStreamName="s")


def test_a_missing_entry_of_a_list_is_told() -> None:
    _, message = refusal(
        "logs",
        "PutLogEvents",
        logGroupName="g",
        logStreamName="s",
        logEvents=[None, {"message": "m"}],
    )
    assert "Value null at 'logEvents.1.member' failed" in message
    assert "Value null at 'logEvents.2.member.timestamp' failed" in message


def test_a_long_answer_is_bounded() -> None:
    events = [{"message": ""}] * 10_000
    _, message = refusal(
        "logs", "PutLogEvents", logGroupName="g", logStreamName="s", logEvents=events
    )
    assert len(message) < 20_000


def test_letters_of_all_scripts_fit_tags() -> None:
    check("logs", "TagResource", resourceArn="arn:x", tags={"größe 名前_1": "a\u3000b"})
    check("iam", "TagRole", RoleName="r", Tags=[{"Key": "名 前", "Value": ""}])


def test_only_one_pattern_is_not_enforced() -> None:
    left_out = {service: untranslated(service) for service in SERVICES}
    assert {service: found for service, found in left_out.items() if found} == {
        "cloudwatch": ["[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}]+"]
    }


@pytest.mark.parametrize("service", SERVICES)
def test_no_pattern_backtracks_without_end(service: str) -> None:
    model = model_of(service)
    shapes = [model.shape_for(name) for name in model.shape_names]
    for shape in shapes:
        pattern = translated(shape.metadata.get("pattern", "")) if shape.metadata else None
        if pattern is None or not pattern.model:
            continue
        longest = min(shape.metadata.get("max", UNBOUNDED_TEXT_MAX), PATTERN_TEXT_MAX)
        for seed in ("a", "a-", "/a", "a.", ":", "arn:aws:", "A1=", " ", "0", "*"):
            text = (seed * longest)[: longest - 1] + "\n"
            start = time.perf_counter()
            pattern.fits(text)
            pattern.fits("arn:aws:" + text[8:])
            assert time.perf_counter() - start < 2, (pattern.model, seed)
