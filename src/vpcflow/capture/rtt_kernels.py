"""TCP round-trip times from the parsed packets: connections in a cache, samples in a log.

``rtt_reference`` says the same in plain Python; ``rtt`` says what is measured and why.

The cache is set-associative: a set is one line of memory with four fingerprints and their last
uses, and its four connections lie beside each other, one line of memory for each direction. The
packets of a block are looked at three times: to bring the sets near, then the connections, and
then to follow them, so that memory is waited for once a block and not twice a packet.
"""

# mypy: disable-error-code="no-any-return,assignment,operator"

from __future__ import annotations

from typing import Any

import numpy as np

from vpcflow.base.compiled import njit
from vpcflow.capture.parsed_columns import (
    COUNT_WORD,
    DESTINATION_0,
    DESTINATION_1,
    DESTINATION_PORT_SHIFT,
    DIRECTION_SHIFT,
    FLOW_WORD,
    FRAGMENT_BIT,
    METERED,
    PROTOCOL_SHIFT,
    SLOT_SHIFT,
    SOURCE_0,
    SOURCE_1,
    STATUS,
    TCP_HEADER_FLAGS_SHIFT,
    TCP_NUMBERS,
    TCP_TIMESTAMPS,
    TIME_NS,
    TIMESTAMPS_BIT,
    TRANSPORT_WORD,
    VERDICT_REJECT,
    VERDICT_SHIFT,
)
from vpcflow.record.memory_kernels import multiply_fold, prefetch_write

#: Connections of one set; the one that was not used for the longest makes room.
WAYS = 4
#: Packets that are looked up together.
BLOCK = 64
#: Words of a set, 64 bits each: the fingerprints, then the packet number of the last use.
SET_WORDS = 2 * WAYS
#: Words of one direction of a connection, 32 bits each: one line of memory.
LINE_WORDS = 16

#: The words of a direction, by what its sender sent and what came back for it.
NEXT = 0  # the sequence number after the last byte that was sent
ACKNOWLEDGED = 1  # the highest acknowledgement number that came back
PROBE_END = 2  # the acknowledgement number that ends the measurement
PROBE_STAMP = 3  # the TSval that must be echoed, with FLAG_ECHO
STAMP = 4  # the newest TSval that was sent
FLAGS = 5
SEGMENT = 6  # the largest payload of one segment, bytes
ROW = 7  # the flow's row in WINDOW
WINDOW = 8  # the window for which ROW and what follows holds, 0 none
SOLID_SEEN = 9
LOOSE_SEEN = 10
PENDING = 11  # samples that are counted here and not in the log
PENDING_LEAST = 12  # the least of them, microseconds
PROBE_TIME = 7  # as a word of 64 bits: nanoseconds

FLAG_KNOWN = 1  # NEXT holds
FLAG_ACKNOWLEDGED = 2  # ACKNOWLEDGED holds
FLAG_PROBE = 4  # a measurement is under way
FLAG_HANDSHAKE = 8  # it is of a SYN
FLAG_ECHO = 16  # it is of a retransmission: only its own TSval ends it
FLAG_STAMP = 32  # STAMP holds
FLAG_DIRECTION_SHIFT = 6  # the direction at the interface
FLAG_SKIP_SHIFT = 8  # how many packets pass before the next measurement
_NO_PROBE = ~(FLAG_PROBE | FLAG_HANDSHAKE | FLAG_ECHO)
_SKIP_MASK = 15
_BELOW_SKIP = (1 << FLAG_SKIP_SHIFT) - 1

#: No larger time is believed: 60 s.
RTT_NS_MAX = 60_000_000_000
#: A distance of sequence numbers that no window allows: the ports serve another connection.
SEQUENCE_JUMP = 1 << 30
#: What counts as a full segment though only smaller ones were seen: IPv6's least.
SEGMENT_BYTES_MIN = 1220
#: Samples of a flow, window and class that are all kept: 64. Beyond, each doubling of the count
#: halves the share that is kept, so 32 more at most each time.
DENSE_BITS = 6

#: A sample of the log is two words. The first sorts: the row in bits 32-63, bit 31 if it is loose, the
#: microseconds in 5-30, and in 0-4 how many it stands for, as a power of two.
LOG_WORDS = 2
VALUE_LOOSE_SHIFT = 31
VALUE_RTT_SHIFT = 5
#: No sample, but what a direction still had to count.
VALUE_NONE = 0xFFFFFFFF

#: Counters.
LOGGED = 0  # samples in the log
USES = 1
PENDING_LINES = 2
SAMPLES = 3
SOLID = 4
UNATTRIBUTED = 5
DROPPED = 6
EVICTED = 7
IMPLAUSIBLE = 8
COUNTERS = 9

_FIN = 1
_SYN = 2
_RST = 4
_ACK = 16
_TCP = 6
_LOW = 0xFFFFFFFF
_HALF = 0x80000000
_U_LOW = np.uint64(0xFFFFFFFF)
_U16 = np.uint64(0xFFFF)


@njit(cache=True, nogil=True, error_model="numpy")
def distance(left: int, right: int) -> int:
    """How far one sequence number is after another, over the wrap at 2**32."""
    return ((left - right + _HALF) & _LOW) - _HALF


@njit(cache=True, nogil=True, error_model="numpy")
def put_log(log: Any, counters: Any, row: int, value: int, least: int, count: int) -> None:
    """Append one sample that stands for ``count``, or count them as dropped."""
    at = counters[LOGGED]
    if at == len(log):
        counters[DROPPED] += count
        return
    log[at, 0] = (np.uint64(row) << np.uint64(32)) | np.uint64(value)
    log[at, 1] = (np.uint64(count) << np.uint64(32)) | np.uint64(least)
    counters[LOGGED] = at + 1


@njit(cache=True, nogil=True, error_model="numpy")
def flush_line(lines: Any, line: int, log: Any, counters: Any) -> None:
    """Bring what a direction still has to count into the log."""
    pending = np.int64(lines[line + PENDING])
    if pending:
        least = np.int64(lines[line + PENDING_LEAST])
        put_log(log, counters, np.int64(lines[line + ROW]), VALUE_NONE, least, pending)
        lines[line + PENDING] = 0
        counters[PENDING_LINES] -= 1


@njit(cache=True, nogil=True, error_model="numpy")
def attribute(lines: Any, line: int, window: int, row: int, log: Any, counters: Any) -> None:
    """Note the flow row of a direction; a new one starts its counts."""
    if np.int64(lines[line + WINDOW]) == window and np.int64(lines[line + ROW]) == row:
        return
    flush_line(lines, line, log, counters)
    lines[line + WINDOW] = window
    lines[line + ROW] = row
    lines[line + SOLID_SEEN] = 0
    lines[line + LOOSE_SEEN] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def add_sample(
    lines: Any, line: int, window: int, rtt_us: int, solid: bool, log: Any, counters: Any
) -> None:
    """Count a sample for the flow of a direction, and keep it or not."""
    if np.int64(lines[line + WINDOW]) != window:
        counters[UNATTRIBUTED] += 1
        return
    counters[SAMPLES] += 1
    pending = np.int64(lines[line + PENDING])
    least = rtt_us
    if pending:
        least = min(least, np.int64(lines[line + PENDING_LEAST]))
    if solid:
        counters[SOLID] += 1
        seen = np.int64(lines[line + SOLID_SEEN]) + 1
        lines[line + SOLID_SEEN] = seen
        kept = True
    else:
        seen = np.int64(lines[line + LOOSE_SEEN]) + 1
        lines[line + LOOSE_SEEN] = seen
        kept = lines[line + SOLID_SEEN] == 0
    power = 0
    while (seen - 1) >> (DENSE_BITS + power):
        power += 1
    if kept and not seen & ((1 << power) - 1):
        value = (np.int64(not solid) << VALUE_LOOSE_SHIFT) | (rtt_us << VALUE_RTT_SHIFT) | power
        put_log(log, counters, np.int64(lines[line + ROW]), value, least, pending + 1)
        if pending:
            lines[line + PENDING] = 0
            counters[PENDING_LINES] -= 1
        return
    if not pending:
        counters[PENDING_LINES] += 1
    lines[line + PENDING] = pending + 1
    lines[line + PENDING_LEAST] = least


@njit(cache=True, nogil=True, error_model="numpy")
def restart(lines: Any, line: int) -> None:
    """Forget a direction's numbers; what was counted for its flow stays."""
    lines[line + FLAGS] = 0
    lines[line + SEGMENT] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def take_acknowledgement(
    lines: Any,
    times: Any,
    line: int,
    number: int,
    payload: int,
    has_stamps: bool,
    echo: int,
    now: int,
    window: int,
    log: Any,
    counters: Any,
) -> None:
    """What an acknowledgement number says of the direction that it acknowledges."""
    state = np.int64(lines[line + FLAGS])
    if not state & FLAG_KNOWN or distance(number, np.int64(lines[line + NEXT])) > 0:
        # Of data that were never seen here: nothing can be told from it.
        lines[line + FLAGS] = state & _NO_PROBE
        return
    advance = distance(number, np.int64(lines[line + ACKNOWLEDGED]))
    if state & FLAG_PROBE:
        beyond = distance(number, np.int64(lines[line + PROBE_END]))
        if beyond >= 0:
            took = now - times[(line >> 1) + PROBE_TIME]
            echoes = has_stamps and echo == np.int64(lines[line + PROBE_STAMP])
            if took < 0 or took > RTT_NS_MAX:
                counters[IMPLAUSIBLE] += 1
            elif echoes or not state & FLAG_ECHO:
                if state & FLAG_HANDSHAKE:
                    solid = beyond == 0 and payload == 0
                elif beyond:
                    solid = state & FLAG_ECHO != 0
                else:
                    segment = max(np.int64(lines[line + SEGMENT]), SEGMENT_BYTES_MIN)
                    solid = state & FLAG_ACKNOWLEDGED != 0 and advance >= 2 * segment
                add_sample(lines, line, window, took // 1000, solid, log, counters)
                if beyond and not solid:
                    # Next time another packet of the burst, perhaps the one that is answered.
                    skip = (took // 1000) & _SKIP_MASK
                    state = (state & _BELOW_SKIP) | (skip << FLAG_SKIP_SHIFT)
            state &= _NO_PROBE
    if not state & FLAG_ACKNOWLEDGED or advance > 0:
        lines[line + ACKNOWLEDGED] = number
        state |= FLAG_ACKNOWLEDGED
    lines[line + FLAGS] = state


@njit(cache=True, nogil=True, error_model="numpy")
def take_data(
    lines: Any,
    times: Any,
    line: int,
    state: int,
    number: int,
    length: int,
    is_syn: bool,
    newer: bool,
    stamp: int,
    now: int,
) -> int:
    """What new or repeated data say of their own direction; gives its flags."""
    end = (number + length) & _LOW
    ahead = distance(number, np.int64(lines[line + NEXT]))
    if ahead >= SEQUENCE_JUMP or ahead < -SEQUENCE_JUMP:
        lines[line + NEXT] = end
        return state & _NO_PROBE & ~FLAG_ACKNOWLEDGED
    if ahead >= 0:
        lines[line + NEXT] = end
        if state & FLAG_PROBE:
            return state
        if state >> FLAG_SKIP_SHIFT:
            return state - (1 << FLAG_SKIP_SHIFT)
        state |= FLAG_PROBE
    else:
        if state & FLAG_ECHO and distance(number, np.int64(lines[line + PROBE_END])) >= 0:
            return state  # another hole, behind the one that is measured
        state &= _NO_PROBE
        if distance(end, np.int64(lines[line + NEXT])) > 0:
            lines[line + NEXT] = end
        unanswered = distance(end, np.int64(lines[line + ACKNOWLEDGED])) > 0
        if not newer or not state & FLAG_ACKNOWLEDGED or not unanswered:
            return state
        state |= FLAG_PROBE | FLAG_ECHO
        lines[line + PROBE_STAMP] = stamp
    if is_syn:
        state |= FLAG_HANDSHAKE
    lines[line + PROBE_END] = end
    times[(line >> 1) + PROBE_TIME] = now
    return state


@njit(cache=True, nogil=True, error_model="numpy")
def follow_packet(
    lines: Any,
    times: Any,
    line: int,
    other: int,
    direction: int,
    transport: int,
    numbers: int,
    stamps: int,
    segments: int,
    now: int,
    window: int,
    row: int,
    log: Any,
    counters: Any,
) -> None:
    """Take one packet of the direction ``line`` into its connection."""
    flags = (transport >> TCP_HEADER_FLAGS_SHIFT) & 0xFF
    payload = transport & _LOW
    number = numbers & _LOW
    acknowledgement = (numbers >> 32) & _LOW
    has_stamps = (transport >> TIMESTAMPS_BIT) & 1 != 0
    stamp = stamps & _LOW
    length = payload + ((flags >> 1) & 1) + (flags & 1)
    state = np.int64(lines[line + FLAGS])
    if state & FLAG_KNOWN and (state >> FLAG_DIRECTION_SHIFT) & 1 != direction:
        return  # the same packet on its second way across the interface
    if row >= 0:
        attribute(lines, line, window, row, log, counters)
    if flags & _RST:
        lines[line + FLAGS] = state & _NO_PROBE
        lines[other + FLAGS] = np.int64(lines[other + FLAGS]) & _NO_PROBE
        return
    if flags & _SYN:
        end = (number + length) & _LOW
        if not state & FLAG_KNOWN or np.int64(lines[line + NEXT]) != end:
            restart(lines, line)
            if not flags & _ACK:
                restart(lines, other)
            lines[line + NEXT] = number
            lines[line + ACKNOWLEDGED] = number
            state = FLAG_KNOWN | FLAG_ACKNOWLEDGED | (direction << FLAG_DIRECTION_SHIFT)
    if flags & _ACK:
        echo = (stamps >> 32) & _LOW
        take_acknowledgement(
            lines,
            times,
            other,
            acknowledgement,
            payload,
            has_stamps,
            echo,
            now,
            window,
            log,
            counters,
        )
    newer = False
    if has_stamps:
        newer = not state & FLAG_STAMP or distance(stamp, np.int64(lines[line + STAMP])) > 0
        if newer:
            lines[line + STAMP] = stamp
            state |= FLAG_STAMP
    if not state & FLAG_KNOWN:
        # Whether the first packet is new or a retransmission cannot be told.
        lines[line + NEXT] = (number + length) & _LOW
        state |= FLAG_KNOWN | (direction << FLAG_DIRECTION_SHIFT)
    elif length:
        is_syn = flags & _SYN != 0
        state = take_data(lines, times, line, state, number, length, is_syn, newer, stamp, now)
    lines[line + FLAGS] = state
    if segments > 1:
        payload = (payload + segments - 1) // segments
    if payload > np.int64(lines[line + SEGMENT]):
        lines[line + SEGMENT] = payload


@njit(cache=True, nogil=True, error_model="numpy")
def oldest_way(tags: Any, base: int) -> int:
    """The way of a set that was not used for the longest."""
    way = 0
    for i in range(1, WAYS):
        if tags[base + WAYS + i] < tags[base + WAYS + way]:
            way = i
    return way


@njit(cache=True, nogil=True, error_model="numpy")
def find_way(tags: Any, base: int, tag: Any) -> int:
    """The way of a set with a fingerprint, or -1."""
    for i in range(WAYS):
        if tags[base + i] == tag:
            return i
    return -1


@njit(cache=True, nogil=True, error_model="numpy")
def follow_round_trips(
    parsed: Any,
    begin: int,
    end: int,
    row_of_packet: Any,
    window: int,
    seeds: Any,
    tags: Any,
    lines: Any,
    times: Any,
    log: Any,
    counters: Any,
    block_tags: Any,
    block_packets: Any,
) -> None:
    """Take the TCP packets from ``begin`` to ``end`` into the cache, samples into the log.

    Shape: ``tags`` flat, SET_WORDS a set, a power of two of sets; ``lines`` flat, two times
    LINE_WORDS a connection; ``times`` the same memory in words of 64 bits.
    """
    sets_mask = np.uint64(len(tags) // SET_WORDS - 1)
    tags_address = np.int64(tags.ctypes.data)
    lines_address = np.int64(lines.ctypes.data)
    connection_words = 2 * LINE_WORDS
    at = begin
    while at < end:
        filled = 0
        while at < end and filled < BLOCK:
            i = at
            at += 1
            word = parsed[FLOW_WORD, i]
            flow = np.int64(word)
            if (
                (flow >> PROTOCOL_SHIFT) & 0xFF != _TCP
                or np.int64(parsed[STATUS, i]) & 0xFF != METERED
                or (flow >> VERDICT_SHIFT) & 3 == VERDICT_REJECT
                or (np.int64(parsed[TRANSPORT_WORD, i]) >> FRAGMENT_BIT) & 1
            ):
                continue
            source_0 = parsed[SOURCE_0, i]
            source_1 = parsed[SOURCE_1, i]
            target_0 = parsed[DESTINATION_0, i]
            target_1 = parsed[DESTINATION_1, i]
            source_port = word & _U16
            target_port = (word >> np.uint64(DESTINATION_PORT_SHIFT)) & _U16
            side = 0
            if source_1 != target_1:
                side = np.int64(source_1 > target_1)
            elif source_0 != target_0:
                side = np.int64(source_0 > target_0)
            else:
                side = np.int64(source_port > target_port)
            if side:
                source_0, target_0 = target_0, source_0
                source_1, target_1 = target_1, source_1
                source_port, target_port = target_port, source_port
            slot = word >> np.uint64(SLOT_SHIFT)
            ports = source_port | target_port << np.uint64(16) | slot << np.uint64(SLOT_SHIFT)
            left = multiply_fold(source_1 ^ seeds[0], target_1 ^ seeds[1])
            right = multiply_fold(source_0 ^ seeds[2], target_0 ^ seeds[3])
            # A fingerprint of 0 would be an empty place.
            tag = multiply_fold(left ^ ports ^ seeds[4], right ^ seeds[5]) | np.uint64(1 << 63)
            block_tags[filled] = tag
            block_packets[filled] = i << 1 | side
            prefetch_write(tags_address + np.int64(tag & sets_mask) * SET_WORDS * 8)
            filled += 1
        for j in range(filled):
            tag = block_tags[j]
            set_at = np.int64(tag & sets_mask)
            way = find_way(tags, set_at * SET_WORDS, tag)
            if way < 0:
                way = oldest_way(tags, set_at * SET_WORDS)
            address = lines_address + (set_at * WAYS + way) * connection_words * 4
            prefetch_write(address)
            prefetch_write(address + LINE_WORDS * 4)
        for j in range(filled):
            tag = block_tags[j]
            i = block_packets[j] >> 1
            side = block_packets[j] & 1
            transport = np.int64(parsed[TRANSPORT_WORD, i])
            set_at = np.int64(tag & sets_mask)
            base = set_at * SET_WORDS
            way = find_way(tags, base, tag)
            if way < 0:
                flags = (transport >> TCP_HEADER_FLAGS_SHIFT) & 0xFF
                if flags & _RST or not (flags & _SYN or transport & _LOW):
                    continue  # without data there is nothing to measure yet
                way = oldest_way(tags, base)
                line = (set_at * WAYS + way) * connection_words
                if tags[base + way]:
                    counters[EVICTED] += 1
                    flush_line(lines, line, log, counters)
                    flush_line(lines, line + LINE_WORDS, log, counters)
                tags[base + way] = tag
                for k in range(connection_words):
                    lines[line + k] = 0
            uses = counters[USES] + 1
            counters[USES] = uses
            tags[base + WAYS + way] = np.uint64(uses)
            line = (set_at * WAYS + way) * connection_words
            follow_packet(
                lines,
                times,
                line + side * LINE_WORDS,
                line + (1 - side) * LINE_WORDS,
                (np.int64(parsed[FLOW_WORD, i]) >> DIRECTION_SHIFT) & 1,
                transport,
                np.int64(parsed[TCP_NUMBERS, i]),
                np.int64(parsed[TCP_TIMESTAMPS, i]),
                np.int64(parsed[COUNT_WORD, i]) & 0xFFFFFFFFFF,
                np.int64(parsed[TIME_NS, i]),
                window,
                np.int64(row_of_packet[i]),
                log,
                counters,
            )


@njit(cache=True, nogil=True, error_model="numpy")
def flush_lines(lines: Any, log: Any, counters: Any) -> None:
    """Bring what all directions still have to count into the log."""
    line = 0
    while counters[PENDING_LINES] and line < len(lines):
        flush_line(lines, line, log, counters)
        line += LINE_WORDS


@njit(cache=True, nogil=True, error_model="numpy")
def sum_samples(
    keys: Any, spans: Any, order: Any, row: Any, least: Any, median: Any, count: Any
) -> int:
    """Least, median and count of each row, from the log's words in the order of the first.

    The median is over the solid samples where there are any, which sort first, and is the least
    value that half of what they stand for does not exceed.
    """
    groups = 0
    first = 0
    while first < len(order):
        group = keys[order[first]] >> np.uint64(32)
        loose = (keys[order[first]] >> np.uint64(VALUE_LOOSE_SHIFT)) & np.uint64(1)
        weight = 0
        samples = 0
        lowest = _LOW
        last = first
        while last < len(order) and keys[order[last]] >> np.uint64(32) == group:
            key = keys[order[last]]
            span = np.int64(spans[order[last]])
            samples += span >> 32
            lowest = min(lowest, span & _LOW)
            value = np.int64(key & _U_LOW)
            if value != VALUE_NONE and (value >> VALUE_LOOSE_SHIFT) == np.int64(loose):
                weight += 1 << (value & 31)
            last += 1
        half = 0
        middle = lowest
        for j in range(first, last):
            value = np.int64(keys[order[j]] & _U_LOW)
            if value == VALUE_NONE or half * 2 >= weight:
                break
            half += 1 << (value & 31)
            middle = (value & ~(1 << VALUE_LOOSE_SHIFT)) >> VALUE_RTT_SHIFT
        row[groups] = np.int64(group)
        least[groups] = lowest
        median[groups] = middle
        count[groups] = samples
        groups += 1
        first = last
    return groups
