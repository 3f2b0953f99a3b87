"""Built-in questions: which there are, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_origin

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from vpcflow.api.rest.access import reader
from vpcflow.api.rest.answer_models import AnswerBody, QuestionDescription, QuestionList
from vpcflow.api.rest.asking import (
    ANSWER_RESPONSES,
    PARAMETERS_OPENAPI,
    Asking,
    End,
    FilterText,
    Start,
    filter_of,
    key_of,
    range_of,
    reply,
)
from vpcflow.api.rest.known_network import names_mark
from vpcflow.base.errors import QueryError
from vpcflow.query.questions import QUESTION_SUMMARIES, question_named
from vpcflow.query.service import checked_parameters

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer
    from vpcflow.query.questions.question import Parameters
    from vpcflow.query.stop_token import StopToken

#: Query parameters that are not the question's own.
COMMON_PARAMETERS = frozenset({"start", "end", "filter"})


def routes(services: RestServices) -> APIRouter:
    """``GET /questions`` and ``GET /questions/{name}``."""
    router = APIRouter(tags=["questions"])

    @router.get("/questions")
    def list_questions(request: Request) -> QuestionList:
        """Every question with the schema of its parameters."""
        reader(services, request)
        return QuestionList(questions=[_described(name) for name in QUESTION_SUMMARIES])

    @router.get(
        "/questions/{name}",
        response_model=AnswerBody,
        responses=ANSWER_RESPONSES,
        openapi_extra=PARAMETERS_OPENAPI,
    )
    async def ask_question(
        name: str,
        request: Request,
        start: Start = None,
        end: End = None,
        filter: FilterText = "",
    ) -> Response:
        """The answer to a question, as JSON or as an Arrow stream."""
        asking = await run_in_threadpool(
            asking_of, services, request, name, start=start, end=end, text=filter
        )
        return await reply(services, request, asking)

    return router


def asking_of(
    services: RestServices,
    request: Request,
    name: str,
    *,
    start: int | None,
    end: int | None,
    text: str,
    besides: frozenset[str] = frozenset(),
) -> Asking:
    """A question of a request made ready, its parameters checked.

    Shape: ``besides`` are more query parameters that are not the question's own.
    Errors: ServiceError for who asks, ResourceError and QueryError for what is asked.
    """
    caller = reader(services, request)
    question = question_named(name)
    parameters = parameters_of(request, question.parameters, COMMON_PARAMETERS | besides)
    checked = checked_parameters(question, parameters)
    time_range, condition = range_of(start, end), filter_of(services, text)
    snapshot, mark = services.queries.snapshot(), names_mark(services)
    key = key_of(
        "question",
        snapshot,
        name,
        checked.model_dump(mode="json"),
        [time_range.start_s, time_range.end_s],
        str(condition),
    )

    def run(stop: StopToken) -> Answer:
        return services.queries.ask(
            name, checked, condition=condition, time_range=time_range, stop=stop
        )

    return Asking(caller, key, run, time_range, snapshot, mark, name)


def parameters_of(
    request: Request, model: type[Parameters], others: frozenset[str]
) -> dict[str, Any]:
    """The question's own parameters among those of an address; ``others`` are not.

    Errors: QueryError for one that stands twice.
    """
    given: dict[str, Any] = {}
    for name in dict.fromkeys(request.query_params.keys()):
        if name in others:
            continue
        values = request.query_params.getlist(name)
        if _is_list(model, name):
            given[name] = values
        elif len(values) > 1:
            raise QueryError("this parameter stands more than once", where=name)
        else:
            given[name] = values[0]
    return given


def _is_list(model: type[Parameters], name: str) -> bool:
    known = model.model_fields.get(name)
    return known is not None and get_origin(known.annotation) in {list, tuple, set, frozenset}


def _described(name: str) -> QuestionDescription:
    question = question_named(name)
    schema = question.parameters.model_json_schema()
    schema.pop("description", None)
    return QuestionDescription(name=name, summary=QUESTION_SUMMARIES[name], parameters=schema)
