"""TCP round-trip times from the parsed packets: connections in a cache, samples in a log.

``rtt_reference`` says the same in plain Python; ``rtt`` says what is measured and why.

The cache is set-associative: a set is one line of memory with four fingerprints and their last
uses, and its four connections lie beside each other, one line of memory for each direction. The
packets of a block are looked at three times: to bring the sets near, then the connections, and
then to follow them, so that memory is waited for once a block and not twice a packet.
"""

# mypy: disable-error-code="no-any-return,return-value,assignment,operator"

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
from vpcflow.capture.rtt_log_kernels import (
    ACKNOWLEDGED,
    EVICTED,
    FLAGS,
    IMPLAUSIBLE,
    LINE_BYTES,
    NEXT,
    PROBE_END,
    PROBE_MOVES,
    PROBE_STAMP,
    PROBE_TIME,
    SEGMENT,
    STAMP,
    USES,
    add_sample,
    attribute,
    count_more,
    flush_line,
    get,
    put,
)
from vpcflow.record.memory_kernels import (
    load_i64,
    load_u64,
    multiply_fold,
    prefetch_write,
    store_u64,
)

#: Connections of one set; the one that was not used for the longest makes room.
WAYS = 4
#: Packets that are looked up together.
BLOCK = 32
#: A set, in words of 64 bits: the fingerprints, then the packet number of each one's last use.
SET_BYTES = 2 * WAYS * 8

#: Bits of a direction's FLAGS.
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
#: The last packet of a burst is measured, since that one is answered: as long as each follows the
#: one before within 50 us, and no longer than so many packets.
BURST_GAP_NS = 50_000
BURST_PACKETS_MAX = 64
#: A distance of sequence numbers that no window allows: the ports serve another connection.
SEQUENCE_JUMP = 1 << 30
#: What counts as a full segment though only smaller ones were seen: IPv6's least.
SEGMENT_BYTES_MIN = 1220

_SYN = 2
_RST = 4
_ACK = 16
_TCP = 6
_LOW = 0xFFFFFFFF
_HALF = 0x80000000
_U16 = np.uint64(0xFFFF)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def distance(left: int, right: int) -> int:
    """How far one sequence number is after another, over the wrap at 2**32."""
    return ((left - right + _HALF) & _LOW) - _HALF


@njit(cache=True, nogil=True, error_model="numpy")
def restart(line: int) -> None:
    """Forget a direction's numbers; what was counted for its flow stays."""
    put(line, FLAGS, 0)
    put(line, SEGMENT, 0)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def take_acknowledgement(
    line: int,
    number: int,
    payload: int,
    has_stamps: bool,
    echo: int,
    now: int,
    window: int,
    log: int,
    counters: int,
) -> None:
    """What an acknowledgement number says of the direction that it acknowledges."""
    state = get(line, FLAGS)
    if not state & FLAG_KNOWN or distance(number, get(line, NEXT)) > 0:
        # Of data that were never seen here: nothing can be told from it.
        put(line, FLAGS, state & _NO_PROBE)
        return
    advance = distance(number, get(line, ACKNOWLEDGED))
    if state & FLAG_PROBE:
        beyond = distance(number, get(line, PROBE_END))
        if beyond >= 0:
            took = now - load_i64(line + 8 * PROBE_TIME)
            echoes = has_stamps and echo == get(line, PROBE_STAMP)
            if took < 0 or took > RTT_NS_MAX:
                count_more(counters, IMPLAUSIBLE, 1)
            elif echoes or not state & FLAG_ECHO:
                if state & FLAG_HANDSHAKE:
                    solid = beyond == 0 and payload == 0
                elif beyond:
                    solid = state & FLAG_ECHO != 0
                else:
                    segment = max(get(line, SEGMENT), SEGMENT_BYTES_MIN)
                    solid = state & FLAG_ACKNOWLEDGED != 0 and advance >= 2 * segment
                add_sample(line, window, took // 1000, solid, log, counters)
                if beyond and not solid:
                    # Next time another packet of the burst, perhaps the one that is answered.
                    skip = (took // 1000) & _SKIP_MASK
                    state = (state & _BELOW_SKIP) | (skip << FLAG_SKIP_SHIFT)
            state &= _NO_PROBE
    if not state & FLAG_ACKNOWLEDGED or advance > 0:
        put(line, ACKNOWLEDGED, number)
        state |= FLAG_ACKNOWLEDGED
    put(line, FLAGS, state)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def take_data(
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
    ahead = distance(number, get(line, NEXT))
    if ahead >= SEQUENCE_JUMP or ahead < -SEQUENCE_JUMP:
        put(line, NEXT, end)
        return state & _NO_PROBE & ~FLAG_ACKNOWLEDGED
    if ahead >= 0:
        put(line, NEXT, end)
        if state & FLAG_PROBE:
            if state & (FLAG_ECHO | FLAG_HANDSHAKE):
                return state
            gap = now - load_i64(line + 8 * PROBE_TIME)
            moves = get(line, PROBE_MOVES) + 1
            if gap < 0 or gap > BURST_GAP_NS or moves == BURST_PACKETS_MAX:
                put(line, PROBE_MOVES, BURST_PACKETS_MAX - 1)
                return state
            put(line, PROBE_MOVES, moves)
        elif state >> FLAG_SKIP_SHIFT:
            return state - (1 << FLAG_SKIP_SHIFT)
        else:
            state |= FLAG_PROBE
            put(line, PROBE_MOVES, 0)
    else:
        if state & FLAG_ECHO and distance(number, get(line, PROBE_END)) >= 0:
            return state  # another hole, behind the one that is measured
        state &= _NO_PROBE
        if distance(end, get(line, NEXT)) > 0:
            put(line, NEXT, end)
        unanswered = distance(end, get(line, ACKNOWLEDGED)) > 0
        if not newer or not state & FLAG_ACKNOWLEDGED or not unanswered:
            return state
        state |= FLAG_PROBE | FLAG_ECHO
        put(line, PROBE_STAMP, stamp)
    if is_syn:
        state |= FLAG_HANDSHAKE
    put(line, PROBE_END, end)
    store_u64(line + 8 * PROBE_TIME, np.uint64(now))
    return state


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def follow_packet(
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
    log: int,
    counters: int,
) -> None:
    """Take one packet of the direction ``line`` into its connection."""
    flags = (transport >> TCP_HEADER_FLAGS_SHIFT) & 0xFF
    payload = transport & _LOW
    number = numbers & _LOW
    acknowledgement = (numbers >> 32) & _LOW
    has_stamps = (transport >> TIMESTAMPS_BIT) & 1 != 0
    stamp = stamps & _LOW
    length = payload + ((flags >> 1) & 1) + (flags & 1)
    state = get(line, FLAGS)
    if state & FLAG_KNOWN and (state >> FLAG_DIRECTION_SHIFT) & 1 != direction:
        return  # the same packet on its second way across the interface
    if row >= 0:
        attribute(line, window, row, log, counters)
    if flags & _RST:
        put(line, FLAGS, state & _NO_PROBE)
        put(other, FLAGS, get(other, FLAGS) & _NO_PROBE)
        return
    if flags & _SYN:
        end = (number + length) & _LOW
        if not state & FLAG_KNOWN or get(line, NEXT) != end:
            restart(line)
            if not flags & _ACK:
                restart(other)
            put(line, NEXT, number)
            put(line, ACKNOWLEDGED, number)
            state = FLAG_KNOWN | FLAG_ACKNOWLEDGED | (direction << FLAG_DIRECTION_SHIFT)
    if flags & _ACK:
        echo = (stamps >> 32) & _LOW
        take_acknowledgement(
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
        newer = not state & FLAG_STAMP or distance(stamp, get(line, STAMP)) > 0
        if newer:
            put(line, STAMP, stamp)
            state |= FLAG_STAMP
    if not state & FLAG_KNOWN:
        # Whether the first packet is new or a retransmission cannot be told.
        put(line, NEXT, (number + length) & _LOW)
        state |= FLAG_KNOWN | (direction << FLAG_DIRECTION_SHIFT)
    elif length:
        is_syn = flags & _SYN != 0
        state = take_data(line, state, number, length, is_syn, newer, stamp, now)
    put(line, FLAGS, state)
    if segments > 1:
        payload = (payload + segments - 1) // segments
    if payload > get(line, SEGMENT):
        put(line, SEGMENT, payload)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def oldest_way(tag_set: int) -> int:
    """The way of a set that was not used for the longest."""
    way = 0
    least = load_i64(tag_set + 8 * WAYS)
    for i in range(1, WAYS):
        use = load_i64(tag_set + 8 * (WAYS + i))
        if use < least:
            way = i
            least = use
    return way


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def find_way(tag_set: int, tag: Any) -> int:
    """The way of a set with a fingerprint, or -1."""
    way = -1
    for i in range(WAYS):
        if load_u64(tag_set + 8 * i) == tag:
            way = i
    return way


@njit(cache=True, nogil=True, error_model="numpy")
def follow_round_trips(
    parsed: Any,
    begin: int,
    end: int,
    row_of_packet: Any,
    window: int,
    seeds: Any,
    tags: int,
    sets: int,
    lines: int,
    log: int,
    counters: int,
    block_tags: Any,
    block_packets: Any,
) -> None:
    """Take the TCP packets from ``begin`` to ``end`` into the cache, samples into the log.

    Shape: addresses of ``tags``, SET_BYTES a set, a power of two of sets; of ``lines``, two times
    LINE_BYTES a connection; of the log and of the counters.
    """
    sets_mask = np.uint64(sets - 1)
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
            prefetch_write(tags + np.int64(tag & sets_mask) * SET_BYTES)
            filled += 1
        for j in range(filled):
            tag = block_tags[j]
            set_at = np.int64(tag & sets_mask)
            way = find_way(tags + set_at * SET_BYTES, tag)
            if way < 0:
                way = oldest_way(tags + set_at * SET_BYTES)
            line = lines + (set_at * WAYS + way) * 2 * LINE_BYTES
            prefetch_write(line)
            prefetch_write(line + LINE_BYTES)
        for j in range(filled):
            tag = block_tags[j]
            i = block_packets[j] >> 1
            side = block_packets[j] & 1
            transport = np.int64(parsed[TRANSPORT_WORD, i])
            set_at = np.int64(tag & sets_mask)
            tag_set = tags + set_at * SET_BYTES
            way = find_way(tag_set, tag)
            is_new = way < 0
            if is_new:
                flags = (transport >> TCP_HEADER_FLAGS_SHIFT) & 0xFF
                if flags & _RST or not (flags & _SYN or transport & _LOW):
                    continue  # without data there is nothing to measure yet
                way = oldest_way(tag_set)
            line = lines + (set_at * WAYS + way) * 2 * LINE_BYTES
            if is_new:
                if load_i64(tag_set + 8 * way):
                    count_more(counters, EVICTED, 1)
                    flush_line(line, log, counters)
                    flush_line(line + LINE_BYTES, log, counters)
                store_u64(tag_set + 8 * way, tag)
                for k in range(2 * LINE_BYTES // 8):
                    store_u64(line + 8 * k, np.uint64(0))
            count_more(counters, USES, 1)
            store_u64(tag_set + 8 * (WAYS + way), np.uint64(load_i64(counters + 8 * USES)))
            follow_packet(
                line + side * LINE_BYTES,
                line + (1 - side) * LINE_BYTES,
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
