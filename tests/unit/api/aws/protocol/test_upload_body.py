"""Aim: an upload's framing comes off, and its checksums are held to the data.

Method: bodies framed by botocore's own wrapper and by hand; known checksums; broken framings.
"""

from __future__ import annotations

import base64
import hashlib
import io

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.checksums import checksum
from vpcflow.api.aws.protocol.s3_body import content_encoding, upload_body
from vpcflow.base.errors import ServiceError

UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def upload(body: bytes, **headers: str) -> RawRequest:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return RawRequest("PUT", "/b/k", "", named, body)


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("crc32", "cbf43926"),
        ("crc32c", "e3069283"),
        ("crc64nvme", "ae8b14860a799888"),
        ("sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
    ],
)
def test_checksums_of_the_usual_nine_digits(algorithm: str, digest: str) -> None:
    right = base64.b64encode(bytes.fromhex(digest)).decode()
    assert checksum(algorithm, b"123456789") == right
    name = f"x_amz_checksum_{algorithm}"
    assert upload_body(upload(b"123456789", **{name: right})).checksums == {algorithm: right}
    with pytest.raises(ServiceError) as refused:
        upload_body(upload(b"12345678", **{name: right}))
    assert refused.value.code == "BadDigest"
    with pytest.raises(ServiceError) as refused:
        upload_body(upload(b"123456789", **{name: "?"}))
    assert refused.value.code == "InvalidRequest"


def test_content_md5() -> None:
    md5 = base64.b64encode(hashlib.md5(b"data").digest()).decode()
    assert upload_body(upload(b"data", content_md5=md5)).data == b"data"
    for body, value, code in ((b"date", md5, "BadDigest"), (b"data", "x", "InvalidDigest")):
        with pytest.raises(ServiceError) as refused:
            upload_body(upload(body, content_md5=value))
        assert refused.value.code == code


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), size=st.integers(1, 100))
def test_what_botocore_frames_is_unframed(data: bytes, size: int) -> None:
    wrapper = AwsChunkedWrapper(
        io.BytesIO(data),
        checksum_cls=Crc32Checksum,
        checksum_name="x-amz-checksum-crc32",
        chunk_size=size,
    )
    found = upload_body(
        upload(
            wrapper.read(),
            x_amz_content_sha256=UNSIGNED,
            x_amz_trailer="x-amz-checksum-crc32",
            x_amz_decoded_content_length=str(len(data)),
        )
    )
    assert found.data == data
    assert found.checksums == {"crc32": checksum("crc32", data)}


def signed_body(*chunks: bytes) -> bytes:
    parts = (b"%x;chunk-signature=s%d\r\n%s\r\n" % (len(c), n, c) for n, c in enumerate(chunks))
    return b"".join(parts)


def test_chunks_and_trailers_are_handed_to_who_verifies_them() -> None:
    seen: list[tuple[bytes, str]] = []
    raw = upload(
        signed_body(b"one", b"two", b""),
        x_amz_content_sha256=SIGNED,
        x_amz_decoded_content_length="6",
    )
    found = upload_body(raw, verify_chunk=lambda data, signature: seen.append((data, signature)))
    assert found.data == b"onetwo"
    assert seen == [(b"one", "s0"), (b"two", "s1"), (b"", "s2")]
    trailers: list[tuple[bytes, str]] = []
    body = signed_body(b"one")[:-2] + b"\r\n0;chunk-signature=s1\r\n"
    body += b"x-amz-checksum-sha1:" + checksum("sha1", b"one").encode()
    body += b"\r\nx-amz-trailer-signature:t\r\n\r\n"
    raw = upload(
        body,
        x_amz_content_sha256=f"{SIGNED}-TRAILER",
        x_amz_decoded_content_length="3",
        x_amz_trailer="x-amz-checksum-sha1",
    )
    found = upload_body(
        raw, verify_trailer=lambda text, signature: trailers.append((text, signature))
    )
    assert found.data == b"one"
    assert trailers == [(b"x-amz-checksum-sha1:" + checksum("sha1", b"one").encode() + b"\n", "t")]


@pytest.mark.parametrize(
    ("kind", "body", "length", "code"),
    [
        (UNSIGNED, b"", "0", "IncompleteBody"),
        (UNSIGNED, b"5\r\nab", "5", "IncompleteBody"),
        (UNSIGNED, b"2\r\nab0\r\n", "2", "InvalidRequest"),
        (UNSIGNED, b"zz\r\nab\r\n0\r\n\r\n", "2", "InvalidRequest"),
        (UNSIGNED, b"-2\r\nab\r\n0\r\n\r\n", "2", "InvalidRequest"),
        (UNSIGNED, b"ffffffffffffffff\r\nab\r\n0\r\n\r\n", "2", "InvalidRequest"),
        (UNSIGNED, b"2\r\nab\r\n0\r\n\r\n", "3", "IncompleteBody"),
        (UNSIGNED, b"2\r\nab\r\n0\r\n\r\n", "x", "MissingContentLength"),
        (UNSIGNED, b"2\r\nab\r\n0\r\nnonsense\r\n\r\n", "2", "MalformedTrailerError"),
        (UNSIGNED, b"0\r\n" + b"a:b\r\n" * 9999, "0", "MalformedTrailerError"),
        (UNSIGNED, b"1" * 5000, "2", "IncompleteBody"),
        (SIGNED, b"2\r\nab\r\n0\r\n\r\n", "2", "InvalidRequest"),
        ("STREAMING-NONSENSE", b"", "0", "InvalidArgument"),
    ],
)
def test_a_broken_framing_is_refused(kind: str, body: bytes, length: str, code: str) -> None:
    raw = upload(body, x_amz_content_sha256=kind, x_amz_decoded_content_length=length)
    with pytest.raises(ServiceError) as refused:
        upload_body(raw)
    assert refused.value.code == code


def test_an_announced_trailer_must_come() -> None:
    raw = upload(
        b"2\r\nab\r\n0\r\n\r\n",
        x_amz_content_sha256=UNSIGNED,
        x_amz_decoded_content_length="2",
        x_amz_trailer="x-amz-checksum-crc32",
    )
    with pytest.raises(ServiceError, match="trailing data"):
        upload_body(raw)


def test_the_framing_is_not_kept_as_the_objects_encoding() -> None:
    assert content_encoding(upload(b"", content_encoding="aws-chunked,gzip")) == "gzip"
    assert content_encoding(upload(b"", content_encoding="aws-chunked")) is None
