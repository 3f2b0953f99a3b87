"""Aim: parameters that the models allow and that make no sense are refused, never a fault of ours.
Method: each is one that a fuzzer found; boto3 sends them unchecked to the real server."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aws_endpoint import AwsServer
from botocore.exceptions import ClientError

NOW_MS = int(time.time() * 1000)


@pytest.fixture(scope="module")
def subnet(server: AwsServer) -> str:
    """A subnet to make interfaces in."""
    ec2 = server.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made: str = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    return made


def refused(server: AwsServer, service: str, operation: str, **parameters: Any) -> str:
    """The code of the refusal."""
    client = server.client(service, parameter_validation=False)
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    assert 400 <= caught.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    code: str = caught.value.response["Error"]["Code"]
    return code


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"PrivateIpAddresses": [{"Primary": True}]}, "MissingParameter"),
        ({"PrivateIpAddresses": [{"Primary": False}]}, "MissingParameter"),
        ({"Ipv6Addresses": [{"IsPrimaryIpv6": False}]}, "MissingParameter"),
        ({"SecondaryPrivateIpAddressCount": -1}, "InvalidParameterValue"),
        ({"Ipv6AddressCount": -1}, "InvalidParameterValue"),
    ],
)
def test_interfaces_with_odd_addresses(
    server: AwsServer, subnet: str, parameters: dict[str, Any], code: str
) -> None:
    assert refused(server, "ec2", "create_network_interface", SubnetId=subnet, **parameters) == code


def test_a_negative_number_of_addresses_is_not_assigned(server: AwsServer, subnet: str) -> None:
    made = server.client("ec2").create_network_interface(SubnetId=subnet)
    asked = {"NetworkInterfaceId": made["NetworkInterface"]["NetworkInterfaceId"]}
    four, six = {"SecondaryPrivateIpAddressCount": -1}, {"Ipv6AddressCount": -1}
    for operation, count in (
        ("assign_private_ip_addresses", four),
        ("assign_ipv6_addresses", six),
    ):
        assert refused(server, "ec2", operation, **asked, **count) == "InvalidParameterValue"


def test_groups_by_name_and_by_an_unknown_id(server: AwsServer) -> None:
    given = {"GroupNames": ["nope"], "GroupIds": ["sg-00000000000000000"]}
    refused(server, "ec2", "describe_security_groups", **given)


@pytest.mark.parametrize("count", [-1, 0, 10_001])
def test_pages_of_buckets_have_a_size(server: AwsServer, count: int) -> None:
    assert refused(server, "s3", "list_buckets", MaxBuckets=count) == "InvalidArgument"


@pytest.mark.parametrize(
    "events",
    [
        [{"timestamp": NOW_MS, "message": "a"}, {"timestamp": ["a"], "message": "b"}],
        [{"timestamp": [NOW_MS], "message": "a"}],
        [{"timestamp": {}, "message": "a"}],
        [{"timestamp": 2**70, "message": "a"}],
        [{"timestamp": 1.5, "message": "a"}],
        [{"timestamp": NOW_MS, "message": ["a"]}],
        [{"timestamp": NOW_MS, "message": "\ud800"}],
        [{"timestamp": float("nan"), "message": "a"}],
    ],
)
def test_events_that_are_none(server: AwsServer, events: list[dict[str, Any]]) -> None:
    names = {"logGroupName": "odd", "logStreamName": "odd"}
    code = refused(server, "logs", "put_log_events", **names, logEvents=events)
    assert code in ("InvalidParameterException", "SerializationException")


def test_a_context_without_a_name_says_nothing(server: AwsServer) -> None:
    document = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
    found = server.client("iam").simulate_custom_policy(
        PolicyInputList=[document],
        ActionNames=["logs:GetLogEvents"],
        ContextEntries=[{"ContextKeyValues": ["x"]}],
    )
    assert found["EvaluationResults"][0]["EvalDecision"] == "allowed"
