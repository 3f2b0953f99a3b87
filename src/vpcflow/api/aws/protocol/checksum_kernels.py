"""Cyclic checksums that no part of Python's library has: CRC-32C and CRC-64/NVME."""

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit


@njit
def reflected_crc(data: Any, table: Any, register: Any) -> Any:
    """The register after ``data``, by a table of 256 entries of a reflected polynomial."""
    low = np.uint64(0xFF)
    eight = np.uint64(8)
    for index in range(data.shape[0]):
        entry = table[(register ^ np.uint64(data[index])) & low]
        register = entry ^ (register >> eight)
    return register
