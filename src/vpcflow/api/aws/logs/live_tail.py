"""StartLiveTail: an answer that goes on with what arrives, once a second."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from vpcflow.api.aws.logs.events import read_pattern
from vpcflow.api.aws.operation import Call, EventStream, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.logs.live_tail import Fits, TailChoice, TailSession, TailUpdate
from vpcflow.control.logs.log_group import invalid, name_of_identifier, stream_arn
from vpcflow.control.logs.service import LogGroupService
from vpcflow.query.filter_pattern import Pattern, mask

UPDATE_S = 1.0
SESSION_S_MAX = 3 * 3_600

Sleep = Callable[[float], Awaitable[None]]


class LiveTailOperation:
    """The handler; ``sleep`` waits for the next update."""

    def __init__(self, service: LogGroupService, sleep: Sleep = asyncio.sleep) -> None:
        self._service = service
        self._sleep = sleep

    def operations(self) -> list[Operation]:
        """The one."""
        return [
            Operation(
                "StartLiveTail",
                self._start,
                "logGroupIdentifiers logStreamNames logStreamNamePrefixes logEventFilterPattern",
                resources=_resources,
            )
        ]

    def _start(self, call: Call) -> EventStream:
        identifiers = call.get("logGroupIdentifiers")
        groups = [name_of_identifier(call.place, one, "logGroupIdentifiers") for one in identifiers]
        names, prefixes = call.get("logStreamNames"), call.get("logStreamNamePrefixes")
        if names and prefixes:
            raise invalid(
                "LogStream names and LogStream name prefixes are mutually exclusive parameters."
            )
        if (names or prefixes) and len(groups) > 1:
            raise invalid("LogStream names and prefixes can be given with one log group only.")
        for name in groups:
            self._service.group(call.place, name)
        pattern = read_pattern(call.get("logEventFilterPattern"))

        choice = TailChoice(
            call.place,
            frozenset(groups),
            frozenset(names or ()),
            tuple(prefixes or ()),
            None if pattern is None else _fits(pattern),
        )
        session = self._service.hub.open(choice)
        if session is None:
            raise ServiceError("LimitExceededException", "Resource limit exceeded.")
        begin = {
            "requestId": call.request_id,
            "sessionId": str(uuid.uuid4()),
            "logGroupIdentifiers": list(identifiers),
            "logStreamNames": list(names or ()),
            "logStreamNamePrefixes": list(prefixes or ()),
            "logEventFilterPattern": call.get("logEventFilterPattern") or "",
        }
        return EventStream(self._events(session, begin))

    async def _events(
        self, session: TailSession, begin: Mapping[str, Any]
    ) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
        account = session.choice.place.account_id
        try:
            yield "sessionStart", begin
            for _ in range(int(SESSION_S_MAX / UPDATE_S)):
                await self._sleep(UPDATE_S)
                yield "sessionUpdate", _update(account, session.take())
            yield "SessionTimeoutException", {"message": "The session has reached its time limit."}
        finally:
            self._service.hub.close(session)


def _fits(pattern: Pattern) -> Fits:
    def fits(messages: Sequence[str]) -> Sequence[bool]:
        found: list[bool] = mask(pattern, pa.array(messages, pa.string())).to_pylist()
        return found

    return fits


def _resources(call: Call) -> list[str]:
    identifiers = call.get("logGroupIdentifiers") or ()
    names = [one.partition(":log-group:")[2].split(":")[0] or one for one in identifiers]
    return [stream_arn(call.place, name, "") for name in names] or ["*"]


def _update(account: str, update: TailUpdate) -> dict[str, Any]:
    return {
        "sessionMetadata": {"sampled": update.sampled},
        "sessionResults": [
            {
                "logStreamName": event.stream,
                "logGroupIdentifier": f"{account}:{event.group}",
                "message": event.message,
                "timestamp": event.timestamp,
                "ingestionTime": event.ingestion_ms,
            }
            for event in update.events
        ],
    }
