"""The console's ASGI application: front end, manual, sign-in links and the API behind one guard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import structlog

from vpcflow.console import answers
from vpcflow.console.answers import Message, header_of
from vpcflow.console.guard import Guard, Receive, Refusal, Send, Uploads, with_security_headers
from vpcflow.console.manual import Manual
from vpcflow.console.settings import ConsoleSettings
from vpcflow.console.sign_in_links import PATH as SIGN_IN_PATH
from vpcflow.console.static_files import ASSETS, StaticFiles

_LOG = structlog.get_logger(__name__)

#: Where a build puts the front end.
STATIC = Path(__file__).parent / "static"
API = "/api/v1"
_MANUAL = "/manual"
#: An API answer that says nothing of it stays in the browser that asked, and is asked for again.
_API_CACHE = (b"cache-control", b"private, no-cache")


class _App(Protocol):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


class _Links(Protocol):
    async def __call__(self, scope: Message, send: Any) -> None: ...


class ConsoleApp:
    """Answers everything that comes to the console's port.

    Shape: ``rest`` is the application below /api/v1, ``links`` answers below /sign-in/ and is None
    where links are not for use. ``is_known`` says, in a thread, whether a request is of somebody who
    has signed in.
    """

    def __init__(
        self,
        settings: ConsoleSettings,
        rest: _App,
        links: _Links | None,
        *,
        static: Path = STATIC,
        manual: Manual | None = None,
        is_known: Callable[[Message], bool] = lambda _: False,
    ) -> None:
        self._rest = rest
        self._links = links
        self._guard = Guard(settings)
        self._static = StaticFiles(static)
        self._manual = manual or Manual()
        self._uploads = Uploads(settings, is_known)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        followed = _Followed(with_security_headers(send))
        try:
            await self._answer(scope, receive, followed)
        except Exception:
            if followed.has_ended:
                # Starlette tells of an error once more after it has answered it.
                return
            _LOG.exception("a request of the console failed", path=scope["path"])
            if followed.has_begun:
                raise
            message = "Something went wrong here; the server's log says what."
            await answers.answer_fault(scope, followed, 500, "InternalFailure", message)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        refusal = self._guard.refusal(scope)
        if refusal is None and scope["method"] not in ("GET", "HEAD"):
            receive = await self._uploads.read(receive, scope)
            if receive is None:
                return
            if isinstance(receive, Refusal):
                refusal = receive
        if refusal is not None:
            await answers.answer_fault(scope, send, *refusal)
            return
        path = scope["path"]
        if path == API or path.startswith(API + "/"):
            await self._rest({**scope, "root_path": API}, receive, _with_api_cache(send))
        elif scope["method"] not in ("GET", "HEAD"):
            await _refuse(scope, send, 405, "MethodNotAllowed", "Only GET and HEAD work here.")
        elif path.startswith(SIGN_IN_PATH) and self._links is not None:
            await self._links(scope, send)
        elif path == _MANUAL or path.startswith(_MANUAL + "/"):
            await self._manual(scope, send)
        else:
            await self._answer_static(scope, send)

    async def _answer_static(self, scope: Message, send: Send) -> None:
        path = "/index.html" if scope["path"] == "/" else scope["path"]
        found = await asyncio.to_thread(self._static.find, path)
        is_page = "text/html" in header_of(scope, "accept") or scope["path"] == "/"
        if found is None and is_page and not path.startswith((ASSETS, "/api")):
            found = await asyncio.to_thread(self._static.find, "/index.html")
            if found is None:
                await _say_not_built(scope, send)
                return
        if found is None:
            await _refuse(scope, send, 404, "NotFound", "There is nothing at this path.")
            return
        await answers.answer_file(scope, send, found)


class _Followed:
    """A ``send`` that knows how far the answer is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False
        self.has_ended = False

    async def __call__(self, message: Message) -> None:
        self.has_begun = True
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.has_ended = True
        await self._send(message)


def _with_api_cache(send: Send) -> Send:
    async def cached(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                message = {**message, "headers": [*headers, _API_CACHE]}
        await send(message)

    return cached


async def _refuse(scope: Message, send: Send, status: int, code: str, message: str) -> None:
    await answers.answer_fault(scope, send, status, code, message)


async def _say_not_built(scope: Message, send: Send) -> None:
    await answers.answer_page(
        scope,
        send,
        503,
        "The console is not built yet",
        "The server runs, and its API answers, but the pages are missing. Build them in the "
        "source's folder, then load this page again:",
        note="make",
    )
