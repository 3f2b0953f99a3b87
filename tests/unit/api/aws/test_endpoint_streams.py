"""Aim: a live tail gives its session back however it ends. Method: the ASGI application by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest

from vpcflow.api.aws import endpoint as endpoint_module
from vpcflow.api.aws.dispatch import StreamAnswer
from vpcflow.api.aws.endpoint import AwsEndpoint
from vpcflow.api.aws.operation import EventStream, RawRequest
from vpcflow.api.aws.protocol.resolve import Target
from vpcflow.api.settings import ApiSettings

TARGET = Target("logs", "json", "StartLiveTail", "StartLiveTail")
SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [],
}


class _Tails:
    """Answers every request with a stream that never ends; says how many are open."""

    def __init__(self) -> None:
        self.open = 0

    def target(self, _raw: RawRequest) -> Target:
        return TARGET

    def answer(self, _raw: RawRequest) -> StreamAnswer:
        self.open += 1
        return StreamAnswer(TARGET, EventStream(self._events()), "request")

    async def _events(self) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
        try:
            yield "sessionStart", {"sessionId": "s"}
            await asyncio.Event().wait()
        finally:
            self.open -= 1


async def _ask(tails: _Tails, *, stuck: bool) -> list[int]:
    """One request of a client that leaves at once; ``stuck`` it takes nothing either."""
    application = AwsEndpoint(tails, ApiSettings())  # type: ignore[arg-type]
    statuses: list[int] = []
    came = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(came, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        if stuck:
            await asyncio.Event().wait()
        if "status" in message:
            statuses.append(message["status"])

    try:
        async with asyncio.timeout(10):
            await application(SCOPE, receive, send)
    finally:
        application.close()
    return statuses


@pytest.mark.parametrize("stuck", [False, True])
def test_a_client_that_leaves_at_once_leaves_nothing(stuck: bool) -> None:
    tails = _Tails()
    asyncio.run(_ask(tails, stuck=stuck))
    assert tails.open == 0


def test_one_too_many_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_module, "STREAMS_MAX", 0)
    tails = _Tails()
    assert asyncio.run(_ask(tails, stuck=False)) == [400]
    assert tails.open == 0
