"""What the kernel calls a thread: tools and tests tell by it whom a thread serves."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

#: The kernel keeps so many bytes.
_BYTES_MAX = 15


def name_native_thread(name: str) -> None:
    """Name the calling thread; threads that it starts have the same name unless they take another.

    Shape: longer names are cut. Where the kernel has no such file, nothing happens.
    """
    with suppress(OSError):
        Path("/proc/thread-self/comm").write_bytes(name.encode()[:_BYTES_MAX])
