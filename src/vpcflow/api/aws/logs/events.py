"""Operations that put and read events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vpcflow.api.aws.logs.requests import group_name, group_resources, now_ms, stream_resources
from vpcflow.api.aws.logs.tokens import (
    filter_token,
    get_token,
    read_filter_token,
    read_get_token,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import FilterError
from vpcflow.control.logs.log_group import LogGroup, events_key, invalid
from vpcflow.control.logs.service import LogGroupService
from vpcflow.control.state import Place
from vpcflow.query.filter_pattern import Pattern, parse_pattern
from vpcflow.query.log_events import (
    TIME_MS_MAX,
    EventPage,
    EventQuestion,
    LogEventReader,
    Position,
    StreamChoice,
)
from vpcflow.record.flow_log_selection import LogGroupSource

EVENTS_MAX = 10_000
#: Newest events first: not for windows that begin before 2024-01-01.
NEWEST_FIRST_FROM_MS = 1_704_067_200_000
_TOKEN_BASE = 49 * 10**54

Sources = Callable[[Place, str], Sequence[LogGroupSource]]


class EventOperations:
    """Handlers for events; ``sources`` tells the flow logs of a group, past ones too."""

    def __init__(self, service: LogGroupService, reader: LogEventReader, sources: Sources) -> None:
        self._service = service
        self._reader = reader
        self._sources = sources

    def operations(self) -> list[Operation]:
        """All of them."""
        masked = {"unmask": "nothing is masked here"}
        return [
            Operation(
                "PutLogEvents",
                self._put,
                "logGroupName logStreamName logEvents",
                {
                    "sequenceToken": "AWS does not look at it either since 2023",
                    "entity": "events carry no entity here",
                },
                resources=stream_resources,
                raw_members=frozenset({"logEvents"}),
            ),
            Operation(
                "GetLogEvents",
                self._get,
                "logGroupName logGroupIdentifier logStreamName startTime endTime nextToken limit "
                "startFromHead",
                masked,
                resources=stream_resources,
            ),
            Operation(
                "FilterLogEvents",
                self._filter,
                "logGroupName logGroupIdentifier logStreamNames logStreamNamePrefix startTime "
                "endTime filterPattern nextToken limit startFromHead",
                {**masked, "interleaved": "it is always true, as at AWS since 2019"},
                resources=group_resources,
            ),
        ]

    def _put(self, call: Call) -> dict[str, Any]:
        answer = self._service.put_events(
            call.place,
            call.get("logGroupName"),
            call.get("logStreamName"),
            call.get("logEvents"),
            now_ms(call),
        )
        told: dict[str, Any] = {"nextSequenceToken": str(_TOKEN_BASE + answer.number)}
        if answer.accepted.rejected:
            told["rejectedLogEventsInfo"] = answer.accepted.rejected
        return told

    def _get(self, call: Call) -> dict[str, Any]:
        name, stream = group_name(call), call.get("logStreamName")
        group = self._service.group(call.place, name)
        self._service.stream(call.place, name, stream)
        about = f"{events_key(call.place, group)}\0{stream}"
        token = call.get("nextToken")
        place, forward = None, bool(call.get("startFromHead"))
        if token is not None:
            forward, place = read_get_token(token, about)
        question = self._question(
            call, group, StreamChoice(names=(stream,)), end_ms=call.get("endTime")
        )
        page = self._reader.page(
            question, place=place, forward=forward, events_max=call.get("limit") or EVENTS_MAX
        )
        events = page.events
        before, behind = _ends(page, place or Position(question.start_ms), forward)
        return {
            "events": [
                {"timestamp": time, "message": message, "ingestionTime": ingested}
                for time, message, ingested in zip(
                    events.times_ms.tolist(),
                    events.messages.to_pylist(),
                    events.ingested_ms.tolist(),
                    strict=True,
                )
            ],
            "nextForwardToken": get_token(True, behind, about),
            "nextBackwardToken": get_token(False, before, about),
        }

    def _filter(self, call: Call) -> dict[str, Any]:
        name = group_name(call)
        names, prefix = call.get("logStreamNames"), call.get("logStreamNamePrefix")
        if names and prefix:
            raise invalid(
                "LogStream names and LogStream name prefix are mutually exclusive parameters."
            )
        pattern = read_pattern(call.get("filterPattern"))
        group = self._service.group(call.place, name)
        for stream in names or ():
            self._service.stream(call.place, name, stream)
        key = events_key(call.place, group)
        about = "\0".join((key, *(names or ()), prefix or "", call.get("filterPattern") or ""))
        place, forward = None, self._from_head(call)
        if (token := call.get("nextToken")) is not None:
            forward, place = read_filter_token(token, about)
        last_ms = call.get("endTime")
        question = self._question(
            call,
            group,
            StreamChoice(names or None, prefix or ""),
            end_ms=None if last_ms is None else last_ms + 1,
            pattern=pattern,
        )
        page = self._reader.page(
            question, place=place, forward=forward, events_max=call.get("limit") or EVENTS_MAX
        )
        items = _filtered(page)
        return {
            "events": items if forward else items[::-1],
            "searchedLogStreams": [],
            "nextToken": None if page.next is None else filter_token(forward, page.next, about),
        }

    def _from_head(self, call: Call) -> bool:
        if call.get("startFromHead", True) is not False:
            return True
        if (call.get("startTime") or 0) < NEWEST_FIRST_FROM_MS:
            raise invalid("startFromHead can be false only for a startTime from 2024-01-01 on.")
        return False

    def _question(
        self,
        call: Call,
        group: LogGroup,
        streams: StreamChoice,
        *,
        end_ms: int | None,
        pattern: Pattern | None = None,
    ) -> EventQuestion:
        bounds = {} if end_ms is None else {"end_ms": end_ms}
        sources = self._sources(call.place, group.name)
        if sources:
            hidden = self._service.streams.hidden(call.place, group.name)
            streams = StreamChoice(streams.names, streams.prefix, hidden)
        return EventQuestion(
            events_key(call.place, group),
            sources,
            start_ms=min(
                max(call.get("startTime") or 0, group.oldest_ms(now_ms(call))), TIME_MS_MAX
            ),
            flow_from_s=group.visible_from_s,
            streams=streams,
            pattern=pattern,
            **bounds,
        )


def read_pattern(text: str | None) -> Pattern | None:
    """A filter pattern; None when every event fits.

    Errors: ServiceError ``InvalidParameterException``.
    """
    if not text or not text.strip():
        return None
    try:
        return parse_pattern(text)
    except FilterError as error:
        raise invalid(f"Invalid filter pattern: {error}") from error


def _ends(page: EventPage, asked: Position, forward: bool) -> tuple[Position, Position]:
    """The places before and behind a page; those asked for where it is empty."""
    events = page.events
    if len(events):
        return events.place(0), events.place(len(events) - 1).behind()
    further = page.next or asked
    return (asked, further) if forward else (further, asked)


def _filtered(page: EventPage) -> list[dict[str, Any]]:
    events = page.events
    return [
        {
            "logStreamName": stream,
            "timestamp": time,
            "message": message,
            "ingestionTime": ingested,
            "eventId": event_id,
        }
        for stream, time, message, ingested, event_id in zip(
            events.stream_names(),
            events.times_ms.tolist(),
            events.messages.to_pylist(),
            events.ingested_ms.tolist(),
            events.ids(),
            strict=True,
        )
    ]
