"""What all Describe operations of the network share: ids, filters, pages, tags and ARNs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.filters import Values, select
from vpcflow.control.network.lookup import View, find_all, not_found
from vpcflow.control.paging import BadToken, page
from vpcflow.control.state import Kind
from vpcflow.control.tags import TAG_SETS, tag_conditions, tag_list, tags_from, tags_of

T = TypeVar("T")
PAGE_MIN = 5
PAGE_MAX = 1000
#: Parameters that every paged Describe takes.
PAGED = "Filters MaxResults NextToken"


def text_of(value: bool) -> str:
    """A truth value as filters compare it."""
    return "true" if value else "false"


def resource_arn(call: Call, kind: str, resource_id: str) -> str:
    """The ARN of a resource of the caller's account."""
    return arn("ec2", call.region, call.caller.account_id, f"{kind}/{resource_id}")


def arns(kind: str, parameter: str) -> Callable[[Call], Sequence[str]]:
    """Says the ARN of what one parameter names, for ``Operation.resources``."""

    def of_call(call: Call) -> Sequence[str]:
        return [resource_arn(call, kind, str(call.get(parameter) or "*"))]

    return of_call


def new_arn(kind: str) -> Callable[[Call], Sequence[str]]:
    """Says the ARN that stands for one that is about to be made."""
    return lambda call: [resource_arn(call, kind, "*")]


def tag_members(call: Call, view: View, resource_id: str) -> list[dict[str, str]]:
    """The tags of a resource as the API answers them."""
    return tag_list(tags_of(view, call.place, resource_id))


def new_tags(call: Call, resource_type: str) -> dict[str, str]:
    """The tags that a request gives to what it makes, which its caller must be allowed to give."""
    tags = tags_from(call.get("TagSpecifications"), resource_type)
    if tags:
        made_by = {"ec2:CreateAction": call.operation, **tag_conditions(tags)}
        call.authorize(
            call.caller, "ec2:CreateTags", [resource_arn(call, resource_type, "*")], made_by
        )
    return tags


def chosen(
    call: Call,
    view: View,
    kind: Kind[T],
    ids_parameter: str,
    key: Callable[[T], str],
    known: Mapping[str, Values[T]],
    page_min: int = PAGE_MIN,
) -> tuple[list[T], str | None]:
    """The resources of a kind that a Describe asks for: one page, and the token of the next."""
    ids = call.get(ids_parameter) or ()
    items = (
        find_all(view, kind, call.place, ids) if ids else list(view.all(kind, call.place).values())
    )
    return paged(call, view, items, key, known, ids_parameter, page_min)


def chosen_of(
    call: Call,
    view: View,
    items: Mapping[str, T],
    kind_name: str,
    ids_parameter: str,
    key: Callable[[T], str],
    known: Mapping[str, Values[T]],
) -> tuple[list[T], str | None]:
    """The same for what is no kind of the state."""
    ids = list(dict.fromkeys(call.get(ids_parameter) or ()))
    missing = [resource_id for resource_id in ids if resource_id not in items]
    if missing:
        raise not_found(kind_name, missing)
    found = [items[resource_id] for resource_id in ids] if ids else list(items.values())
    return paged(call, view, found, key, known, ids_parameter)


def paged(
    call: Call,
    view: View,
    items: Sequence[T],
    key: Callable[[T], str],
    known: Mapping[str, Values[T]],
    ids_parameter: str = "",
    page_min: int = PAGE_MIN,
) -> tuple[list[T], str | None]:
    """Those of the items that the filters let through: one page, and the token of the next.

    Errors: ServiceError ``InvalidParameterCombination``, ``InvalidParameterValue``,
    ``InvalidNextToken``.
    """
    limit, token = call.get("MaxResults"), call.get("NextToken")
    if limit is not None and ids_parameter and call.get(ids_parameter):
        word = ids_parameter[0].lower() + ids_parameter[1:]
        raise ServiceError(
            "InvalidParameterCombination",
            f"The parameter {word} cannot be used with the parameter maxResults",
        )
    if limit is not None and limit < page_min:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ( {limit} ) for parameter maxResults is invalid. "
            f"Expecting a value of at least {page_min}.",
        )
    place, tag_sets = call.place, view.all(TAG_SETS, call.place)

    def tags(item: T) -> Mapping[str, str]:
        held = tag_sets.get(key(item))
        return held.tags if held else {}

    kept = select(items, call.get("Filters"), known, tags)
    # Without MaxResults everything is answered at once, as by AWS.
    size = min(limit, PAGE_MAX) if limit is not None else max(len(kept), 1)
    question = repr((place, call.operation, call.get("Filters"), call.get(ids_parameter)))
    try:
        return page(kept, key, size, token, question=question)
    except BadToken as error:
        raise ServiceError("InvalidNextToken", f"The token '{token}' is invalid.") from error


def with_token(members: dict[str, Any], token: str | None) -> dict[str, Any]:
    """An answer, with the token of the next page where there is one."""
    return members if token is None else {**members, "NextToken": token}


def boolean(call: Call, name: str) -> bool | None:
    """An AttributeBooleanValue; None when it was not given."""
    value = (call.get(name) or {}).get("Value")
    return None if value is None else bool(value)
