"""Aim: who held an address when, exactly and within bounds. Method: plain lists are the oracle."""

from __future__ import annotations

import math
from ipaddress import ip_address

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.inventory import ownership
from vpcflow.inventory.address_ranges import address_words
from vpcflow.inventory.network_interface import Address
from vpcflow.inventory.ownership import Ownership

A, B, C = (ip_address(text) for text in ("10.0.0.1", "10.0.0.2", "2001:db8::1"))


def test_an_address_changes_hands() -> None:
    history = Ownership()
    history.seen("eni-1", [A, C], 10.0)
    history.seen("eni-1", [C], 20.0)
    history.seen("eni-2", [A], 25.0)
    history.gone("eni-2", 30.0)
    assert [history.owner(A, at_s) for at_s in (9.9, 10.0, 19.9, 20.0, 25.0, 29.9, 30.0)] == [
        None,
        "eni-1",
        "eni-1",
        None,
        "eni-2",
        "eni-2",
        None,
    ]
    assert history.owner(C, math.inf) is None
    assert history.owner(C, 1e12) == "eni-1"


def test_the_callers_vpc_comes_first() -> None:
    history = Ownership()
    history.seen("eni-1", [A], 10.0, "vpc-1")
    history.seen("eni-2", [A], 20.0, "vpc-2")
    assert history.owner(A, 30.0, "vpc-1") == "eni-1"
    assert history.owner(A, 30.0, "vpc-2") == "eni-2"
    assert history.owner(A, 30.0, "vpc-3") == history.owner(A, 30.0) == "eni-2"
    assert history.owner(A, 15.0, "vpc-2") == "eni-1"


def test_a_clock_that_goes_back_ends_nothing_before_it_began() -> None:
    history = Ownership()
    history.seen("eni-1", [A], 100.0)
    history.gone("eni-1", 50.0)
    history.seen("eni-2", [A], 60.0)
    assert history.owner(A, 99.0) == "eni-2"


def test_history_is_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "ENDED_SPANS_MAX", 10)
    history = Ownership()
    for number in range(1000):
        history.seen(f"eni-{number}", [A], number)
        history.gone(f"eni-{number}", number + 0.5)
    assert len(history) == 10
    assert history.forgotten == 990
    assert history.owner(A, 989.0) is None
    assert history.owner(A, 990.0) == "eni-990"
    assert len(history.table().interface_ids) == 10


def test_history_is_bounded_by_age() -> None:
    history = Ownership()
    history.seen("eni-1", [A], 0.0)
    history.gone("eni-1", 1.0)
    history.seen("eni-2", [B], 5.0)
    history.gone("eni-2", 2.0 + ownership.ENDED_SPANS_KEPT_S)
    assert history.owner(A, 0.5) is None
    assert (len(history), history.forgotten) == (1, 0)


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["eni-1", "eni-2", "eni-3"]),
        st.lists(st.sampled_from([A, B, C]), max_size=3, unique=True),
        st.integers(0, 3),
        st.sampled_from(["vpc-1", "vpc-2"]),
    ),
    max_size=25,
)


@settings(deadline=None)  # the first call compiles
@given(_EVENTS)
def test_many_questions_are_as_one_by_one(
    events: list[tuple[str, list[Address], int, str]],
) -> None:
    history = Ownership()
    now_s = 0
    for interface_id, addresses, step_s, vpc_id in events:
        now_s += step_s
        if addresses:
            history.seen(interface_id, addresses, now_s, vpc_id)
        else:
            history.gone(interface_id, now_s)
    asked = [(address, float(at_s)) for address in (A, B, C) for at_s in range(now_s + 2)]
    words = address_words(address for address, _ in asked)
    times = np.array([at_s for _, at_s in asked])
    ids = history.table().interface_ids
    for vpc_id in (None, "vpc-1", "vpc-2", "vpc-3"):
        found = history.owners(words, times, vpc_id)
        names = [ids[index] if index >= 0 else None for index in found]
        assert names == [history.owner(address, at_s, vpc_id) for address, at_s in asked]


@settings(deadline=None)
@given(_EVENTS)
def test_owner_is_as_a_plain_log_says(events: list[tuple[str, list[Address], int, str]]) -> None:
    history = Ownership()
    log: list[tuple[int, dict[str, set[Address]]]] = []
    held: dict[str, set[Address]] = {}
    now_s = 0
    for interface_id, addresses, step_s, _ in events:
        now_s += step_s
        history.seen(interface_id, addresses, now_s)
        held = {**held, interface_id: set(addresses)}
        log.append((now_s, held))
    for at_s in range(now_s + 1):
        then = [state for time_s, state in log if time_s <= at_s]
        for address in (A, B, C):
            holders = {name for name, its in (then[-1] if then else {}).items() if address in its}
            owner = history.owner(address, at_s)
            assert owner in holders if holders else owner is None
