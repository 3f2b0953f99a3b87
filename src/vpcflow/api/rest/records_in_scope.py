"""Which records a route is asked about, and questions about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vpcflow.api.asked import Question, Steps
from vpcflow.api.rest.asking import End, FilterText, Start, filter_of, range_of
from vpcflow.query.expression import Expression, all_of
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.query.answer import Answer


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
) -> Steps[Answer]:
    """The answer to a question about the records in scope; ``also`` narrows them.

    Errors: FilterError for a filter that is not understood; what the question raises;
    TooManyQuestions.
    """
    condition = all_of(filter_of(services, asked.text), also)
    return (yield Question(name, parameters, condition, asked.time_range))


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The rows of an answer, for the few that a page shows."""
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    return rows
