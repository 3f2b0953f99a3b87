"""Destinations of flow logs, read from their ARNs."""

from __future__ import annotations

import re

from vpcflow.base.errors import ServiceError
from vpcflow.control.arns import Arn

#: The folder that delivery makes itself, at whatever depth somebody asks for it.
RESERVED_FOLDER = "AWSLogs"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]\Z")
_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}\Z")
_STREAM = re.compile(r"[A-Za-z0-9_.\-]{1,64}\Z")
_LOG_GROUP = "log-group:"
_STREAM_RESOURCE = "deliverystream/"


def bucket_and_prefix(log_destination: str) -> tuple[str, str]:
    """Bucket and folder of ``arn:aws:s3:::bucket/folder/``, the folder without slashes at its ends.

    Errors: ServiceError ``InvalidParameter``, also for the reserved folder.
    """
    found = _parsed(log_destination, "s3")
    bucket, _, folder = found.resource.partition("/")
    prefix = folder.strip("/")
    if found.region or found.account_id or not _BUCKET.match(bucket) or "//" in folder:
        raise _not_valid(log_destination)
    if RESERVED_FOLDER in prefix.split("/"):
        raise ServiceError(
            "InvalidParameter",
            f"LogDestination: {log_destination} is not valid: {RESERVED_FOLDER} is a reserved "
            "folder name.",
        )
    return bucket, prefix


def log_group_of(log_destination: str) -> tuple[Arn, str]:
    """The ARN and the name of ``arn:aws:logs:region:account:log-group:name``, with or without ``:*``.

    Errors: ServiceError ``InvalidParameter``.
    """
    found = _parsed(log_destination, "logs")
    name = found.resource.removeprefix(_LOG_GROUP).removesuffix(":*")
    if not found.resource.startswith(_LOG_GROUP) or not _GROUP.match(name):
        raise _not_valid(log_destination)
    return found, name


def stream_of(log_destination: str) -> tuple[Arn, str]:
    """The ARN and the name of ``arn:aws:firehose:region:account:deliverystream/name``.

    Errors: ServiceError ``InvalidParameter``.
    """
    found = _parsed(log_destination, "firehose")
    name = found.resource.removeprefix(_STREAM_RESOURCE)
    if not found.resource.startswith(_STREAM_RESOURCE) or not _STREAM.match(name):
        raise _not_valid(log_destination)
    return found, name


def check_group_name(name: str) -> None:
    """Refuse what cannot be the name of a log group.

    Errors: ServiceError ``InvalidParameter``.
    """
    if not _GROUP.match(name):
        raise ServiceError("InvalidParameter", f"LogGroupName: {name} is not valid.")


def _parsed(text: str, service: str) -> Arn:
    try:
        found = Arn.parse(text)
    except ServiceError as error:
        raise _not_valid(text) from error
    if found.service != service:
        raise _not_valid(text)
    return found


def _not_valid(text: str) -> ServiceError:
    return ServiceError("InvalidParameter", f"LogDestination: {text} is not valid.")
