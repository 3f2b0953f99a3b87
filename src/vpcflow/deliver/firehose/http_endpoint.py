"""Requests to an HTTP endpoint as receivers of Firehose expect them, and what answers mean.

Source: the request and response specifications of HTTP endpoint delivery.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from vpcflow.deliver.firehose.stream_plan import HttpTarget

PROTOCOL_VERSION = "1.0"
RECORDS_MAX = 10_000
#: Before compression.
BODY_BYTES_MAX = 64 << 20
ANSWER_BYTES_MAX = 1 << 20
MESSAGE_LENGTH_MAX = 8192
_GZIP_LEVEL = 6


class Outcome(Enum):
    """What became of a request: taken, to be tried again, or refused for good."""

    TAKEN = "taken"
    RETRY = "retry"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, with the code and the words that an error record carries."""

    outcome: Outcome
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, the same in each attempt."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


#: Sends a request, or raises OSError or http.client.HTTPException.
Sender = Callable[[HttpRequest, float], HttpAnswer]


def make_request(
    target: HttpTarget,
    stream_arn: str,
    request_id: str,
    timestamp_ms: int,
    records: Sequence[bytes | memoryview],
) -> HttpRequest:
    """The request for some records."""
    encoded = [base64.b64encode(record).decode("ascii") for record in records]
    middle = '"},{"data":"'.join(encoded)
    listed = f'{{"data":"{middle}"}}' if encoded else ""
    body = (
        f'{{"requestId":"{request_id}","timestamp":{timestamp_ms},"records":[{listed}]}}'
    ).encode("ascii")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        "X-Amz-Firehose-Protocol-Version": PROTOCOL_VERSION,
        "X-Amz-Firehose-Request-Id": request_id,
        "X-Amz-Firehose-Source-Arn": stream_arn,
    }
    if target.access_key:
        headers["X-Amz-Firehose-Access-Key"] = target.access_key
    if target.common_attributes:
        headers["X-Amz-Firehose-Common-Attributes"] = json.dumps(
            {"commonAttributes": dict(target.common_attributes)}, separators=(",", ":")
        )
    if target.gzip:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return HttpRequest(target.url, headers, body, request_id)


def send(request: HttpRequest, timeout_s: float) -> HttpAnswer:
    """Send a request over a connection of its own; redirects are not followed."""
    parts = urlsplit(request.url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    try:
        connection.request("POST", path, request.body, dict(request.headers))
        answer = connection.getresponse()
        body = answer.read(ANSWER_BYTES_MAX + 1)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return HttpAnswer(answer.status, headers, body)
    finally:
        connection.close()


def judge(answer: HttpAnswer, request_id: str) -> Verdict:
    """What an answer means."""
    if answer.status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Verdict(Outcome.DROPPED, "HttpEndpoint.RequestTooLarge", _said(answer))
    if answer.status != http.HTTPStatus.OK:
        message = _said(answer) or f"The endpoint answered with status {answer.status}."
        return Verdict(Outcome.RETRY, "HttpEndpoint.InvalidResponseFromDestination", message)
    wrong = _malformed(answer, request_id)
    if wrong is not None:
        return Verdict(Outcome.RETRY, "HttpEndpoint.InvalidResponseFromDestination", wrong)
    return Verdict(Outcome.TAKEN)


def unreachable(error: Exception) -> Verdict:
    """What a request that got no answer means."""
    if isinstance(error, TimeoutError):
        code = "HttpEndpoint.RequestTimeout"
    elif isinstance(error, ssl.SSLError):
        code = "HttpEndpoint.SSLHandshakeFailure"
    else:
        code = "HttpEndpoint.DestinationException"
    return Verdict(Outcome.RETRY, code, str(error)[:MESSAGE_LENGTH_MAX])


def _malformed(answer: HttpAnswer, request_id: str) -> str | None:
    if len(answer.body) > ANSWER_BYTES_MAX:
        return "The answer is larger than 1 MiB."
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        return "The answer's Content-Type is not application/json."
    if "content-length" not in answer.headers:
        return "The answer has no Content-Length."
    if answer.headers.get("content-encoding", "identity") != "identity":
        return "The answer has a Content-Encoding."
    found = _document(answer)
    if found is None:
        return "The answer is no JSON object."
    if found.get("requestId") != request_id:
        return "The answer's requestId is not that of the request."
    stamp = found.get("timestamp")
    if not isinstance(stamp, int) or isinstance(stamp, bool):
        return "The answer's timestamp is no whole number."
    return None


def _document(answer: HttpAnswer) -> dict[str, object] | None:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _said(answer: HttpAnswer) -> str:
    found = _document(answer) or {}
    return str(found.get("errorMessage") or "")[:MESSAGE_LENGTH_MAX]
