"""All panels of the console's overview at once: ``overview_panels.py DATA HOURS BACK_S RUNS``.

Asked are the questions behind the panels of the ready dashboard, as the API asks them, and the brush,
two at a time, straight from the query package: there is no cache of answers. The range ends
``BACK_S`` before the newest record. The first run is of a new process whose data files were dropped
from the system's memory, the whole page cache where the user may; the next runs are of that process.
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
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
AT_ONCE = 2
WEEK_S = 7 * 86_400

#: Name, question, parameters, filter, and whether it looks at the whole week.
Asked = tuple[str, str, dict[str, Any], str, bool]
BRUSH: Asked = ("brush", "traffic", {"interval": "30m", "intervals_max": 400}, "", True)
#: What the API asks for panels that are not questions of their own.
SERVED_BY: dict[str, list[tuple[str, dict[str, Any], bool]]] = {
    "findings": [("bursts", {"limit": 20}, True), ("coverage", {"limit": 10_000}, False)],
    "graph": [("graph_edges", {"by": "interface", "limit": 5_000}, False)],
    "rejected_ports": [
        ("rejects", {"by": "port", "limit": 8}, False),
        ("rejected_couples", {"limit": 8}, False),
    ],
}


def questions() -> list[Asked]:
    """Every question that the page asks."""
    root = Path(__file__).parent.parent
    found: list[Asked] = []
    for panel in json.loads((root / DASHBOARD).read_text())["panels"]:
        query = panel.get("query") or {}
        name = query.get("question")
        if name:
            own = [(name, query.get("parameters") or {}, False)]
            for question, parameters, of_week in SERVED_BY.get(name, own):
                text = query.get("filter") or ""
                found.append((panel["id"], question, parameters, text, of_week))
    return [*found, BRUSH]


def forget(folder: Path) -> bool:
    """Drop the files of a table from the system's memory; whether all caches were dropped."""
    try:
        DROP_CACHES.write_text("1")
    except OSError:
        for path in folder.rglob("*"):
            if path.is_file():
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)
        return False
    return True


def main(data: str, hours: str, back_s: str, runs: str) -> None:
    """Prints seconds of each run, the first of them cold, and of each question alone."""
    folder = DataFolder(Path(data))
    end_s = (FileIndex(folder).totals().start_max or 0) + 1
    end_s += -end_s % 300 - int(back_s)
    chosen = TimeRange(end_s - int(hours) * 3_600, end_s)
    week = TimeRange(min(end_s - WEEK_S, chosen.start_s or 0), end_s)
    dropped = forget(folder.warehouse)
    queries = FlowQueries(folder, QuerySettings(threads=AT_ONCE))
    asked = questions()

    def ask(each: Asked) -> None:
        _, question, parameters, text, of_week = each
        condition = parse_filter(text)
        time_range = week if of_week else chosen
        queries.ask(question, parameters, condition=condition, time_range=time_range)

    together = []
    for _ in range(int(runs) + 1):
        begun = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(ask, asked))
        together.append(time.perf_counter() - begun)
    alone = {}
    for each in asked:
        begun = time.perf_counter()
        ask(each)
        alone[" ".join(each[:2])] = round((time.perf_counter() - begun) * 1_000)
    load = os.getloadavg()[0]
    told = {"seconds": together, "alone_ms": alone, "caches_dropped": dropped, "load": load}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
