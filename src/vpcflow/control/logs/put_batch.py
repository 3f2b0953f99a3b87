"""The events of one PutLogEvents, checked at once and not one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.control.logs.log_group import DAY_MS, LogGroup, invalid, violated

BATCH_EVENTS_MAX = 10_000
BATCH_BYTES_MAX = 1_048_576
EVENT_BYTES_MAX = 1_048_576
#: What an event counts beside its text.
EVENT_OVERHEAD_BYTES = 26
SPAN_MS_MAX = DAY_MS
TOO_NEW_MS = 2 * 3_600_000
TOO_OLD_MS = 14 * DAY_MS
#: Later times do not fit into the ids of events.
TIME_MS_MAX = 10**13 - 1
_TIMES = "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "


@dataclass(frozen=True, slots=True)
class PutBatch:
    """Events in chronological order: milliseconds and texts."""

    times_ms: npt.NDArray[np.int64]
    messages: pa.Array

    def slice(self, first: int, end: int) -> PutBatch:
        """Some of them, in memory of their own where the text does not begin with the first."""
        messages = self.messages.slice(first, end - first)
        if first:
            messages = pa.concat_arrays([messages, pa.array([], pa.string())])
        return PutBatch(self.times_ms[first:end], messages)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The events from ``first`` to before ``end`` are kept; the others are told by these places.

    Shape: ``too_new`` is the first event too far in the future, ``too_old`` and ``expired`` the
    places behind the last one; None when there is none.
    """

    first: int
    end: int
    too_new: int | None
    too_old: int | None
    expired: int | None

    @property
    def rejected(self) -> dict[str, int] | None:
        """``rejectedLogEventsInfo``; None when nothing was rejected."""
        told = {
            "tooNewLogEventStartIndex": self.too_new,
            "tooOldLogEventEndIndex": self.too_old,
            "expiredLogEventEndIndex": self.expired,
        }
        return {name: place for name, place in told.items() if place is not None} or None


def read_batch(events: Any) -> PutBatch:
    """The events as columns.

    Errors: ServiceError ``InvalidParameterException``; then nothing of the batch is kept.
    """
    if not isinstance(events, list):
        raise violated("logEvents", "null", "not be null")
    if not events:
        raise violated("logEvents", "[]", "have length greater than or equal to 1")
    if len(events) > BATCH_EVENTS_MAX:
        raise violated(
            "logEvents",
            f"[{len(events)} events]",
            f"have length less than or equal to {BATCH_EVENTS_MAX}",
        )
    try:
        texts = pa.array([event["message"] for event in events], pa.string())
        times = np.array([event["timestamp"] for event in events])
    except (KeyError, TypeError, ValueError, pa.ArrowException, OverflowError) as error:
        raise invalid(f"{_TIMES}Member must have a timestamp and a message") from error
    if times.dtype != np.int64 or times.ndim != 1 or texts.null_count:
        raise invalid(f"{_TIMES}Member must have a timestamp and a message")
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1)
    sizes = offsets[1:] - offsets[:-1]
    _check_sizes(sizes)
    _check_times(times)
    return PutBatch(times, texts)


def _check_sizes(sizes: npt.NDArray[np.int32]) -> None:
    empty = np.flatnonzero(sizes == 0)
    if len(empty):
        raise violated(
            f"logEvents.{empty[0] + 1}.member.message", "", "have length greater than or equal to 1"
        )
    largest = int(sizes.max())
    if largest > EVENT_BYTES_MAX:
        raise invalid(f"Log event too large: {largest} bytes exceeds limit of {EVENT_BYTES_MAX}")
    whole = int(sizes.sum()) + EVENT_OVERHEAD_BYTES * len(sizes)
    if whole > BATCH_BYTES_MAX:
        raise invalid(f"Upload too large: {whole} bytes exceeds limit of {BATCH_BYTES_MAX}")


def _check_times(times: npt.NDArray[np.int64]) -> None:
    bad = np.flatnonzero((times < 0) | (times > TIME_MS_MAX))
    if len(bad):
        value = int(times[bad[0]])
        bound = (
            "greater than or equal to 0" if value < 0 else f"less than or equal to {TIME_MS_MAX}"
        )
        raise violated(f"logEvents.{bad[0] + 1}.member.timestamp", value, f"have value {bound}")
    if (times[1:] < times[:-1]).any():
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")


def accept(batch: PutBatch, group: LogGroup, now_ms: int) -> Accepted:
    """Which events are neither too new, nor too old, nor expired.

    Errors: ServiceError when those that remain span more than 24 hours.
    """
    times = batch.times_ms
    old, new = np.searchsorted(times, (now_ms - TOO_OLD_MS, now_ms + TOO_NEW_MS + 1))
    expired = int(np.searchsorted(times, group.oldest_ms(now_ms)))
    first, end = max(int(old), expired), int(new)
    if first < end and int(times[end - 1] - times[first]) > SPAN_MS_MAX:
        raise invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    # An event is told once: as expired only where it is not too old anyway.
    return Accepted(
        first,
        max(first, end),
        end if end < len(times) else None,
        int(old) or None,
        expired if expired > old else None,
    )
