"""vpcflow's inflate and parse alone: bytes of every file to Arrow columns, nothing kept.

``our_parse.py FOLDER``; prints records, bad lines and seconds, without the start of the process.
CPU seconds: one core works, and a neighbour on the machine must not count.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from vpcflow.collect.inflate import ByteStream
from vpcflow.collect.settings import CollectSettings
from vpcflow.record.batch import Origin
from vpcflow.record.text import TextDecoder

SETTINGS = CollectSettings()


def parse(path: Path) -> tuple[int, int]:
    """Records and bad lines of one file."""
    decoder = TextDecoder(Origin("file", str(path)))
    records = bad = 0
    decoded = []
    with path.open("rb") as raw:
        for chunk in ByteStream(raw, path.stat().st_size, SETTINGS).chunks():
            decoded.append(decoder.feed(chunk))
    decoded.append(decoder.finish())
    for part in decoded:
        records += sum(batch.num_records for batch in part.batches)
        bad += sum(len(lines) for lines in part.bad)
    return records, bad


if __name__ == "__main__":
    files = sorted(Path(sys.argv[1]).rglob("*.log.gz"))
    parse(files[0])
    begun = time.process_time()
    counts = [parse(path) for path in files]
    seconds = time.process_time() - begun
    print(
        json.dumps(
            {
                "records": sum(records for records, _ in counts),
                "bad": sum(bad for _, bad in counts),
                "seconds": seconds,
            }
        )
    )
