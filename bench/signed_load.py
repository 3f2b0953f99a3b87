"""Loads an endpoint with requests signed beforehand: ``signed_load.py``, the plan as JSON on stdin.

A process of its own, so that neither boto3 nor the signing counts: each connection is kept alive and
sends its next request when the last one is answered.
Shape: the plan names ``url``, ``service``, ``headers``, ``bodies``, ``seconds`` and ``connections``;
said are requests, seconds and what was answered other than 200.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"


def signed(url: str, service: str, headers: dict[str, str], body: bytes, number: int) -> bytes:
    """A whole request as it goes over the wire; its number makes each signature another one."""
    request = AWSRequest("POST", url, data=body, headers=headers)
    request.headers["Host"] = urlsplit(url).netloc
    request.headers["X-Number"] = str(number)
    SigV4Auth(Credentials(KEY_ID, SECRET), service, REGION).add_auth(request)
    request.headers["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST / HTTP/1.1\r\n{head}\r\n".encode() + body


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer is whole."""

    def __init__(self, requests: list[bytes], done: dict[str, int], end_s: float) -> None:
        self._requests = requests
        self._done = done
        self._end_s = end_s
        self._at = 0
        self._got = b""
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, separator, body = self._got.partition(b"\r\n\r\n")
        if not separator:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) < int(length):
            return
        status = head[9:12].decode()
        self._done[status] = self._done.get(status, 0) + 1
        self._got = b""
        if time.perf_counter() < self._end_s:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        self._transport.write(self._requests[self._at % len(self._requests)])
        self._at += 1


async def load(plan: dict[str, Any]) -> dict[str, Any]:
    """Send until the time is over."""
    where = urlsplit(plan["url"])
    bodies = [body.encode() for body in plan["bodies"]]
    about = (plan["url"], plan["service"], plan["headers"])
    requests = [signed(*about, body, number) for number, body in enumerate(bodies)]
    done: dict[str, int] = {}
    begun = time.perf_counter()
    end_s = begun + plan["seconds"]
    count = plan["connections"]
    loop = asyncio.get_running_loop()
    made = []
    for number in range(count):
        mine = requests[number % len(requests) :] + requests[: number % len(requests)]
        made.append(
            await loop.create_connection(
                lambda mine=mine: Client(mine, done, end_s), where.hostname, where.port
            )
        )
    await asyncio.gather(*(protocol.closed for _, protocol in made))
    return {"done": done, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(load(json.load(sys.stdin)))))
