"""From the flow table to flow records: fields, the primary address rule, NODATA and SKIPDATA.

Everything here works on whole columns; what AWS documents of a record is decided in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.capture.exclusions import ExcludedCount, Exclusion, Exclusions, address_words
from vpcflow.capture.observation_point import SLOTS_MAX, ObservationPoint
from vpcflow.capture.parsed_columns import (
    DESTINATION_PORT_SHIFT,
    DIRECTION_SHIFT,
    PROTOCOL_SHIFT,
    RULE_SHIFT,
    SLOT_SHIFT,
    TCP_FLAGS_SHIFT,
    VERDICT_SHIFT,
)
from vpcflow.capture.window import ClosedWindow
from vpcflow.record.batch import BATCH_RECORDS_MAX
from vpcflow.record.column_buffers import code_column, number_column
from vpcflow.record.field_spec import ADDRESS_TYPE
from vpcflow.record.fields import FIELDS_BY_COLUMN

Words = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.int32]

#: The version of records that hold every field which capture fills.
RECORD_VERSION = 5
_NS = 1_000_000_000
_US = 1_000_000
_MAPPED = np.uint64(0xFFFF0000)
_LOW = np.uint64(0xFFFFFFFF)
_NULL = -1
#: By verdict: unknown, accept, reject.
_ACTIONS = ("ACCEPT", "REJECT")
_ACTION_CODES = np.array([_NULL, 0, 1, _NULL], np.int32)
_ACTION_SOURCES = ("nflog", "policy")
_DIRECTIONS = ("ingress", "egress")
_FAMILIES = ("IPv4", "IPv6")
_STATUSES = ("OK", "NODATA", "SKIPDATA")


@dataclass(frozen=True, slots=True)
class AggregatedWindow:
    """The records of one interval, and what made none.

    Shape: a batch is made when it is asked for, so that memory for all of them is never needed.
    Units: counts of records; ``packets`` and ``bytes`` of the records.
    """

    batches: Sequence[pa.RecordBatch]
    flows: int
    packets: int
    bytes: int
    nodata: int
    skipdata: int
    excluded: dict[Exclusion, ExcludedCount] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """All lines: flows, NODATA and SKIPDATA."""
        return self.flows + self.nodata + self.skipdata


def aggregate(
    window: ClosedWindow, exclusions: Exclusions, *, nodata: bool = True
) -> AggregatedWindow:
    """Make the flow records of a closed interval.

    Shape: one record a flow, then the NODATA and SKIPDATA lines, in batches of at most
    ``BATCH_RECORDS_MAX``.
    """
    kinds = exclusions.kinds_of(window.rows, window.points)
    excluded = _excluded(window.rows, kinds, exclusions)
    logged = np.flatnonzero(kinds < 0) if excluded else slice(None)
    rows = window.rows[logged]
    rtt = _rtt_columns(window, logged)
    source = _action_source(window)[logged]
    batches = _Batches()
    for begin in range(0, len(rows), BATCH_RECORDS_MAX):
        of = slice(begin, begin + BATCH_RECORDS_MAX)
        part = [column[of] for column in rtt]
        batches.makers.append(partial(_flow_batch, rows[of], part, source[of], window))
    slots_seen = np.zeros(SLOTS_MAX + 1, np.bool_)
    slots_seen[(rows[:, 4] >> np.uint64(SLOT_SHIFT)).astype(np.int64)] = True
    existed = [point for point in window.points if _existed(point, window)]
    silent = [point for point in existed if not slots_seen[point.slot]] if nodata else []
    skipped = [point for point in window.points if _is_skipped(point, window)]
    slots_skipped = {point.slot for point in skipped}
    silent = [point for point in silent if point.slot not in slots_skipped]
    lines = [(point, 1) for point in silent] + [(point, 2) for point in skipped]
    batches.makers.extend(
        partial(_status_batch, lines[begin : begin + BATCH_RECORDS_MAX], window)
        for begin in range(0, len(lines), BATCH_RECORDS_MAX)
    )
    packets = rows[:, 5] & np.uint64((1 << TCP_FLAGS_SHIFT) - 1)
    return AggregatedWindow(
        batches,
        len(rows),
        int(packets.sum()),
        int(rows[:, 6].sum()),
        len(silent),
        len(skipped),
        excluded,
    )


class _Batches(Sequence[pa.RecordBatch]):
    """Batches that are made when they are asked for."""

    def __init__(self) -> None:
        self.makers: list[Callable[[], pa.RecordBatch]] = []

    def __len__(self) -> int:
        return len(self.makers)

    def __getitem__(self, number: Any) -> Any:
        made = self.makers[number]
        return [make() for make in made] if isinstance(made, list) else made()


def _existed(point: ObservationPoint, window: ClosedWindow) -> bool:
    """One that came while packets of the interval were still held back belongs to the next one;
    one that went before it is there for its last packets alone."""
    came, went = point.from_s * _NS, point.until_s
    return came < window.end_ns and (went is None or went * _NS > window.start_ns)


def _is_skipped(point: ObservationPoint, window: ClosedWindow) -> bool:
    if point.slot in window.skipped_packets:
        return True
    return point.namespace in window.lost_namespaces and _existed(point, window)


def _excluded(
    rows: Words, kinds: npt.NDArray[np.int8], exclusions: Exclusions
) -> dict[Exclusion, ExcludedCount]:
    found = {}
    for number in np.unique(kinds[kinds >= 0]).tolist():
        which = rows[kinds == number]
        packets = which[:, 5] & np.uint64((1 << TCP_FLAGS_SHIFT) - 1)
        found[exclusions.kinds[number]] = ExcludedCount(
            len(which), int(packets.sum()), int(which[:, 6].sum())
        )
    return found


def _rtt_columns(
    window: ClosedWindow, logged: npt.NDArray[np.int64] | slice
) -> list[npt.NDArray[np.int64]]:
    """Median, minimum and count for each logged row, -1 where there is none."""
    if window.rtt is None:
        return []
    columns = []
    for values in (window.rtt.median, window.rtt.minimum, window.rtt.count):
        column = np.full(len(window.rows), -1, np.int64)
        column[window.rtt.row] = values
        columns.append(column[logged])
    return columns


def _flow_batch(
    rows: Words,
    rtt: Sequence[npt.NDArray[np.int64]],
    action_source: npt.NDArray[np.uint8],
    window: ClosedWindow,
) -> pa.RecordBatch:
    word = rows[:, 4]
    slot = (word >> np.uint64(SLOT_SHIFT)).astype(np.int64)
    egress = (word >> np.uint64(DIRECTION_SHIFT) & np.uint64(1)).astype(np.int32)
    verdict = (word >> np.uint64(VERDICT_SHIFT) & np.uint64(3)).astype(np.int64)
    protocol = (word >> np.uint64(PROTOCOL_SHIFT) & np.uint64(0xFF)).astype(np.int32)
    is_v6 = ((rows[:, 0] != 0) | (rows[:, 1] & _LOW != _MAPPED)).astype(np.int32)
    shown_source, shown_destination = _shown_addresses(rows, slot, egress, window.points)
    columns = {
        "version": number_column(np.full(len(rows), RECORD_VERSION, np.int32)),
        "interface_id": _interface_ids(slot, window.points),
        "srcaddr": _addresses(shown_source),
        "dstaddr": _addresses(shown_destination),
        "srcport": number_column((word & np.uint64(0xFFFF)).astype(np.int32)),
        "dstport": number_column(
            (word >> np.uint64(DESTINATION_PORT_SHIFT) & np.uint64(0xFFFF)).astype(np.int32)
        ),
        "protocol": number_column(protocol),
        "packets": number_column(
            (rows[:, 5] & np.uint64((1 << TCP_FLAGS_SHIFT) - 1)).astype(np.int64)
        ),
        "bytes": number_column(rows[:, 6].astype(np.int64)),
        "start": _seconds(rows[:, 7] & _LOW, window.origin_ns),
        "end": _seconds(rows[:, 7] >> np.uint64(32), window.origin_ns),
        "action": code_column(_ACTION_CODES[verdict], _ACTIONS),
        "log_status": code_column(np.zeros(len(rows), np.int32), _STATUSES),
        "tcp_flags": number_column(
            (rows[:, 5] >> np.uint64(TCP_FLAGS_SHIFT) & np.uint64(0xFF)).astype(np.int32)
        ),
        "type": code_column(is_v6, _FAMILIES),
        "pkt_srcaddr": _addresses(rows[:, 0:2]),
        "pkt_dstaddr": _addresses(rows[:, 2:4]),
        "flow_direction": code_column(egress, _DIRECTIONS),
        "reject_rule": _rules(rows[:, 5] >> np.uint64(RULE_SHIFT), window.rule_texts),
        "action_source": code_column(action_source.astype(np.int32) - 1, _ACTION_SOURCES),
    }
    for name, values in zip(("rtt_us", "rtt_min_us", "rtt_count"), rtt, strict=False):
        columns[name] = number_column(values, values >= 0)
    return _batch(columns)


def _status_batch(
    lines: Sequence[tuple[ObservationPoint, int]], window: ClosedWindow
) -> pa.RecordBatch:
    """NODATA and SKIPDATA: the interface and the part of the interval in which it existed.

    ``end`` is the last second of it, as it is the second of the last packet elsewhere.
    """
    begin_s, end_s = window.start_ns / _NS, (window.end_ns - 1) // _NS
    start = [int(max(begin_s, point.from_s)) for point, _ in lines]
    end = [int(end_s if point.until_s is None else min(end_s, point.until_s)) for point, _ in lines]
    points = tuple(dict.fromkeys(point for point, _ in lines))
    slots = np.array([point.slot for point, _ in lines], np.int64)
    columns = {
        "version": number_column(np.full(len(lines), RECORD_VERSION, np.int32)),
        "interface_id": _interface_ids(slots, points),
        "start": number_column(np.array(start, np.int64)),
        "end": number_column(np.maximum(np.array(end, np.int64), start)),
        "log_status": code_column(np.array([status for _, status in lines], np.int32), _STATUSES),
    }
    return _batch(columns)


def _shown_addresses(
    rows: Words, slot: npt.NDArray[np.int64], egress: Codes, points: Sequence[ObservationPoint]
) -> tuple[Words, Words]:
    """AWS's rule: the interface's own end shows its primary address, the packet's is in ``pkt-``.

    IPv4 shows the primary address whichever address the packet had; IPv6 shows the packet's where
    the interface has it, else the interface's first. Groups and an interface without an address
    show the packet's.
    """
    table = _PointAddresses(points)
    source, destination = rows[:, 0:2], rows[:, 2:4]
    out = np.flatnonzero(egress == 1)
    into = np.flatnonzero(egress == 0)
    return (
        table.replaced(source, out, slot),
        table.replaced(destination, into, slot),
    )


class _PointAddresses:
    """Primary and own addresses by slot, for whole columns."""

    def __init__(self, points: Sequence[ObservationPoint]) -> None:
        self._primary = np.zeros((2, SLOTS_MAX + 1, 2), np.uint64)
        self._has = np.zeros((2, SLOTS_MAX + 1), np.bool_)
        own = []
        for point in points:
            interface = point.interface
            shown_v6 = [a for a in interface.ipv6_addresses if not a.is_link_local]
            for family, addresses in enumerate((interface.ipv4_addresses, shown_v6)):
                if addresses:
                    self._primary[family, point.slot] = address_words(addresses[0])
                    self._has[family, point.slot] = True
            own += [(point.slot, *address_words(a)) for a in interface.ipv6_addresses]
        columns = np.array(own, np.uint64).reshape(-1, 3).T
        self._own_v6 = _owned(columns[0], columns[1], columns[2])

    def replaced(
        self, addresses: Words, which: npt.NDArray[np.int64], slot: npt.NDArray[np.int64]
    ) -> Words:
        """The column with the shown address in the rows ``which``."""
        mine = addresses[which]
        slots = slot[which]
        family = ((mine[:, 0] != 0) | (mine[:, 1] & _LOW != _MAPPED)).astype(np.int64)
        change = self._has[family, slots] & ~_is_group(mine, family)
        v6 = np.flatnonzero(family == 1)
        if len(v6):
            keys = _owned(slots[v6], mine[v6, 0], mine[v6, 1])
            change[v6] &= ~np.isin(keys, self._own_v6)
        shown = np.array(addresses, order="C")
        shown[which[change]] = self._primary[family[change], slots[change]]
        return shown


def _owned(slot: npt.NDArray[Any], first: Words, second: Words) -> Words:
    """Slots and addresses as one word each; two of them are the same once in 2**64."""
    mixed = first * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed + second) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    mixed = (mixed + slot.astype(np.uint64)) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ mixed >> np.uint64(31))


def _is_group(addresses: Words, family: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Multicast, and IPv4's limited broadcast."""
    octet = addresses[:, 1] >> np.uint64(32) & np.uint64(0xFF)
    v4 = ((octet >= 224) & (octet < 240)) | (addresses[:, 1] >> np.uint64(32) == _LOW)
    v6 = addresses[:, 0] & np.uint64(0xFF) == 0xFF
    return np.asarray(np.where(family == 0, v4, v6), np.bool_)


def _addresses(words: Words) -> pa.Array:
    data = np.ascontiguousarray(words)
    return pa.Array.from_buffers(ADDRESS_TYPE, len(data), [None, pa.py_buffer(data)])


def _seconds(offset_us: Words, origin_ns: int) -> pa.Array:
    return number_column((offset_us.astype(np.int64) + origin_ns // 1000) // _US)


def _interface_ids(slot: npt.NDArray[np.int64], points: Sequence[ObservationPoint]) -> pa.Array:
    code_of = np.full(SLOTS_MAX + 1, _NULL, np.int32)
    for code, point in enumerate(points):
        code_of[point.slot] = code
    return code_column(code_of[slot], [point.interface.interface_id for point in points])


def _rules(numbers: Words, texts: Sequence[str]) -> pa.Array:
    codes = numbers.astype(np.int32) - 1  # rule 0 is none
    codes[codes >= len(texts)] = _NULL
    return code_column(codes, texts)


def _action_source(window: ClosedWindow) -> npt.NDArray[np.uint8]:
    if window.action_source is not None:
        return window.action_source
    return np.zeros(len(window.rows), np.uint8)


def _batch(columns: dict[str, pa.Array]) -> pa.RecordBatch:
    schema = pa.schema([FIELDS_BY_COLUMN[name].arrow_field for name in columns])
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=schema)
