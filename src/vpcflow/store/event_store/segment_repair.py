"""Takes damaged bytes out of a file of events, so that all whole blocks of it are read.

What is taken out is kept in a file beside, named after the place where it was.
"""

from __future__ import annotations

import mmap
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import structlog

from vpcflow.base.data_folder import fsync_folder
from vpcflow.store.event_store.block import HEADER_BYTES, MAGIC, is_whole, read_header
from vpcflow.store.event_store.block_scan import scan_blocks

SUFFIX = ".damaged"
#: Of a group's damaged bytes the newest are kept.
DAMAGED_BYTES_MAX = 256 * 2**20
#: Checksums over so many bytes are tried to find a file's blocks behind damaged ones.
SEARCH_BYTES_MAX = 2**30
_COPY_BYTES = 2**20

_LOG = structlog.get_logger(__name__)

Ranges = list[tuple[int, int]]


def repair(path: Path) -> int:
    """Take out of a file what is no block with the right checksum; tells how many bytes."""
    size = path.stat().st_size
    if not size:
        return 0
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            damaged = _damaged(mapped)
            if not damaged:
                return 0
            for begin, end in damaged:
                kept = _keep(path, mapped, begin, end)
                _LOG.warning(
                    "text_events_damaged",
                    path=str(path),
                    offset=begin,
                    bytes=end - begin,
                    kept=str(kept) if kept else None,
                )
            fsync_folder(path.parent)
            if len(damaged) > 1 or damaged[0][1] < size:
                _write_rest(path, mapped, damaged)
                return sum(end - begin for begin, end in damaged)
        cut = damaged[0][0]
        file.truncate(cut)
        os.fsync(file.fileno())
        return size - cut


def _damaged(mapped: mmap.mmap) -> Ranges:
    """Begin and end of what is damaged, in order."""
    found: Ranges = []
    at, size, left = 0, len(mapped), SEARCH_BYTES_MAX
    while at < size:
        # A map cannot be closed while an array shows it, so none is kept.
        end = scan_blocks(np.frombuffer(mapped, np.uint8), at, size, check=True).end
        if end == at:
            at, left = _next_block(mapped, at, left)
            found.append((end, at))
        else:
            at = end
    return found


def _next_block(mapped: mmap.mmap, at: int, left: int) -> tuple[int, int]:
    """Where the next whole block begins, or the end; ``left`` bytes may be tried for that.

    Shape: a damaged block's own size is believed before its text is searched, which a client wrote.
    """
    with memoryview(mapped) as view:
        header = read_header(view, at)
        if header is not None:
            end = at + HEADER_BYTES + header.body_bytes
            if end == len(view) or _is_block(view, end):
                return end, left
        place = mapped.find(MAGIC, at + 1)
        while place >= 0 and left > 0:
            header = read_header(view, place)
            if header is not None:
                left -= HEADER_BYTES + header.body_bytes
                if is_whole(view, place, header):
                    return place, left
            place = mapped.find(MAGIC, place + 1)
        return len(view), left


def _is_block(view: memoryview, at: int) -> bool:
    header = read_header(view, at)
    return header is not None and is_whole(view, at, header)


def _keep(path: Path, mapped: mmap.mmap, begin: int, end: int) -> Path | None:
    """Put bytes into a file beside; those that are all zero tell nothing."""
    if not np.frombuffer(mapped, np.uint8, end - begin, begin).any():
        return None
    kept = path.with_name(f"{path.stem}-{begin}{SUFFIX}")
    with kept.open("ab") as file:
        _copy(mapped, begin, end, file.fileno())
    others = sorted(path.parent.glob(f"*{SUFFIX}"), key=lambda one: one.stat().st_mtime_ns)
    total = sum(one.stat().st_size for one in others)
    for other in others:
        if total <= DAMAGED_BYTES_MAX:
            break
        if other != kept:
            total -= other.stat().st_size
            other.unlink()
    return kept


def _write_rest(path: Path, mapped: mmap.mmap, damaged: Ranges) -> None:
    """Put a file without the damaged bytes in the place of the old one."""
    edges = [0, *(edge for pair in damaged for edge in pair), len(mapped)]
    fresh = path.with_suffix(".repaired")
    with fresh.open("wb") as file:
        for begin, end in list(pairwise(edges))[::2]:
            _copy(mapped, begin, end, file.fileno())
    fresh.replace(path)
    fsync_folder(path.parent)


def _copy(mapped: mmap.mmap, begin: int, end: int, handle: int) -> None:
    """Write bytes to a file, and have them on the disk."""
    while begin < end:
        begin += os.write(handle, mapped[begin : min(end, begin + _COPY_BYTES)])
    os.fsync(handle)
