"""Flow records that reached their log groups: streams noted, filters fed, live tails told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.base.errors import FlowLogError
from vpcflow.control.state import Place
from vpcflow.deliver.log_group import LogGroupDelivery
from vpcflow.deliver.plan import LogGroupDestination
from vpcflow.deliver.status import FailureMessage
from vpcflow.record.column_buffers import filled_numbers
from vpcflow.record.flow_log_selection import lines_of

if TYPE_CHECKING:
    from vpcflow.control.logs.log_event_filters import LogEventFilters
    from vpcflow.control.logs.service import LogGroupService

_MS = 1000


class LogGroupDeliveries:
    """Takes what the delivery thread brings; the records themselves are read out of the table."""

    def __init__(self, groups: LogGroupService, filters: LogEventFilters) -> None:
        self._groups = groups
        self._filters = filters

    def receive(
        self, deliveries: Sequence[LogGroupDelivery], ingested_ms: int
    ) -> Mapping[str, str]:
        """Note new records; flow logs that could not be served, with their status message."""
        refused: dict[str, str] = {}
        for delivery in deliveries:
            try:
                self._take(delivery, ingested_ms)
            except FlowLogError:
                refused[delivery.plan.flow_log_id] = FailureMessage.UNKNOWN_ERROR
        return refused

    def _take(self, delivery: LogGroupDelivery, ingested_ms: int) -> None:
        plan, streams = delivery.plan, delivery.streams
        assert isinstance(plan.destination, LogGroupDestination)
        place, group = Place(plan.account_id, plan.region), plan.destination.log_group_name
        firsts = (streams.first_start_s * _MS).tolist()
        lasts = (streams.last_start_s * _MS).tolist()
        times = dict(zip(streams.names, zip(firsts, lasts, strict=True), strict=True))
        self._groups.record_delivery(place, group, times, ingested_ms)
        watched = self._groups.hub.watches(place, group)
        if watched or self._filters.has_filters(place, group):
            for name, records in _by_stream(delivery):
                self._filters.take_records(
                    place, group, name, records, plan.selection.log_format, ingested_ms
                )
                if watched:
                    self._publish(place, group, name, records, delivery, ingested_ms)

    def _publish(
        self,
        place: Place,
        group: str,
        stream: str,
        records: pa.RecordBatch,
        delivery: LogGroupDelivery,
        ingested_ms: int,
    ) -> None:
        lines = lines_of(records, delivery.plan.selection.log_format).decode().splitlines()
        starts = filled_numbers(records.column("start"), 0).astype(np.int64) * _MS
        self._groups.hub.publish(place, group, stream, starts.tolist(), lines, ingested_ms)


def _by_stream(delivery: LogGroupDelivery) -> list[tuple[str, pa.RecordBatch]]:
    """The records of each stream; done only for groups that somebody watches or filters."""
    suffix = delivery.plan.selection.stream_suffix
    interfaces = delivery.records.column("interface_id").cast(pa.string())
    found = []
    for interface_id in pc.unique(interfaces).to_pylist():
        mask = (
            pc.is_null(interfaces) if interface_id is None else pc.equal(interfaces, interface_id)
        )
        rows = delivery.records.filter(pc.fill_null(mask, False))
        found.append((f"{interface_id or '-'}-{suffix}", rows))
    return found
