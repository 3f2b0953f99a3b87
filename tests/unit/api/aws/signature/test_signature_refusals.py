"""Aim: what is not believed is refused with the code and words of its service. Method: requests that
botocore signs under a clock of ours, then spoilt.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.s3_body import upload_body
from vpcflow.api.aws.signature import ChunkKey, Verifier, peek_scope
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller
from vpcflow.control.identity import ACCESS_KEYS, issue_temporary_key, seed_root_key
from vpcflow.control.state import GLOBAL, Database, State

ACCOUNT = "123456789012"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
GOOD = Credentials(KEY, SECRET)
LONG = (
    "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method. Consult the service documentation for details."
)
INVALID = "The security token included in the request is invalid."
NOT_VALIDATED = "AWS was not able to validate the provided access credentials"
SERVICES = ["logs", "ec2", "iam", "s3"]


class World:
    """A verifier, its clock, and a signer under that clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = Database.in_folder(folder)
        self.state = State(self.database)
        seed_root_key(self.state, ACCOUNT, KEY, SECRET)
        self.clock = ManualClock()
        self.verifier = self.make()
        monkeypatch.setattr(
            botocore.auth,
            "get_current_datetime",
            lambda: datetime.fromtimestamp(self.clock.now_s(), UTC),
        )

    def make(self, *, anonymous: bool = False) -> Verifier:
        return Verifier(
            self.state,
            self.clock,
            account_id=ACCOUNT,
            default_region="us-east-1",
            anonymous=anonymous,
        )

    def signed(
        self,
        service: str,
        credentials: Credentials = GOOD,
        signer: Any = None,
        url: str = "http://h:1/b/k",
        body: bytes = b"x",
        **headers: str,
    ) -> RawRequest:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest("PUT", url, {"Host": "h:1", **given}, body)
        kind = signer or (S3SigV4Auth if service == "s3" else SigV4Auth)
        kind(credentials, service, "us-east-1").add_auth(request)
        parts = urlsplit(request.url)
        items = [(name.lower(), value) for name, value in request.headers.items()]
        return RawRequest("PUT", parts.path, parts.query, items, body)

    def refused(self, raw: RawRequest, service: str) -> ServiceError:
        with pytest.raises(ServiceError) as refused:
            self.verifier.verify(raw, service)
        return refused.value

    def caller(self, raw: RawRequest, service: str) -> Caller:
        return self.verifier.verify(raw, service).caller


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    found = World(tmp_path, monkeypatch)
    yield found
    found.database.close()


def said(error: ServiceError) -> tuple[int, str, str]:
    return error.status, error.code, error.message


def header(raw: RawRequest, name: str, value: str | None) -> RawRequest:
    headers = [(each, value if each == name else old) for each, old in raw.headers]
    return replace(raw, headers=[(each, new) for each, new in headers if new is not None])


def test_unsigned_requests(world: World) -> None:
    raw = RawRequest("GET", "/", "", [("host", "h")], b"")
    assert [said(world.refused(raw, service)) for service in SERVICES] == [
        (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
        (400, "MissingParameter", "The request must contain the parameter AWSAccessKeyId"),
        (403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        (403, "AccessDenied", "Access Denied"),
    ]
    assert peek_scope(raw) is None
    for service in SERVICES:
        verified = world.make(anonymous=True).verify(raw, service)
        assert verified.caller.is_root and verified.region == "us-east-1"


def test_unknown_and_inactive_keys(world: World) -> None:
    expected = [
        (400, "UnrecognizedClientException", INVALID),
        (401, "AuthFailure", NOT_VALIDATED),
        (403, "InvalidClientTokenId", INVALID),
        (
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
    ]
    other = Credentials("AKIAOTHER", SECRET)
    assert [said(world.refused(world.signed(each, other), each)) for each in SERVICES] == expected
    with world.state.change() as change:
        key = change.get(ACCESS_KEYS, GLOBAL, KEY)
        assert key is not None
        change.put(ACCESS_KEYS, GLOBAL, KEY, replace(key, active=False))
    assert [said(world.refused(world.signed(each), each)) for each in SERVICES] == expected


def test_wrong_signatures(world: World) -> None:
    wrong = Credentials(KEY, "other")
    errors = [world.refused(world.signed(each, wrong), each) for each in SERVICES]
    assert [said(error) for error in errors] == [
        (400, "InvalidSignatureException", LONG),
        (401, "AuthFailure", NOT_VALIDATED),
        (403, "SignatureDoesNotMatch", LONG),
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check "
            "your key and signing method.",
        ),
    ]
    assert [list(error.fields) for error in errors[:3]] == [[], [], []]
    fields = errors[3].fields
    assert list(fields) == [
        "AWSAccessKeyId",
        "StringToSign",
        "SignatureProvided",
        "StringToSignBytes",
        "CanonicalRequest",
        "CanonicalRequestBytes",
    ]
    canonical = fields["CanonicalRequest"]
    assert fields["StringToSign"].endswith(hashlib.sha256(canonical.encode()).hexdigest())
    assert bytes.fromhex(fields["CanonicalRequestBytes"]) == canonical.encode()


def test_clocks_that_differ(world: World) -> None:
    raws = {service: world.signed(service) for service in SERVICES}
    world.clock.advance(299)
    for service in SERVICES:
        assert world.caller(raws[service], service).is_root
    world.clock.advance(2)
    text = (
        "Signature expired: 20231114T221320Z is now earlier than 20231114T221321Z "
        "(20231114T221821Z - 5 min.)"
    )
    assert [said(world.refused(raws[each], each)) for each in SERVICES[:3]] == [
        (400, "InvalidSignatureException", text),
        (400, "RequestExpired", "Request has expired."),
        (403, "SignatureDoesNotMatch", text),
    ]
    assert world.caller(raws["s3"], "s3").is_root
    world.clock.advance(600)
    late = world.refused(raws["s3"], "s3")
    assert said(late) == (
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the server's time is too large.",
    )
    assert late.fields == {
        "RequestTime": "20231114T221320Z",
        "ServerTime": "2023-11-14T22:28:21Z",
        "MaxAllowedSkewMilliseconds": "900000",
    }
    future = world.signed("logs")
    world.clock.advance(-301)
    assert world.refused(future, "logs").message == (
        "Signature not yet current: 20231114T222821Z is still later than 20231114T222820Z "
        "(20231114T222320Z + 5 min.)"
    )


@pytest.mark.parametrize(
    ("service", "status", "code"),
    [
        ("logs", 400, "IncompleteSignatureException"),
        ("ec2", 400, "IncompleteSignature"),
        ("iam", 400, "IncompleteSignature"),
        ("s3", 400, "AuthorizationHeaderMalformed"),
    ],
)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Credential=", "Credentials="),
        ("aws4_request", "aws3_request"),
        ("SignedHeaders=", "Headers="),
        ("Signature=", "Sig="),
        ("host", "h@st"),
    ],
)
def test_malformed_headers(
    world: World, service: str, status: int, code: str, old: str, new: str
) -> None:
    raw = world.signed(service)
    value = str(raw.header("authorization")).replace(old, new)
    error = world.refused(header(raw, "authorization", value), service)
    assert (error.status, error.code) == (status, code)


def test_the_scope_must_be_the_requests_own(world: World) -> None:
    assert said(world.refused(world.signed("ec2"), "logs")) == (
        400,
        "InvalidSignatureException",
        "Credential should be scoped to correct service: 'logs'.",
    )
    assert world.refused(world.signed("ec2"), "s3").code == "AuthorizationHeaderMalformed"
    raw = world.signed("logs")
    value = str(raw.header("authorization")).replace("/20231114/", "/20231115/")
    error = world.refused(header(raw, "authorization", value), "logs")
    assert error.code == "InvalidSignatureException" and "20231115" in error.message
    for broken in ("AWS4-HMAC-SHA512 x", "Basic abc", "", "AWS AKIA:sig"):
        for service in SERVICES:
            assert world.refused(header(raw, "authorization", broken), service).status == 400


def test_host_and_amazons_own_headers_must_be_signed(world: World) -> None:
    for service in SERVICES:
        raw = world.signed(service)
        added = replace(raw, headers=[*raw.headers, ("x-amz-acl", "public-read")])
        assert 400 <= world.refused(added, service).status < 404
        value = str(raw.header("authorization")).replace("host;", "")
        assert 400 <= world.refused(header(raw, "authorization", value), service).status < 404
    raw = world.signed("s3")
    added = replace(raw, headers=[*raw.headers, ("x-amz-acl", "public-read")])
    assert world.refused(added, "s3").fields == {"HeadersNotSigned": "x-amz-acl"}


def test_a_body_that_is_not_the_signed_one(world: World) -> None:
    error = world.refused(replace(world.signed("s3"), body=b"y"), "s3")
    assert (error.status, error.code) == (400, "XAmzContentSHA256Mismatch")
    unchecked = world.verifier.verify(
        replace(world.signed("s3"), body=b"y"), "s3", check_body=False
    )
    assert unchecked.payload == hashlib.sha256(b"x").hexdigest()
    assert world.refused(replace(world.signed("logs"), body=b"y"), "logs").message == LONG


def test_temporary_keys_need_their_token_and_end(world: World) -> None:
    with world.state.change() as change:
        key = issue_temporary_key(change, ACCOUNT, world.clock.now_s(), 900)
    whole = Credentials(key.key_id, key.secret, key.token)
    for service in SERVICES:
        assert world.caller(world.signed(service, whole), service).access_key_id == key.key_id
    for token in (None, "other"):
        found = [
            world.refused(world.signed(each, Credentials(key.key_id, key.secret, token)), each)
            for each in SERVICES
        ]
        assert [error.code for error in found] == [
            "UnrecognizedClientException",
            "AuthFailure",
            "InvalidClientTokenId",
            "InvalidToken",
        ]
    assert world.refused(world.signed("logs", Credentials(KEY, SECRET, "t")), "logs").status == 400
    world.clock.advance(900)
    assert [
        (error.status, error.code)
        for error in (world.refused(world.signed(each, whole), each) for each in SERVICES)
    ] == [
        (400, "ExpiredTokenException"),
        (400, "RequestExpired"),
        (403, "ExpiredToken"),
        (400, "ExpiredToken"),
    ]


def test_links_end(world: World) -> None:
    raw = world.signed("s3", signer=S3SigV4QueryAuth, body=b"")
    assert peek_scope(raw) == ("s3", "us-east-1")
    world.clock.advance(3600)
    assert world.caller(raw, "s3").is_root
    world.clock.advance(1)
    error = world.refused(raw, "s3")
    assert said(error) == (403, "AccessDenied", "Request has expired")
    assert error.fields == {
        "X-Amz-Expires": "3600",
        "Expires": "2023-11-14T23:13:20Z",
        "ServerTime": "2023-11-14T23:13:21Z",
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Expires=3600", "X-Amz-Expires=604801"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=-1"),
        ("X-Amz-Expires=3600", "a=b"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=x"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
        ("X-Amz-Date=", "X-Amz-Date=1"),
        ("aws4_request", "aws3_request"),
        ("X-Amz-Signature=", "X-Amz-Signature=a&X-Amz-Signature="),
    ],
)
def test_malformed_links(world: World, old: str, new: str) -> None:
    raw = world.signed("s3", signer=S3SigV4QueryAuth, body=b"")
    error = world.refused(replace(raw, query=raw.query.replace(old, new)), "s3")
    assert (error.status, error.code) == (400, "AuthorizationQueryParametersError")


def _chunk(world: World, raw: RawRequest, before: str, data: bytes) -> tuple[bytes, str]:
    stamp = str(raw.header("x-amz-date"))
    day = stamp[:8]
    key = f"AWS4{SECRET}".encode()
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    empty = hashlib.sha256(b"").hexdigest()
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = (
        f"AWS4-HMAC-SHA256-PAYLOAD\n{stamp}\n{scope}\n{before}\n{empty}\n"
        f"{hashlib.sha256(data).hexdigest()}"
    )
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{len(data):x};chunk-signature={signature}\r\n".encode() + data + b"\r\n", signature


class _Streaming(S3SigV4Auth):
    def payload(self, request: Any) -> str:
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def _uploaded(world: World, raw: RawRequest) -> bytes:
    key = world.verifier.verify(raw, "s3").chunk_key
    assert key is not None
    return upload_body(raw, key.check, key.check_trailer).data


def test_signed_chunks_are_checked_one_by_one(world: World) -> None:
    raw = world.signed("s3", signer=_Streaming, x_amz_decoded_content_length="605")
    signature = str(raw.header("authorization")).rsplit("=", 1)[1]
    body = b""
    for data in (b"first", b"second" * 100, b""):
        part, signature = _chunk(world, raw, signature, data)
        body += part
    assert _uploaded(world, replace(raw, body=body)) == b"first" + b"second" * 100
    with pytest.raises(ServiceError) as refused:
        _uploaded(world, replace(raw, body=body.replace(b"first", b"First")))
    assert (refused.value.status, refused.value.code) == (403, "SignatureDoesNotMatch")


def test_the_trailer_continues_the_chain_of_chunks() -> None:
    key = ChunkKey(b"key", "20130524T000000Z", "20130524/us-east-1/s3/aws4_request", "ab")
    trailer = b"x-amz-checksum-crc32:NSRBwg==\n"
    text = (
        "AWS4-HMAC-SHA256-TRAILER\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\nab\n"
        + hashlib.sha256(trailer).hexdigest()
    )
    right = hmac.digest(b"key", text.encode(), "sha256").hex()
    with pytest.raises(ServiceError):
        key.check_trailer(trailer + b"x", right)
    key.check_trailer(trailer, right)
    assert key.signature == right


def test_the_signature_of_the_guide(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """GET Object of the guide's examples of the header form, with its published signature."""
    world.clock.advance(datetime(2013, 5, 24, tzinfo=UTC).timestamp() - world.clock.now_s())
    raw = RawRequest(
        "GET",
        "/test.txt",
        "",
        [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", hashlib.sha256(b"").hexdigest()),
            ("x-amz-date", "20130524T000000Z"),
            (
                "authorization",
                f"AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,"
                "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature="
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
        ],
        b"",
    )
    assert world.caller(raw, "s3").is_root
