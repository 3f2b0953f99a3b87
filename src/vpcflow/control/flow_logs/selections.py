"""Flow logs as selections of records: for the delivery, and for those who read a log group."""

from __future__ import annotations

from functools import lru_cache

from vpcflow.control.flow_logs.flow_log import FlowLog
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    LogGroupSource,
    ScopeColumn,
    TrafficType,
)
from vpcflow.record.log_format import LogFormat

#: Format strings that are kept parsed.
FORMATS_KEPT_MAX = 1024
_SCOPES = {
    "vpc": ScopeColumn.VPC,
    "subnet": ScopeColumn.SUBNET,
    "eni": ScopeColumn.INTERFACE,
}


def scope_of(resource_id: str) -> ScopeColumn:
    """The column that names a resource, by the prefix of its id."""
    return _SCOPES[resource_id.partition("-")[0]]


def selection_of(flow_log: FlowLog, *, readable: bool = False) -> FlowLogSelection:
    """The records of a flow log.

    Shape: with ``readable`` only those that its log group has: a delivery that fails leaves out
    what came since, and a group that was deleted what came before.
    """
    begin_s = flow_log.created_ms // 1000
    if readable and flow_log.visible_from_s is not None:
        begin_s = max(begin_s, flow_log.visible_from_s)
    ends = [flow_log.deleted_s, flow_log.visible_until_s if readable else None]
    return FlowLogSelection(
        scope_of(flow_log.resource_id),
        flow_log.resource_id,
        flow_log.traffic_type or TrafficType.ALL,
        _parsed(flow_log.log_format),
        begin_s,
        min((end for end in ends if end is not None), default=None),
    )


def source_of(flow_log: FlowLog) -> LogGroupSource | None:
    """A flow log as a source of its log group; None when no record of it can be in there."""
    selection = selection_of(flow_log, readable=True)
    if selection.until_s is not None and selection.until_s <= selection.from_s:
        return None
    return LogGroupSource(flow_log.flow_log_id, selection)


@lru_cache(FORMATS_KEPT_MAX)
def _parsed(text: str) -> LogFormat:
    return LogFormat.parse(text)
