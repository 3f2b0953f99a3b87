"""Aim: lists of uploads fold and go on as recorded at AWS, a copy's conditions are named as there, and
numbers and regions of requests are read as there. Method: boto3 over the service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


def begin(s3: Any, *keys: str) -> list[str]:
    return [s3.create_multipart_upload(Bucket="logs", Key=key)["UploadId"] for key in keys]


def error(raised: pytest.ExceptionInfo[ClientError]) -> dict[str, Any]:
    found: dict[str, Any] = {**raised.value.response["Error"]}
    return found


def test_uploads_go_on_after_a_key_and_an_id(s3: Any) -> None:
    third, second, one, two, three = begin(s3, "c", "b", "a", "a", "a")

    def page(**marker: str) -> tuple[list[str], str, str, bool]:
        found = s3.list_multipart_uploads(Bucket="logs", MaxUploads=1, **marker)
        ids = [upload["UploadId"] for upload in found.get("Uploads", ())]
        markers = (found["NextKeyMarker"], found["NextUploadIdMarker"])
        return ids, *markers, found["IsTruncated"]

    assert page() == ([one], "a", one, True)
    assert page(KeyMarker="a") == ([second], "b", second, True)
    assert page(KeyMarker="c") == ([], "", "", False)
    assert page(UploadIdMarker=one) == page()
    assert page(KeyMarker="a", UploadIdMarker=one) == ([two], "a", two, True)
    assert page(KeyMarker="a", UploadIdMarker=three) == ([second], "b", second, True)
    assert page(KeyMarker="b", UploadIdMarker=second) == ([third], "c", third, False)
    with pytest.raises(ClientError) as raised:
        page(KeyMarker="c", UploadIdMarker=second)
    assert error(raised) == {
        "Code": "InvalidArgument",
        "Message": "Invalid uploadId marker",
        "ArgumentName": "upload-id-marker",
        "ArgumentValue": second,
    }
    (listed,) = s3.list_multipart_uploads(Bucket="logs", Prefix="c")["Uploads"]
    assert "DisplayName" in listed["Initiator"] and "DisplayName" not in listed["Owner"]


def test_uploads_fold_at_a_delimiter(s3: Any) -> None:
    begin(s3, "folder/sub/1", "folder/sub/2", "folder/x", "folder/y")
    asked = {"Bucket": "logs", "Prefix": "folder/", "Delimiter": "/"}
    whole = s3.list_multipart_uploads(**asked)
    assert whole["CommonPrefixes"] == [{"Prefix": "folder/sub/"}]
    assert [one["Key"] for one in whole["Uploads"]] == ["folder/x", "folder/y"]
    first = s3.list_multipart_uploads(**asked, MaxUploads=1)
    assert first["CommonPrefixes"] == [{"Prefix": "folder/sub/"}] and "Uploads" not in first
    assert (first["NextKeyMarker"], first["IsTruncated"], first["Delimiter"]) == ("", True, "/")
    for marker in ("folder/sub/", "folder/sub/1"):
        found = s3.list_multipart_uploads(**asked, MaxUploads=1, KeyMarker=marker)
        assert [one["Key"] for one in found["Uploads"]] == ["folder/x"]
        assert "CommonPrefixes" not in found and found["IsTruncated"]


def test_a_copys_conditions_are_named_in_full(s3: Any) -> None:
    etag = s3.put_object(Bucket="logs", Key="a", Body=b"data")["ETag"]
    now = s3.head_object(Bucket="logs", Key="a")["LastModified"]
    ask = {"Bucket": "logs", "Key": "b", "CopySource": "logs/a"}
    long_ago, later = now - timedelta(days=1), datetime(2100, 1, 1, tzinfo=UTC)
    wrong = {
        "If-Match": {"CopySourceIfMatch": "other"},
        "If-Unmodified-Since": {"CopySourceIfUnmodifiedSince": long_ago},
        "If-None-Match": {"CopySourceIfNoneMatch": etag.strip('"')},
        "If-Modified-Since": {"CopySourceIfModifiedSince": now},
    }
    names = list(wrong)
    for number, name in enumerate(names):
        conditions = {key: value for each in names[number:] for key, value in wrong[each].items()}
        with pytest.raises(ClientError) as raised:
            s3.copy_object(**ask, **conditions)
        assert error(raised)["Condition"] == f"x-amz-copy-source-{name}"
    # A date in the future is no condition.
    s3.copy_object(**ask, CopySourceIfModifiedSince=later)
    assert s3.get_object(Bucket="logs", Key="a", IfModifiedSince=later)["ContentLength"] == 4


def test_a_number_without_digits_is_none(endpoint: Any, s3: Any) -> None:
    (upload_id,) = begin(s3, "a")
    s3.upload_part(Bucket="logs", Key="a", UploadId=upload_id, PartNumber=1, Body=b"data")
    loose = endpoint.client("s3", parameter_validation=False)
    for name in ("PartNumberMarker", "MaxParts"):
        found = loose.list_parts(Bucket="logs", Key="a", UploadId=upload_id, **{name: ""})
        assert (found["PartNumberMarker"], found["MaxParts"]) == (0, 1000)


def test_only_buckets_of_regions_are_listed(s3: Any) -> None:
    assert len(s3.list_buckets(BucketRegion="us-east-1")["Buckets"]) == 1
    assert s3.list_buckets(BucketRegion="ap-east-1")["Buckets"] == []
    with pytest.raises(ClientError) as raised:
        s3.list_buckets(BucketRegion="eu-east-1")
    assert error(raised) == {
        "Code": "InvalidArgument",
        "Message": "Argument value eu-east-1 is not a valid AWS Region",
        "ArgumentName": "bucket-region",
    }
