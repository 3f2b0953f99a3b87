"""The ASGI application behind the port: bodies in, answers out, all of it bounded."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from vpcflow.api.aws.body_limits import BODY_BYTES_DEFAULT_MAX, BODY_BYTES_MAX
from vpcflow.api.aws.dispatch import Dispatcher, StreamAnswer
from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.event_stream import CONTENT_TYPE, EventFrames
from vpcflow.api.aws.protocol.s3_body import is_framed
from vpcflow.api.aws.protocol.serialise import serialise_error
from vpcflow.api.aws.protocol.wire_answer import WireAnswer
from vpcflow.api.request_workers import RequestWorkers
from vpcflow.api.settings import ApiSettings
from vpcflow.base.errors import ServiceError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Event = tuple[str, Mapping[str, Any]]
#: Live tails at the same time; more are refused.
STREAMS_MAX = 100
#: Bodies up to this many bytes do not wait for room: what they take is bounded by the connections.
SMALL_BODY_BYTES = 64 << 10
#: Bodies above this many bytes may not take the room of the others, that is a quarter of it.
LARGE_BODY_BYTES = 8 << 20


class AwsEndpoint:
    """AWS's APIs as an ASGI application."""

    def __init__(self, dispatcher: Dispatcher, settings: ApiSettings) -> None:
        self._dispatcher = dispatcher
        self._settings = settings
        self._workers = RequestWorkers(settings.workers)
        others = settings.bodies_bytes_max // 4
        self._room = _Room(others)
        self._large_room = _Room(settings.bodies_bytes_max - others)
        self._streams = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        head = RawRequest(
            scope["method"],
            (scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            b"",
            (scope.get("client") or ("",))[0],
        )
        limit = BODY_BYTES_MAX.get(self._dispatcher.target(head).service, BODY_BYTES_DEFAULT_MAX)
        limit = min(limit, self._large_room.bytes_max // _held(head, 1))
        length = _length(head, limit)
        if length > limit:
            await self._refuse(head, _too_large(limit), send)
            return
        async with AsyncExitStack() as stack:
            try:
                await self._take_room(_held(head, length), stack)
                async with asyncio.timeout(self._settings.body_timeout_s):
                    body = await _body(receive, limit, self._settings.head_timeout_s)
            except TimeoutError:
                late = ServiceError("RequestTimeout", "The body did not arrive in time.")
                await self._refuse(head, late, send)
                return
            except _BodyError as error:
                if error.refusal is not None:
                    await self._refuse(head, error.refusal, send)
                return
            raw = replace(head, body=body)
            answer = await self._workers.run(partial(self._dispatcher.answer, raw))
        if isinstance(answer, StreamAnswer):
            await self._stream(answer, receive, send)
        else:
            await _send_answer(answer, head.method == "HEAD", send)

    def close(self) -> None:
        """End the workers; what they do is done first."""
        self._workers.close()

    async def _take_room(self, held: int, stack: AsyncExitStack) -> None:
        """Wait for room for a body until the stack ends, but not for ever."""
        if held <= SMALL_BODY_BYTES:
            return
        large = held > min(LARGE_BODY_BYTES, self._room.bytes_max)
        place = (self._large_room if large else self._room).taken(held)
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                await stack.enter_async_context(place)
        except TimeoutError:
            raise _BodyError(
                ServiceError(
                    "SlowDown", "Too many large bodies at the same time; try again.", status=503
                )
            ) from None

    async def _refuse(self, head: RawRequest, error: ServiceError, send: Send) -> None:
        answer = serialise_error(self._dispatcher.target(head), error, str(uuid.uuid4()))
        answer = WireAnswer(answer.status, (*answer.headers, ("connection", "close")), answer.body)
        await _send_answer(answer, head.method == "HEAD", send)

    async def _stream(self, answer: StreamAnswer, receive: Receive, send: Send) -> None:
        async with aclosing(answer.events.events) as events:
            # What has not begun holds its session, but would not give it back when it is closed.
            first = await anext(events)
            if self._streams < STREAMS_MAX:
                await self._stream_from(first, answer, receive, send)
                return
        refusal = ServiceError("LimitExceededException", "Too many live tail sessions.")
        await _send_answer(serialise_error(answer.target, refusal, answer.request_id), False, send)

    async def _stream_from(
        self, first: Event, answer: StreamAnswer, receive: Receive, send: Send
    ) -> None:
        self._streams += 1
        gone = asyncio.ensure_future(_disconnected(receive))
        sending = asyncio.ensure_future(_send_events(first, answer, send))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams -= 1
            for task in (gone, sending):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task


class _Room:
    """Bytes of bodies that may be in memory together; who comes when it is full waits."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self._left = bytes_max
        self._freed = asyncio.Condition()

    def taken(self, size: int) -> _Place:
        """Room for a body while the block runs."""
        return _Place(self, size)

    async def take(self, size: int) -> None:
        async with self._freed:
            await self._freed.wait_for(lambda: self._left >= size)
            self._left -= size

    async def free(self, size: int) -> None:
        async with self._freed:
            self._left += size
            self._freed.notify_all()


class _Place:
    def __init__(self, room: _Room, size: int) -> None:
        self._room = room
        self._size = size

    async def __aenter__(self) -> None:
        await self._room.take(self._size)

    async def __aexit__(self, *_: object) -> None:
        await self._room.free(self._size)


class _BodyError(Exception):
    """The body did not come as it should; without a refusal the client is gone."""

    def __init__(self, refusal: ServiceError | None) -> None:
        self.refusal = refusal
        super().__init__()


def _length(head: RawRequest, limit: int) -> int:
    """The announced length; a body without one may become as long as the limit."""
    text = head.header("content-length")
    if text is None:
        return limit if head.header("transfer-encoding") is not None else 0
    return int(text) if text.isascii() and text.isdigit() else 0


def _held(head: RawRequest, length: int) -> int:
    """Bytes that a body takes: one in chunks of S3's own kind is there with and without them."""
    return length * 2 if is_framed(head) else length


async def _body(receive: Receive, limit: int, stalled_s: float) -> bytes:
    """The whole body; a client that sends nothing for ``stalled_s`` is given up."""
    parts: io.BytesIO | None = None
    total = 0
    while True:
        async with asyncio.timeout(stalled_s):
            message = await receive()
        if message["type"] == "http.disconnect":
            raise _BodyError(None)
        part: bytes = message.get("body", b"")
        total += len(part)
        if total > limit:
            raise _BodyError(_too_large(limit))
        more = message.get("more_body", False)
        if parts is None:
            if not more:
                return part
            # Its value is not copied, unlike that of a list of parts that are joined.
            parts = io.BytesIO()
        parts.write(part)
        if not more:
            return parts.getvalue()


def _too_large(limit: int) -> ServiceError:
    return ServiceError(
        "RequestEntityTooLarge", f"The body is longer than {limit} bytes.", status=413
    )


async def _send_answer(answer: WireAnswer, without_body: bool, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    has_length = any(name.lower() == b"content-length" for name, _ in headers)
    if answer.stream is None and not has_length and answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is not None and not without_body:
        await _send_parts(answer.stream, send)
    body = b"" if without_body else answer.body
    await send({"type": "http.response.body", "body": body})


async def _send_parts(parts: Iterable[bytes], send: Send) -> None:
    """A large payload, read in a thread and sent as the client takes it."""
    iterator = iter(parts)
    try:
        while part := await asyncio.to_thread(next, iterator, b""):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


async def _send_events(first: Event, answer: StreamAnswer, send: Send) -> None:
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"x-amzn-requestid", answer.request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    frames = EventFrames.of(answer.target)
    begin = frames.initial_response() + frames.event(*first)
    await send({"type": "http.response.body", "body": begin, "more_body": True})
    async for name, members in answer.events.events:
        frame = frames.event(name, members)
        await send({"type": "http.response.body", "body": frame, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
