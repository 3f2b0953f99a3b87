"""Polars doing the work of ingest on the same files: read, convert, sort, write zstd Parquet.

``peer_polars.py ingest FOLDER OUT`` or ``peer_polars.py parse FOLDER``; prints rows and CPU seconds.
What is kinder to Polars than to vpcflow: bad lines end the run instead of being counted, IPv6
addresses are only hashed, rows are sorted by source and destination as they are (vpcflow finds out
which one is the interface's own), one file is written and nothing is made durable.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import polars as pl

SCHEMA = {
    "version": pl.Int32,
    "account-id": pl.String,
    "interface-id": pl.String,
    "srcaddr": pl.String,
    "dstaddr": pl.String,
    "srcport": pl.Int32,
    "dstport": pl.Int32,
    "protocol": pl.Int32,
    "packets": pl.Int64,
    "bytes": pl.Int64,
    "start": pl.Int64,
    "end": pl.Int64,
    "action": pl.String,
    "log-status": pl.String,
}


def scan(folder: str) -> pl.LazyFrame:
    """All files as one lazy frame."""
    files = sorted(str(path) for path in Path(folder).rglob("*.log.gz"))
    return pl.scan_csv(files, separator=" ", null_values="-", schema=SCHEMA)


def address(name: str) -> pl.Expr:
    """An address as an integer."""
    part = pl.col(name).str.split_exact(".", 3).struct
    parts = [part.field(f"field_{number}").cast(pl.UInt64, strict=False) for number in range(4)]
    v4 = parts[0] * (1 << 24) + parts[1] * (1 << 16) + parts[2] * (1 << 8) + parts[3]
    is_v6 = pl.col(name).str.contains(":", literal=True)
    return pl.when(is_v6).then(pl.col(name).hash()).otherwise(v4).alias(name)


def ingest(folder: str, out: str) -> int:
    """The whole work; the number of rows written."""
    lo = pl.min_horizontal("srcport", "dstport")
    hi = pl.max_horizontal("srcport", "dstport")
    frame = scan(folder).with_columns(address("srcaddr"), address("dstaddr"))
    ordered = frame.sort(pl.col("start") // 3600, "srcaddr", lo, "dstaddr", hi, "start")
    ordered.sink_parquet(out, compression="zstd", compression_level=3)
    return int(pl.scan_parquet(out).select(pl.len()).collect().item())


def parse(folder: str) -> int:
    """Inflate and parse alone: every column of every file, nothing kept."""
    rows = 0
    for path in sorted(Path(folder).rglob("*.log.gz")):
        rows += pl.read_csv(path, separator=" ", null_values="-", schema=SCHEMA).height
    return rows


if __name__ == "__main__":
    begun = time.process_time()
    count = ingest(*sys.argv[2:]) if sys.argv[1] == "ingest" else parse(sys.argv[2])
    print(json.dumps({"records": count, "seconds": time.process_time() - begun}))
