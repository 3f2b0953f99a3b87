"""Which records a route is asked about, and questions about them through the one pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.api.rest.asking import End, FilterText, Start, filter_of, key_of, range_of
from vpcflow.query.expression import Expression, all_of
from vpcflow.query.questions import question_named
from vpcflow.query.service import checked_parameters
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer
    from vpcflow.query.stop_token import StopToken


@dataclass(frozen=True, slots=True)
class Scope:
    """The records that are asked about; ``text`` is in the filter language."""

    time_range: TimeRange
    text: str


def scope(start: Start = None, end: End = None, filter: FilterText = "") -> Scope:
    """The parameters that all questions have; for ``Depends``.

    Errors: QueryError for an empty range.
    """
    return Scope(range_of(start, end), filter)


def ask(
    services: RestServices,
    asked: Scope,
    name: str,
    parameters: dict[str, Any],
    also: Expression | None = None,
) -> Answer:
    """The answer to a question about the records in scope; ``also`` narrows them.

    Errors: FilterError for a filter that is not understood; what the question raises;
    TooManyQuestions.
    """
    condition = all_of(filter_of(services, asked.text), also)
    checked = checked_parameters(question_named(name), parameters)
    time_range = asked.time_range
    # As questions by themselves have it, so that they share their answers.
    key = key_of(
        "question",
        services.queries.snapshot(),
        name,
        checked.model_dump(mode="json"),
        [time_range.start_s, time_range.end_s],
        str(condition),
    )

    def run(stop: StopToken) -> Answer:
        return services.queries.ask(
            name, checked, condition=condition, time_range=time_range, stop=stop
        )

    return services.pool.ask(key, run)


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The rows of an answer, for the few that a page shows."""
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    return rows
