"""Puts events until it is killed, and says each one that was acknowledged."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from vpcflow.store.event_store import EventStore, EventStoreSettings


def main() -> None:
    """Put without end."""
    store = EventStore(Path(sys.argv[1]), EventStoreSettings(segment_bytes_max=65_536))
    number = int(sys.argv[2])
    while True:
        texts = pa.array([f"{number} {line}" for line in range(20)])
        store.append("k", "s", 1, np.full(20, number, np.int64), texts)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    main()
