"""Aim: objects are put, read, copied and deleted as AWS does. Method: boto3 over the service."""

from __future__ import annotations

import base64
import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError


def _code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_object_comes_back_with_all_that_was_said_of_it(s3: Any) -> None:
    put = s3.put_object(
        Bucket="logs",
        Key="a/b c+d/é.gz",
        Body=b"content",
        ContentType="text/plain",
        ContentEncoding="gzip",
        CacheControl="no-cache",
        Metadata={"Owner": "me"},
        Expires=datetime(2030, 1, 1, tzinfo=UTC),
        Tagging="a=1&b=x%20y",
    )
    etag = f'"{hashlib.md5(b"content").hexdigest()}"'
    crc = base64.b64encode(zlib.crc32(b"content").to_bytes(4, "big")).decode()
    assert put["ETag"] == etag
    assert put["ChecksumCRC32"] == crc
    assert put["ChecksumType"] == "FULL_OBJECT"
    got = s3.get_object(Bucket="logs", Key="a/b c+d/é.gz", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"content"
    assert got["ETag"] == etag
    assert got["ChecksumCRC32"] == crc
    assert got["ContentType"] == "text/plain"
    assert got["ContentEncoding"] == "gzip"
    assert got["CacheControl"] == "no-cache"
    assert got["Metadata"] == {"owner": "me"}
    assert got["AcceptRanges"] == "bytes"
    assert got["ContentLength"] == 7
    assert got["TagCount"] == 2
    assert got["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Tue, 01 Jan 2030 00:00:00 GMT"
    head = s3.head_object(Bucket="logs", Key="a/b c+d/é.gz")
    assert head["ContentLength"] == 7
    assert head["LastModified"] == got["LastModified"]
    assert "ChecksumCRC32" not in head


def test_the_default_type_is_the_one_of_aws(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"")
    assert s3.head_object(Bucket="logs", Key="a")["ContentType"] == "binary/octet-stream"


def test_what_is_not_there_is_said_as_aws_says_it(s3: Any) -> None:
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="logs", Key="none")
    assert _code(error) == ("NoSuchKey", 404)
    assert error.value.response["Error"]["Key"] == "none"
    assert error.value.response["Error"]["Message"] == "The specified key does not exist."
    with pytest.raises(ClientError) as error:
        s3.head_object(Bucket="logs", Key="none")
    assert _code(error) == ("404", 404)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="absent", Key="none", Body=b"")
    assert _code(error) == ("NoSuchBucket", 404)


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-900", b"56789", "bytes 5-9/10"),
        ("bytes=-900", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_ranges(s3: Any, asked: str, given: bytes, said: str) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"0123456789")
    got = s3.get_object(Bucket="logs", Key="a", Range=asked)
    assert got["Body"].read() == given
    assert got["ContentRange"] == said
    assert got["ContentLength"] == len(given)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=-0", "bytes=12-14"])
def test_a_range_beyond_the_end_is_refused(s3: Any, asked: str) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"0123456789")
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="logs", Key="a", Range=asked)
    assert _code(error) == ("InvalidRange", 416)
    assert error.value.response["Error"]["ActualObjectSize"] == "10"


@pytest.mark.parametrize("asked", ["bytes=5-2", "lines=1-2", "bytes=-", "bytes=1-2,4-5"])
def test_what_is_no_single_range_gives_everything(s3: Any, asked: str) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"0123456789")
    got = s3.get_object(Bucket="logs", Key="a", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert got["Body"].read() == b"0123456789"


def test_conditions_on_reads(s3: Any) -> None:
    etag = s3.put_object(Bucket="logs", Key="a", Body=b"1")["ETag"]
    changed = s3.head_object(Bucket="logs", Key="a")["LastModified"]
    ask: Any = {"Bucket": "logs", "Key": "a"}
    assert s3.get_object(**ask, IfMatch=etag)["ETag"] == etag
    for refused in (
        {"IfMatch": '"other"'},
        {"IfUnmodifiedSince": changed - timedelta(seconds=1)},
    ):
        with pytest.raises(ClientError) as error:
            s3.get_object(**ask, **refused)
        assert _code(error) == ("PreconditionFailed", 412)
        assert error.value.response["Error"]["Condition"] in ("If-Match", "If-Unmodified-Since")
    for same in ({"IfNoneMatch": etag}, {"IfModifiedSince": changed}):
        with pytest.raises(ClientError) as error:
            s3.head_object(**ask, **same)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    # A matching tag wins over the date, on both sides.
    s3.get_object(**ask, IfMatch=etag, IfUnmodifiedSince=changed - timedelta(seconds=1))
    s3.get_object(**ask, IfNoneMatch='"other"', IfModifiedSince=changed)


def test_conditions_on_writes(s3: Any) -> None:
    ask: Any = {"Bucket": "logs", "Key": "a"}
    etag = s3.put_object(**ask, Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as error:
        s3.put_object(**ask, Body=b"2", IfNoneMatch="*")
    assert _code(error) == ("PreconditionFailed", 412)
    with pytest.raises(ClientError) as error:
        s3.put_object(**ask, Body=b"2", IfMatch='"other"')
    assert _code(error) == ("PreconditionFailed", 412)
    s3.put_object(**ask, Body=b"3", IfMatch=etag)
    assert s3.get_object(**ask)["Body"].read() == b"3"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="none", Body=b"2", IfMatch=etag)
    assert _code(error) == ("NoSuchKey", 404)


def test_response_overrides(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1")
    got = s3.get_object(
        Bucket="logs",
        Key="a",
        ResponseContentType="text/csv",
        ResponseContentDisposition="attachment",
        ResponseCacheControl="max-age=1",
    )
    assert (got["ContentType"], got["ContentDisposition"], got["CacheControl"]) == (
        "text/csv",
        "attachment",
        "max-age=1",
    )


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_wrong_checksum_is_refused(s3: Any, algorithm: str) -> None:
    length = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}[algorithm]
    wrong = base64.b64encode(bytes(length)).decode()
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="a", Body=b"1", **{f"Checksum{algorithm}": wrong})
    assert _code(error) == ("BadDigest", 400)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="a", Body=b"1", **{f"Checksum{algorithm}": "bad"})
    assert _code(error) == ("InvalidRequest", 400)


def test_a_wrong_md5_is_refused(s3: Any) -> None:
    wrong = base64.b64encode(bytes(16)).decode()
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="a", Body=b"1", ContentMD5=wrong)
    assert _code(error) == ("BadDigest", 400)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="a", Body=b"1", ContentMD5="x")
    assert _code(error) == ("InvalidDigest", 400)


def test_copies_keep_or_replace_what_is_said(s3: Any) -> None:
    s3.put_object(
        Bucket="logs",
        Key="dir/a b",
        Body=b"1",
        Metadata={"x": "1"},
        Tagging="t=1",
        ContentType="a/b",
    )
    source = {"Bucket": "logs", "Key": "dir/a b"}
    copied = s3.copy_object(Bucket="logs", Key="b", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == s3.head_object(**source)["ETag"]
    head = s3.head_object(Bucket="logs", Key="b")
    assert (head["Metadata"], head["ContentType"]) == ({"x": "1"}, "a/b")
    s3.copy_object(
        Bucket="logs",
        Key="b",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"y": "2"},
        TaggingDirective="REPLACE",
        Tagging="u=2",
    )
    assert s3.head_object(Bucket="logs", Key="b")["Metadata"] == {"y": "2"}
    tags = s3.get_object_tagging(Bucket="logs", Key="b")["TagSet"]
    assert tags == [{"Key": "u", "Value": "2"}]
    with pytest.raises(ClientError) as error:
        s3.copy_object(**source, CopySource=source)
    assert _code(error) == ("InvalidRequest", 400)
    with pytest.raises(ClientError) as error:
        s3.copy_object(Bucket="logs", Key="c", CopySource="logs/none")
    assert _code(error) == ("NoSuchKey", 404)


def test_deletes_one_or_many(s3: Any) -> None:
    for key in ("a", "b", "c"):
        s3.put_object(Bucket="logs", Key=key, Body=b"1")
    assert s3.delete_object(Bucket="logs", Key="a")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.delete_object(Bucket="logs", Key="a")["ResponseMetadata"]["HTTPStatusCode"] == 204
    answer = s3.delete_objects(Bucket="logs", Delete={"Objects": [{"Key": "b"}, {"Key": "none"}]})
    assert answer["Deleted"] == [{"Key": "b"}, {"Key": "none"}]
    assert "Errors" not in answer
    quiet = s3.delete_objects(Bucket="logs", Delete={"Objects": [{"Key": "c"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert s3.list_objects_v2(Bucket="logs")["KeyCount"] == 0


def test_tags_of_objects(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1")
    ask = {"Bucket": "logs", "Key": "a"}
    assert s3.get_object_tagging(**ask)["TagSet"] == []
    s3.put_object_tagging(**ask, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    assert s3.get_object_tagging(**ask)["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert s3.delete_object_tagging(**ask)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_object_tagging(**ask)["TagSet"] == []
    twice = [{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}]
    with pytest.raises(ClientError) as error:
        s3.put_object_tagging(**ask, Tagging={"TagSet": twice})
    assert _code(error) == ("InvalidTag", 400)


def test_access_lists_say_that_the_owner_may_do_everything(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1", ACL="bucket-owner-full-control")
    acl = s3.get_object_acl(Bucket="logs", Key="a")
    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    with pytest.raises(ClientError) as error:
        s3.put_object_acl(Bucket="logs", Key="a", ACL="public-read")
    assert _code(error) == ("AccessControlListNotSupported", 400)


def test_listing_folds_pages_and_encodes(s3: Any) -> None:
    keys = ["AWSLogs/1/a", "AWSLogs/1/b", "AWSLogs/2/a", "b+c d", "é", "z"]
    for key in keys:
        s3.put_object(Bucket="logs", Key=key, Body=key.encode())
    page = s3.list_objects_v2(Bucket="logs", Prefix="AWSLogs/", Delimiter="/")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["AWSLogs/1/", "AWSLogs/2/"]
    assert "Contents" not in page
    assert (page["KeyCount"], page["IsTruncated"], page["MaxKeys"]) == (2, False, 1000)
    paginator = s3.get_paginator("list_objects_v2")
    pages = list(paginator.paginate(Bucket="logs", PaginationConfig={"PageSize": 2}))
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == [
        "AWSLogs/1/a",
        "AWSLogs/1/b",
        "AWSLogs/2/a",
        "b+c d",
        "z",
        "é",
    ]
    assert pages[0]["NextContinuationToken"] == pages[1]["ContinuationToken"]
    after = s3.list_objects_v2(Bucket="logs", StartAfter="b+c d", FetchOwner=True)
    assert [entry["Key"] for entry in after["Contents"]] == ["z", "é"]
    assert after["StartAfter"] == "b+c d"
    assert after["Contents"][0]["Owner"]["ID"]
    raw = s3.list_objects_v2(Bucket="logs", Prefix="b", EncodingType="url")
    assert raw["Contents"][0]["Key"] == "b%2Bc%20d"
    assert raw["EncodingType"] == "url"
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket="logs", ContinuationToken="wrong")
    assert _code(error) == ("InvalidArgument", 400)


def test_the_old_listing_goes_on_by_marker(s3: Any) -> None:
    for key in ("a/1", "a/2", "b/1", "c"):
        s3.put_object(Bucket="logs", Key=key, Body=b"")
    first = s3.list_objects(Bucket="logs", Delimiter="/", MaxKeys=1)
    assert [entry["Prefix"] for entry in first["CommonPrefixes"]] == ["a/"]
    assert first["NextMarker"] == "a/"
    second = s3.list_objects(Bucket="logs", Delimiter="/", Marker=first["NextMarker"])
    assert [entry["Prefix"] for entry in second["CommonPrefixes"]] == ["b/"]
    assert [entry["Key"] for entry in second["Contents"]] == ["c"]
    plain = s3.list_objects(Bucket="logs", MaxKeys=1)
    assert plain["IsTruncated"] is True
    assert "NextMarker" not in plain
    versions = s3.list_object_versions(Bucket="logs")["Versions"]
    assert [(one["Key"], one["VersionId"], one["IsLatest"]) for one in versions][:1] == [
        ("a/1", "null", True)
    ]


def test_an_upload_in_parts(s3: Any) -> None:
    big = bytes(range(256)) * (5 << 12)
    begun = s3.create_multipart_upload(
        Bucket="logs", Key="big", ContentType="x/y", ChecksumAlgorithm="CRC32"
    )
    ask = {"Bucket": "logs", "Key": "big", "UploadId": begun["UploadId"]}
    parts = []
    for number, data in ((1, big), (2, b"end")):
        put = s3.upload_part(**ask, PartNumber=number, Body=data)
        parts.append(
            {"PartNumber": number, "ETag": put["ETag"], "ChecksumCRC32": put["ChecksumCRC32"]}
        )
    listed = s3.list_parts(**ask)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Parts"]] == [
        (1, len(big)),
        (2, 3),
    ]
    uploads = s3.list_multipart_uploads(Bucket="logs")["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in uploads] == [("big", begun["UploadId"])]
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket="logs", Key="big")
    assert _code(error) == ("NoSuchKey", 404)
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(**ask, MultipartUpload={"Parts": parts[::-1]})
    assert _code(error) == ("InvalidPartOrder", 400)
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(
            **ask, MultipartUpload={"Parts": [{"PartNumber": 3, "ETag": "x"}]}
        )
    assert _code(error) == ("InvalidPart", 400)
    done = s3.complete_multipart_upload(**ask, MultipartUpload={"Parts": parts})
    digests = b"".join(hashlib.md5(part).digest() for part in (big, b"end"))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert done["ChecksumCRC32"].endswith("-2")
    assert done["ChecksumType"] == "COMPOSITE"
    got = s3.get_object(Bucket="logs", Key="big")
    assert got["Body"].read() == big + b"end"
    assert got["ContentType"] == "x/y"
    second = s3.get_object(Bucket="logs", Key="big", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (b"end", 2)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="logs")
    with pytest.raises(ClientError) as error:
        s3.list_parts(**ask)
    assert _code(error) == ("NoSuchUpload", 404)


def test_small_parts_and_aborted_uploads(endpoint: Any, s3: Any) -> None:
    begun = s3.create_multipart_upload(Bucket="logs", Key="big")
    ask = {"Bucket": "logs", "Key": "big", "UploadId": begun["UploadId"]}
    tags = [s3.upload_part(**ask, PartNumber=n, Body=b"small")["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    with pytest.raises(ClientError) as error:
        s3.complete_multipart_upload(**ask, MultipartUpload={"Parts": parts})
    assert _code(error) == ("EntityTooSmall", 400)
    assert endpoint.store.used_bytes == 10
    s3.abort_multipart_upload(**ask)
    assert endpoint.store.used_bytes == 0
    with pytest.raises(ClientError) as error:
        s3.abort_multipart_upload(**ask)
    assert _code(error) == ("NoSuchUpload", 404)


def test_parts_copied_from_an_object(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"0123456789")
    begun = s3.create_multipart_upload(Bucket="logs", Key="b", ChecksumAlgorithm="CRC64NVME")
    ask = {"Bucket": "logs", "Key": "b", "UploadId": begun["UploadId"]}
    put = s3.upload_part_copy(
        **ask, PartNumber=1, CopySource="logs/a", CopySourceRange="bytes=2-4"
    )["CopyPartResult"]
    done = s3.complete_multipart_upload(
        **ask, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": put["ETag"]}]}
    )
    assert done["ChecksumType"] == "FULL_OBJECT"
    assert s3.get_object(Bucket="logs", Key="b")["Body"].read() == b"234"


def test_large_files_go_through_the_transfer_of_boto3(s3: Any, tmp_path: Any) -> None:
    data = b"0123456789abcdef" * (9 << 16)
    (tmp_path / "up").write_bytes(data)
    s3.upload_file(str(tmp_path / "up"), "logs", "large")
    s3.download_file("logs", "large", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == data


def test_every_object_says_the_encryption_of_aws_and_no_other_is_taken(s3: Any) -> None:
    ask = {"Bucket": "logs", "Key": "a"}
    upload_id = s3.create_multipart_upload(**ask)["UploadId"]
    for answer in (
        s3.put_object(**ask, Body=b"1"),
        s3.put_object(**ask, Body=b"1", ServerSideEncryption="AES256"),
        s3.head_object(**ask),
        s3.get_object(**ask),
        s3.copy_object(Bucket="logs", Key="b", CopySource="logs/a"),
        s3.create_multipart_upload(**ask),
        s3.upload_part(**ask, UploadId=upload_id, PartNumber=1, Body=b"1"),
    ):
        assert answer["ServerSideEncryption"] == "AES256"
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="logs", Key="a", Body=b"1", ServerSideEncryption="aws:kms")
    assert _code(error) == ("NotImplemented", 400)


def test_attributes_of_an_object(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"123")
    found = s3.get_object_attributes(
        Bucket="logs", Key="a", ObjectAttributes=["ETag", "ObjectSize", "Checksum"]
    )
    assert found["ObjectSize"] == 3
    assert found["ETag"] == hashlib.md5(b"123").hexdigest()
    assert found["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "StorageClass" not in found


def test_a_large_object_comes_in_pieces_and_whole(s3: Any) -> None:
    data = b"0123456789abcdef" * (9 << 16)
    s3.put_object(Bucket="logs", Key="large", Body=data)
    got = s3.get_object(Bucket="logs", Key="large")
    assert got["ContentLength"] == len(data)
    assert got["Body"].read() == data
    part = s3.get_object(Bucket="logs", Key="large", Range=f"bytes=5-{len(data) - 3}")
    assert part["Body"].read() == data[5:-2]


def test_a_range_of_endless_digits_is_none(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"12345")
    assert (
        s3.get_object(Bucket="logs", Key="a", Range=f"bytes={'9' * 5_000}-")["ContentLength"] == 5
    )


def test_the_owner_of_a_source_is_checked(s3: Any) -> None:
    s3.put_object(Bucket="logs", Key="a", Body=b"1")
    source = {"Bucket": "logs", "Key": "a"}
    with pytest.raises(ClientError) as error:
        s3.copy_object(
            Bucket="logs", Key="b", CopySource=source, ExpectedSourceBucketOwner="999999999999"
        )
    assert _code(error) == ("AccessDenied", 403)
