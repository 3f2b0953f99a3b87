"""Which flow records belong to a flow log, and how it prints them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.record.column_buffers import number_column
from vpcflow.record.log_format import LogFormat
from vpcflow.record.text import encode_text


class ScopeColumn(StrEnum):
    """The column that names the resource which a flow log is on."""

    VPC = "vpc_id"
    SUBNET = "subnet_id"
    INTERFACE = "interface_id"


class TrafficType(StrEnum):
    """Which actions a flow log records."""

    ALL = "ALL"
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True)
class FlowLogSelection:
    """The records of one flow log.

    Shape: records of the resource whose ``start`` is in ``from_s`` (inclusive) to ``until_s``
    (exclusive; None: without end), of the traffic type. Records without an action (NODATA,
    SKIPDATA, or an unknown verdict) belong to every traffic type.
    Units: seconds since the epoch.
    """

    scope: ScopeColumn
    resource_id: str
    traffic_type: TrafficType
    log_format: LogFormat
    from_s: int
    until_s: int | None = None

    @property
    def stream_suffix(self) -> str:
        """The end of a log stream's name: ``eni-...-all``."""
        return self.traffic_type.value.lower()

    def select(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """The records among ``records`` that belong to the flow log."""
        held = set(records.schema.names)
        if self.scope.value not in held or "start" not in held:
            return records.slice(0, 0)
        mask = pc.equal(_plain(records.column(self.scope.value)), self.resource_id)
        start = records.column("start")
        mask = pc.and_(mask, pc.greater_equal(start, self.from_s))
        if self.until_s is not None:
            mask = pc.and_(mask, pc.less(start, self.until_s))
        if self.traffic_type is not TrafficType.ALL and "action" in held:
            action = _plain(records.column("action"))
            mask = pc.and_(mask, pc.fill_null(pc.equal(action, self.traffic_type.value), True))
        return records.filter(pc.fill_null(mask, False))


@dataclass(frozen=True, slots=True)
class LogGroupSource:
    """A flow log whose records stand in a log group; ``flow_log_id`` also of one that was deleted."""

    flow_log_id: str
    selection: FlowLogSelection


def with_format_version(records: pa.RecordBatch, log_format: LogFormat) -> pa.RecordBatch:
    """AWS prints the version of the format, not that of the record's maker."""
    column = number_column(np.full(records.num_rows, log_format.version, np.int32))
    at = records.schema.get_field_index("version")
    if at < 0:
        return records.append_column("version", column)
    return records.set_column(at, records.schema.field(at), column)


def lines_of(records: pa.RecordBatch, log_format: LogFormat) -> bytes:
    """The records as lines in the flow log's format, each with its newline, without a header."""
    return encode_text(with_format_version(records, log_format), log_format)


def _plain(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
