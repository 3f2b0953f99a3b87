"""A kernel that hashes many texts at once."""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit

_PRIME = np.uint64(0x100000001B3)
_OTHER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(33)


@njit(nogil=True, cache=True, error_model="numpy")
def hash_texts(offsets: Any, data: Any, seeds: Any, first: Any, second: Any) -> None:
    """Two 64-bit hashes of each text, begun with its seed; ``offsets`` has one more than texts."""
    for row in range(len(seeds)):
        one = seeds[row]
        two = seeds[row] ^ _OTHER
        for at in range(offsets[row], offsets[row + 1]):
            byte = np.uint64(data[at])
            one = (one ^ byte) * _PRIME
            two = (two + byte) * _OTHER
            two ^= two >> _SHIFT
        one ^= one >> _SHIFT
        one *= _MIX
        one ^= one >> _SHIFT
        two ^= two >> _SHIFT
        two *= _MIX
        first[row] = one ^ (two >> np.uint64(1))
        second[row] = two
