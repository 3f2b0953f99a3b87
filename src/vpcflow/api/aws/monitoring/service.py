"""The service of metrics: put, list, read. Alarms are not offered; there are none to describe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vpcflow.api.aws.monitoring.data import PutData
from vpcflow.api.aws.monitoring.queries import get_metric_data, get_metric_statistics
from vpcflow.api.aws.operation import Call, Operation, Service
from vpcflow.base.errors import ServiceError
from vpcflow.control.metrics.metric_store import DAY_S, MetricStore, Series
from vpcflow.control.paging import BadToken, page

LIST_PAGE_MAX = 500
#: A metric without data for longer is not listed.
_LISTED_S = 14 * DAY_S
_RECENTLY_S = 3 * 3600
_NO_ALARMS = "alarms are not offered, so the lists are empty"
_ALARM_FILTERS = (
    "ActionPrefix AlarmNamePrefix AlarmNames AlarmTypes ChildrenOfAlarmName MaxRecords "
    "ParentsOfAlarmName StateValue"
)


def service(metrics: MetricStore) -> Service:
    """CloudWatch over a store of metrics."""
    lister = _Lister(metrics)
    return Service.of(
        "cloudwatch",
        [
            Operation("PutMetricData", PutData(metrics), takes="MetricData Namespace"),
            Operation(
                "ListMetrics",
                lister,
                takes="Dimensions MetricName Namespace NextToken RecentlyActive",
                ignores={"IncludeLinkedAccounts": "accounts are not linked"},
            ),
            Operation(
                "GetMetricStatistics",
                lambda call: get_metric_statistics(metrics, call),
                takes="Dimensions EndTime MetricName Namespace Period StartTime Statistics Unit",
            ),
            Operation(
                "GetMetricData",
                lambda call: get_metric_data(metrics, call),
                takes="EndTime MetricDataQueries ScanBy StartTime",
                ignores={
                    "MaxDatapoints": "all data come in one page",
                    "LabelOptions": "labels hold no times",
                },
                note="metrics, not expressions",
            ),
            Operation(
                "DescribeAlarms",
                _no_alarms,
                ignores=dict.fromkeys(_ALARM_FILTERS.split(), _NO_ALARMS),
                note=_NO_ALARMS,
            ),
        ],
    )


def _no_alarms(_call: Call) -> Mapping[str, Any]:
    return {"CompositeAlarms": [], "MetricAlarms": []}


class _Lister:
    def __init__(self, metrics: MetricStore) -> None:
        self._metrics = metrics

    def __call__(self, call: Call) -> Mapping[str, Any]:
        age_s = _RECENTLY_S if call.get("RecentlyActive") else _LISTED_S
        kept = {
            (one.namespace, one.name, one.dimensions)
            for one in self._metrics.series(call.place, since_s=call.now_s - age_s)
            if _fits(one, call)
        }
        question = str([call.get(name) for name in ("Namespace", "MetricName", "Dimensions")])
        try:
            found, token = page(kept, _key, LIST_PAGE_MAX, call.get("NextToken"), question=question)
        except BadToken as error:
            raise ServiceError("InvalidParameterValue", "Invalid NextToken") from error
        return {
            "Metrics": [
                {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                }
                for namespace, name, dimensions in found
            ],
            "NextToken": token,
        }


def _key(found: tuple[str, str, tuple[tuple[str, str], ...]]) -> str:
    return repr(found)


def _fits(one: Series, call: Call) -> bool:
    if call.get("Namespace") not in (None, one.namespace):
        return False
    if call.get("MetricName") not in (None, one.name):
        return False
    held = dict(one.dimensions)
    return all(
        wanted["Name"] in held and wanted.get("Value") in (None, held[wanted["Name"]])
        for wanted in call.get("Dimensions") or ()
    )
