"""What every request passes first: the name it came to, the page it came from, how large it is."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from vpcflow.console.answers import Message, header_of
from vpcflow.console.settings import ConsoleSettings

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_PAGES = frozenset({"same-origin", "none", ""})

#: The body of a request from somebody who is not signed in: a key and a session token.
STRANGERS_BODY_BYTES_MAX = 64 << 10
#: Bodies that are being read, together; small ones are taken beyond it.
UPLOADS_BYTES_MAX = 64 << 20

#: Browsers load, run and connect to nothing but this origin, and nobody may frame it.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SECURITY_HEADERS: dict[bytes, bytes] = {
    b"content-security-policy": CONTENT_SECURITY_POLICY.encode(),
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: int
    code: str
    message: str


def with_security_headers(send: Send) -> Send:
    """A ``send`` that adds SECURITY_HEADERS to every answer; an answer's own ones stay out."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                if name.lower() not in SECURITY_HEADERS
            ]
            message = {**message, "headers": [*kept, *SECURITY_HEADERS.items()]}
        await send(message)

    return guarded


class Guard:
    """Refuses requests to names that are not ours and those that other sites' pages make.

    A page of another site can point its own name at this address (DNS rebinding): then the Host
    header still has that name. Pages of other ports of this host are other origins too, such as what
    buckets of the AWS endpoint hold, although cookies make no difference between ports.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._names = {name.lower().rstrip(".") for name in settings.hosts}
        self._trust_proxy = settings.trust_proxy

    def refusal(self, scope: Message) -> Refusal | None:
        """Why not; None for a request that may go on."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        name = name_of(hosts[0].decode("latin-1")) if len(hosts) == 1 else ""
        if not self._is_ours(name, scope):
            return Refusal(
                421,
                "UnknownHost",
                "This console does not answer to that name. Open it as localhost, or add the name "
                "to the setting console.hosts.",
            )
        is_api = scope["path"].startswith("/api/")
        site = header_of(scope, "sec-fetch-site").lower()
        if (is_api or scope["method"] not in _SAFE_METHODS) and site not in _OWN_PAGES:
            return Refusal(403, "ForeignPage", "Pages of other sites may not ask the console.")
        return self._origin_refusal(scope, hosts[0].decode("latin-1"))

    def _origin_refusal(self, scope: Message, host: str) -> Refusal | None:
        origin = header_of(scope, "origin").lower()
        if scope["method"] in _SAFE_METHODS or not origin:
            return None
        if origin == f"{self._scheme(scope)}://{host}".lower():
            return None
        return Refusal(
            403,
            "ForeignPage",
            "The request comes from a page of another origin. If TLS ends at a proxy in front of "
            "the console, set console.trust_proxy.",
        )

    def _scheme(self, scope: Message) -> str:
        if self._trust_proxy:
            said = header_of(scope, "x-forwarded-proto").rpartition(",")[2].strip().lower()
            return said if said in ("http", "https") else scope["scheme"]
        return str(scope["scheme"])

    def _is_ours(self, name: str, scope: Message) -> bool:
        if name in _LOOPBACK_NAMES or name in self._names:
            return True
        # Whoever came to this very address needed no name, so nobody could have rebound one.
        server = scope.get("server")
        return bool(name and server and _same_address(name, server[0]))


def _same_address(name: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(address)
    except ValueError:
        return False


def name_of(host: str) -> str:
    """The name in a Host header, without its port; empty when it is none."""
    host = host.strip().lower()
    if host.startswith("["):
        name, closed, rest = host[1:].partition("]")
        return name if closed and (not rest or _is_port(rest)) else ""
    name, colon, port = host.partition(":")
    if colon and not _is_port(colon + port):
        return ""
    return name.removesuffix(".")


def _is_port(text: str) -> bool:
    return text.startswith(":") and len(text) <= 6 and text[1:].isascii() and text[1:].isdigit()


class Uploads:
    """The bodies that are being read: how much of them is in memory at once.

    Shape: for the event loop's thread. Who is not signed in may send what signing in takes, so that
    strangers cannot use up the room of all.
    """

    def __init__(self, settings: ConsoleSettings, is_known: Callable[[Message], bool]) -> None:
        self._settings = settings
        self._is_known = is_known
        self._held_bytes = 0

    async def read(self, receive: Receive, scope: Message) -> Any:
        """The whole body as a ``receive`` that says it again, or why it was not taken.

        Shape: a Receive, a Refusal, or None when the client has gone.
        """
        said = header_of(scope, "content-length")
        if said.isdecimal() and int(said) > self._settings.body_bytes_max:
            return _TOO_LARGE
        body = bytearray()
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                return await self._read(receive, scope, body)
        except TimeoutError:
            return Refusal(408, "BodyTooLate", "The request's body did not come in time.")
        finally:
            self._held_bytes -= len(body)

    async def _read(self, receive: Receive, scope: Message, body: bytearray) -> Any:
        bytes_max = min(STRANGERS_BODY_BYTES_MAX, self._settings.body_bytes_max)
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            piece = message.get("body", b"")
            body += piece
            self._held_bytes += len(piece)
            more = message.get("more_body", False)
            if len(body) > bytes_max < self._settings.body_bytes_max:
                if not await asyncio.to_thread(self._is_known, scope):
                    return _NOT_KNOWN
                bytes_max = self._settings.body_bytes_max
            if len(body) > bytes_max:
                return _TOO_LARGE
            if len(body) > STRANGERS_BODY_BYTES_MAX and self._held_bytes > UPLOADS_BYTES_MAX:
                return _TOO_MANY
        return _again(bytes(body), receive)


_TOO_LARGE = Refusal(413, "BodyTooLarge", "The request is larger than console.body_bytes_max.")
_NOT_KNOWN = Refusal(401, "NotSignedIn", "Sign in first.")
_TOO_MANY = Refusal(429, "TooManyBodies", "Other large requests are being read; try again.")


def _again(body: bytes, receive: Receive) -> Receive:
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
