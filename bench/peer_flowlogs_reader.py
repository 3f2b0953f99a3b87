"""flowlogs-reader on the same files: its S3 reader's way of reading, and its records made.

``peer_flowlogs_reader.py FOLDER FILES`` reads every n-th file so that about FILES are read; it
makes Python objects and writes no table, which is less than ingest does.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import time
import warnings
from pathlib import Path

from flowlogs_reader import FlowRecord

warnings.simplefilter("ignore")


def read(path: Path) -> int:
    """Records made of one file, as S3FlowLogsReader makes them of an object."""
    count = 0
    with gzip.open(path, mode="rt") as lines:
        reader = csv.DictReader(lines, delimiter=" ")
        reader.fieldnames = [name.replace("-", "_") for name in reader.fieldnames or ()]
        for row in reader:
            FlowRecord(row)
            count += 1
    return count


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).rglob("*.log.gz"))
    chosen = files[:: max(1, len(files) // int(sys.argv[2]))]
    begun = time.perf_counter()
    records = sum(read(path) for path in chosen)
    print(json.dumps({"records": records, "seconds": time.perf_counter() - begun}))
