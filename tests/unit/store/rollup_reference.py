"""What rollups must say, one stored record at a time in Python's own integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Any

from stored_rows import Row

from vpcflow.query.expression import to_address
from vpcflow.store.rollup_schema import (
    CONVERSATION_DIMENSIONS,
    COVER_S_MAX,
    HOUR_DIMENSIONS,
    TRAFFIC_DIMENSIONS,
)

_RULES: dict[str, Callable[[int, int], int]] = {
    "first_start": min,
    "last_start": max,
    "last_end": max,
    "minutes_seen": lambda one, other: one | other,
    "minutes_next": lambda one, other: one | other,
}

Rollup = dict[tuple[Any, ...], Row]


def added_up(rows: Sequence[Row], dimensions: Sequence[str]) -> Rollup:
    """Rows by dimension, those of the same dimensions added up."""
    result: Rollup = {}
    for row in rows:
        key = tuple(row.get(name) for name in dimensions)
        measures = {name: value for name, value in row.items() if name not in dimensions}
        before = result.setdefault(key, measures)
        if before is not measures:
            for name, value in measures.items():
                before[name] = _added(name, before[name], value)
    return result


def _added(name: str, one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return _RULES.get(name, lambda left, right: left + right)(one, other)


def expected_hours(stored: Sequence[Row]) -> Rollup:
    """The hourly rollup of stored rows."""
    return added_up([_hour_row(row) for row in stored], HOUR_DIMENSIONS)


def expected_traffic(stored: Sequence[Row]) -> Rollup:
    """The traffic rollup of stored rows."""
    return added_up([_traffic_row(row) for row in stored], TRAFFIC_DIMENSIONS)


def expected_conversations(stored: Sequence[Row]) -> Rollup:
    """The conversations of stored rows."""
    return added_up([_conversation_row(row) for row in stored], CONVERSATION_DIMENSIONS)


def _measures(row: Row) -> Row:
    measures: Row = {"records": 1}
    for name in ("packets", "bytes"):
        measures[name] = row.get(name)
        measures[f"{name}_nulls"] = int(row.get(name) is None)
    return measures | {"first_start": row.get("start")}


def _hour_row(row: Row) -> Row:
    start, duration = row.get("start"), row.get("duration")
    seen = [] if start is None else _minutes(start, duration or 0)
    hour = None if start is None else start // 3_600 * 3_600
    return {
        **{name: row.get(name) for name in HOUR_DIMENSIONS},
        **_measures(row),
        "hour": hour,
        "scope": scope_of(row),
        "last_end": None if duration is None else duration + (start or 0),
        "minutes_seen": sum(1 << minute for minute in seen if minute < 60),
        "minutes_next": sum(1 << (minute - 60) for minute in seen if minute >= 60),
    }


def scope_of(row: Row) -> int | None:
    """0 where neither end is on the internet, 1 where one is, None where one is unknown."""
    ends = [row.get(name) for name in ("host", "peer")]
    if None in ends:
        return None
    return int(not all(_is_internal(end) for end in ends if end is not None))


def _is_internal(stored: bytes) -> bool:
    address = to_address(stored)
    if address in ip_network("100.64.0.0/10" if address.version == 4 else "fe80::/10"):
        return True
    return address.is_loopback or any(
        address in ip_network(network)
        for network in (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "fc00::/7",
        )
    )


def _traffic_row(row: Row) -> Row:
    start = row.get("start")
    measures = _measures(row)
    del measures["first_start"]
    return {
        **{name: row.get(name) for name in TRAFFIC_DIMENSIONS},
        **measures,
        "start": None if start is None else start // 300 * 300,
        "scope": scope_of(row),
    }


def _minutes(start: int, duration: int) -> range:
    """Minutes of the hour of ``start``, from 60 on those of the hour after."""
    second = start % 3_600
    last = second + max(0, min(duration, COVER_S_MAX))
    return range(second // 60, last // 60 + 1)


def _conversation_row(row: Row) -> Row:
    port = None
    if row.get("action") == "REJECT":
        port = row.get("lo_port") if row.get("swapped") else row.get("hi_port")
    return {
        **{name: row.get(name) for name in CONVERSATION_DIMENSIONS},
        **_measures(row),
        "start": None if row.get("start") is None else row["start"] // 21_600 * 21_600,
        "dst_port": port,
        "last_start": row.get("start"),
    }
