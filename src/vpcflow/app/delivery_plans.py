"""Flow logs as delivery plans, and delivery's answers as their status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vpcflow.control.arns import Arn
from vpcflow.control.flow_logs.flow_log import DeliveryStatus as FlowLogStatus
from vpcflow.control.flow_logs.flow_log import DestinationType, FlowLog
from vpcflow.control.state import Place
from vpcflow.deliver.plan import (
    DeliveryPlan,
    Destination,
    FirehoseDestination,
    LogGroupDestination,
    S3Destination,
)
from vpcflow.deliver.status import DeliveryStatus

if TYPE_CHECKING:
    from vpcflow.app.control_plane import ControlPlane


class DeliveryPlans:
    """Hands out plans, says which may deliver, and keeps how it goes."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._made: tuple[object, list[DeliveryPlan], dict[str, tuple[FlowLog, Place]]] | None = (
            None
        )

    def plans(self) -> Sequence[DeliveryPlan]:
        """One for each flow log; the same list until a flow log comes, goes or changes."""
        return self._current()[1]

    def gate(self, plan: DeliveryPlan) -> str | None:
        """Why a flow log may not deliver now, in the words of its status."""
        # Of the last plans: what a gate looks at never changes, and each status makes new plans.
        made = self._made or self._current()
        found = made[2].get(plan.flow_log_id)
        return self._plane.flow_logs.check_delivery(*found) if found else None

    def on_status(
        self,
        plan: DeliveryPlan,
        status: DeliveryStatus,
        message: str | None,
        delivered_until_s: int | None,
    ) -> None:
        """Keep how a delivery went; what a failing one has not delivered cannot be read yet."""
        failed = status is DeliveryStatus.FAILED
        self._plane.flow_logs.set_status(
            Place(plan.account_id, plan.region),
            plan.flow_log_id,
            FlowLogStatus(status.value),
            message,
            (delivered_until_s or plan.selection.from_s) if failed else None,
        )

    def _current(self) -> tuple[object, list[DeliveryPlan], dict[str, tuple[FlowLog, Place]]]:
        flow_logs = self._plane.flow_logs.plans()
        if self._made is None or self._made[0] is not flow_logs:
            plans = [
                DeliveryPlan(
                    flow_log.flow_log_id,
                    place.account_id,
                    place.region,
                    selection,
                    _destination(flow_log),
                )
                for flow_log, place, selection in flow_logs
            ]
            known = {flow_log.flow_log_id: (flow_log, place) for flow_log, place, _ in flow_logs}
            self._made = (flow_logs, plans, known)
        return self._made


def _destination(flow_log: FlowLog) -> Destination:
    if flow_log.destination_type is DestinationType.LOG_GROUP:
        return LogGroupDestination(flow_log.log_group_name or "")
    assert flow_log.log_destination is not None
    if flow_log.destination_type is DestinationType.FIREHOSE:
        return FirehoseDestination(flow_log.log_destination)
    bucket, _, folder = Arn.parse(flow_log.log_destination).resource.partition("/")
    options = flow_log.options
    return S3Destination(
        bucket,
        folder.strip("/"),
        parquet=options is not None and options.parquet,
        hive_compatible_partitions=options is not None and options.hive_compatible_partitions,
        per_hour_partition=options is not None and options.per_hour_partition,
    )
