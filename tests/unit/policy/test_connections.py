"""Aim: who began a connection is told from flags, memory and time, and otherwise not guessed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.policy.connections import ConnectionMemory
from vpcflow.policy.evaluate import FlowColumns
from vpcflow.policy.judgement import Initiated

INGRESS, EGRESS = 0, 1
HERE, THERE, UNKNOWN = Initiated.HERE, Initiated.THERE, Initiated.UNKNOWN
OTHER_IDLE_S = 180


@dataclass(frozen=True)
class Row:
    """One flow of a window; addresses are small numbers, ports are of own side and peer."""

    direction: int
    protocol: int = 17
    flags: int = 0
    first_us: int = 0
    last_us: int = 0
    own: int = 1
    peer: int = 2
    own_port: int = 22
    peer_port: int = 50_000
    interface: int = 0


def found(memory: ConnectionMemory, rows: list[Row], start_s: int = 1_000_000) -> list[Initiated]:
    count = len(rows)
    addresses = np.zeros((4, count), np.uint64)
    addresses[1] = [row.own if row.direction == EGRESS else row.peer for row in rows]
    addresses[3] = [row.peer if row.direction == EGRESS else row.own for row in rows]
    out = np.array([row.direction for row in rows]) == EGRESS
    own_port = np.array([row.own_port for row in rows])
    peer_port = np.array([row.peer_port for row in rows])
    unset = np.full(count, -1)
    flows = FlowColumns(
        np.array([row.interface for row in rows]),
        np.array([row.direction for row in rows]),
        addresses,
        np.where(out, own_port, peer_port),
        np.where(out, peer_port, own_port),
        np.array([row.protocol for row in rows]),
        unset,
        unset,
        unset,
    )
    answers = memory.find(
        flows,
        np.array([row.flags for row in rows]),
        np.array([row.first_us for row in rows]),
        np.array([row.last_us for row in rows]),
        start_s,
    )
    return [Initiated(answer) for answer in answers]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([Row(INGRESS, 6, 2), Row(EGRESS, 6, 18)], [HERE, THERE]),
        ([Row(INGRESS, 6, 3, 9), Row(EGRESS, 6, 19, 0)], [HERE, THERE]),
        ([Row(EGRESS, 6, 2)], [HERE]),
        ([Row(EGRESS, 6, 18)], [THERE]),
        ([Row(INGRESS, 6, 0, 0), Row(EGRESS, 6, 0, 5)], [UNKNOWN, UNKNOWN]),
        ([Row(INGRESS, 17, 0, 7), Row(EGRESS, 17, 0, 5)], [THERE, HERE]),
        ([Row(INGRESS, 1, 0, 5), Row(EGRESS, 1, 0, 5)], [UNKNOWN, UNKNOWN]),
        ([Row(INGRESS, 17, 0, 5, interface=-1)], [UNKNOWN]),
        # The same five-tuple at two interfaces is two connections.
        (
            [Row(INGRESS, 17, 0, 5), Row(EGRESS, 17, 0, 4, own=2, peer=1, interface=1)],
            [HERE, HERE],
        ),
        # Accepted and refused packets of one direction are two rows of one connection.
        ([Row(INGRESS, 6, 2), Row(INGRESS, 6, 0), Row(EGRESS, 6, 18)], [HERE, HERE, THERE]),
    ],
)
def test_one_window(rows: list[Row], expected: list[Initiated]) -> None:
    assert found(ConnectionMemory(), rows) == expected


def test_memory_of_earlier_windows_until_it_is_too_old() -> None:
    memory = ConnectionMemory(other_idle_s=OTHER_IDLE_S)
    found(memory, [Row(INGRESS, 6, 2), Row(EGRESS, 6, 18), Row(INGRESS, 17)], 1_000)

    assert found(memory, [Row(EGRESS, 6), Row(EGRESS, 17)], 1_060) == [THERE, THERE]
    assert found(memory, [Row(EGRESS, 6), Row(EGRESS, 17)], 1_300) == [THERE, HERE]


def test_new_syn_the_other_way_is_a_new_connection() -> None:
    memory = ConnectionMemory()
    found(memory, [Row(INGRESS, 6, 2)], 1_000)

    assert found(memory, [Row(EGRESS, 6, 2), Row(INGRESS, 6, 18)], 1_060) == [HERE, THERE]


def test_room_is_bounded_the_longest_silent_are_forgotten_and_counted() -> None:
    memory = ConnectionMemory(connections_max=8)
    for window in range(8):
        found(memory, [Row(INGRESS, 6, 2, peer_port=window)], 1_000 + 60 * window)
    assert (len(memory), memory.forgotten) == (8, 0)

    found(memory, [Row(INGRESS, 6, 2, peer_port=8)], 1_480)

    assert (len(memory), memory.forgotten) == (7, 2)
    kept = [Row(EGRESS, 6, peer_port=port) for port in (1, 2, 8)]
    assert found(memory, kept, 1_481) == [UNKNOWN, THERE, THERE]


def test_window_larger_than_the_room_is_refused_in_part() -> None:
    memory = ConnectionMemory(connections_max=3)

    answers = found(memory, [Row(INGRESS, 6, 2, peer_port=port) for port in range(5)])

    assert answers == [HERE] * 3 + [UNKNOWN] * 2
    assert memory.refused == 2


def reference(
    known: dict[tuple[int, ...], tuple[int, int]], rows: list[Row], start_s: int
) -> list[Initiated]:
    """The same in plain Python: who began (a direction, or -1) and the last second, by key."""
    answers: dict[tuple[int, ...], int] = {}
    groups: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        key = (row.interface, row.own, row.peer, row.own_port, row.peer_port, row.protocol)
        groups.setdefault(key, []).append(row)
    for key, group in groups.items():
        first = min(row.first_us for row in group) // 1_000_000 + start_s
        last = max(row.last_us for row in group) // 1_000_000 + start_s
        began, seen_s = known.get(key, (-1, 0))
        idle = 432_000 if key[-1] == 6 else OTHER_IDLE_S
        if seen_s + idle < first:
            began = -1
        sides = [[row for row in group if row.direction == side] for side in (INGRESS, EGRESS)]
        flags = [0, 0]
        for row in group:
            flags[row.direction] |= row.flags & 18
        if key[-1] == 6 and flags[0] != flags[1]:
            asking = [flag == 2 for flag in flags]
            began = asking.index(True) if any(asking) else flags.index(min(flags))
        elif began == -1 and (key[-1] != 6 or all(flags)):
            times = [min((row.first_us for row in side), default=10**9) for side in sides]
            if times[0] != times[1]:
                began = times.index(min(times))
        known[key] = (began, max(last, seen_s))
        answers[key] = began
    result = []
    for row in rows:
        key = (row.interface, row.own, row.peer, row.own_port, row.peer_port, row.protocol)
        began = answers[key]
        result.append(UNKNOWN if began == -1 else HERE if began == row.direction else THERE)
    return result


ROWS = st.builds(
    Row,
    direction=st.sampled_from([INGRESS, EGRESS]),
    protocol=st.sampled_from([1, 6, 17]),
    flags=st.sampled_from([0, 1, 2, 3, 16, 18, 19]),
    first_us=st.integers(0, 3),
    last_us=st.sampled_from([3, 59_000_000]),
    own=st.integers(1, 2),
    peer=st.integers(1, 2),
    own_port=st.sampled_from([22, 80]),
    peer_port=st.sampled_from([22, 80]),
    interface=st.integers(0, 1),
)


@settings(max_examples=200, deadline=None)
@given(
    windows=st.lists(
        st.tuples(st.sampled_from([60, 300]), st.lists(ROWS, min_size=1, max_size=12)),
        min_size=1,
        max_size=4,
    )
)
def test_kernels_say_what_the_reference_says(windows: list[tuple[int, list[Row]]]) -> None:
    memory = ConnectionMemory(other_idle_s=OTHER_IDLE_S)
    known: dict[tuple[int, ...], tuple[int, int]] = {}
    start_s = 1_000_000
    for after_s, rows in windows:
        start_s += after_s
        assert found(memory, rows, start_s) == reference(known, rows, start_s)
