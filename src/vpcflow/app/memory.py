"""How a process that sorts large runs again and again asks the system for memory."""

from __future__ import annotations

import ctypes

import pyarrow as pa

#: glibc's names for its bounds (malloc.h).
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
#: Freed memory up to this stays with the process; blocks up to that (glibc allows no more) come from it.
TRIM_BYTES = 2**31 - 1
MMAP_BYTES = 32 * 2**20


def keep_memory() -> None:
    """Keep freed memory for the next run instead of giving it back.

    A run takes hundreds of megabytes and gives them back; fresh pages cost as much as sorting.
    On a C library without ``mallopt`` nothing changes.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MMAP_BYTES)
        mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)
        # What one thread frees the other must find: records arrive in one and are sorted in another.
        mallopt(_M_ARENA_MAX, 1)
