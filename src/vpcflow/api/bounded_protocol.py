"""uvicorn's HTTP with bounds on a request's head, and on connections that ask for nothing."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a request's line and headers.
HEAD_BYTES_MAX = 64 << 10
#: How long a client may take nothing of an answer that waits for it.
STALLED_S_MAX = 60.0


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    head_timeout_s: ClassVar[float]
    connections_max: ClassVar[int]
    stalled_s_max: ClassVar[float] = STALLED_S_MAX

    _timer: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _in_body = False
    _in_head = False
    idle_since_s = 0.0

    def data_received(self, data: bytes) -> None:
        if not self._in_body:
            if self._timer is None:
                self._head_bytes = 0
                self._timer = self.loop.call_later(self.head_timeout_s, self._too_late)
            self._head_bytes += len(data)
            self._in_head = True
            # A body may come with the head; only a head that does not end is cut.
        super().data_received(data)
        if not self._in_body and self._head_bytes > HEAD_BYTES_MAX:
            self.transport.close()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.idle_since_s = self.loop.time()
        self._timer = self.loop.call_later(self.head_timeout_s, self._too_late)
        if len(self.connections) > self.connections_max:
            self._make_room()

    def pause_writing(self) -> None:
        super().pause_writing()
        # To close would wait for the client to take what is left.
        self._stalled = self.loop.call_later(self.stalled_s_max, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stalled()
        super().resume_writing()

    def _stop_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_stalled()
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._in_body, self._in_head = True, False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self.idle_since_s = self.loop.time()
        super().on_response_complete()

    def is_idle(self) -> bool:
        """Whether nothing of a request is here."""
        in_request = self._in_head or self._in_body or self.transport.is_closing()
        return not in_request and (self.cycle is None or self.cycle.response_complete)

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, BoundedProtocol)]
        idle = [one for one in others if one is not self and one.is_idle()]
        # Where nobody is idle, whoever is longest at the head of a request has sent nothing whole.
        late = [one for one in others if one is not self and one._in_head and not one._in_body]
        gone = idle or [one for one in late if not one.transport.is_closing()]
        if gone:
            min(gone, key=lambda one: one.idle_since_s).transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_late(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()


def bounded_protocol(head_timeout_s: float, connections_max: int) -> type[BoundedProtocol]:
    """The protocol with these bounds.

    Shape: when ``connections_max`` are open, the one that has been idle longest makes room for the
    next, so that connections that ask for nothing lock nobody out.
    """
    bounds = {"head_timeout_s": head_timeout_s, "connections_max": connections_max}
    return type("BoundedProtocol", (BoundedProtocol,), bounds)
