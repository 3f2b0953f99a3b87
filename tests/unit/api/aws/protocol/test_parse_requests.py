"""Aim: what botocore sends is read back to the parameters it was given.

Method: parameters drawn from the models' input shapes, put on the wire by botocore's own
serializers for every protocol, resolved and parsed.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shape_strategies import botocore_request, hollow, structures

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.models import (
    SERVICES,
    input_members,
    model_of,
    operation_names,
    operation_of,
)
from vpcflow.api.aws.protocol.parse import parse
from vpcflow.api.aws.protocol.resolve import Target, resolve
from vpcflow.base.errors import ServiceError

SPOKEN = [
    ("ec2", "ec2", "ec2"),
    ("iam", "iam", "query"),
    ("sts", "sts", "query"),
    ("monitoring", "cloudwatch", "query"),
    ("monitoring", "cloudwatch", "json"),
    ("monitoring", "cloudwatch", "smithy-rpc-v2-cbor"),
    ("logs", "logs", "json"),
    ("firehose", "firehose", "json"),
    ("s3", "s3", "rest-xml"),
]
#: Operations whose request cannot be told from another's, or whose host tells them apart.
OTHER_HOST = {"ListDirectoryBuckets", "WriteGetObjectResponse", "SelectObjectContent"}
DEPRECATED = {
    "GetBucketLifecycle",
    "PutBucketLifecycle",
    "GetBucketNotification",
    "PutBucketNotification",
}


def form(text: str, method: str = "POST") -> RawRequest:
    headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")]
    if method == "GET":
        return RawRequest("GET", "/", text, [], b"")
    return RawRequest(method, "/", "", headers, text.encode())


def parsed(raw: RawRequest, signing: str | None) -> dict[str, Any]:
    return parse(resolve(raw, signing), raw)


@pytest.mark.parametrize(("signing", "service", "protocol"), SPOKEN)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_botocores_requests_are_read_back(
    signing: str, service: str, protocol: str, data: st.DataObject
) -> None:
    names = [name for name in operation_names(service) if name not in OTHER_HOST | DEPRECATED]
    name = data.draw(st.sampled_from(names))
    shape = operation_of(service, name).input_shape
    parameters = {} if shape is None else data.draw(structures(shape))
    assume(not hollow(list(parameters.values())) or not parameters)
    raw = botocore_request(service, protocol, name, parameters)
    target = resolve(raw, signing)
    assert (target.service, target.protocol, target.operation) == (service, protocol, name)
    found = parse(target, raw)
    payload = None if shape is None else shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob" and payload not in parameters:
        assert found.pop(payload) == b""
    assert found == parameters


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_found_without_a_signature_too(service: str) -> None:
    model = model_of(service)
    for name in operation_names(service):
        if service == "s3":
            continue
        protocol = {"ec2": "ec2", "iam": "query", "sts": "query"}.get(service, "json")
        target = resolve(botocore_request(service, protocol, name, {}), None)
        assert (target.service, target.operation) == (service, name)
        assert list(input_members(service, name)) == (
            list(model.operation_model(name).input_shape.members)
            if model.operation_model(name).input_shape
            else []
        )


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", (), "ListBuckets"),
        ("GET", "/b", "", (), "ListObjects"),
        ("GET", "/b/", "list-type=2&x-id=ListObjectsV2", (), "ListObjectsV2"),
        ("HEAD", "/b", "", (), "HeadBucket"),
        ("GET", "/b", "lifecycle", (), "GetBucketLifecycleConfiguration"),
        ("GET", "/b", "analytics", (), "ListBucketAnalyticsConfigurations"),
        ("GET", "/b", "analytics&id=1", (), "GetBucketAnalyticsConfiguration"),
        ("DELETE", "/b", "analytics", (), "DeleteBucketAnalyticsConfiguration"),
        ("PUT", "/b/k", "x-id=PutObject", (), "PutObject"),
        ("PUT", "/b/k", "", ("x-amz-copy-source",), "CopyObject"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", (), "UploadPart"),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", ("x-amz-copy-source",), "UploadPartCopy"),
        ("POST", "/b/k", "uploads", (), "CreateMultipartUpload"),
        ("POST", "/b/k", "uploadId=u", (), "CompleteMultipartUpload"),
        ("DELETE", "/b/k", "uploadId=u", (), "AbortMultipartUpload"),
        ("GET", "/b/k", "uploadId=u", (), "ListParts"),
        ("POST", "/b", "delete", (), "DeleteObjects"),
        ("PATCH", "/b/k", "", (), None),
    ],
)
def test_s3_operations_by_path_and_sub_resource(
    method: str, path: str, query: str, headers: tuple[str, ...], operation: str | None
) -> None:
    raw = RawRequest(method, path, query, [(name, "x") for name in headers], b"")
    assert resolve(raw, "s3").operation == operation


def test_a_key_is_decoded_once() -> None:
    raw = RawRequest("GET", "/my-bucket/a%2520b/c%2Fd//e+f%C3%A9", "versionId=a%2Bb", [], b"")
    assert parsed(raw, "s3") == {
        "Bucket": "my-bucket",
        "Key": "a%20b/c/d//e+fé",
        "VersionId": "a+b",
    }


def test_numbers_of_lists_may_leave_gaps_and_come_in_any_order() -> None:
    text = "Action=DescribeVpcs&Version=2016-11-15&VpcId.12=c&VpcId.2=b&VpcId.1=a"
    text += "&Filter.3.Name=state&Filter.3.Value.2=y&Filter.3.Value.1=x&MaxResults=5&DryRun=true"
    wanted = {
        "VpcIds": ["a", "b", "c"],
        "Filters": [{"Name": "state", "Values": ["x", "y"]}],
        "MaxResults": 5,
        "DryRun": True,
    }
    assert parsed(form(text), "ec2") == wanted
    assert parsed(form(text, "GET"), None) == wanted


@pytest.mark.parametrize(
    ("text", "signing", "code"),
    [
        ("Action=DescribeVpcs&MaxResults=many", "ec2", "InvalidParameterValue"),
        ("Action=DescribeVpcs&MaxResults=99999999999", "ec2", "InvalidParameterValue"),
        ("Action=DescribeVpcs&DryRun=perhaps", "ec2", "InvalidParameterValue"),
        ("Action=DescribeVpcs&VpcId.x=1", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&VpcId.1=a&VpcId.01=b", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&VpcId.1.2.3=a", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&VpcId=a", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&DryRun=true&DryRun=false", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&VpcId.%FF=a", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&VpcId.1" + ".x" * 200 + "=a", "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&" + "A.1=x&" * 60_000, "ec2", "MalformedQueryString"),
        ("Action=DescribeVpcs&Nonsense=1", "ec2", "UnknownParameter"),
        ("Action=DescribeNothing&Version=2016-11-15", "ec2", "InvalidAction"),
        ("Version=2016-11-15", "ec2", "MissingAction"),
        ("Action=GetNothing&Version=2010-05-08", None, "InvalidAction"),
        ("Action=ListRoles&MaxItems=x", "iam", "InvalidParameterValue"),
        ("Action=TagRole&Tags.1.Key=x", "iam", "MalformedQueryString"),
    ],
)
def test_a_broken_form_is_refused(text: str, signing: str | None, code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        parsed(form(text), signing)
    assert refused.value.code == code
    assert refused.value.status == 400


def test_an_unknown_action_is_worded_as_ec2_does() -> None:
    with pytest.raises(ServiceError) as refused:
        parsed(form("Action=Foo&Version=2016-11-15"), "ec2")
    assert refused.value.message == "The action Foo is not valid for this web service."


def json_request(operation: str, body: bytes, prefix: str = "Logs_20140328") -> RawRequest:
    headers = [
        ("x-amz-target", f"{prefix}.{operation}"),
        ("content-type", "application/x-amz-json-1.1"),
    ]
    return RawRequest("POST", "/", "", headers, body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", ""),
        (b"[]", "Unexpected start of list"),
        (b'{"limit":"1"}', "STRING_VALUE can not be converted to an Integer"),
        (b'{"limit":true}', "TRUE_VALUE can not be converted to an Integer"),
        (b'{"limit":1.5}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"limit":99999999999}', "NUMBER_VALUE can not be converted to an Integer"),
        (b'{"logGroupName":1}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"logGroupName":[]}', "Start of list found where not expected"),
        (b'{"logGroupName":{}}', "Start of structure or map found where not expected."),
        (b'{"logStreamNames":"x"}', "Expected list or null"),
        (b'{"logGroupName":"\\ud800"}', ""),
        (b'{"logGroupName":"\xff"}', ""),
        (b'{"limit":NaN}', ""),
        (b"[" * 100_000, ""),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ""),
        (b'{"logStreamNames":' + b"[" * 500 + b"]" * 500 + b"}", "Start of list"),
    ],
)
def test_a_broken_json_body_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        parsed(json_request("FilterLogEvents", body), "logs")
    assert refused.value.code == "SerializationException"
    assert message in refused.value.message


def test_null_and_unknown_members_are_passed_over_and_the_last_of_a_name_counts() -> None:
    body = b'{"limit":null,"nonsense":{"a":[1]},"logGroupName":"a","logGroupName":"b\\u0000"}'
    assert parsed(json_request("FilterLogEvents", body), "logs") == {"logGroupName": "b\0"}
    assert parsed(json_request("DescribeLogGroups", b""), "logs") == {}


def test_raw_members_stay_as_they_are() -> None:
    raw = json_request("PutLogEvents", b'{"logGroupName":"g","logEvents":[{"timestamp":"x"},7]}')
    found = parse(resolve(raw, "logs"), raw, frozenset({"logEvents"}))
    assert found == {"logGroupName": "g", "logEvents": [{"timestamp": "x"}, 7]}


def tagging(body: bytes) -> RawRequest:
    return RawRequest("PUT", "/b", "tagging", [], body)


BOMB = (
    b'<!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Tagging><TagSet>&b;</TagSet></Tagging>'
)
TAG = b"<Tag><Key>k</Key><Value>v</Value></Tag>"


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"<Tagging>",
        b"<Other/>",
        b"<Tagging><TagSet><Tag><Key>\xff</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key>&undefined;</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key>\x00</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet/><TagSet/></Tagging>",
        b"<Tagging><TagSet><Tag><Key><x/></Key></Tag></TagSet></Tagging>",
        b"<Tagging>" + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</Tagging>",
        b"<Tagging>" + b"<a/>" * 300_000 + b"</Tagging>",
        BOMB,
        b'<!DOCTYPE t SYSTEM "file:///etc/passwd"><Tagging/>',
    ],
)
def test_a_broken_xml_body_is_refused(body: bytes) -> None:
    with pytest.raises(ServiceError) as refused:
        parsed(tagging(body), "s3")
    assert refused.value.code == "MalformedXML"


def test_xml_with_a_namespace_prefix_and_blanks_is_read() -> None:
    body = b'<?xml version="1.0"?>\n<s3:Tagging xmlns:s3="x">\n <s3:TagSet>' + TAG
    body += b"</s3:TagSet>\n</s3:Tagging>"
    assert parsed(tagging(body), "s3") == {
        "Bucket": "b",
        "Tagging": {"TagSet": [{"Key": "k", "Value": "v"}]},
    }
    with pytest.raises(ServiceError, match="Request Body is empty"):
        parsed(tagging(b""), "s3")


@pytest.mark.parametrize(
    ("signing", "raw", "protocol", "code"),
    [
        ("sqs", json_request("SendMessage", b"{}", "AmazonSQS"), "json", "UnknownOperation"),
        ("sns", form("Action=Publish&Version=2010-03-31"), "query", "InvalidAction"),
        ("logs", json_request("Nonsense", b"{}"), "json", "UnknownOperation"),
        ("logs", RawRequest("POST", "/", "", [], b"{}"), "json", "UnknownOperation"),
        (None, json_request("X", b"{}", "Unheard_1"), "json", "UnknownOperation"),
        ("lambda", RawRequest("GET", "/2015-03-31/functions", "", [], b""), "rest-xml", "Method"),
        (None, RawRequest("PATCH", "/b", "", [], b""), "rest-xml", "MethodNotAllowed"),
        (None, RawRequest("GET", "/%FF", "", [], b""), "rest-xml", "InvalidURI"),
        (
            "monitoring",
            RawRequest(
                "POST",
                "/service/GraniteServiceVersion20100801/operation/Nope",
                "",
                [("smithy-protocol", "rpc-v2-cbor")],
                b"",
            ),
            "smithy-rpc-v2-cbor",
            "UnknownOperation",
        ),
    ],
)
def test_what_is_not_known_is_refused_in_the_callers_protocol(
    signing: str | None, raw: RawRequest, protocol: str, code: str
) -> None:
    target: Target = resolve(raw, signing)
    assert target.protocol == protocol
    with pytest.raises(ServiceError) as refused:
        parse(target, raw)
    assert refused.value.code.startswith(code)
    assert 400 <= refused.value.status < 502


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_mutations_of_requests_end_in_parameters_or_a_refusal(data: st.DataObject) -> None:
    signing, service, protocol = data.draw(st.sampled_from(SPOKEN))
    name = data.draw(st.sampled_from(operation_names(service)))
    shape = operation_of(service, name).input_shape
    raw = botocore_request(
        service, protocol, name, {} if shape is None else data.draw(structures(shape))
    )
    body = bytearray(raw.body)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body)))
        until = at + data.draw(st.integers(0, 3))
        body[at:until] = data.draw(
            st.one_of(
                st.binary(max_size=3), st.sampled_from([b"<", b"{", b"[", b"&", b".1=", b"%"])
            )
        )
    query = raw.query + data.draw(st.text("a&=%.\0é1", max_size=5))
    mutated = RawRequest(raw.method, raw.path, query, raw.headers, bytes(body))
    try:
        parse(resolve(mutated, data.draw(st.sampled_from([signing, None]))), mutated)
    except ServiceError as refused:
        assert 400 <= refused.status < 502
