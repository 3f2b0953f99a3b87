"""Addresses as codes: each different address once, in order, so that a code is also a rank."""

from __future__ import annotations

import secrets

import numpy as np
import pyarrow as pa

from vpcflow.store.arrow_views import Array, addresses_column
from vpcflow.store.layout_kernels import fill_slots, intern_addresses, recode

#: Half of the slots stay free.
_SLOTS_FIRST = 1 << 16
#: Chosen anew by each process, so that nobody can make addresses that collide.
HASH_SEED = np.uint64(secrets.randbits(64) | 1)


class AddressCodes:
    """Gives out codes for addresses; ``finish`` turns codes already given into ranks.

    Shape: codes are int32, -1 for null.
    """

    def __init__(self) -> None:
        self._count = 0
        self._given: list[Array] = []
        self._slots: Array = np.full(_SLOTS_FIRST, -1, np.int32)
        self._keys: Array = np.zeros((_SLOTS_FIRST // 2, 2), np.uint64)

    def add(self, words: Array, valid: Array) -> Array:
        """The code of each address, to be read only after ``finish``."""
        codes = np.empty(len(words), np.int32)
        done = 0
        while True:
            done, self._count = intern_addresses(
                words, valid, done, codes, self._slots, self._keys, self._count, HASH_SEED
            )
            if done == len(words):
                break
            self._grow()
        self._given.append(codes)
        return codes

    def _grow(self) -> None:
        keys = np.zeros((len(self._keys) * 4, 2), np.uint64)
        keys[: self._count] = self._keys[: self._count]
        self._keys = keys
        self._slots = np.full(len(self._slots) * 4, -1, np.int32)
        fill_slots(self._slots, self._keys, self._count, HASH_SEED)

    def finish(self) -> pa.FixedSizeBinaryArray:
        """All addresses in ascending order; the codes given so far become places in it."""
        addresses, ranks = self.ranked()
        for codes in self._given:
            recode(codes, ranks)
        self._given = []
        return addresses

    def ranked(self) -> tuple[pa.FixedSizeBinaryArray, Array]:
        """All addresses in ascending order, and the place in it of each code given so far."""
        keys = self._keys[: self._count]
        order = address_order(keys)
        ranks = np.empty(self._count, np.int32)
        ranks[order] = np.arange(self._count, dtype=np.int32)
        return addresses_column(keys[order]), ranks


def address_order(words: Array) -> Array:
    """The order of addresses as byte strings."""
    first = words[:, 0].byteswap()
    second = words[:, 1].byteswap()
    order = np.argsort(second, kind="stable")
    if len(first) and (first != first[0]).any():
        order = order[np.argsort(first[order], kind="stable")]
    return order
