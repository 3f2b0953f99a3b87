"""Which end of a flow is the interface's own; steers locality only, never what is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from vpcflow.store.address_codes import HASH_SEED
from vpcflow.store.arrow_views import Array, codes_of, words_of
from vpcflow.store.layout_kernels import (
    choose_directions,
    count_addresses,
    own_addresses,
    rows_to_count,
)
from vpcflow.store.stored_schema import (
    DIRECTION_HOST_IS_DESTINATION,
    DIRECTION_HOST_IS_SOURCE,
)

_UNSEEN = -2
_NONE = -1
_HOST_BY_FLOW_DIRECTION = {
    "egress": DIRECTION_HOST_IS_SOURCE,
    "ingress": DIRECTION_HOST_IS_DESTINATION,
}


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of each record: addresses as codes (-1 for null), ports (0 for null)."""

    sources: Array
    destinations: Array
    source_ports: Array
    destination_ports: Array


def choose_hosts(
    ends: Ends,
    addresses: pa.FixedSizeBinaryArray,
    interfaces: pa.DictionaryArray | None,
    flow_directions: pa.DictionaryArray | None,
) -> Array:
    """Per record 0 when the source is the host, 1 when the destination is.

    The flow's own direction decides; else, per interface and family, the address that stands in all
    records; else the one that stands in more; else the private one, the higher port, the lower
    address.
    """
    rows = len(ends.sources)
    known = _known_directions(flow_directions, rows)
    directions = np.empty(rows, np.int32)
    if len(addresses) == 0 or (known >= 0).all():
        np.maximum(known, 0, out=directions)
        return directions
    groups, group_count = _groups(interfaces, rows)
    is_ipv4, is_private = _address_traits(addresses)
    first = np.full(group_count * 2, _UNSEEN, np.int32)
    second = np.full(group_count * 2, _UNSEEN, np.int32)
    records = (ends.sources, ends.destinations, groups, known, is_ipv4)
    own_addresses(*records, first, second)
    counted = 0
    if ((first == _NONE) & (second == _NONE)).any():
        counted = rows_to_count(ends.sources, ends.destinations, groups, is_ipv4, first, second)
    slots = 1 << (int(counted) * 4 + 1).bit_length()
    table_keys = np.full(slots, -1, np.int64)
    table_counts = np.zeros(slots, np.int64)
    if counted:
        count_addresses(*records, first, second, table_keys, table_counts, HASH_SEED)
    choose_directions(
        ends.sources,
        ends.destinations,
        ends.source_ports,
        ends.destination_ports,
        groups,
        known,
        is_ipv4,
        is_private,
        first,
        second,
        table_keys,
        table_counts,
        HASH_SEED,
        directions,
    )
    return directions


def _known_directions(column: pa.DictionaryArray | None, rows: int) -> Array:
    if column is None or column.null_count == rows:
        return np.full(rows, -1, np.int32)
    texts = column.dictionary.to_pylist()
    meanings = np.array([_HOST_BY_FLOW_DIRECTION.get(text, -1) for text in texts] + [-1], np.int32)
    return meanings[codes_of(column)]


def _groups(interfaces: pa.DictionaryArray | None, rows: int) -> tuple[Array, int]:
    """A number for each interface, the last for records without one."""
    if interfaces is None or interfaces.null_count == rows:
        return np.zeros(rows, np.int32), 1
    unknown = len(interfaces.dictionary)
    codes = codes_of(interfaces)
    return np.where(codes < 0, np.int32(unknown), codes), unknown + 1


def _address_traits(addresses: pa.FixedSizeBinaryArray) -> tuple[Array, Array]:
    """Per address: is it IPv4, and is it of a private or link-local range; one byte each."""
    octets = words_of(addresses).view(np.uint8).reshape(-1, 16)
    words = words_of(addresses)
    is_ipv4 = (words[:, 0] == 0) & (octets[:, 8:12] == (0, 0, 255, 255)).all(axis=1)
    first, second = octets[:, 12], octets[:, 13]
    private_ipv4 = (
        (first == 10)
        | ((first == 172) & (second >> 4 == 1))
        | ((first == 192) & (second == 168))
        | ((first == 100) & (second >> 6 == 1))
        | ((first == 169) & (second == 254))
    )
    private_ipv6 = (octets[:, 0] & 0xFE == 0xFC) | (
        (octets[:, 0] == 0xFE) & (octets[:, 1] & 0xC0 == 0x80)
    )
    is_private = np.where(is_ipv4, private_ipv4, private_ipv6)
    return is_ipv4.astype(np.uint8), is_private.astype(np.uint8)
