"""From a request to the bytes of an answer: what every route that asks of records has in common."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from vpcflow.api.rest.answers import (
    ARROW_TYPE,
    JSON_TYPE,
    Shown,
    as_arrow,
    as_json,
    dumps,
    envelope_of,
    named_values,
    shown,
)
from vpcflow.api.rest.bodies import HeldResponse
from vpcflow.api.rest.compression import compressed
from vpcflow.api.rest.known_network import known_network
from vpcflow.base.errors import FilterError, LimitError, ServiceError
from vpcflow.query.expression import And, Expression, Not, Or
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.filter_tokens import FILTER_CHARS_MAX
from vpcflow.query.time_range import MOMENT_MAX_S, TimeRange

if TYPE_CHECKING:
    from vpcflow.api.rest.query_pool import QueryPool, Run
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller
    from vpcflow.query.answer import Answer

#: Conditions of one filter: the engine takes seconds to plan thousands.
FILTER_TERMS_MAX = 500
#: Goes into every ETag: a change of what answers look like makes what browsers keep stale.
ENVELOPE_VERSION = 1

Start = Annotated[
    int | None, Query(ge=0, le=MOMENT_MAX_S, description="Records that start then or later.")
]
End = Annotated[int | None, Query(ge=0, le=MOMENT_MAX_S, description="Records that start before.")]
FilterText = Annotated[
    str, Query(max_length=FILTER_CHARS_MAX, description="A condition in the filter language.")
]

ANSWER_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {ARROW_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "What the browser has is still the answer."},
}
PARAMETERS_OPENAPI: dict[str, Any] = {
    "parameters": [
        {
            "name": "parameters",
            "in": "query",
            "required": False,
            "description": "The question's own parameters, each by its name.",
            "style": "form",
            "explode": True,
            "schema": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
        }
    ]
}


class ClientGoneError(ServiceError):
    """Whoever asked has closed the connection; nobody reads this."""

    def __init__(self) -> None:
        super().__init__("ClientGone", "The client closed the connection.", status=499)


@dataclass(frozen=True, slots=True)
class Asking:
    """One request for an answer.

    Shape: ``key`` is the same for requests with the same answer; ``names_mark`` differs when names
    do; ``title`` names a file of it.
    """

    caller: Caller
    key: bytes
    run: Run
    time_range: TimeRange
    snapshot: str
    names_mark: str
    title: str


def range_of(start: int | None, end: int | None) -> TimeRange:
    """The time range of a request.

    Errors: QueryError when it is empty.
    """
    return TimeRange(start, end)


def filter_of(services: RestServices, text: str) -> Expression | None:
    """The condition of a request's filter.

    Errors: FilterError at the character that is wrong, which says that it is in the filter;
    LimitError for more than FILTER_TERMS_MAX conditions.
    """
    try:
        condition = parse_filter(text, now_s=services.clock.now_s())
    except FilterError as error:
        error.where = f"filter, {error.where}"
        raise
    terms = _terms_of(condition)
    if terms > FILTER_TERMS_MAX:
        raise LimitError(
            f"a filter has at most {FILTER_TERMS_MAX} conditions, this one has {terms}",
            where="filter",
            hint="write many values of one field as a list: srcaddr in (10.0.0.1, 10.0.0.2)",
        )
    return condition


def _terms_of(condition: Expression | None) -> int:
    """Conditions that are no and, or, not of others; the engine plans each of them."""
    if isinstance(condition, (And, Or)):
        return sum(map(_terms_of, condition.parts))
    if isinstance(condition, Not):
        return _terms_of(condition.part)
    return int(condition is not None)


def key_of(*parts: Any) -> bytes:
    """A short key of everything that an answer follows from."""
    return hashlib.sha256(dumps([ENVELOPE_VERSION, *parts])).digest()


async def reply(services: RestServices, request: Request, asking: Asking) -> Response:
    """The response to a request for an answer: not changed, JSON or Arrow."""
    arrow = ARROW_TYPE in request.headers.get("accept", "")
    headers = answer_headers(asking, ARROW_TYPE if arrow else JSON_TYPE)
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    answer = await answered(services.pool, request, asking)
    return await run_in_threadpool(_rendered, services, request, asking, answer, arrow, headers)


def _rendered(
    services: RestServices,
    request: Request,
    asking: Asking,
    answer: Answer,
    arrow: bool,
    headers: dict[str, str],
) -> Response:
    bounds = services.rest
    seen = shown(answer, bounds.arrow_rows_max if arrow else bounds.json_rows_max)
    media_type = ARROW_TYPE if arrow else JSON_TYPE
    held = services.bodies.take(seen.table.nbytes)
    try:
        body, encoding = _body(services, request, asking, seen, arrow)
    except BaseException:
        held.end()
        raise
    if encoding:
        headers["Content-Encoding"] = encoding
    return HeldResponse(body, held, media_type=media_type, headers=headers)


def _body(
    services: RestServices, request: Request, asking: Asking, seen: Shown, arrow: bool
) -> tuple[bytes, str]:
    envelope = envelope_of(
        seen,
        time_range=asking.time_range,
        snapshot=seen.answer.snapshot or asking.snapshot,
        names=known_network(services).names.of(named_values(seen)),
    )
    body = as_arrow(seen, envelope) if arrow else as_json(seen, envelope)
    media_type = ARROW_TYPE if arrow else JSON_TYPE
    return compressed(body, media_type, request.headers.get("accept-encoding", ""))


def answer_headers(asking: Asking, media_type: str) -> dict[str, str]:
    """Headers that let one browser keep an answer, and no proxy."""
    who = [asking.caller.account_id, asking.caller.arn]
    tag = key_of(asking.key.hex(), who, asking.names_mark, media_type)
    return {
        "ETag": f'W/"{tag.hex()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Accept-Encoding, Cookie",
        "X-Content-Type-Options": "nosniff",
    }


def is_known(request: Request, tag: str) -> bool:
    """Whether the browser has this answer already."""
    given = request.headers.get("if-none-match", "")
    return tag.removeprefix("W/") in {one.strip().removeprefix("W/") for one in given.split(",")}


async def answered(pool: QueryPool, request: Request, asking: Asking) -> Answer:
    """The answer, from a thread of the pool; a client that goes away stops waiting for it.

    Errors: what the question raises; TooManyQuestions; ClientGoneError.
    """
    gone = asyncio.ensure_future(until_gone(request))
    try:
        return await waited(pool, asking.key, asking.run, gone)
    finally:
        gone.cancel()


async def waited(pool: QueryPool, key: bytes, run: Run, gone: asyncio.Future[None]) -> Answer:
    """The answer of the pool, unless ``gone`` comes before it.

    Errors: what the question raises; TooManyQuestions; ClientGoneError.
    """
    ticket = pool.enter(key, run)
    try:
        if ticket.answer.done():
            return ticket.answer.result()
        answer = asyncio.wrap_future(ticket.answer)
        both: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            # Its result is of no use to us, and the future is others' too: it is not cancelled.
            answer.add_done_callback(_forget)
            raise ClientGoneError
        return answer.result()
    finally:
        ticket.leave()


def _forget(answer: asyncio.Future[Answer]) -> None:
    if not answer.cancelled():
        answer.exception()


async def until_gone(request: Request) -> None:
    """Returns when the client has closed the connection; only after its body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
