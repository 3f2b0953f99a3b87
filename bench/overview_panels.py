"""All panels of the console's overview at once: ``overview_panels.py DATA HOURS BACK_S RUNS``.

Asked are the questions behind the panels of the ready dashboard as it opens, as the API asks them,
the period before where the page compares with it, and the brush; two at a time, straight from the
query package: there is no cache of answers, and no question is asked twice. The range ends
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

from vpcflow.api.rest.findings import BURSTS_MAX, INTERFACES_MAX, USUAL_S
from vpcflow.base.data_folder import DataFolder
from vpcflow.query.filter_language import parse_filter
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.query.time_range import TimeRange
from vpcflow.store.file_index import FileIndex
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

DASHBOARD = "src/vpcflow/api/rest/dashboards/overview.json"
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
AT_ONCE = 2
WEEK_S = 7 * 86_400

#: Of kinds that draw the period before, and so much of it may be older than the table.
COMPARED = frozenset({"figures", "area", "line", "number"})
MISSING_SHARE = 0.1

#: Name, question, parameters, filter and range.
Asked = tuple[str, str, dict[str, Any], str, TimeRange]
BRUSH = {"interval": "30m", "intervals_max": 400}


def questions(chosen: TimeRange, week: TimeRange, first_s: int) -> list[Asked]:
    """Every question that the page asks when it opens, each once."""
    start_s, end_s = chosen.start_s or 0, chosen.end_s or 0
    before = TimeRange(2 * start_s - end_s, start_s)
    compares = first_s <= (before.start_s or 0) + (end_s - start_s) * MISSING_SHARE
    root = Path(__file__).parent.parent
    found: list[Asked] = []
    for panel in json.loads((root / DASHBOARD).read_text())["panels"]:
        query = panel.get("query") or {}
        name, text = query.get("question"), query.get("filter") or ""
        if not name:
            continue
        parameters, options = query.get("parameters") or {}, panel.get("options") or {}
        mine = [
            (panel["id"], question, values, text, time_range)
            for question, values, time_range in served_by(name, parameters, chosen)
        ]
        found += mine
        single = not (parameters.get("split") or parameters.get("by"))
        if compares and panel["kind"] in COMPARED and options.get("compare", single):
            found += [(f"{panel['id']} before", *one[1:4], before) for one in mine]
        if panel["kind"] == "figures":
            found.append((panel["id"], "lag", {"show": "summary"}, text, chosen))
    return [*found, ("brush", "traffic", BRUSH, "", week)]


def served_by(
    name: str, parameters: dict[str, Any], chosen: TimeRange
) -> list[tuple[str, dict[str, Any], TimeRange]]:
    """What the API asks for a panel; some are no questions of their own."""
    if name == "findings":
        since_s = (chosen.start_s or 0) // SECONDS_AN_HOUR * SECONDS_AN_HOUR
        end_s = -(-(chosen.end_s or 0) // SECONDS_AN_HOUR) * SECONDS_AN_HOUR
        wide = TimeRange(min(since_s, end_s - USUAL_S), end_s)
        return [
            ("bursts", {"limit": BURSTS_MAX, "since_s": since_s}, wide),
            ("coverage", {"limit": INTERFACES_MAX}, chosen),
        ]
    if name == "graph":
        return [("graph_edges", {"by": "interface", "limit": 5_000}, chosen)]
    if name == "rejected_ports":
        limit = {"limit": parameters["limit"]}
        return [("rejects", {"by": "port", **limit}, chosen), ("rejected_couples", limit, chosen)]
    return [(name, parameters, chosen)]


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
    totals = FileIndex(folder).totals()
    end_s = (totals.start_max or 0) + 1
    end_s += -end_s % 300 - int(back_s)
    chosen = TimeRange(end_s - int(hours) * 3_600, end_s)
    week = TimeRange(min(end_s - WEEK_S, chosen.start_s or 0), end_s)
    dropped = forget(folder.warehouse)
    queries = FlowQueries(folder, QuerySettings(threads=AT_ONCE))
    asked = questions(chosen, week, totals.start_min or 0)

    def ask(each: Asked) -> None:
        _, question, parameters, text, time_range = each
        condition = parse_filter(text)
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
