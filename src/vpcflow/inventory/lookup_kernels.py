"""Binary search of addresses, and of addresses at a time, at machine speed.

Addresses are two words as they lie in memory (network order), which do not compare as numbers on
a little-endian machine; the kernels turn them. The tables hold numbers, in ascending order.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit

_BYTE = np.uint64(0xFF00FF00FF00FF)
_PAIR = np.uint64(0xFFFF0000FFFF)


@njit(nogil=True, error_model="numpy", forceinline=True)
def turn_word(word: Any) -> Any:
    """The eight bytes in the other order."""
    word = ((word >> np.uint64(8)) & _BYTE) | ((word & _BYTE) << np.uint64(8))
    word = ((word >> np.uint64(16)) & _PAIR) | ((word & _PAIR) << np.uint64(16))
    return (word >> np.uint64(32)) | (word << np.uint64(32))


@njit(cache=True, nogil=True, error_model="numpy")
def find_ranges(starts: Any, values: Any, words: Any, found: Any) -> None:
    """Write the value of the range that each address lies in.

    Shape: ``starts`` (n, 2) numbers, high and low, ascending; range i ends before start i + 1 and
    has ``values[i]``; ``words`` (m, 2) addresses as they lie in memory; -1 before the first start.
    """
    for row in range(len(words)):
        high, low = turn_word(words[row, 0]), turn_word(words[row, 1])
        begin, end = 0, len(starts)
        while begin < end:
            middle = (begin + end) >> 1
            at = starts[middle, 0]
            if at < high or (at == high and starts[middle, 1] <= low):
                begin = middle + 1
            else:
                end = middle
        found[row] = values[begin - 1] if begin > 0 else -1


@njit(cache=True, nogil=True, error_model="numpy")
def find_spans(
    addresses: Any,
    firsts: Any,
    from_s: Any,
    to_s: Any,
    latest_to_s: Any,
    groups: Any,
    holders: Any,
    words: Any,
    times: Any,
    group: Any,
    found: Any,
) -> None:
    """Write who held each address at its time.

    Shape: ``addresses`` (n, 2) distinct numbers, ascending; the spans of address i are
    ``firsts[i]`` to ``firsts[i + 1]`` in order of ``from_s``, and ``latest_to_s`` is the latest end
    of a span of that address up to this one, so that a search back ends early; ``groups`` and ``holders`` are each
    span's group and index; a span of ``group`` is preferred (-1: none is), then the latest that
    began. -1 where nobody held it.
    """
    for row in range(len(words)):
        high, low = turn_word(words[row, 0]), turn_word(words[row, 1])
        begin, end = 0, len(addresses)
        while begin < end:
            middle = (begin + end) >> 1
            at = addresses[middle, 0]
            if at < high or (at == high and addresses[middle, 1] < low):
                begin = middle + 1
            else:
                end = middle
        found[row] = -1
        if begin == len(addresses) or addresses[begin, 0] != high or addresses[begin, 1] != low:
            continue
        first = firsts[begin]
        span, end = first, firsts[begin + 1]
        while span < end:
            middle = (span + end) >> 1
            if from_s[middle] <= times[row]:
                span = middle + 1
            else:
                end = middle
        span -= 1
        while span >= first and latest_to_s[span] > times[row]:
            if to_s[span] > times[row]:
                if groups[span] == group:
                    found[row] = holders[span]
                    break
                if found[row] < 0:
                    found[row] = holders[span]
            span -= 1
