"""flowlogs-reader on the same files: its S3 reader's way of reading, its records, then Parquet.

``peer_flowlogs_reader.py FOLDER FILES OUT`` reads every n-th file so that about FILES are read,
and writes the records as zstd Parquet, unsorted; prints rows and CPU seconds.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from flowlogs_reader import FlowRecord

warnings.simplefilter("ignore")


def read(path: Path) -> Iterator[FlowRecord]:
    """Records of one file, made as S3FlowLogsReader makes them of an object."""
    with gzip.open(path, mode="rt") as lines:
        reader = csv.DictReader(lines, delimiter=" ")
        reader.fieldnames = [name.replace("-", "_") for name in reader.fieldnames or ()]
        for row in reader:
            yield FlowRecord(row)


def main(folder: str, files_wanted: str, out: str) -> None:
    """Read a share of the files into one Parquet file."""
    files = sorted(Path(folder).rglob("*.log.gz"))
    chosen = files[:: max(1, len(files) // int(files_wanted))]
    begun = time.process_time()
    rows = [record.to_dict() for path in chosen for record in read(path)]
    pq.write_table(pa.Table.from_pylist(rows), out, compression="zstd", compression_level=3)
    print(json.dumps({"records": len(rows), "seconds": time.process_time() - begun}))


if __name__ == "__main__":
    main(*sys.argv[1:])
