"""Tags of EC2 resources, kept apart from the resources, by resource id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.state import Change, Kind, Place

TAGS_MAX = 50
KEY_LENGTH_MAX = 127
VALUE_LENGTH_MAX = 256


@dataclass(frozen=True, slots=True)
class TagSet:
    """The tags of one resource; ``resource_type`` is EC2's word for its kind: ``vpc``, ``subnet``."""

    resource_type: str
    tags: Mapping[str, str] = field(default_factory=dict)


TAG_SETS: Kind[TagSet] = Kind("tag-set", TagSet)


def tags_of(view: Any, place: Place, resource_id: str) -> Mapping[str, str]:
    """The tags of a resource; ``view`` is a State or a Change."""
    found = view.get(TAG_SETS, place, resource_id)
    return found.tags if found else {}


def add_tags(
    change: Change, place: Place, resource_id: str, resource_type: str, tags: Mapping[str, str]
) -> None:
    """Add or replace tags.

    Errors: ServiceError for too many, too long or reserved ones; then nothing was changed.
    """
    check_tags(tags)
    merged = {**tags_of(change, place, resource_id), **tags}
    _check_count(merged)
    if tags:
        change.put(TAG_SETS, place, resource_id, TagSet(resource_type, merged))


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that no resource can have.

    Errors: ServiceError for too many, too long or reserved ones.
    """
    _check_count(tags)
    for key, value in tags.items():
        if not key or len(key) > KEY_LENGTH_MAX or len(value) > VALUE_LENGTH_MAX:
            raise ServiceError(
                "InvalidParameterValue",
                f"Tag key exceeds the maximum length of {KEY_LENGTH_MAX} characters"
                if len(key) > KEY_LENGTH_MAX
                else f"Tag value exceeds the maximum length of {VALUE_LENGTH_MAX} characters"
                if key
                else "Tag key cannot be null or empty",
            )
        if key.lower().startswith("aws:"):
            raise ServiceError(
                "InvalidParameterValue",
                "Tag keys starting with 'aws:' are reserved for internal use",
            )


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > TAGS_MAX:
        raise ServiceError(
            "TagLimitExceeded", "The maximum number of tags for a resource has been reached."
        )


def remove_tags(
    change: Change, place: Place, resource_id: str, keys: Mapping[str, str | None] | None
) -> None:
    """Remove tags: those of ``keys`` whose value is the given one or None; all without ``keys``."""
    found = change.get(TAG_SETS, place, resource_id)
    if found is None:
        return
    left = {
        key: value
        for key, value in found.tags.items()
        if keys is not None and (key not in keys or keys[key] not in (None, value))
    }
    if left:
        change.put(TAG_SETS, place, resource_id, TagSet(found.resource_type, left))
    else:
        change.remove(TAG_SETS, place, resource_id)


def tags_from(
    specifications: Sequence[Mapping[str, Any]] | None, resource_type: str
) -> dict[str, str]:
    """The tags of a ``TagSpecifications`` parameter.

    Errors: ServiceError ``InvalidParameter`` for one without a type or without tags,
    ``InvalidParameterValue`` when they are for another kind of resource.
    """
    tags: dict[str, str] = {}
    for specification in specifications or ():
        wanted = specification.get("ResourceType")
        if not wanted:
            raise ServiceError(
                "InvalidParameter", "Tag specification resource type must have a value"
            )
        if not specification.get("Tags"):
            raise ServiceError("InvalidParameter", "Tag specification must have at least one tag")
        if wanted != resource_type:
            raise ServiceError(
                "InvalidParameterValue",
                f"'{wanted}' is not a valid taggable resource type for this operation.",
            )
        for tag in specification["Tags"]:
            tags[tag.get("Key", "")] = tag.get("Value", "")
    return tags


def tag_conditions(tags: Mapping[str, str]) -> dict[str, Any]:
    """The condition keys of a request that gives tags."""
    keys = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return {**keys, "aws:TagKeys": tuple(tags)} if tags else {}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API answers them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
