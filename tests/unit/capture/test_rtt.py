"""Aim: round-trip times are the true ones. Method: scripted and random TCP, kernel beside reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.capture import parsed_columns as columns
from vpcflow.capture.rtt import RttMeter
from vpcflow.capture.rtt_reference import RttReference, TcpPacket

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
CLIENT, SERVER = (0, 0x0100_000A_FFFF_0000), (0, 0x0200_000A_FFFF_0000)
CLIENT_ROW, SERVER_ROW = 7, 3
FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}


def parsed_of(packets: Sequence[TcpPacket]) -> tuple[np.ndarray, np.ndarray]:
    """The matrix and the rows of packets."""
    matrix = np.zeros((columns.COLUMN_COUNT, len(packets)), np.uint64)
    for i, p in enumerate(packets):
        flags = sum(FLAG_BITS[letter] for letter in p.flags)
        matrix[columns.SOURCE_0 : columns.DESTINATION_1 + 1, i] = (*p.source, *p.destination)
        matrix[columns.FLOW_WORD, i] = (
            p.source_port
            | p.destination_port << columns.DESTINATION_PORT_SHIFT
            | 6 << columns.PROTOCOL_SHIFT
            | p.egress << columns.DIRECTION_SHIFT
            | p.slot << columns.SLOT_SHIFT
        )
        matrix[columns.COUNT_WORD, i] = p.segments
        matrix[columns.TIME_NS, i] = p.time_ns
        matrix[columns.TCP_NUMBERS, i] = p.sequence | p.acknowledgement << 32
        value, echo = p.stamps or (0, 0)
        matrix[columns.TCP_TIMESTAMPS, i] = value | echo << 32
        matrix[columns.TRANSPORT_WORD, i] = (
            p.payload
            | flags << columns.TCP_HEADER_FLAGS_SHIFT
            | bool(p.stamps) << columns.TIMESTAMPS_BIT
        )
    return matrix, np.array([p.row for p in packets], np.int32)


def feed(meter: RttMeter, packets: Sequence[TcpPacket]) -> None:
    matrix, rows = parsed_of(packets)
    meter.update(matrix, 0, len(packets), rows)


def closed(meter: RttMeter) -> dict[int, tuple[int, int, int]]:
    """Least, median and count by row."""
    found = meter.close_window()
    arrays = (found.row, found.minimum, found.median, found.count)
    assert all(array.dtype == np.int64 for array in arrays)
    return {int(r): (int(a), int(b), int(c)) for r, a, b, c in zip(*arrays, strict=True)}


def measure(packets: Sequence[TcpPacket]) -> dict[int, tuple[int, int, int]]:
    """What the meter says, after the reference said the same."""
    meter, reference = RttMeter(64, 4096), RttReference()
    feed(meter, packets)
    for packet in packets:
        reference.add(packet)
    result = closed(meter)
    assert result == reference.close_window()
    return result


def up(ms: float, flags: str, sequence: int, acknowledgement: int = 0, payload: int = 0, **more):
    """A packet from the client, which this interface sends out."""
    return TcpPacket(
        1, CLIENT, 40000, SERVER, 443, True, flags, sequence % 2**32, acknowledgement % 2**32,
        payload, START_NS + round(ms * MS), **{"row": CLIENT_ROW, **more},
    )  # fmt: skip


def down(ms: float, flags: str, sequence: int, acknowledgement: int = 0, payload: int = 0, **more):
    """A packet from the server."""
    return TcpPacket(
        1, SERVER, 443, CLIENT, 40000, False, flags, sequence % 2**32, acknowledgement % 2**32,
        payload, START_NS + round(ms * MS), **{"row": SERVER_ROW, **more},
    )  # fmt: skip


HANDSHAKE = [up(0, "S", 99), down(20, "SA", 499, 100), up(20.5, "A", 100, 500)]


def test_handshake_measures_both_ways() -> None:
    assert measure(HANDSHAKE) == {CLIENT_ROW: (20_000, 20_000, 1), SERVER_ROW: (500, 500, 1)}


def test_repeated_syn_is_not_measured_without_timestamps() -> None:
    packets = [up(0, "S", 99), up(1000, "S", 99), down(1020, "SA", 499, 100)]
    assert measure(packets) == {}


def test_repeated_syn_is_measured_by_its_own_timestamp() -> None:
    packets = [
        up(0, "S", 99, stamps=(5, 0)),
        up(1000, "S", 99, stamps=(1005, 0)),
        down(1020, "SA", 499, 100, stamps=(9, 1005)),
    ]
    assert measure(packets) == {CLIENT_ROW: (20_000, 20_000, 1)}
    late_answer_to_the_first = [*packets[:2], down(1001, "SA", 499, 100, stamps=(9, 5))]
    assert measure(late_answer_to_the_first) == {}


def test_delayed_acknowledgement_moves_no_median() -> None:
    packets = [*HANDSHAKE]
    for i in range(5):
        packets += [up(100 + 100 * i, "PA", 100 + 10 * i, 500, 10)]
        packets += [down(160 + 100 * i, "A", 500, 110 + 10 * i)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 6)


def test_loose_samples_count_where_there_are_no_others() -> None:
    packets = [up(-1, "A", 100, 500, 1), down(0, "A", 500, 101)]
    for i, late in enumerate((30, 20, 50)):
        packets += [up(100 * i, "PA", 101 + i, 500, 1), down(100 * i + late, "A", 500, 102 + i)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 30_000, 3)


def test_acknowledgement_of_two_full_segments_is_solid() -> None:
    packets = [up(0, "A", 0, 500, 1448), down(0, "A", 500, 1448)]
    packets += [up(1, "A", 1448, 500, 1448), down(61, "A", 500, 2896)]  # one segment: delayed
    at = 2896
    for i in range(3):
        packets += [up(100 + 50 * i, "A", at, 500, 2896, segments=2)]
        packets += [down(120 + 50 * i, "A", 500, at + 2896)]
        at += 2896
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 4)


def test_answer_to_later_packets_does_not_pass_for_one_to_the_measured() -> None:
    packets = [*HANDSHAKE]
    packets += [up(100, "A", 100, 500, 1448), up(110, "A", 1548, 500, 1448)]
    packets += [down(130, "A", 500, 2996)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 2)


def test_last_packet_of_a_burst_is_measured() -> None:
    packets = [up(0, "A", 0, 500, 1), down(0, "A", 500, 1)]
    packets += [up(1 + 0.01 * i, "A", 1 + 1448 * i, 500, 1448) for i in range(6)]
    packets += [down(21.05, "A", 500, 1 + 1448 * 6)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 1)
    endless = [up(1 + 0.01 * i, "A", 1 + 100 * i, 500, 100) for i in range(300)]
    answer = [down(50, "A", 500, 1 + 100 * 64), up(51, "A", 30_001, 500, 1)]
    assert measure([*packets[:2], *endless, *answer])[CLIENT_ROW] == (48_370, 48_370, 1)


def test_retransmission_gives_no_sample_and_its_echo_does() -> None:
    lost = [up(100, "A", 100, 500, 10), up(300, "A", 100, 500, 10), down(320, "A", 500, 110)]
    assert measure([*HANDSHAKE, *lost])[CLIENT_ROW] == (20_000, 20_000, 1)
    stamped = [
        up(100, "A", 100, 500, 10, stamps=(1, 0)),
        up(300, "A", 100, 500, 10, stamps=(201, 0)),
        down(321, "A", 500, 110, stamps=(0, 201)),
    ]
    assert measure([*HANDSHAKE, *stamped])[CLIENT_ROW] == (20_000, 20_000, 2)
    same_tick = [
        up(100, "A", 100, 500, 10, stamps=(1, 0)),
        up(101, "A", 100, 500, 10, stamps=(1, 0)),
        down(120, "A", 500, 110, stamps=(0, 1)),
    ]
    assert measure([*HANDSHAKE, *same_tick])[CLIENT_ROW] == (20_000, 20_000, 1)


def test_hole_before_the_measured_packet_spoils_it() -> None:
    # Only the second segment passed here; its answer waits for the first.
    packets = [*HANDSHAKE, up(100, "A", 110, 500, 10), up(300, "A", 100, 500, 10)]
    packets += [down(320, "A", 500, 120)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 1)


def test_hole_filled_is_solid() -> None:
    packets = [
        up(-5, "A", 99, 500, 1, stamps=(1, 1)),
        down(-1, "A", 500, 100, stamps=(1, 1)),
        up(0, "A", 100, 500, 10, stamps=(2, 1)),
        up(1, "A", 110, 500, 10, stamps=(3, 1)),
        up(200, "A", 100, 500, 10, stamps=(203, 1)),
        down(220, "A", 500, 120, stamps=(9, 203)),
    ]
    for i in range(3):
        packets += [up(300 + 100 * i, "A", 120 + i, 500, 1)]
        packets += [down(390 + 100 * i, "A", 500, 121 + i)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 4)


def test_sequence_numbers_wrap() -> None:
    packets = [up(0, "S", -3), down(20, "SA", 2**32 - 1, -2), up(21, "A", -2, 0)]
    packets += [up(30, "A", -2, 0, 3000), down(50, "A", 0, 2998)]
    assert measure(packets) == {CLIENT_ROW: (20_000, 20_000, 2), SERVER_ROW: (1000, 1000, 1)}


def test_keepalive_and_zero_window_probe_measure_nothing() -> None:
    packets = [*HANDSHAKE, up(100, "A", 100, 500, 10), down(120, "A", 500, 110)]
    before = measure(packets)
    packets += [up(10_000, "A", 109, 500, 1), down(10_050, "A", 500, 110)]
    packets += [up(20_000, "A", 109, 500), down(20_050, "A", 500, 110)]
    assert measure(packets) == before
    # A byte into a closed window: answered once without being taken, then sent again.
    packets += [up(30_000, "A", 110, 500, 1), down(30_020, "A", 500, 110)]
    packets += [up(31_000, "A", 110, 500, 1), down(31_050, "A", 500, 111)]
    assert measure(packets) == before


def test_reset_ends_measurements_and_a_new_syn_starts_the_connection_anew() -> None:
    packets = [*HANDSHAKE, up(100, "A", 100, 500, 10), down(110, "R", 500, 0)]
    packets += [down(120, "A", 500, 110)]
    assert measure(packets)[CLIENT_ROW] == (20_000, 20_000, 1)
    again = [up(1000, "S", 77_777), down(1030, "SA", 88_888, 77_778), up(1031, "A", 77_778, 88_889)]
    assert measure([*packets, *again])[CLIENT_ROW] == (20_000, 20_000, 2)


def test_packet_that_crosses_twice_counts_once() -> None:
    # On loopback each packet goes out and comes in; so does one that is sent back where it came.
    packets = []
    for packet in HANDSHAKE:
        later = packet.time_ns + 10_000
        copy = replace(packet, egress=not packet.egress, time_ns=later, row=9)
        packets += [packet, copy]
    assert measure(packets) == measure(HANDSHAKE)


@pytest.mark.parametrize("spoil", ["status", "protocol", "fragment", "reject"])
def test_packets_that_do_not_count(spoil: str) -> None:
    matrix, rows = parsed_of(HANDSHAKE)
    if spoil == "status":
        matrix[columns.STATUS] = columns.MALFORMED
    elif spoil == "protocol":
        matrix[columns.FLOW_WORD] ^= np.uint64((6 ^ 17) << columns.PROTOCOL_SHIFT)
    elif spoil == "fragment":
        matrix[columns.TRANSPORT_WORD] |= np.uint64(1 << columns.FRAGMENT_BIT)
    else:
        matrix[columns.FLOW_WORD] |= np.uint64(columns.VERDICT_REJECT << columns.VERDICT_SHIFT)
    meter = RttMeter(64, 64)
    meter.update(matrix, 0, 3, rows)
    assert closed(meter) == {}


def test_same_addresses_at_another_slot_are_another_connection() -> None:
    matrix, rows = parsed_of(HANDSHAKE)
    matrix[columns.FLOW_WORD, 1] ^= np.uint64(2 << columns.SLOT_SHIFT)
    meter = RttMeter(64, 64)
    meter.update(matrix, 0, 3, rows)
    assert closed(meter) == {}


def test_windows_renumber_rows_and_keep_connections() -> None:
    meter = RttMeter(64, 64)
    feed(meter, [*HANDSHAKE, up(100, "A", 100, 500, 10)])
    assert closed(meter)[CLIENT_ROW] == (20_000, 20_000, 1)
    # The flow has no row here yet when its answer comes; then it has another one.
    feed(meter, [down(130, "A", 500, 110)])
    assert meter.counts.unattributed == 1
    feed(meter, [up(200, "A", 110, 500, 10, row=0), down(225, "A", 500, 120)])
    assert closed(meter) == {0: (25_000, 25_000, 1)}
    assert closed(meter) == {}


def test_flow_without_row_is_unattributed() -> None:
    meter = RttMeter(64, 64)
    feed(meter, [up(0, "S", 99, row=-1), down(20, "SA", 499, 100)])
    assert closed(meter) == {}
    assert (meter.counts.samples, meter.counts.unattributed) == (0, 1)


def test_clock_that_was_set_gives_no_sample() -> None:
    meter = RttMeter(64, 64)
    feed(meter, [up(1000, "S", 99), down(20, "SA", 499, 100), up(90_000, "A", 100, 500)])
    assert closed(meter) == {}
    assert meter.counts.implausible == 2


def _echo(count: int, first_ms: float = 100) -> list[TcpPacket]:
    """Requests of one byte each, answered after 1 + i % 50 milliseconds."""
    packets = []
    for i in range(count):
        at = first_ms + 100 * i
        packets += [up(at, "A", 100 + i, 500, 1), down(at + 1 + i % 50, "A", 500, 101 + i)]
    return packets


def test_many_samples_of_a_flow_are_thinned_and_all_counted() -> None:
    meter, reference = RttMeter(64, 4096), RttReference()
    packets = [up(0, "A", 99, 500, 1), *_echo(3000)]
    feed(meter, packets)
    for packet in packets:
        reference.add(packet)
    result = closed(meter)
    assert result == reference.close_window()
    least, median, count = result[CLIENT_ROW]
    assert (least, count) == (1000, 3000)
    assert 23_000 <= median <= 28_000
    # It takes few places of the log.
    small = RttMeter(64, 64 + 32 * 6)
    feed(small, packets)
    assert closed(small) == result
    assert small.counts.dropped == 0


def test_full_log_drops_and_counts() -> None:
    meter = RttMeter(64, 10)
    feed(meter, [up(0, "A", 99, 500, 1), *_echo(30)])
    assert closed(meter)[CLIENT_ROW][2] == 10
    assert meter.counts.dropped == 20
    feed(meter, [up(9000, "A", 130, 500, 1), down(9020, "A", 500, 131)])
    assert closed(meter)[CLIENT_ROW] == (20_000, 20_000, 1)


def _client(number: int, packet: TcpPacket) -> TcpPacket:
    """The packet, of another client port and rows."""
    change = {"row": 2 * number + (packet.row == SERVER_ROW)}
    name = "source_port" if packet.egress else "destination_port"
    return replace(packet, **{**change, name: 1024 + number})


def test_cache_forgets_the_oldest_and_stays_bounded() -> None:
    meter = RttMeter(64, 4096)
    many = [_client(n, packet) for n in range(1000) for packet in HANDSHAKE]
    feed(meter, many)
    found = closed(meter)
    assert len(found) == 2000  # each was still there for its own three packets
    assert meter.counts.evicted >= 1000 - 64
    feed(meter, [_client(n, packet) for n in (0, 999) for packet in _echo(1)])
    assert list(closed(meter)) == [2 * 999]


def test_what_a_forgotten_connection_counted_is_kept() -> None:
    meter = RttMeter(4, 4096)
    busy = [*HANDSHAKE, *_echo(100)]
    feed(meter, busy)
    feed(meter, [_client(n + 10, packet) for n in range(50) for packet in HANDSHAKE])
    assert closed(meter)[CLIENT_ROW] == (1000, 20_000, 101)


_NUMBERS = st.integers(0, 12).map(lambda n: (n * 1300 - 5000) % 2**32)
_STAMPS = st.none() | st.tuples(st.integers(0, 5), st.integers(0, 5))


@st.composite
def _packets(draw: st.DrawFn) -> list[TcpPacket]:
    packets = []
    now = 0
    for _ in range(draw(st.integers(1, 60))):
        now += draw(st.integers(-1, 40)) * MS // 40
        port = draw(st.integers(0, 1))
        from_client = draw(st.booleans())
        ends = [(CLIENT, 40000 + port), (SERVER, 443)]
        source, target = ends if from_client else ends[::-1]
        flags = draw(st.sampled_from(["A", "A", "A", "PA", "S", "SA", "FA", "R"]))
        packets.append(
            TcpPacket(
                slot=1,
                source=source[0],
                source_port=source[1],
                destination=target[0],
                destination_port=target[1],
                egress=from_client ^ (draw(st.integers(0, 15)) == 0),
                flags=flags,
                sequence=draw(_NUMBERS) ^ (draw(st.integers(0, 20)) == 0) << 31,
                acknowledgement=draw(_NUMBERS),
                payload=draw(st.sampled_from([0, 0, 1, 1300, 2600])),
                time_ns=max(0, now),
                row=2 * port + from_client if draw(st.integers(0, 9)) else -1,
                stamps=draw(_STAMPS),
                segments=draw(st.integers(1, 3)),
            )
        )
    return packets


@settings(max_examples=400, deadline=None)
@given(_packets(), st.integers(0, 60))
def test_kernel_agrees_with_the_reference(packets: list[TcpPacket], cut: int) -> None:
    meter, reference = RttMeter(64, 4096), RttReference()
    for part in (packets[:cut], packets[cut:]):
        feed(meter, part)
        for packet in part:
            reference.add(packet)
        assert closed(meter) == reference.close_window()
    assert meter.counts.unattributed == reference.unattributed
    assert meter.counts.implausible == reference.implausible
