"""Answers that are put together from those of several questions.

Each step computes in one of a few threads; between the steps, while questions wait for their turn in
the pool, nothing is held. So any number of such requests leave sessions, health and pages their
threads, and what nobody waits for any more is not computed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio.to_thread import run_sync
from fastapi import Response

from vpcflow.api.asked import Question, Steps
from vpcflow.api.rest.answers import JSON_TYPE
from vpcflow.api.rest.asking import ClientGoneError, key_of, until_gone, waited
from vpcflow.query.questions import question_named
from vpcflow.query.service import checked_parameters

if TYPE_CHECKING:
    from fastapi import Request
    from pydantic import BaseModel

    from vpcflow.api.rest.query_pool import Run
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer
    from vpcflow.query.stop_token import StopToken

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class _Asked:
    key: bytes
    run: Run


@dataclass(frozen=True, slots=True)
class _Result(Generic[T]):
    value: T


async def composed(
    services: RestServices, request: Request, begin: Callable[[], Steps[M]]
) -> Response:
    """The response of a computation that ends with a model.

    Shape: ``begin`` begins with whether the caller may ask; it runs in a thread.
    Errors: what the computation raises; TooManyQuestions; ClientGoneError.
    """

    def steps() -> Steps[bytes]:
        model = yield from begin()
        # Here, in the thread: large answers would keep the event loop from everybody else.
        return model.model_dump_json(by_alias=True).encode()

    body = await _driven(services, request, steps())
    return Response(body, media_type=JSON_TYPE)


async def _driven(services: RestServices, request: Request, steps: Steps[T]) -> T:
    gone = asyncio.ensure_future(until_gone(request))
    answer: Answer | None = None
    error: Exception | None = None
    try:
        while True:
            turn = _Turn(services, steps, gone, answer, error)
            reached = await run_sync(turn.take, limiter=services.composing)
            if isinstance(reached, _Result):
                return reached.value
            answer = error = None
            try:
                answer = await waited(services.pool, reached.key, reached.run, gone)
            except ClientGoneError:
                raise
            except Exception as raised:  # noqa: BLE001 - the computation says what it means
                error = raised
    finally:
        gone.cancel()


@dataclass(frozen=True, slots=True)
class _Turn(Generic[T]):
    """One step of a computation."""

    services: RestServices
    steps: Steps[T]
    gone: asyncio.Future[None]
    answer: Answer | None
    error: Exception | None

    def take(self) -> _Asked | _Result[T]:
        """The next question, or the result."""
        if self.gone.done():
            raise ClientGoneError
        try:
            if self.error is not None:
                question = self.steps.throw(self.error)
            elif self.answer is None:
                question = next(self.steps)
            else:
                question = self.steps.send(self.answer)
        except StopIteration as end:
            return _Result(end.value)
        return _asked(self.services, question)


def _asked(services: RestServices, question: Question) -> _Asked:
    checked = checked_parameters(question_named(question.name), question.parameters)
    time_range = question.time_range
    # As questions by themselves have it, so that they share their answers.
    key = key_of(
        "question",
        services.queries.snapshot(),
        question.name,
        checked.model_dump(mode="json"),
        [time_range.start_s, time_range.end_s],
        str(question.condition),
    )

    def run(stop: StopToken) -> Any:
        return services.queries.ask(
            question.name, checked, condition=question.condition, time_range=time_range, stop=stop
        )

    return _Asked(key, run)
