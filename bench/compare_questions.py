"""Runs both sides of the questions, checks that they say the same, and compares their times."""

from __future__ import annotations

import json
import math
from typing import Any

from machine import BENCH, PYTHON, median, run
from peers import peers_python
from question_sql import nine
from results import Result
from workload import Workload

#: An outside address with few records, one of a web client, one of a busy host comes from facts.
RANGE = {"range_prefix": "198.18", "range_third": 76, "range_count": 4}
#: What is compared of each answer; the rest is what only one of them tells.
COMPARED = {
    "overview": ("bytes", "packets", "records", "rejected", "interfaces", "nodata", "skipdata"),
    "talkers": ("address", "bytes", "packets", "records", "bytes_sent", "rejected"),
    "pairs": ("bytes", "packets", "records", "rejected"),
    "ports": ("protocol", "port", "bytes", "packets", "records", "rejected"),
    "rejects": ("protocol", "port", "bytes", "packets", "records", "sources", "first_seen"),
    "series": ("time", "bytes", "packets", "records", "rejected"),
    "interfaces": ("interface_id", "bytes", "packets", "records", "rejected", "first", "last"),
    "coverage": ("interface_id", "records", "nodata", "skipdata"),
}
OTHER_NAMES = {"minutes_seen": "seen", "minutes_expected": "expected"}


def compare(work: Workload, files: str, runs: int) -> list[Result]:
    """A figure for every question, the geometric mean of the nine, and the selective ones."""
    table, parquet = work.table(), work.aws_parquet(files)
    facts: list[dict[str, Any]] = work.facts()["facts"]  # type: ignore[assignment]
    by_name = {fact["name"]: fact for fact in facts}
    addresses = [by_name["brute force"]["source"], by_name["beacon"]["source"]]
    asked = json.dumps({"addresses": addresses, **RANGE})
    peer_arguments = [BENCH / "peer_duckdb.py", parquet, str(runs), asked]
    theirs = json.loads(run([peers_python(), *peer_arguments]).output)
    ours = json.loads(run([PYTHON, BENCH / "our_questions.py", table, str(runs), asked]).output)
    for name in ours:
        agree(name, ours[name]["rows"], theirs[name]["rows"])
    ours_s = {name: median(told["seconds"]) for name, told in ours.items()}
    theirs_s = {name: median(told["seconds"]) for name, told in theirs.items()}
    results = []
    for name, seconds in ours_s.items():
        bar = 20 if name not in nine() else None
        figures = (seconds * 1000, "ms", "lower", theirs_s[name] * 1000, "DuckDB")
        both = [ours[name]["seconds"], theirs[name]["seconds"]]
        results.append(Result(name, *figures, bar, runs=both))
    means = [geometric_mean([side[name] for name in nine()]) for side in (ours_s, theirs_s)]
    cpu = [
        geometric_mean([median(side[name]["cpu"]) for name in nine()]) for side in (ours, theirs)
    ]
    note = (
        f"{work.records} records, AWS-like Parquet of one file a {files}, warm, answers compared; "
        f"by CPU of all threads {cpu[1] / cpu[0]:.2f}x"
    )
    results.append(
        Result(
            "nine questions, geometric mean",
            means[0] * 1000,
            "ms",
            "lower",
            means[1] * 1000,
            "DuckDB",
            6,
            note,
        )
    )
    return results


def geometric_mean(values: list[float]) -> float:
    """Of positive figures."""
    return math.exp(sum(math.log(value) for value in values) / len(values))


def agree(name: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Errors: AssertionError with the first difference."""
    if name.startswith("flows"):
        # which of the records of one second come last is nobody's promise
        columns: tuple[str, ...] = ("start",)
    else:
        columns = COMPARED[name]
    one, other = _chosen(ours, columns), _chosen(theirs, columns)
    assert one == other, f"{name}: {_difference(one, other)}"
    if name == "coverage":
        seen = {row["interface_id"]: row["minutes_seen"] for row in ours}
        peer_seen = {row["interface_id"]: row["seen"] for row in theirs}
        assert seen == peer_seen, (
            f"coverage: {_difference(sorted(seen.items()), sorted(peer_seen.items()))}"
        )


def _chosen(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    chosen = [tuple(_plain(row[column]) for column in columns) for row in rows]
    return sorted(chosen, key=lambda row: tuple((value is not None, str(value)) for value in row))


def _plain(value: Any) -> Any:
    text = str(value)
    return None if value is None else int(text) if text.lstrip("-").isdigit() else text


def _difference(one: list[Any], other: list[Any]) -> str:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return f"ours {left}, theirs {right}"
    return f"ours has {len(one)} rows, theirs {len(other)}"
