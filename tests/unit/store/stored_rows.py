"""Random flow batches, hostile ones among them, and a slow reference of the stored layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.field_spec import TEXT_TYPE
from vpcflow.record.fields import FIELDS_BY_COLUMN

START = 1_760_000_400
INT64_MAX = 2**63 - 1

Row = dict[str, Any]


def ipv4(text: str) -> bytes:
    """An IPv4 address as it is stored."""
    return bytes(10) + b"\xff\xff" + bytes(int(part) for part in text.split("."))


ADDRESSES = [
    *(ipv4(text) for text in ("10.0.0.1", "10.0.0.2", "172.16.5.5", "8.8.8.8", "93.184.216.34")),
    bytes.fromhex("20010db8000000000000000000000001"),
    bytes.fromhex("fd000000000000000000000000000001"),
    bytes(16),
    b"\xff" * 16,
]
_ports = st.none() | st.sampled_from([0, 22, 443, 50_000, 65_535])
_counts = st.none() | st.sampled_from([0, 1, 40, INT64_MAX])
_times = st.none() | st.sampled_from([START, START + 59, START + 3_600, START + 90_000, 0])
_addresses = st.none() | st.sampled_from(ADDRESSES)


def _text(*texts: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(texts)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "srcaddr": _addresses,
    "dstaddr": _addresses,
    "srcport": _ports,
    "dstport": _ports,
    "start": _times,
    "end": _times,
    "pkt_srcaddr": _addresses,
    "pkt_dstaddr": _addresses,
    "protocol": st.none() | st.sampled_from([0, 1, 6, 17]),
    "packets": _counts,
    "bytes": _counts,
    "interface_id": _text("eni-1", "eni-2"),
    "flow_direction": _text("ingress", "egress", "sideways"),
    "action": _text("ACCEPT", "REJECT"),
    "log_status": _text("OK", "NODATA", "SKIPDATA"),
    "flow_log_id": _text("fl-1"),
    "tcp_flags": st.none() | st.sampled_from([0, 2, 18]),
    "new_field": _text("a", "", "ünïcode"),
    "host": _text("a field that AWS might add under a name of ours"),
}


def batch(rows: Sequence[Row], columns: Sequence[str], origin: Origin | None = None) -> FlowBatch:
    """Rows as a flow batch with just these columns."""
    arrays = []
    for name in columns:
        spec = FIELDS_BY_COLUMN.get(name)
        data_type = spec.kind.arrow_type if spec else TEXT_TYPE
        arrays.append(pa.array([row.get(name) for row in rows], data_type))
    return FlowBatch(
        pa.RecordBatch.from_arrays(arrays, names=list(columns)), origin or Origin("file")
    )


@st.composite
def batches(draw: st.DrawFn) -> list[FlowBatch]:
    """A few batches with columns of their own, sliced so that Arrow's offsets are not 0."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        columns = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, unique=True))
        row = st.fixed_dictionaries({name: VALUES[name] for name in columns})
        rows = draw(st.lists(row, min_size=1, max_size=20))
        flow_batch = batch(rows, columns, Origin("s3", flow_log_id=draw(_text("fl-9"))))
        skipped = draw(st.integers(0, len(rows) - 1))
        made.append(flow_batch.with_records(flow_batch.records.slice(skipped)))
    return made


def expected_rows(made: Sequence[FlowBatch]) -> list[Row]:
    """What the records are after a round trip: as they were, with where they came from."""
    rows = []
    for flow_batch in made:
        for row in flow_batch.records.to_pylist():
            row["source"] = row.get("source") or flow_batch.origin.kind
            row["flow_log_id"] = row.get("flow_log_id") or flow_batch.origin.flow_log_id
            rows.append(known(row))
    return rows


def known(row: Row) -> Row:
    """The values that are there."""
    return {name: value for name, value in row.items() if value is not None}


def stored_row(row: Row, direction: int) -> Row:
    """The reference: one record as stored_schema describes it, given which end is the host."""
    ends = (row.get("srcaddr"), row.get("dstaddr"))
    source_port, destination_port = row.get("srcport"), row.get("dstport")
    if source_port is not None and destination_port is not None:
        swapped = source_port > destination_port
    else:
        swapped = destination_port is not None
    ports = (destination_port, source_port) if swapped else (source_port, destination_port)
    marks = 0
    stored = {"host": ends[direction], "peer": ends[1 - direction], "direction": direction}
    for name, end, mark in (("pkt_srcaddr", ends[0], 1), ("pkt_dstaddr", ends[1], 2)):
        if row.get(name) is not None and row[name] == end:
            marks |= mark
        else:
            stored[name] = row.get(name)
    duration = row.get("end")
    if duration is not None and row.get("start") is not None:
        duration -= row["start"]
    stored |= {"lo_port": ports[0], "hi_port": ports[1], "swapped": swapped, "pkt_same": marks}
    stored |= {"start": row.get("start"), "duration": duration}
    return stored


def sort_key(row: Row) -> tuple[tuple[bool, Any], ...]:
    """The reference order of stored rows."""
    start = row.get("start")
    hour = None if start is None else start // 3_600
    names = ("host", "lo_port", "peer", "hi_port", "start")
    return tuple(
        (value is not None, value) if value is not None else (False, 0)
        for value in (hour, *(row.get(name) for name in names))
    )
