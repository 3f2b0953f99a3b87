"""Links that sign in once: for whoever can read the server's terminal or its folder."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from vpcflow.base.clock import Clock
from vpcflow.base.errors import FlowLogError
from vpcflow.console.answers import answer_page, answer_redirect, header_of

if TYPE_CHECKING:
    from vpcflow.api.rest.sign_in import SignIn

_LOG = structlog.get_logger(__name__)

PATH = "/sign-in/"
LASTS_S = 3_600.0
#: Links that are good at the same time; the oldest goes first.
LINKS_MAX = 16
_BYTES = 32
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class SignInLinks:
    """Makes links and takes each once.

    Shape: only hashes are kept, in memory. Safe for any number of threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._good_until: dict[bytes, float] = {}

    def make(self) -> str:
        """The path of a new link, good for LASTS_S."""
        token = secrets.token_urlsafe(_BYTES)
        with self._lock:
            while len(self._good_until) >= LINKS_MAX:
                del self._good_until[next(iter(self._good_until))]
            self._good_until[_hash_of(token)] = self._clock.monotonic_s() + LASTS_S
        return PATH + token

    def take(self, token: str) -> bool:
        """Whether the token is good; from now on it is not."""
        with self._lock:
            good_until_s = self._good_until.pop(_hash_of(token), 0.0)
        return self._clock.monotonic_s() < good_until_s


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def is_loopback(address: str) -> bool:
    """Whether an address can be reached from this host alone."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return address == "localhost"


class SignInPage:
    """Answers GET /sign-in/<token>: a cookie, and on to the overview."""

    def __init__(self, links: SignInLinks, sign_in: SignIn, root_key_id: Callable[[], str]) -> None:
        self._links = links
        self._sign_in = sign_in
        self._root_key_id = root_key_id

    async def __call__(self, scope: dict[str, Any], send: Any) -> None:
        """One request."""
        from starlette.concurrency import run_in_threadpool
        from starlette.requests import Request

        if not _comes_from_this_host(scope):
            await _say_how(scope, send, 403, "Sign-in links work on the server's own host alone.")
            return
        if not _is_navigation(scope):
            # A browser that only looks ahead must not use it up.
            await _say_how(scope, send, 409, "Open the link in a tab of its own.")
            return
        if not self._links.take(scope["path"].removeprefix(PATH)):
            await _say_how(
                scope, send, 410, "This link was used already, or is more than an hour old."
            )
            return
        try:
            token = await run_in_threadpool(self._sign_in.as_key, self._root_key_id())
        except FlowLogError as error:
            _LOG.error("a sign-in link cannot be taken", error=str(error))
            await _say_how(
                scope, send, 503, f"Nobody can sign in now: {error.what}. The log says where."
            )
            return
        if token is None:
            await _say_how(scope, send, 403, "The root key of this account is not active.")
            return
        cookie = self._sign_in.cookie(Request(scope), token)
        await answer_redirect(scope, send, "/", [(b"set-cookie", cookie.encode())])


def _comes_from_this_host(scope: dict[str, Any]) -> bool:
    client, server = scope.get("client"), scope.get("server")
    if not client or not server or any(header_of(scope, name) for name in _FORWARDED):
        return False
    return is_loopback(client[0]) and is_loopback(server[0])


def _is_navigation(scope: dict[str, Any]) -> bool:
    is_ahead = header_of(scope, "sec-purpose") or header_of(scope, "purpose")
    mode = header_of(scope, "sec-fetch-mode")
    return scope["method"] == "GET" and not is_ahead and mode in ("", "navigate")


async def _say_how(scope: dict[str, Any], send: Any, status: int, why: str) -> None:
    await answer_page(
        scope,
        send,
        status,
        "This sign-in link does not work",
        why,
        "A new one, on the server's host and as the user that runs it:",
        note="vpcflow console",
    )
