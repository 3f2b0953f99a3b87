"""From NFLOG messages to packets: netlink messages, and records of a capture file alike.

Both hold the same: a header of family, version and group, then attributes of length and type
(little-endian on this host, values big-endian), padded to 4 bytes. What is damaged is counted and
ends its own message, nothing else.
Source: Linux, include/uapi/linux/netfilter/nfnetlink_log.h; LINKTYPE_NFLOG of tcpdump.
"""

# mypy: disable-error-code="no-any-return,return-value,assignment"

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vpcflow.base.compiled import njit

#: Rows of the matrix of what NFLOG says beside the packet.
GROUP: Final = 0
FAMILY: Final = 1  # NFPROTO_*: which table's hook it was
HOOK: Final = 2
DEVICE_IN: Final = 3
DEVICE_OUT: Final = 4
PORT_IN: Final = 5  # the bridge's port, where the packet came through one
PORT_OUT: Final = 6
MARK: Final = 7
PREFIX: Final = 8
LINK_PROTOCOL: Final = 9  # an Ethernet type
SEQUENCE: Final = 10  # -1: none
FIELD_COUNT: Final = 11

#: What the kernel counts beside the packets.
COUNT_PACKETS: Final = 0
COUNT_MALFORMED: Final = 1  # messages that were damaged, or without a packet
COUNT_LOST: Final = 2  # gaps in the sequence numbers
COUNT_PREFIXES_REFUSED: Final = 3  # packets whose prefix found no room
COUNT_COUNT: Final = 4

#: Distinct prefixes that are kept, and places of their index. Number 0 is the empty prefix, and
#: that of what found no room.
PREFIXES_MAX: Final = 4_096
PREFIX_PLACES: Final = 8_192

_MESSAGE_HEADER: Final = 16
_MESSAGE_PACKET: Final = 0x0400
_NFLOG_HEADER: Final = 4
_ATTRIBUTE_HEADER: Final = 4
_TYPE_MASK: Final = 0x3FFF
_PACKET_HEADER: Final = 1
_MARK: Final = 2
_TIMESTAMP: Final = 3
_IFINDEX_IN: Final = 4
_IFINDEX_OUT: Final = 5
_PHYSICAL_IN: Final = 6
_PHYSICAL_OUT: Final = 7
_PAYLOAD: Final = 9
_PREFIX: Final = 10
_SEQUENCE: Final = 12
_SEQUENCE_MODULUS: Final = 1 << 32
_FNV_BASIS: Final = np.uint64(0xCBF29CE484222325)
_FNV_PRIME: Final = np.uint64(0x100000001B3)
_TIME_S_MAX: Final = 1 << 33


@njit(cache=True, nogil=True, error_model="numpy")
def _host_u16(data: Any, at: int) -> int:
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8


@njit(cache=True, nogil=True, error_model="numpy")
def _host_u32(data: Any, at: int) -> int:
    return _host_u16(data, at) | _host_u16(data, at + 2) << 16


@njit(cache=True, nogil=True, error_model="numpy")
def _network_u16(data: Any, at: int) -> int:
    return np.int64(data[at]) << 8 | np.int64(data[at + 1])


@njit(cache=True, nogil=True, error_model="numpy")
def _network_u32(data: Any, at: int) -> int:
    return _network_u16(data, at) << 16 | _network_u16(data, at + 2)


@njit(cache=True, nogil=True, error_model="numpy")
def _prefix_number(data: Any, begin: int, end: int, hashes: Any, numbers: Any, places: Any) -> int:
    """The number of a prefix; a new one gets the next, and its place is kept for Python to read."""
    while end > begin and data[end - 1] == 0:
        end -= 1
    if end == begin:
        return 0
    hash_ = _FNV_BASIS
    for at in range(begin, end):
        hash_ = (hash_ ^ np.uint64(data[at])) * _FNV_PRIME
    hash_ = hash_ ^ hash_ >> np.uint64(29) ^ np.uint64(end - begin) << np.uint64(56)
    slot = np.int64(hash_ & np.uint64(PREFIX_PLACES - 1))
    while numbers[slot] != 0:
        if hashes[slot] == hash_:
            return np.int64(numbers[slot])
        slot = (slot + 1) & (PREFIX_PLACES - 1)
    number = places[0, 0] + 1
    if number > PREFIXES_MAX:
        return -1
    places[0, 0] = number
    places[number, 0] = begin
    places[number, 1] = end - begin
    hashes[slot] = hash_
    numbers[slot] = number
    return number


@njit(cache=True, nogil=True, error_model="numpy")
def _ip_length(data: Any, begin: int, captured: int) -> int:
    """What the IP header says of the packet's length; 0 where there is none."""
    if captured >= 4 and data[begin] >> 4 == 4:
        return _network_u16(data, begin + 2)
    if captured >= 6 and data[begin] >> 4 == 6:
        return 40 + _network_u16(data, begin + 4)
    return 0


@njit(cache=True, nogil=True, error_model="numpy")
def _parse_one(
    data: Any,
    begin: int,
    end: int,
    default_time_ns: int,
    i: int,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    fields: Any,
    hashes: Any,
    numbers: Any,
    places: Any,
    counts: Any,
) -> bool:
    """One header with its attributes into entry ``i``; False when there is no packet in it."""
    if end - begin < _NFLOG_HEADER:
        return False
    for row in range(FIELD_COUNT):
        fields[row, i] = 0
    fields[FAMILY, i] = data[begin]
    fields[GROUP, i] = _network_u16(data, begin + 2)
    fields[SEQUENCE, i] = -1
    time = default_time_ns
    payload = np.int64(-1)
    captured = np.int64(0)
    prefix = np.int64(0)
    at = begin + _NFLOG_HEADER
    while end - at >= _ATTRIBUTE_HEADER:
        length = _host_u16(data, at)
        if length < _ATTRIBUTE_HEADER or at + length > end:
            return False
        kind = _host_u16(data, at + 2) & _TYPE_MASK
        value = at + _ATTRIBUTE_HEADER
        size = length - _ATTRIBUTE_HEADER
        if kind == _PAYLOAD:
            payload = value
            captured = size
        elif kind == _PREFIX:
            prefix = _prefix_number(data, value, value + size, hashes, numbers, places)
        elif kind == _TIMESTAMP:
            if size >= 16:
                seconds = _network_u32(data, value) << 32 | _network_u32(data, value + 4)
                micros = _network_u32(data, value + 12)
                if 0 < seconds < _TIME_S_MAX and micros < 1_000_000:
                    time = seconds * 1_000_000_000 + micros * 1_000
        elif size >= 4:
            if kind == _PACKET_HEADER:
                fields[LINK_PROTOCOL, i] = _network_u16(data, value)
                fields[HOOK, i] = data[value + 2]
            elif kind == _MARK:
                fields[MARK, i] = _network_u32(data, value)
            elif kind == _IFINDEX_IN:
                fields[DEVICE_IN, i] = _network_u32(data, value)
            elif kind == _IFINDEX_OUT:
                fields[DEVICE_OUT, i] = _network_u32(data, value)
            elif kind == _PHYSICAL_IN:
                fields[PORT_IN, i] = _network_u32(data, value)
            elif kind == _PHYSICAL_OUT:
                fields[PORT_OUT, i] = _network_u32(data, value)
            elif kind == _SEQUENCE:
                fields[SEQUENCE, i] = _network_u32(data, value)
        at += (length + 3) & ~3
    if payload < 0:
        return False
    if prefix < 0:
        counts[COUNT_PREFIXES_REFUSED] += 1
        prefix = 0
    fields[PREFIX, i] = prefix
    offset[i] = payload
    captured_bytes[i] = captured
    wire_bytes[i] = max(captured, _ip_length(data, payload, captured))
    time_ns[i] = time
    outgoing = fields[DEVICE_IN, i] == 0
    device[i] = fields[DEVICE_OUT, i] if outgoing else fields[DEVICE_IN, i]
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _count_gap(group: int, sequence: int, groups: Any, expected: Any, counts: Any) -> None:
    """Numbers that a group has jumped over are messages that the socket had no room for."""
    if sequence < 0:
        return
    for g in range(len(groups)):
        if groups[g] == group:
            gap = (sequence - expected[g]) % _SEQUENCE_MODULUS
            # Half the circle or more is a step back: the group was bound anew.
            if gap < _SEQUENCE_MODULUS // 2:
                counts[COUNT_LOST] += gap
            expected[g] = (sequence + 1) % _SEQUENCE_MODULUS
            return


@njit(cache=True, nogil=True, error_model="numpy")
def parse_messages(
    data: Any,
    begins: Any,
    ends: Any,
    now_ns: int,
    groups: Any,
    expected: Any,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    fields: Any,
    hashes: Any,
    numbers: Any,
    places: Any,
    counts: Any,
) -> int:
    """All NFLOG messages of the netlink datagrams ``begins`` to ``ends``; how many packets.

    Shape: ``groups`` and ``expected`` are the groups that are read, with the next sequence number
    of each. Other messages (the end of several, acknowledgements) are passed over.
    """
    i = 0
    for d in range(len(begins)):
        at = begins[d]
        end = ends[d]
        while end - at >= _MESSAGE_HEADER:
            length = _host_u32(data, at)
            if length < _MESSAGE_HEADER or at + length > end:
                counts[COUNT_MALFORMED] += 1
                break
            if _host_u16(data, at + 4) == _MESSAGE_PACKET:
                # Beyond the arrays' end nothing is taken; the next sequence number will tell.
                if i == len(offset):
                    pass
                elif _parse_one(
                    data,
                    at + _MESSAGE_HEADER,
                    at + length,
                    now_ns,
                    i,
                    offset,
                    captured_bytes,
                    wire_bytes,
                    time_ns,
                    device,
                    fields,
                    hashes,
                    numbers,
                    places,
                    counts,
                ):
                    _count_gap(fields[GROUP, i], fields[SEQUENCE, i], groups, expected, counts)
                    i += 1
                else:
                    counts[COUNT_MALFORMED] += 1
            at += (length + 3) & ~3
    counts[COUNT_PACKETS] += i
    return i


@njit(cache=True, nogil=True, error_model="numpy")
def parse_records(
    data: Any,
    begins: Any,
    captured: Any,
    times: Any,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    fields: Any,
    hashes: Any,
    numbers: Any,
    places: Any,
    counts: Any,
) -> int:
    """The records of a capture file, link type NFLOG; how many packets."""
    i = 0
    for r in range(len(begins)):
        if _parse_one(
            data,
            begins[r],
            begins[r] + captured[r],
            times[r],
            i,
            offset,
            captured_bytes,
            wire_bytes,
            time_ns,
            device,
            fields,
            hashes,
            numbers,
            places,
            counts,
        ):
            i += 1
        else:
            counts[COUNT_MALFORMED] += 1
    counts[COUNT_PACKETS] += i
    return i
