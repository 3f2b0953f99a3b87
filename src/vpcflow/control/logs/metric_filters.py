"""Metric filters: what is counted among the events of a log group."""

from __future__ import annotations

from vpcflow.base.errors import FilterError, ServiceError
from vpcflow.control.logs.filter import METRIC_FILTERS, SUBSCRIPTION_FILTERS, MetricFilter
from vpcflow.control.logs.filter_rules import (
    check_group,
    check_regex_quota,
    checked_filter_name,
    checked_pattern,
    filter_id,
    limit_exceeded,
)
from vpcflow.control.logs.log_group import invalid
from vpcflow.control.state import Place, State
from vpcflow.query.filter_pattern import Pattern
from vpcflow.query.filter_pattern.parse_json import parse_selector
from vpcflow.query.filter_pattern.tree import Json, Slots
from vpcflow.query.filter_pattern.values import number_of

METRIC_FILTERS_MAX = 100
DIMENSIONS_MAX = 3
_TRANSFORMATION = "Invalid metric transformation: "


def put_metric_filter(state: State, place: Place, wanted: MetricFilter) -> None:
    """Make or replace a metric filter.

    Errors: ServiceError.
    """
    checked_filter_name(wanted.name)
    pattern = checked_pattern(wanted.pattern)
    _check_transformation(wanted, pattern)
    with state.change() as change:
        check_group(change, place, wanted.log_group_name)
        others = [
            one
            for one in change.all(METRIC_FILTERS, place).values()
            if one.log_group_name == wanted.log_group_name and one.name != wanted.name
        ]
        if len(others) >= METRIC_FILTERS_MAX:
            raise limit_exceeded()
        subscriptions = [
            one.pattern
            for one in change.all(SUBSCRIPTION_FILTERS, place).values()
            if one.log_group_name == wanted.log_group_name
        ]
        check_regex_quota([*subscriptions, *(one.pattern for one in others)], pattern)
        change.put(METRIC_FILTERS, place, filter_id(wanted.log_group_name, wanted.name), wanted)


def delete_metric_filter(state: State, place: Place, group: str, name: str) -> None:
    """Remove a metric filter.

    Errors: ServiceError ``ResourceNotFoundException``.
    """
    with state.change() as change:
        check_group(change, place, group)
        if change.get(METRIC_FILTERS, place, filter_id(group, name)) is None:
            raise ServiceError(
                "ResourceNotFoundException", "The specified metric filter does not exist."
            )
        change.remove(METRIC_FILTERS, place, filter_id(group, name))


def _check_transformation(wanted: MetricFilter, pattern: Pattern) -> None:
    if wanted.dimensions and wanted.default_value is not None:
        raise invalid(
            f"{_TRANSFORMATION}dimensions and default value are mutually exclusive properties."
        )
    if len(wanted.dimensions) > DIMENSIONS_MAX:
        raise invalid(f"{_TRANSFORMATION}at most {DIMENSIONS_MAX} dimensions.")
    if number_of(wanted.value) is None:
        _check_selector(wanted.value, pattern, "metricValue")
    for selector in wanted.dimensions.values():
        _check_selector(selector, pattern, "dimension")


def _check_selector(selector: str, pattern: Pattern, what: str) -> None:
    known = False
    if isinstance(pattern, Slots):
        names = {f"${slot.name}" for slot in pattern.slots if slot.name}
        known = selector in names or (selector[:1] == "$" and selector[1:].isdecimal())
    elif isinstance(pattern, Json):
        try:
            parse_selector(selector)
            known = True
        except FilterError:
            known = False
    if not known:
        raise invalid(f"{_TRANSFORMATION}{what} {selector} is not a field of the filter pattern.")
