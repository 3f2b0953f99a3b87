"""Aim: every metered packet is in one row or counted as skipped. Method: a dict as the table."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.capture.flow_kernels import BLOCK_PACKETS
from vpcflow.capture.flow_table import INDEX_ENTRIES_MIN, FlowTable
from vpcflow.capture.parse_kernels import new_parsed_matrix
from vpcflow.capture.parsed_columns import (
    ARP,
    COUNT_WORD,
    FLOW_WORD,
    HASH,
    IP_BYTES,
    RULE_SHIFT,
    SLOT_SHIFT,
    SOURCE_0,
    STATUS,
    TCP_FLAGS_SHIFT,
    TIME_NS,
)

START = 1_700_000_000_000_000_000
PACKETS_MASK = (1 << TCP_FLAGS_SHIFT) - 1
Matrix = npt.NDArray[np.uint64]


def packets(
    flows: npt.ArrayLike,
    *,
    count_words: npt.ArrayLike = 1,
    octets: npt.ArrayLike = 100,
    after_ns: npt.ArrayLike = 0,
    statuses: npt.ArrayLike = 0,
) -> Matrix:
    """Parsed packets of numbered flows; flow number n is at slot n % 4."""
    number = np.asarray(flows, np.uint64)
    parsed = new_parsed_matrix(len(number))
    parsed[SOURCE_0 : SOURCE_0 + 4] = number * np.array([[1], [3], [5], [7]], np.uint64)
    parsed[FLOW_WORD] = number % np.uint64(4) << np.uint64(SLOT_SHIFT) | number // np.uint64(4)
    parsed[HASH] = (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    parsed[COUNT_WORD], parsed[IP_BYTES], parsed[STATUS] = count_words, octets, statuses
    parsed[TIME_NS] = (np.asarray(after_ns, np.int64) + START).astype(np.uint64)
    return parsed


def update(table: FlowTable, parsed: Matrix) -> list[int]:
    """Add all packets; the rows that they went to."""
    rows = np.full(parsed.shape[1], -7, np.int32)
    table.update(parsed, 0, parsed.shape[1], START, rows)
    return rows.tolist()


@dataclass
class DictTable:
    """The flow table as a dict: its rows, what was skipped by slot, and late packets."""

    flows_max: int
    rows: dict[tuple[int, ...], list[int]] = field(default_factory=dict)
    skipped: dict[int, tuple[int, int]] = field(default_factory=dict)
    late: int = 0

    def add(self, packet: list[int]) -> int:
        """The row's number, or -1."""
        if packet[STATUS]:
            return -1
        key = tuple(packet[SOURCE_0 : FLOW_WORD + 1])
        counted, octets = packet[COUNT_WORD], packet[IP_BYTES]
        if key not in self.rows and len(self.rows) == self.flows_max:
            slot = packet[FLOW_WORD] >> SLOT_SHIFT
            many, size = self.skipped.get(slot, (0, 0))
            self.skipped[slot] = many + (counted & PACKETS_MASK), size + octets
            return -1
        since = packet[TIME_NS] - START
        self.late += since < 0
        time = min(max(since, 0) // 1000, 2**32 - 1)
        row = self.rows.setdefault(key, [0, 0, 0, 0, 2**32 - 1, 0])
        row[0] += counted & PACKETS_MASK
        row[1] |= counted >> TCP_FLAGS_SHIFT & 0xFF
        row[2] = row[2] or counted >> RULE_SHIFT
        row[3] += octets
        row[4], row[5] = min(row[4], time), max(row[5], time)
        return list(self.rows).index(key)

    def words(self) -> list[list[int]]:
        """The rows as the table has them."""
        return [
            [*key, many | flags << TCP_FLAGS_SHIFT | rule << RULE_SHIFT, octets, first | last << 32]
            for key, (many, flags, rule, octets, first, last) in self.rows.items()
        ]


_PACKETS = st.lists(
    st.tuples(
        st.integers(0, 40),  # flow
        st.integers(1, 50),  # packets
        st.sampled_from([0, 1, 2, 18, 255]),  # flags
        st.sampled_from([0, 0, 5, 65_535]),  # rule
        st.integers(0, 1 << 33),  # bytes
        st.sampled_from([0, 999, 1000, 59 * 10**9, -1, -(10**9), 2**32 * 1000, 2**45]),
        st.sampled_from([0, 0, 0, ARP]),
    ),
    max_size=80,
)


@given(_PACKETS, st.integers(1, 50), st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_the_table_and_a_dict_agree(
    made: list[tuple[int, ...]], flows_max: int, parts: int
) -> None:
    flow, many, flags, rule, octets, after, status = zip(*made, strict=True) if made else ([],) * 7
    words = [
        a | b << TCP_FLAGS_SHIFT | c << RULE_SHIFT
        for a, b, c in zip(many, flags, rule, strict=True)
    ]
    parsed = packets(
        flow,
        count_words=np.array(words, np.uint64),
        octets=np.array(octets, np.uint64),
        after_ns=after,
        statuses=np.array(status, np.uint64),
    )
    table, reference = FlowTable(flows_max, 4), DictTable(flows_max)
    rows = np.full(len(made), -7, np.int32)
    for part in np.array_split(np.arange(len(made)), parts):
        if len(part):
            table.update(parsed, int(part[0]), int(part[-1]) + 1, START, rows)
    expected = [reference.add([int(word) for word in parsed[:, i]]) for i in range(len(made))]
    assert rows.tolist() == expected
    assert table.rows.tolist() == reference.words()
    assert table.late_packets == reference.late
    skipped = zip(table.skipped_packets.tolist(), table.skipped_bytes.tolist(), strict=True)
    assert list(skipped) == [reference.skipped.get(slot, (0, 0)) for slot in range(4)]


def test_the_index_grows_and_every_flow_keeps_its_row() -> None:
    flows = 50_000
    table = FlowTable(200_000)
    assert table.index_entries == INDEX_ENTRIES_MIN
    numbers = np.arange(flows)
    assert update(table, packets(numbers)) == numbers.tolist()
    assert 2 * flows <= table.index_entries <= 8 * flows
    backwards = numbers[::-1]
    assert update(table, packets(backwards)) == backwards.tolist()
    assert table.count == flows
    assert (table.rows[:, 5] & np.uint64(PACKETS_MASK) == 2).all()


def test_few_flows_leave_the_index_small() -> None:
    table = FlowTable(2_000_000)
    update(table, packets(np.arange(20_000) % 1000))
    assert (table.count, table.index_entries) == (1000, INDEX_ENTRIES_MIN)


@pytest.mark.parametrize("flows_max", [1, 1000, INDEX_ENTRIES_MIN // 2, 3000, 4096])
def test_a_full_table_accounts_for_every_packet(flows_max: int) -> None:
    table = FlowTable(flows_max)
    draw = np.random.default_rng(1)
    numbers = draw.integers(0, 6000, 30_000)
    octets = draw.integers(20, 1500, 30_000).astype(np.uint64)
    rows = update(table, packets(numbers, octets=octets))
    assert table.count == flows_max
    in_rows = int((table.rows[:, 5] & np.uint64(PACKETS_MASK)).sum())
    assert in_rows + int(table.skipped_packets.sum()) == 30_000
    assert int(table.rows[:, 6].sum() + table.skipped_bytes.sum()) == int(octets.sum())
    assert rows.count(-1) == int(table.skipped_packets.sum()) > 0
    assert table.skipped_packets[4:].sum() == 0, "skipped at the packet's own slot"


def test_a_packet_counts_as_many_as_an_offload_joined() -> None:
    table = FlowTable(10)
    update(table, packets([1, 1], count_words=[45, 1], octets=[65_000, 60]))
    assert [int(word) for word in table.rows[0, 5:7]] == [46, 65_060]


def test_flows_with_one_tag_are_kept_apart() -> None:
    table = FlowTable(1000)
    parsed = packets(np.tile(np.arange(400), 2))
    parsed[HASH] = 1
    parsed[FLOW_WORD] &= np.uint64((1 << SLOT_SHIFT) - 1)
    assert update(table, parsed) == [*range(400), *range(400)]


@pytest.mark.parametrize("word", range(SOURCE_0, FLOW_WORD + 1))
def test_every_word_of_the_key_keeps_flows_apart(word: int) -> None:
    parsed = packets([8] * 6)
    parsed[word] += np.arange(6, dtype=np.uint64) % np.uint64(3)
    assert update(FlowTable(1000), parsed) == [0, 1, 2, 0, 1, 2], "also with equal hashes"


def test_new_flows_twice_in_one_block_are_one_row() -> None:
    table = FlowTable(1000)
    assert update(table, packets([5, 6, 5, 5, 6])) == [0, 1, 0, 0, 1]
    assert BLOCK_PACKETS > 5


def test_clear_forgets_flows_and_gives_the_index_back() -> None:
    table = FlowTable(100_000)
    update(table, packets(np.arange(40_000), after_ns=-1))
    grown = table.index_entries
    table.clear()
    assert (table.count, table.late_packets, len(table.rows)) == (0, 0, 0)
    assert table.index_entries == grown, "as many flows will come again"
    assert update(table, packets([39_999, 1])) == [0, 1]
    table.clear()
    assert table.index_entries == INDEX_ENTRIES_MIN
    assert update(table, packets([3])) == [0]
    key = packets([3])[SOURCE_0 : FLOW_WORD + 1, 0].tolist()
    assert table.rows[0].tolist() == [*key, 1, 100, 0]


def test_clear_forgets_what_was_skipped() -> None:
    table = FlowTable(1)
    update(table, packets([0, 1, 2]))
    assert table.skipped_packets.tolist()[:4] == [0, 1, 1, 0]
    table.clear()
    assert not table.skipped_packets.any() and not table.skipped_bytes.any()
