"""What IAM's operations share: finding, refusing, paging, tags and dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from vpcflow.api.aws.operation import Call
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import CallerKind
from vpcflow.control.identity import (
    GROUPS,
    INSTANCE_PROFILES,
    ROLES,
    SERVICE_ROLE_PATH,
    USERS,
    Group,
    InstanceProfile,
    ManagedPolicy,
    Role,
    User,
    attachable_policy,
    iam_place,
)
from vpcflow.control.paging import BadToken, page
from vpcflow.control.state import Change, Kind, Place, State
from vpcflow.control.tags import tag_conditions

T = TypeVar("T")
View = State | Change
PAGE_ITEMS = 100
TAGS_MAX = 50
_TAG_KEY_LENGTH_MAX = 128


def place_of(call: Call) -> Place:
    """Where the caller's IAM is."""
    return iam_place(call.caller.account_id)


def condition_keys(view: View, call: Call) -> dict[str, Any]:
    """IAM's own condition keys of a request.

    Shape: the boundary is the one that the request sets, else that of the user or role it is about.
    """
    boundary = call.get("PermissionsBoundary")
    if boundary is None:
        kind: Kind[Any] = USERS if call.get("UserName") is not None else ROLES
        name = call.get("UserName") or call.get("RoleName")
        holder = view.get(kind, place_of(call), str(name)) if name else None
        boundary = (holder.boundary or None) if holder is not None else None
    tags = {str(tag.get("Key", "")): tag.get("Value", "") for tag in call.get("Tags") or ()}
    return {
        "iam:PolicyARN": call.get("PolicyArn"),
        "iam:PermissionsBoundary": boundary,
        **tag_conditions(tags),
        **({"aws:TagKeys": tuple(call.get("TagKeys"))} if call.get("TagKeys") else {}),
    }


def no_such(message: str) -> ServiceError:
    """The error for what is not there."""
    return ServiceError("NoSuchEntity", message, status=404)


def exists(message: str) -> ServiceError:
    """The error for what is there already."""
    return ServiceError("EntityAlreadyExists", message, status=409)


def conflict(message: str) -> ServiceError:
    """The error for what something else still needs."""
    return ServiceError(
        "DeleteConflict", f"Cannot delete entity, must {message} first.", status=409
    )


def limit(what: str, number: int) -> ServiceError:
    """The error for one more than a quota."""
    return ServiceError("LimitExceeded", f"Cannot exceed quota for {what}: {number}", status=409)


def invalid(message: str) -> ServiceError:
    """The error for a parameter that cannot be right."""
    return ServiceError("ValidationError", message)


def _named(view: View, kind: Kind[T], call: Call, parameter: str, noun: str) -> T:
    name = str(call.get(parameter))
    found = view.get(kind, place_of(call), name)
    if found is None:
        raise no_such(f"The {noun} with name {name} cannot be found.")
    return found


def user_of(view: View, call: Call) -> User:
    """The user that a request names, or the caller's own when it names none.

    Errors: ServiceError ``NoSuchEntity``; ``ValidationError`` when the caller is no user.
    """
    if call.get("UserName") is None:
        if call.caller.kind is not CallerKind.USER:
            raise invalid("Must specify userName when calling with non-User credentials")
        found = view.get(USERS, place_of(call), call.caller.name)
        if found is not None:
            return found
    return _named(view, USERS, call, "UserName", "user")


def group_of(view: View, call: Call) -> Group:
    """The group that a request names.

    Errors: ServiceError ``NoSuchEntity``.
    """
    return _named(view, GROUPS, call, "GroupName", "group")


def role_of(view: View, call: Call) -> Role:
    """The role that a request names.

    Errors: ServiceError ``NoSuchEntity``.
    """
    return _named(view, ROLES, call, "RoleName", "role")


def changeable_role_of(view: View, call: Call) -> Role:
    """The role that a request names, if it is no service's.

    Errors: ServiceError ``NoSuchEntity``, ``UnmodifiableEntity``.
    """
    found = role_of(view, call)
    if found.path.startswith(SERVICE_ROLE_PATH):
        raise ServiceError(
            "UnmodifiableEntity",
            f"Cannot perform the operation on the protected role '{found.name}' - this role is "
            "only modifiable by AWS",
        )
    return found


def profile_of(view: View, call: Call) -> InstanceProfile:
    """The instance profile that a request names.

    Errors: ServiceError ``NoSuchEntity``.
    """
    name = str(call.get("InstanceProfileName"))
    found = view.get(INSTANCE_PROFILES, place_of(call), name)
    if found is None:
        raise no_such(f"Instance Profile {name} cannot be found.")
    return found


def policy_of(view: View, call: Call) -> ManagedPolicy:
    """The managed policy that a request names by its ARN: AWS's or one of the caller's account.

    Errors: ServiceError ``NoSuchEntity``.
    """
    arn = str(call.get("PolicyArn"))
    if not arn.startswith("arn:") or arn.count(":") < 5:
        raise ServiceError("InvalidInput", f"ARN {arn} is not valid.")
    found = attachable_policy(view, call.caller.account_id, arn)
    if found is None:
        raise no_such(f"Policy {arn} was not found.")
    return found


def check_free(view: View, kind: Kind[Any], call: Call, name: str, message: str) -> None:
    """Refuse a name that is taken, in whatever letters.

    Errors: ServiceError ``EntityAlreadyExists``.
    """
    wanted = name.lower()
    if any(taken.lower() == wanted for taken in view.all(kind, place_of(call))):
        raise exists(message)


def path_given(call: Call) -> str:
    """The path of something new.

    Errors: ServiceError ``ValidationError``.
    """
    path = str(call.get("Path") or "/")
    if not (path.startswith("/") and path.endswith("/")):
        raise invalid(
            "The specified value for path is invalid. It must begin and end with / and contain "
            "only alphanumeric characters and/or / characters."
        )
    return path


def boundary_given(view: View, call: Call) -> str:
    """The permissions boundary of something new; empty without one.

    Errors: ServiceError ``NoSuchEntity``.
    """
    arn = str(call.get("PermissionsBoundary") or "")
    if arn and attachable_policy(view, call.caller.account_id, arn) is None:
        raise no_such(f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn


def check_size(document: str, size_max: int, message: str, before: Iterable[str] = ()) -> None:
    """Refuse a policy document that is too long, alone or with those of ``before``; blanks are free.

    Errors: ServiceError ``LimitExceeded``.
    """
    if sum(len("".join(text.split())) for text in (document, *before)) > size_max:
        raise ServiceError("LimitExceeded", message, status=409)


def tags_given(call: Call, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tags of a request, added to those that were there.

    Errors: ServiceError ``InvalidInput`` or ``LimitExceeded``.
    """
    tags = dict(before or {})
    for tag in call.get("Tags") or ():
        key = str(tag.get("Key", ""))
        if not key or len(key) > _TAG_KEY_LENGTH_MAX or key.lower().startswith("aws:"):
            raise ServiceError("InvalidInput", f"The tag key {key!r} is not allowed.")
        tags[key] = str(tag.get("Value", ""))
    if len(tags) > TAGS_MAX:
        raise limit("TagsPerResource", TAGS_MAX)
    return tags


def tags_without(call: Call, before: Mapping[str, str]) -> dict[str, str]:
    """The tags that stay when those of ``TagKeys`` go."""
    gone = set(call.get("TagKeys") or ())
    return {key: value for key, value in before.items() if key not in gone}


def tag_items(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API answers them, in the order in which they came."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def date(moment_s: float) -> datetime:
    """A moment as the API answers it, in whole seconds."""
    return datetime.fromtimestamp(int(moment_s), UTC)


def encoded(document: str) -> str:
    """A document as the API answers it: percent-encoded."""
    return quote(document, safe="")


def paged(
    call: Call,
    member: str,
    items: Iterable[T],
    key: Callable[[T], str],
    show: Callable[[T], Any],
) -> dict[str, Any]:
    """One page of a list.

    Errors: ServiceError ``ValidationError`` for a marker that was not made here.
    """
    prefix = str(call.get("PathPrefix") or "")
    question = f"{call.operation} {prefix} {call.caller.account_id}"
    try:
        given, marker = page(
            items,
            key,
            int(call.get("MaxItems") or PAGE_ITEMS),
            call.get("Marker"),
            question=question,
        )
    except BadToken as error:
        raise invalid("Invalid Marker.") from error
    return {member: [show(item) for item in given], "IsTruncated": bool(marker), "Marker": marker}


def under_path(call: Call, items: Iterable[Any]) -> Sequence[Any]:
    """Those whose path begins as the request wants it."""
    prefix = str(call.get("PathPrefix") or "/")
    return [item for item in items if item.path.startswith(prefix)]
