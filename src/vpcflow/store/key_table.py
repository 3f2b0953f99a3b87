"""Groups of rows by keys of several words, with their sums, as long as a file is written."""

from __future__ import annotations

import numpy as np

from vpcflow.store.address_codes import HASH_SEED
from vpcflow.store.arrow_views import Array
from vpcflow.store.rollup_kernels import add_sums, fill_key_slots

_KEYS_FIRST = 1 << 12
#: There are more slots than keys, so that a free one is near.
_SLOTS_A_KEY = 2


class KeyTable:
    """Keys of ``words`` 64-bit words, numbered as they come, and their sums by ``rules``.

    Shape: holds ``keys_max`` keys at most. A key whose sums might leave 64 bits gets a second
    number, see rollup_kernels.
    """

    def __init__(self, words: int, rules: Array, keys_max: int) -> None:
        self.keys_max = keys_max
        self.count = 0
        self._rules = rules
        first = min(_KEYS_FIRST, keys_max)
        self._slots: Array = _slots_for(first)
        self._keys: Array = np.zeros((first, words), np.int64)
        self._sums: Array = np.zeros((first, len(rules)), np.int64)

    @property
    def keys(self) -> Array:
        """The keys, in order of their numbers."""
        return self._keys[: self.count]

    @property
    def sums(self) -> Array:
        """The sums, in order of the keys' numbers."""
        return self._sums[: self.count]

    def add(self, keys: Array, sums: Array, numbers: Array, begin: int = 0) -> int:
        """Take rows in from ``begin`` on; returns where it stopped because the table is full."""
        while True:
            begin, self.count = add_sums(
                begin,
                keys,
                sums,
                self._rules,
                numbers,
                self._slots,
                self._keys,
                self._sums,
                self.count,
                HASH_SEED,
            )
            if begin == len(keys) or not self._grow():
                return int(begin)

    def _grow(self) -> bool:
        size = min(len(self._keys) * 4, self.keys_max)
        if size == len(self._keys):
            return False
        for name in ("_keys", "_sums"):
            old = getattr(self, name)
            new = np.zeros((size, old.shape[1]), np.int64)
            new[: self.count] = old[: self.count]
            setattr(self, name, new)
        self._slots = _slots_for(size)
        fill_key_slots(self._slots, self._keys, self.count, HASH_SEED)
        return True

    def clear(self) -> None:
        """Forget every key; the room stays."""
        self.count = 0
        self._slots.fill(-1)


def _slots_for(keys: int) -> Array:
    return np.full(1 << (keys * _SLOTS_A_KEY - 1).bit_length(), -1, np.int64)
