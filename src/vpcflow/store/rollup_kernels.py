"""Kernels of the rollup: rows to groups, and the sums of each group."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[Any]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SUM_MAX = np.int64(2**62)


@njit(cache=True, nogil=True)
def add_dimension(keys: Array, values: Array, valid: Array, low: Any, radix: Any) -> None:
    """Make room for one more dimension in each key and enter it: 0 for null."""
    nullable = len(valid) > 0
    for row in range(len(keys)):
        place = np.int64(0)
        if not nullable or valid[row] != 0:
            place = np.int64(values[row]) - low + 1
        keys[row] = keys[row] * radix + place


@njit(cache=True, nogil=True)
def group_rows(keys: Array, groups: Array, first_rows: Array, slots: Array) -> int:
    """Number the different keys in order of first sight; returns how many there are."""
    mask = np.uint64(len(slots) - 1)
    shift = np.uint64(32)
    count = 0
    last = -1
    for row in range(len(keys)):
        key = keys[row]
        if last >= 0 and keys[first_rows[last]] == key:
            groups[row] = last
            continue
        mixed = np.uint64(key) * _MULTIPLIER
        slot = (mixed ^ (mixed >> shift)) & mask
        while slots[slot] >= 0 and keys[first_rows[slots[slot]]] != key:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = count
            first_rows[count] = row
            count += 1
        last = slots[slot]
        groups[row] = last
    return count


@njit(cache=True, nogil=True)
def sum_groups(groups: Array, values: Array, valid: Array, sums: Array, nulls: Array) -> bool:
    """Sum and count of nulls of each group; returns whether a sum grew too large to be sure of."""
    nullable = len(valid) > 0
    too_large = False
    for row in range(len(groups)):
        group = groups[row]
        if nullable and valid[row] == 0:
            nulls[group] += 1
            continue
        value = np.int64(values[row])
        total = sums[group]
        if value > _SUM_MAX or value < -_SUM_MAX or total > _SUM_MAX or total < -_SUM_MAX:
            too_large = True
        sums[group] = total + value
    return too_large


@njit(cache=True, nogil=True)
def count_groups(groups: Array, counts: Array) -> None:
    """Rows of each group."""
    for row in range(len(groups)):
        counts[groups[row]] += 1


@njit(cache=True, nogil=True)
def bound_groups(
    groups: Array, values: Array, valid: Array, lowest: Array, highest: Array, seen: Array
) -> None:
    """Smallest and largest value of each group."""
    nullable = len(valid) > 0
    for row in range(len(groups)):
        if nullable and valid[row] == 0:
            continue
        group = groups[row]
        value = values[row]
        if seen[group] == 0:
            lowest[group] = value
            highest[group] = value
            seen[group] = 1
        elif value < lowest[group]:
            lowest[group] = value
        elif value > highest[group]:
            highest[group] = value
