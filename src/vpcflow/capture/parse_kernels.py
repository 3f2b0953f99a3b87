"""From the bytes of packets to the columns of ``parsed_columns``.

``parse_packets`` is for packets as a link carries them. A packet counts by its IP header: padding
of the link is not counted, and a capture that was cut still counts whole as long as both addresses
are there. What is believed lies within ``captured_bytes``; the kernel may load a few bytes more,
which every batch leaves readable.

A packet that is not METERED has only STATUS, TIME_NS, a COUNT_WORD of one packet and the wire's
bytes in IP_BYTES, so that sums come out. A packet cut before its ports has ports 0 and is counted
in the fragment cache's ``ports_cut``: it is known which hosts spoke, and a guess would be worse.
"""

# mypy: disable-error-code="untyped-decorator,no-any-return,return-value"

from __future__ import annotations

import os
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit
from vpcflow.base.errors import CaptureError
from vpcflow.capture.header_kernels import (
    LINK_TYPES,
    past_extensions,
    past_link,
    timestamps,
    too_short,
)
from vpcflow.capture.packet_batch import PacketBatch
from vpcflow.capture.parsed_columns import (
    COLUMN_COUNT,
    COUNT_WORD,
    DESTINATION_0,
    DESTINATION_1,
    FLOW_WORD,
    FRAGMENT_BIT,
    HASH,
    ICMP_CODE_SHIFT,
    ICMP_TYPE_SHIFT,
    IDENTITY_WORD,
    IP_BYTES,
    LATER_FRAGMENT_BIT,
    MALFORMED,
    METERED,
    PROTOCOL_SHIFT,
    SOURCE_0,
    SOURCE_1,
    STATUS,
    TCP_FLAGS_SHIFT,
    TCP_HEADER_FLAGS_SHIFT,
    TCP_NUMBERS,
    TCP_TIMESTAMPS,
    TIME_NS,
    TIMESTAMPS_BIT,
    TRANSPORT_WORD,
)
from vpcflow.record.memory_kernels import (
    load_i32,
    load_i64,
    load_network_u16,
    load_network_u32,
    load_u8,
    load_u32,
    load_u64,
    multiply_fold,
    prefetch_read,
    store_u64,
)

#: First fragments whose ports are remembered.
FRAGMENTS_MAX: Final = 4096
#: How long they are: as long as Linux waits for the rest of a packet.
FRAGMENT_LIFE_NS: Final = 30_000_000_000
#: A jumbo packet, and only one, has a payload longer than its IPv6 header can say.
IPV6_PAYLOAD_MAX: Final = 65_535

#: Words of an entry of the fragment cache: 4 of addresses, what it is of, ports and protocol, time.
FRAGMENT_KEY: Final = 4
FRAGMENT_PORTS: Final = 5
FRAGMENT_TIME: Final = 6
FRAGMENT_WORDS: Final = 8
#: Bit 63 of FRAGMENT_KEY: the entry is used. Below: the identification, the protocol from bit 32.
FRAGMENT_USED_SHIFT: Final = 63

#: Places in the counts that the kernel keeps.
PORTS_CUT: Final = 0
FRAGMENTS_UNMATCHED: Final = 1
FRAGMENTS_MATCHED: Final = 2
PARSE_COUNTS: Final = 3

#: Secret numbers of a hash.
SEEDS: Final = 8

_U = np.uint64
_NO_NEXT = 59
_ICMP, _TCP, _UDP, _DCCP, _ICMPV6, _SCTP, _UDP_LITE = 1, 6, 17, 33, 58, 132, 136
_MAPPED = _U(0xFFFF0000)
#: How many packets ahead of the one in hand memory is asked for.
_AHEAD = 16

#: What hashes of this process are made with. A sender who knew it could build packets that all
#: fall on one place of the flow table; so it is drawn anew in every process.
PROCESS_SEEDS: Final[npt.NDArray[np.uint64]] = np.frombuffer(os.urandom(8 * SEEDS), np.uint64)


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _fragment_entry(cache: int, mask: int, hash_: np.uint64, key: np.uint64, seeds: int) -> int:
    mixed = multiply_fold(hash_ ^ load_u64(seeds + 48), key ^ load_u64(seeds + 56))
    return cache + 8 * FRAGMENT_WORDS * (np.int64(mixed >> _U(32)) & mask)


@njit(cache=True, nogil=True, error_model="numpy")
def _remember_ports(out: int, stride: int, entry: int, key: np.uint64, ports: np.uint64) -> None:
    for word in range(4):
        store_u64(entry + 8 * word, load_u64(out + (SOURCE_0 + word) * stride))
    store_u64(entry + 8 * FRAGMENT_KEY, key)
    store_u64(entry + 8 * FRAGMENT_PORTS, ports)
    store_u64(entry + 8 * FRAGMENT_TIME, load_u64(out + TIME_NS * stride))


@njit(cache=True, nogil=True, error_model="numpy")
def _remembered_ports(out: int, stride: int, entry: int, key: np.uint64) -> Any:
    """Ports and protocol of the first fragment, and if it is known."""
    if load_u64(entry + 8 * FRAGMENT_KEY) != key:
        return _U(0), False
    for word in range(4):
        if load_u64(entry + 8 * word) != load_u64(out + (SOURCE_0 + word) * stride):
            return _U(0), False
    age = load_i64(out + TIME_NS * stride) - load_i64(entry + 8 * FRAGMENT_TIME)
    # Packets of several devices come a little out of order, so an age may be below 0.
    if age > FRAGMENT_LIFE_NS or age < -FRAGMENT_LIFE_NS:
        return _U(0), False
    return load_u64(entry + 8 * FRAGMENT_PORTS), True


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _count(counts: int, place: int) -> None:
    store_u64(counts + 8 * place, load_u64(counts + 8 * place) + _U(1))


@njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
def _parse_ip(
    p: int,
    version: int,
    captured: int,
    wire: int,
    segment: int,
    out: int,
    stride: int,
    cache: int,
    mask: int,
    seeds: int,
    counts: int,
) -> int:
    """Everything of a packet from its IP header on; its status. Columns are written if METERED."""
    if captured < 1:
        return too_short(wire, 1)
    first = load_u8(p)
    if version == 0:
        version = first >> 4
        if version != 4 and version != 6:
            return MALFORMED
    elif first >> 4 != version:
        return MALFORMED

    if version == 4:
        if captured < 20:
            return too_short(wire, 20)
        at = (first & 15) * 4
        total = load_network_u16(p + 2)
        if total == 0:
            # An offload joined more than the field can say.
            total = wire
        if at < 20 or total < at:
            return MALFORMED
        source_0, destination_0 = _U(0), _U(0)
        source_1 = _MAPPED | load_u32(p + 12) << _U(32)
        destination_1 = _MAPPED | load_u32(p + 16) << _U(32)
        protocol = load_u8(p + 9)
        bits = load_network_u16(p + 6)
        offset, more = (bits & 0x1FFF) << 3, (bits & 0x2000) != 0
        fragment = more or offset != 0
        number = _U(load_network_u16(p + 4))
        end = min(captured, total)
        fragment_protocol = protocol
    else:
        if captured < 40:
            return too_short(wire, 40)
        total = 40 + load_network_u16(p + 4)
        protocol = load_u8(p + 6)
        if total == 40 and protocol != _NO_NEXT:
            if segment > 0 or wire > 40 + IPV6_PAYLOAD_MAX:
                total = wire
        source_0, source_1 = load_u64(p + 8), load_u64(p + 16)
        destination_0, destination_1 = load_u64(p + 24), load_u64(p + 32)
        end = min(captured, total)
        protocol, at, offset, more, number, fragment = past_extensions(p, protocol, end)
        fragment_protocol = protocol
        if fragment and offset == 0 and not more:
            # A whole packet that only looks like a fragment (RFC 6946).
            fragment = False

    store_u64(out + SOURCE_0 * stride, source_0)
    store_u64(out + SOURCE_1 * stride, source_1)
    store_u64(out + DESTINATION_0 * stride, destination_0)
    store_u64(out + DESTINATION_1 * stride, destination_1)
    hash_ = multiply_fold(
        source_0 ^ load_u64(seeds), source_1 ^ load_u64(seeds + 8)
    ) ^ multiply_fold(destination_0 ^ load_u64(seeds + 16), destination_1 ^ load_u64(seeds + 24))

    ports, numbers, times, transport = _U(0), _U(0), _U(0), _U(0)
    packets, octets, flags = 1, total, 0
    header = 0
    flow = _U(protocol) << _U(PROTOCOL_SHIFT)
    left = end - at
    if offset == 0:
        has_ports = (
            protocol == _TCP
            or protocol == _UDP
            or protocol == _SCTP
            or protocol == _UDP_LITE
            or protocol == _DCCP
        )
        if has_ports:
            if left >= 4:
                both = load_network_u32(p + at)
                flow |= both >> _U(16) | (both & _U(0xFFFF)) << _U(16)
            elif total >= at + 4:
                _count(counts, PORTS_CUT)
        if protocol == _TCP:
            header = 20
            if left >= 14:
                numbers = load_network_u32(p + at + 4) | load_network_u32(p + at + 8) << _U(32)
                raw = load_u8(p + at + 13)
                flags = raw & 7
                if raw & 18 == 18:
                    flags |= 16
                transport |= _U(raw) << _U(TCP_HEADER_FLAGS_SHIFT)
                header = max((load_u8(p + at + 12) >> 4) * 4, 20)
                if header > 20:
                    times, present = timestamps(p + at + 20, p + min(at + header, end))
                    transport |= _U(present) << _U(TIMESTAMPS_BIT)
        elif protocol == _UDP or protocol == _UDP_LITE:
            header = 8
        elif protocol == _SCTP:
            header = 12
        elif protocol == _ICMP or protocol == _ICMPV6:
            header = 8
            if left >= 2:
                transport |= _U(load_u8(p + at)) << _U(ICMP_TYPE_SHIFT)
                transport |= _U(load_u8(p + at + 1)) << _U(ICMP_CODE_SHIFT)
            if version == 6 and left >= 8 and not fragment:
                # IPv6 has no identification; an echo has a number of its own.
                number = load_network_u32(p + at + 4)
        payload = max(total - at - header, 0)
        if segment > 0 and payload > segment and (protocol == _TCP or protocol == _UDP):
            packets = (payload + segment - 1) // segment
            octets = total + (packets - 1) * (at + header)
    else:
        payload = max(total - at, 0)

    if fragment:
        key = (
            _U(1) << _U(FRAGMENT_USED_SHIFT)
            | _U(fragment_protocol) << _U(PROTOCOL_SHIFT)
            | number & _U(0xFFFFFFFF)
        )
        entry = _fragment_entry(cache, mask, hash_, key, seeds)
        transport |= _U(1) << _U(FRAGMENT_BIT)
        if offset != 0:
            transport |= _U(1) << _U(LATER_FRAGMENT_BIT)
            ports, known = _remembered_ports(out, stride, entry, key)
            if known:
                flow = ports
                _count(counts, FRAGMENTS_MATCHED)
            else:
                _count(counts, FRAGMENTS_UNMATCHED)
        else:
            _remember_ports(out, stride, entry, key, flow)

    store_u64(out + FLOW_WORD * stride, flow)
    store_u64(
        out + COUNT_WORD * stride,
        _U(packets) | _U(flags) << _U(TCP_FLAGS_SHIFT),
    )
    store_u64(out + IP_BYTES * stride, _U(octets))
    store_u64(
        out + HASH * stride,
        multiply_fold(hash_ ^ load_u64(seeds + 32), flow ^ load_u64(seeds + 40)),
    )
    store_u64(out + TCP_NUMBERS * stride, numbers)
    store_u64(out + TCP_TIMESTAMPS * stride, times)
    store_u64(out + TRANSPORT_WORD * stride, transport | _U(payload))
    store_u64(
        out + IDENTITY_WORD * stride,
        number | _U(offset >> 3) << _U(32) | _U(total & 0xFFFF) << _U(48),
    )
    return METERED


@njit(cache=True, nogil=True, error_model="numpy")
def _parse(
    link: int,
    count: int,
    data: int,
    offsets: int,
    captured_bytes: int,
    wire_bytes: int,
    times: int,
    segments: int,
    parsed: int,
    stride: int,
    cache: int,
    mask: int,
    seeds: int,
    counts: int,
) -> None:
    """Fill the first ``count`` columns of the matrix at ``parsed``."""
    for i in range(count):
        # The offsets of the batch end at its end; the last packets ask for the last one again.
        ahead = data + load_i64(offsets + 8 * min(i + _AHEAD, count - 1))
        prefetch_read(ahead)
        prefetch_read(ahead + 64)
        p = data + load_i64(offsets + 8 * i)
        captured = load_i32(captured_bytes + 4 * i)
        wire = max(load_i32(wire_bytes + 4 * i), captured)
        out = parsed + 8 * i
        store_u64(out + TIME_NS * stride, load_u64(times + 8 * i))
        version, at = past_link(p, link, captured, wire)
        if version >= 0:
            status = _parse_ip(
                p + at,
                version,
                captured - at,
                wire - at,
                load_i32(segments + 4 * i),
                out,
                stride,
                cache,
                mask,
                seeds,
                counts,
            )
        else:
            status = -version
        if status != METERED:
            for column in range(1, COLUMN_COUNT):
                if column != TIME_NS:
                    store_u64(out + column * stride, _U(0))
            store_u64(out + COUNT_WORD * stride, _U(1))
            store_u64(out + IP_BYTES * stride, _U(max(wire, 0)))
        store_u64(out + STATUS * stride, _U(status))


class FragmentCache:
    """Ports of first fragments, for the fragments that follow them.

    Direct-mapped: a new first fragment takes the place of an older one. A later fragment whose
    first one is not known has ports 0 and is counted.
    Shape: ``entries`` (a power of two, FRAGMENT_WORDS) words.
    """

    __slots__ = ("counts", "entries", "seeds")

    def __init__(
        self, entries_max: int = FRAGMENTS_MAX, seeds: npt.NDArray[np.uint64] = PROCESS_SEEDS
    ) -> None:
        entries = 1 << max(entries_max - 1, 0).bit_length()
        self.entries = np.zeros((entries, FRAGMENT_WORDS), np.uint64)
        self.counts = np.zeros(PARSE_COUNTS, np.uint64)
        self.seeds = np.ascontiguousarray(seeds, np.uint64)

    @property
    def ports_cut(self) -> int:
        """Packets whose ports the wire had and the capture did not."""
        return int(self.counts[PORTS_CUT])

    @property
    def unmatched(self) -> int:
        """Later fragments that came before their first one, or without it."""
        return int(self.counts[FRAGMENTS_UNMATCHED])

    @property
    def matched(self) -> int:
        """Later fragments that got their first one's ports."""
        return int(self.counts[FRAGMENTS_MATCHED])


def new_parsed_matrix(packets_max: int) -> npt.NDArray[np.uint64]:
    """A matrix of parsed columns whose rows do not fall on the same lines of a CPU's cache.

    Shape: (COLUMN_COUNT, packets_max).
    """
    # Rows a power of two apart would share a few lines; an odd number of lines spreads them.
    lines = -(-packets_max // 8) | 1
    return np.zeros((COLUMN_COUNT, lines * 8), np.uint64)[:, :packets_max]


def parse_packets(
    batch: PacketBatch, fragments: FragmentCache, parsed: npt.NDArray[np.uint64]
) -> None:
    """Fill the first ``len(batch)`` columns of ``parsed``.

    Shape: (COLUMN_COUNT, at least ``len(batch)``), as of ``new_parsed_matrix``. IDENTITY_WORD holds
    the identification in bits 0-31 (IPv6: of the fragment header, else of an ICMPv6 echo), the
    fragment offset in units of 8 bytes in 32-47 and the low 16 bits of the length in 48-63.
    Errors: CaptureError for a link type that no packet is parsed of.
    """
    link = int(batch.link_type)
    if batch.link_type not in LINK_TYPES:
        raise CaptureError(
            f"packets of link type {link} cannot be parsed",
            where="parse_packets",
            hint="Capture on an Ethernet device, or any device of the kernel's cooked format.",
        )
    count = len(batch)
    assert parsed.shape[0] == COLUMN_COUNT and parsed.shape[1] >= count
    assert parsed.strides[1] == 8
    _parse(
        link,
        count,
        batch.data.ctypes.data,
        _address(batch.offset, np.int64),
        _address(batch.captured_bytes, np.int32),
        _address(batch.wire_bytes, np.int32),
        _address(batch.time_ns, np.int64),
        _address(batch.segment_bytes, np.int32),
        parsed.ctypes.data,
        parsed.strides[0],
        fragments.entries.ctypes.data,
        len(fragments.entries) - 1,
        fragments.seeds.ctypes.data,
        fragments.counts.ctypes.data,
    )


def _address(column: npt.NDArray[Any], kind: type[np.generic]) -> int:
    """Where a column lies; the kernel reads it as what the seam says it is."""
    assert column.dtype == kind
    assert column.flags.c_contiguous
    return column.ctypes.data
