"""Aim: buckets and their sub-resources answer as AWS and Terraform expect.

Method: an unmodified boto3 client over the service, without a socket.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from vpcflow.control.caller import root_caller
from vpcflow.control.state import Place


def _code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_bucket_is_made_seen_listed_and_removed(endpoint: Any) -> None:
    client = endpoint.client("s3")
    made = client.create_bucket(Bucket="logs")
    assert made["Location"] == "/logs"
    assert client.head_bucket(Bucket="logs")["BucketRegion"] == "us-east-1"
    listed = client.list_buckets()
    assert [bucket["Name"] for bucket in listed["Buckets"]] == ["logs"]
    assert len(listed["Owner"]["ID"]) == 64
    assert client.delete_bucket(Bucket="logs")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError) as error:
        client.head_bucket(Bucket="logs")
    assert _code(error) == ("404", 404)
    with pytest.raises(ClientError) as error:
        client.list_objects_v2(Bucket="logs")
    assert _code(error) == ("NoSuchBucket", 404)
    assert error.value.response["Error"]["BucketName"] == "logs"


def test_location_follows_the_constraint_and_the_first_region_has_none(endpoint: Any) -> None:
    client = endpoint.client("s3")
    client.create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    client.create_bucket(Bucket="near")
    assert client.get_bucket_location(Bucket="far")["LocationConstraint"] == "eu-west-1"
    assert client.get_bucket_location(Bucket="near")["LocationConstraint"] is None
    with pytest.raises(ClientError) as error:
        endpoint.client("s3", "eu-central-1").create_bucket(Bucket="third")
    assert _code(error) == ("IllegalLocationConstraintException", 400)


def test_a_taken_name_says_whose_it_is(endpoint: Any) -> None:
    client = endpoint.client("s3", "eu-west-1")
    where = {"LocationConstraint": "eu-west-1"}
    client.create_bucket(Bucket="mine", CreateBucketConfiguration=where)
    with pytest.raises(ClientError) as error:
        client.create_bucket(Bucket="mine", CreateBucketConfiguration=where)
    assert _code(error) == ("BucketAlreadyOwnedByYou", 409)
    endpoint.caller = root_caller("999999999999")
    with pytest.raises(ClientError) as error:
        client.create_bucket(Bucket="mine", CreateBucketConfiguration=where)
    assert _code(error) == ("BucketAlreadyExists", 409)
    assert client.list_buckets()["Buckets"] == []


def test_making_an_own_bucket_again_in_the_first_region_is_no_fault(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1")
    assert s3.create_bucket(Bucket="logs")["Location"] == "/logs"
    assert s3.get_object(Bucket="logs", Key="a")["Body"].read() == b"1"


@pytest.mark.parametrize("name", ["Big", "a..b", "192.168.5.4", "xn--a", "-ab", "a_b"])
def test_a_name_that_is_none_is_refused(endpoint: Any, name: str) -> None:
    with pytest.raises(ClientError) as error:
        endpoint.client("s3").create_bucket(Bucket=name)
    assert _code(error) == ("InvalidBucketName", 400)


def test_a_bucket_with_an_object_stays(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1")
    with pytest.raises(ClientError) as error:
        s3.delete_bucket(Bucket="logs")
    assert _code(error) == ("BucketNotEmpty", 409)


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
        ("get_bucket_tagging", "NoSuchTagSet"),
    ],
)
def test_absent_sub_resources_have_the_codes_that_terraform_knows(
    s3: Any, operation: str, code: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(s3, operation)(Bucket="logs")
    assert _code(error) == (code, 404)


def test_other_sub_resources_answer_their_default(s3: Any) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket="logs")
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket="logs")
    assert s3.get_bucket_request_payment(Bucket="logs")["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket="logs")
    assert "QueueConfigurations" not in s3.get_bucket_notification_configuration(Bucket="logs")
    controls = s3.get_bucket_ownership_controls(Bucket="logs")["OwnershipControls"]
    assert controls == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    block = s3.get_public_access_block(Bucket="logs")["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    acl = s3.get_bucket_acl(Bucket="logs")
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]
    assert acl["Grants"][0]["Grantee"]["Type"] == "CanonicalUser"


def test_documents_come_back_as_they_were_put(s3: Any) -> None:
    rules = [
        {
            "ID": "old",
            "Status": "Enabled",
            "Filter": {"Prefix": "AWSLogs/"},
            "Expiration": {"Days": 30},
        }
    ]
    s3.put_bucket_lifecycle_configuration(Bucket="logs", LifecycleConfiguration={"Rules": rules})
    kept = s3.get_bucket_lifecycle_configuration(Bucket="logs")
    assert kept["Rules"] == rules
    # Terraform waits until this comes back.
    assert kept["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    tags = [{"Key": "team", "Value": "net"}]
    put = s3.put_bucket_tagging(Bucket="logs", Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket="logs")["TagSet"] == tags
    cors = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]
    s3.put_bucket_cors(Bucket="logs", CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(Bucket="logs")["CORSRules"] == cors
    s3.delete_bucket_tagging(Bucket="logs")
    with pytest.raises(ClientError) as error:
        s3.get_bucket_tagging(Bucket="logs")
    assert _code(error) == ("NoSuchTagSet", 404)
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_a_lifecycle_date_comes_back_as_a_date(s3: Any) -> None:
    rule = {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Date": "2030-01-01"}}
    s3.put_bucket_lifecycle_configuration(Bucket="logs", LifecycleConfiguration={"Rules": [rule]})
    read = s3.get_bucket_lifecycle_configuration(Bucket="logs")["Rules"][0]
    assert read["ID"]
    assert read["Expiration"]["Date"].year == 2030


def test_versioning_is_refused_and_its_suspension_kept(s3: Any) -> None:
    with pytest.raises(ClientError) as error:
        s3.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Enabled"})
    assert _code(error) == ("NotImplemented", 400)
    s3.put_bucket_versioning(Bucket="logs", VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket="logs")["Status"] == "Suspended"


def test_policies_are_checked_kept_and_judged(s3: Any) -> None:
    with pytest.raises(ClientError) as error:
        s3.put_bucket_policy(Bucket="logs", Policy="no json")
    assert _code(error) == ("MalformedPolicy", 400)
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_bucket_policy(Bucket="logs", Policy=policy)
    assert s3.get_bucket_policy(Bucket="logs")["Policy"] == policy
    assert s3.get_bucket_policy_status(Bucket="logs")["PolicyStatus"]["IsPublic"] is True
    other = policy.replace("arn:aws:s3:::logs/*", "arn:aws:s3:::other/*")
    with pytest.raises(ClientError) as error:
        s3.put_bucket_policy(Bucket="logs", Policy=other)
    assert _code(error) == ("MalformedPolicy", 400)
    assert s3.delete_bucket_policy(Bucket="logs")["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_another_account_needs_the_bucket_policy(endpoint: Any, s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1")
    owner = endpoint.caller
    endpoint.caller = root_caller("999999999999")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="logs", Key="a")
    assert _code(error) == ("AccessDenied", 403)
    endpoint.caller = owner
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    s3.put_bucket_policy(
        Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": statement})
    )
    endpoint.caller = root_caller("999999999999")
    assert s3.get_object(Bucket="logs", Key="a")["Body"].read() == b"1"
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="logs", Key="absent")
    assert _code(error) == ("AccessDenied", 403)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="b", Body=b"2")
    assert _code(error) == ("AccessDenied", 403)


def test_the_owner_is_never_locked_out_by_a_policy(s3: Any) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
    }
    s3.put_bucket_policy(
        Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    )
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket="logs")
    assert _code(error) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket="logs")
    assert s3.list_objects_v2(Bucket="logs")["KeyCount"] == 0


def test_delivery_is_let_in_by_the_policy_as_aws_writes_it(endpoint: Any, s3: Any) -> None:
    place = Place("123456789012", "eu-west-1")
    assert endpoint.buckets.check_delivery(place, "none", "") == (
        "400",
        "LogDestination: none does not exist",
    )
    # Who may not write the policy cannot have it written.
    refused = (
        "400",
        "Access Denied for LogDestination: logs. Please check LogDestination permission.",
    )
    locked = {"may_attach": lambda _arn: False}
    assert endpoint.buckets.check_delivery(place, "logs", "folder/", **locked) == refused
    assert endpoint.buckets.check_delivery(place, "logs", "folder/") is None
    assert endpoint.buckets.check_delivery(place, "logs", "folder/", **locked) is None
    policy = json.loads(s3.get_bucket_policy(Bucket="logs")["Policy"])
    write, acl = policy["Statement"]
    assert (write["Sid"], acl["Sid"]) == ("AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck")
    assert write["Resource"] == "arn:aws:s3:::logs/folder/AWSLogs/123456789012/*"
    assert write["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert acl["Action"] == "s3:GetBucketAcl"
    assert endpoint.buckets.check_delivery(place, "logs", "folder") is None
    assert json.loads(s3.get_bucket_policy(Bucket="logs")["Policy"]) == policy

    other = Place("999999999999", "eu-west-1")
    assert endpoint.buckets.check_delivery(other, "logs", "") == refused
    for statement in (write, acl):
        statement["Condition"]["StringEquals"]["aws:SourceAccount"] = other.account_id
        statement["Condition"]["ArnLike"] = {
            "aws:SourceArn": f"arn:aws:logs:eu-west-1:{other.account_id}:*"
        }
    write["Resource"] = f"arn:aws:s3:::logs/AWSLogs/{other.account_id}/*"
    s3.put_bucket_policy(Bucket="logs", Policy=json.dumps(policy))
    assert endpoint.buckets.check_delivery(other, "logs", "") is None
    assert endpoint.buckets.check_delivery(other, "logs", "elsewhere") == refused


def test_delivery_keeps_the_statements_of_others(endpoint: Any, s3: Any) -> None:
    own = {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:DeleteObject",
        "Resource": "arn:aws:s3:::logs/*",
    }
    s3.put_bucket_policy(
        Bucket="logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [own]})
    )
    place = Place("123456789012", "us-east-1")
    assert endpoint.buckets.check_delivery(place, "logs", "") is None
    assert endpoint.buckets.check_delivery(place, "logs", "b") is None
    statements = json.loads(s3.get_bucket_policy(Bucket="logs")["Policy"])["Statement"]
    assert statements[0] == own
    assert [statement["Sid"] for statement in statements[1:]] == [
        "AWSLogDeliveryWrite2",
        "AWSLogDeliveryAclCheck",
    ]
    assert statements[1]["Resource"] == [
        "arn:aws:s3:::logs/AWSLogs/123456789012/*",
        "arn:aws:s3:::logs/b/AWSLogs/123456789012/*",
    ]
