"""A log group as a resource, its names, and what stays of one that was deleted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import arn
from vpcflow.control.state import Kind, Place

NAME_LENGTH_MAX = 512
IDENTIFIER_LENGTH_MAX = 2048
NAME_PATTERN = r"[\.\-_/#A-Za-z0-9]+"
STREAM_NAME_PATTERN = "[^:*]*"
IDENTIFIER_PATTERN = r"[\w#+=/:,.@-]*"
#: Days that a retention policy may have.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
)
CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")
DAY_MS = 86_400_000
GROUP_MISSING = "The specified log group does not exist."
_TOO_LONG = "Invalid LogGroup or LogStream, both must have length less than or equal to 512."


@dataclass(frozen=True, slots=True)
class LogGroup:
    """One log group.

    Shape: ``visible_from_s``: flow records of the table that start earlier are not in the group,
    since one of the same name was deleted then; 0 when there was none.
    Units: ``created_ms`` in milliseconds since the epoch, ``visible_from_s`` in seconds.
    """

    name: str
    created_ms: int
    log_group_class: str = "STANDARD"
    retention_days: int | None = None
    kms_key_id: str | None = None
    deletion_protection: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    visible_from_s: int = 0

    def oldest_ms(self, now_ms: int) -> int:
        """Events before this moment have expired."""
        oldest = 0 if self.retention_days is None else now_ms - self.retention_days * DAY_MS
        return max(oldest, 0)


@dataclass(frozen=True, slots=True)
class PastLogGroup:
    """A log group of this name was deleted, last at ``deleted_ms``."""

    deleted_ms: int


LOG_GROUPS: Kind[LogGroup] = Kind("log-group", LogGroup)
PAST_LOG_GROUPS: Kind[PastLogGroup] = Kind("past-log-group", PastLogGroup)


def events_key(place: Place, group: LogGroup) -> str:
    """Names the text events of a group; a new group of the same name has another key."""
    whole = "\0".join((place.account_id, place.region, group.name, str(group.created_ms)))
    return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()


def group_arn(place: Place, name: str) -> str:
    """The ARN without ``:*``: ``logGroupArn``, and what tags and identifiers take."""
    return arn("logs", place.region, place.account_id, f"log-group:{name}")


def stream_arn(place: Place, group: str, stream: str) -> str:
    """The ARN of a stream."""
    return f"{group_arn(place, group)}:log-stream:{stream}"


def group_missing() -> ServiceError:
    """The refusal for a group that is not there."""
    return ServiceError("ResourceNotFoundException", GROUP_MISSING)


def invalid(message: str) -> ServiceError:
    """A refusal of a parameter."""
    return ServiceError("InvalidParameterException", message)


def violated(member: str, value: object, rule: str) -> ServiceError:
    """A refusal in the words of a constraint of the model."""
    return invalid(
        f"1 validation error detected: Value '{value}' at '{member}' "
        f"failed to satisfy constraint: Member must {rule}"
    )


def checked_name(name: object, member: str = "logGroupName") -> str:
    """A group's name as it may be.

    Errors: ServiceError ``InvalidParameterException``.
    """
    if not isinstance(name, str):
        raise violated(member, "null", "not be null")
    if len(name) > NAME_LENGTH_MAX:
        raise invalid(_TOO_LONG)
    if not name:
        raise violated(member, name, "have length greater than or equal to 1")
    if not re.fullmatch(NAME_PATTERN, name):
        raise violated(member, name, f"satisfy regular expression pattern: {NAME_PATTERN}")
    return name


def checked_stream_name(name: object, member: str = "logStreamName") -> str:
    """A stream's name as it may be.

    Errors: ServiceError ``InvalidParameterException``.
    """
    if not isinstance(name, str):
        raise violated(member, "null", "not be null")
    if not name:
        raise violated(member, name, "have length greater than or equal to 1")
    if len(name) > NAME_LENGTH_MAX:
        raise violated(member, name, f"have length less than or equal to {NAME_LENGTH_MAX}")
    if ":" in name or "*" in name:
        raise violated(member, name, f"satisfy regular expression pattern: {STREAM_NAME_PATTERN}")
    return name


def name_of_identifier(place: Place, identifier: str, member: str = "logGroupIdentifier") -> str:
    """The name in an identifier, which is a name or an ARN; a colon at its end is forgiven.

    Errors: ServiceError: an ARN with ``:*``, or one of another account or region.
    """
    if not re.fullmatch(IDENTIFIER_PATTERN, identifier):
        raise violated(
            member, identifier, f"satisfy regular expression pattern: {IDENTIFIER_PATTERN}"
        )
    if not identifier.startswith("arn:"):
        return checked_name(identifier, member)
    head, found, name = identifier.partition(":log-group:")
    name = name.removesuffix(":")
    if not found or not name:
        raise invalid(f"Invalid ARN: {identifier}")
    if f"{head}:log-group:{name}" != group_arn(place, name):
        raise group_missing()
    return checked_name(name, member)
