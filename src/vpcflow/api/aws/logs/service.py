"""CloudWatch Logs as a service: its operations put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vpcflow.api.aws.logs.events import EventOperations, Sources
from vpcflow.api.aws.logs.groups import GroupOperations
from vpcflow.api.aws.logs.live_tail import LiveTailOperation
from vpcflow.api.aws.logs.saved import SavedOperations
from vpcflow.api.aws.logs.streams import StreamOperations
from vpcflow.api.aws.operation import Operation, Service
from vpcflow.control.logs.service import LogGroupService
from vpcflow.control.state import Place, State
from vpcflow.query.log_events import LogEventReader


def service(
    state: State,
    groups: LogGroupService,
    reader: LogEventReader,
    sources: Sources,
    *,
    filters: Sequence[Operation] = (),
    metric_filters_of: Callable[[Place, str], int] = lambda _place, _group: 0,
) -> Service:
    """The service.

    Shape: ``sources`` tells the flow logs of a group; ``filters`` are the operations on metric and
    subscription filters, ``metric_filters_of`` counts a group's metric filters.
    """
    return Service.of(
        "logs",
        [
            *GroupOperations(groups, metric_filters_of).operations(),
            *StreamOperations(groups).operations(),
            *EventOperations(groups, reader, sources).operations(),
            *LiveTailOperation(groups).operations(),
            *SavedOperations(state).operations(),
            *filters,
        ],
    )
