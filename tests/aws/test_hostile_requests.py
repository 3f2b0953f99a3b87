"""Aim: whatever a client sends, the answer is a clean refusal in its protocol, memory stays bounded
and the next honest client is served. Method: bytes over real sockets, and a process whose bounds are
small; every test ends with an honest request."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from aws_endpoint import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, AwsServer
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hostile_client import Answer, HostileClient, memory_bytes, read_answer, request_bytes

TIMEOUT_S = 1.0
CONNECTIONS_MAX = 40
BODIES_BYTES_MAX = 64 << 20
JSON = {"Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CBOR = {"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}
SCOPE = f"20261127/{REGION}/ec2/aws4_request"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """A server with small bounds."""
    bounds = {
        "VPCFLOW_API__HEAD_TIMEOUT_S": str(TIMEOUT_S),
        "VPCFLOW_API__BODY_TIMEOUT_S": str(TIMEOUT_S),
        "VPCFLOW_API__CONNECTIONS_MAX": str(CONNECTIONS_MAX),
        "VPCFLOW_API__BODIES_BYTES_MAX": str(BODIES_BYTES_MAX),
    }
    folder = tmp_path_factory.mktemp("small")
    with AwsServer(folder, "--no-capture", environment=bounds) as running:
        yield running


@pytest.fixture
def client(small: AwsServer) -> Iterator[HostileClient]:
    """Hostile until the test is done; then an honest one must be served."""
    yield HostileClient(small.url)
    assert small.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert not [line for line in small.lines if "Traceback" in line or "request failed" in line]


def clean(answer: Answer | None, *statuses: int) -> Answer:
    """An answer that is as it should be."""
    assert answer is not None
    assert answer.is_clean(*statuses), answer
    return answer


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        bytes.fromhex("1603010200010001fc0303") + b"a" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(client: HostileClient, data: bytes) -> None:
    answer = client.send(data)
    assert answer is not None
    assert answer.status == 400
    assert "date" in answer.headers
    assert answer.body == b"Invalid HTTP request received."


@pytest.mark.parametrize(
    ("service", "path", "headers", "body", "code"),
    [
        ("logs", "/", JSON | {"X-Amz-Target": "Logs_20140328.Nope"}, b"{}", "UnknownOperation"),
        ("logs", "/", JSON, b"{}", "UnknownOperation"),
        ("firehose", "/", JSON | {"X-Amz-Target": "a.b"}, b"{}", "UnknownOperation"),
        ("ec2", "/", FORM, b"Action=Nope&Version=2016-11-15", "InvalidAction"),
        ("ec2", "/", FORM, b"", "MissingAction"),
        ("iam", "/", FORM, b"Action=Nope&Version=2010-05-08", "InvalidAction"),
        ("sts", "/", FORM, b"Action=%FF", "MalformedQueryString"),
        (
            "monitoring",
            "/service/GraniteServiceVersion20100801/operation/Nope",
            CBOR,
            b"\xa0",
            "Unkn",
        ),
        ("sqs", "/", JSON | {"X-Amz-Target": "AmazonSQS.ListQueues"}, b"{}", ""),
        ("lambda", "/2015-03-31/functions", {}, b"", ""),
    ],
)
def test_what_nobody_offers_is_refused_in_the_callers_protocol(
    client: HostileClient, service: str, path: str, headers: dict[str, str], body: bytes, code: str
) -> None:
    answer = clean(client.signed(service, path, headers, body))
    assert code.encode() in answer.body
    kind = headers.get("Content-Type", "text/xml").partition(";")[0]
    answered = answer.headers["content-type"]
    assert ("xml" in answered) if kind in ("text/xml", FORM["Content-Type"]) else kind in answered


BROKEN = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"limit":1e400}',
    b'{"limit":NaN}',
    b'{"logGroupNamePrefix":"\\ud800"}',
    b'{"logGroupNamePrefix":"\\u0000"}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"\x9f" * 100_000,
    b"\xbf" * 10_000,
    b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xa1\x61a\xc2\x42\xff\xff",
    b"<a>" * 30_000,
    b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>',
    b"Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=%ff",
    b"Action=DescribeVpcs&Version=2016-11-15&Filter.99999999999.Name=a",
    b"Action=DescribeVpcs&Version=2016-11-15&VpcId.1=a&VpcId.1.b=c",
    b"Action=DescribeVpcs&Version=2016-11-15&" + b"&".join(b"A%d=" % i for i in range(60_000)),
    b"&" * 100_000,
]


@pytest.mark.parametrize("number", range(len(BROKEN)))
def test_broken_bodies_never_break_the_server(client: HostileClient, number: int) -> None:
    body = BROKEN[number]
    logs = JSON | {"X-Amz-Target": "Logs_20140328.PutRetentionPolicy"}
    clean(client.signed("logs", "/", logs, body))
    for service in ("iam", "ec2", "monitoring", "sts"):
        answer = client.signed(service, "/", FORM, body)
        assert answer is not None
        assert answer.status == 200 or answer.is_clean(), answer
    cbor = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    clean(client.signed("monitoring", cbor, CBOR, body))
    headers = {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    for path in ("/nobucket?delete", "/nobucket?tagging", "/nobucket/key?uploadId=x"):
        clean(client.signed("s3", path, headers, body))


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "application/json; charset=\xff", "a" * 999]
)
def test_wrong_content_types_are_no_faults(client: HostileClient, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    for service in ("ec2", "logs", "iam", "monitoring"):
        answer = client.request(
            "POST", "/", [*headers.items(), ("Authorization", f"AWS4-HMAC-SHA256 {service}")], b"x"
        )
        clean(answer)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "\xff\xfe",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=",
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/{SCOPE}, SignedHeaders=host, Signature=zz",
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/{SCOPE}, SignedHeaders=, Signature="
        + "0" * 64,
        f"AWS4-HMAC-SHA256 Credential=NOBODY/{SCOPE}, SignedHeaders=host;x-amz-date, Signature="
        + "0" * 64,
        f"AWS4-HMAC-SHA256 Credential={'/' * 5000}, SignedHeaders=host, Signature=0",
        f"AWS4-HMAC-SHA256 Credential=A/20261127/{'x' * 5000}/ec2/aws4_request, Signature=0",
        "AWS4-ECDSA-P256-SHA256 Credential=a",
        "AWS AKIA:abc",
        "Bearer x",
        "Basic " + "A" * 20_000,
    ],
)
def test_bad_signatures_are_refused(client: HostileClient, authorization: str) -> None:
    body = b"Action=DescribeVpcs&Version=2016-11-15"
    headers = [*FORM.items(), ("X-Amz-Date", "20261127T000000Z"), ("Authorization", authorization)]
    clean(client.request("POST", "/", headers, body), 400, 401, 403)
    clean(client.request("GET", "/bucket/key", headers[1:]), 400, 401, 403)


def test_an_expired_link_and_a_broken_one_are_refused(client: HostileClient) -> None:
    key = Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    asked = AWSRequest("GET", f"http://localhost:{client.port}/bucket/key")
    S3SigV4QueryAuth(key, "s3", REGION, expires=1).add_auth(asked)
    path = asked.url.partition(str(client.port))[2]
    date = re.search(r"X-Amz-Date=(\d{8})", path)
    assert date is not None
    old = path.replace(f"X-Amz-Date={date[1]}", "X-Amz-Date=20200101")
    for one in (
        old,
        path.replace("X-Amz-Expires=1", "X-Amz-Expires=-1"),
        path.replace("X-Amz-Expires=1", "X-Amz-Expires=99999999999999999999"),
        path.replace("X-Amz-Expires=1", "X-Amz-Expires=%FF"),
        path.replace("X-Amz-Signature=", "X-Amz-Signature=%00"),
        path.partition("&X-Amz-Signature")[0],
    ):
        host = [("Host", f"localhost:{client.port}")]
        clean(client.request("GET", one, host), 400, 403)


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "DELETE"]
)
@pytest.mark.parametrize(
    "path", ["/", "*", "/%00", "/%ff%fe", "/..%2f..%2fetc", "//", "/?a=%", "/_vpcflow/x"]
)
def test_odd_methods_and_paths_are_refused(client: HostileClient, method: str, path: str) -> None:
    if path == "*" and method != "OPTIONS":
        return
    clean(client.request(method, path, []))


def test_head_answers_without_a_body(client: HostileClient) -> None:
    with client.connect() as connection:
        for _ in range(2):
            connection.sendall(request_bytes("HEAD", "/bucket/key", []))
            answer = read_answer(connection, "HEAD")
            assert answer is not None
            assert answer.is_clean(403)


def test_a_connection_goes_on_after_a_refusal_and_keeps_its_order(client: HostileClient) -> None:
    health = request_bytes("GET", "/_vpcflow/health", [])
    with client.connect() as connection:
        connection.sendall(request_bytes("GET", "/bucket", []))
        clean(read_answer(connection), 403)
        connection.sendall(health)
        answer = read_answer(connection)
        assert answer is not None
        assert answer.status == 200


def test_bodies_above_the_limit_are_refused_before_they_come(client: HostileClient) -> None:
    for headers in (
        [("Content-Length", "9999999999")],
        [*FORM.items(), ("Content-Length", "999999999")],
    ):
        answer = clean(client.request("POST", "/", [*headers, ("Expect", "100-continue")]), 413)
        assert answer.headers["connection"] == "close"
        assert "none" not in answer.headers.get("x-amz-request-id", "")


def test_chunks_without_end_are_refused(client: HostileClient) -> None:
    head = request_bytes(
        "POST",
        "/",
        [("X-Amz-Target", "Logs_20140328.PutLogEvents"), ("Transfer-Encoding", "chunked")],
    )
    chunk = b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n"
    answer = client.send(head, *[chunk] * 20)
    assert answer is None or answer.is_clean(413)


@pytest.mark.parametrize(
    "parts",
    [
        [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"],
        [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc"],
        [b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 40000000\r\n\r\n"],
    ],
)
def test_a_body_that_stops_is_cut_in_time(client: HostileClient, parts: list[bytes]) -> None:
    begun_s = time.monotonic()
    clean(client.send(*parts), 400)
    assert time.monotonic() - begun_s < TIMEOUT_S * 5


def test_a_head_that_stops_or_never_ends_is_cut(client: HostileClient) -> None:
    begun_s = time.monotonic()
    assert client.send(b"POST / HTTP/1.1\r\nHost") is None
    assert time.monotonic() - begun_s < TIMEOUT_S * 5
    assert client.send(b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000) is None
    assert client.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000) is None


def test_idle_connections_make_room(client: HostileClient) -> None:
    """Those that said nothing, and those that asked once and stay."""
    kept: list[socket.socket] = []
    try:
        for number in range(CONNECTIONS_MAX * 2):
            kept.append(client.connect())
            if number % 2:
                kept[-1].sendall(request_bytes("GET", "/_vpcflow/health", []))
                answer = read_answer(kept[-1])
                assert answer is not None
                assert answer.status == 200
    finally:
        for connection in kept:
            connection.close()


def test_half_heads_lock_out_no_longer_than_the_head_timeout(client: HostileClient) -> None:
    kept = [client.connect() for _ in range(CONNECTIONS_MAX * 2)]
    for connection in kept:
        connection.sendall(b"GET")
    deadline_s = time.monotonic() + TIMEOUT_S * 5
    while True:
        answer = client.request("GET", "/_vpcflow/health", [])
        if answer is not None and answer.status == 200:
            break
        assert answer is None or answer.status == 503
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    for connection in kept:
        connection.close()


def test_large_bodies_leave_room_for_others_and_memory_is_bounded(
    client: HostileClient, small: AwsServer
) -> None:
    """More bodies at once than may be in memory: none is lost for good, honest ones pass by."""
    before = memory_bytes(small.pid, "VmRSS")
    body = b"x" * (40 << 20)
    head = request_bytes("PUT", "/bucket/key", [("Content-Length", str(len(body)))])
    answers: list[Answer | None] = []

    def put() -> None:
        answers.append(client.send(head, body))

    threads = [threading.Thread(target=put) for _ in range(12)]
    for thread in threads:
        thread.start()
    assert small.client("sts").get_caller_identity()["Account"]
    for thread in threads:
        thread.join()
    assert all(one is None or one.status in (400, 403, 503) for one in answers), answers
    assert memory_bytes(small.pid, "VmHWM") - before < BODIES_BYTES_MAX + (64 << 20)


def test_announced_bodies_that_never_come_hold_up_nobody(
    client: HostileClient, small: AwsServer
) -> None:
    head = request_bytes("PUT", "/bucket/key", [("Content-Length", str(40 << 20))])
    kept = [client.connect() for _ in range(10)]
    for connection in kept:
        connection.sendall(head)
    begun_s = time.monotonic()
    logs = small.client("logs")
    logs.create_log_group(logGroupName=f"g{begun_s}")
    logs.create_log_stream(logGroupName=f"g{begun_s}", logStreamName="s")
    events = [{"timestamp": int(time.time() * 1000), "message": "x" * 200_000}]
    logs.put_log_events(logGroupName=f"g{begun_s}", logStreamName="s", logEvents=events)
    assert time.monotonic() - begun_s < TIMEOUT_S
    for connection in kept:
        connection.close()
