"""Which addresses never leave private networks, for rollups and for questions alike."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network

import numpy as np

from vpcflow.store.arrow_views import Array

#: Addresses that are not on the internet: private, carrier-grade NAT, loopback and link-local.
INTERNAL_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
#: Both ends of a record are internal; one end is not. Unknown where an end is.
SCOPE_INTERNAL, SCOPE_INTERNET = 0, 1

_MAPPED = 0xFFFF << 32
_IPV6_BITS = 128
_WORD_BITS = 64
_WORD = 2**_WORD_BITS - 1


def internal_ranges() -> list[tuple[bytes, bytes]]:
    """First and last stored address of each internal network."""
    return [(_stored(first), _stored(last)) for first, last in _RANGES]


def is_internal(words: Array) -> Array:
    """Whether addresses, two stored words each, are internal."""
    big = words.astype("<u8", copy=False).byteswap()
    high, low = big[:, 0], big[:, 1]
    found = np.zeros(len(words), np.bool_)
    for first, last in _RANGES:
        if first >> _WORD_BITS == last >> _WORD_BITS:
            same = high == np.uint64(first >> _WORD_BITS)
            found |= same & (low >= np.uint64(first & _WORD)) & (low <= np.uint64(last & _WORD))
        else:
            # No such network is cut within its first word.
            found |= (high >= np.uint64(first >> _WORD_BITS)) & (
                high <= np.uint64(last >> _WORD_BITS)
            )
    return found


def _range(network: IPv4Network | IPv6Network) -> tuple[int, int]:
    base = _MAPPED if network.version == 4 else 0
    return base + int(network.network_address), base + int(network.broadcast_address)


def _stored(address: int) -> bytes:
    return address.to_bytes(_IPV6_BITS // 8, "big")


_RANGES = [_range(ip_network(network)) for network in INTERNAL_NETWORKS]
