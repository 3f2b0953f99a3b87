"""Heat maps: records counted in cells of a time interval and a bin of some measured value.

Bins are [low, high), ever wider, so that small and large values both show; the first starts at 0
and the last has no end. Cells without records are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, field_validator

from vpcflow.base.errors import QueryError
from vpcflow.query.questions.question import Frame, Parameters
from vpcflow.query.time_range import parse_span

#: Widths of intervals to choose from.
STEPS_S = (
    *(1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800),
)
#: More intervals than this are more than any screen shows.
INTERVALS_MAX = 500


class HeatMapParameters(Parameters):
    """Parameters of questions that answer with a heat map."""

    interval: str = Field(
        default="auto", description="Width of an interval: 1m, 5m, 1h, any span, or auto."
    )
    intervals_max: int = Field(
        default=48, ge=1, le=INTERVALS_MAX, description="auto makes no more intervals than this."
    )

    @field_validator("interval")
    @classmethod
    def _interval_is_a_span(cls, interval: str) -> str:
        if interval != "auto":
            try:
                width_s = parse_span(interval)
            except QueryError as error:
                raise ValueError(f"{error.what}; {error.hint}") from error
            if width_s < 1:
                raise ValueError("an interval is at least one second")
        return interval


def interval_s(parameters: HeatMapParameters, frame: Frame) -> int:
    """The width of the intervals.

    Shape: never so narrow that there would be more than INTERVALS_MAX of them.
    """
    start_s, end_s = frame.start_s or 0, frame.end_s or 0
    wanted, most = 1, parameters.intervals_max
    if parameters.interval != "auto":
        wanted, most = parse_span(parameters.interval), INTERVALS_MAX
    if _intervals(start_s, end_s, wanted) <= most and parameters.interval != "auto":
        return wanted
    for step in STEPS_S:
        if step >= wanted and _intervals(start_s, end_s, step) <= most:
            return step
    return STEPS_S[-1] * (1 + _intervals(start_s, end_s, STEPS_S[-1]) // most)


def _intervals(start_s: int, end_s: int, width_s: int) -> int:
    return max(0, (end_s - 1) // width_s - start_s // width_s + 1)


def bin_of(value: Any, edges: Sequence[int]) -> Any:
    """The place of a value's bin, as an Ibis expression: how many edges it has reached."""
    places = [(value >= edge).ifelse(1, 0) for edge in edges]
    place = places[0]
    for other in places[1:]:
        place = place + other
    return place.cast("int32")


def bounds_of(place: int, edges: Sequence[int]) -> tuple[int, int | None]:
    """Low and high end of a bin; the last has no high end."""
    low = 0 if place == 0 else edges[place - 1]
    return low, edges[place] if place < len(edges) else None
