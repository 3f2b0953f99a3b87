"""Flow records that reached their log groups: streams noted, filters fed, live tails told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import structlog

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

_LOG = structlog.get_logger(__name__)
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
        for (place, group), together in _by_group(deliveries).items():
            try:
                # Thousands of flow logs may share a group: their streams are noted at once.
                self._groups.record_delivery(place, group, _times(together), ingested_ms)
                for delivery in together:
                    self._feed(place, group, delivery, ingested_ms)
            except FlowLogError as error:
                _LOG.warning("log group not served", group=group, error=str(error))
                refused |= _refused(together)
            except Exception:  # noqa: BLE001 - one group's fault must not hide all the others
                _LOG.exception("log group not served", group=group)
                refused |= _refused(together)
        return refused

    def _feed(self, place: Place, group: str, delivery: LogGroupDelivery, ingested_ms: int) -> None:
        """Filters and live tails, if the group has any, get the lines."""
        watched = self._groups.hub.watches(place, group)
        if not watched and not self._filters.has_filters(place, group):
            return
        log_format = delivery.plan.selection.log_format
        for stream, records in delivery.by_stream():
            self._filters.take_records(place, group, stream, records, log_format, ingested_ms)
            if watched:
                lines = lines_of(records, log_format).decode().splitlines()
                starts = filled_numbers(records.column("start"), 0).astype(np.int64) * _MS
                self._groups.hub.publish(place, group, stream, starts.tolist(), lines, ingested_ms)


def _refused(deliveries: Sequence[LogGroupDelivery]) -> dict[str, str]:
    return {one.plan.flow_log_id: FailureMessage.UNKNOWN_ERROR for one in deliveries}


def _by_group(
    deliveries: Sequence[LogGroupDelivery],
) -> Mapping[tuple[Place, str], list[LogGroupDelivery]]:
    found: dict[tuple[Place, str], list[LogGroupDelivery]] = {}
    for delivery in deliveries:
        plan = delivery.plan
        assert isinstance(plan.destination, LogGroupDestination)
        key = (Place(plan.account_id, plan.region), plan.destination.log_group_name)
        found.setdefault(key, []).append(delivery)
    return found


def _times(deliveries: Sequence[LogGroupDelivery]) -> dict[str, tuple[int, int]]:
    """Oldest and newest start of each stream; several flow logs may share one."""
    times: dict[str, tuple[int, int]] = {}
    for delivery in deliveries:
        streams = delivery.streams
        firsts = (streams.first_start_s * _MS).tolist()
        lasts = (streams.last_start_s * _MS).tolist()
        for name, first, last in zip(streams.names, firsts, lasts, strict=True):
            before = times.get(name)
            times[name] = (
                (first, last) if before is None else (min(first, before[0]), max(last, before[1]))
            )
    return times
