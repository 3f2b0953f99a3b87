"""Aim: metrics are put, listed and read as CloudWatch does, and refused in its words.

Method: a boto3 client over the service, with a clock that the test owns.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto_over_services import BotoOverServices
from botocore.exceptions import ClientError

from vpcflow.api.aws.monitoring import service
from vpcflow.base.clock import ManualClock
from vpcflow.control.metrics.metric_store import RETENTION_S, MetricStore
from vpcflow.control.state import Database

NOW_S = 1_700_000_040.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
def cloudwatch(tmp_path: Path, clock: ManualClock) -> Any:
    store = MetricStore(Database.in_folder(tmp_path), clock)
    return BotoOverServices({"cloudwatch": service(store)}, clock).client("cloudwatch")


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def put(cloudwatch: Any, **datum: Any) -> None:
    cloudwatch.put_metric_data(Namespace="ours", MetricData=[{"MetricName": "m", **datum}])


def statistics(cloudwatch: Any, **more: Any) -> list[dict[str, Any]]:
    parameters = {
        "Namespace": "ours",
        "MetricName": "m",
        "StartTime": NOW_S - 3600,
        "EndTime": NOW_S + 60,
        "Period": 60,
        "Statistics": ["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
        **more,
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    answer = cloudwatch.get_metric_statistics(**given)
    points: list[dict[str, Any]] = answer["Datapoints"]
    return points


def test_values_of_one_minute_become_one_point(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1.0)
    put(cloudwatch, Values=[2.0, 5.0], Counts=[2.0, 1.0])
    put(
        cloudwatch,
        StatisticValues={"SampleCount": 2.0, "Sum": 10.0, "Minimum": -4.0, "Maximum": 14.0},
    )
    (point,) = statistics(cloudwatch)
    assert point.pop("Timestamp").timestamp() == NOW_S // 60 * 60
    assert point == {
        "SampleCount": 6.0,
        "Sum": 20.0,
        "Average": 20 / 6,
        "Minimum": -4.0,
        "Maximum": 14.0,
        "Unit": "None",
    }


def test_units_and_dimensions_are_metrics_of_their_own(cloudwatch: Any) -> None:
    put(cloudwatch, Value=1.0, Unit="Bytes")
    put(cloudwatch, Value=2.0, Unit="Count")
    put(cloudwatch, Value=3.0, Dimensions=[{"Name": "eni", "Value": "eni-1"}])
    assert sorted(point["Unit"] for point in statistics(cloudwatch)) == ["Bytes", "Count"]
    assert [point["Sum"] for point in statistics(cloudwatch, Unit="Count")] == [2.0]
    listed = cloudwatch.list_metrics(MetricName="m")["Metrics"]
    assert len(listed) == 2
    only = cloudwatch.list_metrics(Dimensions=[{"Name": "eni"}])["Metrics"]
    assert only == [
        {
            "Namespace": "ours",
            "MetricName": "m",
            "Dimensions": [{"Name": "eni", "Value": "eni-1"}],
        }
    ]


def test_get_metric_data_gives_series_newest_first(cloudwatch: Any) -> None:
    for minutes, value in enumerate((1.0, 2.0, 3.0)):
        put(cloudwatch, Value=value, Timestamp=NOW_S - 60 * minutes)
    query = {
        "Id": "q1",
        "MetricStat": {
            "Metric": {"Namespace": "ours", "MetricName": "m"},
            "Period": 60,
            "Stat": "Sum",
        },
    }
    times = {"StartTime": NOW_S - 600, "EndTime": NOW_S + 60}
    (found,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **times)["MetricDataResults"]
    assert found["Values"] == [1.0, 2.0, 3.0]
    assert found["StatusCode"] == "Complete"
    assert found["Label"] == "m"
    expression = {"Id": "e1", "Expression": "q1 * 2"}
    code, message = refused(cloudwatch.get_metric_data, MetricDataQueries=[expression], **times)
    assert code == "ValidationError"
    assert "not offered" in message


def test_old_data_go(cloudwatch: Any, clock: ManualClock) -> None:
    put(cloudwatch, Value=1.0)
    assert len(cloudwatch.list_metrics()["Metrics"]) == 1
    clock.advance(RETENTION_S + 3600)
    put(cloudwatch, MetricName="new", Value=1.0)
    assert [one["MetricName"] for one in cloudwatch.list_metrics()["Metrics"]] == ["new"]
    assert statistics(cloudwatch) == []


@pytest.mark.parametrize(
    ("datum", "code"),
    [
        ({}, "InvalidParameterCombination"),
        ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination"),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue"),
        ({"Values": [1.0], "Counts": [-1.0]}, "InvalidParameterValue"),
        (
            {"StatisticValues": {"SampleCount": -1.0, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "InvalidParameterValue",
        ),
        ({"Value": 1.0, "Timestamp": NOW_S + 3 * 3600}, "InvalidParameterValue"),
        ({"Value": 1.0, "Timestamp": NOW_S - 15 * 86_400}, "InvalidParameterValue"),
        ({"Value": 1e300}, "InvalidParameterValue"),
    ],
)
def test_data_that_cannot_be_are_refused(cloudwatch: Any, datum: dict[str, Any], code: str) -> None:
    assert refused(lambda: put(cloudwatch, **datum))[0] == code
    assert cloudwatch.list_metrics()["Metrics"] == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Statistics": None}, "InvalidParameterCombination"),
        ({"Period": 61}, "InvalidParameterValue"),
        ({"StartTime": NOW_S, "EndTime": NOW_S}, "InvalidParameterCombination"),
        ({"StartTime": NOW_S - 10 * 86_400}, "InvalidParameterCombination"),
    ],
)
def test_questions_that_cannot_be_are_refused(
    cloudwatch: Any, more: dict[str, Any], code: str
) -> None:
    assert refused(lambda: statistics(cloudwatch, **more))[0] == code


def test_there_are_no_alarms(cloudwatch: Any) -> None:
    answer = cloudwatch.describe_alarms(AlarmNames=["x"])
    assert answer["MetricAlarms"] == answer["CompositeAlarms"] == []
