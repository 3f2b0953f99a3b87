"""Operations on log streams."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from vpcflow.api.aws.logs.requests import group_name, group_resources, now_ms, stream_resources
from vpcflow.api.aws.logs.tokens import invalid_token
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.logs.log_group import invalid, stream_arn
from vpcflow.control.logs.log_stream import LogStream
from vpcflow.control.logs.service import LogGroupService

DESCRIBE_MAX = 50


class StreamOperations:
    """Handlers for log streams."""

    def __init__(self, service: LogGroupService) -> None:
        self._service = service

    def operations(self) -> list[Operation]:
        """All of them."""
        return [
            Operation(
                "CreateLogStream",
                self._create,
                "logGroupName logStreamName",
                resources=stream_resources,
            ),
            Operation(
                "DeleteLogStream",
                self._delete,
                "logGroupName logStreamName",
                resources=stream_resources,
            ),
            Operation(
                "DescribeLogStreams",
                self._describe,
                "logGroupName logGroupIdentifier logStreamNamePrefix orderBy descending limit "
                "nextToken",
                resources=group_resources,
            ),
        ]

    def _create(self, call: Call) -> None:
        self._service.create_stream(
            call.place, call.get("logGroupName"), call.get("logStreamName"), now_ms(call)
        )

    def _delete(self, call: Call) -> None:
        self._service.delete_stream(
            call.place, call.get("logGroupName"), call.get("logStreamName"), now_ms(call)
        )

    def _describe(self, call: Call) -> dict[str, Any]:
        name = group_name(call)
        prefix = call.get("logStreamNamePrefix") or ""
        by_last_event = call.get("orderBy") == "LastEventTime"
        if by_last_event and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        group = self._service.group(call.place, name)
        self._service.note_text_streams(call.place, group)
        token = call.get("nextToken")
        limit = call.get("limit") or DESCRIBE_MAX
        found = self._service.streams.page(
            call.place,
            name,
            prefix=prefix,
            by_last_event=by_last_event,
            descending=bool(call.get("descending")),
            after=None if token is None else _read(token, name),
            limit=limit + 1,
        )
        given = found[:limit]
        return {
            "logStreams": [_item(call, name, stream) for stream in given],
            "nextToken": _token(given[-1], name) if len(found) > limit else None,
        }


def _item(call: Call, group: str, stream: LogStream) -> dict[str, Any]:
    item: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": stream_arn(call.place, group, stream.name),
        "storedBytes": 0,
    }
    if stream.last_ms is not None:
        item["firstEventTimestamp"] = stream.first_ms
        item["lastEventTimestamp"] = stream.last_ms
        item["lastIngestionTime"] = stream.ingested_ms
        item["uploadSequenceToken"] = f"49{stream.ingested_ms:054d}"
    return item


def _token(stream: LogStream, group: str) -> str:
    key = json.dumps([stream.last_ms or 0, stream.name, group])
    return base64.urlsafe_b64encode(key.encode()).decode()


def _read(token: str, group: str) -> tuple[int, str]:
    try:
        last_ms, name, about = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error) as error:
        raise invalid_token() from error
    if about != group or not isinstance(last_ms, int) or not isinstance(name, str):
        raise invalid_token()
    return last_ms, name
