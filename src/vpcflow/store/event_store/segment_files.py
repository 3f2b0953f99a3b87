"""The files of one log group: found, and made an index of at the start."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np

from vpcflow.base.errors import StoreError
from vpcflow.store.event_store import block as blocks
from vpcflow.store.event_store.block_scan import Scanned, scan_blocks
from vpcflow.store.event_store.group_index import GroupIndex
from vpcflow.store.event_store.segment_repair import repair

SUFFIX = ".events"
#: Where the blocks that cut older files are looked for.
_CUTS_BYTES_MAX = 4096


def segment_path(folder: Path, segment: int) -> Path:
    """The file of a segment."""
    return folder / f"{segment:08d}{SUFFIX}"


def segments_in(folder: Path) -> list[int]:
    """The numbers of the files in a group's folder, in order."""
    if not folder.is_dir():
        return []
    return sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())


def load_index(folder: Path) -> tuple[GroupIndex, int, int]:
    """The index of a group, the largest number of a block, and how many bytes were cut off.

    Shape: of the newest file every checksum is tried. What is behind its last whole block is cut
    off: it was being written when the process ended, and nobody was told that it is there. What is
    damaged before that is taken out. Both are kept in a file beside.
    Errors: StoreError when a file cannot be read or an older one is damaged.
    """
    index, number, cut = GroupIndex(), 0, 0
    segments = segments_in(folder)
    try:
        ends = _ends(folder, segments)
        if segments:
            cut = repair(segment_path(folder, segments[-1]))
        for segment in segments:
            path = segment_path(folder, segment)
            number = max(number, _load_segment(path, segment, index, ends.get(segment)))
    except OSError as error:
        raise unreadable(folder, str(error.strerror)) from error
    return index, number, cut


def _ends(folder: Path, segments: list[int]) -> dict[int, int]:
    """How many bytes of a file count, where a newer one says it."""
    ends: dict[int, int] = {}
    for segment in segments:
        with (
            segment_path(folder, segment).open("rb") as file,
            memoryview(file.read(_CUTS_BYTES_MAX)) as data,
        ):
            at = 0
            while (header := blocks.read_header(data, at)) is not None:
                if header.kind != blocks.CUT or not blocks.is_whole(data, at, header):
                    break
                older, size = blocks.stream_of(data, at, header).split(":")
                ends[int(older)] = int(size)
                at += blocks.HEADER_BYTES + header.body_bytes
    return ends


def _load_segment(path: Path, segment: int, index: GroupIndex, end: int | None) -> int:
    number = at = 0
    size = path.stat().st_size
    size = size if end is None else min(size, end)
    index.segment_bytes[segment] = 0
    if not size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        while at < size:
            begin = at
            scanned = _scanned(mapped, at, size)
            at = scanned.end
            if at == begin:
                raise unreadable(path, f"damaged at byte {at}")
            index.add_all(segment, scanned.blocks, scanned.names)
            number = max(number, int(scanned.blocks["number"].max()))
    return number


def _scanned(mapped: mmap.mmap, at: int, end: int) -> Scanned:
    # A map cannot be closed while an array shows it.
    return scan_blocks(np.frombuffer(mapped, np.uint8), at, end)


def unreadable(path: Path, why: str) -> StoreError:
    """What is told of a file that cannot be read."""
    return StoreError(
        f"a file of text events cannot be read: {why}",
        where=str(path),
        hint="put it back from a copy, or move it away: its events are then gone",
    )
