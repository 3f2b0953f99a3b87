"""The list of flow logs of an account and region: in the order they were made, in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vpcflow.base.errors import ServiceError
from vpcflow.control.filters import Values, select
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS, FlowLog
from vpcflow.control.paging import BadToken, page_of_sorted
from vpcflow.control.state import Place, State
from vpcflow.control.tags import TAG_SETS, TagSet

PAGE_MIN = 5
PAGE_MAX = 1000
IDS_MAX = 1000

Tags = Mapping[str, str]


class FlowLogList:
    """Flow logs of one account and region with their tags, sorted once for each state of them."""

    def __init__(self, flow_logs: Mapping[str, FlowLog], tag_sets: Mapping[str, TagSet]) -> None:
        self.flow_logs = flow_logs
        self.tag_sets = tag_sets
        self._ordered = sorted(flow_logs.values(), key=order_of)
        self._keys = [order_of(flow_log) for flow_log in self._ordered]

    def is_of(self, flow_logs: Mapping[str, FlowLog], tag_sets: Mapping[str, TagSet]) -> bool:
        """Whether the state is still the one that the list was made of."""
        return self.flow_logs is flow_logs and self.tag_sets is tag_sets

    def tags_of(self, flow_log: FlowLog) -> Tags:
        """The tags of a flow log."""
        found = self.tag_sets.get(flow_log.flow_log_id)
        return found.tags if found else {}

    def page(
        self,
        ids: Sequence[str],
        filters: Sequence[Mapping[str, Any]],
        limit: int,
        token: str | None,
    ) -> tuple[list[FlowLog], str | None]:
        """One page, and the token of the next."""
        ordered, keys = self._ordered, self._keys
        if ids:
            wanted = set(ids)
            ordered = [flow_log for flow_log in ordered if flow_log.flow_log_id in wanted]
        if filters:
            ordered = select(ordered, _folded(filters), _FILTERS, self.tags_of)
        if ids or filters:
            keys = [order_of(flow_log) for flow_log in ordered]
        try:
            return page_of_sorted(
                ordered, keys, limit, token, question=repr((sorted(ids), list(filters)))
            )
        except BadToken as error:
            raise ServiceError(
                "InvalidParameterValue", "The parameter NextToken is not valid."
            ) from error


class FlowLogLists:
    """The current list of every account and region.

    Shape: one list is kept for each place of the State; safe for any number of threads.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._lists: dict[Place, FlowLogList] = {}

    def at(self, place: Place) -> FlowLogList:
        """The list of a place."""
        flow_logs = self._state.all(FLOW_LOGS, place)
        tag_sets = self._state.all(TAG_SETS, place)
        found = self._lists.get(place)
        if found is None or not found.is_of(flow_logs, tag_sets):
            found = self._lists[place] = FlowLogList(flow_logs, tag_sets)
        return found


def order_of(flow_log: FlowLog) -> str:
    """Sorts flow logs by when they were made; those of one request by id."""
    return f"{flow_log.created_ms:015d}{flow_log.flow_log_id}"


def page_size(given: int | None, ids: Sequence[str]) -> int:
    """The size of a page from MaxResults.

    Errors: ServiceError when it is too small, or stands beside ids.
    """
    check_ids(ids)
    if given is None:
        return PAGE_MAX
    if ids:
        raise ServiceError(
            "InvalidParameterCombination",
            "The parameter FlowLogIds cannot be used with the parameter MaxResults",
        )
    if given < PAGE_MIN:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ( {given} ) for parameter maxResults is invalid. Expecting a value greater "
            f"than or equal to {PAGE_MIN}.",
        )
    return min(given, PAGE_MAX)


def check_ids(ids: Sequence[str]) -> None:
    """Refuse more ids than one request may have.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    if len(ids) > IDS_MAX:
        raise ServiceError(
            "InvalidParameterValue", f"At most {IDS_MAX} values of FlowLogIds may be given."
        )


def _one(value: str | None) -> list[str]:
    return [] if value is None else [value]


_FILTERS: dict[str, Values[FlowLog]] = {
    "deliver-log-status": lambda flow_log: [flow_log.status.value],
    "log-destination-type": lambda flow_log: [flow_log.destination_type.value],
    "flow-log-id": lambda flow_log: [flow_log.flow_log_id],
    "log-group-name": lambda flow_log: _one(flow_log.log_group_name),
    "resource-id": lambda flow_log: [flow_log.resource_id],
    "traffic-type": lambda flow_log: _one(flow_log.traffic_type and flow_log.traffic_type.value),
}


def _folded(filters: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A traffic type is found in any case, as it may be given at creation."""
    fold: Callable[[str], str] = str.upper
    return [
        {**one, "Values": [fold(str(value)) for value in one.get("Values") or ()]}
        if one.get("Name") == "traffic-type"
        else one
        for one in filters
    ]
