"""DuckDB on AWS's Parquet: ``peer_duckdb.py FOLDER RUNS ADDRESSES``; warm, in one process.

Prints for each question the seconds of every run and the rows of its first statement.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import duckdb

from question_sql import flows, nine, of_address, of_range


def main(folder: str, runs: str, asked: str) -> None:
    """Ask everything ``runs`` times after once to warm up."""
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW r AS SELECT * FROM read_parquet('{folder}/*.parquet')")
    wanted = json.loads(asked)
    questions = nine()
    for address in wanted["addresses"]:
        questions[f"flows of {address}"] = [flows(of_address(address))]
    third, last = wanted["range_third"], wanted["range_third"] + wanted["range_count"] - 1
    condition = of_range(wanted["range_prefix"], third, last)
    questions["flows of a range"] = [flows(condition)]
    told: dict[str, Any] = {}
    for name, statements in questions.items():
        seconds, cpu = [], []
        for _ in range(int(runs) + 1):
            begun, cpu_begun = time.perf_counter(), time.process_time()
            rows = [connection.execute(statement).to_arrow_table() for statement in statements]
            seconds.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - cpu_begun)
        told[name] = {"seconds": seconds[1:], "cpu": cpu[1:], "rows": rows[0].to_pylist()}
    print(json.dumps(told, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
