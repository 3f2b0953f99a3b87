"""What the filters of a log group do with its events as they come: count them, send them on."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.control.logs.filter import (
    METRIC_FILTERS,
    SUBSCRIPTION_FILTERS,
    MetricFilter,
    SubscriptionFilter,
)
from vpcflow.control.metrics.metric_store import MINUTE_S, MetricStore, Point, Series, Statistic
from vpcflow.control.state import Place, State
from vpcflow.query.filter_pattern import lines_array, mask, numbers_at, parse_pattern, texts_at
from vpcflow.query.filter_pattern.values import number_of
from vpcflow.query.log_events.events import Events, line_hashes, ordinals_of, stream_hashes
from vpcflow.record.column_buffers import filled_numbers
from vpcflow.record.flow_log_selection import lines_of
from vpcflow.record.log_format import LogFormat

#: Text of one payload before it is compressed: a record of a delivery stream takes 1,000 KB.
PAYLOAD_BYTES_MAX = 900_000
#: What an event needs beside its message.
_EVENT_BYTES = 120
#: Different values of a metric's dimensions that one batch may bring; more are not counted.
DIMENSION_SETS_MAX = 1_000
_MINUTE_MS = MINUTE_S * 1000
_CONTROL_MESSAGE = "CWL CONTROL MESSAGE: Checking health of destination Firehose."

Numbers = npt.NDArray[np.int64]
#: Gives the event ids of some rows of a batch.
EventIds = Callable[[Numbers], Sequence[str]]
#: Takes records for a delivery stream, by ARN; it neither waits nor raises.
SendToStream = Callable[[str, list[bytes]], None]


class _Filters(NamedTuple):
    """The filters of one place by group, and the mappings that they were read from."""

    read_from: tuple[Mapping[str, Any], Mapping[str, Any]]
    metric: Mapping[str, list[MetricFilter]]
    subscription: Mapping[str, list[SubscriptionFilter]]


class LogEventFilters:
    """Applies the filters of log groups to batches of events.

    Shape: safe for any number of threads.
    """

    def __init__(self, state: State, metrics: MetricStore, send_to_stream: SendToStream) -> None:
        self._state = state
        self._metrics = metrics
        self._send = send_to_stream
        self._held: dict[Place, _Filters] = {}

    def has_filters(self, place: Place, group: str) -> bool:
        """Whether anything would be done with events of a group; cheap."""
        filters = self._filters(place)
        return group in filters.metric or group in filters.subscription

    def take_events(
        self,
        place: Place,
        group: str,
        stream: str,
        timestamps_ms: Numbers,
        messages: pa.StringArray,
        ingestion_ms: int,
        event_ids: EventIds | None = None,
    ) -> None:
        """Count and send on what fits, of events of one stream.

        Shape: ``event_ids`` are asked for when something is sent on; without them an id is made of
        the event itself, for a flow record the one that FilterLogEvents gives.
        Units: ``timestamps_ms`` and ``ingestion_ms`` in milliseconds since the epoch.
        """
        filters = self._filters(place)
        given = event_ids or partial(_line_ids, stream, timestamps_ms, messages, ingestion_ms)
        for metric in filters.metric.get(group, ()):
            self._metrics.add(place, _points(metric, timestamps_ms, messages))
        for subscription in filters.subscription.get(group, ()):
            rows = np.flatnonzero(_rows(mask(subscription.pattern, messages)))
            for part in _parts(rows, messages):
                payload = _payload(
                    "DATA_MESSAGE",
                    place.account_id,
                    group,
                    stream,
                    [subscription.name],
                    _events(part, timestamps_ms, messages, given),
                )
                self._send(subscription.destination_arn, [payload])

    def take_records(
        self,
        place: Place,
        group: str,
        stream: str,
        records: pa.RecordBatch,
        log_format: LogFormat,
        ingestion_ms: int,
    ) -> None:
        """The same for flow records of one stream, which are printed only if there is a filter."""
        if not records.num_rows or not self.has_filters(place, group):
            return
        lines = lines_array(lines_of(records, log_format), records.num_rows)
        starts_s = filled_numbers(records.column("start"), 0).astype(np.int64)
        self.take_events(place, group, stream, starts_s * 1000, lines, ingestion_ms)

    def _filters(self, place: Place) -> _Filters:
        read_from = (
            self._state.all(METRIC_FILTERS, place),
            self._state.all(SUBSCRIPTION_FILTERS, place),
        )
        held = self._held.get(place)
        if held is not None and all(
            before is now for before, now in zip(held.read_from, read_from, strict=True)
        ):
            return held
        metric: dict[str, list[MetricFilter]] = {}
        subscription: dict[str, list[SubscriptionFilter]] = {}
        for one in read_from[0].values():
            metric.setdefault(one.log_group_name, []).append(one)
        for other in read_from[1].values():
            subscription.setdefault(other.log_group_name, []).append(other)
        self._held[place] = _Filters(read_from, metric, subscription)
        return self._held[place]


def control_message(now_ms: int) -> bytes:
    """The payload that tries whether a destination can be reached."""
    event = {"id": "", "timestamp": now_ms, "message": _CONTROL_MESSAGE}
    return _payload("CONTROL_MESSAGE", "CloudwatchLogs", "", "", [], [event])


def _payload(
    kind: str,
    owner: str,
    group: str,
    stream: str,
    names: list[str],
    events: list[dict[str, Any]],
) -> bytes:
    document = {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": names,
        "logEvents": events,
    }
    return gzip.compress(orjson.dumps(document), 6, mtime=0)


def _events(
    rows: Numbers, timestamps_ms: Numbers, messages: pa.StringArray, event_ids: EventIds
) -> list[dict[str, Any]]:
    return [
        {"id": event_id, "timestamp": timestamp, "message": message}
        for event_id, timestamp, message in zip(
            event_ids(rows), timestamps_ms[rows].tolist(), _taken(messages, rows), strict=True
        )
    ]


def _line_ids(
    stream: str, timestamps_ms: Numbers, messages: pa.StringArray, ingestion_ms: int, rows: Numbers
) -> list[str]:
    """Ids out of the stream, the time and the text, so that they are the same when events come again."""
    count = len(messages)
    keys, marks = line_hashes(messages, np.repeat(stream_hashes([stream]), count))
    ingested = np.full(count, ingestion_ms, np.int64)
    ordinals = ordinals_of(timestamps_ms, ingested, keys)
    streams = np.zeros(count, np.int32)
    events = Events(timestamps_ms, ingested, keys, ordinals, marks, streams, [stream], messages)
    return events.take(rows).ids()


def _taken(messages: pa.StringArray, rows: Numbers) -> list[str]:
    texts: list[str] = messages.take(pa.array(rows)).to_pylist()
    return texts


def _parts(rows: Numbers, messages: pa.StringArray) -> Iterator[Numbers]:
    """The rows in parts whose text stays within a payload, at least one row in each."""
    if not len(rows):
        return
    sizes = pc.binary_length(messages.take(pa.array(rows))).to_numpy() + _EVENT_BYTES
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(rows):
        before = int(ends[begin - 1]) if begin else 0
        end = int(np.searchsorted(ends, before + PAYLOAD_BYTES_MAX, side="right"))
        end = max(end, begin + 1)
        yield rows[begin:end]
        begin = end


def _points(
    metric: MetricFilter, timestamps_ms: Numbers, messages: pa.StringArray
) -> Iterator[Point]:
    pattern = parse_pattern(metric.pattern)
    minutes = timestamps_ms // _MINUTE_MS * MINUTE_S
    unit = metric.unit or "None"
    plain = Series(metric.namespace, metric.metric_name, (), unit)
    if metric.default_value is not None:
        for minute_s in np.unique(minutes).tolist():
            yield Point(plain, minute_s, default=metric.default_value)
    fit = mask(pattern, messages)
    rows = np.flatnonzero(_rows(fit))
    if not len(rows):
        return
    found = messages.filter(fit)
    constant = number_of(metric.value)
    if constant is None:
        numbers = numbers_at(pattern, metric.value, found)
        valid = _rows(numbers.is_valid())
        values = numbers.fill_null(0.0).to_numpy()
    else:
        valid = np.ones(len(rows), np.bool_)
        values = np.full(len(rows), constant)
    selectors = sorted(metric.dimensions.items())
    columns = [texts_at(pattern, selector, found) for _, selector in selectors]
    for column in columns:
        valid &= _rows(column.is_valid())
    kept = np.flatnonzero(valid)
    sets, codes = _dimension_sets(columns, kept)
    for code, minute_s, statistic in _statistics(codes, minutes[rows][kept], values[kept]):
        if code >= DIMENSION_SETS_MAX:
            continue
        pairs = zip((name for name, _ in selectors), sets[code], strict=True)
        yield Point(
            Series(metric.namespace, metric.metric_name, tuple(pairs), unit), minute_s, statistic
        )


def _dimension_sets(
    columns: list[pa.StringArray], rows: Numbers
) -> tuple[list[tuple[str, ...]], Numbers]:
    """The different sets of values in some rows, and the number of the set of each row."""
    if not columns:
        return [()], np.zeros(len(rows), np.int64)
    together = np.zeros(len(rows), np.int64)
    for column in columns:
        encoded = column.take(pa.array(rows)).dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        # Renumbered after each column, so that the numbers stay below the count of rows squared.
        together = together * max(len(encoded.dictionary), 1) + codes
        together = np.unique(together, return_inverse=True)[1].astype(np.int64)
    _, first = np.unique(together, return_index=True)
    texts = [column.take(pa.array(rows[first])).to_pylist() for column in columns]
    return list(zip(*texts, strict=True)), together


def _statistics(
    codes: Numbers, minutes: Numbers, values: npt.NDArray[np.float64]
) -> Iterator[tuple[int, int, Statistic]]:
    """Of the values of each set of dimensions in each minute."""
    if not len(codes):
        return
    order = np.lexsort((minutes, codes))
    codes, minutes, values = codes[order], minutes[order], values[order]
    changed = (np.diff(codes) != 0) | (np.diff(minutes) != 0)
    starts = np.concatenate(([0], np.flatnonzero(changed) + 1))
    counts = np.diff(np.append(starts, len(codes)))
    parts = zip(
        codes[starts].tolist(),
        minutes[starts].tolist(),
        counts.tolist(),
        np.add.reduceat(values, starts).tolist(),
        np.minimum.reduceat(values, starts).tolist(),
        np.maximum.reduceat(values, starts).tolist(),
        strict=True,
    )
    for code, minute_s, count, total, low, high in parts:
        yield code, minute_s, Statistic(float(count), total, low, high)


def _rows(found: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    rows: npt.NDArray[np.bool_] = found.to_numpy(zero_copy_only=False).copy()
    return rows
