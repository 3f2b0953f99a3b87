"""PutMetricData."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.control.metrics.metric_store import (
    DAY_S,
    MINUTE_S,
    MetricStore,
    Point,
    Series,
    Statistic,
)

DATA_MAX = 1_000
VALUES_MAX = 150
DIMENSIONS_MAX = 30
_OLDEST_S = 14 * DAY_S
_NEWEST_S = 2 * 3600
#: The largest number that CloudWatch keeps.
_VALUE_MAX = 2.0**360


class PutData:
    """The handler of PutMetricData."""

    def __init__(self, metrics: MetricStore) -> None:
        self._metrics = metrics

    def __call__(self, call: Call) -> None:
        """Check every datum first, then add all."""
        data = call.get("MetricData") or []
        namespace = call.get("Namespace")
        if not data:
            raise ServiceError("MissingParameter", "The parameter MetricData is required.")
        if len(data) > DATA_MAX:
            raise _wrong(f"The collection MetricData must not have a size greater than {DATA_MAX}.")
        if namespace.startswith("AWS/"):
            raise _wrong("The value AWS/ for parameter Namespace is invalid.")
        points = [
            point
            for number, datum in enumerate(data, 1)
            for point in _points(namespace, datum, number, call.now_s)
        ]
        self._metrics.add(call.place, points)


def series_dimensions(dimensions: Any) -> tuple[tuple[str, str], ...]:
    """The dimensions of a request in the order of a series."""
    return tuple(sorted((one["Name"], one["Value"]) for one in dimensions or ()))


def _points(namespace: str, datum: Mapping[str, Any], number: int, now_s: float) -> Iterator[Point]:
    where = f"MetricData.member.{number}"
    dimensions = series_dimensions(datum.get("Dimensions"))
    if len(dimensions) > DIMENSIONS_MAX:
        raise _wrong(
            f"The collection {where}.Dimensions must not have a size greater than {DIMENSIONS_MAX}."
        )
    at = datum.get("Timestamp")
    at_s = at.timestamp() if isinstance(at, datetime) else now_s if at is None else float(at)
    if at_s < now_s - _OLDEST_S:
        raise _wrong(
            f"The parameter {where}.Timestamp must specify a time within the past two weeks."
        )
    if at_s > now_s + _NEWEST_S:
        raise _wrong(
            f"The parameter {where}.Timestamp must specify a time no more than two hours in the future."
        )
    series = Series(namespace, datum["MetricName"], dimensions, datum.get("Unit", "None"))
    yield Point(series, int(at_s) // MINUTE_S * MINUTE_S, _statistic(datum, where))


def _statistic(datum: Mapping[str, Any], where: str) -> Statistic:
    given = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if not given:
        raise ServiceError(
            "InvalidParameterCombination",
            f"At least one of the parameters {where}.Value, {where}.Values or "
            f"{where}.StatisticValues must be specified.",
        )
    if len(given) > 1:
        raise ServiceError(
            "InvalidParameterCombination",
            f"The parameters {where}.{given[0]} and {where}.{given[1]} are mutually exclusive and "
            "you have specified both.",
        )
    if given == ["StatisticValues"]:
        one = datum["StatisticValues"]
        return Statistic(
            _count(one["SampleCount"], f"{where}.StatisticValues.SampleCount"),
            _number(one["Sum"], where),
            _number(one["Minimum"], where),
            _number(one["Maximum"], where),
        )
    values = [datum["Value"]] if given == ["Value"] else datum["Values"]
    counts = datum.get("Counts") or [1.0] * len(values)
    if not values or len(values) > VALUES_MAX:
        raise _wrong(f"The collection {where}.Values must have 1 to {VALUES_MAX} items.")
    if len(counts) != len(values):
        raise _wrong(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    values = [_number(value, where) for value in values]
    counts = [_count(count, f"{where}.Counts") for count in counts]
    total = sum(value * count for value, count in zip(values, counts, strict=True))
    return Statistic(sum(counts), total, min(values), max(values))


def _number(value: float, where: str) -> float:
    if not math.isfinite(value) or abs(value) > _VALUE_MAX:
        raise _wrong(f"The value {value} for parameter {where}.Value is invalid.")
    return float(value)


def _count(value: float, where: str) -> float:
    """How often a value was seen: of less than nothing there is no average."""
    if not 0 <= value <= _VALUE_MAX:
        raise _wrong(f"The value {value} for parameter {where} is invalid.")
    return float(value)


def _wrong(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)
