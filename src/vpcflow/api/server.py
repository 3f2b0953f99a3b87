"""The web server: one port, in a thread of its own, bounded against slow and endless clients."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn

from vpcflow.api.aws.endpoint import AwsEndpoint, Message, Receive, Send
from vpcflow.api.bounded_protocol import bounded_protocol
from vpcflow.api.settings import DEFAULT_PORT, ApiSettings
from vpcflow.base.errors import SettingsError

#: Connections that wait to be accepted.
BACKLOG = 1_024
#: Idle connections that make room for others at the same moment.
CLOSING_MAX = 64
#: How long a connection may idle between two requests.
KEEP_ALIVE_S = 75
#: How long an ending server waits for requests that are being answered.
SHUTDOWN_S = 5
#: What ``own_pages`` answers.
OWN_PAGES = frozenset({"/_vpcflow/health", "/_vpcflow/metrics"})


def bind(settings: ApiSettings) -> socket.socket:
    """The listening socket.

    Errors: SettingsError when the address is taken or not ours.
    """
    wanted = settings.port if settings.port is not None else DEFAULT_PORT
    try:
        return _bound(settings.host, wanted)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and settings.port is None:
            return _bound(settings.host, 0)
        raise SettingsError(
            f"cannot listen at {settings.host} port {wanted}: {error.strerror}",
            where="api.port",
            hint="choose another one with --port, or 0 for any free one",
        ) from error


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


class Front:
    """The whole ASGI application: our own pages, and AWS's APIs everywhere else.

    FastAPI is loaded when the first page of ours is asked for: AWS's clients need none of it.
    """

    def __init__(self, endpoint: AwsEndpoint) -> None:
        self._endpoint = endpoint
        self._pages: Any = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        own = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] in OWN_PAGES
        if not own:
            await self._endpoint(scope, receive, send)
            return
        if self._pages is None:
            self._pages = await asyncio.to_thread(_own_pages)
        await self._pages(scope, receive, send)


def _own_pages() -> Any:
    from vpcflow.api.own_pages import own_pages

    return own_pages()


class ApiServer:
    """Serves in a thread from ``start`` to ``stop``."""

    def __init__(
        self,
        endpoint: AwsEndpoint,
        settings: ApiSettings,
        *,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_thread = on_thread
        self._socket = bind(settings)
        self._endpoint = endpoint
        config = uvicorn.Config(
            Front(endpoint),
            http=bounded_protocol(settings.head_timeout_s, settings.connections_max),
            loop="auto",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            # uvicorn counts the connection that asks as well, and those that are being closed.
            limit_concurrency=settings.connections_max + 1 + CLOSING_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="vpcflow-http", daemon=True)
        self.failed: BaseException | None = None

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL should be."""
        host, port = self._socket.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to look it up
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to serve; requests that come before wait in the socket."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being answered, then end; also when it was not started."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._endpoint.close()
        self._socket.close()

    def _run(self) -> None:
        try:
            self._on_thread()
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 - whoever runs us looks at it
            self.failed = error
