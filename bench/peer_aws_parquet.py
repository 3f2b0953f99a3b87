"""The sample in Parquet as AWS delivers it: ``peer_aws_parquet.py FOLDER OUT slot|hour|day``.

Text addresses, AWS's column types and names, gzip inside Parquet, rows in the order they came.
AWS writes at least one file for every five minutes: that is ``slot``. Larger files are kinder to
the reader than AWS is.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

INT32 = {"version", "srcport", "dstport", "protocol", "tcp_flags", "traffic_path"}
INT64 = {"packets", "bytes", "start", "end"}
NAME_LENGTH = {"slot": 14, "hour": 11, "day": 8}
ROW_GROUP_ROWS = 1_000_000


def read(path: Path) -> pa.Table:
    """One text object as AWS's columns."""
    with pa.input_stream(path) as raw:
        header = raw.readall()
    names = header.split(b"\n", 1)[0].decode().replace("-", "_").split(" ")
    types = {
        name: pa.int32() if name in INT32 else pa.int64() if name in INT64 else pa.string()
        for name in names
    }
    return pc.read_csv(
        pa.BufferReader(header),
        read_options=pc.ReadOptions(column_names=names, skip_rows=1),
        parse_options=pc.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pc.ConvertOptions(
            column_types=types, null_values=["-"], strings_can_be_null=True
        ),
    )


def main(folder: str, out: str, files: str) -> None:
    """Group the objects by the time in their names, and write one Parquet file a group."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(Path(folder).rglob("*.log.gz")):
        stamp = path.name.rsplit("_", 2)[1]
        groups[stamp[: NAME_LENGTH[files]]].append(path)
    Path(out).mkdir(parents=True)
    for stamp, paths in groups.items():
        table = pa.concat_tables([read(path) for path in paths])
        target = Path(out) / f"{stamp}.log.parquet"
        pq.write_table(table, target, compression="gzip", row_group_size=ROW_GROUP_ROWS)


if __name__ == "__main__":
    main(*sys.argv[1:])
