"""GetMetricStatistics and GetMetricData."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from vpcflow.api.aws.monitoring.data import series_dimensions
from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.control.metrics.metric_store import MINUTE_S, MetricStore, Series, Statistic

STATISTICS_POINTS_MAX = 1_440
DATA_POINTS_MAX = 100_800
DATA_QUERIES_MAX = 500
_SHORT_PERIODS_S = (1, 5, 10, 30)
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")

_VALUES: Mapping[str, Callable[[Statistic], float]] = {
    "SampleCount": lambda one: one.samples,
    "Average": lambda one: one.total / one.samples,
    "Sum": lambda one: one.total,
    "Minimum": lambda one: one.low,
    "Maximum": lambda one: one.high,
}


def get_metric_statistics(metrics: MetricStore, call: Call) -> Mapping[str, Any]:
    """Answer GetMetricStatistics.

    Errors: ServiceError.
    """
    start_s, end_s, period_s = (
        _s(call.get("StartTime")),
        _s(call.get("EndTime")),
        call.get("Period"),
    )
    wanted = call.get("Statistics") or []
    if not wanted:
        raise _combination("At least one of the parameters Statistics must be specified.")
    _check_period(period_s, "Period")
    if start_s >= end_s:
        raise _combination("The parameter StartTime must be less than the parameter EndTime.")
    points = int(-(-(end_s - start_s) // period_s))
    if points > STATISTICS_POINTS_MAX:
        raise _combination(
            f"You have requested up to {points:,} datapoints, which exceeds the limit of "
            f"{STATISTICS_POINTS_MAX:,}. You may reduce the datapoints requested by increasing "
            "Period, or decreasing the time range."
        )
    found: list[Mapping[str, Any]] = []
    for series in _all_units(metrics.series(call.place), call.parameters, call.get("Unit")):
        by_period = metrics.statistics(call.place, series, start_s, end_s, period_s)
        for at_s, statistic in by_period.items():
            values = {name: _VALUES[name](statistic) for name in wanted}
            found.append({"Timestamp": at_s, "Unit": series.unit, **values})
    return {"Label": call.get("MetricName"), "Datapoints": found}


def get_metric_data(metrics: MetricStore, call: Call) -> Mapping[str, Any]:
    """Answer GetMetricData: metrics, not expressions.

    Errors: ServiceError ``ValidationError``.
    """
    queries = call.get("MetricDataQueries") or []
    start_s, end_s = _s(call.get("StartTime")), _s(call.get("EndTime"))
    if start_s >= end_s:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    if len(queries) > DATA_QUERIES_MAX:
        raise _invalid(
            f"The collection MetricDataQueries must not have a size greater than {DATA_QUERIES_MAX}."
        )
    ids = [query["Id"] for query in queries]
    if len(set(ids)) != len(ids):
        raise _invalid("The values for parameter id in MetricDataQueries are not unique.")
    points = 0
    for query in queries:
        points += _check_query(query, end_s - start_s)
    if points > DATA_POINTS_MAX:
        raise _invalid(
            f"You have requested up to {points:,} datapoints, which exceeds the limit of "
            f"{DATA_POINTS_MAX:,}."
        )
    ascending = call.get("ScanBy") == "TimestampAscending"
    known = metrics.series(call.place)
    return {
        "MetricDataResults": [
            _result(metrics, known, call, query, start_s, end_s, ascending=ascending)
            for query in queries
            if query.get("ReturnData", True)
        ],
        "Messages": [],
    }


def _check_query(query: Mapping[str, Any], range_s: float) -> int:
    """The most points that a query may give."""
    if not _ID.fullmatch(query["Id"]):
        raise _invalid(
            f"The value {query['Id']} for parameter MetricDataQueries.id is not matching "
            "the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    stat = query.get("MetricStat")
    if query.get("Expression") is not None or stat is None:
        raise _invalid(
            f"Error in expression '{query['Id']}': metric math and SEARCH expressions are not "
            "offered; ask for metrics with MetricStat."
        )
    if stat["Stat"] not in _VALUES:
        raise _invalid(
            f"The value {stat['Stat']} for parameter MetricDataQueries.MetricStat.Stat is not "
            f"supported; it is one of {', '.join(_VALUES)}."
        )
    _check_period(stat["Period"], "MetricDataQueries.MetricStat.Period", code="ValidationError")
    return int(-(-range_s // stat["Period"]))


def _result(
    metrics: MetricStore,
    known: Sequence[Series],
    call: Call,
    query: Mapping[str, Any],
    start_s: float,
    end_s: float,
    *,
    ascending: bool,
) -> Mapping[str, Any]:
    stat = query["MetricStat"]
    joined: dict[int, Statistic] = {}
    for series in _all_units(known, stat["Metric"], stat.get("Unit")):
        by_period = metrics.statistics(call.place, series, start_s, end_s, stat["Period"])
        for at_s, statistic in by_period.items():
            joined[at_s] = joined[at_s].joined(statistic) if at_s in joined else statistic
    times = sorted(joined, reverse=not ascending)
    value = _VALUES[stat["Stat"]]
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or stat["Metric"]["MetricName"],
        "Timestamps": times,
        "Values": [value(joined[at_s]) for at_s in times],
        "StatusCode": "Complete",
    }


def _all_units(
    known: Sequence[Series], wanted: Mapping[str, Any], unit: str | None
) -> list[Series]:
    dimensions = series_dimensions(wanted.get("Dimensions"))
    return [
        one
        for one in known
        if (one.namespace, one.name, one.dimensions)
        == (wanted["Namespace"], wanted["MetricName"], dimensions)
        and unit in (None, one.unit)
    ]


def _check_period(period_s: int, name: str, code: str = "InvalidParameterValue") -> None:
    if period_s in _SHORT_PERIODS_S or (period_s > 0 and period_s % MINUTE_S == 0):
        return
    raise ServiceError(
        code,
        f"The parameter {name} must be a value in the set [ 1, 5, 10, 30 ] or a multiple of 60.",
    )


def _s(value: Any) -> float:
    return value.timestamp() if isinstance(value, datetime) else float(value)


def _combination(message: str) -> ServiceError:
    return ServiceError("InvalidParameterCombination", message)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)
