"""A socket's ring in memory, with readable bytes behind its end."""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref

import numpy as np
import numpy.typing as npt

_MAP_FIXED = 0x10
_FAILED = ctypes.c_void_p(-1).value


def map_ring(descriptor: int, ring_bytes: int) -> npt.NDArray[np.uint8]:
    """The ring as bytes; unmapped when the last array over it is gone.

    Packets may lie at the very end, and readers may read a little beyond every packet. So a page
    more is mapped first, and the ring over all but that page; ``mmap`` of the library cannot.
    Errors: OSError of the kernel.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *([ctypes.c_int] * 3), ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    size = ring_bytes + mmap.PAGESIZE
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if address == _FAILED:
        raise _error()
    access = mmap.PROT_READ | mmap.PROT_WRITE
    over = libc.mmap(
        address, ring_bytes, access, mmap.MAP_SHARED | _MAP_FIXED | mmap.MAP_POPULATE, descriptor, 0
    )
    if over == _FAILED:
        error = _error()
        libc.munmap(address, size)
        raise error
    memory = (ctypes.c_uint8 * size).from_address(address)
    # At exit the system takes the memory; a thread may still be reading it then.
    weakref.finalize(memory, libc.munmap, address, size).atexit = False
    return np.frombuffer(memoryview(memory), np.uint8)


def _error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))
