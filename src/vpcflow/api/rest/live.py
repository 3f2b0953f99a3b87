"""Records as they arrive, over server-sent events.

The id of an event is the position behind its records, so a browser that comes back with
Last-Event-ID goes on where it was, after a restart of the server too. Nobody is waited for: each
watcher reads the recent batches at its own pace, and learns how many it was too slow for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from vpcflow.api.rest.access import own, reader
from vpcflow.api.rest.asking import filter_of
from vpcflow.api.rest.live_feed import (
    BACKLOG_MAX,
    PAGE_RECORDS_MAX,
    LiveFeed,
    live_columns,
    page_json,
    parse_position,
)
from vpcflow.base.errors import FilterError, FlowLogError, QueryError, ServiceError

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

#: Watchers at the same time; more are refused.
WATCHERS_MAX = 50
#: Pages a second of one watcher.
PAGES_A_SECOND = 8
#: A sign of life when nothing comes, so that proxies and browsers keep the connection.
HEARTBEAT_S = 10.0
#: How often it is looked whether the watcher may still watch.
RECHECK_S = 60.0
FILTER_CHARACTERS_MAX = 20_000
DEFAULT_FIELDS = (
    "start,end,interface-id,srcaddr,srcport,dstaddr,dstport,protocol,packets,bytes,action,"
    "log-status,tcp-flags,flow-direction,reject-rule,rtt-us"
)


def routes(services: RestServices) -> APIRouter:
    """``GET /live``."""
    router = APIRouter()
    watchers = _Watchers()

    @router.get("/live", response_class=StreamingResponse)
    async def live(
        request: Request,
        text: Annotated[str, Query(alias="filter", max_length=FILTER_CHARACTERS_MAX)] = "",
        fields: Annotated[str, Query(max_length=2_000)] = DEFAULT_FIELDS,
        rate: Annotated[int, Query(ge=1, le=20_000)] = 2_000,
        backlog: Annotated[int, Query(ge=0, le=BACKLOG_MAX)] = 200,
        since: Annotated[str, Query(alias="from", max_length=60)] = "",
        last_event_id: Annotated[str, Header(max_length=60)] = "",
    ) -> StreamingResponse:
        """Records as they arrive, at most ``rate`` a second; the others wait their turn."""
        reader(services, request)
        own(services, request, "vpcflow:TailFlowRecords")
        recent = services.recent
        if recent is None:
            raise ServiceError("NotAvailable", "This server keeps no recent records.", status=503)
        condition = filter_of(services, text)
        columns = live_columns(fields)
        if not columns:
            raise QueryError("no field of the list is known", where="fields", hint="see Fields")
        given = last_event_id or since
        position = parse_position(given) if given else None
        if given and position is None:
            raise FilterError("this is no position", text=given, position=0, hint="leave it out")
        if not watchers.enter():
            raise ServiceError(
                "TooManyWatchers", f"{WATCHERS_MAX} live tails are open.", status=429
            )
        try:
            feed = await run_in_threadpool(LiveFeed, recent, condition, columns, position, backlog)
        except BaseException:
            watchers.leave()
            raise
        watcher = _Watcher(services, request, feed, columns, rate)
        return StreamingResponse(
            watchers.counted(watcher.events()),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return router


class _Watchers:
    """Counts who watches; for the event loop's thread."""

    def __init__(self) -> None:
        self._open = 0

    def enter(self) -> bool:
        if self._open >= WATCHERS_MAX:
            return False
        self._open += 1
        return True

    def leave(self) -> None:
        self._open -= 1

    async def counted(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for event in events:
                yield event
        finally:
            self.leave()


class _Watcher:
    """One browser's stream of events."""

    def __init__(
        self,
        services: RestServices,
        request: Request,
        feed: LiveFeed,
        columns: tuple[str, ...],
        rate: int,
    ) -> None:
        self._services = services
        self._request = request
        self._feed = feed
        self._columns = columns
        self._page_records = max(1, min(PAGE_RECORDS_MAX, rate // PAGES_A_SECOND))
        self._pause_s = self._page_records / rate
        self._due_s = 0.0
        self._came = asyncio.Event()

    async def events(self) -> AsyncIterator[bytes]:
        """Until the browser goes, or may no longer watch."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            # The loop may have ended while the writer still writes.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._came.set)

        assert self._services.recent is not None
        end = self._services.recent.listen(tell)
        try:
            # With a position, so that nothing is missed by who comes back before the first record.
            hello = orjson.dumps({"columns": self._columns})
            yield event("hello", hello, str(self._feed.position))
            checked_s = loop.time()
            while True:
                if loop.time() - checked_s >= RECHECK_S:
                    checked_s = loop.time()
                    if not await run_in_threadpool(self._may):
                        yield event("signed-out", b"{}")
                        return
                self._came.clear()
                async for made in self._look():
                    yield made
        finally:
            if end is not None:
                end()

    async def _look(self) -> AsyncIterator[bytes]:
        """The next page; a sign of life when none came in time."""
        page = await run_in_threadpool(self._feed.read, self._page_records)
        if page.missed:
            told = {"batches": page.missed}
            yield event("gap", orjson.dumps(told), str(page.position))
        if page.records is not None:
            text = page_json(page, self._columns, self._feed.waiting())
            yield event("records", text, str(page.position))
            await self._pace()
        elif not page.more:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._came.wait()
            except TimeoutError:
                yield event("heartbeat", orjson.dumps({"seen": page.seen}), str(page.position))

    async def _pace(self) -> None:
        """Until the next page is due: making and sending this one is part of the pause."""
        now_s = asyncio.get_running_loop().time()
        self._due_s = max(self._due_s, now_s - self._pause_s) + self._pause_s
        await asyncio.sleep(max(0.0, self._due_s - now_s))

    def _may(self) -> bool:
        try:
            reader(self._services, self._request)
            own(self._services, self._request, "vpcflow:TailFlowRecords")
        except FlowLogError:
            return False
        return True


def event(name: str, data: bytes, position: str = "") -> bytes:
    """One server-sent event; the data holds no newline."""
    head = f"event: {name}\n" + (f"id: {position}\n" if position else "")
    return head.encode() + b"data: " + data + b"\n\n"
