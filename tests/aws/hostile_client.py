"""Bytes over a socket, as no AWS client would send them, and what came back."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aws_endpoint import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

#: The longest that an answer may take; a bound, not a wait.
ANSWER_S_MAX = 20.0
#: What a client must never see.
_INTERNALS = re.compile(
    rb"Traceback|File \"|vpcflow\.|sqlalchemy|botocore|uvicorn|/src/|<html", re.I
)


@dataclass(frozen=True)
class Answer:
    """One answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    def is_clean(self, *statuses: int) -> bool:
        """A refusal, with a date and a request id, that tells nothing of how the server is built."""
        ids = {"x-amzn-requestid", "x-amz-request-id"} & self.headers.keys()
        wanted = statuses or range(400, 500)
        return (
            self.status in wanted
            and "date" in self.headers
            and bool(ids)
            and not _INTERNALS.search(self.body)
        )


class HostileClient:
    """Sends what it is told to one server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0

    def connect(self) -> socket.socket:
        """A connection."""
        return socket.create_connection((self.host, self.port), ANSWER_S_MAX)

    def send(self, *parts: bytes) -> Answer | None:
        """The first answer to some bytes, or None when the server hangs up without one."""
        with self.connect() as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except OSError:
                pass
            return read_answer(connection)

    def request(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> Answer | None:
        """The answer to a request that is well-formed HTTP."""
        return self.send(request_bytes(method, path, [*headers], body))

    def signed(
        self, service: str, path: str, headers: dict[str, str], body: bytes, method: str = "POST"
    ) -> Answer | None:
        """The answer to a request whose signature is right, whatever is in it."""
        url = f"http://{self.host}:{self.port}{path}"
        asked = AWSRequest(method, url, {**headers, "Host": f"{self.host}:{self.port}"}, body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY), service, REGION).add_auth(asked)
        return self.request(method, path, list(asked.headers.items()), body)


def request_bytes(
    method: str, path: str, headers: list[tuple[str, str]], body: bytes = b""
) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1"]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        lines.append("Host: localhost")
    lines += [f"{name}: {value}" for name, value in headers]
    if "content-length" not in names and "transfer-encoding" not in names:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def read_answer(connection: socket.socket, method: str = "POST") -> Answer | None:
    """One answer, 100 Continue passed over; None when there is none."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            part = _receive(connection)
            if not part:
                return None
            data += part
        head, _, data = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        if status != 100:
            break
    pairs = [line.partition(":") for line in lines[1:]]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
    while len(data) < length and (part := _receive(connection)):
        data += part
    return Answer(status, headers, data[:length])


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1 << 16)
    except ConnectionError:
        return b""


def memory_bytes(pid: int, name: str) -> int:
    """``VmRSS`` or ``VmHWM`` of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split(f"{name}:")[1].split()[0]) << 10
