"""The kernels that find the packets in a piece of a capture file; no packet is touched.

``state`` says where a kernel stands (addresses and counts, see the names below). A kernel goes on
until it needs Python, and says why in ``state[STATUS]``; called again, it goes on there.

Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.record.memory_kernels import load_network_u16, load_u8, load_u32

#: The largest packet; as in tcpdump, whose snap lengths end here.
PACKET_BYTES_MAX = 262_144
#: The largest block of a pcapng file that is read, packet and options together.
BLOCK_BYTES_MAX = 1 << 20
#: The largest block that is passed over without a look; a larger one is damage.
SKIPPED_BYTES_MAX = 16 << 20

# What ``state`` holds.
AT = 0  # address of the next record
END = 1  # address of the end of the bytes that are there
STATUS = 2
COUNT = 3  # packets in the columns
LAST_NS = 4  # time of the last packet
SWAPPED = 5  # 1 when the file's numbers are in the other byte order
LINK = 6  # link type of the packets in the columns
UNREAD = 7  # packets of a link type that is not read
MALFORMED = 8  # packet blocks whose inside is damaged
DROPPED = 9  # packets that the capturing program says it lost
SKIP = 10  # bytes to be passed over, for PASS_OVER
FILE_END = 11  # 1 when no more bytes will come
HEADER_BYTES = 12  # pcap: bytes before a packet
NANOSECONDS = 13  # pcap: nanoseconds of one unit of its fraction
INTERFACE_BASE = 14  # pcapng: number of the section's first interface
INTERFACES = 15  # pcapng: interfaces of the whole file
STATE_LENGTH = 16

# Why a kernel stopped.
NEED_MORE = 0
FULL = 1
OTHER_LINK = 2
DAMAGED = 3
SECTION = 4
INTERFACE = 5
STATISTICS = 6
PASS_OVER = 7
FOUND = 8

# What an interface's row holds.
ROW_LINK = 0  # -1 when it is not read
ROW_SNAP_BYTES = 1
ROW_OFFSET_S = 2
ROW_PER_SECOND = 3  # units of a second
ROW_SHIFT = 4  # for fine units: bits to drop of the rest before it becomes nanoseconds
ROW_DIVISOR = 5  # for fine decimal units: what the rest is divided by
ROW_LENGTH = 6

BYTE_ORDER = 0x1A2B3C4D

# Block types.
SECTION_BLOCK = 0x0A0D0D0A
INTERFACE_BLOCK = 1
_OLD_PACKET_BLOCK = 2
_SIMPLE_PACKET_BLOCK = 3
STATISTICS_BLOCK = 5
_PACKET_BLOCK = 6

_FLAGS_OPTION = 2
_DROPS_OPTION = 4
_OPTIONS_MAX = 64

_RECEIVED, _SENT, _UNKNOWN = 0, 1, 2
_SLL, _SLL2 = 113, 276
_INT32_MAX = 0x7FFFFFFF
#: How far the time of a record that is found after damage may lie from the last good one.
_RESYNC_NS = 86_400_000_000_000
_SECOND_NS = 1_000_000_000
#: The year 2242; nanoseconds fit a signed word up to 2262.
_SECONDS_MAX = 1 << 33


@njit(nogil=True, error_model="numpy", forceinline=True)
def _u32(at: int, swapped: int) -> int:
    word = np.int64(load_u32(at))
    if swapped:
        return (
            ((word & 0xFF) << 24)
            | ((word & 0xFF00) << 8)
            | ((word >> 8) & 0xFF00)
            | ((word >> 24) & 0xFF)
        )
    return word


@njit(nogil=True, error_model="numpy", forceinline=True)
def _u16(at: int, swapped: int) -> int:
    if swapped:
        return (load_u8(at) << 8) | load_u8(at + 1)
    return load_u8(at) | (load_u8(at + 1) << 8)


@njit(nogil=True, error_model="numpy", forceinline=True)
def _cooked_direction(link: int, at: int, captured: int) -> int:
    """The direction that Linux's cooked headers tell."""
    kind = 255
    if link == _SLL and captured >= 2:
        kind = load_network_u16(at)
    elif link == _SLL2 and captured >= 11:
        kind = load_u8(at + 10)
    if kind == 4:
        return _SENT
    return _RECEIVED if kind <= 3 else _UNKNOWN


@njit(cache=True, nogil=True, error_model="numpy")
def index_pcap(
    base: int,
    state: Any,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    direction: Any,
    segment_bytes: Any,
) -> None:
    """Fill the columns from the records of a pcap file; offsets count from ``base``."""
    at, end, count = state[AT], state[END], state[COUNT]
    swapped, link = state[SWAPPED], state[LINK]
    header, unit = state[HEADER_BYTES], state[NANOSECONDS]
    last = state[LAST_NS]
    cooked = link == _SLL or link == _SLL2
    room = len(offset)
    status = NEED_MORE
    while at + header <= end:
        fraction = _u32(at + 4, swapped)
        captured = _u32(at + 8, swapped)
        if captured > PACKET_BYTES_MAX or fraction >= _SECOND_NS:
            status = DAMAGED
            break
        first = at + header
        if first + captured > end:
            break
        if count == room:
            status = FULL
            break
        last = _u32(at, swapped) * _SECOND_NS + fraction * unit
        offset[count] = first - base
        captured_bytes[count] = captured
        wire_bytes[count] = min(max(_u32(at + 12, swapped), captured), _INT32_MAX)
        time_ns[count] = last
        device[count] = 0
        way = _UNKNOWN
        if cooked:
            way = _cooked_direction(link, first, captured)
        elif header == 24:
            kind = load_u8(at + 22)
            way = _SENT if kind == 4 else _RECEIVED
        direction[count] = way
        segment_bytes[count] = 0
        count += 1
        at = first + captured
    state[AT], state[COUNT], state[LAST_NS], state[STATUS] = at, count, last, status


@njit(nogil=True, error_model="numpy")
def _plausible_record(at: int, state: Any) -> bool:
    swapped = state[SWAPPED]
    captured = _u32(at + 8, swapped)
    wire = _u32(at + 12, swapped)
    fraction = _u32(at + 4, swapped)
    if captured == 0 or captured > PACKET_BYTES_MAX or wire < captured:
        return False
    if wire > PACKET_BYTES_MAX or fraction * state[NANOSECONDS] >= _SECOND_NS:
        return False
    if state[LAST_NS] == 0:
        return True
    apart = _u32(at, swapped) * _SECOND_NS - state[LAST_NS]
    return -_RESYNC_NS <= apart <= _RESYNC_NS


@njit(cache=True, nogil=True, error_model="numpy")
def find_record(state: Any) -> None:
    """Move on to the next place where two records, or one and the file's end, seem to follow.

    FOUND when there is one; NEED_MORE when more bytes must tell.
    """
    header, end = state[HEADER_BYTES], state[END]
    at = state[AT] + 1
    state[STATUS] = NEED_MORE
    while at + header <= end:
        if _plausible_record(at, state):
            follower = at + header + _u32(at + 8, state[SWAPPED])
            if follower + header <= end:
                if _plausible_record(follower, state):
                    state[STATUS] = FOUND
                    break
            elif not state[FILE_END]:
                # The next call looks at this place again.
                at -= 1
                break
            elif follower == end:
                state[STATUS] = FOUND
                break
        at += 1
    if at + header > end and state[STATUS] != FOUND:
        at -= 1
    state[AT] = at


@njit(nogil=True, error_model="numpy", forceinline=True)
def _time_of(units: np.uint64, interfaces: Any, row: int) -> int:
    """Nanoseconds since the epoch; -1 for a time that cannot be."""
    per_second = np.uint64(interfaces[row, ROW_PER_SECOND])
    seconds = np.int64(units // per_second)
    rest = np.int64(units - np.uint64(seconds) * per_second)
    seconds += interfaces[row, ROW_OFFSET_S]
    if not 0 <= seconds <= _SECONDS_MAX:
        return -1
    divisor = interfaces[row, ROW_DIVISOR]
    shift = interfaces[row, ROW_SHIFT]
    if divisor > 1:
        rest = rest // divisor
    elif shift >= 0:
        # Binary units: at most 2^30 of a second are left, so that the product fits.
        rest = ((rest >> shift) * _SECOND_NS) // (interfaces[row, ROW_PER_SECOND] >> shift)
    else:
        rest = rest * (_SECOND_NS // interfaces[row, ROW_PER_SECOND])
    return seconds * _SECOND_NS + rest


@njit(nogil=True, error_model="numpy")
def _packet_options(at: int, end: int, swapped: int, state: Any) -> int:
    """The direction in a packet block's options; drops are added to the state."""
    way = _UNKNOWN
    for _ in range(_OPTIONS_MAX):
        if at + 4 > end:
            break
        code, length = _u16(at, swapped), _u16(at + 2, swapped)
        if code == 0 or at + 4 + length > end:
            break
        if code == _FLAGS_OPTION and length == 4:
            bits = _u32(at + 4, swapped) & 3
            if bits == 1:
                way = _RECEIVED
            elif bits == 2:
                way = _SENT
        elif code == _DROPS_OPTION and length == 8:
            first, second = _u32(at + 4, swapped), _u32(at + 8, swapped)
            low, high = (second, first) if swapped else (first, second)
            # More than 32 bits of losses would be damage.
            if high == 0:
                state[DROPPED] += low
        at += 4 + ((length + 3) & ~3)
    return way


@njit(cache=True, nogil=True, error_model="numpy")
def index_pcapng(
    base: int,
    state: Any,
    interfaces: Any,
    offset: Any,
    captured_bytes: Any,
    wire_bytes: Any,
    time_ns: Any,
    device: Any,
    direction: Any,
    segment_bytes: Any,
) -> None:
    """Fill the columns from the blocks of a pcapng file; offsets count from ``base``."""
    at, end, count = state[AT], state[END], state[COUNT]
    swapped = state[SWAPPED]
    room = len(offset)
    status = NEED_MORE
    while at + 12 <= end:
        kind = _u32(at, swapped)
        if kind == SECTION_BLOCK:
            status = SECTION
            break
        total = _u32(at + 4, swapped)
        is_packet = kind == _PACKET_BLOCK or kind == _SIMPLE_PACKET_BLOCK
        is_packet = is_packet or kind == _OLD_PACKET_BLOCK
        if total < 12 or total & 3:
            status = DAMAGED
            break
        if total > BLOCK_BYTES_MAX:
            if is_packet or kind == INTERFACE_BLOCK or total > SKIPPED_BYTES_MAX:
                status = DAMAGED
            else:
                state[SKIP] = total
                status = PASS_OVER
            break
        if at + total > end:
            break
        if _u32(at + total - 4, swapped) != total:
            status = DAMAGED
            break
        if kind == INTERFACE_BLOCK:
            status = INTERFACE
            break
        if kind == STATISTICS_BLOCK:
            status = STATISTICS
            break
        if not is_packet:
            at += total
            continue
        if count == room:
            status = FULL
            break
        number, head, wire, captured = 0, 28, np.int64(0), np.int64(0)
        if kind == _SIMPLE_PACKET_BLOCK:
            head = 12
            if total >= 16:
                wire = _u32(at + 8, swapped)
                captured = min(wire, total - 16)
        elif total >= 32:
            number = _u32(at + 8, swapped)
            captured, wire = _u32(at + 20, swapped), _u32(at + 24, swapped)
            if kind == _OLD_PACKET_BLOCK:
                number = _u16(at + 8, swapped)
                drops = _u16(at + 10, swapped)
                if drops != 0xFFFF:
                    state[DROPPED] += drops
        row = state[INTERFACE_BASE] + number
        least = 16 if kind == _SIMPLE_PACKET_BLOCK else 32
        if (
            total < least
            or row >= state[INTERFACES]
            or captured > total - head - 4
            or captured > PACKET_BYTES_MAX
        ):
            state[MALFORMED] += 1
            at += total
            continue
        link = interfaces[row, ROW_LINK]
        if link < 0:
            state[UNREAD] += 1
            at += total
            continue
        if count == 0:
            state[LINK] = link
        elif link != state[LINK]:
            status = OTHER_LINK
            break
        first = at + head
        way = _UNKNOWN
        if kind == _SIMPLE_PACKET_BLOCK:
            snap = interfaces[row, ROW_SNAP_BYTES]
            if snap > 0:
                captured = min(captured, snap)
        else:
            high, low = np.uint64(_u32(at + 12, swapped)), np.uint64(_u32(at + 16, swapped))
            time = _time_of((high << np.uint64(32)) | low, interfaces, row)
            if time < 0:
                state[MALFORMED] += 1
                at += total
                continue
            state[LAST_NS] = time
            options = first + ((captured + 3) & ~3)
            if options + 8 <= at + total:
                way = _packet_options(options, at + total - 4, swapped, state)
        if way == _UNKNOWN and (link == _SLL or link == _SLL2):
            way = _cooked_direction(link, first, captured)
        offset[count] = first - base
        captured_bytes[count] = captured
        wire_bytes[count] = min(max(wire, captured), _INT32_MAX)
        time_ns[count] = state[LAST_NS]
        device[count] = row
        direction[count] = way
        segment_bytes[count] = 0
        count += 1
        at += total
    state[AT], state[COUNT], state[STATUS] = at, count, status


@njit(cache=True, nogil=True, error_model="numpy")
def find_block(state: Any) -> None:
    """Move on to the next place where a whole pcapng block of a known type seems to be.

    FOUND when there is one; NEED_MORE when more bytes must tell.
    """
    end, swapped = state[END], state[SWAPPED]
    at = state[AT] + 1
    state[STATUS] = NEED_MORE
    while at + 12 <= end:
        kind = _u32(at, swapped)
        if 1 <= kind <= 6 and kind != 4:
            total = _u32(at + 4, swapped)
            if 16 <= total <= BLOCK_BYTES_MAX and total & 3 == 0:
                if at + total > end:
                    if not state[FILE_END]:
                        break
                elif _u32(at + total - 4, swapped) == total:
                    state[STATUS] = FOUND
                    break
        elif kind == SECTION_BLOCK and (
            _u32(at + 8, 0) == BYTE_ORDER or _u32(at + 8, 1) == BYTE_ORDER
        ):
            state[STATUS] = FOUND
            break
        at += 1
    if state[STATUS] != FOUND:
        # The next call looks at this place again.
        at -= 1
    state[AT] = at
