"""Questions that a longer computation asks on its way, and whoever answers them.

A computation is a generator: it yields a question, is sent the answer, and returns its result. So
it holds no thread while its questions wait for their turn, and can be given up between two of them.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.query.answer import Answer
    from vpcflow.query.expression import Expression
    from vpcflow.query.service import FlowQueries

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """A built-in question about the records of a range that meet a condition."""

    name: str
    parameters: dict[str, Any]
    condition: Expression | None = None
    time_range: TimeRange = field(default_factory=TimeRange)


#: A computation with questions; an answer's error is raised where it was asked.
Steps: TypeAlias = Generator[Question, "Answer", T]


def at_once(queries: FlowQueries, steps: Steps[T]) -> T:
    """The result of a computation whose questions are asked in this thread.

    Errors: what the computation and its questions raise.
    """
    try:
        question = next(steps)
        while True:
            question = steps.send(
                queries.ask(
                    question.name,
                    question.parameters,
                    condition=question.condition,
                    time_range=question.time_range,
                )
            )
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        steps.close()
