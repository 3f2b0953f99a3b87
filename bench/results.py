"""What was measured, as a table and as a file."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from machine import BENCH


@dataclass(frozen=True)
class Result:
    """One figure: ours, the peer's where there is one, and the bar of the project.

    Shape: ``better`` is "higher" or "lower"; ``bar`` is of ``ratio`` when there is a peer and of
    ``ours`` otherwise; None where no bar was set.
    """

    measure: str
    ours: float
    unit: str
    better: str
    peer: float | None = None
    peer_name: str = ""
    bar: float | None = None
    note: str = ""
    runs: list[Any] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; below one is worse."""
        if self.peer is None or not self.ours or not self.peer:
            return None
        return self.ours / self.peer if self.better == "higher" else self.peer / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the bar is met."""
        if self.bar is None:
            return None
        if self.ratio is not None:
            return self.ratio >= self.bar
        return self.ours >= self.bar if self.better == "higher" else self.ours <= self.bar


def print_table(results: list[Result]) -> None:
    """One line a figure."""
    rows = [("measure", "ours", "peer", "ratio", "bar", "")]
    for result in results:
        of = "x" if result.ratio is not None else f" {result.unit}"
        sign = (
            "" if result.bar is None else ("≥" if of == "x" or result.better == "higher" else "≤")
        )
        rows.append(
            (
                result.measure,
                f"{_short(result.ours)} {result.unit}",
                "" if result.peer is None else f"{_short(result.peer)} ({result.peer_name})",
                "" if result.ratio is None else f"{result.ratio:.2f}x",
                "" if result.bar is None else f"{sign} {_short(result.bar)}{of}",
                {None: "", True: "met", False: "NOT MET"}[result.met],
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
    for result in results:
        if result.note:
            print(f"  {result.measure}: {result.note}")


def write_results(results: list[Result], settings: dict[str, Any]) -> Path:
    """Keep the figures under today's date."""
    now = datetime.now(UTC)
    folder = BENCH / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y-%m-%dT%H%M%S}.json"
    told = {
        "at": now.isoformat(timespec="seconds"),
        "machine": {"processors": os.cpu_count(), "system": platform.platform()},
        "settings": settings,
        "results": [
            asdict(result) | {"ratio": result.ratio, "met": result.met} for result in results
        ],
    }
    path.write_text(json.dumps(told, indent=1))
    return path


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.2f}M"
    if value >= 1e4:
        return f"{value / 1e3:.0f}k"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
