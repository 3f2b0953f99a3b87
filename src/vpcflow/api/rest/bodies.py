"""Large answers on their way: how much of them is in memory at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from vpcflow.base.errors import ServiceError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

#: Smaller answers are not counted: as many as there may be connections fit.
LARGE_BYTES = 2**20
#: Bytes that are sent at a time; the server waits for a slow client between two of them.
PIECE_BYTES = 2**18
#: What a client who is refused is told to wait.
RETRY_AFTER_S = 2


class TooManyBodiesError(ServiceError):
    """Other clients are still taking their answers."""

    def __init__(self) -> None:
        super().__init__(
            "TooManyAnswers",
            "Other large answers are still on their way; ask again in a moment.",
            status=429,
            fields={"retry-after": str(RETRY_AFTER_S)},
        )


class Bodies:
    """Counts the bytes of large answers from before they are made until they are sent.

    Shape: one answer alone is always let through. Safe for any number of threads.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self.held_bytes = 0

    def take(self, size: int) -> Held:
        """Room for an answer of about this size.

        Errors: TooManyBodiesError when there is none.
        """
        if size < LARGE_BYTES:
            return Held(self, 0)
        with self._lock:
            if self.held_bytes and self.held_bytes + size > self._bytes_max:
                raise TooManyBodiesError
            self.held_bytes += size
        return Held(self, size)

    def give_back(self, size: int) -> None:
        """The answer was sent, or nobody takes it any more."""
        with self._lock:
            self.held_bytes -= size


class Held:
    """Room that one answer has, until ``end``."""

    def __init__(self, bodies: Bodies, size: int) -> None:
        self._bodies = bodies
        self._size = size

    def end(self) -> None:
        """Give the room back, once."""
        size, self._size = self._size, 0
        self._bodies.give_back(size)


class HeldResponse(Response):
    """A body in one piece, with its room."""

    def __init__(
        self, body: bytes, held: Held, *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(body, media_type=media_type, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            start = {"status": self.status_code, "headers": self.raw_headers}
            await send({"type": "http.response.start", **start})
            for at in range(0, len(self.body), PIECE_BYTES):
                piece = bytes(self.body[at : at + PIECE_BYTES])
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._held.end()


class HeldStream(StreamingResponse):
    """A body in pieces, with its room."""

    def __init__(
        self, pieces: Iterator[bytes], held: Held, *, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(pieces, media_type=media_type, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._held.end()
