"""Subscription filters: events of a log group that are sent on as they come."""

from __future__ import annotations

from collections.abc import Callable

from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import Arn
from vpcflow.control.logs.filter import METRIC_FILTERS, SUBSCRIPTION_FILTERS, SubscriptionFilter
from vpcflow.control.logs.filter_rules import (
    check_group,
    check_regex_quota,
    checked_filter_name,
    checked_pattern,
    filter_id,
    limit_exceeded,
)
from vpcflow.control.logs.log_group import invalid
from vpcflow.control.state import Change, Place, State
from vpcflow.query.filter_pattern import Pattern

SUBSCRIPTION_FILTERS_MAX = 2
_LAMBDA = (
    "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to "
    "create cross account lambda triggers."
)
_UNDELIVERABLE = (
    "Could not deliver test message to specified {0} stream. "
    "Check if the given {0} stream is in ACTIVE state."
)


#: Whether a record could be sent to a stream, by the role of the filter.
Probe = Callable[[Place, SubscriptionFilter], bool]


def check_destination(place: Place, destination_arn: str, role_arn: str | None) -> None:
    """Only own delivery streams of Firehose are destinations; refuse the others as AWS words it.

    Shape: a stream has no policy by which its account could let another one in.

    Errors: ServiceError.
    """
    try:
        arn = Arn.parse(destination_arn)
    except ServiceError as error:
        raise invalid(f"Invalid destinationArn: {destination_arn}") from error
    if arn.service == "lambda":
        raise ServiceError("AccessDeniedException", _LAMBDA)
    if arn.service in ("kinesis", "firehose") and not role_arn:
        raise invalid(f"destinationArn for vendor {arn.service} cannot be used without roleArn")
    if arn.service == "kinesis":
        raise invalid(_UNDELIVERABLE.format("Kinesis"))
    if arn.service == "logs" and arn.resource.startswith("destination:"):
        raise ServiceError("ResourceNotFoundException", "The specified destination does not exist.")
    if arn.service != "firehose" or not arn.resource.startswith("deliverystream/"):
        raise invalid(
            f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {arn.service}"
        )
    if (arn.account_id, arn.region) != place:
        raise invalid(_UNDELIVERABLE.format("Firehose"))


def put_subscription_filter(
    state: State, place: Place, wanted: SubscriptionFilter, probe: Probe
) -> None:
    """Make or replace a subscription filter, once ``probe`` reached its destination.

    Errors: ServiceError.
    """
    check_destination(place, wanted.destination_arn, wanted.role_arn)
    checked_filter_name(wanted.name)
    pattern = checked_pattern(wanted.pattern)
    _check(state, place, wanted, pattern)
    # Outside the transaction: it may take its time, and nothing is changed yet.
    if not probe(place, wanted):
        raise invalid(_UNDELIVERABLE.format("Firehose"))
    with state.change() as change:
        _check(change, place, wanted, pattern)
        change.put(
            SUBSCRIPTION_FILTERS, place, filter_id(wanted.log_group_name, wanted.name), wanted
        )


def delete_subscription_filter(state: State, place: Place, group: str, name: str) -> None:
    """Remove a subscription filter.

    Errors: ServiceError ``ResourceNotFoundException``.
    """
    with state.change() as change:
        check_group(change, place, group)
        if change.get(SUBSCRIPTION_FILTERS, place, filter_id(group, name)) is None:
            raise ServiceError(
                "ResourceNotFoundException", "The specified subscription filter does not exist."
            )
        change.remove(SUBSCRIPTION_FILTERS, place, filter_id(group, name))


def _check(
    view: State | Change, place: Place, wanted: SubscriptionFilter, pattern: Pattern
) -> None:
    group = wanted.log_group_name
    check_group(view, place, group)
    others = [
        one
        for one in view.all(SUBSCRIPTION_FILTERS, place).values()
        if one.log_group_name == group and one.name != wanted.name
    ]
    if len(others) >= SUBSCRIPTION_FILTERS_MAX:
        raise limit_exceeded()
    counted = [
        one.pattern
        for one in view.all(METRIC_FILTERS, place).values()
        if one.log_group_name == group
    ]
    check_regex_quota([*counted, *(one.pattern for one in others)], pattern)
