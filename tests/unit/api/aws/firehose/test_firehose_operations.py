"""Aim: Firehose's API answers as boto3 and Terraform expect. Method: boto3 over the service."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from boto_over_services import BotoOverServices

from vpcflow.api.aws.firehose import plan_of, service
from vpcflow.api.aws.firehose.http_configuration import typed_configuration
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.delivery_streams import DeliveryStreams
from vpcflow.control.state import Database, State
from vpcflow.deliver.firehose import BucketTarget, HttpTarget
from vpcflow.deliver.status import DestinationError

ROLE = "arn:aws:iam::123456789012:role/firehose"
BUCKET = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::logs"}
HTTP = {
    "EndpointConfiguration": {"Url": "http://127.0.0.1:9/x", "Name": "n", "AccessKey": "secret"},
    "S3Configuration": BUCKET,
}


class _Receiver:
    def __init__(self) -> None:
        self.records: list[tuple[str, bytes]] = []
        self.forgotten: list[str] = []
        self.full = False

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        if self.full:
            raise DestinationError("Rate limited")
        self.records += [(stream_arn, bytes(record)) for record in records]

    def forget(self, stream_arn: str) -> None:
        self.forgotten.append(stream_arn)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Any]:
    database = Database.in_folder(tmp_path)
    streams, receiver = DeliveryStreams(State(database)), _Receiver()
    made: Any = BotoOverServices({"firehose": service(streams, receiver)}, ManualClock())
    made.receiver, made.plan_of = receiver, plan_of(streams)
    yield made
    database.close()


@pytest.fixture
def firehose(endpoint: Any) -> Any:
    return endpoint.client("firehose")


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def _described(firehose: Any, name: str = "flows") -> Any:
    answer = firehose.describe_delivery_stream(DeliveryStreamName=name)
    return answer["DeliveryStreamDescription"]


def test_a_stream_to_a_bucket_is_described_with_its_defaults(endpoint: Any, firehose: Any) -> None:
    made = firehose.create_delivery_stream(
        DeliveryStreamName="flows",
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={**BUCKET, "Prefix": "p/", "CompressionFormat": "GZIP"},
        Tags=[{"Key": "a", "Value": "b"}],
    )
    arn = "arn:aws:firehose:us-east-1:123456789012:deliverystream/flows"
    assert made["DeliveryStreamARN"] == arn
    found = _described(firehose)
    assert found["DeliveryStreamStatus"] == "ACTIVE"
    assert found["DeliveryStreamType"] == "DirectPut"
    assert found["VersionId"] == "1"
    assert found["HasMoreDestinations"] is False
    assert found["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}
    [destination] = found["Destinations"]
    assert destination["DestinationId"] == "destinationId-000000000001"
    described = destination["ExtendedS3DestinationDescription"]
    assert described["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 300}
    assert described["CompressionFormat"] == "GZIP"
    assert described["EncryptionConfiguration"] == {"NoEncryptionConfig": "NoEncryption"}
    assert described["S3BackupMode"] == "Disabled"
    assert described["CloudWatchLoggingOptions"] == {"Enabled": False}
    assert destination["S3DestinationDescription"]["BucketARN"] == "arn:aws:s3:::logs"
    plan = endpoint.plan_of(arn)
    assert plan.target == BucketTarget(
        "logs", prefix="p/", gzip=True, problem="The specified bucket does not exist"
    )
    assert (plan.buffer_bytes, plan.interval_s) == (5 << 20, 300)
    tags = firehose.list_tags_for_delivery_stream(DeliveryStreamName="flows")
    assert tags["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_stream_to_an_endpoint_keeps_its_secret(endpoint: Any, firehose: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="flows",
        HttpEndpointDestinationConfiguration={
            **HTTP,
            "RequestConfiguration": {
                "ContentEncoding": "GZIP",
                "CommonAttributes": [{"AttributeName": "k", "AttributeValue": "v"}],
            },
            "RetryOptions": {"DurationInSeconds": 60},
        },
    )
    described = _described(firehose)["Destinations"][0]["HttpEndpointDestinationDescription"]
    assert described["EndpointConfiguration"] == {"Url": "http://127.0.0.1:9/x", "Name": "n"}
    assert described["S3BackupMode"] == "FailedDataOnly"
    assert described["S3DestinationDescription"]["CompressionFormat"] == "UNCOMPRESSED"
    plan = endpoint.plan_of("arn:aws:firehose:us-east-1:123456789012:deliverystream/flows")
    assert plan.target == HttpTarget(
        "http://127.0.0.1:9/x",
        BucketTarget("logs", problem="The specified bucket does not exist"),
        access_key="secret",
        gzip=True,
        common_attributes=(("k", "v"),),
        retry_duration_s=60,
    )


def test_a_name_is_taken_once_and_what_is_gone_is_not_found(endpoint: Any, firehose: Any) -> None:
    ask: Any = {"DeliveryStreamName": "flows", "ExtendedS3DestinationConfiguration": BUCKET}
    firehose.create_delivery_stream(**ask)
    with pytest.raises(ClientError) as error:
        firehose.create_delivery_stream(**ask)
    assert _code(error) == "ResourceInUseException"
    assert error.value.response["Error"]["Message"] == (
        "Firehose flows under accountId 123456789012 already exists"
    )
    firehose.delete_delivery_stream(DeliveryStreamName="flows")
    assert endpoint.receiver.forgotten == [
        "arn:aws:firehose:us-east-1:123456789012:deliverystream/flows"
    ]
    with pytest.raises(ClientError) as error:
        _described(firehose)
    assert _code(error) == "ResourceNotFoundException"
    assert error.value.response["Error"]["Message"] == (
        "Firehose flows under account 123456789012 not found."
    )


@pytest.mark.parametrize(
    "destination",
    [
        {},
        {"ExtendedS3DestinationConfiguration": BUCKET, "S3DestinationConfiguration": BUCKET},
        {"ExtendedS3DestinationConfiguration": {**BUCKET, "CompressionFormat": "Snappy"}},
        {"ExtendedS3DestinationConfiguration": {**BUCKET, "Prefix": "!{x:y}"}},
        {
            "ExtendedS3DestinationConfiguration": {
                **BUCKET,
                "DataFormatConversionConfiguration": {"Enabled": True},
            }
        },
        {
            "HttpEndpointDestinationConfiguration": {
                **HTTP,
                "EndpointConfiguration": {"Url": "ftp://x"},
            }
        },
        {
            "HttpEndpointDestinationConfiguration": {
                **HTTP,
                "BufferingHints": {"SizeInMBs": 65, "IntervalInSeconds": 1},
            }
        },
    ],
)
def test_destinations_that_cannot_be(firehose: Any, destination: Any) -> None:
    with pytest.raises(ClientError) as error:
        firehose.create_delivery_stream(DeliveryStreamName="flows", **destination)
    assert _code(error) == "InvalidArgumentException"


@pytest.mark.parametrize(
    "given",
    [
        [],
        "x",
        {"EndpointConfiguration": 1},
        {"EndpointConfiguration": {"Url": 1}},
        {"BufferingHints": {"SizeInMBs": "1"}},
        {"BufferingHints": {"SizeInMBs": True}},
        {"RequestConfiguration": {"CommonAttributes": ["a"]}},
        {"RequestConfiguration": {"CommonAttributes": {}}},
        {"S3Configuration": {"BucketARN": []}},
        {"RetryOptions": []},
    ],
)
def test_an_endpoint_of_wrong_types_is_refused(given: Any) -> None:
    with pytest.raises(ServiceError) as error:
        typed_configuration(given)
    assert error.value.code == "SerializationException"


def test_names_come_in_pages(firehose: Any) -> None:
    for name in ("c", "a", "b"):
        firehose.create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=BUCKET
        )
    page = firehose.list_delivery_streams(Limit=2)
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (["a", "b"], True)
    page = firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName="b")
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (["c"], False)


def test_a_destination_changes_at_its_version(firehose: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="flows", ExtendedS3DestinationConfiguration={**BUCKET, "Prefix": "p/"}
    )
    ask: Any = {
        "DeliveryStreamName": "flows",
        "DestinationId": "destinationId-000000000001",
        "ExtendedS3DestinationUpdate": {
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}
        },
    }
    firehose.update_destination(CurrentDeliveryStreamVersionId="1", **ask)
    found = _described(firehose)
    assert found["VersionId"] == "2"
    described = found["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert described["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 60}
    assert described["Prefix"] == "p/"
    with pytest.raises(ClientError) as error:
        firehose.update_destination(CurrentDeliveryStreamVersionId="1", **ask)
    assert _code(error) == "ConcurrentModificationException"


def test_records_are_taken_one_or_many(endpoint: Any, firehose: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="flows", ExtendedS3DestinationConfiguration=BUCKET
    )
    put = firehose.put_record(DeliveryStreamName="flows", Record={"Data": b"one"})
    assert put["RecordId"]
    assert put["Encrypted"] is False
    batch = firehose.put_record_batch(
        DeliveryStreamName="flows", Records=[{"Data": b"two"}, {"Data": b"three"}]
    )
    assert batch["FailedPutCount"] == 0
    assert len(batch["RequestResponses"]) == 2
    assert [data for _, data in endpoint.receiver.records] == [b"one", b"two", b"three"]
    endpoint.receiver.full = True
    with pytest.raises(ClientError) as error:
        firehose.put_record(DeliveryStreamName="flows", Record={"Data": b"one"})
    assert _code(error) == "ServiceUnavailableException"
    batch = firehose.put_record_batch(DeliveryStreamName="flows", Records=[{"Data": b"two"}])
    assert batch["FailedPutCount"] == 1
    assert batch["RequestResponses"][0]["ErrorCode"] == "ServiceUnavailableException"


def test_limits_of_records(firehose: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="flows", ExtendedS3DestinationConfiguration=BUCKET
    )
    with pytest.raises(ClientError):
        firehose.put_record(DeliveryStreamName="flows", Record={"Data": b"x" * 1_024_001})
    with pytest.raises(ClientError):
        firehose.put_record_batch(
            DeliveryStreamName="flows", Records=[{"Data": b"x"} for _ in range(501)]
        )
    with pytest.raises(ClientError) as error:
        firehose.put_record_batch(
            DeliveryStreamName="flows", Records=[{"Data": b"x" * 900_000} for _ in range(5)]
        )
    assert _code(error) == "InvalidArgumentException"
    with pytest.raises(ClientError) as error:
        firehose.put_record(DeliveryStreamName="none", Record={"Data": b"x"})
    assert _code(error) == "ResourceNotFoundException"


def test_tags_and_encryption_are_kept(firehose: Any) -> None:
    firehose.create_delivery_stream(
        DeliveryStreamName="flows", ExtendedS3DestinationConfiguration=BUCKET
    )
    ask: Any = {"DeliveryStreamName": "flows"}
    firehose.tag_delivery_stream(**ask, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    firehose.untag_delivery_stream(**ask, TagKeys=["a"])
    assert firehose.list_tags_for_delivery_stream(**ask) | {"ResponseMetadata": None} == {
        "Tags": [{"Key": "b", "Value": ""}],
        "HasMoreTags": False,
        "ResponseMetadata": None,
    }
    firehose.start_delivery_stream_encryption(**ask)
    assert _described(firehose)["DeliveryStreamEncryptionConfiguration"] == {
        "KeyType": "AWS_OWNED_CMK",
        "Status": "ENABLED",
    }
    firehose.stop_delivery_stream_encryption(**ask)
    assert _described(firehose)["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}


def test_the_role_must_be_passed(endpoint: Any, firehose: Any) -> None:
    asked: list[Any] = []

    def authorize(_: Any, action: str, resources: Any, context: Any = None) -> None:
        asked.append((action, tuple(resources)))
        raise ServiceError("AccessDeniedException", "no")

    endpoint._authorize = authorize
    with pytest.raises(ClientError) as error:
        firehose.create_delivery_stream(
            DeliveryStreamName="flows", ExtendedS3DestinationConfiguration=BUCKET
        )
    assert _code(error) == "AccessDeniedException"
    assert asked == [("iam:PassRole", (ROLE,))]
