"""Aim: storage classes, copies, parts and refusals are answered as recorded at AWS. Method: boto3 over
the service."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

A = {"Bucket": "logs", "Key": "a"}


def refused(code: str, ask: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        ask(**parameters)
    error = raised.value.response["Error"]
    assert error["Code"] == code
    return {**error}


def shown_class(s3: Any) -> tuple[Any, str, str]:
    attributes = s3.get_object_attributes(**A, ObjectAttributes=["StorageClass"])
    (listed,) = s3.list_objects_v2(Bucket="logs", Prefix="a")["Contents"]
    head = s3.head_object(**A)
    return head.get("StorageClass"), attributes["StorageClass"], listed["StorageClass"]


def test_a_storage_class_is_kept_and_shown(s3: Any) -> None:
    s3.put_object(**A, Body=b"1")
    assert shown_class(s3) == (None, "STANDARD", "STANDARD")
    s3.put_object(**A, Body=b"1", StorageClass="STANDARD_IA")
    assert shown_class(s3) == ("STANDARD_IA",) * 3
    # A copy does not take the class with it, which is a change where an object is copied to itself.
    s3.copy_object(**A, CopySource="logs/a")
    assert shown_class(s3) == (None, "STANDARD", "STANDARD")
    refused("InvalidRequest", s3.copy_object, **A, CopySource="logs/a")
    s3.copy_object(**A, CopySource="logs/a", StorageClass="STANDARD")
    s3.copy_object(**A, CopySource="logs/a", WebsiteRedirectLocation="/b")
    error = refused("InvalidStorageClass", s3.put_object, **A, Body=b"1", StorageClass="OUTPOSTS")
    assert error["StorageClassRequested"] == "OUTPOSTS"
    begun = s3.create_multipart_upload(Bucket="logs", Key="b", StorageClass="GLACIER_IR")
    listed = s3.list_parts(Bucket="logs", Key="b", UploadId=begun["UploadId"])
    assert listed["StorageClass"] == "GLACIER_IR"


def test_a_copy_gets_the_checksum_that_it_asks_for(s3: Any) -> None:
    put = s3.put_object(**A, Body=b"data", ChecksumAlgorithm="SHA256")
    ask = {"Bucket": "logs", "Key": "b", "CopySource": "logs/a"}
    kept = s3.copy_object(**ask)["CopyObjectResult"]
    assert kept["ChecksumSHA256"] == put["ChecksumSHA256"]
    other = s3.copy_object(**ask, ChecksumAlgorithm="CRC32")["CopyObjectResult"]
    assert (
        other["ChecksumCRC32"] == base64.b64encode(zlib.crc32(b"data").to_bytes(4, "big")).decode()
    )
    assert other["ChecksumType"] == "FULL_OBJECT" and "ChecksumSHA256" not in other
    error = refused("InvalidArgument", s3.copy_object, **{**ask, "CopySource": "wrongformat"})
    assert error["Message"] == "Invalid copy source object key"
    assert error["ArgumentValue"] == "x-amz-copy-source"


def test_the_only_part_of_an_object_comes_as_a_range_of_all(s3: Any) -> None:
    s3.put_object(**A, Body=b"test-123")
    got = s3.get_object(**A, PartNumber=1, ChecksumMode="ENABLED")
    assert got["ContentRange"] == "bytes 0-7/8" and "ChecksumCRC32" in got
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    for text, whole in (("bytes=0-100", True), ("bytes=-15", True), ("bytes=1-", False)):
        got = s3.get_object(**A, Range=text, ChecksumMode="ENABLED")
        assert ("ChecksumCRC32" in got) is whole
    assert refused("InvalidPartNumber", s3.get_object, **A, PartNumber=2)["ActualPartCount"] == "1"


def test_parts_of_a_composite_checksum_are_given_with_theirs(s3: Any) -> None:
    begun = s3.create_multipart_upload(**A, ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    ask = {**A, "UploadId": begun["UploadId"]}
    etag = s3.upload_part(**ask, PartNumber=1, Body=b"1", ChecksumAlgorithm="CRC32")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    error = refused("InvalidRequest", s3.complete_multipart_upload, **ask, MultipartUpload=parts)
    assert error["Message"] == (
        "The upload was created using a crc32 checksum. The complete request must include the "
        "checksum for each part. It was missing for part 1 in the request."
    )
    wrong = {"Parts": [{"PartNumber": 1, "ETag": '"0"', "ChecksumCRC32": "AAAAAA=="}]}
    error = refused("InvalidPart", s3.complete_multipart_upload, **ask, MultipartUpload=wrong)
    assert error["PartNumber"] == "1" and '"' not in error["ETag"]


@pytest.mark.parametrize("owner", ["0000", "0000000000020", "abcd", "aa000000000$"])
def test_an_owner_that_is_no_account_is_refused(s3: Any, owner: str) -> None:
    error = refused(
        "InvalidBucketOwnerAWSAccountID",
        s3.get_bucket_policy,
        Bucket="logs",
        ExpectedBucketOwner=owner,
    )
    assert error["Message"] == (
        f"The value of the expected bucket owner parameter must be an AWS Account ID... [{owner}]"
    )


def test_buckets_are_made_in_regions_that_there_are(endpoint: Any) -> None:
    def made(region: str, constraint: str) -> Any:
        configuration = {"LocationConstraint": constraint}
        return lambda: endpoint.client("s3", region=region).create_bucket(
            Bucket="new", CreateBucketConfiguration=configuration
        )

    for constraint in ("foo", "aws-global", "us-east-1"):
        refused("InvalidLocationConstraint", made("us-east-1", constraint))
    for constraint in ("us-east-1", "us-east-2"):
        error = refused("IllegalLocationConstraintException", made("us-west-1", constraint))
        assert error["Message"].startswith(f"The {constraint} location constraint is incompatible")
    made("us-east-1", "eu-central-2")()
    head = endpoint.client("s3").head_bucket(Bucket="new")
    assert head["BucketRegion"] == "eu-central-2" and head["AccessPointAlias"] is False


def test_tags_are_refused_by_name(s3: Any) -> None:
    s3.put_object(**A, Body=b"1")
    cases = (
        ([("k", "v"), ("k", "w")], "Cannot provide multiple Tags with the same key", None),
        ([("k,l", "v")], "The TagKey you have provided is invalid", None),
        ([("k", "v,w")], "The TagValue you have provided is invalid", "v,w"),
        ([("aws:k", "v")], None, None),
    )
    for pairs, message, value in cases:
        tagging = {"TagSet": [{"Key": key, "Value": text} for key, text in pairs]}
        for ask, of_aws in (
            (s3.put_bucket_tagging, "System tags cannot be added/updated by requester"),
            (
                lambda **more: s3.put_object_tagging(Key="a", **more),
                "Your TagKey cannot be prefixed with aws:",
            ),
        ):
            error = refused("InvalidTag", ask, Bucket="logs", Tagging=tagging)
            assert error["Message"] == (message or of_aws)
            assert (error["TagKey"], error.get("TagValue")) == (pairs[0][0], value)
    for header in ("key1=val1&key1=val2", "key1=val1,key2=val2"):
        error = refused("InvalidArgument", s3.put_object, **A, Body=b"1", Tagging=header)
        assert (error["ArgumentName"], error["ArgumentValue"]) == ("x-amz-tagging", header)


def test_an_empty_tag_set_is_none(s3: Any) -> None:
    s3.put_bucket_tagging(Bucket="logs", Tagging={"TagSet": [{"Key": "k", "Value": ""}]})
    s3.put_bucket_tagging(Bucket="logs", Tagging={"TagSet": []})
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket="logs")


def test_conditions_of_writes_that_are_not_done_are_told(s3: Any) -> None:
    for conditions, header, why in (
        ({"IfMatch": "*"}, "If-Match", "We don't accept the provided value of If-Match"),
        ({"IfNoneMatch": "x"}, "If-None-Match", "We don't accept the provided value of If-None"),
        ({"IfMatch": "x", "IfNoneMatch": "*"}, "If-Match,If-None-Match", "Multiple conditional"),
    ):
        error = refused("NotImplemented", s3.put_object, **A, Body=b"1", **conditions)
        assert error["Header"] == header and error["additionalMessage"].startswith(why)


def test_a_part_is_copied_of_a_range_within_its_source(s3: Any) -> None:
    s3.put_object(**A, Body=b"0123456789")
    upload_id = s3.create_multipart_upload(Bucket="logs", Key="b")["UploadId"]
    ask = {"Bucket": "logs", "Key": "b", "UploadId": upload_id, "CopySource": "logs/a"}
    s3.upload_part_copy(**ask, PartNumber=1, CopySourceRange="bytes=1-1")
    (part,) = s3.list_parts(Bucket="logs", Key="b", UploadId=upload_id)["Parts"]
    assert part["Size"] == 1
    for text in ("0-8", "bytes=1-0", "bytes=-2", "bytes=1-", "bytes=0-1,3-4", "bytes=0-100"):
        error = refused(
            "InvalidArgument", s3.upload_part_copy, **ask, PartNumber=2, CopySourceRange=text
        )
        assert error["ArgumentName"] == "x-amz-copy-source-range"
        assert ("source object of size: 10" in error["Message"]) is (text == "bytes=0-100")
    beyond = {"PartNumber": 2, "CopySourceRange": "bytes=100-200"}
    refused("InvalidRequest", s3.upload_part_copy, **ask, **beyond)


def test_ownership_is_one_of_three(s3: Any) -> None:
    for rules in ([], ["RandomValue"], ["ObjectWriter", "BucketOwnerPreferred"]):
        controls = {"Rules": [{"ObjectOwnership": rule} for rule in rules]}
        refused(
            "MalformedXML",
            s3.put_bucket_ownership_controls,
            Bucket="logs",
            OwnershipControls=controls,
        )
    error = refused("InvalidArgument", s3.create_bucket, Bucket="new", ObjectOwnership="Random")
    assert error["Message"] == "Invalid x-amz-object-ownership header: Random"


def test_a_version_that_is_not_there_is_told_with_its_key(s3: Any) -> None:
    objects = [{"Key": "a", "VersionId": "none"}]
    (error,) = s3.delete_objects(Bucket="logs", Delete={"Objects": objects})["Errors"]
    assert (error["Key"], error["VersionId"], error["Code"]) == ("a", "none", "NoSuchVersion")


def test_a_completed_upload_is_held_to_the_checksum_of_the_object(s3: Any) -> None:
    begun = s3.create_multipart_upload(**A, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    ask = {**A, "UploadId": begun["UploadId"]}
    etag = s3.upload_part(**ask, PartNumber=1, Body=b"data", ChecksumAlgorithm="CRC32")["ETag"]
    whole = base64.b64encode(zlib.crc32(b"data").to_bytes(4, "big")).decode()
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    refused(
        "BadDigest",
        s3.complete_multipart_upload,
        **ask,
        MultipartUpload=parts,
        ChecksumCRC32="AAAAAA==",
    )
    done = s3.complete_multipart_upload(**ask, MultipartUpload=parts, ChecksumCRC32=whole)
    assert (done["ChecksumCRC32"], done["ChecksumType"]) == (whole, "FULL_OBJECT")


def test_a_copy_of_parts_gets_a_checksum_over_all_bytes(s3: Any) -> None:
    begun = s3.create_multipart_upload(**A, ChecksumAlgorithm="CRC32")
    ask = {**A, "UploadId": begun["UploadId"]}
    put = s3.upload_part(**ask, PartNumber=1, Body=b"data", ChecksumAlgorithm="CRC32")
    part = {"PartNumber": 1, "ETag": put["ETag"], "ChecksumCRC32": put["ChecksumCRC32"]}
    s3.complete_multipart_upload(**ask, MultipartUpload={"Parts": [part]})
    copied = s3.copy_object(Bucket="logs", Key="b", CopySource="logs/a")["CopyObjectResult"]
    assert (copied["ChecksumCRC32"], copied["ChecksumType"]) == (
        put["ChecksumCRC32"],
        "FULL_OBJECT",
    )


def test_an_override_that_no_header_can_say_is_refused(s3: Any) -> None:
    s3.put_object(**A, Body=b"1")
    error = refused("InvalidArgument", s3.get_object, **A, ResponseCacheControl="a\u2014b")
    assert error["Message"] == "Header value cannot be represented using ISO-8859-1."
    assert error["ArgumentName"] == "response-cache-control"
    assert "ChecksumCRC32" in s3.get_object(**A, ChecksumMode="enabled")
