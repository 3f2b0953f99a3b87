"""vpcflow's questions on its table: ``our_questions.py DATA RUNS ADDRESSES``; warm, in one process."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from vpcflow.base.data_folder import DataFolder
from vpcflow.query.service import FlowQueries


def main(folder: str, runs: str, asked: str) -> None:
    """Ask everything ``runs`` times after once to warm up."""
    wanted = json.loads(asked)
    queries = FlowQueries(DataFolder(folder))
    questions: dict[str, tuple[str, dict[str, Any]]] = {
        name: (name, {})
        for name in ("overview", "talkers", "pairs", "ports", "rejects", "flows", "interfaces")
    }
    questions["series"] = ("series", {"interval": "1h"})
    questions["coverage"] = ("coverage", {"limit": 1_000_000})
    for address in wanted["addresses"]:
        questions[f"flows of {address}"] = ("flows", {"address": address})
    prefix, third = wanted["range_prefix"], wanted["range_third"]
    last = third + wanted["range_count"] - 1
    span = f"{prefix}.{third}.0-{prefix}.{last}.255"
    questions["flows of a range"] = ("flows", {"address": span})
    told: dict[str, Any] = {}
    for label, (name, parameters) in questions.items():
        seconds, cpu = [], []
        for _ in range(int(runs) + 1):
            begun, cpu_begun = time.perf_counter(), time.process_time()
            answer = queries.ask(name, parameters)
            seconds.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - cpu_begun)
        told[label] = {"seconds": seconds[1:], "cpu": cpu[1:], "rows": answer.table.to_pylist()}
    print(json.dumps(told, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
