"""SQL of a page: its words replaced, its answer, its faults where the person wrote them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.answer_models import AnswerBody, SqlRequest
from vpcflow.api.rest.asking import (
    ANSWER_RESPONSES,
    Asking,
    filter_of,
    key_of,
    range_of,
    reply,
)
from vpcflow.api.rest.known_network import names_mark
from vpcflow.api.rest.sql_text import FILTER_WORD, TIME_WORD, fill_sql, time_sql
from vpcflow.base.errors import FilterError
from vpcflow.query.filter_sql import filter_sql
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer
    from vpcflow.query.stop_token import StopToken

#: SQL with one of these may have another answer a second later; a span alone is a moment too.
_OF_THE_MOMENT = re.compile(
    r"\b(last|since|before|between_times|now|now_s|today|current_\w+|random|uuid\w*|setseed)\b"
    r"|(?<!time_bin\()'\s*(\d+\s*[smhdw]\s*)+'",
    re.IGNORECASE,
)


def routes(services: RestServices) -> APIRouter:
    """``POST /sql``."""
    router = APIRouter(tags=["questions"])

    @router.post("/sql", response_model=AnswerBody, responses=ANSWER_RESPONSES)
    async def ask_sql(body: SqlRequest, request: Request) -> Response:
        """The rows of a SELECT over flow_records, as JSON or as an Arrow stream."""
        asking = await run_in_threadpool(asking_of_sql, services, request, body)
        return await reply(services, request, asking)

    return router


def asking_of_sql(services: RestServices, request: Request, body: SqlRequest) -> Asking:
    """SQL of a request made ready.

    Errors: ServiceError for who asks, QueryError and FilterError for the range and the filter.
    """
    caller = reader(services, request)
    time_range = range_of(body.start, body.end)
    condition = filter_of(services, body.filter)
    filled = fill_sql(body.text, time=time_sql(time_range), condition=filter_sql(condition))
    # A word that stands in the text says where it holds; without it, it holds everywhere.
    within = TimeRange() if TIME_WORD in filled.words else time_range
    everywhere = None if FILTER_WORD in filled.words else condition
    snapshot, mark = services.queries.snapshot(), names_mark(services)
    moment = int(services.clock.now_s()) if _OF_THE_MOMENT.search(filled.text) else None
    key = key_of(
        "sql", snapshot, filled.text, [within.start_s, within.end_s], str(everywhere), moment
    )

    def run(stop: StopToken) -> Answer:
        try:
            return services.queries.sql(
                filled.text, condition=everywhere, time_range=within, stop=stop
            )
        except FilterError as error:
            raise filled.fault_asked(error) from error

    return Asking(caller, key, run, time_range, snapshot, mark, "sql")
