"""Web servers: one port and one thread each, bounded against slow and endless clients."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from typing import Any

import structlog
import uvicorn

from vpcflow.api.aws.endpoint import AwsEndpoint, Message, Receive, Send
from vpcflow.api.bounded_protocol import bounded_protocol
from vpcflow.api.settings import DEFAULT_PORT, ApiSettings
from vpcflow.base.errors import SettingsError
from vpcflow.base.native_thread_name import name_native_thread

_LOG = structlog.get_logger(__name__)

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


def bind(host: str, port: int | None, *, default: int, part: str) -> socket.socket:
    """The listening socket; without a ``port`` it is the default one, or a free one if that is taken.

    Errors: SettingsError, which names the settings' ``part``, when the address is taken or not ours.
    """
    wanted = port if port is not None else default
    try:
        return _bound(host, wanted)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port is None:
            return _bound(host, 0)
        option = "--port" if part == "api" else f"the setting {part}.port"
        raise SettingsError(
            f"cannot listen at {host} port {wanted}: {error.strerror}",
            where=f"{part}.port",
            hint=f"choose another one with {option}, or 0 for any free one",
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


class WebServer:
    """Serves an ASGI application on a socket, in a thread, from ``start`` to ``stop``.

    Shape: ``load`` makes the application, in the server's thread when it is about to serve, so that
    what it imports keeps nobody else waiting.
    """

    def __init__(
        self,
        listening: socket.socket,
        load: Callable[[], Any],
        *,
        name: str,
        head_timeout_s: float,
        connections_max: int,
        shutdown_s: int = SHUTDOWN_S,
        proxy_headers: bool = True,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._socket = listening
        self._load = load
        self._protocol = bounded_protocol(head_timeout_s, connections_max)
        self._connections_max = connections_max
        self._shutdown_s = shutdown_s
        self._proxy_headers = proxy_headers
        self._on_thread = on_thread
        self._stopping = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failed: BaseException | None = None

    @property
    def url(self) -> str:
        """Where it is, as a client on this host may name it."""
        host, port = self._socket.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to look it up
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to serve; requests that come before wait in the socket."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being answered, then end; also when it was not started."""
        self._stopping.set()
        if self._server is not None:
            self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        try:
            # First of all: threads that this one starts have its name, and no more privileges.
            name_native_thread(self._thread.name)
            self._on_thread()
            self._server = uvicorn.Server(self._config(self._load()))
            # Whoever stopped before this line saw no server to tell.
            self._server.should_exit = self._stopping.is_set()
            self._server.run(sockets=[self._socket])
        except BaseException as error:  # noqa: BLE001 - whoever runs us looks at it
            _LOG.exception("a server has ended", thread=self._thread.name)
            self.failed = error

    def _config(self, app: Any) -> uvicorn.Config:
        return uvicorn.Config(
            app,
            http=self._protocol,
            loop="auto",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=self._proxy_headers,
            # uvicorn counts the connection that asks as well, and those that are being closed.
            limit_concurrency=self._connections_max + 1 + CLOSING_MAX,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=self._shutdown_s,
        )


class ApiServer(WebServer):
    """Serves the endpoint for AWS's clients; ``url`` is what AWS_ENDPOINT_URL should be."""

    def __init__(
        self,
        endpoint: AwsEndpoint,
        settings: ApiSettings,
        *,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._endpoint = endpoint
        super().__init__(
            bind(settings.host, settings.port, default=DEFAULT_PORT, part="api"),
            lambda: Front(endpoint),
            name="vpcflow-http",
            head_timeout_s=settings.head_timeout_s,
            connections_max=settings.connections_max,
            on_thread=on_thread,
        )

    def stop(self) -> None:
        """Answer what is being answered, then end; also when it was not started."""
        super().stop()
        self._endpoint.close()
