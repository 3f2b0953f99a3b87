"""What to look at: rejected bursts, gaps of coverage, failing deliveries, losses, a disk that fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from vpcflow.api.asked import Steps
from vpcflow.api.rest.access import place_of, reader
from vpcflow.api.rest.asking import End, FilterText, Start, filter_of, range_of
from vpcflow.api.rest.composed import composed
from vpcflow.api.rest.finding_rows import FindingRows, FoundRows
from vpcflow.api.rest.finding_words import (
    burst_finding,
    delivery_finding,
    gap_finding,
    problem_finding,
    skipdata_finding,
)
from vpcflow.api.rest.flow_log_words import destination_view, name_of
from vpcflow.api.rest.health import health_of
from vpcflow.api.rest.health_models import Finding, Findings
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS
from vpcflow.query.time_range import TimeRange
from vpcflow.store.stored_schema import SECONDS_A_DAY, SECONDS_AN_HOUR

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller
    from vpcflow.query.expression import Expression

#: Findings of one kind that are told, the worst of them.
BURSTS_MAX = 20
GAPS_MAX = 10
SKIPDATA_MAX = 5
DELIVERIES_MAX = 20
#: Shorter gaps are told as coverage, not as findings.
GAP_MIN_S = 300
#: So much before the end says what is usual: two days know the day's own ups and downs.
USUAL_S = 2 * SECONDS_A_DAY
#: Interfaces that are looked at for gaps.
INTERFACES_MAX = 10_000
_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


def routes(services: RestServices) -> APIRouter:
    """``GET /findings``."""
    router = APIRouter(tags=["findings"])
    rows = FindingRows(services)

    @router.get("/findings", response_model=Findings)
    async def list_findings(
        request: Request,
        start: Start = None,
        end: End = None,
        filter: FilterText = "",
    ) -> Response:
        """What to look at, the worst first; empty when all is calm."""

        def steps() -> Steps[Findings]:
            caller = reader(services, request)
            return (yield from _findings(services, rows, caller, range_of(start, end), filter))

        return await composed(services, request, steps)

    return router


def _findings(
    services: RestServices, rows: FindingRows, caller: Caller, time_range: TimeRange, text: str
) -> Steps[Findings]:
    condition = filter_of(services, text)
    bursts = yield from _bursts(rows, condition, time_range, services.clock.now_s())
    covered = yield from rows.ask(
        "coverage", {"limit": INTERFACES_MAX}, condition, time_range, _incomplete
    )
    found = [burst_finding(row) for row in bursts.rows]
    found.extend(_coverage(services, caller, covered.rows))
    if not text:
        # Of the system itself: no filter of records speaks of it.
        found.extend(_deliveries(services, caller))
        if services.permissions.allows(caller, "vpcflow:GetStatus", "*"):
            found.extend(_problems(services))
    found.sort(key=lambda one: (_RANK[one.severity], -(one.start_s or 0), one.id))
    return Findings(
        findings=found,
        notes=[one.note for one in (bursts, covered) if one.note],
        interfaces=covered.rows_seen,
        records=covered.records_seen,
    )


def _bursts(
    rows: FindingRows, condition: Expression | None, time_range: TimeRange, now_s: float
) -> Steps[FoundRows]:
    """Bursts within a range, by what is usual in a longer one of whole hours.

    Shape: whole hours are what sums of hours answer, and the same for every minute of an hour.
    """
    start_s, end_s = time_range.start_s, time_range.end_s
    if start_s is None:
        return (yield from rows.ask("bursts", {"limit": BURSTS_MAX}, condition, time_range))
    last_s = end_s if end_s is not None else int(now_s)
    wide_end_s = -(-last_s // SECONDS_AN_HOUR) * SECONDS_AN_HOUR
    since_s = start_s // SECONDS_AN_HOUR * SECONDS_AN_HOUR
    wide = TimeRange(max(0, min(since_s, wide_end_s - USUAL_S)), wide_end_s)
    parameters = {"limit": BURSTS_MAX, "since_s": since_s}
    found = yield from rows.ask("bursts", parameters, condition, wide)
    within = [row for row in found.rows if row["start"] < last_s and row["end"] > start_s]
    return replace(found, rows=tuple(within))


def _incomplete(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of all interfaces those with gaps or losses that are told."""
    gaps = [row for row in rows if row["interface_id"] and row["longest_gap"] >= GAP_MIN_S]
    gaps.sort(key=lambda row: -row["longest_gap"])
    lost = [row for row in rows if row["interface_id"] and row["skipdata"]]
    lost.sort(key=lambda row: -row["skipdata"])
    return [*gaps[:GAPS_MAX], *lost[:SKIPDATA_MAX]]


def _coverage(
    services: RestServices, caller: Caller, rows: Sequence[dict[str, Any]]
) -> Iterator[Finding]:
    place = place_of(services, caller)
    told: set[str] = set()
    for row in rows:
        name = name_of(services.state, place, row["interface_id"])
        found = []
        if row["longest_gap"] >= GAP_MIN_S:
            found.append(gap_finding(row, name))
        if row["skipdata"]:
            found.append(skipdata_finding(row, name))
        for one in found:
            # An interface may be among the rows for its gap and for its losses.
            if one.id not in told:
                told.add(one.id)
                yield one


def _deliveries(services: RestServices, caller: Caller) -> Iterator[Finding]:
    if not services.permissions.allows(caller, "ec2:DescribeFlowLogs", "*"):
        return
    place = place_of(services, caller)
    failing = [one for one in services.state.all(FLOW_LOGS, place).values() if one.error_message]
    cursors = services.deliveries()
    for flow_log in failing[:DELIVERIES_MAX]:
        cursor = cursors.get(flow_log.flow_log_id)
        yield delivery_finding(
            flow_log,
            destination_view(flow_log, place).label,
            services.flow_logs.role_problem(flow_log, place),
            cursor.until_s or None if cursor else None,
        )


def _problems(services: RestServices) -> Iterator[Finding]:
    health = health_of(services)
    for problem in health.problems:
        # Deliveries are told one by one.
        if not problem.what.endswith("cannot deliver"):
            yield problem_finding(problem)
