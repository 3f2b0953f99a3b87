"""Metric filters and subscription filters as resources of their log groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vpcflow.control.state import Change, Kind, Place, State


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """One metric filter with its only transformation.

    Shape: ``value`` is a number, or ``$name``, ``$7`` or ``$.path`` of the event; ``dimensions``
    are such selectors by name; ``unit`` is None when it was not given.
    Units: ``created_ms`` in milliseconds since the epoch.
    """

    name: str
    log_group_name: str
    pattern: str
    metric_name: str
    namespace: str
    value: str
    created_ms: int
    default_value: float | None = None
    unit: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    apply_on_transformed_logs: bool = False


METRIC_FILTERS: Kind[MetricFilter] = Kind("metric-filter", MetricFilter)


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """One subscription filter.

    Units: ``created_ms`` in milliseconds since the epoch.
    """

    name: str
    log_group_name: str
    pattern: str
    destination_arn: str
    created_ms: int
    role_arn: str | None = None
    distribution: str = "ByLogStream"
    apply_on_transformed_logs: bool = False


SUBSCRIPTION_FILTERS: Kind[SubscriptionFilter] = Kind("subscription-filter", SubscriptionFilter)


def count(view: State | Change, place: Place, group: str) -> int:
    """How many metric filters a group has: its ``metricFilterCount``."""
    return counts(view, place).get(group, 0)


def counts(view: State | Change, place: Place) -> Mapping[str, int]:
    """The number of metric filters of each group that has some."""
    found: dict[str, int] = {}
    for one in view.all(METRIC_FILTERS, place).values():
        found[one.log_group_name] = found.get(one.log_group_name, 0) + 1
    return found


def forget_group(change: Change, place: Place, group: str) -> None:
    """Remove the metric filters and the subscription filters of a group that goes."""
    kinds: tuple[Kind[Any], ...] = (METRIC_FILTERS, SUBSCRIPTION_FILTERS)
    for kind in kinds:
        for key in [key for key in change.all(kind, place) if key.partition(":")[0] == group]:
            change.remove(kind, place, key)
