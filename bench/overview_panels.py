"""All panels of the console's overview at once: ``overview_panels.py DATA HOURS RUNS``.

Panels are those of the ready dashboard that say a question, and the brush. The time is of the
server's questions alone, two at a time as two processors allow. Cold is a new process whose data
files were dropped from the system's memory; warm is the next runs of that process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from vpcflow.base.data_folder import DataFolder
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange
from vpcflow.store.file_index import FileIndex

DASHBOARD = "src/vpcflow/api/rest/dashboards/overview.json"
AT_ONCE = 2
BRUSH = ("brush", "traffic", {"interval": "30m", "intervals_max": 400}, "")

#: What the API asks for panels that are not questions of their own.
SERVED_BY = {"findings": "bursts", "graph": "graph_edges"}

Panel = tuple[str, str, dict[str, Any], str]


def panels() -> list[Panel]:
    """Every panel's name, question, parameters and filter."""
    root = Path(__file__).parent.parent
    found: list[Panel] = []
    for panel in json.loads((root / DASHBOARD).read_text())["panels"]:
        query = panel.get("query") or {}
        name = query.get("question")
        if name:
            parameters = {} if name in SERVED_BY else query.get("parameters") or {}
            question = SERVED_BY.get(name, name)
            found.append((panel["id"], question, parameters, query.get("filter") or ""))
    return found


def forget(folder: Path) -> None:
    """Drop the files of a table from the system's memory, as far as a user may."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def main(data: str, hours: str, runs: str) -> None:
    """Prints seconds of each run, the first of them cold, and of each panel alone."""
    folder = DataFolder(Path(data))
    end_s = (FileIndex(folder).totals().start_max or 0) + 1
    end_s += -end_s % 300
    chosen = TimeRange(end_s - int(hours) * 3_600, end_s)
    week = TimeRange(end_s - 7 * 86_400, end_s)
    forget(folder.warehouse)
    queries = FlowQueries(folder, QuerySettings(threads=2))
    asked = [*((panel, chosen) for panel in panels()), (BRUSH, week)]
    alone: dict[str, list[float]] = {}

    def ask(each: tuple[Panel, TimeRange]) -> None:
        (_, question, parameters, text), time_range = each
        queries.ask(question, parameters, condition=parse_filter(text), time_range=time_range)

    together = []
    for _ in range(int(runs) + 1):
        begun = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(ask, asked))
        together.append(time.perf_counter() - begun)
    for each in asked:
        begun = time.perf_counter()
        ask(each)
        alone[" ".join(each[0][:2])] = [round((time.perf_counter() - begun) * 1_000)]
    print(json.dumps({"seconds": together, "panels_ms": alone}))


if __name__ == "__main__":
    main(*sys.argv[1:])
