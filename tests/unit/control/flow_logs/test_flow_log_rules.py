"""Aim: a request that AWS refuses is refused in AWS's words before anything changes. Method: each
rule of CreateFlowLogs as one request that breaks it, recorded answers word by word."""

from __future__ import annotations

from typing import Any

import pytest
from flow_log_world import ACCOUNT, GROUP, PLACE, ROLE, S3
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import ServiceError
from vpcflow.control.flow_logs.flow_log import DestinationOptions, DestinationType
from vpcflow.control.flow_logs.validation import checked_request
from vpcflow.record.fields import FIELDS, VPC_FIELDS
from vpcflow.record.log_format import default_format

STREAM = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/stream"
FIREHOSE = {**S3, "LogDestinationType": "kinesis-data-firehose", "LogDestination": STREAM}
TAG_FORMAT = "${version} ${instance-tag}"

#: The request, the code, the whole message.
RECORDED: list[tuple[dict[str, Any], str, str]] = [
    (
        {**GROUP, "LogDestination": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group"},
        "InvalidParameter",
        "Please only provide LogGroupName or only provide LogDestination.",
    ),
    (
        {**S3, "LogDestination": None},
        "InvalidParameter",
        "LogDestination can't be empty if LogGroupName is not provided.",
    ),
    (
        {**S3, "LogDestination": None, "LogGroupName": "group"},
        "InvalidParameter",
        "LogDestination type must be cloud-watch-logs if LogGroupName is provided.",
    ),
    (
        {**GROUP, "DeliverLogsPermissionArn": None},
        "InvalidParameter",
        "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
    ),
    (
        {**S3, "MaxAggregationInterval": 10},
        "InvalidParameter",
        "Invalid Flow Log Max Aggregation Interval",
    ),
    (
        {**S3, "LogFormat": TAG_FORMAT},
        "InvalidParameter",
        "The TagFieldSpecifications parameter must be set when including tag fields in the log "
        "format",
    ),
    (
        {**S3, "DeliverLogsPermissionArn": ROLE},
        "InvalidParameter",
        "DeliverLogsPermissionArn is not applicable for s3 delivery",
    ),
    (
        {**S3, "LogFormat": "${version} ${srcaddr} "},
        "InvalidParameter",
        "1 validation error detected: Value '${version} ${srcaddr} ' at 'logFormat' has an invalid "
        "format",
    ),
]


def refusal(parameters: dict[str, Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        checked_request(parameters, PLACE)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(("parameters", "code", "message"), RECORDED)
def test_answers_as_recorded(parameters: dict[str, Any], code: str, message: str) -> None:
    error = refusal(parameters)
    assert (error.code, error.message) == (code, message)


@pytest.mark.parametrize(
    ("changes", "code", "part"),
    [
        ({"ResourceIds": []}, "MissingParameter", "ResourceIds"),
        ({"ResourceType": None}, "MissingParameter", "ResourceType"),
        ({"ResourceType": "Vpc"}, "InvalidParameter", "Vpc"),
        ({"TrafficType": None}, "MissingParameter", "TrafficType"),
        ({"TrafficType": "SOME"}, "InvalidParameter", "SOME"),
        ({"LogDestinationType": "sqs"}, "InvalidParameter", "sqs"),
        ({"ResourceIds": [f"vpc-{n}" for n in range(301)]}, "InvalidParameter", "300"),
        ({"LogFormat": "${version} ${flow-log-id}"}, "InvalidParameter", "${flow-log-id}"),
        ({"LogFormat": "${version} ${nothing} ${void}"}, "InvalidParameter", "${nothing}, ${void}"),
        ({"LogFormat": "${version} ${tgw-id}"}, "InvalidParameter", "${tgw-id} is not a field"),
        ({"LogFormat": "${start} ${start}"}, "InvalidParameter", "start stands twice"),
        ({"LogFormat": ""}, "InvalidParameter", "has an invalid format"),
        ({"LogFormat": "version srcaddr"}, "InvalidParameter", "has an invalid format"),
        ({"LogDestination": "arn:aws:s3:::bucket/AWSLogs/"}, "InvalidParameter", "AWSLogs"),
        ({"LogDestination": "arn:aws:s3:::bucket/a/AWSLogs"}, "InvalidParameter", "AWSLogs"),
        ({"LogDestination": "bucket"}, "InvalidParameter", "bucket is not valid"),
        ({"LogDestination": STREAM}, "InvalidParameter", "is not valid"),
        ({"DestinationOptions": {"FileFormat": "orc"}}, "InvalidParameter", "orc"),
        ({"DeliverCrossAccountRole": ROLE}, "InvalidParameter", "DeliverCrossAccountRole"),
        ({"ClientToken": "x" * 65}, "InvalidParameterValue", "ClientToken"),
        (
            {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]},
            "InvalidParameterValue",
            "'vpc'",
        ),
        (
            {
                "TagSpecifications": [
                    {"ResourceType": "vpc-flow-log", "Tags": [{"Key": "aws:x", "Value": ""}]}
                ]
            },
            "InvalidParameterValue",
            "aws:",
        ),
    ],
)
def test_what_else_is_refused(changes: dict[str, Any], code: str, part: str) -> None:
    error = refusal({**S3, **changes})
    assert error.code == code
    assert part in error.message


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"DeliverLogsPermissionArn": "flow-logs"}, "not the ARN of a role"),
        ({"DeliverLogsPermissionArn": "arn:aws:iam::999999999999:role/x"}, "another account"),
        ({"DestinationOptions": {"FileFormat": "parquet"}}, "DestinationOptions"),
        ({"LogGroupName": "a b"}, "LogGroupName"),
        (
            {
                "LogGroupName": None,
                "LogDestination": f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:group",
            },
            "us-east-1",
        ),
        ({"LogGroupName": None, "LogDestination": "arn:aws:logs:::x"}, "not valid"),
    ],
)
def test_rules_of_log_groups(changes: dict[str, Any], part: str) -> None:
    assert part in refusal({**GROUP, **changes}).message


def specifications(*keys: str, owner: str = "instance") -> list[dict[str, Any]]:
    return [{"ResourceType": owner, "TagKeys": list(keys)}]


@pytest.mark.parametrize(
    ("log_format", "given"),
    [
        (TAG_FORMAT, specifications("a", owner="network-interface")),
        (TAG_FORMAT, specifications("a", "b", "c")),
        (TAG_FORMAT, specifications("a", "a")),
        (TAG_FORMAT, specifications("x" * 129)),
        (TAG_FORMAT, specifications("a") * 2),
        (TAG_FORMAT, specifications("a", owner="vpc")),
        ("${version} ${instance-tag-2}", specifications("a")),
        ("${version}", specifications("a")),
    ],
)
def test_tag_fields_and_their_keys_must_fit(log_format: str, given: list[dict[str, Any]]) -> None:
    error = refusal({**S3, "LogFormat": log_format, "TagFieldSpecifications": given})
    assert error.code == "InvalidParameter"
    assert "TagFieldSpecifications" in error.message


def test_fields_of_every_version_are_taken() -> None:
    every = " ".join(f"${{{spec.name}}}" for spec in VPC_FIELDS)
    owners = ("instance", "network-interface", "auto-scaling-group")
    tag_fields = [one for owner in owners for one in specifications("a", "b", owner=owner)]
    request = checked_request(
        {**S3, "LogFormat": every, "TagFieldSpecifications": tag_fields}, PLACE
    )
    assert request.log_format == every
    assert request.tag_fields == dict.fromkeys(owners, ("a", "b"))


@pytest.mark.parametrize(
    "resource_type",
    ["TransitGateway", "TransitGatewayAttachment", "RegionalNatGateway", "CoreNetwork"],
)
def test_what_we_cannot_meter_is_refused_clearly_after_its_format(resource_type: str) -> None:
    nat = resource_type == "RegionalNatGateway"
    given = {**S3, "ResourceType": resource_type, "TrafficType": "ALL" if nat else None}
    error = refusal(given)
    assert error.code == "UnsupportedOperation"
    assert resource_type in error.message
    assert "${nothing}" in refusal({**given, "LogFormat": "${nothing}"}).message
    if not nat:
        assert "TrafficType" in refusal({**given, "TrafficType": "ALL"}).message
        assert "Interval" in refusal({**given, "MaxAggregationInterval": 600}).message


def test_a_transit_gateway_has_its_own_fields() -> None:
    given = {**S3, "ResourceType": "TransitGateway", "TrafficType": None}
    assert refusal({**given, "LogFormat": "${tgw-id}"}).code == "UnsupportedOperation"
    assert "${action}" in refusal({**given, "LogFormat": "${action}"}).message


def test_what_is_left_out_has_awss_defaults() -> None:
    request = checked_request({**S3, "ResourceIds": ["vpc-1", "vpc-2", "vpc-1"]}, PLACE)
    assert request.resource_ids == ("vpc-1", "vpc-2")
    assert request.log_format == str(default_format())
    assert request.max_aggregation_interval_s == 600
    assert request.options == DestinationOptions()
    assert checked_request(GROUP, PLACE).options is None


@pytest.mark.parametrize("end", ["", ":*"])
def test_a_log_group_is_known_by_its_arn(end: str) -> None:
    given = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/a/b{end}"
    request = checked_request({**GROUP, "LogGroupName": None, "LogDestination": given}, PLACE)
    assert request.log_group_name == "/a/b"
    assert request.log_destination == given
    assert request.destination_type is DestinationType.LOG_GROUP


@pytest.mark.parametrize("end", ["/sub/folder", "/sub/folder/"])
def test_a_folder_of_a_bucket(end: str) -> None:
    request = checked_request({**S3, "LogDestination": f"arn:aws:s3:::bucket{end}"}, PLACE)
    assert (request.bucket, request.prefix) == ("bucket", "sub/folder")


def test_a_stream_of_another_account_needs_both_roles() -> None:
    other = STREAM.replace(ACCOUNT, "999999999999")
    checked_request(FIREHOSE, PLACE)
    assert "another account" in refusal({**FIREHOSE, "LogDestination": other}).message
    both = {"DeliverLogsPermissionArn": ROLE, "DeliverCrossAccountRole": ROLE}
    checked_request({**FIREHOSE, "LogDestination": other, **both}, PLACE)


@given(
    st.lists(
        st.sampled_from([*(f"${{{spec.name}}}" for spec in FIELDS), "${x}", "x", "", "  ", "${"]),
        max_size=6,
    ),
    st.sampled_from([" ", "  ", ","]),
)
def test_any_format_is_taken_as_it_is_or_refused(parts: list[str], between: str) -> None:
    text = between.join(parts)
    fields = specifications("a", "b")
    try:
        request = checked_request(
            {
                **S3,
                "LogFormat": text,
                **({"TagFieldSpecifications": fields} if "${instance-tag" in text else {}),
            },
            PLACE,
        )
    except ServiceError as error:
        assert (error.code, error.status) == ("InvalidParameter", 400)
    else:
        assert request.log_format == text


def test_token_and_dry_run_are_no_part_of_what_is_asked() -> None:
    first = checked_request({**S3, "ClientToken": "a"}, PLACE).fingerprint
    assert checked_request({**S3, "ClientToken": "b", "DryRun": False}, PLACE).fingerprint == first
    assert checked_request({**S3, "TrafficType": "REJECT"}, PLACE).fingerprint != first
