"""Reflected cyclic redundancy checks that Python's own libraries lack, one table step a byte."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vpcflow.base.compiled import njit


@njit(cache=True)
def crc_table(polynomial: np.uint64, table: NDArray[np.uint64]) -> None:
    """Fill the 256 steps of a reflected polynomial."""
    one = np.uint64(1)
    for byte in range(256):
        value = np.uint64(byte)
        for _ in range(8):
            if value & one:
                value = (value >> one) ^ polynomial
            else:
                value = value >> one
        table[byte] = value


@njit(cache=True)
def crc_update(table: NDArray[np.uint64], value: np.uint64, data: NDArray[np.uint8]) -> np.uint64:
    """Go on with a register over more bytes."""
    low = np.uint64(0xFF)
    eight = np.uint64(8)
    for index in range(data.shape[0]):
        value = (value >> eight) ^ table[(value ^ np.uint64(data[index])) & low]
    return value
