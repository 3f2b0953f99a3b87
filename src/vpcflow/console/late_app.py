"""An application that takes long to load, made beside the server that it belongs to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import structlog

from vpcflow.base.native_thread_name import name_native_thread

_LOG = structlog.get_logger(__name__)


class LateApp:
    """Stands for an ASGI application that ``load`` makes in a thread, ``after_s`` or when wanted.

    Shape: requests wait until it is there; pages that need nothing of it are served meanwhile.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        *,
        after_s: float,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        self._load = load
        self._after_s = after_s
        self._on_thread = on_thread
        self._wanted = threading.Event()
        self._is_ending = False
        self._made: Future[Any] = Future()
        self._thread = threading.Thread(target=self._run, name="vpcflow-console-load", daemon=True)

    @property
    def failed(self) -> BaseException | None:
        """Why it could not be made."""
        return self._made.exception() if self._made.done() else None

    def start(self) -> None:
        """Begin to wait until it is time to load."""
        self._thread.start()

    def hurry(self) -> None:
        """Somebody will ask soon."""
        self._wanted.set()

    def stop(self) -> None:
        """Load nothing any more, whether started or not."""
        self._is_ending = True
        self._wanted.set()
        if self._thread.ident is not None:
            self._thread.join()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        self.hurry()
        # Others wait for it too: who goes away must not call it off.
        app = await asyncio.shield(asyncio.wrap_future(self._made))
        await app(scope, receive, send)

    def _run(self) -> None:
        self._made.set_running_or_notify_cancel()
        try:
            name_native_thread(self._thread.name)
            self._on_thread()
            self._wanted.wait(self._after_s)
            if self._is_ending:
                self._made.set_exception(RuntimeError("the server has ended"))
                return
            self._made.set_result(self._load())
        except BaseException as error:  # noqa: BLE001 - whoever asks for a page is told
            _LOG.exception("the console's API cannot be loaded")
            self._made.set_exception(error)
