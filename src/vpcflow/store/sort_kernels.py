"""Kernels of the sort: radix order of packed keys, gathering, dictionaries of row groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit

Array = npt.NDArray[Any]

DIGIT_BITS = 11
_DIGITS = 1 << DIGIT_BITS
_DIGIT_MASK = np.uint64(_DIGITS - 1)


@njit(cache=True, nogil=True)
def value_range(values: Array, valid: Array) -> tuple[Any, Any, int]:
    """Smallest and largest value that is there, and how many are."""
    nullable = len(valid) > 0
    low = np.int64(0)
    high = np.int64(0)
    seen = 0
    for row in range(len(values)):
        if nullable and valid[row] == 0:
            continue
        value = np.int64(values[row])
        if seen == 0:
            low = value
            high = value
        low = min(low, value)
        high = max(high, value)
        seen += 1
    return low, high, seen


@njit(cache=True, nogil=True)
def pack_key(values: Array, valid: Array, low: Any, shift: Any, words: Array) -> None:
    """Add ``value - low + 1`` (0 for null) to ``words``, ``shift`` bits up."""
    nullable = len(valid) > 0
    up = np.uint64(shift)
    for row in range(len(values)):
        if nullable and valid[row] == 0:
            continue
        words[row] |= np.uint64(np.int64(values[row]) - low + 1) << up


@njit(cache=True, nogil=True)
def pack_wide_key(values: Array, valid: Array, words: Array, presence: Array) -> None:
    """Keys as wide as a word: the value with its sign turned, and its presence apart."""
    nullable = len(valid) > 0
    for row in range(len(values)):
        if nullable and valid[row] == 0:
            words[row] = 0
            presence[row] = 0
        else:
            words[row] = np.uint64(values[row]) ^ np.uint64(1 << 63)
            presence[row] = 1


@njit(cache=True, nogil=True)
def radix_order(
    words: Array, order: Array, bits: Any, spare_words: Array, spare_order: Array
) -> None:
    """Stable order of ``order`` by ``words``, which stand in the same order; both in place.

    Shape: ``words`` uint64, ``order`` uint32; the spares are as long. ``bits`` are those in use.
    """
    rows = len(words)
    passes = (bits + DIGIT_BITS - 1) // DIGIT_BITS
    counts = np.zeros((max(passes, 1), _DIGITS), np.int64)
    for row in range(rows):
        word = words[row]
        for turn in range(passes):
            counts[turn, (word >> np.uint64(turn * DIGIT_BITS)) & _DIGIT_MASK] += 1
    from_words, from_order = words, order
    to_words, to_order = spare_words, spare_order
    for turn in range(passes):
        shift = np.uint64(turn * DIGIT_BITS)
        count = counts[turn]
        if rows and count[(from_words[0] >> shift) & _DIGIT_MASK] == rows:
            continue
        total = 0
        for digit in range(_DIGITS):
            here = count[digit]
            count[digit] = total
            total += here
        for row in range(rows):
            word = from_words[row]
            digit = (word >> shift) & _DIGIT_MASK
            place = count[digit]
            count[digit] = place + 1
            to_words[place] = word
            to_order[place] = from_order[row]
        from_words, to_words = to_words, from_words
        from_order, to_order = to_order, from_order
    if rows and from_order is not order:
        order[:] = from_order
        words[:] = from_words


@njit(cache=True, nogil=True)
def recode_to(codes: Array, ranks: Array, ranked: Array) -> None:
    """The rank of each code; -1 stays."""
    for row in range(len(codes)):
        code = codes[row]
        ranked[row] = ranks[code] if code >= 0 else -1


@njit(cache=True, nogil=True)
def take_values(values: Array, order: Array, taken: Array) -> None:
    """Values in order."""
    for row in range(len(order)):
        taken[row] = values[order[row]]


@njit(cache=True, nogil=True)
def small_codes(codes: Array, small: Array, ranks: Array) -> tuple[int, int]:
    """Codes that count from 0, in the order of the dictionary, over what occurs.

    Shape: ``ranks`` has one entry a dictionary value: its new code, or -1 when it does not occur.
    Returns how many occur, and how many rows are null.
    """
    for code in range(len(ranks)):
        ranks[code] = -1
    nulls = 0
    for row in range(len(codes)):
        code = codes[row]
        if code >= 0:
            ranks[code] = 0
        else:
            nulls += 1
    occurring = 0
    for code in range(len(ranks)):
        if ranks[code] == 0:
            ranks[code] = occurring
            occurring += 1
    for row in range(len(codes)):
        code = codes[row]
        small[row] = ranks[code] if code >= 0 else -1
    return occurring, nulls
