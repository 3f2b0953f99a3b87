"""Operations on metric filters and subscription filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from vpcflow.api.aws.logs.requests import any_group, group_name, group_resources
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.logs.filter import (
    METRIC_FILTERS,
    SUBSCRIPTION_FILTERS,
    MetricFilter,
    SubscriptionFilter,
)
from vpcflow.control.logs.filter_rules import check_group, checked_pattern
from vpcflow.control.logs.log_event_filters import control_message
from vpcflow.control.logs.log_group import checked_name, invalid, violated
from vpcflow.control.logs.metric_filters import delete_metric_filter, put_metric_filter
from vpcflow.control.logs.subscription_filters import (
    check_destination,
    delete_subscription_filter,
    put_subscription_filter,
)
from vpcflow.control.paging import BadToken, page
from vpcflow.control.state import Place, State
from vpcflow.query.filter_pattern import matcher

PAGE_MAX = 50
TEST_MESSAGES_MAX = 50
_SERVICE = "logs.amazonaws.com"
_TRANSFORMED = "there are no transformers; the value is kept and shown"

#: Whether a role may put records into a stream: place, role, stream.
RoleMay = Callable[[Place, str, str], bool]
#: Whether a stream takes records; and the way to it.
StreamExists = Callable[[Place, str], bool]
SendToStream = Callable[[str, list[bytes]], None]

T = TypeVar("T", MetricFilter, SubscriptionFilter)


def operations(
    state: State,
    *,
    stream_exists: StreamExists,
    send_to_stream: SendToStream,
    role_may: RoleMay = lambda _place, _role, _stream: True,
) -> list[Operation]:
    """The operations on filters.

    Shape: ``stream_exists`` and ``send_to_stream`` take ARNs of delivery streams.
    """
    handlers = _Handlers(state, stream_exists, send_to_stream, role_may)
    paged = "filterNamePrefix limit logGroupName nextToken"
    put = "applyOnTransformedLogs filterName filterPattern logGroupName"
    return [
        Operation(
            "PutMetricFilter",
            handlers.put_metric,
            takes=f"{put} metricTransformations",
            resources=_group,
            note=f"applyOnTransformedLogs: {_TRANSFORMED}",
        ),
        Operation(
            "DescribeMetricFilters",
            handlers.describe_metric,
            takes=f"{paged} metricName metricNamespace",
            resources=_group,
        ),
        Operation(
            "DeleteMetricFilter",
            handlers.delete_metric,
            takes="filterName logGroupName",
            resources=_group,
        ),
        Operation("TestMetricFilter", handlers.test, takes="filterPattern logEventMessages"),
        Operation(
            "PutSubscriptionFilter",
            handlers.put_subscription,
            takes=f"{put} destinationArn distribution roleArn",
            resources=_group,
            note=f"delivery streams are the destinations; applyOnTransformedLogs: {_TRANSFORMED}",
        ),
        Operation(
            "DescribeSubscriptionFilters",
            handlers.describe_subscription,
            takes=paged,
            resources=_group,
        ),
        Operation(
            "DeleteSubscriptionFilter",
            handlers.delete_subscription,
            takes="filterName logGroupName",
            resources=_group,
        ),
    ]


def _group(call: Call) -> Sequence[str]:
    return any_group(call) if call.get("logGroupName") is None else group_resources(call)


class _Handlers:
    def __init__(
        self,
        state: State,
        stream_exists: StreamExists,
        send_to_stream: SendToStream,
        role_may: RoleMay,
    ) -> None:
        self._state = state
        self._stream_exists = stream_exists
        self._send = send_to_stream
        self._role_may = role_may

    def put_metric(self, call: Call) -> None:
        transformations = call.get("metricTransformations") or []
        if len(transformations) != 1:
            raise violated(
                "metricTransformations", transformations, "have length less than or equal to 1"
            )
        (one,) = transformations
        wanted = MetricFilter(
            call.get("filterName"),
            group_name(call),
            call.get("filterPattern", ""),
            one["metricName"],
            one["metricNamespace"],
            one["metricValue"],
            int(call.now_s * 1000),
            one.get("defaultValue"),
            one.get("unit"),
            one.get("dimensions") or {},
            bool(call.get("applyOnTransformedLogs", False)),
        )
        put_metric_filter(self._state, call.place, wanted)

    def describe_metric(self, call: Call) -> Mapping[str, Any]:
        name, namespace = call.get("metricName"), call.get("metricNamespace")
        if (name is None) != (namespace is None):
            raise invalid("metricName and metricNamespace must be specified together.")
        found = (
            one
            for one in self._state.all(METRIC_FILTERS, call.place).values()
            if name is None or (one.metric_name, one.namespace) == (name, namespace)
        )
        items, token = self._page(call, found)
        return {"metricFilters": [_metric_item(one) for one in items], "nextToken": token}

    def delete_metric(self, call: Call) -> None:
        delete_metric_filter(self._state, call.place, group_name(call), call.get("filterName"))

    def test(self, call: Call) -> Mapping[str, Any]:
        pattern = matcher(checked_pattern(call.get("filterPattern", "")))
        matches = []
        for number, message in enumerate(call.get("logEventMessages"), 1):
            found = pattern.matches(message)
            if found is not None:
                matches.append(
                    {
                        "eventNumber": number,
                        "eventMessage": message,
                        "extractedValues": dict(found.values),
                    }
                )
        return {"matches": matches}

    def put_subscription(self, call: Call) -> None:
        role_arn = call.get("roleArn")
        check_destination(call.place, call.get("destinationArn"), role_arn)
        call.authorize(call.caller, "iam:PassRole", [role_arn], {"iam:PassedToService": _SERVICE})
        wanted = SubscriptionFilter(
            call.get("filterName"),
            group_name(call),
            call.get("filterPattern", ""),
            call.get("destinationArn"),
            int(call.now_s * 1000),
            role_arn,
            call.get("distribution", "ByLogStream"),
            bool(call.get("applyOnTransformedLogs", False)),
        )
        put_subscription_filter(self._state, call.place, wanted, self._probe)

    def _probe(self, place: Place, wanted: SubscriptionFilter) -> bool:
        if not self._stream_exists(place, wanted.destination_arn):
            return False
        if not self._role_may(place, wanted.role_arn or "", wanted.destination_arn):
            return False
        self._send(wanted.destination_arn, [control_message(wanted.created_ms)])
        return True

    def describe_subscription(self, call: Call) -> Mapping[str, Any]:
        found = self._state.all(SUBSCRIPTION_FILTERS, call.place).values()
        items, token = self._page(call, found)
        return {
            "subscriptionFilters": [_subscription_item(one) for one in items],
            "nextToken": token,
        }

    def delete_subscription(self, call: Call) -> None:
        delete_subscription_filter(
            self._state, call.place, group_name(call), call.get("filterName")
        )

    def _page(self, call: Call, found: Iterable[T]) -> tuple[list[T], str | None]:
        group, prefix = call.get("logGroupName"), call.get("filterNamePrefix", "")
        if group is not None:
            check_group(self._state, call.place, checked_name(group))
        kept = (
            one
            for one in found
            if (group is None or one.log_group_name == group) and one.name.startswith(prefix)
        )
        question = f"{call.operation} {group} {prefix} {call.get('metricName')}"
        try:
            return page(
                kept,
                lambda one: f"{one.name}:{one.log_group_name}",
                call.get("limit", PAGE_MAX),
                call.get("nextToken"),
                question=question,
            )
        except BadToken as error:
            raise invalid("The specified nextToken is invalid.") from error


def _metric_item(one: MetricFilter) -> Mapping[str, Any]:
    return {
        "filterName": one.name,
        "filterPattern": one.pattern,
        "metricTransformations": [
            {
                "metricName": one.metric_name,
                "metricNamespace": one.namespace,
                "metricValue": one.value,
                "defaultValue": one.default_value,
                "dimensions": dict(one.dimensions) or None,
                "unit": one.unit,
            }
        ],
        "creationTime": one.created_ms,
        "logGroupName": one.log_group_name,
        "applyOnTransformedLogs": one.apply_on_transformed_logs,
    }


def _subscription_item(one: SubscriptionFilter) -> Mapping[str, Any]:
    return {
        "filterName": one.name,
        "logGroupName": one.log_group_name,
        "filterPattern": one.pattern,
        "destinationArn": one.destination_arn,
        "roleArn": one.role_arn,
        "distribution": one.distribution,
        "creationTime": one.created_ms,
        "applyOnTransformedLogs": one.apply_on_transformed_logs,
    }
