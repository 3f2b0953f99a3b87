"""Which records a route is asked about: a time range and a filter, as every route takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Query

from vpcflow.query.expression import Expression
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.time_range import MOMENT_MAX_S, TimeRange

if TYPE_CHECKING:
    from vpcflow.query.answer import Answer

FILTER_CHARS_MAX = 16_384

_MOMENT = Query(ge=0, le=MOMENT_MAX_S, description="Epoch seconds.")


@dataclass(frozen=True, slots=True)
class Scope:
    """The records that are asked about."""

    time_range: TimeRange
    condition: Expression | None


def scope(
    start: Annotated[int | None, _MOMENT] = None,
    end: Annotated[int | None, _MOMENT] = None,
    filter: Annotated[
        str, Query(max_length=FILTER_CHARS_MAX, description="Text of the filter language.")
    ] = "",
) -> Scope:
    """Read the parameters that all questions have; for ``Depends``.

    Errors: QueryError for an empty range, FilterError for a filter that is not understood.
    """
    return Scope(TimeRange(start, end), parse_filter(filter) if filter.strip() else None)


def rows_of(answer: Answer) -> list[dict[str, object]]:
    """The rows of an answer, for the few that a page shows."""
    rows: list[dict[str, object]] = answer.table.to_pylist()
    return rows
