"""Finds the blocks that lie one behind the other in bytes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vpcflow.store.event_store.block import HEADER_BYTES
from vpcflow.store.event_store.span import BLOCK_TYPE, Blocks

#: Blocks of one step.
BLOCKS_MAX = 65_536

Bytes = npt.NDArray[np.uint8]


class Scanned(NamedTuple):
    """Blocks, the names in them, and where the last one ends."""

    blocks: Blocks
    names: list[str]
    end: int


def scan_blocks(
    data: Bytes, at: int, end: int, *, blocks_max: int = BLOCKS_MAX, check: bool = False
) -> Scanned:
    """The blocks from a place on, up to a number of them or to what is none.

    Shape: with ``check`` a block with a wrong checksum is none.
    """
    from vpcflow.store.event_store.span_kernels import scan  # the server starts without

    room = min(blocks_max, max(end - at, 0) // HEADER_BYTES + 1)
    rows = np.empty(room, BLOCK_TYPE)
    begins, sizes = np.empty(room, np.int64), np.empty(room, np.int64)
    slots = np.full(2 << room.bit_length(), -1, np.int32)
    count, known, end = scan(data, at, end, check, rows, begins, sizes, slots)
    names = [
        data[begin : begin + size].tobytes().decode(errors="replace")
        for begin, size in zip(begins[:known].tolist(), sizes[:known].tolist(), strict=True)
    ]
    return Scanned(rows[:count], names, end)
