"""Findings in words: a title, one line with the numbers, what to do."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from vpcflow.api.rest.flow_log_words import problem_of
from vpcflow.api.rest.health_models import Finding, FindingSeverity, HealthProblem

if TYPE_CHECKING:
    from vpcflow.control.flow_logs.flow_log import FlowLog

#: A shorter gap is of low severity.
GAP_MEDIUM_S = 1_800
#: A scan, a sweep or guessing with this many rejected records is red.
BURST_CRITICAL_RECORDS = 1_000
#: A source with this share of a burst is who did it.
SOURCE_SHARE = 0.5
_BURST_NEXT = {
    "port scan": "look what the source was allowed before and after; block it where it must not be",
    "host sweep": "look which targets answered; block the source where it must not be",
    "brute force": "look whether a connection was accepted later; close the port to this source",
    "mixed": "look whether a rule was changed then, or a program calls what it may not",
}


def burst_finding(row: dict[str, Any]) -> Finding:
    """A rejected burst, a row of the question ``bursts``."""
    start_s, end_s, rejected = row["start"], row["end"], row["rejected"]
    usual = "usually none"
    if row["baseline"]:
        usual = f"{row['factor']:,.0f} times the usual {row['baseline']:,.0f}"
    shape = row["shape"] if row["shape"] != "mixed" else "burst of rejected flows"
    one_source = (row["source_share"] or 0.0) >= SOURCE_SHARE and row["top_source"]
    behind = f" from {row['top_source']}" if one_source else ""
    port = row["top_port"]
    parts = [
        f"{rejected:,} rejected in {duration(end_s - start_s)}, {usual}",
        f"{row['source_share']:.0%} by this source" if one_source else "",
        ", ".join(_counted(row[f"{word}s"], word) for word in ("source", "target", "port")),
        "" if port is None else f"most to port {port}",
    ]
    words = ["action = REJECT"]
    if one_source:
        words.append(f"srcaddr = {row['top_source']}")
    elif row["interface_id"]:
        words.append(f"interface-id = {row['interface_id']}")
    large = row["shape"] != "mixed" and rejected >= BURST_CRITICAL_RECORDS
    return Finding(
        id=_id("rejected-burst", row["top_source"] or row["interface_id"], start_s),
        severity="critical" if large else "high",
        kind="rejected-burst",
        title=f"{shape[:1].upper()}{shape[1:]}{behind}",
        evidence="; ".join(part for part in parts if part),
        start_s=start_s,
        end_s=end_s,
        filter=" and ".join(words),
        interface_id=row["interface_id"] or "",
        flow_log_id="",
        next=_BURST_NEXT.get(row["shape"], _BURST_NEXT["mixed"]),
    )


def gap_finding(row: dict[str, Any], name: str) -> Finding:
    """The longest gap of one interface, a row of the question ``coverage``."""
    interface, gap_s = row["interface_id"], row["longest_gap"]
    begin_s = row["longest_gap_start"]
    others = row["gaps"] - 1
    more = f"; {others:,} more gaps" if others > 1 else "; one more gap" if others == 1 else ""
    severity: FindingSeverity = "medium" if gap_s >= GAP_MEDIUM_S else "low"
    return Finding(
        id=_id("coverage-gap", interface, begin_s),
        severity=severity,
        kind="coverage-gap",
        title=f"No records for {duration(gap_s)} of {name or interface}",
        evidence=f"{row['minutes_seen']:,} of {row['minutes_expected']:,} minutes known "
        f"({row['coverage']:.1%}){more}",
        start_s=begin_s,
        end_s=begin_s + gap_s,
        filter=f"interface-id = {interface}",
        interface_id=interface,
        flow_log_id="",
        next="look whether capture or the source of this interface's records stood still then",
    )


def skipdata_finding(row: dict[str, Any], name: str) -> Finding:
    """Records of one interface that were lost before they came here."""
    interface = row["interface_id"]
    return Finding(
        id=_id("skipdata", interface, row["first"]),
        severity="medium",
        kind="skipdata",
        title=f"Skipped records of {name or interface}",
        evidence=f"{row['skipdata']:,} SKIPDATA of {row['records']:,} records; sums are a lower bound",
        start_s=row["first"],
        end_s=row["last"] + 60,
        filter=f"interface-id = {interface} and log-status = SKIPDATA",
        interface_id=interface,
        flow_log_id="",
        next="see the losses under Health; a longer interval or a larger flow table loses less",
    )


def delivery_finding(
    flow_log: FlowLog, destination: str, role_problem: str | None, delivered_until_s: int | None
) -> Finding:
    """A flow log that cannot deliver."""
    problem = problem_of(flow_log, role_problem)
    assert problem is not None
    return Finding(
        id=_id("delivery", flow_log.flow_log_id, flow_log.error_message),
        severity="critical",
        kind="delivery",
        title=f"{flow_log.flow_log_id} cannot deliver to {destination}",
        evidence=f"{problem.message}: {problem.why}",
        start_s=delivered_until_s or flow_log.created_ms // 1000,
        end_s=None,
        filter="",
        interface_id="",
        flow_log_id=flow_log.flow_log_id,
        next=problem.hint,
    )


def problem_finding(problem: HealthProblem) -> Finding:
    """A problem of vpcflow itself."""
    return Finding(
        id=_id(problem.part, problem.what.partition(":")[0], None),
        severity="medium" if problem.severity == "warning" else problem.severity,
        kind="disk" if problem.part == "storage" else "loss",
        title="The disk fills up" if problem.part == "storage" else problem.what.partition(":")[0],
        evidence=problem.what,
        start_s=None,
        end_s=None,
        filter="",
        interface_id="",
        flow_log_id="",
        next=problem.hint,
    )


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def duration(seconds: int) -> str:
    """A span in the largest unit that says enough: ``5 min``, ``2 h 10 min``, ``3 d 4 h``."""
    minutes = max(1, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        rest = hours % 24
        return f"{days} d {rest} h" if rest else f"{days} d"
    if hours:
        rest = minutes % 60
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{minutes} min"


def _id(kind: str, what: Any, when: Any) -> str:
    """The same for the same finding whenever it is asked for."""
    return f"{kind}-{hashlib.sha256(f'{what}|{when}'.encode()).hexdigest()[:12]}"
