"""Conditions, ranges and entity tags of requests about objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.store.objects import StoredObject
from vpcflow.store.objects.object_store import Condition, no_such_key

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


def check_read(
    found: StoredObject, parameters: Mapping[str, Any], now_s: float, *, copying: bool = False
) -> None:
    """Refuse to give an object whose tag or date is not as asked.

    Shape: ``copying`` asks the conditions on a source. A date in the future is no condition.
    Errors: ServiceError 412 ``PreconditionFailed``; 304 ``NotModified`` (412 when copying).
    """
    names, header = ("CopySource", "x-amz-copy-source-") if copying else ("", "")
    match = parameters.get(f"{names}IfMatch")
    if match is not None:
        if not _matches(match, found.etag):
            raise precondition_failed(f"{header}If-Match")
    elif _seconds(
        unmodified := parameters.get(f"{names}IfUnmodifiedSince")
    ) < found.modified_s and (unmodified is not None):
        raise precondition_failed(f"{header}If-Unmodified-Since")
    none_match = parameters.get(f"{names}IfNoneMatch")
    if none_match is not None:
        if _matches(none_match, found.etag):
            raise _not_modified(found, copying, f"{header}If-None-Match")
        return
    modified = parameters.get(f"{names}IfModifiedSince")
    if modified is not None and found.modified_s <= _seconds(modified) <= now_s:
        raise _not_modified(found, copying, f"{header}If-Modified-Since")


def write_condition(parameters: Mapping[str, Any], key: str) -> Condition | None:
    """The condition on what a put replaces; None when it asks for none."""
    match, none_match = parameters.get("IfMatch"), parameters.get("IfNoneMatch")
    if match is None and none_match is None:
        return None
    if match is not None and none_match is not None:
        raise _not_done(
            "If-Match,If-None-Match", "Multiple conditional request headers present in the request"
        )
    for header, text, done in (
        ("If-Match", match, match != "*"),
        ("If-None-Match", none_match, none_match == "*"),
    ):
        if text is not None and not done:
            raise _not_done(
                header, f"We don't accept the provided value of {header} header for this API"
            )

    def condition(found: StoredObject | None) -> None:
        if none_match is not None and found is not None:
            raise precondition_failed("If-None-Match")
        if match is not None:
            if found is None:
                raise no_such_key(key)
            if not _matches(match, found.etag):
                raise precondition_failed("If-Match")

    return condition


def _not_done(headers: str, why: str) -> ServiceError:
    return ServiceError(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        status=501,
        fields={"Header": headers, "additionalMessage": why},
    )


def copied_range(text: str | None, size: int) -> tuple[int, int]:
    """First and last byte (inclusive) of what is copied of a source; all of it without a text.

    Errors: ServiceError ``InvalidArgument``, ``InvalidRequest``.
    """
    if text is None:
        return 0, size - 1
    match = _RANGE.fullmatch(text)
    first, last = (int(part) if part else -1 for part in match.groups()) if match else (-1, -1)
    if not 0 <= first <= last:
        why = (
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first"
            " and last are the zero-based offsets of the first and last bytes to copy"
        )
    elif first >= size:
        raise ServiceError(
            "InvalidRequest", "The specified copy range is invalid for the source object size"
        )
    elif last >= size:
        why = f"Range specified is not valid for source object of size: {size}"
    else:
        return first, last
    raise ServiceError(
        "InvalidArgument",
        why,
        fields={"ArgumentName": "x-amz-copy-source-range", "ArgumentValue": text},
    )


def byte_range(text: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte (inclusive) of a Range header; None for all of it.

    Errors: ServiceError 416 ``InvalidRange``. What is no range of bytes is as if it were not there.
    """
    match = _RANGE.fullmatch((text or "").strip())
    if match is None or not any(match.groups()):
        return None
    first_text, last_text = match.groups()
    if not first_text:
        length = min(int(last_text), size)
        first, last = size - length, size - 1
    else:
        first = int(first_text)
        last = min(int(last_text), size - 1) if last_text else size - 1
        if last_text and int(last_text) < first:
            return None
    if first >= size or last < first:
        raise ServiceError(
            "InvalidRange",
            "The requested range is not satisfiable",
            status=416,
            fields={"RangeRequested": str(text), "ActualObjectSize": str(size)},
        )
    return first, last


def precondition_failed(header: str) -> ServiceError:
    """A condition does not hold."""
    return ServiceError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        status=412,
        fields={"Condition": header},
    )


def _not_modified(found: StoredObject, copying: bool, header: str) -> ServiceError:
    if copying:
        return precondition_failed(header)
    return ServiceError(
        "NotModified", "Not Modified", status=304, fields={"ETag": f'"{found.etag}"'}
    )


def _matches(asked: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in asked.split(",")]
    return "*" in tags or etag in tags


def _seconds(moment: Any) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(moment or 0)
