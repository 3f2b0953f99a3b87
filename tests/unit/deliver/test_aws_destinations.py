"""Aim: destinations elsewhere are reached with the SDK, and their refusals told in AWS's words.

Method: moto in this process; answers that it cannot give come from a stub of the SDK's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError
from botocore.stub import Stubber
from delivery_desk import BUCKET, REGION, plan_of
from moto import mock_aws

from vpcflow.deliver.aws_clients import as_destination_error
from vpcflow.deliver.aws_firehose import AwsFirehose
from vpcflow.deliver.aws_objects import AwsObjects
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.deliver.status import DestinationError

PLAN = plan_of(1, BUCKET)
ARN = f"arn:aws:firehose:{REGION}:123456789012:deliverystream/flows"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
def test_an_object_arrives() -> None:
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="flows", CreateBucketConfiguration={"LocationConstraint": REGION})
    AwsObjects(DeliverySettings()).put(PLAN, "flows", "a/b.log.gz", b"lines")
    assert client.get_object(Bucket="flows", Key="a/b.log.gz")["Body"].read() == b"lines"


@pytest.mark.usefixtures("aws")
def test_a_bucket_that_is_not_there() -> None:
    with pytest.raises(DestinationError) as refused:
        AwsObjects(DeliverySettings()).put(PLAN, "none", "key", b"lines")
    assert refused.value.message == "Access error"
    assert refused.value.where == "s3://none/key"


def stubbed(receiver: AwsFirehose) -> Stubber:
    client: Any = boto3.client("firehose", region_name=REGION)
    receiver._clients._made["firehose", REGION] = client
    return Stubber(client)


def test_only_refused_records_are_sent_again() -> None:
    receiver = AwsFirehose(DeliverySettings())
    with stubbed(receiver) as stub:
        for data, codes in (([b"a", b"b", b"c"], "-x-"), ([b"b"], "-")):
            stub.add_response(
                "put_record_batch",
                {
                    "FailedPutCount": codes.count("x"),
                    "RequestResponses": [
                        {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
                        if code == "x"
                        else {"RecordId": "1"}
                        for code in codes
                    ],
                },
                {
                    "DeliveryStreamName": "flows",
                    "Records": [{"Data": record} for record in data],
                },
            )
        receiver.put(ARN, [b"a", b"b", b"c"])
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "message"),
    [("ServiceUnavailableException", "Rate limited"), ("InternalFailure", "Unknown error")],
)
def test_records_that_are_refused_for_good(code: str, message: str) -> None:
    receiver = AwsFirehose(DeliverySettings())
    with stubbed(receiver) as stub:
        for _ in range(3):
            answer = {"FailedPutCount": 1, "RequestResponses": [{"ErrorCode": code}]}
            stub.add_response("put_record_batch", answer)
        with pytest.raises(DestinationError) as refused:
            receiver.put(ARN, [b"a"])
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceNotFoundException", "Access error"),
        ("AccessDeniedException", "Access error"),
        ("ServiceUnavailableException", "Rate limited"),
        ("LimitExceededException", "Rate limited"),
        ("InvalidArgumentException", "Unknown error"),
    ],
)
def test_a_stream_that_refuses(code: str, message: str) -> None:
    receiver = AwsFirehose(DeliverySettings())
    with stubbed(receiver) as stub:
        stub.add_client_error("put_record_batch", code, "no")
        with pytest.raises(DestinationError) as refused:
            receiver.put(ARN, [b"a"])
    assert refused.value.message == message and "no" in refused.value.what


def test_errors_that_are_no_answers() -> None:
    assert as_destination_error(NoCredentialsError(), "x").message == "Access error"
    timeout = ConnectTimeoutError(endpoint_url="http://x")
    assert as_destination_error(timeout, "x").message == "Unknown error"


def test_time_outs_and_style_of_the_settings() -> None:
    settings = DeliverySettings(
        s3_endpoint_url="http://127.0.0.1:9", s3_path_style=True, read_timeout_s=3.5
    )
    client = AwsObjects(settings)._clients.client("s3", settings.s3_endpoint_url, REGION)
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.read_timeout == 3.5
    assert client.meta.config.s3["addressing_style"] == "path"
    assert client.meta.config.retries["total_max_attempts"] == 1
