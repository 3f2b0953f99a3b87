"""The peer nfstream: flows of a capture file to CSV, in one process, without dissection."""

from __future__ import annotations

import sys

from nfstream import NFStreamer

source, target = sys.argv[1:]
streamer = NFStreamer(
    source=source,
    n_dissections=0,
    n_meters=1,
    idle_timeout=120,
    active_timeout=120,
    snapshot_length=1536,
)
print(streamer.to_csv(path=target))
