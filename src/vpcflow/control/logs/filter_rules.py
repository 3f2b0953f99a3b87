"""What metric filters and subscription filters have in common: their patterns and bounds."""

from __future__ import annotations

from collections.abc import Iterable

from vpcflow.base.errors import FilterError, ServiceError
from vpcflow.control.logs.log_group import LOG_GROUPS, group_missing, invalid, violated
from vpcflow.control.state import Change, Place, State
from vpcflow.query.filter_pattern import Pattern, parse_pattern
from vpcflow.query.filter_pattern.tree import All, Any, Condition, Json, Member, Regex, Slots

PATTERN_LENGTH_MAX = 1024
FILTER_NAME_LENGTH_MAX = 512
#: Filters of one group, metric and subscription filters together, that hold a regular expression.
REGEX_FILTERS_MAX = 5
_NAME_PATTERN = "[^:*]*"


def checked_pattern(text: str, member: str = "filterPattern") -> Pattern:
    """A filter pattern, read.

    Errors: ServiceError ``InvalidParameterException``.
    """
    if len(text) > PATTERN_LENGTH_MAX:
        raise violated(member, text, f"have length less than or equal to {PATTERN_LENGTH_MAX}")
    try:
        return parse_pattern(text)
    except FilterError as error:
        raise invalid(
            f"Invalid filter pattern: {error.what} (character {error.position + 1})"
        ) from error


def checked_filter_name(name: str, member: str = "filterName") -> str:
    """A filter's name as it may be.

    Errors: ServiceError ``InvalidParameterException``.
    """
    if not name:
        raise violated(member, name, "have length greater than or equal to 1")
    if len(name) > FILTER_NAME_LENGTH_MAX:
        raise violated(member, name, f"have length less than or equal to {FILTER_NAME_LENGTH_MAX}")
    if ":" in name or "*" in name:
        raise violated(member, name, f"satisfy regular expression pattern: {_NAME_PATTERN}")
    return name


def filter_id(group: str, name: str) -> str:
    """The id of a filter among all of a place; neither name holds a colon."""
    return f"{group}:{name}"


def check_group(view: State | Change, place: Place, group: str) -> None:
    """Errors: ServiceError ``ResourceNotFoundException`` when there is no such group."""
    if view.get(LOG_GROUPS, place, group) is None:
        raise group_missing()


def check_regex_quota(patterns: Iterable[str], new: Pattern) -> None:
    """Errors: ServiceError ``LimitExceededException`` for one regular expression too many."""
    if (
        holds_regex(new)
        and sum(holds_regex(parse_pattern(text)) for text in patterns) >= REGEX_FILTERS_MAX
    ):
        raise limit_exceeded()


def limit_exceeded() -> ServiceError:
    """The refusal of one too many."""
    return ServiceError("LimitExceededException", "Resource limit exceeded.")


def holds_regex(pattern: Pattern) -> bool:
    """Whether a regular expression is part of a pattern."""
    match pattern:
        case Slots(slots):
            return any(
                isinstance(one.value, Regex)
                for slot in slots
                for together in slot.alternatives
                for one in together
            )
        case Json(condition):
            return _condition_holds_regex(condition)
    return any(isinstance(term.value, Regex) for term in pattern.terms)


def _condition_holds_regex(condition: Condition) -> bool:
    if isinstance(condition, All | Any):
        return any(map(_condition_holds_regex, condition.parts))
    return isinstance(condition, Member) and isinstance(condition.comparison.value, Regex)
