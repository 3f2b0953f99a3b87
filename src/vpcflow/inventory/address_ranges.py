"""Longest-prefix table of networks: which subnet, VPC or list an address belongs to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network

import numpy as np
import numpy.typing as npt

from vpcflow.inventory.network_interface import Address
from vpcflow.inventory.vpc import Network

#: What stands for "in none of the networks".
NOT_FOUND = -1
_MAPPED_BASE = 0xFFFF << 32
_LOW_MASK = (1 << 64) - 1
#: IPv4 mapped into IPv6: no IPv6 network holds these, not even ::/0.
_MAPPED_RANGE = (_MAPPED_BASE, 96)

Words = npt.NDArray[np.uint64]


def address_number(address: Address) -> int:
    """The address as a number of 128 bits, IPv4 mapped into IPv6."""
    return (_MAPPED_BASE if isinstance(address, IPv4Address) else 0) + int(address)


def address_words(addresses: Iterable[Address]) -> Words:
    """Addresses as the hot path has them: two words each, as 16 bytes lie in memory."""
    data = b"".join(address_number(address).to_bytes(16, "big") for address in addresses)
    return np.frombuffer(data, np.uint64).reshape(-1, 2)


def number_words(numbers: list[int]) -> Words:
    """Numbers of 128 bits as a table of high and low words, as the search kernels want them."""
    table = np.empty((len(numbers), 2), np.uint64)
    table[:, 0] = [number >> 64 for number in numbers]
    table[:, 1] = [number & _LOW_MASK for number in numbers]
    return table


class AddressRanges:
    """Immutable table of networks with a value each; the longest prefix that holds an address wins.

    Shape: values are 0 or more, mostly indices into a tuple of the caller; of equal networks the
    first counts. Networks of one family never hold addresses of the other; one inside
    ::ffff:0:0/96 is the IPv4 network that it maps.
    """

    def __init__(self, networks: Iterable[tuple[Network, int]]) -> None:
        prefixes: dict[tuple[int, int], int] = {}
        for network, value in networks:
            mapped = 96 if isinstance(network, IPv4Network) else 0
            prefixes.setdefault(
                (address_number(network.network_address), network.prefixlen + mapped), value
            )
        prefixes.setdefault(_MAPPED_RANGE, NOT_FOUND)
        self._starts, self._values = _flatten(prefixes)
        self._start_words = number_words(self._starts)
        self._value_array = np.array(self._values, np.int32)

    def find(self, address: Address) -> int:
        """The value of the longest network that holds the address, or NOT_FOUND."""
        position = bisect_right(self._starts, address_number(address))
        return self._values[position - 1] if position else NOT_FOUND

    def find_many(self, words: Words) -> npt.NDArray[np.int32]:
        """The same for many addresses, as two words each as they lie in memory, shape (n, 2)."""
        from vpcflow.inventory.lookup_kernels import find_ranges

        found = np.empty(len(words), np.int32)
        find_ranges(self._start_words, self._value_array, words, found)
        return found


def _flatten(prefixes: dict[tuple[int, int], int]) -> tuple[list[int], list[int]]:
    """Nested networks as ranges side by side: where each starts, and its value."""
    starts: list[int] = []
    values: list[int] = []

    def begin(start: int, value: int) -> None:
        if starts and starts[-1] == start:
            values[-1] = value
        elif not values or values[-1] != value:
            starts.append(start)
            values.append(value)

    open_networks: list[tuple[int, int]] = []  # where it ends, its value; the innermost last
    for (start, length), value in sorted(prefixes.items()):
        while open_networks and open_networks[-1][0] <= start:
            end, _ = open_networks.pop()
            begin(end, open_networks[-1][1] if open_networks else NOT_FOUND)
        begin(start, value)
        open_networks.append((start + (1 << (128 - length)), value))
    while open_networks:
        end, _ = open_networks.pop()
        begin(end, open_networks[-1][1] if open_networks else NOT_FOUND)
    if starts[-1] >> 128:  # the end of everything is not an address
        starts.pop()
        values.pop()
    return starts, values
