"""The rollups of a data file, the slow and plain way, from what the store says of their columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vpcflow.query.expression import to_address
from vpcflow.store.rollup_paths import conversation_path, rollup_hour_path, traffic_path
from vpcflow.store.rollup_schema import (
    CONVERSATION_DIMENSIONS,
    CONVERSATION_SCHEMA,
    HOUR_DIMENSIONS,
    HOUR_SCHEMA,
    TRAFFIC_DIMENSIONS,
    TRAFFIC_SCHEMA,
)

Row = dict[str, Any]


def write_plain_rollups(data_path: Path) -> None:
    """Writes the rollups beside a data file."""
    rows = pq.ParquetFile(data_path).read().to_pylist()
    for path, schema, dimensions in (
        (rollup_hour_path(data_path), HOUR_SCHEMA, HOUR_DIMENSIONS),
        (conversation_path(data_path), CONVERSATION_SCHEMA, CONVERSATION_DIMENSIONS),
        (traffic_path(data_path), TRAFFIC_SCHEMA, TRAFFIC_DIMENSIONS),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            period_s = 300 if dimensions is TRAFFIC_DIMENSIONS else 21_600
            key = tuple(_dimension(row, name, period_s) for name in dimensions)
            groups.setdefault(key, []).append(row)
        summed = [
            {**dict(zip(dimensions, key, strict=True)), **_measures(found)}
            for key, found in groups.items()
        ]
        columns = {name: [one[name] for one in summed] for name in schema.names}
        pq.write_table(pa.table(columns, schema=schema), path)


def scope_of(host: bytes | None, peer: bytes | None) -> int | None:
    """1 when an end of a record is on the internet, None when one is not known."""
    if host is None or peer is None:
        return None
    return int(not all(is_inside(str(to_address(end))) for end in (host, peer)))


def is_inside(address: str) -> bool:
    """Whether the addresses of these tests are internal."""
    return address.startswith(("10.", "fd00:", "192.168.", "100.64.", "127.", "fe80:"))


def _dimension(row: Row, name: str, period_s: int) -> Any:
    if name == "start":
        return None if row.get("start") is None else row["start"] // period_s * period_s
    if name == "scope":
        return scope_of(row.get("host"), row.get("peer"))
    if name == "hour":
        return None if row.get("start") is None else row["start"] // 3_600 * 3_600
    if name == "dst_port":
        if row.get("action") != "REJECT" or row.get("swapped") is None:
            return None
        return row["lo_port"] if row["swapped"] else row["hi_port"]
    return row.get(name)


def _measures(rows: list[Row]) -> Row:
    def known(name: str) -> list[int]:
        return [row[name] for row in rows if row.get(name) is not None]

    starts = known("start")
    seen = beyond = 0
    for row in rows:
        if row.get("start") is not None:
            second = row["start"] % 3_600
            last = (second + min(max(row.get("duration") or 0, 0), 3_600)) // 60
            for minute in range(second // 60, last + 1):
                seen |= 1 << minute if minute < 60 else 0
                beyond |= 1 << minute - 60 if minute >= 60 else 0
    return {
        "records": len(rows),
        **{name: sum(known(name)) if known(name) else None for name in ("bytes", "packets")},
        **{f"{name}_nulls": len(rows) - len(known(name)) for name in ("bytes", "packets")},
        "first_start": min(starts, default=None),
        # Not written where it says no more than first_start.
        "last_start": max(starts) if starts and max(starts) != min(starts) else None,
        "last_end": max(
            (row["start"] + row["duration"] for row in rows if row.get("duration") is not None),
            default=None,
        ),
        "minutes_seen": seen,
        "minutes_next": beyond,
    }
