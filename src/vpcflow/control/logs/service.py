"""The rules of log groups, streams, tags and puts."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.base.errors import ServiceError, StoreError
from vpcflow.control.logs.live_tail import LiveTailHub
from vpcflow.control.logs.log_group import (
    CLASSES,
    LOG_GROUPS,
    PAST_LOG_GROUPS,
    RETENTION_DAYS,
    LogGroup,
    PastLogGroup,
    checked_name,
    checked_stream_name,
    events_key,
    group_arn,
    group_missing,
    invalid,
    violated,
)
from vpcflow.control.logs.log_stream import LogStream, LogStreams, StreamFacts
from vpcflow.control.logs.put_batch import Accepted, PutBatch, accept, read_batch
from vpcflow.control.state import Change, Place, State
from vpcflow.query.log_events.events import Events, stream_hashes

TAGS_MAX = 50
TAG_KEY_PATTERN = r"[\w\s.:/=+\-@]+"
STREAM_MISSING = "The specified log stream does not exist."
_TOO_MANY_TAGS = "Cannot add more than 50 tags to a resource"


#: Gets what was put: place, group, stream, times, messages, ingestion time, and the ids of places.
OnPut = Callable[
    [Place, str, str, npt.NDArray[np.int64], pa.Array, int, Callable[[Any], list[str]]], None
]


class Times(Protocol):
    """Oldest and newest event of a stream, and when the last came, in milliseconds."""

    first_ms: int
    last_ms: int
    ingested_ms: int


class TextEventStore(Protocol):
    """Where text events are kept; the store's own is ``vpcflow.store.event_store.EventStore``."""

    def append(
        self,
        key: str,
        stream: str,
        ingested_ms: int,
        times_ms: npt.NDArray[np.int64],
        messages: pa.Array,
    ) -> int:
        """Keep the events of a put; a number that grows."""

    def delete_stream(self, key: str, stream: str) -> None:
        """Forget a stream."""

    def delete_group(self, key: str) -> None:
        """Forget a group."""

    def sweep(self, keys: Collection[str]) -> None:
        """Forget all groups but these."""

    def expire(self, key: str, oldest_ms: int) -> int:
        """Remove what is older."""

    def stored_bytes(self, key: str, oldest_ms: int = 0) -> int:
        """Bytes of a group that are not expired."""

    def stream_times(self, key: str) -> Mapping[str, Any]:
        """Times of each stream that has events."""


@dataclass(frozen=True, slots=True)
class PutAnswer:
    """What became of a put."""

    number: int
    accepted: Accepted


class LogGroupService:
    """Log groups and streams.

    Shape: safe for any number of threads.
    Errors: ServiceError as CloudWatch Logs words it; StoreError when disk or database say no.
    """

    def __init__(
        self,
        state: State,
        text: TextEventStore,
        hub: LiveTailHub | None = None,
        *,
        on_delete: Sequence[Callable[[Change, Place, str], None]] = (),
        on_put: Sequence[OnPut] = (),
    ) -> None:
        self._state = state
        self._text = text
        self.hub = hub or LiveTailHub()
        self.streams = LogStreams(state.database)
        self._on_delete = on_delete
        self._on_put = on_put
        self._noted: dict[str, dict[str, StreamFacts]] = {}
        self._lock = threading.Lock()

    def groups(self, place: Place) -> Mapping[str, LogGroup]:
        """All groups by name."""
        return self._state.all(LOG_GROUPS, place)

    def group(self, place: Place, name: str) -> LogGroup:
        """A group that must be there."""
        group = self._state.get(LOG_GROUPS, place, name)
        if group is None:
            raise group_missing()
        return group

    def create_group(
        self,
        place: Place,
        name: object,
        now_ms: int,
        *,
        log_group_class: str = "STANDARD",
        kms_key_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool = False,
    ) -> LogGroup:
        """Make a group."""
        name = checked_name(name)
        if name.startswith("aws/"):
            raise invalid("Log groups starting with 'aws/' are reserved for AWS.")
        if log_group_class not in CLASSES:
            raise violated(
                "logGroupClass", log_group_class, f"satisfy enum value set: [{', '.join(CLASSES)}]"
            )
        checked = _checked_tags({}, tags or {})
        with self._state.change() as change:
            if change.get(LOG_GROUPS, place, name) is not None:
                raise ServiceError(
                    "ResourceAlreadyExistsException", "The specified log group already exists"
                )
            group = _new_group(change, place, name, now_ms)
            group = replace(
                group,
                log_group_class=log_group_class,
                kms_key_id=kms_key_id,
                tags=checked,
                deletion_protection=deletion_protection,
            )
            change.put(LOG_GROUPS, place, name, group)
        return group

    def delete_group(self, place: Place, name: object, now_ms: int) -> None:
        """Delete a group with its streams, events and filters."""
        name = checked_name(name)
        with self._state.change() as change:
            group = change.get(LOG_GROUPS, place, name)
            if group is None:
                raise group_missing()
            if group.deletion_protection:
                raise ServiceError(
                    "ValidationException",
                    "The log group is protected from deletion: disable its deletion protection first.",
                )
            change.remove(LOG_GROUPS, place, name)
            deleted_ms = max(now_ms, group.created_ms)
            change.put(PAST_LOG_GROUPS, place, name, PastLogGroup(deleted_ms))
            for forget in self._on_delete:
                forget(change, place, name)
            # Within the change: a group that is made next must not find these streams.
            self.streams.remove_group(change.connection, place, name)
        key = events_key(place, group)
        with self._lock:
            self._noted.pop(key, None)
        self._text.delete_group(key)

    def update_group(self, place: Place, name: object, **members: Any) -> None:
        """Set members of a group: retention, key, protection."""
        self._alter(place, checked_name(name), lambda group: replace(group, **members))

    def _alter(self, place: Place, name: str, alter: Callable[[LogGroup], LogGroup]) -> None:
        with self._state.change() as change:
            group = change.get(LOG_GROUPS, place, name)
            if group is None:
                raise group_missing()
            change.put(LOG_GROUPS, place, name, alter(group))

    def set_retention(self, place: Place, name: object, days: int | None) -> None:
        """Set the days after which events expire; None: never."""
        if days is not None and days not in RETENTION_DAYS:
            listed = ", ".join(map(str, RETENTION_DAYS))
            raise violated("retentionInDays", days, f"satisfy enum value set: [{listed}]")
        self.update_group(place, name, retention_days=days)

    def name_of_arn(self, place: Place, text: str) -> str:
        """The name in the ARN of a group, without ``:*``, that must be there.

        Errors: ServiceError, also for an ARN of anything else.
        """
        found = re.fullmatch(r"arn:[\w-]+:logs:[\w-]*:\d*:log-group:([^:*]+)", text)
        if found is None:
            raise invalid(
                f"1 validation error detected: Value '{text}' at 'resourceArn' "
                "failed to satisfy constraint: Member must be the ARN of a log group"
            )
        # As permission was asked for this very text, it must be the group's own.
        if text != group_arn(place, found[1]):
            raise group_missing()
        return self.group(place, found[1]).name

    def add_tags(self, place: Place, name: str, tags: Mapping[str, str]) -> None:
        """Add or replace tags."""
        self._alter(place, name, lambda group: replace(group, tags=_checked_tags(group.tags, tags)))

    def remove_tags(self, place: Place, name: str, keys: Collection[str]) -> None:
        """Remove tags."""
        gone = frozenset(keys)

        def without(group: LogGroup) -> LogGroup:
            left = {key: value for key, value in group.tags.items() if key not in gone}
            return replace(group, tags=left)

        self._alter(place, name, without)

    def stored_bytes(self, place: Place, group: LogGroup, now_ms: int) -> int:
        """Bytes of the text events that have not expired."""
        return self._text.stored_bytes(events_key(place, group), group.oldest_ms(now_ms))

    def create_stream(self, place: Place, group: object, stream: object, now_ms: int) -> None:
        """Make a stream; names as the flow log service gives them are not refused."""
        group, stream = checked_name(group), checked_stream_name(stream)
        # Within one change, so that the group is not deleted in between and leaves it behind.
        with self._state.change() as change:
            if change.get(LOG_GROUPS, place, group) is None:
                raise group_missing()
            if not self.streams.create(change.connection, place, group, stream, now_ms):
                raise ServiceError(
                    "ResourceAlreadyExistsException", "The specified log stream already exists"
                )

    def delete_stream(self, place: Place, group: object, stream: object, now_ms: int) -> None:
        """Delete a stream and its events; its flow records stay in the table, unseen here."""
        group, stream = checked_name(group), checked_stream_name(stream)
        found = self.group(place, group)
        self.stream(place, group, stream)
        key = events_key(place, found)
        self._text.delete_stream(key, stream)
        with self._lock:
            self._noted.get(key, {}).pop(stream, None)
        self.streams.remove(place, group, stream, now_ms)

    def stream(self, place: Place, group: str, stream: str) -> LogStream:
        """A stream that must be there."""
        found = self.streams.get(place, group, stream)
        if found is None:
            raise ServiceError("ResourceNotFoundException", STREAM_MISSING)
        return found

    def note_text_streams(self, place: Place, group: LogGroup) -> None:
        """Bring the table of streams up to the text events; puts do not write it each time."""
        key = events_key(place, group)
        times = {
            stream: StreamFacts(one.first_ms, one.last_ms, one.ingested_ms)
            for stream, one in self._text.stream_times(key).items()
        }
        with self._lock:
            noted = self._noted.setdefault(key, {})
            changed = {name: one for name, one in times.items() if noted.get(name) != one}
        if changed:
            self.streams.note(place, group.name, changed, create=False)
            with self._lock:
                noted.update(changed)

    def put_events(
        self, place: Place, group: object, stream: object, events: Any, now_ms: int
    ) -> PutAnswer:
        """Keep a batch; on the disk when this returns."""
        batch = read_batch(events)
        group, stream = checked_name(group), checked_stream_name(stream)
        found = self.group(place, group)
        self.stream(place, group, stream)
        accepted = accept(batch, found, now_ms)
        if accepted.first == accepted.end:
            return PutAnswer(0, accepted)
        if accepted.end - accepted.first < len(batch.times_ms):
            batch = batch.slice(accepted.first, accepted.end)
        key = events_key(place, found)
        try:
            number = self._text.append(key, stream, now_ms, batch.times_ms, batch.messages)
        except StoreError as error:
            if "limit" in error.what:
                raise ServiceError(
                    "LimitExceededException", f"{error.what}; {error.hint}"
                ) from error
            raise
        for take in self._on_put:
            take(
                place,
                group,
                stream,
                batch.times_ms,
                batch.messages,
                now_ms,
                partial(_event_ids, batch, stream, number),
            )
        if self.hub.watches(place, group):
            times, messages = batch.times_ms.tolist(), batch.messages.to_pylist()
            self.hub.publish(place, group, stream, times, messages, now_ms)
        return PutAnswer(number, accepted)

    def record_delivery(
        self,
        place: Place,
        group: str,
        streams: Mapping[str, tuple[int, int]],
        ingested_ms: int,
    ) -> None:
        """Flow records came: make the group and the streams that are missing, and note the times.

        Shape: ``streams`` gives the oldest and the newest start of each, in milliseconds.
        """
        if not streams:
            return
        if group not in self.groups(place):
            with self._state.change() as change:
                if change.get(LOG_GROUPS, place, group) is None:
                    made = _new_group(change, place, group, ingested_ms)
                    change.put(LOG_GROUPS, place, group, made)
        facts = {
            name: StreamFacts(first, last, ingested_ms) for name, (first, last) in streams.items()
        }
        self.streams.note(place, group, facts, create=True)

    def keep_house(self, now_ms: int) -> int:
        """Remove what has expired; tells how many files went."""
        removed = 0
        for place in self._state.places(LOG_GROUPS):
            for group in self.groups(place).values():
                if group.retention_days is not None:
                    key = events_key(place, group)
                    removed += self._text.expire(key, group.oldest_ms(now_ms))
        return removed

    def sweep(self) -> None:
        """Remove the text of groups that are gone; once, before anything is put."""
        kept = {
            events_key(place, group)
            for place in self._state.places(LOG_GROUPS)
            for group in self.groups(place).values()
        }
        # A database without any group may be a new one over old text, which is not to be lost.
        if kept:
            self._text.sweep(kept)


def _event_ids(batch: PutBatch, stream: str, number: int, rows: npt.NDArray[np.int64]) -> list[str]:
    """The ids that FilterLogEvents gives to some events of a put."""
    times, count = batch.times_ms[rows], len(rows)
    return Events(
        times,
        times,
        np.full(count, number, np.uint64),
        rows.astype(np.int64),
        np.repeat(stream_hashes([stream]), count),
        np.zeros(count, np.int32),
        [stream],
        batch.messages.take(pa.array(rows)),
    ).ids()


def _new_group(change: Change, place: Place, name: str, now_ms: int) -> LogGroup:
    past = change.get(PAST_LOG_GROUPS, place, name)
    if past is None:
        return LogGroup(name, now_ms)
    # The key of its text events is made of the moment, which must be another one.
    return LogGroup(
        name, max(now_ms, past.deleted_ms + 1), visible_from_s=past.deleted_ms // 1000 + 1
    )


def _checked_tags(before: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or not re.fullmatch(TAG_KEY_PATTERN, key):
            raise violated("tags", key, "be a tag key of 1 to 128 characters that AWS allows")
        if len(value) > 256 or (value and not re.fullmatch(TAG_KEY_PATTERN, value)):
            raise violated(
                "tags", value, "be a tag value of at most 256 characters that AWS allows"
            )
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys starting with 'aws:' are reserved for internal use")
    merged = {**before, **tags}
    if len(merged) > TAGS_MAX:
        raise ServiceError("TooManyTagsException", _TOO_MANY_TAGS)
    return merged


__all__ = ["LogGroupService", "PutAnswer", "TextEventStore"]
