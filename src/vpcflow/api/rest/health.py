"""How vpcflow itself fares: what runs, what waits, what was lost, and how long the disk lasts."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from vpcflow.api.rest.access import own
from vpcflow.api.rest.health_models import (
    CaptureHealth,
    DeliveryHealth,
    Health,
    HealthFact,
    HealthProblem,
    Loss,
    RecordsHealth,
    StorageHealth,
)
from vpcflow.store.file_index import FileIndex
from vpcflow.store.stored_schema import SECONDS_A_DAY

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.store.data_file_entry import TableTotals

#: Whole days whose growth is taken for that of the days to come.
GROWTH_DAYS = 7
DISK_WARNING_SHARE = 0.10
DISK_CRITICAL_SHARE = 0.03
DISK_WARNING_DAYS = 7.0
#: Batches may wait this long for a destination before it is told.
DELIVERY_WAIT_MAX_S = 900
#: Numbers of the status beyond its groups that are told.
FACTS_MAX = 200
_LOSSES = {
    "ring-dropped": (
        "Packets that came faster than they were read",
        "packets",
        "give capture a larger ring (ring.*) or more processor",
    ),
    "verdicts-lost": (
        "Verdicts of the firewall that did not arrive",
        "packets",
        "raise capture's buffer for the firewall log",
    ),
    "flow-table-full": (
        "Packets of flows for which there was no room",
        "packets",
        "raise capture.flows_max",
    ),
    "intervals-skipped": (
        "Intervals of which nothing is known",
        "intervals",
        "look whether the machine was stopped, or too busy",
    ),
}
_GROUPED = frozenset(
    [
        "interfaces",
        "namespaces",
        "interval_s",
        "interval_opened",
        "packets",
        "lost",
        "records",
        "nodata",
        "skipdata",
        "problem",
        "endpoint",
        "flow_logs",
        "delivery",
        "lost_records_of",
        "control_problem",
        "interface",
    ]
)


def routes(services: RestServices) -> APIRouter:
    """``GET /health``."""
    router = APIRouter(tags=["health"])

    @router.get("/health")
    def get_health(request: Request) -> Health:
        """Everything that `vpcflow status` tells, in groups, with the table and its disk."""
        own(services, request, "vpcflow:GetStatus")
        return health_of(services)

    return router


def health_of(services: RestServices) -> Health:
    """How everything fares now."""
    status = services.status()
    totals = FileIndex(services.folder).totals()
    storage = storage_of(services, totals)
    losses = losses_of(status)
    delivery = _delivery(status)
    problems = [
        *_told(status),
        *_disk_problems(storage),
        *_delivery_problems(delivery),
        *(
            HealthProblem(
                severity="warning",
                part="capture" if loss.unit != "records" else "delivery",
                what=f"{loss.label}: {loss.count:,} {loss.unit}",
                hint=loss.hint,
            )
            for loss in losses
        ),
    ]
    worst = {problem.severity for problem in problems}
    return Health(
        status="critical" if "critical" in worst else "warning" if "warning" in worst else "ok",
        problems=sorted(problems, key=lambda one: one.severity != "critical"),
        capture=_capture(status),
        records=_records(totals, services.clock.now_s()),
        delivery=delivery,
        endpoint=str(status.get("endpoint") or ""),
        storage=storage,
        losses=losses,
        facts=_facts(status),
    )


def storage_of(services: RestServices, totals: TableTotals) -> StorageHealth:
    """The disk of the data folder, and how long it lasts."""
    place = services.folder.root
    while not place.exists():
        place = place.parent
    disk = shutil.disk_usage(place)
    today = int(services.clock.now_s()) // SECONDS_A_DAY * SECONDS_A_DAY
    whole = [day for day in totals.days if day.day is not None and day.day < today]
    newest = whole[-GROWTH_DAYS:]
    grows = sum(day.bytes for day in newest) // len(newest) if newest else 0
    return StorageHealth(
        folder=str(services.folder.root),
        disk_bytes=disk.total,
        used_bytes=disk.used,
        free_bytes=disk.free,
        table_bytes=totals.bytes,
        bytes_a_day=grows,
        days_until_full=round(disk.free / grows, 1) if grows else None,
    )


def losses_of(status: dict[str, Any]) -> list[Loss]:
    """What was lost since the start, by reason; what was not lost is left out."""
    found = []
    for reason, count in dict(status.get("lost") or {}).items():
        label, unit, hint = _LOSSES.get(reason, (reason, "packets", "look into the log"))
        if count:
            found.append(Loss(reason=reason, label=label, count=count, unit=unit, hint=hint))
    delivery = status.get("delivery") or {}
    if delivery.get("lost_records"):
        found.append(
            Loss(
                reason="delivery-full",
                label="Records that became SKIPDATA because delivery's journal was full",
                count=delivery["lost_records"],
                unit="records",
                hint="mend the destination that does not take them; see the flow logs' errors",
            )
        )
    return found


def _capture(status: dict[str, Any]) -> CaptureHealth:
    if "interval_opened" not in status:
        return CaptureHealth(running=False)
    return CaptureHealth(
        running=True,
        interfaces=status.get("interfaces", 0),
        namespaces=status.get("namespaces", 0),
        interval_s=status.get("interval_s", 0),
        interval_opened_s=status["interval_opened"],
        records=status.get("records", 0),
        nodata_records=status.get("nodata", 0),
        skipdata_records=status.get("skipdata", 0),
        packets=dict(status.get("packets") or {}),
    )


def _records(totals: TableTotals, now_s: float) -> RecordsHealth:
    last_s = totals.start_max
    return RecordsHealth(
        rows=totals.rows,
        bytes=totals.bytes,
        files=totals.files,
        first_s=totals.start_min,
        last_s=last_s,
        committed_s=totals.snapshot.committed_at_s,
        lag_s=None if last_s is None else max(0, int(now_s - last_s)),
    )


def _delivery(status: dict[str, Any]) -> DeliveryHealth:
    told = status.get("delivery") or {}
    return DeliveryHealth(
        flow_logs=dict(status.get("flow_logs") or {}),
        journal_bytes=told.get("journal_bytes", 0),
        oldest_waits_s=told.get("oldest_waits_s", 0),
        flow_logs_behind=told.get("flow_logs_behind", 0),
        lost_batches=told.get("lost_batches", 0),
        lost_records=told.get("lost_records", 0),
        lost_records_of=dict(status.get("lost_records_of") or {}),
    )


def _told(status: dict[str, Any]) -> list[HealthProblem]:
    """Problems that the parts tell of themselves."""
    parts = (("problem", "capture"), ("control_problem", "endpoint"))
    return [
        HealthProblem(
            severity="critical",
            part=part,
            what=str(status[name]),
            hint="the server's log says more; restart vpcflow if it does not go away",
        )
        for name, part in parts
        if status.get(name)
    ]


def _disk_problems(storage: StorageHealth) -> list[HealthProblem]:
    share = storage.free_bytes / max(storage.disk_bytes, 1)
    days = storage.days_until_full
    if share >= DISK_WARNING_SHARE and (days is None or days >= DISK_WARNING_DAYS):
        return []
    critical = share < DISK_CRITICAL_SHARE or (days is not None and days < 1)
    lasts = (
        "" if days is None else f"; at {storage.bytes_a_day:,} bytes a day it lasts {days:g} days"
    )
    return [
        HealthProblem(
            severity="critical" if critical else "warning",
            part="storage",
            what=f"{storage.free_bytes:,} bytes are free, {share:.0%} of the disk{lasts}",
            hint="make room, or let old records go: table.retention_days, `vpcflow retention plan`",
        )
    ]


def _delivery_problems(delivery: DeliveryHealth) -> list[HealthProblem]:
    failed = delivery.flow_logs.get("FAILED", 0)
    problems = []
    if failed:
        what = f"{failed:,} flow log{'s' if failed > 1 else ''} cannot deliver"
        hint = "open the flow log: it says what its role or destination lacks"
        problems.append(HealthProblem(severity="critical", part="delivery", what=what, hint=hint))
    if delivery.oldest_waits_s > DELIVERY_WAIT_MAX_S:
        what = f"records wait for delivery since {delivery.oldest_waits_s:,} seconds"
        hint = "look which flow log is behind, and whether its destination is reachable"
        problems.append(HealthProblem(severity="warning", part="delivery", what=what, hint=hint))
    return problems


def _facts(status: dict[str, Any]) -> list[HealthFact]:
    facts = []
    for name, value in status.items():
        if name in _GROUPED:
            continue
        inner = value.items() if isinstance(value, dict) else [("", value)]
        for key, one in inner:
            whole = f"{name}.{key}" if key else name
            plain = one if isinstance(one, str | int | float | None) else str(one)
            facts.append(HealthFact(name=whole, value=plain))
    return facts[:FACTS_MAX]
