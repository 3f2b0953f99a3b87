"""What to look at: rejected bursts, gaps of coverage, failing deliveries, losses, a disk that fills."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from vpcflow.api.rest.access import place_of, reader
from vpcflow.api.rest.asking import End, FilterText, Start, filter_of, key_of, range_of
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
from vpcflow.base.errors import QueryError
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS
from vpcflow.query.time_range import TimeRange

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller
    from vpcflow.query.answer import Answer
    from vpcflow.query.expression import Expression
    from vpcflow.query.stop_token import StopToken

#: Findings of one kind that are told, the worst of them.
BURSTS_MAX = 20
GAPS_MAX = 10
SKIPDATA_MAX = 5
DELIVERIES_MAX = 20
#: Shorter gaps are told as coverage, not as findings.
GAP_MIN_S = 300
#: So much before a moment says what is usual then.
USUAL_S = 7 * 86_400
#: Interfaces that are looked at for gaps.
INTERFACES_MAX = 10_000
_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


def routes(services: RestServices) -> APIRouter:
    """``GET /findings``."""
    router = APIRouter(tags=["findings"])

    @router.get("/findings")
    def list_findings(
        request: Request,
        start: Start = None,
        end: End = None,
        filter: FilterText = "",
    ) -> Findings:
        """What to look at, the worst first; empty when all is calm."""
        caller = reader(services, request)
        time_range, condition = range_of(start, end), filter_of(services, filter)
        notes: list[str] = []
        found: list[Finding] = []

        def ask(name: str, parameters: dict[str, Any], within: TimeRange) -> list[dict[str, Any]]:
            return _ask(services, name, parameters, condition, within, notes)

        # Usual is what a long range shows.
        wide = _widened(time_range, services.clock.now_s())
        since = {} if time_range.start_s is None else {"since_s": time_range.start_s}
        found.extend(map(burst_finding, ask("bursts", {"limit": BURSTS_MAX, **since}, wide)))
        seen = ask("coverage", {"limit": INTERFACES_MAX}, time_range)
        found.extend(_coverage(services, caller, seen))
        if not filter:
            # Of the system itself: no filter of records speaks of it.
            found.extend(_deliveries(services, caller))
            if services.permissions.allows(caller, "vpcflow:GetStatus", "*"):
                found.extend(_problems(services))
        found.sort(key=lambda one: (_RANK[one.severity], -(one.start_s or 0), one.id))
        return Findings(findings=found, notes=notes)

    return router


def _widened(time_range: TimeRange, now_s: float) -> TimeRange:
    """The same end, and a beginning that is early enough to say what is usual."""
    if time_range.start_s is None:
        return time_range
    end_s = time_range.end_s if time_range.end_s is not None else int(now_s)
    return TimeRange(max(0, min(time_range.start_s, end_s - USUAL_S)), time_range.end_s)


def _ask(
    services: RestServices,
    name: str,
    parameters: dict[str, Any],
    condition: Expression | None,
    time_range: TimeRange,
    notes: list[str],
) -> list[dict[str, Any]]:
    """The rows of a question; one that cannot be answered leaves a note, the others are told."""

    def run(stop: StopToken) -> Answer:
        return services.queries.ask(
            name, parameters, condition=condition, time_range=time_range, stop=stop
        )

    snapshot = services.queries.snapshot()
    times = [time_range.start_s, time_range.end_s]
    key = key_of("findings", snapshot, name, parameters, times, str(condition))
    ticket = services.pool.enter(key, run)
    try:
        answer = ticket.answer.result()
    except QueryError as error:
        notes.append(f"{name}: {error.what}")
        return []
    finally:
        ticket.leave()
    if answer.truncated:
        notes.append(f"{name}: not everything was looked at; choose a shorter time")
    rows: list[dict[str, Any]] = answer.table.to_pylist()
    return rows


def _coverage(
    services: RestServices, caller: Caller, rows: list[dict[str, Any]]
) -> Iterator[Finding]:
    place = place_of(services, caller)
    gaps = [row for row in rows if row["interface_id"] and row["longest_gap"] >= GAP_MIN_S]
    gaps.sort(key=lambda row: -row["longest_gap"])
    for row in gaps[:GAPS_MAX]:
        yield gap_finding(row, name_of(services.state, place, row["interface_id"]))
    lost = [row for row in rows if row["interface_id"] and row["skipdata"]]
    lost.sort(key=lambda row: -row["skipdata"])
    for row in lost[:SKIPDATA_MAX]:
        yield skipdata_finding(row, name_of(services.state, place, row["interface_id"]))


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
